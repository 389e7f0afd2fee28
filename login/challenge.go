package login

import (
	"context"
	"errors"
	"slices"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// codePage asks for the code of a factor.
func (l *Login) codePage(f factor.Factor) func(*visit) error {
	return func(v *visit) error {
		if !v.asks(f.Method()) {
			return v.toNext()
		}
		if sent, ok := f.(factor.Sent); ok {
			if problem, err := l.sendFirst(v, sent); err != nil || problem != nil {
				return l.showCode(v, f, 0, problem, err)
			}
		}
		return l.showCode(v, f, 0, nil, nil)
	}
}

func (l *Login) showCode(v *visit, f factor.Factor, triesLeft int, p *page.Problem, err error) error {
	if err != nil {
		return err
	}
	code := page.Code{Method: string(f.Method()), Why: reason(v), TriesLeft: triesLeft, Later: v.decision.Later}
	if len(v.decision.Methods) > 1 || v.decision.Recovery {
		code.OtherWays = v.path("/login/choose")
	}
	if f.Method() == policy.BackupCode && v.asks(policy.RecoveryCode) {
		code.Recovery = v.path("/login/recovery-code")
	}
	if sent, ok := f.(factor.Sent); ok {
		if code.Target, code.Sent, err = l.progress(v, sent); err != nil {
			return err
		}
	}
	return l.show(v, code, p)
}

// codePost counts, checks and spends a code, and adds the proof, in one
// transaction.
func (l *Login) codePost(f factor.Factor) func(*visit) error {
	return func(v *visit) error {
		sent, isSent := f.(factor.Sent)
		switch {
		case !v.asks(f.Method()):
			return v.toNext()
		case v.decision.Later && v.r.PostFormValue("later") == "1":
			v.request.Stamps.NotNow = true
			return l.save(v)
		case isSent && v.r.PostFormValue("resend") == "1":
			problem, err := l.send(v, sent)
			if err != nil || problem != nil {
				return l.showCode(v, f, 0, problem, err)
			}
			path, _ := pathOf(f.Method())
			return v.redirect(path)
		}
		code := factor.Clean(v.r.PostFormValue("code"))
		if p := factor.FormatProblem(f.Method(), code); p != nil {
			return l.showCode(v, f, 0, p, nil)
		}
		ctx, now := v.ctx(), l.Now()
		// Such a code changes how the person signs in.
		resets := l.proofOf(v, f.Method()).Resets
		var verdict factor.Verdict
		err := l.DB.Write(ctx, func(tx *storage.Tx) (err error) {
			if err := tx.HoldUser(ctx, v.person.User.ID); err != nil {
				return err
			}
			if resets {
				if err := stillChangeable(ctx, tx, v.person.User.ID); err != nil {
					return err
				}
			}
			if verdict, err = factor.Try(ctx, tx, f, factor.Entry{UserID: v.person.User.ID, BoundTo: boundTo(v), Code: code, At: now}); err != nil {
				return err
			}
			if verdict.Outcome != factor.Accepted {
				return l.codeFailed(v, tx, f.Method(), verdict)
			}
			return l.accept(v, tx, &v.person.User, l.proofOf(v, f.Method()))
		})
		switch {
		case storage.IsSpent(err):
			return v.toNext() // another tab was quicker; nothing was spent here
		case errors.Is(err, errLocked):
			return l.refuse(v, "refuse.changes_locked")
		case err != nil:
			return err
		case verdict.Outcome == factor.Accepted, !v.request.Stamps.Ended.IsZero():
			return v.toNext()
		}
		verdict.TriesLeft = min(verdict.TriesLeft, factor.WrongEndsSignIn-v.request.Wrong) // codes of other kinds count too
		return l.showCode(v, f, verdict.TriesLeft, verdict.Problem(f.Method()), nil)
	}
}

// stillChangeable says errLocked where nothing about how a person signs in may
// be changed.
func stillChangeable(ctx context.Context, tx *storage.Tx, userID string) error {
	user, err := tx.User(ctx, userID)
	if err == nil && !user.ChangesLockedAt.IsZero() {
		err = errLocked
	}
	return err
}

// boundTo is what codes and set-ups of this sign-in are bound to.
func boundTo(v *visit) string { return "request:" + v.request.ID }

// proofOf is what an accepted code proves.
func (l *Login) proofOf(v *visit, m policy.Method) policy.Proof {
	return policy.Proof{Method: m, At: l.Now(), Resets: m == policy.BackupCode && v.facts.Company.Rules.BackupCodeResets}
}

// codeFailed notes a code that did not pass. It is committed with the count.
func (l *Login) codeFailed(v *visit, tx *storage.Tx, m policy.Method, verdict factor.Verdict) error {
	ctx := v.ctx()
	v.request.Wrong++
	if verdict.EndsSignIn || v.request.Wrong >= factor.WrongEndsSignIn {
		v.request.Stamps.Ended, v.request.Stamps.RetryAt = l.Now(), verdict.NotBefore
	}
	if err := tx.UpdateAuthRequest(ctx, v.request); err != nil && !storage.IsSpent(err) {
		return err
	}
	event := l.event(ctx, string(m)+".failed", storage.Failed, v.client.ID, &v.person.User)
	event.Factor, event.Reason = string(m), verdict.Outcome.String()
	if err := tx.Audit(ctx, event); err != nil || !verdict.LockedNow {
		return err
	}
	return l.Notices.Tell(ctx, tx, &v.person.User, "factor.locked", event.IP)
}

// choosePage lists what this person has: where "Don't know the code?" leads.
func (l *Login) choosePage(v *visit) error {
	var choose page.Choose
	methods := v.decision.Methods
	if v.decision.Recovery && !slices.Contains(methods, policy.BackupCode) {
		methods = append(slices.Clone(methods), policy.RecoveryCode) // else it is reached from there
	}
	for _, m := range methods {
		path, ok := pathOf(m)
		if !ok || m == policy.Password || !v.asks(m) {
			continue
		}
		way := page.Way{Method: string(m), URL: v.path(path)}
		if f, ok := l.Factors.Sent(m); ok {
			target, err := f.Target(v.ctx(), l.DB.Reader, &v.person.User)
			if err != nil {
				return err
			}
			way.Target = f.Mask(target)
		}
		choose.Ways = append(choose.Ways, way)
	}
	if len(choose.Ways) == 0 {
		return v.toNext()
	}
	return l.show(v, choose, nil)
}

// reason says who wants the next step.
func reason(v *visit) *page.Text {
	with := []any{"Product", v.client.Name, "Company", v.decision.Reason.Who}
	id, ok := map[policy.ReasonCode]string{
		policy.ByPerson: "reason.own", policy.ByAdministrator: "reason.administrator", policy.ByCompany: "reason.company",
		policy.NewNetwork: "reason.new_network", policy.ByRecovery: "reason.recovery", policy.ByBackupReset: "reason.backup_reset",
		policy.ByNetwork: "reason.network", policy.ByCompanyProduct: "reason.company_product", policy.ByProduct: "reason.product", policy.ByRequest: "reason.request",
	}[v.decision.Reason.Code]
	if !ok {
		return nil
	}
	if v.client.Internal && v.decision.Reason.Code == policy.ByRequest {
		id = "reason.change"
	}
	t := page.Say(id, with...)
	return &t
}
