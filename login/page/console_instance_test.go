package page_test

import (
	"net/url"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/sallyport-id/sallyport/login/page"
)

// sent is what a browser sends of a page's form, untouched.
func sent(doc *html.Node) url.Values {
	values := make(url.Values)
	for _, n := range elements(doc, "input", "select", "textarea") {
		name, _ := attr(n, "name")
		value, _ := attr(n, "value")
		kind, _ := attr(n, "type")
		_, checked := attr(n, "checked")
		switch {
		case kind == "checkbox" && !checked:
		case n.Data == "textarea":
			var b strings.Builder // with its line breaks
			for d := range n.Descendants() {
				b.WriteString(d.Data)
			}
			values.Add(name, strings.ReplaceAll(b.String(), "\n", "\r\n"))
		case n.Data == "select":
			options := elements(n, "option")
			chosen := options[0]
			for _, o := range options {
				if _, ok := attr(o, "selected"); ok {
					chosen = o
				}
			}
			value, ok := attr(chosen, "value")
			if !ok {
				value = text(chosen)
			}
			values.Add(name, value)
		default:
			values.Add(name, value)
		}
	}
	return values
}

// What the form of a product shows is what is read back from it.
func TestProductFormIsReadBack(t *testing.T) {
	r, forms := mustRenderer(t), 0
	for _, e := range examples("Take Control", "ana@example.com") {
		want, ok := e.page.(page.ConsoleProductForm)
		if !ok {
			continue
		}
		forms++
		_, doc := draw(t, r, page.Frame{}, want)
		got := page.ReadProductForm(sent(doc))
		// What isn't sent: what is offered, and what the page is about.
		want.Console, want.New, want.Known, want.ACRs = page.Console{}, false, nil, nil
		if want.APIScopes == nil {
			want.ActsFor = "" // only asked for where machines are
		}
		want.APIScopes = nil
		if want.TwoStep != "some" {
			want.TwoStepOf = nil
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: read\n%+v\nwant\n%+v", e.name, got, want)
		}
	}
	if forms < 3 {
		t.Errorf("only %d forms", forms)
	}
}

func TestReadProductForm(t *testing.T) {
	got := page.ReadProductForm(url.Values{
		"redirect_uris": {" https://a.example/cb \r\n\r\n\thttps://b.example/cb"}, "require_two_factors": {"all"}, "require_two_factors_of": {"acme"},
		"role_id": {"", "operator", ""}, "role_name": {"Nameless", " Operator "}, "role_kind": {"1:client", "1:staff", "9:staff", "1:moon"},
	})
	want := page.ConsoleProductForm{
		RedirectURIs: []string{"https://a.example/cb", "https://b.example/cb"}, TwoStep: "all",
		Roles: []page.ProductRole{{Name: "Nameless"}, {ID: "operator", Name: "Operator", Kinds: []string{"staff", "client"}}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v", got)
	}
}

// Links of the audit keep what it is narrowed to.
func TestAuditLinks(t *testing.T) {
	filter := page.AuditFilter{Person: "a&b", Product: "p", Group: "people", Result: "ok", From: "2026-03-01", Until: "2026-03-31"}
	if got := page.ReadAuditFilter(filter.Values()); got != filter {
		t.Errorf("read %+v", got)
	}
	if len(page.AuditFilter{}.Values()) > 0 {
		t.Error("an empty filter has values")
	}
	kept := "from=2026-03-01&group=people&person=a%26b&product=p&result=ok&until=2026-03-31"
	company := page.ConsoleAudit{Console: page.Console{CompanyID: "acme"}, Filter: filter, List: page.List{Next: "n=1", Previous: "p"}, Entries: []page.AuditEntry{{Event: "keys.rotated", Result: "ok"}}}
	_, doc := draw(t, mustRenderer(t), page.Frame{}, company)
	hrefs := make(map[string]bool)
	for _, n := range elements(doc, "a") {
		href, _ := attr(n, "href")
		hrefs[href] = true
	}
	for _, want := range []string{
		"?after=n%3D1&" + kept, "?before=p&" + kept, "/console/companies/acme/audit",
		"/console/companies/acme/audit/export?format=csv&" + kept, "/console/companies/acme/audit/export?format=json&" + kept,
	} {
		if !hrefs[want] {
			t.Errorf("no link to %s among %v", want, hrefs)
		}
	}
	if got := (page.ConsoleAudit{}).Export("csv"); got != "/console/audit/export?format=csv" {
		t.Errorf("of the instance: %s", got)
	}
	_, doc = draw(t, mustRenderer(t), page.Frame{}, page.ConsoleAudit{Console: page.Console{CompanyID: "acme"}})
	if strings.Contains(render(doc), `value="instance"`) {
		t.Error("a company can filter by what belongs to the instance")
	}
}

// A secret is on the page once, as it is to be copied.
func TestSecretIsShownOnce(t *testing.T) {
	const secret = "k3JtQe0vZk5o0mXn1cVbR8y"
	for _, p := range []page.Page{
		page.ConsoleProduct{Type: page.ConfidentialProduct, Secret: secret, AuthMethod: "client_secret_basic"},
		page.ConsoleAPIClientCreated{Secret: secret, Example: page.APIClientExample("https://login.example.com", "x", "acme", nil)},
	} {
		_, doc := draw(t, mustRenderer(t), page.Frame{}, p)
		button := find(doc, "data-copy")
		if of, _ := attr(button, "data-copy"); strings.Count(render(doc), secret) != 1 || of != "secret" {
			t.Errorf("%T: %d times, copied from %q", p, strings.Count(render(doc), secret), of)
		}
	}
	_, doc := draw(t, mustRenderer(t), page.Frame{}, page.ConsoleProduct{Type: page.PublicProduct, AuthMethod: "none"})
	if strings.Contains(render(doc), "/secret") || strings.Contains(render(doc), `id="secret"`) {
		t.Error("a secret for what has none")
	}
}

// Who may only look is offered nothing to change.
func TestAPIClientsReadOnly(t *testing.T) {
	p := page.ConsoleAPIClients{Console: page.Console{CompanyID: "acme"}, Clients: []page.APIClient{{ID: "sync"}}}
	for _, readOnly := range []bool{false, true} {
		p.ReadOnly = readOnly
		_, doc := draw(t, mustRenderer(t), page.Frame{}, p)
		for _, way := range []string{"/api-clients/new", "/api-clients/sync/secret", "/api-clients/sync/delete"} {
			if offered := strings.Contains(render(doc), way); offered == readOnly {
				t.Errorf("read only %v: %s offered: %v", readOnly, way, offered)
			}
		}
	}
}

// Each product that has access can be told apart and withdrawn.
func TestConsentsAreWithdrawn(t *testing.T) {
	_, doc := draw(t, mustRenderer(t), page.Frame{FormToken: "token"}, page.Account{Locked: true, Consents: []page.Consented{{ID: "p1", Product: "One"}, {ID: "p2", Product: "Two", Scopes: []string{"email"}}}})
	var products []string
	for _, form := range elements(doc, "form") {
		if action, _ := attr(form, "action"); action == "/account/products/withdraw" {
			products = append(products, sent(form).Get("product"))
		}
	}
	if !reflect.DeepEqual(products, []string{"p1", "p2"}) {
		t.Errorf("withdraws %q", products)
	}
}
