package login

import (
	"errors"
	"net/http"
	"slices"
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
	return l.show(v, l.signInPage(v, username), nil)
}

func (l *Login) signInPage(v *visit, username string) page.SignIn {
	p := page.SignIn{Username: username, Why: signInWhy(v)}
	if l.signsIn(v) {
		p.Passkey = &page.Passkey{Options: v.path("/login/passkey/options"), Action: v.path("/login/passkey")}
	}
	if l.mails() {
		p.ForgotURL = v.path("/forgot")
	}
	return p
}

// mails says whether mail reaches people here.
func (l *Login) mails() bool { return slices.Contains(l.Sessions.Offered, policy.Email) }

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
		return l.show(v, l.signInPage(v, username), p)
	}
	switch {
	case username == "":
		return again(problem("username", "problem.username_missing"))
	case password == "":
		return again(problem("password", "problem.password_missing"))
	}
	ctx, now := v.ctx(), l.Now()
	attempt, err := l.Factors.Passwords.Try(ctx, l.DB, username, password, session.Network(session.OriginOf(ctx).Addr), now)
	switch {
	case errors.Is(err, factor.ErrBusy):
		v.w.Header().Set("Retry-After", "10")
		f := l.frame(v)
		f.Status, f.Problem = http.StatusServiceUnavailable, problem("", "problem.busy")
		l.Pages.Write(v.w, f, l.signInPage(v, username))
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
	err = l.DB.Write(ctx, func(tx *storage.Tx) error {
		if err := attempt.Accept(ctx, tx, now); err != nil {
			return err
		}
		return l.accept(v, tx, attempt.User, policy.Proof{Method: policy.Password, At: now})
	})
	if err != nil && !storage.IsSpent(err) {
		return err
	}
	return v.toNext()
}
