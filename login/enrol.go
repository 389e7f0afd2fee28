package login

import (
	"errors"
	"html/template"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// Enrolment inside the flow, in four steps. A sign-in that must enrol can do
// nothing else: the decision stays Enrol until a code was verified. What was
// begun is bound to this authorization request.

func boundTo(v *visit) string { return "request:" + v.request.ID }

// whyPage says that a second factor must be set up, and who wants it.
func (l *Login) whyPage(v *visit) error {
	if !v.setsUp() {
		return v.toNext()
	}
	why := page.Why{Later: v.decision.Later, Until: v.decision.Until}
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
	case v.r.PostFormValue("later") == "1" && v.decision.Later:
		v.request.Stamps.NotNow = true
	}
	return l.save(v)
}

func (l *Login) setUpPage(v *visit) error {
	if !offers(v.decision, policy.Enrol, policy.TOTP) {
		return v.toNext()
	}
	return l.show(v, page.SetUpChoose{}, nil)
}

// setUpPost begins setting up an app, with a new seed.
func (l *Login) setUpPost(v *visit) error {
	if !offers(v.decision, policy.Enrol, policy.TOTP) {
		return v.toNext()
	}
	err := l.DB.Write(v.ctx(), func(tx *storage.Tx) error {
		return l.TOTP.Begin(v.ctx(), tx, boundTo(v), v.person.User.ID, l.Now())
	})
	if err != nil {
		return err
	}
	return v.redirect("/login/set-up/scan")
}

func (l *Login) setUpScanPage(v *visit) error {
	pending, ok, err := l.pending(v)
	if err != nil || !ok {
		return err
	}
	uri := l.TOTP.URI(pending, v.person.User.Email)
	qr, err := factor.QR(uri)
	if err != nil {
		return err
	}
	return l.show(v, page.SetUpScan{QR: template.HTML(qr), Key: factor.Grouped(pending.Key()), URI: template.URL(uri), NextURL: v.path("/login/set-up/code")}, nil)
}

// pending is what is being set up; where nothing is (any more), the person is
// sent to step 1.
func (l *Login) pending(v *visit) (p factor.Pending, ok bool, err error) {
	if !offers(v.decision, policy.Enrol, policy.TOTP) {
		return p, false, v.toNext()
	}
	p, err = l.TOTP.Pending(v.ctx(), l.DB.Reader, boundTo(v), v.person.User.ID, l.Now())
	if errors.Is(err, storage.ErrNotFound) {
		return p, false, v.redirect("/login/set-up")
	}
	return p, err == nil, err
}

func (l *Login) setUpCodePage(v *visit) error {
	if _, ok, err := l.pending(v); err != nil || !ok {
		return err
	}
	return l.show(v, page.SetUpCode{BackURL: v.path("/login/set-up/scan")}, nil)
}

// setUpCodePost activates the app. That ends all sessions and what products
// hold, and the person signs in anew with the new factor: what a password
// alone had opened is closed.
func (l *Login) setUpCodePost(v *visit) error {
	if _, ok, err := l.pending(v); err != nil || !ok {
		return err
	}
	code := factor.Clean(v.r.PostFormValue("code"))
	again := page.SetUpCode{BackURL: v.path("/login/set-up/scan")}
	if p := factor.FormatProblem(policy.TOTP, code); p != nil {
		return l.show(v, again, p)
	}
	ctx, now, user := v.ctx(), l.Now(), &v.person.User
	var verdict factor.Verdict
	err := l.DB.Write(ctx, func(tx *storage.Tx) (err error) {
		if verdict, err = l.TOTP.Finish(ctx, tx, boundTo(v), user.ID, code, now); err != nil {
			return err
		}
		if verdict.Outcome != factor.Accepted {
			return l.codeFailed(v, tx, policy.TOTP, verdict)
		}
		if v.request.FreshCodes, err = l.Backup.Make(ctx, tx, user.ID, now); err != nil {
			return err
		}
		if err := tx.SetTwoStep(ctx, user.ID, true, now); err != nil {
			return err
		}
		if _, err := tx.EndSessions(ctx, storage.Ending{UserID: user.ID, Offline: true}, now); err != nil {
			return err
		}
		v.request.UserID, v.request.Proofs = user.ID, nil
		v.request.Stamps.Enrolled, v.request.Stamps.SetUp, v.request.Stamps.SignInSince = true, false, now
		if err := tx.UpdateAuthRequest(ctx, v.request); err != nil {
			return err
		}
		enrolled, made := l.event(ctx, "totp.enrolled", storage.OK, v.client.ID, user), l.event(ctx, "backup_codes.made", storage.OK, v.client.ID, user)
		enrolled.Factor, enrolled.Reason = string(policy.TOTP), v.decision.Reason.String()
		if err := tx.Audit(ctx, enrolled, made); err != nil {
			return err
		}
		return l.Notices.Tell(ctx, tx, user, "totp.enrolled", session.OriginOf(ctx).Addr.String())
	})
	switch {
	case storage.IsSpent(err), errors.Is(err, storage.ErrNotFound):
		return v.toNext()
	case err != nil:
		return err
	case verdict.Outcome == factor.Accepted, !v.request.Stamps.Ended.IsZero():
		return v.toNext()
	}
	verdict.TriesLeft = min(verdict.TriesLeft, factor.WrongEndsSignIn-v.request.Wrong)
	again.TriesLeft = verdict.TriesLeft
	return l.show(v, again, verdict.Problem(policy.TOTP))
}

// freshCodesPage shows the new backup codes until the person has saved them.
func (l *Login) freshCodesPage(v *visit) error {
	if len(v.request.FreshCodes) == 0 {
		return v.toNext()
	}
	return l.show(v, l.freshCodes(v), nil)
}

func (l *Login) freshCodes(v *visit) page.BackupCodes {
	codes := page.BackupCodes{Codes: v.request.FreshCodes, Issuer: l.Host, Made: v.request.Stamps.SignInSince, Step: true}
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
