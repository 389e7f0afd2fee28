package login

import (
	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// codePage asks for the code of a factor.
func (l *Login) codePage(f factor.Factor) func(*visit) error {
	return func(v *visit) error {
		if !offers(v.decision, policy.Prove, f.Method()) {
			return v.toNext()
		}
		return l.showCode(v, f, 0, nil)
	}
}

func (l *Login) showCode(v *visit, f factor.Factor, triesLeft int, p *page.Problem) error {
	code := page.Code{Method: string(f.Method()), Why: reason(v), TriesLeft: triesLeft, Later: v.decision.Later}
	if len(v.decision.Methods) > 1 {
		code.OtherWays = v.path("/login/choose")
	}
	return l.show(v, code, p)
}

// codePost counts, checks and spends a code, and adds the proof, in one
// transaction.
func (l *Login) codePost(f factor.Factor) func(*visit) error {
	return func(v *visit) error {
		if !offers(v.decision, policy.Prove, f.Method()) {
			return v.toNext()
		}
		if v.decision.Later && v.r.PostFormValue("later") == "1" {
			v.request.Stamps.NotNow = true
			return l.save(v)
		}
		code := factor.Clean(v.r.PostFormValue("code"))
		if p := factor.FormatProblem(f.Method(), code); p != nil {
			return l.showCode(v, f, 0, p)
		}
		ctx, now := v.ctx(), l.Now()
		own, err := session.Decode(v.request.Proofs)
		if err != nil {
			return err
		}
		var verdict factor.Verdict
		err = l.DB.Write(ctx, func(tx *storage.Tx) error {
			if verdict, err = factor.Try(ctx, tx, f, v.person.User.ID, code, now); err != nil {
				return err
			}
			if verdict.Outcome != factor.Accepted {
				return l.codeFailed(v, tx, f.Method(), verdict)
			}
			v.request.UserID = v.person.User.ID
			v.request.Proofs = session.Encode(own.With(policy.Proof{Method: f.Method(), At: now}))
			if err := tx.UpdateAuthRequest(ctx, v.request); err != nil {
				return err
			}
			if f.Method() == policy.BackupCode {
				return l.backupCodeUsed(v, tx)
			}
			return tx.Audit(ctx, l.proved(v, f.Method(), &v.person.User))
		})
		switch {
		case storage.IsSpent(err):
			return v.toNext() // another tab was quicker; nothing was spent here
		case err != nil:
			return err
		case verdict.Outcome == factor.Accepted, !v.request.Stamps.Ended.IsZero():
			return v.toNext()
		}
		verdict.TriesLeft = min(verdict.TriesLeft, factor.WrongEndsSignIn-v.request.Wrong) // codes of other kinds count too
		return l.showCode(v, f, verdict.TriesLeft, verdict.Problem(f.Method()))
	}
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

// proved is the audit of one accepted proof, whether or not the sign-in it
// belongs to is ever finished.
func (l *Login) proved(v *visit, m policy.Method, user *storage.User) storage.Event {
	event := l.event(v.ctx(), "proof."+string(m), storage.OK, v.client.ID, user)
	event.Factor = string(m)
	return event
}

func (l *Login) backupCodeUsed(v *visit, tx *storage.Tx) error {
	ctx := v.ctx()
	event := l.event(ctx, "backup_code.used", storage.OK, v.client.ID, &v.person.User)
	event.Factor = string(policy.BackupCode)
	if err := tx.Audit(ctx, event); err != nil {
		return err
	}
	return l.Notices.Tell(ctx, tx, &v.person.User, "backup_code.used", session.OriginOf(ctx).Addr.String())
}

// choosePage lists what this person has: where "Don't know the code?" leads.
func (l *Login) choosePage(v *visit) error {
	var choose page.Choose
	for _, way := range ways {
		if way.method != policy.Password && offers(v.decision, policy.Prove, way.method) {
			choose.Ways = append(choose.Ways, page.Way{Method: string(way.method), URL: v.path(way.path)})
		}
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
		policy.ByNetwork: "reason.network", policy.ByProduct: "reason.product", policy.ByRequest: "reason.request",
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
