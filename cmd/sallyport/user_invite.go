package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/storage"
)

type userInviteCommand struct {
	settings
	answer
	Email string `arg:"" help:"The person's address."`
}

// Run mails a link by which a person without a password chooses one, in place of an earlier invitation.
func (c *userInviteCommand) Run(ctx context.Context, p *process) error {
	return c.withDatabase(ctx, p, func(conf config.Config, db *storage.DB) error {
		g, err := governing(conf, db)
		if err == nil {
			err = mailGoesOut(conf)
		}
		if err != nil {
			return err
		}
		user, err := findUser(ctx, db, c.Email)
		switch {
		case err != nil:
			return err
		case !user.DisabledAt.IsZero():
			return fmt.Errorf("%s is disabled; let them in first: sallyport user enable %s", user.Email, user.Email)
		case user.PasswordHash != "":
			return fmt.Errorf("%s has a password already; if it is lost, they press \"Forgot password?\" where they sign in, or you hand over a link: sallyport user setup-link %s",
				user.Email, user.Email)
		}
		until, err := g.SendActivation(ctx, govern.AtTheCommandLine(), user.OrgID, user.ID)
		if err != nil {
			return err
		}
		return c.print(p, map[string]any{"email": user.Email, "invited_until": until}, invitedWords(user.Email))
	})
}

func invitedWords(email string) string {
	return fmt.Sprintf("An invitation for %s is on its way: the running server mails it. Its link works once, for seven days.\n", email)
}

// mailGoesOut refuses where nobody would get an invitation.
func mailGoesOut(conf config.Config) error {
	if conf.Mail.Server == "" {
		return errors.New("no mail server is configured, so nobody would get the invitation: set mail.server and mail.from, or hand over a link yourself (sallyport user setup-link)")
	}
	return nil
}
