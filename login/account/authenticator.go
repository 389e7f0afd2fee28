package account

import (
	"errors"
	"html/template"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// Setting up an authenticator app, or changing the device it is on: the same
// four steps as in the flow. The old device works until the new one's first
// code was verified, and never after.

func boundTo(v *visit) string { return "session:" + v.in.Session.ID }

func (a *Account) authenticatorPage(v *visit) error {
	return a.show(v, page.SetUpChoose{}, nil)
}

func (a *Account) authenticatorPost(v *visit) error {
	err := a.DB.Write(v.ctx(), func(tx *storage.Tx) error {
		return a.TOTP.Begin(v.ctx(), tx, boundTo(v), v.in.User.ID, a.Now())
	})
	if err != nil {
		return err
	}
	return v.redirect("/account/authenticator/scan")
}

// pending is what is being set up; where nothing is, step 1 comes next.
func (a *Account) pending(v *visit) (p factor.Pending, ok bool, err error) {
	p, err = a.TOTP.Pending(v.ctx(), a.DB.Reader, boundTo(v), v.in.User.ID, a.Now())
	if errors.Is(err, storage.ErrNotFound) {
		return p, false, v.redirect("/account/authenticator")
	}
	return p, err == nil, err
}

func (a *Account) scanPage(v *visit) error {
	pending, ok, err := a.pending(v)
	if err != nil || !ok {
		return err
	}
	uri := a.TOTP.URI(pending, v.in.User.Email)
	qr, err := factor.QR(uri)
	if err != nil {
		return err
	}
	return a.show(v, page.SetUpScan{QR: template.HTML(qr), Key: factor.Grouped(pending.Key()), URI: template.URL(uri), NextURL: "/account/authenticator/code"}, nil)
}

var codeStep = page.SetUpCode{BackURL: "/account/authenticator/scan"}

func (a *Account) codePage(v *visit) error {
	if _, ok, err := a.pending(v); err != nil || !ok {
		return err
	}
	return a.show(v, codeStep, nil)
}

func (a *Account) codePost(v *visit) error {
	if _, ok, err := a.pending(v); err != nil || !ok {
		return err
	}
	code := factor.Clean(v.r.PostFormValue("code"))
	if p := factor.FormatProblem(policy.TOTP, code); p != nil {
		return a.show(v, codeStep, p)
	}
	ctx, now, event := v.ctx(), a.Now(), "totp.enrolled"
	for _, m := range v.in.Methods {
		if m == string(policy.TOTP) {
			event = "totp.replaced"
		}
	}
	var verdict factor.Verdict
	var codes []string
	var opened *session.Opened
	err := a.DB.Write(ctx, func(tx *storage.Tx) (err error) {
		if verdict, err = a.TOTP.Finish(ctx, tx, boundTo(v), v.in.User.ID, code, now); err != nil {
			return err
		}
		if verdict.Outcome != factor.Accepted {
			failed := a.event(v, "totp.failed")
			failed.Result, failed.Factor, failed.Reason = storage.Failed, string(policy.TOTP), verdict.Outcome.String()
			if err := tx.Audit(ctx, failed); err != nil || !verdict.LockedNow {
				return err
			}
			return a.Notices.Tell(ctx, tx, &v.in.User, "factor.locked", failed.IP)
		}
		if err := tx.SetTwoStep(ctx, v.in.User.ID, true, now); err != nil {
			return err
		}
		// The first factor of any kind ends with backup codes.
		if v.in.BackupCodesLeft == 0 {
			if codes, err = a.Backup.Make(ctx, tx, v.in.User.ID, now); err != nil {
				return err
			}
		}
		if opened, err = a.Sessions.Pass(ctx, tx, v.in, v.in.User.ID, policy.Proofs{{Method: policy.TOTP, At: now}}); err != nil {
			return err
		}
		return a.changed(v, tx, event)
	})
	switch {
	case storage.IsSpent(err), errors.Is(err, storage.ErrNotFound):
		return v.redirect("/account")
	case err != nil:
		return err
	case verdict.Outcome != factor.Accepted:
		again := codeStep
		again.TriesLeft = verdict.TriesLeft
		return a.show(v, again, verdict.Problem(policy.TOTP))
	}
	a.Sessions.SetCookie(v.w, opened)
	if len(codes) == 0 {
		return v.redirect("/account")
	}
	return a.showCodes(v, codes, true)
}
