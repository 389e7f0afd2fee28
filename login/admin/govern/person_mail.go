package govern

import (
	"context"
	"time"

	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/storage"
)

// SendActivation mails a person what they need to begin: an invitation where
// they have no password yet, else a link that confirms their address. Until is
// when the link stops working.
func (g *Govern) SendActivation(ctx context.Context, by Actor, org, id string) (until time.Time, err error) {
	err = g.onPerson(ctx, by, ChangePeople, org, id, func(tx *storage.Tx, by Actor, u *storage.User) error {
		switch {
		case !g.MailGoesOut:
			return &Refused{Code: "no_mail", Action: ChangePeople}
		case !u.DisabledAt.IsZero():
			return &Refused{Code: "disabled", Action: ChangePeople}
		case u.PasswordHash == "":
			until, err = g.invite(ctx, tx, by, u)
			return err
		case u.EmailVerified:
			return &Refused{Code: "confirmed", Action: ChangePeople}
		}
		until = g.Now().Add(notify.LinkAddressLifetime)
		return g.sendConfirmation(ctx, tx, by, u)
	})
	return until, err
}

// mailQuota keeps administrators and their machines from flooding somebody's
// mailbox: *storage.QuotaError.
func (g *Govern) mailQuota(ctx context.Context, tx *storage.Tx, u *storage.User) error {
	target := "admin-mail:" + g.DB.KeyedHash("quota", storage.EmailKey(u.Email))
	return tx.TakeQuotas(ctx, []storage.Quota{
		{ID: "admin-mail:" + u.ID + ":hour", Max: 10, Window: time.Hour},
		{ID: target + ":hour", Max: 10, Window: time.Hour},
		{ID: target + ":day", Max: 30, Window: 24 * time.Hour},
	}, g.Now())
}

// invite queues a mail with a link by which a person chooses a password, in
// place of an earlier one.
func (g *Govern) invite(ctx context.Context, tx *storage.Tx, by Actor, u *storage.User) (until time.Time, err error) {
	if err := g.mailQuota(ctx, tx, u); err != nil {
		return until, err
	}
	company, err := tx.Org(ctx, u.OrgID)
	if err != nil {
		return until, err
	}
	link, until, err := g.Notices.NewLink(ctx, tx, notify.LinkInvite, u.ID, u.Email, notify.LinkInviteLifetime)
	if err != nil {
		return until, err
	}
	if err := g.Notices.SendLink(ctx, tx, u, u.Email, "invite", link, until, "Company", company.Name); err != nil {
		return until, err
	}
	return until, tx.Audit(ctx, by.did("invitation.sent", u, g.Now()))
}

// sendConfirmation queues a mail with a link that confirms a person's address.
func (g *Govern) sendConfirmation(ctx context.Context, tx *storage.Tx, by Actor, u *storage.User) error {
	if err := g.mailQuota(ctx, tx, u); err != nil {
		return err
	}
	link, until, err := g.Notices.NewLink(ctx, tx, notify.LinkConfirmAddress, u.ID, u.Email, notify.LinkAddressLifetime)
	if err != nil {
		return err
	}
	if err := g.Notices.SendLink(ctx, tx, u, u.Email, "confirm_address", link, until); err != nil {
		return err
	}
	return tx.Audit(ctx, by.did("confirmation.sent", u, g.Now()))
}
