package account

import (
	"context"
	"errors"

	"github.com/sallyport-id/sallyport/storage"
)

// errOvertaken says that what let a person change something was taken away
// meanwhile: the session ended, or changes were locked.
var errOvertaken = errors.New("the session has ended, or changes were locked")

// change writes what changes how a person signs in. What the page was let in
// by is looked at again, with the person held: hashing a password takes a
// while, and "This wasn't me" must not lose against it.
func (a *Account) change(v *visit, fn func(*storage.Tx) error) error {
	return a.DB.Write(v.Ctx(), func(tx *storage.Tx) error {
		if err := a.stillMay(v.Ctx(), tx, v); err != nil {
			return err
		}
		return fn(tx)
	})
}

func (a *Account) stillMay(ctx context.Context, tx *storage.Tx, v *visit) error {
	if err := tx.HoldUser(ctx, v.In.User.ID); err != nil {
		return err
	}
	now, err := tx.SignedIn(ctx, v.In.Session.SecretHash, ClientID, a.Sessions.Idle, a.Now())
	if errors.Is(err, storage.ErrNotFound) || err == nil && !now.User.ChangesLockedAt.IsZero() {
		return errOvertaken
	}
	return err
}
