package login

import (
	"context"

	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/storage"
)

// confirmAddress notes that a person reads the mail of the address they have.
// storage.ErrSpent where the link went to one they had before.
func (l *Login) confirmAddress(ctx context.Context, tx *storage.Tx, e errand) error {
	if err := tx.SetEmail(ctx, e.user.ID, e.address(), e.user.Email, e.at); err != nil {
		return err
	}
	return tx.Audit(ctx, l.event(ctx, "address.confirmed", storage.OK, "", e.user))
}

// changeAddress gives a person the address the link went to. Both addresses
// are told, other sessions end, and links that are still in the mailbox of the
// one before work no more. Codes by e-mail go to the new one from now on.
func (l *Login) changeAddress(ctx context.Context, tx *storage.Tx, e errand) error {
	was, now := e.user.Email, *e.user
	now.Email, now.EmailVerified = e.link.Data, true
	if err := tx.SetEmail(ctx, e.user.ID, was, now.Email, e.at); err != nil {
		return err
	}
	if err := tx.VoidLinks(ctx, e.user.ID, l.Now(), notify.LinkConfirmAddress, notify.LinkReset, notify.LinkInvite, notify.LinkTwoStep); err != nil {
		return err
	}
	if _, err := tx.EndSessions(ctx, storage.Ending{UserID: e.user.ID, Except: e.session, Offline: true}, e.at); err != nil {
		return err
	}
	if err := tx.Audit(ctx, l.event(ctx, "address.changed", storage.OK, "", &now)); err != nil {
		return err
	}
	for _, address := range []string{was, now.Email} {
		if err := l.Notices.TellAt(ctx, tx, &now, address, "address.changed", e.from, "Old", was, "New", now.Email); err != nil {
			return err
		}
	}
	return nil
}
