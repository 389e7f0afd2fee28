package login

import (
	"encoding/json"
	"slices"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// Passkeys and security keys: a sign-in by itself where the password is asked
// for, a second factor where one is.

// signsIn says whether a passkey may begin the sign-in.
func (l *Login) signsIn(v *visit) bool {
	return l.keys() && offers(v.decision, policy.Prove, policy.Password) && !v.setsUp()
}

// keys says whether this instance knows keys at all: they need a domain.
func (l *Login) keys() bool { return slices.Contains(l.Sessions.Offered, policy.WebAuthn) }

// whose is who must own the key; nil: the key says who it is.
func (l *Login) whose(v *visit) *storage.User {
	if l.signsIn(v) {
		return nil
	}
	return &v.person.User
}

// keyPage asks for a key as the second step.
func (l *Login) keyPage(v *visit) error {
	if !v.asks(policy.WebAuthn) {
		return v.toNext()
	}
	return l.showKey(v, nil)
}

func (l *Login) showKey(v *visit, p *page.Problem) error {
	key := page.UseKey{
		Passkey: page.Passkey{Options: v.path("/login/passkey/options"), Action: v.path("/login/passkey")}, Why: reason(v), Later: v.decision.Later,
	}
	if len(v.decision.Methods) > 1 || v.decision.Recovery {
		key.OtherWays = v.path("/login/choose")
	}
	return l.show(v, key, p)
}

// keyOptions begins a ceremony: it answers with what the browser needs.
func (l *Login) keyOptions(v *visit) error {
	if !l.signsIn(v) && !v.asks(policy.WebAuthn) {
		return v.toNext()
	}
	var options json.RawMessage
	err := l.DB.Write(v.ctx(), func(tx *storage.Tx) (err error) {
		options, err = l.Factors.Keys.BeginProof(v.ctx(), tx, boundTo(v), l.whose(v), l.Now())
		return err
	})
	if err != nil {
		return err
	}
	return page.WriteOptions(v.w, options)
}

func (l *Login) keyPost(v *visit) error {
	signsIn := l.signsIn(v)
	switch {
	case !signsIn && !v.asks(policy.WebAuthn):
		return v.toNext()
	case v.decision.Later && v.r.PostFormValue("later") == "1":
		v.request.Stamps.NotNow = true
		return l.save(v)
	}
	ctx := v.ctx()
	var proved factor.KeyProof
	err := l.DB.Write(ctx, func(tx *storage.Tx) (err error) {
		if proved, err = l.Factors.Keys.Verify(ctx, tx, boundTo(v), l.whose(v), []byte(v.r.PostFormValue("credential")), l.Now()); err != nil {
			return err
		}
		if proved.Outcome != factor.Accepted {
			return l.keyFailed(v, tx, proved)
		}
		user, err := tx.User(ctx, proved.UserID)
		if err != nil {
			return err
		}
		return l.accept(v, tx, user, proved.Proof)
	})
	switch {
	case storage.IsSpent(err):
		return v.toNext()
	case err != nil:
		return err
	case proved.Outcome == factor.Accepted:
		return v.toNext()
	}
	problem := factor.Verdict{Outcome: proved.Outcome}.Problem(policy.WebAuthn)
	if signsIn {
		p := l.signInPage(v, v.params.LoginHint)
		if proved.Unknown != "" {
			p.UnknownKey = &page.UnknownKey{RPID: l.Factors.Keys.RPID(), Credential: proved.Unknown}
		}
		return l.show(v, p, problem)
	}
	return l.showKey(v, problem)
}

// keyFailed notes a key that did not pass. Where there may be a copy of it, the
// person is told.
func (l *Login) keyFailed(v *visit, tx *storage.Tx, proved factor.KeyProof) error {
	ctx := v.ctx()
	var user *storage.User
	if proved.UserID != "" {
		var err error
		if user, err = tx.User(ctx, proved.UserID); err != nil {
			return err
		}
	}
	name := "webauthn.failed"
	if proved.Outcome == factor.Cloned {
		name = "webauthn.cloned"
	}
	event := l.event(ctx, name, storage.Failed, v.client.ID, user)
	event.Factor, event.Reason = string(policy.WebAuthn), proved.Outcome.String()
	if err := tx.Audit(ctx, event); err != nil || proved.Outcome != factor.Cloned || user == nil {
		return err
	}
	return l.Notices.Tell(ctx, tx, user, "webauthn.cloned", event.IP)
}
