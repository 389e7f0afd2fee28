package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// signatureHeader is what requests between Sallyport and an operator's gateway carry, in both directions:
//
//	Sallyport-Signature: t=1767225600,v1=5257a8…
//
// t is when the request was signed, in seconds since 1970; v1 is HMAC-SHA256 over t, a dot and the body, in hex. There
// may be several v1, while a secret is being replaced.
const signatureHeader = "Sallyport-Signature"

// maxSkew is how old a signed request may be, and how far two clocks may be apart.
const maxSkew = 5 * time.Minute

func sign(secret string, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac(secret, t, body))
}

func mac(secret, t string, body []byte) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(t + "."))
	h.Write(body)
	return h.Sum(nil)
}

// verify returns when a body was signed. The error is ErrBadSignature or, if the signature is right but was made too long
// ago or in the future, ErrStale.
func verify(secret, header string, body []byte, now time.Time) (time.Time, error) {
	var t string
	var signatures [][]byte
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			if t != "" {
				return time.Time{}, ErrBadSignature
			}
			t = value
		case "v1":
			if s, err := hex.DecodeString(value); err == nil {
				signatures = append(signatures, s)
			}
		}
	}
	seconds, err := strconv.ParseInt(t, 10, 64)
	if err != nil || secret == "" {
		return time.Time{}, ErrBadSignature
	}
	want := mac(secret, t, body)
	for _, s := range signatures {
		if !hmac.Equal(s, want) {
			continue
		}
		at := time.Unix(seconds, 0).UTC()
		if now.Sub(at).Abs() > maxSkew {
			return time.Time{}, ErrStale
		}
		return at, nil
	}
	return time.Time{}, ErrBadSignature
}

// SignRequest signs a request as both sides do. It is for who stands on the gateway's side; the body is the one that the
// request will carry.
func SignRequest(r *http.Request, secret string, at time.Time, body []byte) {
	r.Header.Set(signatureHeader, sign(secret, at, body))
}

// VerifyRequest checks, on the gateway's side, that a request with this body comes from a provider that has the secret.
// The error is ErrBadSignature or ErrStale.
func VerifyRequest(r *http.Request, secret string, body []byte, now time.Time) error {
	_, err := verify(secret, r.Header.Get(signatureHeader), body, now)
	return err
}
