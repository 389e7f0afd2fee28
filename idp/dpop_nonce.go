package idp

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"time"
)

// nonceStep is how long a nonce for DPoP proofs is the newest; it is accepted
// for as long again.
const nonceStep = 2 * time.Minute

// nonce is that of a moment: a keyed hash, so that every replica knows it and
// none keeps it, and nobody can make proofs for a time to come (RFC 9449
// section 11.2).
func (p *Provider) nonce(ctx context.Context, at time.Time) (string, error) {
	key, err := p.DB.InstanceSecret(ctx, "dpop nonce")
	if err != nil {
		return "", err
	}
	h := hmac.New(sha256.New, key)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(at.Unix()/int64(nonceStep/time.Second))))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16]), nil
}

// nonceEnds is when a nonce is accepted no more. One that isn't accepted now is
// answered with one that is (RFC 9449 section 8); every other answer brings the
// newest too, so that a client rarely needs to ask twice.
func (p *Provider) nonceEnds(ctx context.Context, said string, answer http.Header) (time.Time, error) {
	now := p.Now()
	newest, err := p.nonce(ctx, now)
	if err != nil {
		return time.Time{}, err
	}
	answer.Set("DPoP-Nonce", newest)
	for _, at := range []time.Time{now, now.Add(-nonceStep)} {
		switch n, err := p.nonce(ctx, at); {
		case err != nil:
			return time.Time{}, err
		case hmac.Equal([]byte(n), []byte(said)):
			return now.Add(2 * nonceStep), nil
		}
	}
	return time.Time{}, oauth(useDPoPNonce, "put the value of the header DPoP-Nonce into the claim nonce of a new proof")
}
