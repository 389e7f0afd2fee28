package govern

import (
	"context"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/storage"
)

// UnlockPerson forgets the failures that slow a person down or lock them out,
// and lifts what "This wasn't me" had stopped, which takes the right to
// AllowChanges. Their factors stay.
func (g *Govern) UnlockPerson(ctx context.Context, by Actor, org, id string) (changesWereLocked bool, err error) {
	err = g.onPerson(ctx, by, ChangePeople, org, id, func(tx *storage.Tx, by Actor, u *storage.User) error {
		if changesWereLocked = !u.ChangesLockedAt.IsZero(); changesWereLocked {
			if err := by.mayTo(AllowChanges, u); err != nil {
				return err // not oneself: somebody else must have spoken to them
			}
			if err := by.may(AllowChanges, org); err != nil {
				return err
			}
		}
		if u.ID == by.UserID {
			return &Refused{Code: "self", Action: ChangePeople} // else codes could be guessed without end
		}
		for _, prefix := range []string{factor.CounterPrefix(u.ID), factor.PasswordCounterPrefix(u.Email)} {
			if err := tx.ForgetAttempts(ctx, prefix); err != nil {
				return err
			}
		}
		if err := tx.Audit(ctx, by.did("person.unlocked", u, g.Now())); err != nil || !changesWereLocked {
			return err
		}
		if err := tx.UnlockChanges(ctx, u.ID, g.Now()); err != nil {
			return err
		}
		return tx.Audit(ctx, by.did("changes.unlocked", u, g.Now()))
	})
	return changesWereLocked, err
}

// EndSessions signs a person out: of one session, or everywhere and of what
// products hold beyond sessions where id is empty.
func (g *Govern) EndSessions(ctx context.Context, by Actor, org, id, sessionID string) (ended int, err error) {
	err = g.onPerson(ctx, by, ChangePeople, org, id, func(tx *storage.Tx, by Actor, u *storage.User) error {
		ending, event := storage.Ending{UserID: u.ID, Session: sessionID, Offline: sessionID == ""}, "sessions.ended"
		if sessionID != "" {
			event = "session.ended"
		}
		gone, err := tx.EndSessions(ctx, ending, g.Now())
		if err != nil {
			return err
		}
		if ended = int(gone); ended == 0 && sessionID != "" {
			return notFound("session") // somebody else's, or it has ended
		}
		return tx.Audit(ctx, by.did(event, u, g.Now()))
	})
	return ended, err
}

// TurnOffTwoStep turns a person's own two-step verification off, and what an
// administrator required of this person. Factors stay, and are asked for where
// products demand it. Nobody does that to themselves where it is required.
func (g *Govern) TurnOffTwoStep(ctx context.Context, by Actor, org, id string) error {
	return g.onPerson(ctx, by, ChangeFactors, org, id, func(tx *storage.Tx, by Actor, u *storage.User) error {
		if u.ID == by.UserID {
			if err := g.notRequired(ctx, tx, u); err != nil {
				return err
			}
		}
		u.TwoStepRequired = false
		if err := tx.UpdateUser(ctx, *u, g.Now()); err != nil {
			return err
		}
		if err := tx.SetTwoStep(ctx, u.ID, false, g.Now()); err != nil {
			return err
		}
		return g.tellTwoStepOff(ctx, tx, by, u, "two_step.turned_off")
	})
}

// ResetFactors removes all second factors of a person, with their backup and
// recovery codes, and signs them out. Who must have one sets one up at the next
// sign-in.
func (g *Govern) ResetFactors(ctx context.Context, by Actor, org, id string) (removed int64, err error) {
	err = g.onPerson(ctx, by, ChangeFactors, org, id, func(tx *storage.Tx, by Actor, u *storage.User) error {
		if u.ID == by.UserID {
			return &Refused{Code: "self", Action: ChangeFactors} // their account is for that
		}
		if removed, err = tx.DeleteFactors(ctx, u.ID, ""); err != nil {
			return err
		}
		for _, do := range []func() error{
			func() error { return tx.ReplaceBackupCodes(ctx, u.ID, nil, g.Now()) },
			func() error { return tx.VoidRecoveryCode(ctx, u.ID) },
			func() error { return tx.SetTwoStep(ctx, u.ID, false, g.Now()) },
			// A locked counter belongs to the factor that is gone.
			func() error { return tx.ForgetAttempts(ctx, factor.CounterPrefix(u.ID)) },
			func() error {
				_, err := tx.EndSessions(ctx, storage.Ending{UserID: u.ID, Offline: true}, g.Now())
				return err
			},
		} {
			if err := do(); err != nil {
				return err
			}
		}
		return g.tellTwoStepOff(ctx, tx, by, u, "two_step.reset")
	})
	return removed, err
}

func (g *Govern) tellTwoStepOff(ctx context.Context, tx *storage.Tx, by Actor, u *storage.User, event string) error {
	if err := tx.Audit(ctx, by.did(event, u, g.Now())); err != nil {
		return err
	}
	return g.Notices.Tell(ctx, tx, u, "two_step.off", by.place())
}

// notRequired refuses where two-step verification is required of a person at
// every sign-in.
func (g *Govern) notRequired(ctx context.Context, tx *storage.Tx, u *storage.User) error {
	company, err := g.company(ctx, tx.Reader, u.OrgID)
	if err != nil {
		return err
	}
	asked := policy.Person{Kind: u.Kind, Role: u.Role, TwoStepRequired: u.TwoStepRequired}
	if policy.TwoFactorState(asked, company) == policy.StatePending {
		return &Refused{Code: "required", Action: ChangeFactors}
	}
	return nil
}

// Recovery is a code that lets a person in once, with their password.
type Recovery struct {
	Code   string    `json:"code"`
	Person Person    `json:"person"`
	Until  time.Time `json:"until"`
}

// IssueRecoveryCode makes a recovery code for a person, in place of an earlier
// one; the person and all owners are told. The actor passes it on themselves.
func (g *Govern) IssueRecoveryCode(ctx context.Context, by Actor, org, id string) (r Recovery, err error) {
	err = g.onPerson(ctx, by, IssueRecovery, org, id, func(tx *storage.Tx, by Actor, u *storage.User) error {
		if !by.CommandLine && !policy.MayIssueRecoveryCode(policy.Person{Role: by.role}, by.UserID, by.OrgID, u.ID, u.OrgID) {
			return &Refused{Code: "role", Action: IssueRecovery}
		}
		if !u.DisabledAt.IsZero() {
			return &Refused{Code: "disabled", Action: IssueRecovery}
		}
		company, err := g.company(ctx, tx.Reader, org)
		if err != nil {
			return err
		}
		r.Person = personOf(u, company)
		if r.Code, r.Until, err = g.Recovery.Issue(ctx, tx, u.ID, by.name(), g.Now()); err != nil {
			return err
		}
		if err := tx.Audit(ctx, by.did("recovery_code.issued", u, g.Now())); err != nil {
			return err
		}
		if err := g.noteGiven(ctx, tx, by); err != nil {
			return err
		}
		if err := g.Notices.Tell(ctx, tx, u, "recovery_code.issued", by.place()); err != nil {
			return err
		}
		return g.Notices.TellOwners(ctx, tx, u, "recovery_code.issued", by.place(), by.UserID)
	})
	return r, err
}

// noteGiven has the issuer's own activity show that they were given a code, so
// that they see what somebody else did in their name.
func (g *Govern) noteGiven(ctx context.Context, tx *storage.Tx, by Actor) error {
	if by.UserID == "" {
		return nil
	}
	given := by.event(by.OrgID, by.UserID, g.Now())
	given.Event = "recovery_code.given"
	return tx.Audit(ctx, given)
}
