package server_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// lock is somebody who said "This wasn't me".
func lock(t *testing.T, d *servertest.Demo, email string) {
	t.Helper()
	change(t, d, email, func(tx *storage.Tx, id string) error { return tx.LockChanges(t.Context(), id, d.Clock.Now()) })
}

func isLocked(t *testing.T, d *servertest.Demo, email string) bool {
	t.Helper()
	return !person(t, d, idOf(t, d, email)).ChangesLockedAt.IsZero()
}

// After "This wasn't me" an owner lets changes be made again: for people of
// the company alone, and not for themselves.
func TestOwnersAllowChangesAgain(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		h, about := owned(t, d), idle(t, d, ana)
		lock(t, d, ana)
		lock(t, d, gus)
		for _, path := range []string{"/console/companies/acme/people/nobody/unlock", inConsole(t, d, gus, "unlock")} {
			if h.at(path); h.Status != http.StatusNotFound {
				t.Errorf("GET %s: %d", path, h.Status)
			}
			if h.send(path, "confirm", "1"); h.Status != http.StatusNotFound || !isLocked(t, d, gus) {
				t.Errorf("POST %s: %d, locked %v", path, h.Status, isLocked(t, d, gus))
			}
		}
		h.at(inConsole(t, d, ana)).Follow("/unlock")
		h.MustRead("speak to them first").Submit(map[string]string{"confirm": "1"})
		h.MustBeAt(inConsole(t, d, ana)).MustRead("They can try again, and change how they sign in.")
		about.mustLog("changes.unlocked")
		if isLocked(t, d, ana) {
			t.Error("still locked")
		}
		// It takes a second factor proved just now, asked for before the button.
		lock(t, d, ana)
		d.Clock.Advance(policy.FreshFor + time.Second)
		h.send(inConsole(t, d, ana, "unlock"), "confirm", "1").MustBeAt("/login/totp")
		h.at(inConsole(t, d, ana, "unlock")).MustBeAt("/login/totp")
		if !isLocked(t, d, ana) {
			t.Error("unlocked with a factor of six minutes ago")
		}
		h.code()
		h.MustBeAt(inConsole(t, d, ana, "unlock"))
		h.confirms()
		if isLocked(t, d, ana) {
			t.Error("still locked")
		}
	})
}

// Administrators do it for members, as they reset second factors of members;
// members for nobody.
func TestWhoElseAllowsChangesAgain(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		declare(t, d, "people: [{email: mia@acme.example, company: acme, role: administrator}]")
		lock(t, d, ana)
		lock(t, d, olga)
		for _, c := range []struct {
			by, whom string
			may      bool
		}{{ben, ana, false}, {mia, olga, false}, {mia, ana, true}} {
			if c.by == ben || c.whom == olga {
				give(t, d, c.by, storage.Factor{ID: "app of " + c.by, Kind: "totp"})
			}
			inAccount(t, d, c.by).send(inConsole(t, d, c.whom, "unlock"), "confirm", "1")
			if isLocked(t, d, c.whom) == c.may {
				t.Errorf("by %s for %s: locked %v", c.by, c.whom, !c.may)
			}
			d.Clock.Advance(time.Minute)
		}
	})
}

// Whose own changes are locked changes nothing about how others sign in, and
// doesn't let themselves do so again.
func TestLockedOwners(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		h := owned(t, d)
		give(t, d, ana, ofAna)
		lock(t, d, ana)
		h.at(inConsole(t, d, ana, "recovery")) // open, as it is said
		lock(t, d, olga)
		posted(t, d)
		h.confirms()
		for _, deed := range []string{"recovery", "unlock", "reset", "turn-off"} {
			for _, ask := range []func(){
				func() { h.at(inConsole(t, d, ana, deed)) }, func() { h.send(inConsole(t, d, ana, deed), "confirm", "1") },
			} {
				if ask(); h.Status != http.StatusForbidden {
					t.Errorf("%s: %d at %s", deed, h.Status, h.URL)
				}
				h.MustRead("you can't change how others sign in either")
			}
		}
		for _, deed := range []string{"unlock", "recovery"} {
			if h.send(inConsole(t, d, olga, deed), "confirm", "1"); h.Status == http.StatusOK {
				t.Errorf("%s for themselves: %d", deed, h.Status)
			}
		}
		h.mustNotIssue(ana, olga)
		if in := idle(t, d, ana).person(); !isLocked(t, d, olga) || !isLocked(t, d, ana) || len(in.Methods) != 1 || !in.User.TwoStep {
			t.Errorf("something changed: %+v", in.User)
		}
		mustPost(t, d)
		// They aren't asked for a second factor that would lead nowhere.
		d.Clock.Advance(policy.FreshFor + time.Second)
		h.at(inConsole(t, d, ana, "recovery")).MustRead("you can't change how others sign in either")
	})
}

// Who governs something finds the way to the console in their account.
func TestWayToTheConsole(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		declare(t, d, "people: [{email: mia@acme.example, company: acme, role: administrator}]")
		for email, to := range map[string]string{olga: "acme", mia: "acme", "otto@sallyport.example": "globex", ana: ""} {
			give(t, d, email, storage.Factor{ID: "app of " + email, Kind: "totp"})
			h := inAccount(t, d, email)
			if to == "" {
				if h.Has("#console") {
					t.Errorf("%s is sent to the console", email)
				}
				if h.at("/console"); h.Status != http.StatusForbidden {
					t.Errorf("%s: %d", email, h.Status)
				}
				continue
			}
			h.Follow("/console").MustBeAt("/console/companies/" + to + "/people")
		}
	})
}
