package govern

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// Product is a product as the operator sees it: an entry as a file has it, and
// what became of it. Its secret is never in it.
type Product struct {
	apply.Product
	// OldSecretUntil is until when a replaced secret works; zero: there is none.
	OldSecretUntil time.Time `json:"old_secret_until,omitzero"`
	CreatedAt      time.Time `json:"created_at"`
	UpdatedAt      time.Time `json:"updated_at"`
	// LastUsedAt is when it last got a token; zero: never.
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
	// RolePeople is how many people have each role that it defines, besides those
	// who have it by their kind. Lists leave it out.
	RolePeople map[string]int `json:"role_people,omitempty"`
}

// MadeProduct is a product with the secret that was made for it: empty for one
// without. It is stored as a hash only, so this is the one time it is seen.
type MadeProduct struct {
	Product
	Secret string `json:"client_secret,omitempty"`
}

// ProductsFilter chooses products.
type ProductsFilter struct {
	// Search is a part of the name or id, whatever its case.
	Search string
	// After is the id the page before ended with; Limit is 50 where it is 0, and
	// at most 200.
	After string
	Limit int
}

// ProductsPage is a page of products, by id.
type ProductsPage struct {
	Products []Product `json:"products"`
	// Next is the After of the page that follows; empty: there is none.
	Next string `json:"next,omitempty"`
	// Total is how many the filter chooses in all.
	Total int `json:"total"`
}

// Products lists the products of the instance, API clients among them.
func (g *Govern) Products(ctx context.Context, by Actor, f ProductsFilter) (page ProductsPage, err error) {
	page.Products = []Product{}
	err = g.read(ctx, by, SeeAllProducts, "", func(r storage.Reader) error {
		clients, err := r.ClientsNow(ctx)
		if err != nil {
			return err
		}
		clients = slices.DeleteFunc(clients, func(c *storage.Client) bool {
			return c.Internal || !contains(c.ID, f.Search) && !contains(c.Name, f.Search)
		})
		page.Total = len(clients)
		clients = slices.DeleteFunc(clients, func(c *storage.Client) bool { return c.ID <= f.After })
		if limit := pageLimit(f.Limit); len(clients) > limit {
			clients, page.Next = clients[:limit], clients[limit-1].ID
		}
		used, err := r.LastUse(ctx, idsOf(clients)...)
		if err != nil {
			return err
		}
		for _, c := range clients {
			p, err := productOf(ctx, r, c)
			if err != nil {
				return err
			}
			p.LastUsedAt = used[c.ID]
			page.Products = append(page.Products, p)
		}
		return nil
	})
	return page, err
}

func idsOf(clients []*storage.Client) (ids []string) {
	for _, c := range clients {
		ids = append(ids, c.ID)
	}
	return ids
}

// productOf is a product without its last use.
func productOf(ctx context.Context, r storage.Reader, c *storage.Client) (Product, error) {
	entry := apply.ProductOf(c)
	entry.SecretHash = ""
	if len(c.People) > 0 {
		names, err := r.Names(ctx, c.People)
		if err != nil {
			return Product{}, err
		}
		for _, id := range c.People {
			// Whoever is gone stays there by their id: a product whose only people are
			// gone is open to nobody.
			entry.People = append(entry.People, cmp.Or(names[id].Email, id))
		}
	}
	return Product{Product: entry, OldSecretUntil: c.OldSecretUntil, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt}, nil
}

// Product shows one product.
func (g *Govern) Product(ctx context.Context, by Actor, id string) (p Product, err error) {
	err = g.read(ctx, by, SeeAllProducts, "", func(r storage.Reader) error {
		p, err = g.product(ctx, r, id)
		return err
	})
	return p, err
}

func (g *Govern) product(ctx context.Context, r storage.Reader, id string) (p Product, err error) {
	c, err := registered(ctx, r, id)
	if err != nil {
		return p, err
	}
	if p, err = productOf(ctx, r, c); err != nil {
		return p, err
	}
	if !p.OldSecretUntil.After(g.Now()) {
		p.OldSecretUntil = time.Time{}
	}
	used, err := r.LastUse(ctx, id)
	if err != nil {
		return p, err
	}
	p.LastUsedAt = used[id]
	if len(c.Roles) > 0 {
		held, err := r.RolesHeld(ctx, "")
		if err != nil {
			return p, err
		}
		p.RolePeople = make(map[string]int)
		for _, role := range c.Roles {
			p.RolePeople[role.ID] = held[id][role.ID]
		}
	}
	return p, nil
}

// registered is a product that isn't the provider's own.
func registered(ctx context.Context, r storage.Reader, id string) (*storage.Client, error) {
	c, err := r.Client(ctx, id)
	if err == nil && c.Internal {
		err = notFound("product")
	}
	return c, err
}

// CreateProduct registers a product, with a secret made for it unless it
// authenticates without one. The error is *apply.Problems where fields are wrong.
func (g *Govern) CreateProduct(ctx context.Context, by Actor, entry apply.Product) (made MadeProduct, err error) {
	err = g.write(ctx, by, ChangeProducts, "", func(tx *storage.Tx, by Actor) error {
		made, err = g.createProduct(ctx, tx, by, entry)
		return err
	})
	return made, err
}

func (g *Govern) createProduct(ctx context.Context, tx *storage.Tx, by Actor, entry apply.Product) (made MadeProduct, err error) {
	if err := holdSelf(ctx, tx, by); err != nil {
		return made, err
	}
	entry.SecretHash, entry.SecretText = "", ""
	if entry.HasSecret() {
		made.Secret = storage.NewClientSecret(entry.AuthMethod)
		entry.SecretHash, entry.SecretText = apply.Secret(storage.Hash(made.Secret)), apply.Secret(made.Secret)
	}
	if _, err := g.apply(ctx, tx, by, apply.File{Products: []apply.Product{entry}}, apply.Options{OnlyNew: true}); err != nil {
		return MadeProduct{}, err
	}
	if err := g.mayLend(ctx, tx, by, entry.ID); err != nil {
		return MadeProduct{}, err
	}
	made.Product, err = g.product(ctx, tx.Reader, entry.ID)
	return made, err
}

// mayLend refuses to a token what would make it stronger: whoever registers a
// product, changes it or makes its secret can act by all its scopes.
func (g *Govern) mayLend(ctx context.Context, tx *storage.Tx, by Actor, id string) error {
	c, err := tx.Client(ctx, id)
	if err != nil {
		return err
	}
	for _, scope := range c.Scopes {
		if slices.Contains(session.AdminScopes(), scope) && !by.scoped(scope) {
			return &Refused{Code: "scope", Action: ChangeProducts, Scope: scope}
		}
	}
	if slices.Contains(c.GrantTypes, session.ClientCredentials) {
		return by.may(ChangeMachine, c.Org) // an API client, whichever way it is come by
	}
	return nil
}

// holdSelf makes what a person sends twice at once happen one after the other,
// so that the second finds what the first has done.
func holdSelf(ctx context.Context, tx *storage.Tx, by Actor) error {
	if by.UserID == "" {
		return nil
	}
	return tx.HoldUser(ctx, by.UserID)
}

// ChangeProduct changes the fields of a product that are named, as a file
// would; a secret is changed by RotateSecret. Where a product that had none
// comes to authenticate with a secret, one is made for it, and so it is where
// it comes to sign by a secret of which only the hash is known.
func (g *Govern) ChangeProduct(ctx context.Context, by Actor, entry apply.Product, fields ...string) (made MadeProduct, err error) {
	return g.PatchProduct(ctx, by, entry.ID, func(apply.Product) (apply.Product, []string, error) { return entry, fields, nil })
}

// PatchProduct is ChangeProduct where what is wanted depends on what is there:
// patch says both, given the product as a file would have it.
func (g *Govern) PatchProduct(ctx context.Context, by Actor, id string, patch func(there apply.Product) (apply.Product, []string, error)) (made MadeProduct, err error) {
	err = g.write(ctx, by, ChangeProducts, "", func(tx *storage.Tx, by Actor) error {
		c, err := registered(ctx, tx.Reader, id)
		if err != nil {
			return err
		}
		if err := g.mayLend(ctx, tx, by, id); err != nil {
			return err
		}
		entry, fields, err := patch(apply.ProductOf(c))
		if err != nil {
			return err
		}
		named := slices.DeleteFunc(slices.Clone(fields), func(f string) bool { return f == "secret_hash" || f == "secret_file" })
		entry.ID, entry.SecretHash, entry.SecretText = id, "", ""
		if slices.Contains(named, "auth_method") && needsSecret(c, entry) {
			made.Secret = storage.NewClientSecret(entry.AuthMethod)
			entry.SecretHash, entry.SecretText = apply.Secret(storage.Hash(made.Secret)), apply.Secret(made.Secret)
			named = append(named, "secret_hash")
		}
		if _, err := g.apply(ctx, tx, by, apply.File{Products: []apply.Product{entry.Only(named...)}}, apply.Options{OnlyThere: true}); err != nil {
			return err
		}
		if err := g.mayLend(ctx, tx, by, id); err != nil {
			return err
		}
		made.Product, err = g.product(ctx, tx.Reader, id)
		return err
	})
	if err != nil {
		return MadeProduct{}, err
	}
	return made, nil
}

// needsSecret says whether a product has no secret by which it could
// authenticate as an entry wants it to.
func needsSecret(c *storage.Client, entry apply.Product) bool {
	return entry.HasSecret() && (!c.HasSecret() || entry.AuthMethod == storage.ClientSecretJWT && c.Secret == "")
}

// DeleteProduct removes a product with its grants, and the roles in it.
func (g *Govern) DeleteProduct(ctx context.Context, by Actor, id string) error {
	return g.write(ctx, by, ChangeProducts, "", func(tx *storage.Tx, by Actor) error {
		return g.deleteProduct(ctx, tx, by, id)
	})
}

func (g *Govern) deleteProduct(ctx context.Context, tx *storage.Tx, by Actor, id string) error {
	if _, err := registered(ctx, tx.Reader, id); err != nil {
		return err
	}
	if err := g.mayLend(ctx, tx, by, id); err != nil {
		return err
	}
	entry := apply.NewProduct()
	entry.ID, entry.Delete = id, true
	_, err := g.apply(ctx, tx, by, apply.File{Products: []apply.Product{entry}}, apply.Options{OnlyThere: true})
	return err
}
