package main

import (
	"context"
	"time"

	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/idp"
	"github.com/sallyport-id/sallyport/storage"
)

type keysCommand struct {
	List   keysListCommand   `cmd:"" help:"List the keys that sign tokens."`
	Rotate keysRotateCommand `cmd:"" help:"Make new signing keys; products notice nothing."`
}

type keysListCommand struct {
	settings
	answer
}

// listedKey is a signing key without what signs.
type listedKey struct {
	ID        string    `json:"kid"`
	Alg       string    `json:"alg"`
	State     string    `json:"state"`
	CreatedAt time.Time `json:"created_at"`
	SignsFrom time.Time `json:"signs_from"`
	RetiredAt time.Time `json:"retired_at,omitzero"`
}

// Run lists signing keys, oldest first.
func (c *keysListCommand) Run(ctx context.Context, p *process) error {
	return c.withDatabase(ctx, p, func(_ config.Config, db *storage.DB) error {
		return c.printKeys(ctx, p, db, "")
	})
}

func (a answer) printKeys(ctx context.Context, p *process, db *storage.DB, before string) error {
	keys, err := db.SigningKeysNow(ctx)
	if err != nil {
		return err
	}
	now := present()
	listed := []listedKey{}
	rows := [][]string{{"KID", "ALG", "STATE", "SIGNS FROM", "UNTIL"}}
	for _, k := range keys {
		l := listedKey{ID: k.ID, Alg: k.Alg, State: keyState(k, now), CreatedAt: k.CreatedAt, SignsFrom: k.SignsFrom, RetiredAt: k.RetiredAt}
		listed = append(listed, l)
		rows = append(rows, []string{l.ID, l.Alg, l.State, moment(l.SignsFrom), moment(l.RetiredAt)})
	}
	words := before + table(rows)
	if len(listed) == 0 {
		words = "There are no keys yet: the server makes them at its first start.\n"
	}
	return a.print(p, listed, words)
}

// keyState is what a key is good for.
func keyState(k *storage.SigningKey, now time.Time) string {
	switch {
	case !k.RetiredAt.IsZero() && !k.RetiredAt.After(now):
		return "retired" // published until the last token it signed has expired, known here for a month more
	case k.SignsFrom.After(now):
		return "next" // published, so that products know it in time
	}
	return "signing"
}

type keysRotateCommand struct {
	settings
	answer
	Now bool `help:"For keys that leaked: the old ones are dropped at once, and tokens they signed are refused."`
}

// Run makes new keys of every algorithm.
func (c *keysRotateCommand) Run(ctx context.Context, p *process) error {
	return c.withDatabase(ctx, p, func(_ config.Config, db *storage.DB) error {
		keys, err := db.SigningKeysNow(ctx)
		if err != nil {
			return err
		}
		// Where there are none yet, nothing could sign for the first hour.
		now, atOnce := present(), c.Now || len(keys) == 0
		if err := idp.RotateKeys(ctx, db, now, atOnce); err != nil {
			return err
		}
		reason := "they sign in an hour, when every product knows them"
		if atOnce {
			reason = "they sign at once"
		}
		err = db.Write(ctx, func(tx *storage.Tx) error {
			return tx.Audit(ctx, storage.Event{At: now, Event: "keys.rotated", Result: storage.OK, Actor: byCommand, Reason: reason})
		})
		if err != nil {
			return err
		}
		return c.printKeys(ctx, p, db, "New keys were made: "+reason+".\n")
	})
}
