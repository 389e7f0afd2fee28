package main

import (
	"context"
	"fmt"

	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/storage"
)

type userUnlockCommand struct {
	settings
	answer
	Email string `arg:"" help:"The person's address."`
}

// Run forgets the failures that slow a person down or lock them out, and lifts what "This wasn't me" had stopped. Their
// factors stay.
func (c *userUnlockCommand) Run(ctx context.Context, p *process) error {
	return c.withDatabase(ctx, p, func(conf config.Config, db *storage.DB) error {
		user, err := findUser(ctx, db, c.Email)
		if err != nil {
			return err
		}
		g, err := governing(conf, db)
		if err != nil {
			return err
		}
		locked, err := g.UnlockPerson(ctx, govern.AtTheCommandLine(), user.OrgID, user.ID)
		if err != nil {
			return err
		}
		words := fmt.Sprintf("%s may try again: wrong passwords and codes are forgotten.\n", user.Email)
		if locked {
			words += "They said \"This wasn't me\"; from now on they can change again how they sign in.\n"
		}
		return c.print(p, map[string]any{"unlocked": user.Email, "changes_unlocked": locked}, words)
	})
}

type userReset2FACommand struct {
	settings
	answer
	Email string `arg:"" help:"The person's address."`
}

// Run leaves a person with their password alone. Who must have a second factor sets one up at the next sign-in.
func (c *userReset2FACommand) Run(ctx context.Context, p *process) error {
	return c.withDatabase(ctx, p, func(conf config.Config, db *storage.DB) error {
		user, err := findUser(ctx, db, c.Email)
		if err != nil {
			return err
		}
		g, err := governing(conf, db)
		if err != nil {
			return err
		}
		factors, err := g.ResetFactors(ctx, govern.AtTheCommandLine(), user.OrgID, user.ID)
		if err != nil {
			return err
		}
		return c.print(p, map[string]any{"email": user.Email, "factors_removed": factors},
			fmt.Sprintf("%s has no second factor any more (%d removed), and was signed out everywhere. %s\n", user.Email, factors, toldByMail(conf, "them")))
	})
}

// toldByMail says whether a mail tells people, or somebody has to.
func toldByMail(conf config.Config, whom string) string {
	if conf.Mail.Server == "" {
		return "No mail server is configured, so tell " + whom + " yourself."
	}
	return "A mail tells " + whom + "."
}

type userSetupLinkCommand struct {
	settings
	answer
	Email string `arg:"" help:"The person's address."`
}

// Run makes a set-up link in place of earlier ones. Using it ends the person's sessions and skips no second factor.
func (c *userSetupLinkCommand) Run(ctx context.Context, p *process) error {
	return c.withDatabase(ctx, p, func(conf config.Config, db *storage.DB) error {
		user, err := findUser(ctx, db, c.Email)
		if err != nil {
			return err
		}
		link := ""
		err = db.Write(ctx, func(tx *storage.Tx) (err error) {
			link, _, err = notify.NewLink(ctx, tx, conf.Issuer, notify.LinkSetUp, user.ID, "", notify.LinkSetUpLifetime, present())
			if err != nil {
				return err
			}
			return tx.Audit(ctx, byOperator("link.made", user))
		})
		if err != nil {
			return err
		}
		return c.print(p, map[string]string{"email": user.Email, "set_up_link": link}, linkWords(link))
	})
}

// byOperator is an event that a command caused.
func byOperator(event string, user *storage.User) storage.Event {
	return storage.Event{At: present(), Event: event, Result: storage.OK, Actor: byCommand, UserID: user.ID, OrgID: user.OrgID}
}
