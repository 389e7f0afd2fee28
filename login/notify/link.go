package notify

import (
	"context"
	"time"

	"github.com/sallyport-id/sallyport/storage"
)

// Purposes of links: what one does when its holder presses the button.
const (
	// LinkFirstOwner lets its holder become the first company's owner.
	LinkFirstOwner = "first-owner"
	// LinkSetUp lets a person choose a password; an operator hands it over.
	LinkSetUp = "set-up"
	// LinkInvite is LinkSetUp sent by mail: using it confirms the address.
	LinkInvite = "invite"
	// LinkReset lets a person who forgot the password choose a new one.
	LinkReset = "reset"
	// LinkConfirmAddress confirms the address a person has.
	LinkConfirmAddress = "confirm-address"
	// LinkChangeAddress gives a person the new address it carries.
	LinkChangeAddress = "change-address"
	// LinkTwoStep lets a signed-in person go on turning on two-step
	// verification.
	LinkTwoStep = "two-step"
	// LinkNotMe begins the purpose of links by which a person says that a
	// change wasn't theirs.
	LinkNotMe = "not-me"
)

// How long links work.
const (
	LinkFirstOwnerLifetime = time.Hour
	LinkSetUpLifetime      = 2 * time.Hour
	LinkInviteLifetime     = 7 * 24 * time.Hour
	LinkResetLifetime      = time.Hour
	LinkAddressLifetime    = 24 * time.Hour
	LinkTwoStepLifetime    = 2 * time.Hour
	LinkNotMeLifetime      = 7 * 24 * time.Hour
)

// NewLink keeps a link of a purpose for a person ("" for the first owner), in
// place of earlier ones, and returns its address and until when it works. Its
// host is the configured one, never that of a request.
func (n *Notices) NewLink(ctx context.Context, tx *storage.Tx, purpose, userID, data string, lifetime time.Duration) (address string, until time.Time, err error) {
	return NewLink(ctx, tx, n.URL, purpose, userID, data, lifetime, n.Now())
}

// NewLink is the same without Notices, for the command line.
func NewLink(ctx context.Context, tx *storage.Tx, issuer, purpose, userID, data string, lifetime time.Duration, now time.Time) (address string, until time.Time, err error) {
	secret := storage.NewSecret()
	until = now.Add(lifetime)
	err = tx.InsertLink(ctx, storage.Link{Hash: storage.Hash(secret), Purpose: purpose, UserID: userID, Data: data, CreatedAt: now, ExpiresAt: until})
	return issuer + pathOf(purpose) + "?token=" + secret, until, err
}

// pathOf is the page that a link of a purpose leads to.
func pathOf(purpose string) string {
	switch purpose {
	case LinkFirstOwner, LinkSetUp, LinkInvite, LinkReset:
		return "/set-up"
	case LinkTwoStep:
		return "/account/two-step/link"
	}
	return "/link"
}
