package main

import (
	"context"
	"fmt"

	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/login/admin/govern"
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
		g, err := governing(conf, db)
		if err != nil {
			return err
		}
		issued, err := g.IssueRecoveryCode(ctx, govern.AtTheCommandLine(), user.OrgID, user.ID)
		if err != nil {
			return err
		}
		return c.print(p, map[string]any{"email": user.Email, "recovery_code": issued.Code, "until": issued.Until}, fmt.Sprintf(
			"Give %s this code yourself; it works once, with their password, until %s:\n  %s\n%s\n",
			user.Email, moment(issued.Until), issued.Code, toldByMail(conf, "them and the owners of their company")))
	})
}
