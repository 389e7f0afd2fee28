package idp

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"

	"github.com/sallyport-id/sallyport/storage"
)

// subject is the sub by which a client knows a person (OpenID Connect Core
// section 8): for most the person's id; for a pairwise client one that only
// clients of its sector share, and that leads nobody back to the id.
func (p *Provider) subject(ctx context.Context, c *storage.Client, userID string) (string, error) {
	if !c.Pairwise {
		return userID, nil
	}
	key, err := p.DB.InstanceSecret(ctx, "pairwise subjects")
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(c.Sector + "\x00" + userID))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), nil
}
