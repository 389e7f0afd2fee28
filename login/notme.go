package login

import (
	"context"

	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/storage"
)

// notMe is what a person does who was told of a change that wasn't theirs: all
// that runs in their name ends, and nothing about how they sign in can be
// changed, by a link that waits in a mailbox either, until an owner or the
// operator has spoken to them. It undoes nothing: who holds the account now is
// for people to find out.
func (l *Login) notMe(ctx context.Context, tx *storage.Tx, e errand) error {
	if _, err := tx.EndSessions(ctx, storage.Ending{UserID: e.user.ID, Offline: true}, e.at); err != nil {
		return err
	}
	if err := tx.LockChanges(ctx, e.user.ID, e.at); err != nil {
		return err
	}
	err := tx.VoidLinks(ctx, e.user.ID, l.Now(), notify.LinkSetUp, notify.LinkInvite, notify.LinkReset, notify.LinkConfirmAddress, notify.LinkChangeAddress, notify.LinkTwoStep)
	if err != nil {
		return err
	}
	if err := tx.Audit(ctx, l.event(ctx, "changes.locked", storage.OK, "", e.user)); err != nil {
		return err
	}
	if err := l.Notices.Tell(ctx, tx, e.user, "changes.locked", e.from); err != nil {
		return err
	}
	return l.Notices.TellOwners(ctx, tx, e.user, "changes.locked", e.from, "")
}
