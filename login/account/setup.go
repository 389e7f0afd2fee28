package account

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/login/setup"
	"github.com/sallyport-id/sallyport/storage"
)

// place is an address below which something can be set up: one method, or all
// that are offered.
type place struct {
	base   string
	method policy.Method
	// changes the app whose id is in the address: the old one works until the
	// new one's first code was verified, and never after.
	changes bool
}

var places = []place{
	{base: "/account/set-up"},
	{base: "/account/authenticator", method: policy.TOTP},
	{base: "/account/authenticators/{id}/change", method: policy.TOTP, changes: true},
	{base: "/account/text-messages", method: policy.SMS},
	{base: "/account/email-codes", method: policy.Email},
	{base: "/account/passkeys/new", method: policy.WebAuthn},
}

// setUp lets a person, freshly proved, into the pages of setting up. The first
// factor of all goes by a link to their address, where the company has it so.
func (a *Account) setUp(at place) setup.Enter {
	return func(serve func(*setup.Place) error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			base := strings.Replace(at.base, "{id}", chi.URLParam(r, "id"), 1)
			a.fresh(base, a.changing(func(v *visit) error {
				if wait, err := a.waitsForLink(v, base); err != nil || wait {
					return err
				}
				if at.changes || v.recovered() {
					var err error
					if v.factors, err = a.DB.Factors(v.Ctx(), v.In.User.ID); err != nil {
						return err
					}
				}
				p := a.place(v, at, base)
				if len(p.Methods) == 0 || at.changes && len(p.Lost(at.method)) == 0 {
					return v.Redirect("/account")
				}
				return serve(p)
			}))(w, r)
		}
	}
}

// changing wraps what changes how a person signs in: after "This wasn't me"
// nothing may.
func (a *Account) changing(serve func(*visit) error) func(*visit) error {
	return func(v *visit) error {
		if !v.In.User.ChangesLockedAt.IsZero() {
			return v.Redirect("/account") // the page says why
		}
		return serve(v)
	}
}

// recovered says whether the person came in by an owner's recovery code, just
// now.
func (v *visit) recovered() bool {
	return v.Facts.Proofs.Since(v.Facts.Now.Add(-policy.FreshFor)).Has(policy.RecoveryCode)
}

func boundTo(v *visit) string { return "session:" + v.In.Session.ID }

func (a *Account) place(v *visit, at place, base string) *setup.Place {
	replaced := chi.URLParam(v.R, "id")
	p := &setup.Place{
		Validity: v.Facts.Company.Rules.CodeValidity,
		W:        v.W, R: v.R, User: &v.In.User, BoundTo: boundTo(v), Methods: a.offered(v), BackURL: "/account", MayStayOff: !v.In.User.TwoStep,
		Path: func(page string) string { return base + page },
		Show: func(p page.Page, problem *page.Problem) error { return a.show(v, p, problem) },
		Lost: func(policy.Method) []string { return nil },
		Refused: func(ctx context.Context, tx *storage.Tx, m policy.Method, verdict factor.Verdict) error {
			failed := a.event(v, string(m)+".failed")
			failed.Result, failed.Factor, failed.Reason = storage.Failed, string(m), verdict.Outcome.String()
			if err := tx.Audit(ctx, failed); err != nil || !verdict.LockedNow {
				return err
			}
			return a.Notices.Tell(ctx, tx, &v.In.User, "factor.locked", failed.IP)
		},
		After: func(verdict factor.Verdict) (bool, int, error) { return false, verdict.TriesLeft, nil },
	}
	if at.method != "" {
		p.Methods = slices.DeleteFunc(p.Methods, func(m policy.Method) bool { return m != at.method })
	}
	if v.recovered() {
		// What was there before is lost.
		p.Lost = func(policy.Method) (ids []string) {
			for _, f := range v.factors {
				ids = append(ids, f.ID)
			}
			return ids
		}
	} else if at.changes {
		p.BoundTo += ":" + replaced
		p.Lost = func(policy.Method) []string {
			if slices.ContainsFunc(v.factors, func(f *storage.Factor) bool { return f.ID == replaced && f.Kind == string(at.method) }) {
				return []string{replaced}
			}
			return nil
		}
	}
	var opened *session.Opened
	p.Activated = func(ctx context.Context, tx *storage.Tx, act setup.Activation) (err error) {
		opened, err = a.activated(ctx, tx, v, act, len(p.Lost(act.Method)) > 0)
		return err
	}
	p.Done = func(setup.Activation) error {
		a.Sessions.SetCookie(v.W, opened)
		return v.Redirect(freshCodes) // or on to the overview, where none were made
	}
	return p
}

// activated follows the activation of a factor: it counts in this session at
// once, and whatever else the person is signed in to ends.
func (a *Account) activated(ctx context.Context, tx *storage.Tx, v *visit, act setup.Activation, replaces bool) (opened *session.Opened, err error) {
	now, user := a.Now(), &v.In.User
	if err := a.stillMay(ctx, tx, v); err != nil {
		return nil, err
	}
	if act.TwoStep {
		if err := tx.SetTwoStep(ctx, user.ID, true, now); err != nil {
			return nil, err
		}
	}
	// The first factor of any kind ends with backup codes.
	if v.In.BackupCodesLeft == 0 || v.recovered() {
		if err := a.makeCodes(ctx, tx, v); err != nil {
			return nil, err
		}
	}
	if err := tx.VoidRecoveryCode(ctx, user.ID); err != nil {
		return nil, err
	}
	if opened, err = a.Sessions.Pass(ctx, tx, v.In, user.ID, policy.Proofs{act.Proof}); err != nil {
		return nil, err
	}
	event := string(act.Method)
	switch {
	case replaces, act.Method == policy.SMS && slices.Contains(v.In.Methods, event):
		event += ".replaced"
	case act.Method == policy.TOTP && slices.Contains(v.In.Methods, event):
		event += ".added"
	default:
		event += ".enrolled"
	}
	return opened, a.changed(v, tx, event)
}
