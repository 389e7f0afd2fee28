package server_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// Where a product defines roles, those of a person's kind come to their own,
// in the ID token and at userinfo alike.
func TestRolesByKind(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		declare(t, d, `products:
  - id: first
    roles: [{ id: writer }, { id: reader, kinds: [staff] }, { id: customer, kinds: [client] }, { id: everybody, name: Everybody, kinds: [staff, client] }]
`)
		r := rp(t, d, first)
		roles := func(p *servertest.Person) string {
			t.Helper()
			tokens := tokensFor(t, p, r, url.Values{"scope": {"openid roles"}})
			in := fmt.Sprint(servertest.Claims(t, tokens.String("id_token"))["roles"])
			if _, a := r.Userinfo(tokens.String("access_token")); fmt.Sprint(a["roles"]) != in {
				t.Errorf("ID token %s, userinfo %v", in, a["roles"])
			}
			return in
		}
		// Mia was given reader and writer, Ben nothing.
		m, b := member(t, d, mia), member(t, d, ben)
		if got := roles(m); got != "[everybody reader writer]" {
			t.Errorf("Mia: %s", got)
		}
		if got := roles(b); got != "[everybody reader]" {
			t.Errorf("Ben: %s", got)
		}
		declare(t, d, `people: [{ email: ben@acme.example, kind: client, roles: { first: [writer] } }]`)
		if got := roles(b); got != "[customer everybody writer]" {
			t.Errorf("Ben, a client: %s", got)
		}
		// A role that is dropped is dropped from those who have it.
		declare(t, d, `products: [{ id: first, roles: [{ id: reader }] }]`)
		if got := roles(m); got != "[reader]" {
			t.Errorf("Mia, of one role: %s", got)
		}
		declare(t, d, `products: [{ id: first, roles: [] }]`)
		if got := roles(m); got != "[reader]" {
			t.Errorf("Mia, of any role: %s", got)
		}
	})
}

// A product for some people is closed to all others: where they sign in, and
// where they hold something already.
func TestProductForSomePeople(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		r := rp(t, d, first)
		m, b := member(t, d, mia), member(t, d, ben)
		offline := url.Values{"scope": {"openid offline_access"}}
		ofMia, ofBen := tokensFor(t, m, r, offline), tokensFor(t, b, r, offline)
		declare(t, d, `products: [{ id: first, people: [Mia@acme.example] }]`)
		if q := answered(t, m.Go(r.AuthorizeURL(nil))); q.Get("code") == "" {
			t.Errorf("Mia: %v", q)
		}
		mustError(t, d, answered(t, b.Go(r.AuthorizeURL(url.Values{"prompt": {"none"}}))), "access_denied")
		if status, a := r.Refresh(ofMia.String("refresh_token"), nil); status != 200 {
			t.Errorf("Mia: %d %v", status, a)
		}
		status, a := r.Refresh(ofBen.String("refresh_token"), nil)
		mustRefuse(t, status, a, 400, "invalid_grant")
		if active(t, r, ofBen.String("access_token")) {
			t.Error("closed, and Ben's access token is active")
		}
		// Whom it was for alone is gone: it is for nobody, not for everybody.
		declare(t, d, `people: [{ email: mia@acme.example, delete: true }]`)
		mustError(t, d, answered(t, b.Go(r.AuthorizeURL(url.Values{"prompt": {"none"}}))), "access_denied")
		declare(t, d, `products: [{ id: first, people: [] }]`)
		codeFor(t, b, r, nil)
	})
}

// Where nothing was withdrawn, the token endpoint asks too.
func TestProductClosedAtRefresh(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		r := rp(t, d, first)
		tokens := tokensFor(t, member(t, d, ben), r, nil)
		put(t, d, first, func(c *storage.Client) { c.People = []string{"somebody else"} })
		status, a := r.Refresh(tokens.String("refresh_token"), nil)
		mustRefuse(t, status, a, 400, "invalid_grant")
	})
}

// What a product may do in the administration stands on the consent page in
// words, all of it.
func TestConsentNamesTheAdministration(t *testing.T) {
	d := start(t)
	var list []string
	for _, s := range session.AdminScopes() {
		list = append(list, `"`+s+`"`)
	}
	declare(t, d, `products: [{ id: third, scopes: [openid, `+strings.Join(list, ", ")+`] }]`)
	p := member(t, d, ana)
	p.Go(rp(t, d, third).AuthorizeURL(url.Values{"scope": {"openid " + strings.Join(session.AdminScopes(), " ")}}))
	items := p.MustBeAt("/login/consent").All("li")
	if len(items) < 1+len(list) {
		t.Fatalf("%d items: %q", len(items), items)
	}
	for _, item := range items {
		if strings.Contains(item, ":") || !strings.Contains(item, " ") {
			t.Errorf("not in words: %q", item)
		}
	}
	for _, words := range []string{"Add, change and remove people of your company in your name", "Replace the signing keys in your name"} {
		if !slices.Contains(items, words) {
			t.Errorf("%q is not in %q", words, items)
		}
	}
}
