package idp

import (
	"context"
	"errors"

	"github.com/sallyport-id/sallyport/storage"
)

// The errors of RFC 8628 section 3.5.
const (
	authorizationPending = "authorization_pending"
	slowDown             = "slow_down"
	expiredToken         = "expired_token"
)

// redeemDevice answers a device that polls (RFC 8628 section 3.4). One
// conditional update spends its code in the transaction that keeps the tokens.
// A device that never sees the answer begins anew: a code that comes again gets
// nothing, and ends nothing either, for polls may overtake each other.
func (p *Provider) redeemDevice(ctx context.Context, c *call) (any, error) {
	client := c.client
	code, err := c.needed("device_code")
	if err != nil {
		return nil, err
	}
	reach, err := p.Sessions.Reach(ctx, client)
	if err != nil {
		return nil, err
	}
	hash := storage.Hash(code)
	var refused error
	var out issued
	err = p.DB.Write(ctx, func(tx *storage.Tx) error {
		d, tooFast, err := tx.PollDevice(ctx, hash, client.ID, p.Now())
		if errors.Is(err, storage.ErrNotFound) {
			refused = oauth(invalidGrant, "the device code is unknown, or was issued to another client")
			return nil
		}
		if err != nil {
			return err
		}
		if refused = p.deviceProblem(d, tooFast); refused != nil {
			return nil
		}
		grantID, err := tx.RedeemDevice(ctx, hash, client.ID, p.Now())
		if err != nil {
			return err
		}
		out, refused, err = p.firstTokens(ctx, tx, c, reach, grantID, func(details, *call) error { return nil })
		return err
	})
	if err == nil {
		err = refused
	}
	return p.tokenResponse(ctx, client, out, err)
}

// deviceProblem says why a device gets no tokens (yet).
func (p *Provider) deviceProblem(d *storage.DeviceCode, tooFast bool) error {
	switch {
	case !d.RedeemedAt.IsZero():
		return oauth(invalidGrant, "the device code was already used")
	case !d.DeniedAt.IsZero():
		return oauth(accessDenied, "the person refused")
	case !d.ExpiresAt.After(p.Now()):
		return oauth(expiredToken, "the device code has expired: ask for a new one")
	case d.GrantID == "" && tooFast:
		return oauth(slowDown, "wait %s between two polls from now on", d.Every)
	case d.GrantID == "":
		return oauth(authorizationPending, "the person has not answered yet")
	}
	return nil
}
