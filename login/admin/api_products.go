package admin

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

func (a *API) productRoutes() []route {
	const one = "/products/{product}"
	return []route{
		{method: "GET", path: "/products", serve: a.products, query: append([]string{"search"}, paging...)},
		{method: "POST", path: "/products", serve: a.createProduct, creates: true},
		{method: "GET", path: one, serve: a.product},
		{method: "PATCH", path: one, serve: a.changeProduct},
		{method: "DELETE", path: one, serve: a.deleteProduct},
		{method: "POST", path: one + "/secret", serve: a.rotateSecret, creates: true},
	}
}

func (a *API) products(c *call) (answer, error) {
	after, limit, err := c.page()
	if err != nil {
		return answer{}, err
	}
	page, err := a.Govern.Products(c.ctx(), c.by, govern.ProductsFilter{Search: c.r.URL.Query().Get("search"), After: after, Limit: limit})
	if err != nil {
		return answer{}, err
	}
	return shown(listed[govern.Product]{Items: page.Products, Next: c.next(page.Next)})
}

// productWritten is what can be said of a product, by the names of the file.
type productWritten struct {
	ID                     string                `json:"id"`
	Name                   string                `json:"name"`
	AuthMethod             *string               `json:"auth_method"`
	RedirectURIs           []string              `json:"redirect_uris"`
	PostLogoutRedirectURIs []string              `json:"post_logout_redirect_uris"`
	BackchannelLogoutURI   string                `json:"backchannel_logout_uri"`
	GrantTypes             []string              `json:"grant_types"`
	Scopes                 []string              `json:"scopes"`
	Company                string                `json:"company"`
	IDTokenAlg             *string               `json:"id_token_signed_response_alg"`
	PKCE                   *string               `json:"pkce"`
	Native                 bool                  `json:"native"`
	FirstParty             bool                  `json:"first_party"`
	RequireTwoFactors      bool                  `json:"require_two_factors"`
	RequireTwoFactorsOf    []string              `json:"require_two_factors_of"`
	MinACR                 string                `json:"min_acr"`
	Companies              []string              `json:"companies"`
	Kinds                  []string              `json:"kinds"`
	People                 []string              `json:"people"`
	Roles                  []storage.ProductRole `json:"roles"`
	PolicyURI              string                `json:"policy_uri"`
	TermsURI               string                `json:"tos_uri"`
	apply.Protocol
}

// entry is what was said, on top of the defaults.
func (w productWritten) entry() apply.Product {
	e := apply.NewProduct()
	e.ID, e.Name, e.RedirectURIs, e.PostLogoutRedirectURIs, e.BackchannelLogoutURI = w.ID, w.Name, w.RedirectURIs, w.PostLogoutRedirectURIs, w.BackchannelLogoutURI
	e.Company, e.Native, e.FirstParty, e.RequireTwoFactors, e.RequireTwoFactorsOf = w.Company, w.Native, w.FirstParty, w.RequireTwoFactors, w.RequireTwoFactorsOf
	e.MinACR, e.Companies, e.Kinds, e.People, e.Roles, e.PolicyURI, e.TermsURI = w.MinACR, w.Companies, w.Kinds, w.People, w.Roles, w.PolicyURI, w.TermsURI
	e.Protocol = w.Protocol
	e.SubjectType = cmp.Or(e.SubjectType, apply.NewProduct().SubjectType)
	// What has a default gets it back by null.
	for into, said := range map[*string]*string{&e.AuthMethod: w.AuthMethod, &e.IDTokenAlg: w.IDTokenAlg, &e.PKCE: w.PKCE} {
		if said != nil {
			*into = *said
		}
	}
	for into, said := range map[*[]string][]string{&e.GrantTypes: w.GrantTypes, &e.Scopes: w.Scopes} {
		if said != nil {
			*into = said
		}
	}
	return e
}

func (a *API) createProduct(c *call) (answer, error) {
	var w productWritten
	if _, err := c.decode(&w); err != nil {
		return answer{}, err
	}
	made, err := a.Govern.CreateProduct(c.ctx(), c.by, w.entry())
	if err != nil {
		return answer{}, named("id", err)
	}
	return createdAt(made, "products", made.ID)
}

func (a *API) product(c *call) (answer, error) {
	p, err := a.Govern.Product(c.ctx(), c.by, c.id("product"))
	if err != nil {
		return answer{}, err
	}
	return shown(p)
}

func (a *API) changeProduct(c *call) (answer, error) {
	var w productWritten
	mentioned, err := c.decode(&w)
	if err != nil {
		return answer{}, err
	}
	if slices.Contains(mentioned, "id") && w.ID != c.id("product") {
		return answer{}, wrongField("id", "not_allowed", "is another", "leave it out: an id stays")
	}
	mentioned = slices.DeleteFunc(mentioned, func(name string) bool { return name == "id" })
	now, err := a.Govern.PatchProduct(c.ctx(), c.by, c.id("product"), func(there apply.Product) (apply.Product, []string, error) {
		entry := w.entry()
		return entry, mentioned, patchObjects(&entry.Protocol, there.Protocol, c.body)
	})
	if err != nil {
		return answer{}, err
	}
	return shown(now)
}

// patchObjects merges into what is there the members of a merge patch that are
// objects of several values, such as api.
func patchObjects(into *apply.Protocol, there apply.Protocol, patch []byte) error {
	merged, err := patched(there, patch)
	if err != nil {
		return err
	}
	var whole apply.Protocol
	if err := json.Unmarshal(merged, &whole); err != nil {
		return err
	}
	into.TLSClient, into.API, into.Exchange, into.ClaimProfile = whole.TLSClient, whole.API, whole.Exchange, whole.ClaimProfile
	return nil
}

func (a *API) deleteProduct(c *call) (answer, error) {
	if err := a.Govern.DeleteProduct(c.ctx(), c.by, c.id("product")); err != nil {
		return answer{}, err
	}
	return noContent()
}

// overlap is for how long a replaced secret is good besides the new one.
func (c *call) overlap() (time.Duration, error) {
	var w struct {
		Seconds int64 `json:"overlap_seconds"`
	}
	if len(c.body) > 0 {
		if _, err := c.decode(&w); err != nil {
			return 0, err
		}
	}
	if w.Seconds < 0 || w.Seconds > int64(storage.MaxSecretOverlap/time.Second) {
		return 0, wrongField("overlap_seconds", "not_allowed", "isn't from 0 to 30 days", "write at most 2592000")
	}
	return time.Duration(w.Seconds) * time.Second, nil
}

func (a *API) rotateSecret(c *call) (answer, error) {
	overlap, err := c.overlap()
	if err != nil {
		return answer{}, err
	}
	made, err := a.Govern.RotateSecret(c.ctx(), c.by, c.id("product"), overlap)
	if err != nil {
		return answer{}, err
	}
	return createdAt(made)
}

// named takes what is wrong with a whole entry, because it is there already,
// for what is wrong with the field that names it.
func named(field string, err error) error {
	ps, are := errors.AsType[*apply.Problems](err)
	if !are {
		return err
	}
	list := slices.Clone(ps.List)
	for i := range list {
		if p := &list[i]; p.Field == "" && p.Code == apply.CodeTaken {
			p.Field, p.Remedy = field, "write another"
		}
	}
	return &apply.Problems{List: list}
}
