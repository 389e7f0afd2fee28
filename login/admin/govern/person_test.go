package govern_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

func TestCreatePerson(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		entry := apply.NewPerson()
		entry.Email, entry.Name = "ben@acme.example", "Ben Example"
		p, err := w.CreatePerson(ctx, w.as("adam@acme.example"), "acme", govern.NewPerson{Entry: entry, Invite: true})
		w.must(err)
		if p.Kind != policy.Staff || p.Role != policy.Member || p.RequireTwoStep || p.HasPassword || p.TwoFactor != policy.StateOff {
			t.Errorf("%+v", p)
		}
		if got := w.audited("ben@acme.example"); !slices.Equal(got, []string{"invitation.sent", "person.added"}) {
			t.Errorf("audited %v", got)
		}
		if w.mailed() != 1 {
			t.Errorf("%d mails", w.mailed())
		}

		// Only owners make owners, and nobody makes operators here.
		entry.Email, entry.Role = "cleo@acme.example", policy.Owner
		_, err = w.CreatePerson(ctx, w.as("adam@acme.example"), "acme", govern.NewPerson{Entry: entry})
		w.refused(err, "role")
		_, err = w.CreatePerson(ctx, w.as("olga@acme.example"), "acme", govern.NewPerson{Entry: entry})
		w.must(err)
		entry.Email, entry.Role, entry.Operator = "dan@acme.example", policy.Member, true
		_, err = w.CreatePerson(ctx, w.as("otto@globex.example"), "acme", govern.NewPerson{Entry: entry})
		w.refused(err, "operator")

		// Whatever the entry says, the person comes into the company of the address.
		entry.Operator, entry.Company = false, "globex"
		p, err = w.CreatePerson(ctx, w.as("olga@acme.example"), "acme", govern.NewPerson{Entry: entry})
		w.must(err)
		if u := w.user(p.Email); u.OrgID != "acme" {
			t.Errorf("made in %s", u.OrgID)
		}

		// Somebody else's address is taken, in whichever company.
		entry.Email = "gwen@globex.example"
		_, err = w.CreatePerson(ctx, w.as("olga@acme.example"), "acme", govern.NewPerson{Entry: entry})
		if wrong, ok := errors.AsType[*apply.Problems](err); !ok || strings.Contains(wrong.Error(), "globex") && !strings.Contains(wrong.Error(), "gwen@globex") {
			t.Errorf("a taken address: %v", err)
		}
		entry.Email = "no address"
		_, err = w.CreatePerson(ctx, w.as("olga@acme.example"), "acme", govern.NewPerson{Entry: entry})
		if _, ok := errors.AsType[*apply.Problems](err); !ok {
			t.Errorf("no address: %v", err)
		}
		w.MailGoesOut = false
		entry.Email = "eva@acme.example"
		_, err = w.CreatePerson(ctx, w.as("olga@acme.example"), "acme", govern.NewPerson{Entry: entry, Invite: true})
		w.refused(err, "no_mail")
		if _, err := w.db.UserByEmail(ctx, "eva@acme.example"); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("she was made all the same: %v", err)
		}
	})
}

// Somebody else's people don't exist, whatever is done to them and whatever
// company the address names.
func TestForeignPeopleDontExist(t *testing.T) {
	each(t, func(w *world) {
		ctx, gwen := t.Context(), w.user("gwen@globex.example").ID
		for _, org := range []string{"acme", "globex", "nowhere"} {
			for _, who := range []string{"olga@acme.example", "adam@acme.example"} {
				by := w.as(who)
				for name, do := range map[string]func() error{
					"see":      func() error { _, err := w.Person(ctx, by, org, gwen); return err },
					"change":   func() error { _, err := w.ChangePerson(ctx, by, org, gwen, apply.Person{}, "name"); return err },
					"edit":     func() error { return w.EditPerson(ctx, by, org, gwen, apply.Person{}, "x@acme.example", "name") },
					"disable":  func() error { _, err := w.DisablePerson(ctx, by, org, gwen); return err },
					"delete":   func() error { return w.DeletePerson(ctx, by, org, gwen) },
					"require":  func() error { _, err := w.RequireTwoStep(ctx, by, org, gwen, true); return err },
					"sessions": func() error { _, err := w.EndSessions(ctx, by, org, gwen, ""); return err },
					"unlock":   func() error { _, err := w.UnlockPerson(ctx, by, org, gwen); return err },
					"address":  func() error { return w.ChangeAddress(ctx, by, org, gwen, "g@acme.example") },
					"reset":    func() error { _, err := w.ResetFactors(ctx, by, org, gwen); return err },
					"turn off": func() error { return w.TurnOffTwoStep(ctx, by, org, gwen) },
					"mail":     func() error { _, err := w.SendActivation(ctx, by, org, gwen); return err },
					"ask":      func() error { return w.Ask(ctx, by, govern.SeePeople, org, gwen) },
				} {
					if err := do(); !errors.Is(err, storage.ErrNotFound) {
						t.Errorf("%s may %s %s's gwen: %v", who, name, org, err)
					}
				}
			}
			_, err := w.IssueRecoveryCode(ctx, w.as("olga@acme.example"), org, gwen)
			w.hidden(err)
		}
		_, err := w.People(ctx, w.as("olga@acme.example"), "globex", govern.PeopleFilter{})
		w.hidden(err)
		_, err = w.PeopleCounts(ctx, w.as("adam@acme.example"), "globex")
		w.hidden(err)
		_, err = w.People(ctx, w.as("otto@globex.example"), "acme", govern.PeopleFilter{})
		w.must(err)
		_, err = w.People(ctx, w.as("otto@globex.example"), "nowhere", govern.PeopleFilter{})
		w.hidden(err)
	})
}

func TestPeopleAndTheirStates(t *testing.T) {
	each(t, func(w *world) {
		ctx, olga := t.Context(), w.as("olga@acme.example")
		w.enrol("olga@acme.example")
		counts := func() govern.PeopleCounts {
			t.Helper()
			n, err := w.PeopleCounts(ctx, olga, "acme")
			w.must(err)
			return n
		}
		listed := func(f govern.PeopleFilter) string {
			t.Helper()
			page, err := w.People(ctx, olga, "acme", f)
			w.must(err)
			var all []string
			for _, p := range page.People {
				all = append(all, strings.Split(p.Email, "@")[0]+" "+string(p.TwoFactor))
			}
			return strings.Join(all, ", ")
		}
		if n := counts(); n.All != 4 || n.TwoFactor[policy.StateOn] != 1 || n.TwoFactor[policy.StateOff] != 3 || n.Unconfirmed != 1 || n.Kind[policy.Client] != 1 {
			t.Errorf("%+v", n)
		}
		w.apply("companies: [{id: acme, rules: {staff: {mode: required}}}]")
		if got := listed(govern.PeopleFilter{}); got != "adam pending, ana pending, clara off, olga on" {
			t.Error(got)
		}
		if got := listed(govern.PeopleFilter{TwoFactor: policy.StatePending}); got != "adam pending, ana pending" {
			t.Error(got)
		}
		if got := listed(govern.PeopleFilter{Search: "exam an"}); got != "ana pending" {
			t.Error(got)
		}
		_, err := w.RequireTwoStep(ctx, olga, "acme", w.user("clara@client.example").ID, true)
		w.must(err)
		_, err = w.DisablePerson(ctx, olga, "acme", w.user("ana@acme.example").ID)
		w.must(err)
		if n := counts(); n.All != 3 || n.Disabled != 1 || n.TwoFactor[policy.StatePending] != 2 {
			t.Errorf("%+v", n)
		}
		if got := listed(govern.PeopleFilter{Status: "disabled"}); got != "ana pending" {
			t.Error(got)
		}
		// Page by page, everybody once.
		var all []string
		for f := (govern.PeopleFilter{Limit: 1}); ; {
			page, err := w.People(ctx, olga, "acme", f)
			w.must(err)
			for _, p := range page.People {
				all = append(all, p.Email)
			}
			if f.After = page.Next; f.After == "" {
				break
			}
		}
		if len(all) != 4 || !slices.IsSorted(all) {
			t.Errorf("%v", all)
		}
	})
}

func TestTheLastOwnerStays(t *testing.T) {
	each(t, func(w *world) {
		ctx, otto, olga := t.Context(), w.as("otto@globex.example"), w.user("olga@acme.example").ID
		for name, err := range map[string]error{
			"delete":  w.DeletePerson(ctx, otto, "acme", olga),
			"disable": second(w.DisablePerson(ctx, otto, "acme", olga)),
			"demote":  second(w.ChangePerson(ctx, otto, "acme", olga, apply.Person{Role: policy.Member}, "role")),
		} {
			if wrong, ok := errors.AsType[*apply.Problems](err); !ok || !strings.Contains(wrong.Error(), "only owner") {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, err := w.ChangePerson(ctx, w.as("olga@acme.example"), "acme", olga, apply.Person{Role: policy.Member}, "role")
		w.refused(err, "self")
		_, err = w.DisablePerson(ctx, w.as("olga@acme.example"), "acme", olga)
		w.refused(err, "self")
		w.refused(w.DeletePerson(ctx, w.as("olga@acme.example"), "acme", olga), "self")

		// With another owner the first may go.
		_, err = w.ChangePerson(ctx, otto, "acme", w.user("adam@acme.example").ID, apply.Person{Role: policy.Owner}, "role")
		w.must(err)
		w.must(w.DeletePerson(ctx, w.as("adam@acme.example"), "acme", olga))
	})
}

func second[T any](_ T, err error) error { return err }

// What somebody may no longer do ends with the transaction that takes it from
// them, whatever their session or token says.
func TestRightsAreReadAnew(t *testing.T) {
	each(t, func(w *world) {
		ctx, adam, ana := t.Context(), w.as("adam@acme.example"), w.user("ana@acme.example").ID
		_, err := w.ChangePerson(ctx, adam, "acme", ana, apply.Person{Profile: storage.Profile{Name: "Ana A."}}, "name")
		w.must(err)
		w.apply("people: [{email: adam@acme.example, role: member}]")
		_, err = w.ChangePerson(ctx, adam, "acme", ana, apply.Person{Profile: storage.Profile{Name: "Ana B."}}, "name")
		w.refused(err, "role")
		w.apply("people: [{email: adam@acme.example, role: administrator, disabled: true}]")
		_, err = w.People(ctx, adam, "acme", govern.PeopleFilter{})
		w.refused(err, "gone")
		w.apply("people: [{email: adam@acme.example, disabled: false, company: globex}]")
		_, err = w.Person(ctx, adam, "acme", ana)
		w.hidden(err)
		w.apply("people: [{email: adam@acme.example, delete: true}]")
		_, err = w.Person(ctx, adam, "acme", ana)
		w.refused(err, "gone")
	})
}

func TestAnotherAddress(t *testing.T) {
	each(t, func(w *world) {
		ctx, olga, ana := t.Context(), w.as("olga@acme.example"), w.user("ana@acme.example").ID
		running := w.signIn("ana@acme.example")
		stale := olga
		stale.Vouches = false
		if err := w.ChangeAddress(ctx, stale, "acme", ana, "anna@acme.example"); !errors.Is(err, govern.ErrNotFresh) {
			t.Errorf("without a fresh second factor: %v", err)
		}
		if err := w.EditPerson(ctx, stale, "acme", ana, apply.Person{Profile: storage.Profile{Name: "Anna"}}, "anna@acme.example", "name"); !errors.Is(err, govern.ErrNotFresh) {
			t.Errorf("by the form, without a fresh second factor: %v", err)
		}
		if u := w.user("ana@acme.example"); u.Profile.Name != "Ana Example" {
			t.Errorf("half of it was saved: %s", u.Profile.Name)
		}
		w.must(w.EditPerson(ctx, olga, "acme", ana, apply.Person{Profile: storage.Profile{Name: "Anna"}}, "anna@acme.example", "name"))
		u := w.user("anna@acme.example")
		if u.ID != ana || u.EmailVerified || u.Profile.Name != "Anna" {
			t.Errorf("%+v", u)
		}
		sessions, err := w.db.Sessions(ctx, ana, time.Hour, w.now)
		w.must(err)
		if len(sessions) != 0 {
			t.Errorf("session %s goes on", running)
		}
		if w.mailed() != 3 { // both addresses are told, and a link goes to the new one
			t.Errorf("%d mails", w.mailed())
		}
		err = w.ChangeAddress(ctx, olga, "acme", ana, "GWEN@globex.example")
		if _, ok := errors.AsType[*apply.Problems](err); !ok {
			t.Errorf("a taken address: %v", err)
		}
		w.refused(w.ChangeAddress(ctx, w.as("adam@acme.example"), "acme", w.user("olga@acme.example").ID, "o@acme.example"), "person_role")
	})
}

func TestTurningOffAndResetting(t *testing.T) {
	each(t, func(w *world) {
		ctx, olga, ana := t.Context(), w.as("olga@acme.example"), w.user("ana@acme.example").ID
		w.enrol("ana@acme.example")
		w.enrol("olga@acme.example")
		w.apply("companies: [{id: acme, rules: {administrators: {mode: required}}}]")
		w.refused(w.TurnOffTwoStep(ctx, olga, "acme", w.user("olga@acme.example").ID), "required")
		w.apply("companies: [{id: acme, rules: {}}]")
		w.must(w.TurnOffTwoStep(ctx, olga, "acme", w.user("olga@acme.example").ID))

		_, err := w.RequireTwoStep(ctx, olga, "acme", ana, true)
		w.must(err)
		// Lifting the requirement leaves the person's own wish.
		p, err := w.RequireTwoStep(ctx, olga, "acme", ana, false)
		w.must(err)
		if !p.OwnTwoStep || p.TwoFactor != policy.StateOn {
			t.Errorf("%+v", p)
		}
		w.must(w.TurnOffTwoStep(ctx, w.as("adam@acme.example"), "acme", ana))
		if u := w.user("ana@acme.example"); u.TwoStep || u.TwoStepRequired || len(u.SecondFactors) != 1 {
			t.Errorf("turned off: %+v", u)
		}
		w.signIn("ana@acme.example")
		n, err := w.ResetFactors(ctx, w.as("adam@acme.example"), "acme", ana)
		w.must(err)
		sessions, err := w.db.Sessions(ctx, ana, time.Hour, w.now)
		w.must(err)
		if u := w.user("ana@acme.example"); n != 1 || len(u.SecondFactors) != 0 || len(sessions) != 0 {
			t.Errorf("%d removed, %v left, %d sessions", n, u.SecondFactors, len(sessions))
		}
		_, err = w.ResetFactors(ctx, olga, "acme", w.user("olga@acme.example").ID)
		w.refused(err, "self")
		if got := w.audited("ana@acme.example"); !slices.Equal(got, []string{"person.added", "person.two_step_not_required", "person.two_step_required", "two_step.reset", "two_step.turned_off"}) {
			t.Errorf("audited %v", got)
		}
	})
}

func TestRecoveryCodesAreForOwnersToIssue(t *testing.T) {
	each(t, func(w *world) {
		ctx, ana := t.Context(), w.user("ana@acme.example").ID
		for who, code := range map[string]string{"adam@acme.example": "role", "ana@acme.example": "role", "otto@globex.example": "role"} {
			_, err := w.IssueRecoveryCode(ctx, w.as(who), "acme", ana)
			w.refused(err, code)
		}
		stale := w.as("olga@acme.example")
		stale.Vouches = false
		if _, err := w.IssueRecoveryCode(ctx, stale, "acme", ana); !errors.Is(err, govern.ErrNotFresh) {
			t.Errorf("without a fresh second factor: %v", err)
		}
		robot := w.machine("robot", "acme", "people:write")
		robot.Vouches = true
		_, err := w.IssueRecoveryCode(ctx, robot, "acme", ana)
		w.refused(err, "role")
		_, err = w.IssueRecoveryCode(ctx, w.as("olga@acme.example"), "acme", w.user("olga@acme.example").ID)
		w.refused(err, "self")
		r, err := w.IssueRecoveryCode(ctx, w.as("olga@acme.example"), "acme", ana)
		w.must(err)
		if r.Code == "" || !r.Until.Equal(w.now.Add(time.Hour)) {
			t.Errorf("%+v", r)
		}
		w.apply("people: [{email: ana@acme.example, disabled: true}]")
		_, err = w.IssueRecoveryCode(ctx, w.as("olga@acme.example"), "acme", ana)
		w.refused(err, "disabled")
	})
}

func TestSomebodyElseAllowsChangesAgain(t *testing.T) {
	each(t, func(w *world) {
		ctx, adam := t.Context(), w.user("adam@acme.example").ID
		w.write(func(tx *storage.Tx) error { return tx.LockChanges(ctx, adam, w.now) })
		_, err := w.UnlockPerson(ctx, w.as("adam@acme.example"), "acme", adam)
		w.refused(err, "self")
		locked, err := w.UnlockPerson(ctx, w.as("olga@acme.example"), "acme", adam)
		w.must(err)
		if !locked || !w.user("adam@acme.example").ChangesLockedAt.IsZero() {
			t.Error("changes are still locked")
		}
	})
}
