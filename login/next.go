package login

import (
	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// next is the only place that chooses the next page.
func (l *Login) next(v *visit) error {
	switch {
	case v.request.Stamps.Denied:
		return v.redirect("/authorize/continue")
	case !v.request.Stamps.Ended.IsZero():
		return l.ended(v)
	case len(v.request.FreshCodes) > 0:
		return v.redirect("/login/backup-codes")
	}
	if v.setsUp() && !v.request.Stamps.SetUp {
		return v.redirect("/login/why")
	}
	switch d := v.decision; d.Do {
	case policy.ChooseAccount:
		return v.redirect("/login/account")
	case policy.Prove, policy.Confirm:
		return l.nextProof(v, d)
	case policy.Enrol:
		return v.redirect("/login/set-up")
	case policy.Consent:
		return v.redirect("/login/consent")
	case policy.Pass:
		return l.pass(v)
	default:
		return l.refused(v, d)
	}
}

// setsUp says whether a factor must be set up: now, or once the password was
// typed anew because setting up needs a fresh proof.
func (v *visit) setsUp() bool {
	d := v.decision
	return d.Do == policy.Enrol ||
		offers(d, policy.Prove, policy.Password) && d.Reason.Code != policy.NotSignedIn && d.Reason.Code != policy.SignInAnew
}

// asks says whether a proof by a method would help now.
func (v *visit) asks(m policy.Method) bool {
	d := v.decision
	return offers(d, policy.Prove, m) || offers(d, policy.Confirm, m) || m == policy.RecoveryCode && d.Recovery
}

// nextProof leads to the first of the methods that would do: the policy puts
// the preferred one first, and a backup code last.
func (l *Login) nextProof(v *visit, d policy.Decision) error {
	for _, m := range d.Methods {
		if path, ok := pathOf(m); ok {
			return v.redirect(path)
		}
	}
	return l.refused(v, d)
}

// ways are the pages that prove something.
var ways = []struct {
	method policy.Method
	path   string
}{
	{policy.Password, "/login/password"},
	{policy.TOTP, "/login/totp"},
	{policy.SMS, "/login/text-message"},
	{policy.Email, "/login/email-code"},
	{policy.WebAuthn, "/login/passkey"},
	{policy.BackupCode, "/login/backup-code"},
	{policy.RecoveryCode, "/login/recovery-code"},
}

func pathOf(m policy.Method) (path string, ok bool) {
	for _, way := range ways {
		if way.method == m {
			return way.path, true
		}
	}
	return "", false
}

// pass turns the sign-in into a session and leads back to idp, which decides
// again before it gives anything out.
func (l *Login) pass(v *visit) error {
	ctx := v.ctx()
	own, err := session.Decode(v.request.Proofs)
	if err != nil {
		return err
	}
	var opened *session.Opened
	err = l.DB.Write(ctx, func(tx *storage.Tx) (err error) {
		if err := tx.HoldUser(ctx, v.person.User.ID); err != nil {
			return err
		}
		if opened, err = l.Sessions.Pass(ctx, tx, v.running, v.person.User.ID, own); err != nil {
			return err
		}
		v.request.UserID, v.request.Stamps.Session, v.request.Proofs = v.person.User.ID, opened.ID, nil
		v.request.Stamps.Chosen = true // the account just signed in to is the one chosen
		if err := tx.UpdateAuthRequest(ctx, v.request); err != nil {
			return err
		}
		if len(own) == 0 {
			return nil // nothing new was proved
		}
		if err := tx.SeeNetwork(ctx, v.person.User.ID, session.Network(session.OriginOf(ctx).Addr), l.Now()); err != nil {
			return err
		}
		name := "step_up.passed"
		if own.Primary() {
			name = "sign_in.passed"
			if err := tx.SetLastSignIn(ctx, v.person.User.ID, l.Now()); err != nil {
				return err
			}
		}
		event := l.event(ctx, name, storage.OK, v.client.ID, &v.person.User)
		event.Reason = v.facts.Proofs.Level().ACR()
		return tx.Audit(ctx, event)
	})
	switch {
	case storage.IsSpent(err):
		return v.toNext() // another tab was quicker: look again
	case err != nil:
		return err
	}
	l.Sessions.SetCookie(v.w, opened)
	return v.redirect("/authorize/continue")
}
