package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/login/page"
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
	return c.withDatabase(ctx, p, func(_ config.Config, db *storage.DB) error {
		user, err := findUser(ctx, db, c.Email)
		if err != nil {
			return err
		}
		locked := !user.ChangesLockedAt.IsZero()
		err = db.Write(ctx, func(tx *storage.Tx) error {
			for _, prefix := range []string{factor.CounterPrefix(user.ID), factor.PasswordCounterPrefix(user.Email)} {
				if err := tx.ForgetAttempts(ctx, prefix); err != nil {
					return err
				}
			}
			if err := tx.Audit(ctx, byOperator("person.unlocked", user)); err != nil || !locked {
				return err
			}
			if err := tx.UnlockChanges(ctx, user.ID, present()); err != nil {
				return err
			}
			return tx.Audit(ctx, byOperator("changes.unlocked", user))
		})
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
		notices, err := noticesOf(conf, db)
		if err != nil {
			return err
		}
		var factors int64
		err = db.Write(ctx, func(tx *storage.Tx) (err error) {
			if factors, err = tx.DeleteFactors(ctx, user.ID, ""); err != nil {
				return err
			}
			now := notices.Now()
			for _, do := range []func() error{
				func() error { return tx.ReplaceBackupCodes(ctx, user.ID, nil, now) },
				func() error { return tx.VoidRecoveryCode(ctx, user.ID) },
				func() error { return tx.SetTwoStep(ctx, user.ID, false, now) },
				// A locked counter belongs to the factor that is gone.
				func() error { return tx.ForgetAttempts(ctx, factor.CounterPrefix(user.ID)) },
				func() error {
					_, err := tx.EndSessions(ctx, storage.Ending{UserID: user.ID, Offline: true}, now)
					return err
				},
				func() error { return tx.Audit(ctx, byOperator("two_step.reset", user)) },
				func() error { return notices.Tell(ctx, tx, user, "two_step.off", fromCommand) },
			} {
				if err := do(); err != nil {
					return err
				}
			}
			return nil
		})
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

// fromCommand is where mails say that something was done from.
const fromCommand = "the operator's " + byCommand

// noticesOf queues mails that the running server delivers.
func noticesOf(conf config.Config, db *storage.DB) (*notify.Notices, error) {
	pages, err := page.New()
	if err != nil {
		return nil, err
	}
	issuer, err := url.Parse(conf.Issuer)
	if err != nil {
		return nil, err
	}
	now := present()
	return &notify.Notices{DB: db, Pages: pages, Issuer: issuer.Host, URL: conf.Issuer, Now: func() time.Time { return now }}, nil
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
