package governtest

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
)

// What the pages of a company answer. step leads through the authorization
// endpoint, for a fresh second factor; no is 403, - is 404, and form is the
// form again, with what is wrong (422). What is sent without a fresh second
// factor and would be lost on the way to one is a form, too.
const pagesOfCompanies = `
                                  own company                                               | another company
                                  operator owner    administrator member client             | operator owner administrator member client
see people                        yes      yes      yes           no     no                 | yes      -     -             -      -
  GET    /people
  GET    /people?q=a&role=member
  GET    /people/export
  GET    /people/{member}
  GET    /people/{owner}
  GET    /tasks/{task}
change members                    yes      yes      yes           no     no                 | yes      -     -             -      -
  GET    /people/new
  POST   /people/new                           email=new{n}@new.example&name=New&kind=staff&role=member
  POST   /people/new                           email=new{n}@new.example&name=New&kind=staff&role=member&invite=1
  GET    /people/import
  POST?  /people/import                        csv=email,name%0Anew{n}@new.example,New
  POST?  /people/import                        edit=1&csv=email,name%0Anew{n}@new.example,New
  POST   /people/import                        confirm=1&csv=email,name%0Anew{n}@new.example,New
  POST?  /people/bulk                          action=lift&person={member}
  POST   /people/bulk                          action=lift&person={member}&confirm=1
  GET    /people/{member}/lift
  POST   /people/{member}/lift
  GET    /people/{disabled}/require
  POST   /people/{disabled}/require
  POST   /people/{member}/roles                role=remote-control+remote-operator
  POST   /people/{member}/sessions/end         id={session}
  POST   /people/{member}/sessions/end         all=1
  POST   /people/{member}/invite
  POST   /people/{member}/confirm
  POST   /people/{member}/remind
  GET    /people/{member}/unlock
  POST   /people/{member}/unlock
  GET    /people/{member}/disable
  POST   /people/{member}/disable
  GET    /people/{disabled}/enable
  POST   /people/{disabled}/enable
  GET    /people/{member}/delete
  POST   /people/{member}/delete
  POST   /people/{member}/edit                 email={member-email}&name=Other+{n}&kind=staff&role=member
  POST   /tasks/{task}/cancel
open a form with an address in it fresh    fresh    fresh         no     no                 | fresh    -     -             -      -
  GET    /people/{member}/edit
open it of an owner               fresh    fresh    no            no     no                 | fresh    -     -             -      -
  GET    /people/{owner}/edit
change administrators and owners  yes      yes      no            no     no                 | yes      -     -             -      -
  GET    /people/{administrator}/unlock
  POST   /people/{administrator}/unlock
  GET    /people/{owner}/disable
  POST   /people/{owner}/disable
  GET    /people/{owner}/delete
  POST   /people/{owner}/delete
  GET    /people/{administrator}/lift
  POST   /people/{administrator}/lift
  POST   /people/{administrator}/roles         role=remote-control+remote-operator
  POST   /people/{administrator}/sessions/end  all=1
edit or write to them             yes      yes      form          no     no                 | yes      -     -             -      -
  POST   /people/{owner}/edit                  email={owner-email}&name=Other+{n}&kind=staff&role=owner
  POST   /people/{owner}/invite
  POST   /people/{administrator}/remind
change operators                  yes      no       no            no     no                 | yes      -     -             -      -
  POST   /people/{operator}/unlock
  POST   /people/{operator}/delete
keep oneself out                  .        form     form          no     no                 | .        -     -             -      -
  POST   /people/{self}/disable
  POST   /people/{self}/delete
make somebody more than a member  form:yes form:yes form          no     no                 | form:yes -     -             -      -
  POST   /people/{member}/edit                 email={member-email}&name=Member&kind=staff&role=administrator
  POST   /people/new                           email=new{n}@new.example&name=New&kind=staff&role=administrator
change a member's address         form:yes form:yes form:yes      no     no                 | form:yes -     -             -      -
  POST   /people/{member}/edit                 email=new{n}@new.example&name=Member&kind=staff&role=member
change a member's second factors  fresh    fresh    fresh         no     no                 | fresh    -     -             -      -
  GET    /people/{member}/reset
  POST   /people/{member}/reset
  GET    /people/{member}/turn-off
  POST   /people/{member}/turn-off
  POST   /people/{locked}/unlock
change an owner's second factors  fresh    fresh    step:no       no     no                 | fresh    -     -             -      -
  GET    /people/{owner}/reset
  POST   /people/{owner}/reset
  GET    /people/{owner}/turn-off
  POST   /people/{owner}/turn-off
issue a recovery code             no       fresh    no            no     no                 | no       -     -             -      -
  GET    /people/{member}/recovery
  POST   /people/{member}/recovery
see requirements                  yes      yes      yes           no     no                 | yes      -     -             -      -
  GET    /requirements
  GET    /requirements?test_person={member-email}&test_from=192.0.2.1
  GET    /networks
  GET    /networks?test_from=192.0.2.1
change requirements               yes      yes      yes           no     no                 | yes      -     -             -      -
  POST?  /requirements                         version={requirements}&methods=totp&methods=webauthn&backup_codes=10&set_up_by_email=1&code_seconds={byte}
  POST   /requirements                         version={requirements}&methods=totp&methods=webauthn&backup_codes=10&set_up_by_email=1&code_seconds={byte}&confirm=1
  POST?  /networks                             version={networks}&sign_in_from=127.0.0.0/8%0A::1/128%0A10.{byte}.0.0/16
  POST   /networks                             version={networks}&sign_in_from=127.0.0.0/8%0A::1/128%0A10.{byte}.0.0/16&confirm=1
  POST   /products/{product}                   always=1
see products and API clients      yes      yes      yes           no     no                 | yes      -     -             -      -
  GET    /products
  GET    /products/{product}
  GET    /api-clients
  GET    /api-clients/{machine}/secret
change API clients                fresh    fresh    no            no     no                 | fresh    -     -             -      -
  GET    /api-clients/new
  POST   /api-clients/{machine}/secret         overlap=0
  GET    /api-clients/{machine}/delete
  POST   /api-clients/{machine}/delete
add an API client                 form:yes form:yes no            no     no                 | form:yes -     -             -      -
  POST   /api-clients/new                      name=New+{n}&scopes=people:read
see the audit                     yes      yes      yes           no     no                 | yes      -     -             -      -
  GET    /audit
  GET    /audit/export?format=csv
mistake a form                    form     form     form          no     no                 | form     -     -             -      -
  POST   /people/import                        csv=
  POST   /people/new                           email=
  POST   /people/bulk                          action=lift
  POST   /requirements                         version={requirements}&methods=totp&backup_codes=10&code_seconds=none
  POST   /networks                             version={networks}&sign_in_from=nowhere
  GET    /audit?from=never
see and change the company        yes      no       no            no     no                 | yes      -     -             -      -
  GET    /edit
  POST   /edit                                 name=Company+{n}&plan=all
  GET    /delete
delete it with people in it       form     no       no            no     no                 | form     -     -             -      -
  POST   /delete
`

// What the pages of the instance answer. An empty company is foreign to
// everybody.
const pagesOfTheInstance = `
                                  operator owner administrator member client
enter                             yes      yes   yes           no     no
  GET    .
prove a second factor             fresh    fresh fresh         fresh  fresh
  GET    /confirm
see and change companies          yes      no    no            no     no
  GET    /companies
  GET    /companies/new
  POST   /companies/new                        id=new-{n}&name=New&owner=new{n}@new.example&plan=all
see and change a company          yes      -     -             -      -
  GET    /companies/{empty}/edit
  POST   /companies/{empty}/edit               name=Company+{n}&plan=all
  GET    /companies/{empty}/delete
  POST   /companies/{empty}/delete
mistake a company                 form     no    no            no     no
  POST   /companies/new                        id=new-{n}&name=New&plan=some
see and change products           yes      no    no            no     no
  GET    /products
  GET    /products/new
  POST   /products/new                         id=new-{n}&name=New&auth_method=client_secret_basic&redirect_uris=https://new.example/&grant_types=authorization_code&scopes=openid&id_token_signed_response_alg=ES256&pkce=required
  GET    /products/{product}
  GET    /products/{product}/edit
  POST   /products/{product}/edit              name=Other+{n}&auth_method=client_secret_basic&redirect_uris=https://new.example/&grant_types=authorization_code&scopes=openid&id_token_signed_response_alg=ES256&pkce=required
  GET    /products/{product}/secret
  POST   /products/{product}/secret            overlap=0
  GET    /products/{product}/delete
  POST   /products/{product}/delete
see keys                          yes      no    no            no     no
  GET    /keys
change keys                       fresh    no    no            no     no
  GET    /keys/rotate
  POST   /keys/rotate
  GET    /keys/leaked
  POST   /keys/leaked
see and change deliveries         yes      no    no            no     no
  GET    /delivery
  GET    /delivery/test
  GET    /delivery/{message}/retry
  GET    /delivery/{message}/drop
  POST   /delivery/test                        kind=mail&to=new{n}@new.example
  POST   /delivery/{message}/retry
  POST   /delivery/{message}/drop
see the whole audit               yes      no    no            no     no
  GET    /audit
  GET    /audit/export?format=json
`

// Where the authorization endpoint leads back to, which decides nothing.
const pagesForAll = `
                                  operator owner administrator member client nobody
come back                         yes      yes   yes           yes    yes    yes
  GET    /back?state=/console/confirm
`

func TestPages(t *testing.T) {
	each(t, func(t *testing.T, w *world, company string, fresh bool) {
		ofCompanies, ofInstance, forAll := read(t, pagesOfCompanies), read(t, pagesOfTheInstance), read(t, pagesForAll)
		checkWhole(t, w.Server.Handler(), "/console", map[string][]paragraph{
			"/console/companies/{company}": ofCompanies, "/console": slices.Concat(ofInstance, forAll),
		})
		for _, table := range [][]paragraph{ofCompanies, ofInstance} {
			everywhere(table, "nobody", "step")
			everywhere(table, "one factor", "step")
		}
		pages := w.pages(company)
		w.matrix(t, ofCompanies, company, fresh, pages("/console/companies/{company}"))
		w.matrix(t, slices.Concat(ofInstance, forAll), company, fresh, pages("/console"))
	})
}

// pages asks in the browsers of the people of a company.
func (w *world) pages(company string) func(base string) asking {
	w.t.Helper()
	who := map[string]*someone{"nobody": w.nobody(), "one factor": w.people[oneFactor]}
	for role, email := range emails[company] {
		who[role] = w.people[email]
	}
	return func(base string) asking {
		return asking{base, func(c cell, r row) answered {
			if r.method == http.MethodPost {
				return w.post(who[c.role], r.path, r.body)
			}
			return w.visit(who[c.role], r.method, r.path, "", nil)
		}, pageOutcome}
	}
}

// pageOutcome is an answer as the tables have it.
func pageOutcome(a answered) string {
	switch {
	case a.status == http.StatusOK, a.status == http.StatusSeeOther && under(a.location, "/console"):
		return "yes"
	case a.status == http.StatusSeeOther && under(a.location, "/authorize"):
		return "step"
	case a.status == http.StatusUnprocessableEntity:
		return "form"
	case a.status == http.StatusForbidden:
		return "no"
	case a.status == http.StatusNotFound:
		return "-"
	}
	return fmt.Sprint(a.status, " ", a.location)
}
