package factor

import (
	"context"
	"errors"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// tryEnrolment tries the code that ends setting up a factor. Wrong ones count
// on the counter of the factor. Where that is locked the person has come here
// by another proof, and a counter of its own applies: a locked factor must be
// replaceable. Once it succeeds the lost factors are gone, and the factor is
// unlocked.
func tryEnrolment(ctx context.Context, tx *storage.Tx, m policy.Method, e Entry, lost []string, check func() (Outcome, error)) (Verdict, error) {
	id := counter(e.UserID, m)
	if a, err := tx.Attempts(ctx, id, e.At); err != nil {
		return Verdict{}, err
	} else if a.Locked {
		id += ":enrol"
	}
	return try(ctx, tx, id, e.At, func() (Outcome, error) {
		outcome, err := check()
		if err != nil || outcome != Accepted {
			return outcome, err
		}
		return Accepted, Enrolled(ctx, tx, e.UserID, m, lost)
	})
}

// Enrolled removes the factors that a newly enrolled one stands in for, and
// unlocks its kind.
func Enrolled(ctx context.Context, tx *storage.Tx, userID string, m policy.Method, lost []string) error {
	for _, id := range lost {
		if err := tx.DeleteFactor(ctx, userID, id); err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
	}
	return tx.ClearAttempts(ctx, counter(userID, m))
}
