package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/storage"
)

type clientRotateSecretCommand struct {
	settings
	answer
	ID      string        `arg:"" help:"Its client_id."`
	Overlap time.Duration `placeholder:"TIME" help:"How long the old secret goes on working, such as 24h; 720h at most. Without it: not at all."`
}

// rotatedSecret is a product's new secret, and when the one before ends.
type rotatedSecret struct {
	ClientID       string    `json:"client_id"`
	ClientSecret   string    `json:"client_secret"`
	OldSecretUntil time.Time `json:"old_secret_until,omitzero"`
}

// Run replaces a product's secret.
func (c *clientRotateSecretCommand) Run(ctx context.Context, p *process) error {
	if c.Overlap < 0 || c.Overlap > storage.MaxSecretOverlap {
		return usageError{fmt.Errorf("--overlap %s: write a time such as 24h, 720h at most", c.Overlap)}
	}
	return c.withDatabase(ctx, p, func(_ config.Config, db *storage.DB) error {
		registered, err := findClient(ctx, db, c.ID)
		if err != nil {
			return err
		}
		now, made := present(), rotatedSecret{ClientID: c.ID, ClientSecret: storage.NewClientSecret(registered.AuthMethod)}
		words := fmt.Sprintf("The old secret of %s no longer works.", c.ID)
		if c.Overlap > 0 {
			made.OldSecretUntil = now.Add(c.Overlap)
			words = fmt.Sprintf("The old secret of %s works until %s.", c.ID, moment(made.OldSecretUntil))
		}
		err = db.Write(ctx, func(tx *storage.Tx) error {
			if err := tx.RotateSecret(ctx, c.ID, made.ClientSecret, made.OldSecretUntil, now); err != nil {
				return err
			}
			event := storage.Event{At: now, Event: "product.secret_rotated", Result: storage.OK, Actor: byCommand, ClientID: c.ID}
			if c.Overlap > 0 {
				event.Reason = "the old secret works until " + made.OldSecretUntil.Format(time.RFC3339)
			}
			client, err := tx.Client(ctx, c.ID)
			if err != nil {
				return err
			}
			event.OrgID = client.Org
			return tx.Audit(ctx, event)
		})
		if errors.Is(err, storage.ErrNoSecret) {
			return fmt.Errorf("product %s has no secret to rotate: it is registered for %s; %s", c.ID, registered.AuthMethod, instead(registered))
		}
		if err != nil {
			return err
		}
		return c.print(p, made, words+fmt.Sprintf(" The new one isn't shown again:\n  client_secret  %s\n", made.ClientSecret))
	})
}

// instead says what is changed in place of a secret.
func instead(c *storage.Client) string {
	switch {
	case c.JWKSURI != "":
		return "its keys are changed where it publishes them, at " + c.JWKSURI
	case c.AuthMethod == storage.PrivateKeyJWT, c.AuthMethod == storage.SelfSignedTLS:
		return "its keys are changed in jwks, by sallyport apply"
	case c.AuthMethod == storage.TLSClientAuth:
		return "its certificate is changed by whoever issues it"
	}
	return "it keeps none"
}
