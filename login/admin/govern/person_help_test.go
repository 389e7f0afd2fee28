package govern_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// lock is somebody who says "This wasn't me".
func (w *world) lock(email string) {
	w.t.Helper()
	id := w.user(email).ID
	w.write(func(tx *storage.Tx) error { return tx.LockChanges(w.t.Context(), id, w.now) })
}

func (w *world) locked(email string) bool { return !w.user(email).ChangesLockedAt.IsZero() }

// Who said "This wasn't me" changes nothing about how others sign in: what was
// done to them may be how somebody came to be signed in as them.
func TestLockedOwnersHelpNobody(t *testing.T) {
	each(t, func(w *world) {
		ctx, olga, ana := t.Context(), w.as("olga@acme.example"), w.user("ana@acme.example").ID
		adam := w.user("adam@acme.example").ID
		w.enrol("ana@acme.example")
		w.lock("olga@acme.example")
		w.lock("adam@acme.example")
		for name, do := range map[string]func() error{
			"recovery": func() error { _, err := w.IssueRecoveryCode(ctx, olga, "acme", ana); return err },
			"reset":    func() error { _, err := w.ResetFactors(ctx, olga, "acme", ana); return err },
			"turn off": func() error { return w.TurnOffTwoStep(ctx, olga, "acme", ana) },
			"address":  func() error { return w.ChangeAddress(ctx, olga, "acme", ana, "thief@home.example") },
			"role": func() error {
				_, err := w.ChangePerson(ctx, olga, "acme", ana, apply.Person{Role: "owner"}, "role")
				return err
			},
			"unlock": func() error { _, err := w.UnlockPerson(ctx, olga, "acme", adam); return err },
		} {
			t.Log(name)
			w.refused(do(), "locked")
		}
		if u := w.user("ana@acme.example"); len(u.SecondFactors) != 1 || !u.TwoStep || u.Role == "owner" || !w.locked("adam@acme.example") {
			t.Errorf("something changed: %+v", u)
		}
		rights, err := w.Rights(ctx, olga)
		w.must(err)
		if rights.May(govern.IssueRecovery, "acme") || rights.May(govern.ChangeFactors, "acme") || !rights.May(govern.SeePeople, "acme") {
			t.Error("a page would offer what is refused")
		}
		// Wrong passwords of somebody who isn't locked they may forgive.
		_, err = w.UnlockPerson(ctx, olga, "acme", ana)
		w.must(err)
		_, err = w.UnlockPerson(ctx, govern.AtTheCommandLine(), "acme", olga.UserID)
		w.must(err)
		_, err = w.IssueRecoveryCode(ctx, olga, "acme", ana)
		w.must(err)
	})
}

// Allowing changes again takes a person who proved a second factor just now.
func TestWhoAllowsChangesAgain(t *testing.T) {
	each(t, func(w *world) {
		ctx, ana := t.Context(), w.user("ana@acme.example").ID
		w.lock("ana@acme.example")
		stale := w.as("olga@acme.example")
		stale.Vouches = false
		if _, err := w.UnlockPerson(ctx, stale, "acme", ana); !errors.Is(err, govern.ErrNotFresh) {
			t.Errorf("without a fresh second factor: %v", err)
		}
		robot := w.machine("robot", "acme", "people:write")
		robot.Vouches = true
		_, err := w.UnlockPerson(ctx, robot, "acme", ana)
		w.refused(err, "machine")
		_, err = w.UnlockPerson(ctx, w.as("clara@client.example"), "acme", ana)
		w.refused(err, "role")
		_, err = w.UnlockPerson(ctx, w.as("gwen@globex.example"), "acme", ana)
		w.hidden(err)
		if got := w.audited("ana@acme.example"); !w.locked("ana@acme.example") || slices.Contains(got, "person.unlocked") {
			t.Errorf("something was done: %v", got)
		}
		_, err = w.UnlockPerson(ctx, w.as("adam@acme.example"), "acme", ana)
		w.must(err)
		if got := w.audited("ana@acme.example"); w.locked("ana@acme.example") || !slices.Contains(got, "changes.unlocked") {
			t.Errorf("still locked: %v", got)
		}
		// An owner, only another owner helps.
		w.apply("people: [{email: adam@acme.example, role: administrator}, {email: ana@acme.example, role: owner}]")
		w.lock("ana@acme.example")
		_, err = w.UnlockPerson(ctx, w.as("adam@acme.example"), "acme", ana)
		w.refused(err, "person_role")
		_, err = w.UnlockPerson(ctx, w.as("olga@acme.example"), "acme", ana)
		w.must(err)
	})
}

// Who issues a recovery code sees it among what they did themselves.
func TestIssuingIsSeenByTheIssuer(t *testing.T) {
	each(t, func(w *world) {
		_, err := w.IssueRecoveryCode(t.Context(), w.as("olga@acme.example"), "acme", w.user("ana@acme.example").ID)
		w.must(err)
		if got := w.audited("olga@acme.example"); !slices.Contains(got, "recovery_code.given") {
			t.Errorf("theirs: %v", got)
		}
		if got := w.audited("ana@acme.example"); !slices.Contains(got, "recovery_code.issued") || slices.Contains(got, "recovery_code.given") {
			t.Errorf("the person's: %v", got)
		}
		_, err = w.IssueRecoveryCode(t.Context(), govern.AtTheCommandLine(), "acme", w.user("ana@acme.example").ID)
		w.must(err)
	})
}
