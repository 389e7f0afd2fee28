package governtest

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/storage"
)

// Who may do something in a company may not do it to another one's objects by
// its own address; and what is another's looks as what isn't there.
func TestForeignLooksLikeNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world, company string, fresh bool) {
		if !fresh {
			return // they would be sent to prove a second factor
		}
		w.foreignObjects(t, read(t, apiOfCompanies), company, w.api(company)("/companies/{company}"))
		w.foreignCompanies(t, read(t, apiOfCompanies), company, w.api(company)("/companies/{company}"))
		w.foreignObjects(t, read(t, pagesOfCompanies), company, w.pages(company)("/console/companies/{company}"))
		w.foreignCompanies(t, read(t, pagesOfCompanies), company, w.pages(company)("/console/companies/{company}"))
		w.foreignSessions(t, company)
		w.foreignMentions(t, company)
	})
}

// ofCompany are names of objects that belong to one company.
var ofCompany = regexp.MustCompile(`\{(member|administrator|owner|operator|disabled|locked|task|machine)\}`)

// foreignObjects asks for another company's objects by the address of the own
// one, as everybody who could do so with objects of the own.
func (w *world) foreignObjects(t *testing.T, table []paragraph, company string, a asking) {
	asked := 0
	for _, p := range table {
		for _, r := range p.rows {
			w.Clock.Advance(breath)
			if !ofCompany.MatchString(r.path) {
				continue
			}
			for role, want := range p.own {
				if now(want, true) != "yes" {
					continue
				}
				c := cell{role: role, want: "-"}
				own := w.fill(a.base, company, "")
				foreign := row{method: r.method, path: own + w.fill(r.path, companies[company], ""), body: w.fill(r.body, companies[company], "")}
				unknown := row{method: r.method, path: own + placeholder.ReplaceAllString(r.path, "nothing-like-it"), body: foreign.body}
				before := w.tables.look(t)
				w.alike(t, role+": "+p.what, a, c, foreign, unknown)
				asked++
				if changed := before.changes(w.tables.look(t)); changed != "" {
					t.Errorf("%s of %s: %s changed something\n%s", role, company, foreign, changed)
				}
			}
		}
	}
	if asked < 50 {
		t.Errorf("only %d were asked for", asked)
	}
}

// foreignCompanies compares another company with one that isn't there.
func (w *world) foreignCompanies(t *testing.T, table []paragraph, company string, a asking) {
	for _, p := range table {
		for _, r := range p.rows {
			w.Clock.Advance(breath)
			for role, want := range p.other {
				if now(want, true) != "-" {
					continue
				}
				c := cell{role: role, want: "-"}
				foreign := row{method: r.method, path: w.fill(a.base+r.path, companies[company], "nobody"), body: w.fill(r.body, companies[company], "")}
				unknown := row{method: r.method, path: w.fill(a.base, "nowhere", "") + placeholder.ReplaceAllString(r.path, "nothing-like-it"), body: foreign.body}
				w.alike(t, role+": "+p.what, a, c, foreign, unknown)
			}
		}
	}
}

// reference is what two answers differ in.
var reference = regexp.MustCompile(`"instance":"[^"]*"`)

// alike fails unless both are refused with 404 in the same words.
func (w *world) alike(t *testing.T, who string, a asking, c cell, foreign, unknown row) {
	t.Helper()
	one, other := a.send(c, foreign), a.send(c, unknown)
	if got := a.outcome(one); got != "-" {
		t.Errorf("%s: %s: %s\n%s", who, foreign, got, one)
		return
	}
	if got := a.outcome(other); got != "-" || one.location != other.location || reference.ReplaceAllString(one.body, "") != reference.ReplaceAllString(other.body, "") {
		t.Errorf("%s: %s differs from %s:\n%s\n%s", who, foreign, unknown, one.body, other.body)
	}
}

// foreignSessions ends another's session by the address of somebody whose
// sessions one may end: of the other company, and of an owner of the own one.
func (w *world) foreignSessions(t *testing.T, company string) {
	owner, administrator := w.people[emails[company]["owner"]], w.people[emails[company]["administrator"]]
	member := w.fill("/companies/{company}/people/{member}", company, "")
	for name, session := range map[string]string{
		"another company's": w.fill("{session}", companies[company], ""), "an owner's": w.makeOwnersSession(company), "no": "nothing-like-it",
	} {
		for _, s := range []*someone{owner, administrator} {
			before := w.tables.look(t)
			if a := w.call(s.token, http.MethodDelete, member+"/sessions/"+session, ""); apiOutcome(a) != "-" {
				t.Errorf("%s ends %s session: %s", s.email, name, a)
			}
			if a := w.post(s, "/console"+member+"/sessions/end", "id="+session); pageOutcome(a) != "-" {
				t.Errorf("%s ends %s session: %s", s.email, name, a)
			}
			if changed := before.changes(w.tables.look(t)); changed != "" {
				t.Errorf("%s ended %s session\n%s", s.email, name, changed)
			}
		}
	}
}

// makeOwnersSession is a session of an owner of a company.
func (w *world) makeOwnersSession(company string) string {
	w.t.Helper()
	return w.make("owner", company)[0]["session"]
}

// mentions are requests that name something in what they send: a person, their
// address, or a product that only another company may use.
const mentions = `
                                  names
of a person, to the API           id
  POST   /people/bulk                     {"action":"lift","people":["{}"]}
  POST   /people/bulk/preview             {"action":"lift","people":["{}"]}
of an address, to the API         address
  POST   /requirements/test               {"person":"{}"}
  GET    /people?search={}
  GET    /people/export?search={}
  GET    /audit?person={}
of a product, to the API          product
  PATCH  /products/{}                     {"always_two_factors":true}
  PATCH  /requirements                    {"two_factor_products":["{}"]}
  POST   /requirements/test               {"person":"{member-email}","product":"{}"}
  PATCH  /people/{member}                 {"product_roles":{"{}":["any"]}}
of a person, to pages             id
  POST   /people/bulk                     action=lift&person={}
  POST   /people/bulk                     action=lift&person={}&confirm=1
of an address, to pages           address
  GET    /people?q={}
  GET    /people/export?q={}
  GET    /requirements?test_person={}&test_from=192.0.2.1
  GET    /audit?person={}
of a product, to pages            product
  POST   /products/{}                     always=1
  POST   /people/{member}/roles           role={}+any
  GET    /requirements?test_person={member-email}&test_product={}&test_from=192.0.2.1
  GET    /audit?product={}
`

// foreignMentions compares what is answered about another company's things with
// what is answered about things that aren't there, and looks that the former
// weren't touched. An owner asks.
func (w *world) foreignMentions(t *testing.T, company string) {
	other, owner := companies[company], w.people[emails[company]["owner"]]
	w.declare(`products: [{ id: closed, name: Closed, secret_hash: ` + storage.Hash(toolSecret) + `, redirect_uris: ["https://closed.example/"], companies: [` + other + `], roles: [{ id: any }] }]`)
	there := map[string]string{"id": w.fill("{member}", other, ""), "address": w.fill("{member-email}", other, ""), "product": "closed"}
	nothing := map[string]string{"id": "zyzzyva", "address": "zyzzyva@" + other + ".example", "product": "zyzzyva"}
	for _, p := range read(t, mentions) {
		base, send := "/companies/{company}", func(r row) answered { return w.call(owner.token, r.method, r.path, r.body) }
		if strings.HasSuffix(p.what, "pages") {
			base, send = "/console/companies/{company}", func(r row) answered {
				if r.method == http.MethodPost {
					return w.post(owner, r.path, r.body)
				}
				return w.visit(owner, r.method, r.path, "", nil)
			}
		}
		for _, r := range p.rows {
			w.Clock.Advance(breath)
			path, body := w.fill(base+r.path, company, ""), w.fill(r.body, company, "")
			before := w.tables.look(t)
			ask := func(named string) string {
				a := send(row{method: r.method, path: strings.ReplaceAll(path, "{}", named), body: strings.ReplaceAll(body, "{}", named)})
				text := reference.ReplaceAllString(fmt.Sprint(a.status, " ", a.location, "\n", a.body), "")
				return strings.NewReplacer(named, "{}", url.QueryEscape(named), "{}").Replace(text)
			}
			if got, want := ask(there[p.own["names"]]), ask(nothing[p.own["names"]]); got != want || strings.HasPrefix(got, "5") {
				t.Errorf("%s differs where it names something of another company:%s", r, seen(strings.Split(want, "\n")).changes(strings.Split(got, "\n")))
			}
			if changed := before.changes(w.tables.look(t)); changed != "" {
				t.Errorf("%s: something of another company, or nothing, was changed\n%s", r, changed)
			}
		}
	}
}
