package govern

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// APIClient is a machine that acts for a company as an administrator of it.
type APIClient struct {
	ID   string `json:"client_id"`
	Name string `json:"name"`
	// Scopes bound what it may do.
	Scopes         []string  `json:"scopes"`
	OldSecretUntil time.Time `json:"old_secret_until,omitzero"`
	CreatedAt      time.Time `json:"created_at"`
	LastUsedAt     time.Time `json:"last_used_at,omitzero"`
}

// MadeAPIClient is an API client with its secret, seen this one time.
type MadeAPIClient struct {
	APIClient
	Secret string `json:"client_secret"`
}

// APIClients are those of a company.
type APIClients struct {
	APIClients []APIClient `json:"api_clients"`
	// ShutOut says that none gets in: the company requires two factors, which no
	// machine can prove, and names no networks for machines in their place.
	ShutOut bool `json:"shut_out"`
}

// APIClients lists the API clients of a company, by name.
func (g *Govern) APIClients(ctx context.Context, by Actor, org string) (all APIClients, err error) {
	all.APIClients = []APIClient{}
	err = g.read(ctx, by, SeeMachines, org, func(r storage.Reader) error {
		company, err := g.company(ctx, r, org)
		if err != nil {
			return err
		}
		all.ShutOut = company.Rules.Requires() && len(company.Rules.MachineFrom) == 0
		clients, err := r.ClientsNow(ctx)
		if err != nil {
			return err
		}
		clients = slices.DeleteFunc(clients, func(c *storage.Client) bool { return !actsFor(c, org) })
		used, err := r.LastUse(ctx, idsOf(clients)...)
		if err != nil {
			return err
		}
		for _, c := range clients {
			all.APIClients = append(all.APIClients, g.apiClientOf(c, used[c.ID]))
		}
		slices.SortStableFunc(all.APIClients, func(a, b APIClient) int { return strings.Compare(a.Name, b.Name) })
		return nil
	})
	return all, err
}

func actsFor(c *storage.Client, org string) bool {
	return !c.Internal && c.Org == org && session.MachineOnly(c)
}

func (g *Govern) apiClientOf(c *storage.Client, used time.Time) APIClient {
	a := APIClient{ID: c.ID, Name: c.Name, Scopes: c.Scopes, CreatedAt: c.CreatedAt, LastUsedAt: used}
	if c.OldSecretUntil.After(g.Now()) {
		a.OldSecretUntil = c.OldSecretUntil
	}
	return a
}

// MachineScopes are those that an API client of a company can be given: what
// no machine may do isn't offered.
func MachineScopes() []string {
	return slices.DeleteFunc(session.AdminScopes(), func(scope string) bool {
		for _, r := range rights {
			if r.scope == scope && r.least != "" && !r.persons && r.least != policy.Owner {
				return false
			}
		}
		return true
	})
}

// CreateAPIClient adds an API client to a company. Its id is made of the
// company's and its name, which no other of the company may have. The error is
// *apply.Problems where fields are wrong: name and scopes.
func (g *Govern) CreateAPIClient(ctx context.Context, by Actor, org, name string, scopes []string) (made MadeAPIClient, err error) {
	err = g.write(ctx, by, ChangeMachine, org, func(tx *storage.Tx, by Actor) error {
		if err := holdSelf(ctx, tx, by); err != nil {
			return err
		}
		clients, err := tx.ClientsNow(ctx)
		if err != nil {
			return err
		}
		name = strings.TrimSpace(name)
		wrong := new(apply.Problems)
		refuse := func(field string, code apply.Code, what, remedy string) {
			wrong.List = append(wrong.List, apply.Problem{Path: field, Field: field, Code: code, Wrong: what, Remedy: remedy})
		}
		if name == "" {
			refuse("name", apply.CodeMissing, "is missing", "write what the program is for")
		}
		if slices.ContainsFunc(clients, func(c *storage.Client) bool { return actsFor(c, org) && strings.EqualFold(c.Name, name) }) {
			refuse("name", apply.CodeTaken, fmt.Sprintf("is %q, as of another API client", name), "choose another")
		}
		if len(scopes) == 0 {
			refuse("scopes", apply.CodeMissing, "is missing", "choose at least one thing it may do")
		}
		if len(wrong.List) > 0 {
			return wrong
		}
		entry := apply.NewProduct()
		entry.ID, entry.Name, entry.Company, entry.Scopes = machineID(org, name, clients), name, org, scopes
		entry.GrantTypes = []string{session.ClientCredentials}
		product, err := g.createProduct(ctx, tx, by, entry)
		if err != nil {
			return err
		}
		c, err := tx.Client(ctx, entry.ID)
		if err != nil {
			return err
		}
		made = MadeAPIClient{APIClient: g.apiClientOf(c, time.Time{}), Secret: product.Secret}
		return nil
	})
	return made, err
}

// machineID is an id that nothing has yet, made of the company's and a name.
func machineID(org, name string, taken []*storage.Client) string {
	const longest, number = 64, 5 // of an id, and of what makes it unlike others
	id := org + "-" + slug(name)
	if strings.HasPrefix(id, "sallyport-") {
		id = "of-" + id // that beginning is the provider's own
	}
	id = strings.TrimRight(id[:min(longest-number, len(id))], "-")
	free := func(id string) bool {
		return !slices.ContainsFunc(taken, func(c *storage.Client) bool { return c.ID == id })
	}
	if free(id) {
		return id
	}
	for n := 2; ; n++ {
		if numbered := fmt.Sprintf("%s-%d", id, n); free(numbered) {
			return numbered
		}
	}
}

// slug is a name in the letters of an id.
func slug(name string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			b.WriteRune(c)
		case !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	if s := strings.Trim(b.String(), "-"); s != "" {
		return s
	}
	return "api"
}

// onMachine is write about one API client of a company.
func (g *Govern) onMachine(ctx context.Context, by Actor, org, id string, fn func(*storage.Tx, Actor) error) error {
	return g.write(ctx, by, ChangeMachine, org, func(tx *storage.Tx, by Actor) error {
		c, err := registered(ctx, tx.Reader, id)
		if err == nil && !actsFor(c, org) {
			err = notFound("API client")
		}
		if err != nil {
			return err
		}
		return fn(tx, by)
	})
}

// APIClient shows one API client of a company.
func (g *Govern) APIClient(ctx context.Context, by Actor, org, id string) (a APIClient, err error) {
	all, err := g.APIClients(ctx, by, org)
	if err != nil {
		return a, err
	}
	i := slices.IndexFunc(all.APIClients, func(a APIClient) bool { return a.ID == id })
	if i < 0 {
		return a, notFound("API client")
	}
	return all.APIClients[i], nil
}

// RotateAPIClient gives an API client another secret, as RotateSecret does.
func (g *Govern) RotateAPIClient(ctx context.Context, by Actor, org, id string, overlap time.Duration) (made Rotated, err error) {
	err = g.onMachine(ctx, by, org, id, func(tx *storage.Tx, by Actor) error {
		made, err = g.rotateSecret(ctx, tx, by, id, overlap, "api_client.secret_rotated")
		return err
	})
	return made, err
}

// DeleteAPIClient removes an API client: it is refused from its next call on.
func (g *Govern) DeleteAPIClient(ctx context.Context, by Actor, org, id string) error {
	return g.onMachine(ctx, by, org, id, func(tx *storage.Tx, by Actor) error { return g.deleteProduct(ctx, tx, by, id) })
}
