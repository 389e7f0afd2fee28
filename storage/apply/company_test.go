package apply_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// A plan is what the company's own choice is made from; a company that requires
// second factors must be left with one.
func TestPlan(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		run := func(yaml string) (apply.Report, error) {
			t.Helper()
			f, err := apply.Parse(strings.NewReader(yaml), "setup.yaml")
			if err != nil {
				return apply.Report{}, err
			}
			return apply.Apply(t.Context(), db, f, apply.Options{Now: now})
		}
		plan := func() policy.Plan {
			t.Helper()
			org, err := db.Org(t.Context(), "acme")
			if err != nil {
				t.Fatal(err)
			}
			c, err := session.CompanyOf(org)
			if err != nil {
				t.Fatal(err)
			}
			return c.Plan
		}
		for _, tt := range []struct {
			yaml string
			plan string
		}{
			{company(), "null"},
			{company("plan: [totp, sms]"), `["totp","sms"]`},
			{company(), `["totp","sms"]`}, // not mentioned: it stays
			{company("plan: [none]"), "[]"},
			{company("plan: []"), "null"},
		} {
			if _, err := run(tt.yaml); err != nil {
				t.Fatalf("%s: %v", tt.yaml, err)
			}
			if got, _ := json.Marshal(plan()); string(got) != tt.plan {
				t.Errorf("%s: plan %s, want %s", tt.yaml, got, tt.plan)
			}
			again, err := run(tt.yaml)
			if err != nil || again.Changed() {
				t.Errorf("%s again: %v, %v", tt.yaml, again.Changes, err)
			}
		}
		for yaml, want := range map[string]string{
			company("plan: [pigeon]"):                                                     `plan[0] is "pigeon"; write totp, sms, email or webauthn`,
			company("plan: [none, totp]"):                                                 `plan[0] is "none"`,
			company("plan: [none]", "rules: {staff: {mode: required}}"):                   "rules.methods leaves no second factor to those who are required to use one; allow a method",
			company("plan: [sms]", "rules: {clients: {mode: required}, methods: [totp]}"): "rules.methods leaves no second factor",
			company("rules: {two_factor_products: [moon]}"):                               `rules.two_factor_products[0] is "moon", which isn't there`,
			company("rules: {two_factor_products: [sallyport-account]}"):                  "which isn't there",
			company("rules: {code_validity: 10s}"):                                        "rules.code_validity is 10s; write 30s to 5m0s",
			company("rules: {session_idle: 1s, session_absolute: 9000d}"):                 "rules.session_idle is 1s",
			company("rules: {machine_from: [10.0.0.5/8]}"):                                `rules.machine_from[0] is "10.0.0.5/8"; write 10.0.0.0/8`,
		} {
			if _, err := run(yaml); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", yaml, err, want)
			}
		}
		if _, err := run(company("plan: [sms]", "rules: {clients: {mode: required}}")); err != nil {
			t.Error(err)
		}
		if _, err := run(company("plan: [none]")); err == nil || !strings.Contains(err.Error(), "leaves no second factor") {
			t.Errorf("a plan that leaves nothing to who must: %v", err)
		}
	})
}

// A company can want two factors for a product of the same file, and forgets
// one that goes.
func TestTwoFactorProducts(t *testing.T) {
	each(t, func(f *fixture) {
		f.apply("companies: [{id: acme, name: Acme, rules: {two_factor_products: [board]}}]\n" + product())
		if got := f.rows("SELECT rules FROM orgs"); !strings.Contains(got, `"two_factor_products":["board"]`) {
			t.Fatal(got)
		}
		f.apply("products: [{id: board, delete: true}]")
		if got := f.rows("SELECT rules FROM orgs"); strings.Contains(got, "board") {
			t.Error(got)
		}
		f.apply("companies: [{id: acme, rules: {staff: {mode: optional}}}]")
	})
}

// Nobody has proved another number yet.
func TestAnotherNumberIsUnproved(t *testing.T) {
	each(t, func(f *fixture) {
		f.apply(person(`phone: "+41791234567"`, "phone_verified: true"))
		f.apply(`people: [{email: ana@acme.example, phone: "+41791234568"}]`)
		if u := f.user("ana@acme.example"); u.PhoneVerified || u.Phone != "+41791234568" {
			t.Errorf("%+v", u)
		}
		f.apply(`people: [{email: ana@acme.example, phone: "+41791234569", phone_verified: true}]`)
		f.apply(`people: [{email: ana@acme.example, phone: ""}]`)
		if u := f.user("ana@acme.example"); u.PhoneVerified || u.Phone != "" {
			t.Errorf("%+v", u)
		}
	})
}

// The id of a company that is gone isn't another's, who would read in the audit
// what happened there.
func TestIDsOfCompaniesAreUsedOnce(t *testing.T) {
	each(t, func(f *fixture) {
		f.apply(company())
		f.apply("companies: [{id: acme, delete: true}]")
		f.refuse(company(), `companies[0].id is "acme", which a company that is gone had; choose another`)
	})
}
