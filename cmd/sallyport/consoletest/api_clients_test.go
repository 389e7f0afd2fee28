package consoletest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
)

// An owner makes an API client, which lists people with a token of its own. Once
// the company requires two factors, the pages say why it is refused and how
// that can be mended.
func TestAPIClientOfACompany(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		c := enter(t, d, olga)
		c.at("/console/companies/acme/api-clients/new").Submit(map[string]string{"name": "Staff directory"})
		c.MustRead("Choose at least one thing it may do.")
		if !c.Has("[value=Staff directory]") {
			t.Errorf("what was typed is gone: %s", c.Text())
		}
		c.Submit(map[string]string{"name": "Staff directory", "scopes": "people:read"})
		c.MustBeAt("/console/companies/acme/api-clients/acme-staff-directory/secret").MustRead("It can't be shown again")
		secret := only(c.Person, t, "#secret")
		c.at("/console/companies/acme/api-clients/acme-staff-directory/secret")
		c.MustBeAt("/console/companies/acme/api-clients").MustRead("Staff directory").MustRead("See people")
		if strings.Contains(c.Text(), secret) {
			t.Error("the secret is shown twice")
		}

		rp := servertest.NewRP(t, d.Instance, "acme-staff-directory", secret, "")
		token := func() (int, servertest.Answer) {
			return rp.Post("/token", url.Values{"grant_type": {"client_credentials"}})
		}
		status, a := token()
		if status != http.StatusOK {
			t.Fatalf("no token: %d %v", status, a)
		}
		d.NewCaller(t, a.String("access_token")).Must(http.StatusOK, "GET", "/companies/acme/people", nil)
		d.NewCaller(t, a.String("access_token")).Must(http.StatusNotFound, "GET", "/companies/globex/people", nil)

		// A form sent twice makes one.
		if status, _, body := c.post("/console/companies/acme/api-clients/new", "/console/companies/acme/api-clients/new", url.Values{"name": {"staff directory"}, "scopes": {"people:read"}}); status != http.StatusUnprocessableEntity || !strings.Contains(body, "This is in use already") {
			t.Errorf("%d: %s", status, body)
		}

		d.Apply("companies: [{id: acme, rules: {staff: {mode: required}}}]")
		if status, a := token(); status != http.StatusBadRequest && status != http.StatusForbidden && status != http.StatusUnauthorized {
			t.Errorf("without networks: %d %v", status, a)
		}
		c.at("/console/companies/acme/api-clients").MustRead("none gets in until you say from which addresses programs may come").Follow("/console/companies/acme/networks")
		if c.Status != http.StatusOK {
			t.Errorf("%d: %s", c.Status, c.Text())
		}
		d.Apply("companies: [{id: acme, rules: {staff: {mode: required}, machine_from: [127.0.0.0/8, '::1/128']}}]")
		if status, a := token(); status != http.StatusOK {
			t.Errorf("from its networks: %d %v", status, a)
		}
		c.at("/console/companies/acme/api-clients")
		if strings.Contains(c.Text(), "none gets in") {
			t.Errorf("warns still: %s", c.Text())
		}

		// Another secret at once: the one before is over.
		c.Submit(map[string]string{"overlap": "0"})
		c.MustBeAt("/console/companies/acme/api-clients/acme-staff-directory/secret")
		if status, _ := token(); status != http.StatusUnauthorized {
			t.Errorf("the old secret: %d", status)
		}
		rp.Secret = only(c.Person, t, "#secret")
		if status, a := token(); status != http.StatusOK {
			t.Errorf("the new secret: %d %v", status, a)
		}
		c.at("/console/companies/acme/api-clients/acme-staff-directory/delete").MustRead("Delete Staff directory?").Submit(map[string]string{"confirm": "1"})
		c.MustBeAt("/console/companies/acme/api-clients").MustRead("There are no API clients.")
		if status, _ := token(); status != http.StatusUnauthorized {
			t.Errorf("deleted: %d", status)
		}
	})
}

// Administrators see API clients; only owners change them.
func TestAPIClientsAreReadOnlyToAdministrators(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		c := enter(t, d, adam)
		c.at("/console/companies/acme/api-clients").MustRead("Owners can add, change and delete them.")
		if strings.Contains(c.Text(), "New API client") {
			t.Errorf("offers to add one: %s", c.Text())
		}
		if c.at("/console/companies/acme/api-clients/new"); c.Status != http.StatusForbidden {
			t.Errorf("%d", c.Status)
		}
		status, _, _ := c.post("/console/companies/acme/people/new", "/console/companies/acme/api-clients/new", url.Values{"name": {"Mine"}, "scopes": {"people:write"}})
		if status != http.StatusForbidden {
			t.Errorf("%d", status)
		}
		if _, err := d.DB.Client(t.Context(), "acme-mine"); err == nil {
			t.Error("it was made all the same")
		}
	})
}

func TestCompanysProducts(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		d.Apply("products: [{id: sealed, name: Sealed, auth_method: none, redirect_uris: ['https://sealed.example/cb'], companies: [globex]}]")
		c := enter(t, d, adam)
		c.at("/console/companies/acme/products").MustRead("Take Control").MustRead("May start remote sessions").MustRead("2 people have any")
		if strings.Contains(c.Text(), "Sealed") {
			t.Errorf("another company's product: %s", c.Text())
		}
		status, to, _ := c.post("/console/companies/acme/products", "/console/companies/acme/products/remote-control", url.Values{"always": {"1"}})
		if status != http.StatusSeeOther || to != "/console/companies/acme/products?done=saved" {
			t.Fatalf("%d to %s", status, to)
		}
		// A password alone doesn't get anybody in any more.
		rp := servertest.NewRP(t, d.Instance, demo.RemoteID, demo.RemoteSecret, d.Remote+"/callback")
		p := servertest.NewPerson(t, d.Remote).Go(rp.AuthorizeURL(url.Values{"scope": {"openid"}}))
		p.Submit(map[string]string{"username": ben, "password": demo.Password})
		p.MustBeAt("/login/why").MustRead("Take Control")
		if status, _, _ := c.post("/console/companies/acme/products", "/console/companies/acme/products/sealed", url.Values{"always": {"1"}}); status != http.StatusNotFound {
			t.Errorf("another company's product: %d", status)
		}
	})
}
