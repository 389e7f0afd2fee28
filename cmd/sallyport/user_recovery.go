package main

import (
	"context"
	"fmt"
	"time"

	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/storage"
)

type userRecoveryCodeCommand struct {
	settings
	answer
	Email string `arg:"" help:"The person's address."`
}

// Run makes a recovery code in place of an earlier one, as an owner does in their account. It stands in for a second
// factor once, together with the password; the factors stay.
func (c *userRecoveryCodeCommand) Run(ctx context.Context, p *process) error {
	return c.withDatabase(ctx, p, func(conf config.Config, db *storage.DB) error {
		user, err := findUser(ctx, db, c.Email)
		if err != nil {
			return err
		}
		notices, err := noticesOf(conf, db)
		if err != nil {
			return err
		}
		var code string
		var until time.Time
		err = db.Write(ctx, func(tx *storage.Tx) (err error) {
			if code, until, err = (factor.Recovery{}).Issue(ctx, tx, user.ID, byCommand, notices.Now()); err != nil {
				return err
			}
			if err := tx.Audit(ctx, byOperator("recovery_code.issued", user)); err != nil {
				return err
			}
			if err := notices.Tell(ctx, tx, user, "recovery_code.issued", fromCommand); err != nil {
				return err
			}
			return notices.TellOwners(ctx, tx, user, "recovery_code.issued", fromCommand, "")
		})
		if err != nil {
			return err
		}
		return c.print(p, map[string]any{"email": user.Email, "recovery_code": code, "until": until}, fmt.Sprintf(
			"Give %s this code yourself; it works once, with their password, until %s:\n  %s\n%s\n",
			user.Email, moment(until), code, toldByMail(conf, "them and the owners of their company")))
	})
}
