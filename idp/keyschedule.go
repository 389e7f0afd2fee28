package idp

import (
	"context"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/storage"
)

// KeepKeys does what is due about signing keys, if holder can get the lease for
// it: it publishes the next key of an algorithm an hour before the present one
// has signed for RotateKeysEvery, and forgets keys that nothing is signed with
// that could still be good, as an id_token_hint at the last. It says of how many algorithms it made keys. Every replica calls it,
// every hour or oftener.
func (p *Provider) KeepKeys(ctx context.Context, holder string) (made int, err error) {
	now, mine := p.Now(), false
	err = p.DB.Write(ctx, func(tx *storage.Tx) (err error) {
		mine, err = tx.Lease(ctx, "signing keys", holder, now.Add(5*time.Minute), now)
		return err
	})
	if err != nil || !mine {
		return 0, err
	}
	have, err := p.DB.SigningKeysNow(ctx)
	if err != nil {
		return 0, err
	}
	fresh, err := newKeys(p.dueKeys(have, now)) // slow, so before the transaction
	if err != nil {
		return 0, err
	}
	err = p.DB.Write(ctx, func(tx *storage.Tx) error {
		// An operator may have made new ones meanwhile.
		have, err := tx.SigningKeysNow(ctx)
		if err != nil {
			return err
		}
		var still []newKey
		var algs []string
		for _, alg := range p.dueKeys(have, now) {
			for _, k := range fresh {
				if k.alg == alg {
					still, algs = append(still, k), append(algs, alg)
				}
			}
		}
		if err := rotateTo(ctx, tx, still, now, false); err != nil || len(still) == 0 {
			return err
		}
		made = len(still)
		return tx.Audit(ctx, storage.Event{
			At: now, Event: "keys.rotated", Result: storage.OK, Reason: strings.Join(algs, ", ") + ": they sign in an hour, when every product knows them",
		})
	})
	return made, err
}

// dueKeys are the algorithms whose newest key will have signed for
// RotateKeysEvery by the time its successor could; none where keys are made by
// command alone.
func (p *Provider) dueKeys(have []*storage.SigningKey, now time.Time) (algs []string) {
	if p.RotateKeysEvery == 0 {
		return nil
	}
	for _, alg := range algorithms {
		var newest *storage.SigningKey
		for _, k := range have {
			if k.Alg == alg && (newest == nil || k.SignsFrom.After(newest.SignsFrom)) {
				newest = k
			}
		}
		if newest != nil && !newest.SignsFrom.Add(p.RotateKeysEvery).After(now.Add(publishAhead)) {
			algs = append(algs, alg)
		}
	}
	return algs
}
