package govern

import (
	"context"
	"errors"
	"time"

	"github.com/sallyport-id/sallyport/storage"
)

// Rotated is a product's new secret, seen this one time.
type Rotated struct {
	ClientID string `json:"client_id"`
	Secret   string `json:"client_secret"`
	// OldSecretUntil is until when the one before works; zero: no more.
	OldSecretUntil time.Time `json:"old_secret_until,omitzero"`
}

// RotateSecret gives a product another secret. The one before works for as long
// as overlap says besides, 30 days at most; not at all with 0. The error wraps
// storage.ErrLongOverlap or storage.ErrNoSecret where that can't be.
func (g *Govern) RotateSecret(ctx context.Context, by Actor, id string, overlap time.Duration) (made Rotated, err error) {
	err = g.write(ctx, by, ChangeProducts, "", func(tx *storage.Tx, by Actor) error {
		made, err = g.rotateSecret(ctx, tx, by, id, overlap, "product.secret_rotated")
		return err
	})
	return made, err
}

var errNegative = errors.New("an overlap can't be negative")

func (g *Govern) rotateSecret(ctx context.Context, tx *storage.Tx, by Actor, id string, overlap time.Duration, event string) (made Rotated, err error) {
	if overlap < 0 {
		return made, errNegative
	}
	c, err := registered(ctx, tx.Reader, id)
	if err != nil {
		return made, err
	}
	if err := g.mayLend(ctx, tx, by, id); err != nil {
		return made, err
	}
	now := g.Now()
	made = Rotated{ClientID: id, Secret: storage.NewClientSecret(c.AuthMethod)}
	if overlap > 0 {
		made.OldSecretUntil = now.Add(overlap)
	}
	if err := tx.RotateSecret(ctx, id, made.Secret, made.OldSecretUntil, now); err != nil {
		return Rotated{}, err
	}
	e := by.event(c.Org, "", now)
	e.Event, e.ClientID = event, id
	if overlap > 0 {
		e.Reason = "the old secret works until " + made.OldSecretUntil.UTC().Format(time.RFC3339)
	}
	return made, tx.Audit(ctx, e)
}
