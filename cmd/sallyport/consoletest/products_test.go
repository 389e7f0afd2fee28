package consoletest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
)

const shop = "https://shop.example"

// register registers the product shop, and returns its secret.
func register(t *testing.T, c console) string {
	t.Helper()
	c.at("/console/products/new").Submit(map[string]string{
		"id": "shop", "name": "Shop", "auth_method": "client_secret_basic", "redirect_uris": shop + "/callback", "scopes": "openid",
		"grant_types": "authorization_code", "id_token_signed_response_alg": "ES256", "pkce": "required", "first_party": "1",
	})
	c.MustBeAt("/console/products/shop").MustRead("Shop is registered.")
	return only(c.Person, t, "#secret")
}

// An operator registers a product and copies what it needs; it signs somebody
// in with that, and again while and after its secret is replaced.
func TestProductIsRegisteredAndSignsIn(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		c := enter(t, d, otto)
		// What was entered is there still when something is wrong with it.
		c.at("/console/products/new").Submit(map[string]string{
			"id": "shop", "name": "Corner shop", "redirect_uris": "http://shop.example/callback", "scopes": "openid", "grant_types": "authorization_code",
			"auth_method": "client_secret_basic", "id_token_signed_response_alg": "ES256", "pkce": "required", "companies": "acme\nnowhere",
		})
		c.MustRead("This one isn't: http://shop.example/callback").MustRead("There is no company with this id: nowhere.")
		if c.Status != http.StatusUnprocessableEntity || !c.Has("[value=Corner shop]") {
			t.Errorf("%d: %s", c.Status, c.Text())
		}

		secret := register(t, c)
		c.MustRead("go-oidc").MustRead("Node · openid-client")
		c.at("/console/products/shop")
		if c.Has("#secret") || strings.Contains(c.Text(), secret) {
			t.Error("the secret is shown twice")
		}
		c.at("/console/products").MustRead("Shop").MustRead("Not used yet")
		if strings.Contains(c.Text(), "sallyport-console") {
			t.Error("the provider's own pages are among the products")
		}

		rp := servertest.NewRP(t, d.Instance, "shop", secret, shop+"/callback")
		p := servertest.NewPerson(t, shop).Go(rp.AuthorizeURL(url.Values{"scope": {"openid"}}))
		p.Submit(map[string]string{"username": ben, "password": demo.Password})
		if status, tokens := rp.Exchange(p.URL.Query().Get("code"), nil); status != http.StatusOK || tokens.String("id_token") == "" {
			t.Fatalf("%d %v", status, tokens)
		}

		// Another secret, and for a day both.
		c.at("/console/products/shop").Submit(map[string]string{"overlap": "24"})
		c.MustBeAt("/console/products/shop").MustRead("The secret before works until")
		second := only(c.Person, t, "#secret")
		if second == secret || !knows(d, t, "shop", secret) || !knows(d, t, "shop", second) {
			t.Error("both secrets should work")
		}
		d.Clock.Advance(24*time.Hour + time.Minute)
		if knows(d, t, "shop", secret) || !knows(d, t, "shop", second) {
			t.Error("only the new one should work a day later")
		}
	})
}

// A form that is sent twice makes one secret: else the one that is shown would
// not be the one that works, and the old one would be lost.
func TestSecretIsMadeOnce(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		c := enter(t, d, otto)
		first := register(t, c)
		for range 2 { // the token is on the list, too: nobody looks at the product meanwhile
			status, to, _ := c.post("/console/products/new", "/console/products/shop/secret", url.Values{"overlap": {"24"}})
			if status != http.StatusSeeOther || to != "/console/products/shop?done=secret" {
				t.Fatalf("%d to %s", status, to)
			}
		}
		if resp, err := c.Client().Head(d.URL + "/console/products/shop"); err != nil || resp.StatusCode != http.StatusOK { // it shows nobody anything
			t.Fatal(resp, err)
		}
		second := only(c.at("/console/products/shop?done=secret"), t, "#secret")
		if !knows(d, t, "shop", first) || !knows(d, t, "shop", second) {
			t.Error("a secret was made that nobody saw")
		}
	})
}

func TestProductIsChangedAndDeleted(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		c := enter(t, d, otto)
		register(t, c)
		c.at("/console/products/shop/edit").Submit(map[string]string{
			"name": "Corner shop", "auth_method": "client_secret_basic", "redirect_uris": shop + "/callback\n" + shop + "/other", "scopes": "openid",
			"grant_types": "authorization_code", "id_token_signed_response_alg": "ES256", "pkce": "required", "require_two_factors": "some", "require_two_factors_of": "acme", "companies": "acme",
		})
		c.MustBeAt("/console/products/shop").MustRead("Saved.").MustRead("Corner shop").MustRead(shop + "/other").MustRead("Always, of Acme")
		client, err := d.DB.Client(t.Context(), "shop")
		if err != nil || client.FirstParty || len(client.RedirectURIs) != 2 || client.SecretHash == "" {
			t.Errorf("%+v, %v", client, err)
		}
		// Of nobody in particular would be of everybody, which is more than was said.
		c.at("/console/products/shop/edit").Submit(map[string]string{
			"name": "Corner shop", "auth_method": "client_secret_basic", "redirect_uris": shop + "/callback", "scopes": "openid",
			"grant_types": "authorization_code", "id_token_signed_response_alg": "ES256", "pkce": "required", "require_two_factors": "some", "require_two_factors_of": "",
		})
		c.MustRead("Name the companies, or require it of everybody.")
		c.at("/console/products/shop/delete").MustRead("Delete Corner shop?").Submit(map[string]string{"confirm": "1"})
		c.MustBeAt("/console/products").MustRead("shop is deleted.")
		c.at("/console/products/shop")
		if c.Status != http.StatusNotFound {
			t.Errorf("%d: %s", c.Status, c.Text())
		}
	})
}

// Whoever isn't the operator sees nothing of the instance's pages.
func TestInstanceIsTheOperators(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		c := enter(t, d, olga)
		for _, path := range []string{
			"/console/companies", "/console/companies/new", "/console/products", "/console/products/new", "/console/products/dashboard", "/console/products/dashboard/edit",
			"/console/products/dashboard/delete", "/console/keys", "/console/keys/rotate", "/console/keys/leaked", "/console/delivery", "/console/audit", "/console/audit/export?format=csv",
		} {
			if c.at(path); c.Status != http.StatusForbidden {
				t.Errorf("%s: %d\n%s", path, c.Status, c.Text())
			}
		}
		for path, form := range map[string]url.Values{
			"/console/products/dashboard/secret": {"overlap": {"0"}}, "/console/products/dashboard/delete": {"confirm": {"1"}}, "/console/keys/leaked": {"confirm": {"1"}},
			"/console/delivery/test": {"kind": {"mail"}, "to": {olga}}, "/console/companies/new": {"id": {"initech"}, "name": {"Initech"}, "plan": {"all"}},
		} {
			if status, _, body := c.post("/console/companies/acme/people/new", path, form); status != http.StatusForbidden {
				t.Errorf("%s: %d\n%s", path, status, body)
			}
		}
		for _, path := range []string{"/console/companies/globex/products", "/console/companies/globex/api-clients", "/console/companies/globex/audit", "/console/companies/globex/audit/export?format=csv"} {
			if c.at(path); c.Status != http.StatusNotFound {
				t.Errorf("%s: %d\n%s", path, c.Status, c.Text())
			}
		}
	})
}
