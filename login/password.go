package login

import (
	"errors"
	"net/http"
	"strings"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

func (l *Login) passwordPage(v *visit) error {
	if !offers(v.decision, policy.Prove, policy.Password) {
		return v.toNext()
	}
	username := v.params.LoginHint
	if v.person != nil {
		username = v.person.User.Email
	}
	return l.show(v, page.SignIn{Username: username, Why: signInWhy(v)}, nil)
}

// signInWhy says why somebody who is known must sign in again.
func signInWhy(v *visit) *page.Text {
	var t page.Text
	switch {
	case v.request.Stamps.Enrolled:
		t = page.Say("reason.set_up_done")
	case v.decision.Reason.Code == policy.SignInAnew && v.running != nil && v.client.Internal:
		t = page.Say("reason.change")
	case v.decision.Reason.Code == policy.SignInAnew && v.running != nil:
		t = page.Say("reason.reauthenticate", "Product", v.client.Name)
	case v.setsUp():
		t = page.Say("reason.change") // before a factor is set up
	default:
		return nil
	}
	return &t
}

func (l *Login) passwordPost(v *visit) error {
	if !offers(v.decision, policy.Prove, policy.Password) {
		return v.toNext()
	}
	username, password := strings.TrimSpace(v.r.PostFormValue("username")), v.r.PostFormValue("password")
	again := func(p *page.Problem) error {
		return l.show(v, page.SignIn{Username: username, Why: signInWhy(v)}, p)
	}
	switch {
	case username == "":
		return again(problem("username", "problem.username_missing"))
	case password == "":
		return again(problem("password", "problem.password_missing"))
	}
	ctx, now := v.ctx(), l.Now()
	attempt, err := l.Passwords.Try(ctx, l.DB, username, password, session.Network(session.OriginOf(ctx).Addr), now)
	switch {
	case errors.Is(err, factor.ErrBusy):
		v.w.Header().Set("Retry-After", "10")
		f := l.frame(v)
		f.Status, f.Problem = http.StatusServiceUnavailable, problem("", "problem.busy")
		l.Pages.Write(v.w, f, page.SignIn{Username: username, Why: signInWhy(v)})
		return nil
	case err != nil:
		return err
	case attempt.User == nil:
		event := l.event(ctx, "password.failed", storage.Failed, v.client.ID, attempt.Concerns)
		event.Factor = string(policy.Password)
		if attempt.Refused {
			event.Result, event.Reason = storage.Refused, "back-off"
		}
		if err := l.DB.Write(ctx, func(tx *storage.Tx) error { return tx.Audit(ctx, event) }); err != nil {
			return err
		}
		if attempt.Refused {
			return again(problem("", "problem.too_many_tries", "Until", page.FullMinute(attempt.NotBefore)))
		}
		return again(problem("password", "problem.password_mismatch"))
	}
	own, err := session.Decode(v.request.Proofs)
	if err != nil {
		return err
	}
	if v.request.UserID != attempt.User.ID {
		own = nil // what somebody else proved doesn't count
	}
	v.request.UserID = attempt.User.ID
	v.request.Proofs = session.Encode(own.With(policy.Proof{Method: policy.Password, At: now}))
	err = l.DB.Write(ctx, func(tx *storage.Tx) error {
		if err := attempt.Accept(ctx, tx, now); err != nil {
			return err
		}
		if err := tx.UpdateAuthRequest(ctx, v.request); err != nil {
			return err
		}
		return tx.Audit(ctx, l.proved(v, policy.Password, attempt.User))
	})
	if err != nil && !storage.IsSpent(err) {
		return err
	}
	return v.toNext()
}
