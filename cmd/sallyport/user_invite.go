package main

import (
	"context"
	"fmt"
	"time"

	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/login/notify"
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
		inviting, err := newInviting(conf, db)
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
		var until time.Time
		err = db.Write(ctx, func(tx *storage.Tx) (err error) {
			until, err = inviting.invite(ctx, tx, user)
			return err
		})
		if err != nil {
			return err
		}
		return c.print(p, map[string]any{"email": user.Email, "invited_until": until}, invitedWords(user.Email))
	})
}

func invitedWords(email string) string {
	return fmt.Sprintf("An invitation for %s is on its way: the running server mails it. Its link works once, for seven days.\n", email)
}

// inviting queues invitations.
type inviting struct{ notices *notify.Notices }

// newInviting refuses where no mail would go out.
func newInviting(conf config.Config, db *storage.DB) (*inviting, error) {
	if conf.Mail.Server == "" {
		return nil, fmt.Errorf("no mail server is configured, so nobody would get the invitation: set mail.server and mail.from, or hand over a link yourself (sallyport user setup-link)")
	}
	notices, err := noticesOf(conf, db)
	if err != nil {
		return nil, err
	}
	return &inviting{notices: notices}, nil
}

// invite queues the mail to a person, and says until when its link works.
func (i *inviting) invite(ctx context.Context, tx *storage.Tx, user *storage.User) (until time.Time, err error) {
	company, err := tx.Org(ctx, user.OrgID)
	if err != nil {
		return until, err
	}
	link, until, err := i.notices.NewLink(ctx, tx, notify.LinkInvite, user.ID, user.Email, notify.LinkInviteLifetime)
	if err != nil {
		return until, err
	}
	if err := i.notices.SendLink(ctx, tx, user, user.Email, "invite", link, until, "Company", company.Name); err != nil {
		return until, err
	}
	return until, tx.Audit(ctx, byOperator("invitation.sent", user))
}

// inPlaceOfLink invites a person whom apply has just made, where it would make a set-up link.
func (i *inviting) inPlaceOfLink(ctx context.Context, tx *storage.Tx, userID string, _ time.Time) (string, error) {
	user, err := tx.User(ctx, userID)
	if err != nil {
		return "", err
	}
	_, err = i.invite(ctx, tx, user)
	return "", err
}
