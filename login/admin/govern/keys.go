package govern

import (
	"context"
	"time"

	"github.com/sallyport-id/sallyport/storage"
)

// Key is a key that signs tokens, without what signs.
type Key struct {
	ID  string `json:"kid"`
	Alg string `json:"alg"`
	// State is "next" (published, so that products know it in time), "signing" or
	// "retired" (published until the last token it signed has expired, and known
	// here for a month more, as ID tokens come back as hints).
	State     string    `json:"state"`
	SignsFrom time.Time `json:"signs_from"`
	// Until is when it stops signing; zero: no end is known.
	Until time.Time `json:"until,omitzero"`
}

// Keys lists the signing keys, oldest first.
func (g *Govern) Keys(ctx context.Context, by Actor) (all []Key, err error) {
	all = []Key{}
	err = g.read(ctx, by, SeeKeys, "", func(r storage.Reader) error {
		keys, err := r.SigningKeysNow(ctx)
		for _, k := range keys {
			all = append(all, Key{ID: k.ID, Alg: k.Alg, State: keyState(k, g.Now()), SignsFrom: k.SignsFrom, Until: k.RetiredAt})
		}
		return err
	})
	return all, err
}

func keyState(k *storage.SigningKey, now time.Time) string {
	switch {
	case !k.RetiredAt.IsZero() && !k.RetiredAt.After(now):
		return "retired"
	case k.SignsFrom.After(now):
		return "next"
	}
	return "signing"
}

// ChangeKeys makes new signing keys: they sign in an hour, or at once where the
// old ones leaked, which then are gone.
func (g *Govern) ChangeKeys(ctx context.Context, by Actor, atOnce bool) error {
	// The keys are made first, which takes a while, for whoever may change them;
	// the transaction asks again whether they may.
	var rotate func(context.Context, *storage.Tx) error
	err := g.read(ctx, by, ChangeKeys, "", func(r storage.Reader) (err error) {
		rotate, err = g.PrepareRotation(ctx, r, g.Now(), atOnce)
		return err
	})
	if err != nil {
		return err
	}
	return g.write(ctx, by, ChangeKeys, "", func(tx *storage.Tx, by Actor) error {
		if err := rotate(ctx, tx); err != nil {
			return err
		}
		e := by.event("", "", g.Now())
		e.Event = "keys.rotated"
		if atOnce {
			e.Reason = "the old keys were dropped at once"
		}
		return tx.Audit(ctx, e)
	})
}
