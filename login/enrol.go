package login

import (
	"context"
	"net/http"
	"slices"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/login/setup"
	"github.com/sallyport-id/sallyport/storage"
)

// Enrolment inside the flow. A sign-in that must enrol can do nothing else: the
// decision stays Enrol until a factor was proved. What was begun is bound to
// this authorization request.

// forced says that setting up can't be put off, nor got around by leaving: it
// is not this product that asks.
func (v *visit) forced() bool {
	switch v.decision.Reason.Code {
	case policy.ByProduct, policy.ByRequest:
		return false
	}
	return !v.decision.Later
}

// whyPage says that a second factor must be set up, and who wants it.
func (l *Login) whyPage(v *visit) error {
	if !v.setsUp() {
		return v.toNext()
	}
	why := page.Why{Later: v.decision.Later, Recovered: v.decision.Reason.Code == policy.ByRecovery, Until: v.decision.Until}
	if r := reason(v); r != nil {
		why.Reason = *r
	}
	return l.show(v, why, nil)
}

func (l *Login) whyPost(v *visit) error {
	if !v.setsUp() {
		return v.toNext()
	}
	switch {
	case v.r.PostFormValue("set_up") == "1":
		v.request.Stamps.SetUp = true
	case v.r.PostFormValue("later") == "1" && v.decision.Later && v.decision.Reason.Code == policy.ByRecovery:
		v.request.Stamps.SetUpLater = true
	case v.r.PostFormValue("later") == "1" && v.decision.Later:
		v.request.Stamps.NotNow = true
	}
	return l.save(v)
}

// setUp lets a person into the pages of setting up where that is what must
// happen now.
func (l *Login) setUp(serve func(*setup.Place) error) http.HandlerFunc {
	return l.flow(func(v *visit) error {
		switch {
		case v.decision.Do != policy.Enrol || !v.request.Stamps.SetUp:
			return v.toNext()
		case !v.person.User.ChangesLockedAt.IsZero():
			return l.refuse(v, "refuse.changes_locked")
		}
		return serve(l.place(v))
	})
}

func (l *Login) place(v *visit) *setup.Place {
	return &setup.Place{
		Validity: v.facts.Company.Rules.CodeValidity,
		W:        v.w, R: v.r, User: &v.person.User, BoundTo: boundTo(v), Methods: v.decision.Methods,
		Path: func(page string) string { return v.path("/login/set-up" + page) },
		Show: func(p page.Page, problem *page.Problem) error { return l.show(v, p, problem) },
		Lost: func(m policy.Method) []string { return v.lost(m) },
		Activated: func(ctx context.Context, tx *storage.Tx, a setup.Activation) error {
			return l.activated(ctx, tx, v, a)
		},
		Done: func(setup.Activation) error { return v.toNext() },
		Refused: func(_ context.Context, tx *storage.Tx, m policy.Method, verdict factor.Verdict) error {
			return l.codeFailed(v, tx, m, verdict)
		},
		After: func(verdict factor.Verdict) (bool, int, error) {
			if !v.request.Stamps.Ended.IsZero() {
				return true, 0, v.toNext()
			}
			return false, min(verdict.TriesLeft, factor.WrongEndsSignIn-v.request.Wrong), nil
		},
	}
}

// lost are the factors that a new one stands in for. Who came in with an
// owner's recovery code has lost all; otherwise an app replaces the app before
// it.
func (v *visit) lost(m policy.Method) (ids []string) {
	recovered := v.facts.Proofs.Since(v.request.CreatedAt.Add(-policy.FreshFor)).Has(policy.RecoveryCode)
	for _, f := range v.factors {
		if recovered || m == policy.TOTP && f.Kind == string(policy.TOTP) {
			ids = append(ids, f.ID)
		}
	}
	return ids
}

// activated follows the activation of a factor. It ends all sessions and what
// products hold, and the person signs in anew with the new factor: what a
// password alone had opened is closed.
func (l *Login) activated(ctx context.Context, tx *storage.Tx, v *visit, a setup.Activation) (err error) {
	now, user := l.Now(), &v.person.User
	enrolled := l.event(ctx, string(a.Method)+".enrolled", storage.OK, v.client.ID, user)
	enrolled.Factor, enrolled.Reason, enrolled.Decision = string(a.Method), v.decision.Reason.String(), string(v.decision.Reason.Code)
	events := []storage.Event{enrolled}
	// The first factor of any kind ends with backup codes; so does one that
	// stands in for what was lost.
	if v.person.BackupCodesLeft == 0 || slices.Contains([]policy.ReasonCode{policy.ByRecovery, policy.ByBackupReset}, v.decision.Reason.Code) {
		if v.request.FreshCodes, err = l.Factors.Backup.Make(ctx, tx, user.ID, v.facts.Company.Rules.BackupCodesMade(), now); err != nil {
			return err
		}
		events = append(events, l.event(ctx, "backup_codes.made", storage.OK, v.client.ID, user))
	}
	if err := tx.SetTwoStep(ctx, user.ID, true, now); err != nil {
		return err
	}
	if err := tx.SetPreferredMethod(ctx, user.ID, string(a.Method)); err != nil {
		return err
	}
	if err := tx.VoidRecoveryCode(ctx, user.ID); err != nil {
		return err
	}
	if _, err := tx.EndSessions(ctx, storage.Ending{UserID: user.ID, Offline: true, ExceptRequest: v.request.ID}, now); err != nil {
		return err
	}
	v.request.UserID, v.request.Proofs = user.ID, nil
	v.request.Stamps.Enrolled, v.request.Stamps.SetUp, v.request.Stamps.SignInSince = true, false, now
	if err := tx.UpdateAuthRequest(ctx, v.request); err != nil {
		return err
	}
	if err := tx.Audit(ctx, events...); err != nil {
		return err
	}
	return l.Notices.Tell(ctx, tx, user, string(a.Method)+".enrolled", session.OriginOf(ctx).Addr.String())
}

// freshCodesPage shows the new backup codes until the person has saved them.
func (l *Login) freshCodesPage(v *visit) error {
	if len(v.request.FreshCodes) == 0 {
		return v.toNext()
	}
	return l.show(v, l.freshCodes(v), nil)
}

func (l *Login) freshCodes(v *visit) page.BackupCodes {
	codes := page.BackupCodes{
		Codes: v.request.FreshCodes, Issuer: l.Host, Made: v.request.Stamps.SignInSince, Step: true, Resets: v.facts.Company.Rules.BackupCodeResets,
	}
	if v.person != nil {
		codes.Account = v.person.User.Email
	}
	return codes
}

func (l *Login) freshCodesPost(v *visit) error {
	switch {
	case len(v.request.FreshCodes) == 0:
		return v.toNext()
	case v.r.PostFormValue("saved") != "yes":
		return l.show(v, l.freshCodes(v), problem("saved", "problem.saved_unchecked"))
	}
	v.request.FreshCodes = nil
	return l.save(v)
}
