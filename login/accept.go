package login

import (
	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/storage"
)

// accept adds a proof to the sign-in, in the transaction that spent what was
// proved with: with its audit, and with what else follows from its method.
func (l *Login) accept(v *visit, tx *storage.Tx, user *storage.User, proof policy.Proof) error {
	ctx := v.ctx()
	own, err := session.Decode(v.request.Proofs)
	if err != nil {
		return err
	}
	if v.request.UserID != user.ID {
		own = nil // what somebody else proved doesn't count
	}
	if v.person != nil && v.person.User.ID != user.ID {
		v.request.Stamps = ofNobody(v.request.Stamps)
	}
	v.request.UserID, v.request.Proofs = user.ID, session.Encode(own.With(proof))
	if err := tx.UpdateAuthRequest(ctx, v.request); err != nil {
		return err
	}
	switch {
	case v.decision.Do == policy.Confirm:
		return l.networkConfirmed(v, tx)
	case proof.Method == policy.BackupCode:
		return l.backupCodeUsed(v, tx, proof.Resets)
	case proof.Method == policy.RecoveryCode:
		return l.recoveryCodeUsed(v, tx)
	}
	if err := tx.Audit(ctx, l.proved(v, proof.Method, user)); err != nil || user.PreferredMethod == string(proof.Method) || proof.Method == policy.Password {
		return err
	}
	return tx.SetPreferredMethod(ctx, user.ID, string(proof.Method))
}

// ofNobody are the stamps without what a person decided: it isn't the next
// one's decision.
func ofNobody(s storage.Stamps) storage.Stamps {
	s.SetUp, s.SetUpLater, s.NotNow, s.Consented, s.Enrolled = false, false, false, "", false
	return s
}

// proved is the audit of one accepted proof, whether or not the sign-in it
// belongs to is ever finished.
func (l *Login) proved(v *visit, m policy.Method, user *storage.User) storage.Event {
	event := l.event(v.ctx(), "proof."+string(m), storage.OK, v.client.ID, user)
	event.Factor = string(m)
	return event
}

// networkConfirmed notes the network at once: signing in anew after setting up
// a factor must not ask again.
func (l *Login) networkConfirmed(v *visit, tx *storage.Tx) error {
	ctx, user := v.ctx(), &v.person.User
	if err := tx.SeeNetwork(ctx, user.ID, session.Network(session.OriginOf(ctx).Addr), l.Now()); err != nil {
		return err
	}
	event := l.event(ctx, "network.confirmed", storage.OK, v.client.ID, user)
	event.Factor = string(policy.Email)
	return tx.Audit(ctx, event)
}

// backupCodeUsed tells the person; where the company has it so, the code also
// removes their second factors, and setting up anew is all that is left to do.
func (l *Login) backupCodeUsed(v *visit, tx *storage.Tx, resets bool) error {
	ctx, user := v.ctx(), &v.person.User
	event := l.event(ctx, "backup_code.used", storage.OK, v.client.ID, user)
	event.Factor = string(policy.BackupCode)
	tell := "backup_code.used"
	if resets {
		if err := factor.Reset(ctx, tx, user); err != nil {
			return err
		}
		if err := tx.ReplaceBackupCodes(ctx, user.ID, nil, l.Now()); err != nil {
			return err
		}
		// Whoever has what was lost is signed out with it.
		if _, err := tx.EndSessions(ctx, storage.Ending{UserID: user.ID, Offline: true, ExceptRequest: v.request.ID}, l.Now()); err != nil {
			return err
		}
		event.Event, tell = "two_step.reset_by_code", "two_step.reset_by_code"
	}
	if err := tx.Audit(ctx, event); err != nil {
		return err
	}
	return l.Notices.Tell(ctx, tx, user, tell, event.IP)
}

// recoveryCodeUsed tells the person and their owners.
func (l *Login) recoveryCodeUsed(v *visit, tx *storage.Tx) error {
	ctx, user := v.ctx(), &v.person.User
	event := l.event(ctx, "recovery_code.used", storage.OK, v.client.ID, user)
	event.Factor = string(policy.RecoveryCode)
	if err := tx.Audit(ctx, event); err != nil {
		return err
	}
	if err := l.Notices.Tell(ctx, tx, user, "recovery_code.used", event.IP); err != nil {
		return err
	}
	return l.Notices.TellOwners(ctx, tx, user, "recovery_code.used", event.IP, "")
}
