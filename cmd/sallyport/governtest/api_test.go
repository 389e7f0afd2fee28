package governtest

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// What the API answers about a company. narrow is its owner by a token without
// scopes, machine an API client of the company with all scopes it can have, few
// one with audit:read alone, and crane a machine of the operator.
//
// step is the challenge for a fresh second factor (401), - is 404, and all
// else the code of a problem (403).
const apiOfCompanies = `
                                  own company                                                            | another company
                                  operator owner administrator    member client narrow machine     few   crane   | operator owner administrator member client narrow machine few crane
see people                        yes      yes   yes              role   role   scope  yes         scope yes     | yes      -     -             -      -      -      -       -   yes
  GET    /people
  GET    /people?search=a&role=member
  GET    /people/counts
  GET    /people/export
  GET    /people/{member}
  GET    /people/{owner}
  GET    /tasks
  GET    /tasks/{task}
change members                    yes      yes   yes              role   role   scope  yes         scope yes     | yes      -     -             -      -      -      -       -   yes
  POST   /people                               {"email":"new{n}@new.example","name":"New"}
  POST   /people                               {"email":"new{n}@new.example","name":"New","invite":true}
  POST   /people/import                        email,name\nnew{n}@new.example,New\n
  POST?  /people/import/preview                email,name\nnew{n}@new.example,New\n
  POST   /people/bulk                          {"action":"lift","people":["{member}"]}
  POST?  /people/bulk/preview                  {"action":"lift","people":["{member}"]}
  PATCH  /people/{member}                      {"name":"Other {n}"}
  PATCH  /people/{member}                      {"require_two_step":false}
  PATCH  /people/{member}                      {"product_roles":{"remote-control":["remote-operator"]}}
  PATCH  /people/{member}                      {"disabled":true}
  PATCH  /people/{disabled}                    {"disabled":false}
  DELETE /people/{member}
  POST   /people/{member}/activation
  POST   /people/{member}/reminder
  POST   /people/{member}/unlock
  DELETE /people/{member}/sessions
  DELETE /people/{member}/sessions/{session}
  POST   /tasks/{task}/cancel
change administrators and owners  yes      yes   person_role      role   role   scope  person_role scope yes     | yes      -     -             -      -      -      -       -   yes
  PATCH  /people/{administrator}               {"name":"Other {n}"}
  PATCH  /people/{owner}                       {"name":"Other {n}"}
  PATCH  /people/{owner}                       {"disabled":true}
  DELETE /people/{owner}
  DELETE /people/{administrator}
  POST   /people/{administrator}/activation
  POST   /people/{administrator}/reminder
  POST   /people/{owner}/unlock
change operators                  yes      operator operator      role   role   scope  operator    scope yes     | yes      -     -             -      -      -      -       -   yes
  PATCH  /people/{operator}                    {"name":"Other {n}"}
  DELETE /people/{operator}
  POST   /people/{operator}/unlock
change oneself                    .        yes   yes              role   role   .      .           .     .       | .        -     -             -      -      .      .       .   .
  PATCH  /people/{self}                        {"name":"Self {n}"}
keep oneself out                  .        self  self             role   role   .      .           .     .       | .        -     -             -      -      .      .       .   .
  PATCH  /people/{self}                        {"disabled":true}
  DELETE /people/{self}
make somebody more than a member  fresh    fresh role             role   role   scope  role        scope machine | fresh    -     -             -      -      -      -       -   machine
  POST   /people                               {"email":"new{n}@new.example","name":"New","role":"administrator"}
  PATCH  /people/{member}                      {"role":"administrator"}
  PATCH  /people/{member}                      {"role":"owner"}
import one of them                yes      yes   fields           role   role   scope  fields      scope yes     | yes      -     -             -      -      -      -       -   yes
  POST   /people/import                        email,name\n{owner-email},Other {n}\n
import more than a member         step:yes step:yes fields        role   role   scope  fields      scope fields  | step:yes -     -             -      -      -      -       -   fields
  POST   /people/import                        email,name,role\nnew{n}@new.example,New,administrator\n
make somebody less than an owner  fresh    fresh person_role      role   role   scope  person_role scope machine | fresh    -     -             -      -      -      -       -   machine
  PATCH  /people/{owner}                       {"role":"member"}
change a member's address         fresh    fresh fresh            role   role   scope  machine     scope machine | fresh    -     -             -      -      -      -       -   machine
  PATCH  /people/{member}                      {"email":"new{n}@new.example"}
change an owner's address         fresh    fresh person_role      role   role   scope  person_role scope machine | fresh    -     -             -      -      -      -       -   machine
  PATCH  /people/{owner}                       {"email":"new{n}@new.example"}
change a member's second factors  fresh    fresh fresh            role   role   scope  machine     scope machine | fresh    -     -             -      -      -      -       -   machine
  DELETE /people/{member}/two-step
  DELETE /people/{member}/factors
let a member change things again  fresh    fresh fresh            role   role   scope  machine     scope machine | fresh    -     -             -      -      -      -       -   machine
  POST   /people/{locked}/unlock
change an owner's second factors  fresh    fresh step:person_role role   role   scope  machine     scope machine | fresh    -     -             -      -      -      -       -   machine
  DELETE /people/{owner}/two-step
  DELETE /people/{owner}/factors
issue a recovery code             role     fresh role             role   role   scope  role        role  role    | role     -     -             -      -      -      -       -   role
  POST   /people/{member}/recovery-code
  POST   /people/{owner}/recovery-code
issue it to oneself               .        step:self role         role   role   .      .           .     .       | .        -     -             -      -      .      .       .   .
  POST   /people/{self}/recovery-code
see requirements                  yes      yes   yes              role   role   scope  yes         scope yes     | yes      -     -             -      -      -      -       -   yes
  GET    /requirements
  GET    /networks
  POST?  /requirements/test                    {"person":"{member-email}"}
  POST?  /networks/test                        {"from":"192.0.2.1"}
change requirements               yes      yes   yes              role   role   scope  machine     scope machine | yes      -     -             -      -      -      -       -   machine
  PATCH  /requirements                         {"code_validity_seconds":{byte}}
  PATCH  /requirements?remind=true             {"code_validity_seconds":{byte}}
  PATCH  /networks                             {"sign_in_from":["127.0.0.0/8","::1/128","10.{byte}.0.0/16"]}
  POST?  /requirements/preview                 {"code_validity_seconds":{byte}}
  POST?  /networks/preview                     {"sign_in_from":["127.0.0.0/8","::1/128","10.{byte}.0.0/16"]}
  PATCH  /products/{product}                   {"always_two_factors":true}
see products and API clients      yes      yes   yes              role   role   scope  yes         scope yes     | yes      -     -             -      -      -      -       -   yes
  GET    /products
  GET    /api-clients
  GET    /api-clients/{machine}
change API clients                fresh    fresh role             role   role   scope  role        role  machine | fresh    -     -             -      -      -      -       -   machine
  POST   /api-clients                          {"name":"New {n}","scopes":["people:read"]}
  DELETE /api-clients/{machine}
  POST   /api-clients/{machine}/secret
see the audit                     yes      yes   yes              role   role   scope  yes         yes   yes     | yes      -     -             -      -      -      -       -   yes
  GET    /audit
  GET    /audit/export
see and change the company        yes      role  role             role   role   role   role        role  yes     | yes      -     -             -      -      -      -       -   yes
  GET    .
  PATCH  .                                     {"name":"Company {n}"}
delete it with people in it       in_use   role  role             role   role   role   role        role  in_use  | in_use   -     -             -      -      -      -       -   in_use
  DELETE .
`

// What it answers about the instance. An empty company is foreign to everybody.
const apiOfTheInstance = `
                                  operator owner administrator member client narrow machine few  crane
see who one is                    yes      yes   yes           yes    yes    yes    yes     yes  yes
  GET    /me
see and change companies          yes      role  role          role   role   role   role    role yes
  GET    /companies
  POST   /companies                            {"id":"new-{n}","name":"New","owner":"new{n}@new.example"}
see and change a company          yes      -     -             -      -      -      -       -    yes
  GET    /companies/{empty}
  PATCH  /companies/{empty}                    {"name":"Company {n}"}
  DELETE /companies/{empty}
see and change products           yes      role  role          role   role   role   role    role yes
  GET    /products
  POST   /products                             {"id":"new-{n}","name":"New","redirect_uris":["https://new.example/"]}
  GET    /products/{product}
  PATCH  /products/{product}                   {"name":"Other {n}"}
  DELETE /products/{product}
  POST   /products/{product}/secret
see keys                          yes      role  role          role   role   role   role    role yes
  GET    /keys
change keys                       fresh    role  role          role   role   role   role    role yes
  POST   /keys
see and change deliveries         yes      role  role          role   role   role   role    role yes
  GET    /delivery
  GET    /delivery/failed
  POST   /delivery/test                        {"kind":"mail","to":"new{n}@new.example"}
  DELETE /delivery/failed/{message}
  POST   /delivery/failed/{message}/retry
see the whole audit               yes      role  role          role   role   role   role    role yes
  GET    /audit
  GET    /audit/export
  GET    /audit/chain
`

// What it answers everybody, with a token or without.
const apiForAll = `
                                  operator owner administrator member client narrow machine few crane nobody
read about the API                yes      yes   yes           yes    yes    yes    yes     yes yes   yes
  GET    /openapi.yaml
  GET    /problems/role
`

func TestAPI(t *testing.T) {
	each(t, func(t *testing.T, w *world, company string, fresh bool) {
		ofCompanies, ofInstance, forAll := read(t, apiOfCompanies), read(t, apiOfTheInstance), read(t, apiForAll)
		checkWhole(t, w.Server.Handler(), "/api/v1", map[string][]paragraph{"/api/v1/companies/{company}": ofCompanies, "/api/v1": slices.Concat(ofInstance, forAll)})
		for _, table := range [][]paragraph{ofCompanies, ofInstance} {
			everywhere(table, "nobody", "token_missing")
			everywhere(table, "one factor", "two_factors")
		}
		api := w.api(company)
		w.matrix(t, ofCompanies, company, fresh, api("/companies/{company}"))
		w.matrix(t, slices.Concat(ofInstance, forAll), company, fresh, api(""))
	})
}

// api gets the people of a company and all machines tokens, and asks with them.
func (w *world) api(company string) func(base string) asking {
	w.t.Helper()
	w.newTokens(company)
	tokens := map[string]string{
		"nobody": "", "one factor": w.people[oneFactor].token, "narrow": w.people[emails[company]["owner"]].narrow,
		"machine": w.machineToken("robot-" + company), "few": w.machineToken("few-" + company), "crane": w.crane,
	}
	for role, email := range emails[company] {
		tokens[role] = w.people[email].token
	}
	return func(base string) asking {
		return asking{base, func(c cell, r row) answered { return w.call(tokens[c.role], r.method, r.path, r.body) }, apiOutcome}
	}
}

// apiOutcome is an answer as the tables have it.
func apiOutcome(a answered) string {
	switch code := a.code(); {
	case a.status >= 200 && a.status < 300:
		return "yes"
	case a.status == http.StatusNotFound && code == "not_found":
		return "-"
	case a.status == http.StatusUnauthorized && code == "not_fresh":
		return "step"
	case apiStatus[code] == a.status:
		return code
	default:
		return fmt.Sprintf("%d %s", a.status, code)
	}
}

// apiStatus is the status of what the tables name by its code.
var apiStatus = map[string]int{
	"role": 403, "scope": 403, "machine": 403, "self": 403, "person_role": 403, "operator": 403, "in_use": 409, "fields": 422, "token_missing": 401, "two_factors": 401,
}

// everywhere adds a role to a table that is answered alike everywhere.
func everywhere(table []paragraph, role, want string) {
	for _, p := range table {
		p.own[role] = want
		if p.other != nil {
			p.other[role] = want
		}
	}
}

// each runs a test on both engines: on SQLite with second factors that weren't
// proved just now, as the people of one company, and with some that were, as
// those of the other; on PostgreSQL the latter alone.
func each(t *testing.T, test func(t *testing.T, w *world, company string, fresh bool)) {
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := build(t, engine)
			w.Clock.Advance(6 * time.Minute)
			w.crane = w.machineToken("crane")
			if engine == "sqlite" {
				test(t, w, "acme", false)
			}
			w.proveAnew()
			w.crane = w.machineToken("crane")
			test(t, w, "globex", true)
		})
	}
}
