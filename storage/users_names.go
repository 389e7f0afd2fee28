package storage

import (
	"context"
	"slices"
)

// Named is what to call somebody.
type Named struct{ OrgID, Name, Email string }

// namesAtOnce bounds the ids of one statement.
const namesAtOnce = 500

// Names returns what to call people, by id. Who was deleted isn't in it.
func (r Reader) Names(ctx context.Context, ids []string) (map[string]Named, error) {
	names := make(map[string]Named, len(ids))
	for some := range slices.Chunk(ids, namesAtOnce) {
		_, err := list(r.run, ctx, "names", func(row scanner) (struct{}, error) {
			var id string
			var n Named
			var p Profile
			err := row.Scan(&id, &n.OrgID, &n.Email, document{&p})
			n.Name = p.Name
			names[id] = n
			return struct{}{}, err
		}, `SELECT id, org_id, email, profile FROM users WHERE id IN `+placeholders(0, len(some)), anys(some)...)
		if err != nil {
			return nil, err
		}
	}
	return names, nil
}

// RolesHeld counts the people of a company, or of all where org is empty, by
// product and role.
func (r Reader) RolesHeld(ctx context.Context, org string) (map[string]map[string]int, error) {
	held := make(map[string]map[string]int)
	err := r.rolesGiven(ctx, org, func(roles map[string][]string, people int) {
		for product, given := range roles {
			for _, role := range given {
				if held[product] == nil {
					held[product] = make(map[string]int)
				}
				held[product][role] += people
			}
		}
	})
	return held, err
}

// RoleHolders counts the people of a company who have any role in a product,
// by product.
func (r Reader) RoleHolders(ctx context.Context, org string) (map[string]int, error) {
	holders := make(map[string]int)
	err := r.rolesGiven(ctx, org, func(roles map[string][]string, people int) {
		for product, given := range roles {
			if len(given) > 0 {
				holders[product] += people
			}
		}
	})
	return holders, err
}

// rolesGiven calls see for every set of roles that people have, of which there
// are far fewer than people.
func (r Reader) rolesGiven(ctx context.Context, org string, see func(roles map[string][]string, people int)) error {
	query, args := `SELECT roles, COUNT(*) FROM users GROUP BY roles`, []any(nil)
	if org != "" {
		query, args = `SELECT roles, COUNT(*) FROM users WHERE org_id = $1 GROUP BY roles`, []any{org}
	}
	_, err := list(r.run, ctx, "roles of people", func(row scanner) (struct{}, error) {
		var roles map[string][]string
		var people int
		err := row.Scan(document{&roles}, &people)
		if err == nil {
			see(roles, people)
		}
		return struct{}{}, err
	}, query, args...)
	return err
}
