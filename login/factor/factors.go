package factor

import (
	"context"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// Factors are all the ways to prove who one is on this instance.
type Factors struct {
	Passwords *Passwords
	TOTP      TOTP
	Text      Sent // policy.SMS
	Mail      Sent // policy.Email
	Keys      *WebAuthn
	Backup    Backup
	Recovery  Recovery
}

// Code returns the factor of a method that is proved by a code.
func (f *Factors) Code(m policy.Method) (Factor, bool) {
	switch m {
	case policy.TOTP:
		return f.TOTP, true
	case policy.SMS:
		return f.Text, true
	case policy.Email:
		return f.Mail, true
	case policy.BackupCode:
		return f.Backup, true
	case policy.RecoveryCode:
		return f.Recovery, true
	}
	return nil, false
}

// Sent returns the factor of a method whose codes are sent.
func (f *Factors) Sent(m policy.Method) (Sent, bool) {
	c, _ := f.Code(m)
	s, ok := c.(Sent)
	return s, ok
}

// Reset removes a person's second factors and backup codes, and unlocks what
// wrong codes had locked.
func Reset(ctx context.Context, tx *storage.Tx, user *storage.User) error {
	if _, err := tx.DeleteFactors(ctx, user.ID, ""); err != nil {
		return err
	}
	return tx.ForgetAttempts(ctx, CounterPrefix(user.ID))
}
