package browserstory

import (
	"strings"
	"testing"
	"time"
)

// demand is a requirement as an owner sets it, and what it is to people.
type demand struct {
	name string
	// sets sets it, for a person.
	sets func(owner *visitor, person *visitor)
	// why is what the person reads, tested what the owner reads beforehand, and
	// audited afterwards. C stands for the company.
	why, tested, audited string
	// more is what else is declared of the person.
	more string
}

var demands = []demand{
	{
		name: "staff", sets: func(v, _ *visitor) { v.demands("staff_mode", "required") },
		why: "Staff requires two-step verification.", tested: "Staff requires it.", audited: "Staff requires two-step verification",
	},
	{
		name: "clients", sets: func(v, _ *visitor) { v.demands("clients_mode", "required") }, more: "kind: client",
		why: "Clients requires two-step verification.", tested: "Clients requires it.", audited: "Clients requires two-step verification",
	},
	{
		name: "heads", sets: func(v, _ *visitor) { v.demands("administrators_mode", "required") }, more: "role: administrator",
		why: "Heads requires two-step verification.", tested: "Heads requires it.", audited: "Heads requires two-step verification",
	},
	{
		name: "single", sets: func(v, of *visitor) {
			v.to("people", of.user().ID).ClickText("Require two-step verification")
			v.reads("From the next sign-in on").press()
			v.says(".notice", "now required of this person")
		},
		why: "An administrator of Single turned on two-step verification for you.", tested: "Required of this person by an administrator.",
		audited: "An administrator of Single requires two-step verification of this person",
	},
	{
		name: "nets", sets: func(v, _ *visitor) {
			v.demands("network_mode", "everywhere_except", "network_ranges", "203.0.113.0/24")
		},
		why: "Nets requires two-step verification from this network.", tested: "Nets requires it from this network.",
		audited: "Nets requires two-step verification from this network",
	},
	{
		name: "goods", sets: func(v, _ *visitor) {
			v.to("products").Click(`[action$="/products/dashboard"] button`)
			v.in("products").says(`[action$="/products/dashboard"]`, "No longer require")
		},
		why: "Goods requires two-step verification for Dashboard.", tested: "Goods requires it for this product.",
		audited: "Goods requires two-step verification for this product",
	},
}

// Each requirement that an owner can set is asked for with its own reason: the
// owner reads it beforehand, the person at sign-in, and the audit afterwards.
func TestDemands(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		for _, d := range demands {
			t.Run(d.name, func(t *testing.T) {
				owner := s.owns(t, d.name)
				person := s.visitor(t, s.joinWith(d.name, "Pia", d.more))
				d.sets(owner, person)
				owner.tries(person.email, "dashboard", "127.0.0.1").says(".result", "Must set up a second step before anything else.").says(".result", d.tested)

				person.toDashboard().password().at("/login/why").reads(d.why)
				person.setUp().password().at("/login/totp").reads(d.why).enter(person.nextCode()).says("#name", "Pia")
				owner.audits(person.email).reads("Pia signed in to Dashboard", d.audited)
			})
		}
		t.Run("elsewhere", func(t *testing.T) { notAsked(t, s) })
		t.Run("from a day on", func(t *testing.T) { fromADay(t, s) })
		t.Run("new network", func(t *testing.T) { newNetwork(t, s) })
	})
}

// owns is the owner of a new company, who is in the console.
func (s *stage) owns(t *testing.T, company string) *visitor {
	t.Helper()
	s.company(company, "")
	return s.visitor(t, s.joinWith(company, "Ona", "role: owner")).givenApp().onConsole()
}

// joinWith is joinAt with more declared of the person.
func (s *stage) joinWith(company, name, more string) (email string) {
	email = s.joinAt(company, name)
	if more != "" {
		s.Apply(`people: [{email: ` + email + `, company: ` + company + `, ` + more + `}]`)
	}
	return email
}

// demands sets fields of the requirements, by their ids.
func (v *visitor) demands(fields ...string) *visitor {
	v.t.Helper()
	v.to("requirements")
	for i := 0; i < len(fields); i += 2 {
		v.Fill("#"+fields[i], fields[i+1])
	}
	return v.confirms()
}

// confirms saves requirements after the preview, without a mail.
func (v *visitor) confirms() *visitor {
	v.t.Helper()
	v.press().says("h1", "Check the new requirements")
	if v.Has("#mail") {
		v.unticks("#mail")
	}
	v.press().in("requirements").says(".notice", "The requirements are saved.")
	return v
}

// tries asks how a sign-in would go.
func (v *visitor) tries(email, product, from string) *visitor {
	v.t.Helper()
	v.to("requirements").fills(map[string]string{"test_person": email, "test_product": product, "test_from": from})
	v.Submit("#test form")
	return v
}

// audits opens what happened to a person.
func (v *visitor) audits(email string) *visitor {
	v.t.Helper()
	v.to("audit").Fill("#person", email)
	v.Submit(".audit-filter")
	return v
}

// notAsked: what is asked everywhere except from some networks isn't asked
// from those, nor for other products.
func notAsked(t *testing.T, s *stage) {
	owner := s.owns(t, "inside")
	owner.demands("network_mode", "everywhere_except", "network_ranges", "127.0.0.0/8")
	owner.to("products").Click(`[action$="/products/remote-control"] button`)
	pia := s.visitor(t, s.joinAt("inside", "Pia"))
	owner.tries(pia.email, "dashboard", "127.0.0.1").says(".result", "Not asked: the password is enough.").says(".result", "Nobody wants more than a password.")
	owner.tries(pia.email, "remote-control", "127.0.0.1").says(".result", "Inside requires it for this product.")
	owner.tries(pia.email, "dashboard", "198.51.100.1").says(".result", "Inside requires it from this network.")
	pia.toDashboard().password().says("#name", "Pia")
	pia.toMachineSignedOut().at("/login/why").reads("Inside requires two-step verification for Take Control.")
}

// fromADay: before its first day a requirement isn't there; during the days of
// grace setting up can be put off, and afterwards no longer.
func fromADay(t *testing.T, s *stage) {
	const oneDay = 24 * time.Hour
	owner, begins := s.owns(t, "later"), s.Clock.Now().Add(2*oneDay)
	owner.demands("staff_mode", "required", "staff_from", day(begins), "staff_grace", "3")
	if got := owner.Value("#staff_from"); got != day(begins) {
		t.Errorf("it begins %s, not %s", got, day(begins))
	}
	pia := s.visitor(t, s.joinAt("later", "Pia"))
	pia.toDashboard().password().says("#name", "Pia")

	s.Clock.Advance(2 * oneDay)
	ends := begins.Truncate(oneDay).Add(3 * oneDay)
	owner.elsewhere().onConsole().tries(pia.email, "dashboard", "127.0.0.1").says(".result", "Invited to set up a second step, which can be put off.").
		says(".result", "Later requires it.").says(".result", "Can be put off until "+ends.Format("2 January 2006"))
	pia = pia.again().at("/login/why").reads("Later requires two-step verification.", "You can put this off until "+ends.Format("2 January 2006"))
	pia.ClickText("Not now")
	pia.says("#name", "Pia")

	s.Clock.Advance(3 * oneDay)
	pia = pia.again().at("/login/why").reads("Later requires two-step verification.")
	if words := pia.Text("main"); strings.Contains(words, "Not now") || strings.Contains(words, "put this off") {
		t.Errorf("it can still be put off: %s", words)
	}
	pia.setUp().password().at("/login/totp").enter(pia.nextCode()).says("#name", "Pia")
	owner.elsewhere().onConsole().audits(pia.email).reads("Pia signed in to Dashboard", "Later requires two-step verification")
}

// newNetwork: somebody who signs in from a network where they were never seen
// confirms it by mail.
func newNetwork(t *testing.T, s *stage) {
	owner := s.owns(t, "wary")
	owner.to("requirements").Check("#new_network_check")
	owner.confirms()
	pia := s.visitor(t, s.joinAt("wary", "Pia")).toDashboard()
	pia.password().at("/login/email-code").reads("You are signing in from a network where we haven't seen you yet.")
	pia.enter(s.CodeTo(t, pia.email)).says("#name", "Pia")
	owner.audits(pia.email).reads("Pia signed in to Dashboard", "Pia confirmed a new network")
}
