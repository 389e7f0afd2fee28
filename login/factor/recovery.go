package factor

import (
	"context"
	"errors"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// Recovery is the code by which an owner lets a person back in who has lost
// their second factors: 80 bits, stored hashed, once, one alive per person. It
// works only together with the password, and is no second factor.
type Recovery struct{}

// RecoveryLifetime is how long a recovery code works.
const RecoveryLifetime = time.Hour

// Method implements [Factor].
func (Recovery) Method() policy.Method { return policy.RecoveryCode }

// Check implements [Factor].
func (Recovery) Check(ctx context.Context, tx *storage.Tx, e Entry) (Outcome, error) {
	switch err := tx.SpendRecoveryCode(ctx, e.UserID, recoveryHash(e.UserID, e.Code), e.At); {
	case err == nil:
		return Accepted, nil
	case errors.Is(err, storage.ErrSpent):
		return Wrong, nil
	default:
		return Wrong, err
	}
}

// Issue makes a code for a person, in place of an earlier one. issuedBy is the
// owner's id, or who else did it. The counter of wrong recovery codes starts
// anew: it guards this code.
func (Recovery) Issue(ctx context.Context, tx *storage.Tx, userID, issuedBy string, now time.Time) (code string, until time.Time, err error) {
	code, until = newCode(), now.Add(RecoveryLifetime)
	if err := tx.ForgetAttempts(ctx, counter(userID, policy.RecoveryCode)); err != nil {
		return "", until, err
	}
	return code, until, tx.PutRecoveryCode(ctx, storage.RecoveryCode{
		UserID: userID, Hash: recoveryHash(userID, code), IssuedBy: issuedBy, CreatedAt: now, ExpiresAt: until,
	})
}

func recoveryHash(userID, code string) string {
	return storage.Hash("recovery:" + userID + ":" + readCode(code))
}
