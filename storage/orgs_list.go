package storage

import "context"

// OrgSize is how many people a company has. Owners are those who can act as
// such.
type OrgSize struct{ People, Owners int }

// OrgSizes counts the people of companies, by id; a company without any isn't
// in it.
func (r Reader) OrgSizes(ctx context.Context, ids []string) (map[string]OrgSize, error) {
	sizes := make(map[string]OrgSize, len(ids))
	if len(ids) == 0 {
		return sizes, nil
	}
	_, err := list(r.run, ctx, "sizes of companies", func(row scanner) (struct{}, error) {
		var id string
		var s OrgSize
		err := row.Scan(&id, &s.People, &s.Owners)
		sizes[id] = s
		return struct{}{}, err
	}, `SELECT org_id, COUNT(*), SUM(CASE WHEN role = 'owner' AND disabled_at IS NULL THEN 1 ELSE 0 END)
		FROM users WHERE org_id IN `+placeholders(0, len(ids))+` GROUP BY org_id`, anys(ids)...)
	return sizes, err
}

func anys(texts []string) []any {
	all := make([]any, len(texts))
	for i, t := range texts {
		all[i] = t
	}
	return all
}
