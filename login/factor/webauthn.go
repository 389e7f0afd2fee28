package factor

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// WebAuthn is passkeys and security keys (Web Authentication Level 3). A
// challenge is made and kept here, lives for [ChallengeLifetime] and is used
// once, whatever comes of it; so the caller commits tx whatever the outcome.
//
// The library checks signatures and flags. It doesn't get to see the metadata:
// a key whose attestation leads nowhere is a key like any other, and only
// attestation.go says that one is bound to hardware.
type WebAuthn struct {
	lib    *webauthn.WebAuthn
	origin string
	models *models // nil where the operator supplied no metadata
}

// ChallengeLifetime is how long an authenticator may take to answer.
const ChallengeLifetime = 5 * time.Minute

// ErrNoDomain says that the issuer's host is an address: browsers offer
// WebAuthn to names only.
var ErrNoDomain = errors.New("passkeys need an issuer with a host name, not an address")

// KeyProof is what came of an answer of an authenticator.
type KeyProof struct {
	// Outcome is Accepted, Wrong, Expired (the challenge was used or is too
	// old) or Cloned (the signature counter went back; the person must be told).
	Outcome Outcome
	// UserID and Factor are whose key answered; empty where that is not known,
	// or the answer is wrong.
	UserID string
	Factor *storage.Factor
	// Proof is what an accepted answer is worth.
	Proof policy.Proof
	// Unknown is the id of a key that named itself and isn't registered, for
	// the Signal API; empty otherwise.
	Unknown string
}

// NewWebAuthn serves one origin, the issuer's: its host is the RP ID.
// [ErrNoDomain] where that is an address. displayName names the provider in the
// browser's dialog. metadataFile, empty or a path, is FIDO metadata: what
// [WebAuthn.Enrol] trusts to say that a key is bound to hardware. It is the BLOB
// of the FIDO Metadata Service as downloaded, or JSON of one's own:
// {"entries": [{"metadataStatement": {…}}]}. It is read once, here.
func NewWebAuthn(issuer, displayName, metadataFile string) (*WebAuthn, error) {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("passkeys: the issuer %q has no host", issuer)
	}
	host := strings.ToLower(u.Hostname())
	if net.ParseIP(host) != nil {
		return nil, ErrNoDomain
	}
	w := &WebAuthn{origin: originOf(u)}
	attestation := protocol.PreferNoAttestation
	if metadataFile != "" {
		if w.models, err = readModels(metadataFile); err != nil {
			return nil, fmt.Errorf("read FIDO metadata %s: %w", metadataFile, err)
		}
		attestation = protocol.PreferDirectAttestation
	}
	timeout := webauthn.TimeoutConfig{Timeout: ChallengeLifetime, TimeoutUVD: ChallengeLifetime}
	w.lib, err = webauthn.New(&webauthn.Config{
		RPID:                   host,
		RPDisplayName:          displayName,
		RPOrigins:              []string{w.origin},
		AttestationPreference:  attestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{UserVerification: protocol.VerificationPreferred},
		Timeouts:               webauthn.TimeoutsConfig{Login: timeout, Registration: timeout},
		// Some password managers answer extensions that nobody asked for.
		// Nothing here reads what an extension says.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		return nil, fmt.Errorf("passkeys for %s: %w", issuer, err)
	}
	return w, nil
}

// originOf writes an origin as browsers do: small letters, no default port.
func originOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	switch {
	case u.Scheme == "https":
		host = strings.TrimSuffix(host, ":443")
	case u.Scheme == "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host
}

// Method is policy.WebAuthn.
func (w *WebAuthn) Method() policy.Method { return policy.WebAuthn }

// RPID is the relying party's id, for the Signal API.
func (w *WebAuthn) RPID() string { return w.lib.Config.RPID }

// Kinds of ceremonies in storage.
const (
	getCeremony    = "webauthn-get"
	createCeremony = "webauthn-create"
)

// keep stores what a ceremony is checked against.
func (w *WebAuthn) keep(ctx context.Context, tx *storage.Tx, boundTo, kind, userID string, session *webauthn.SessionData, now time.Time) error {
	data, err := json.Marshal(session)
	if err != nil {
		return fmt.Errorf("keep challenge: %w", err)
	}
	return tx.PutCeremony(ctx, storage.Ceremony{BoundTo: boundTo, Kind: kind, UserID: userID, Data: data, ExpiresAt: now.Add(ChallengeLifetime)})
}

// spend takes the ceremony that an answer belongs to. Accepted means that there
// is one and it is this person's; Expired that there is none any more.
func (w *WebAuthn) spend(ctx context.Context, tx *storage.Tx, boundTo, kind, userID string, now time.Time) (session webauthn.SessionData, outcome Outcome, err error) {
	c, err := tx.SpendCeremony(ctx, boundTo, kind, now)
	switch {
	case errors.Is(err, storage.ErrSpent):
		return session, Expired, nil
	case err != nil:
		return session, Wrong, err
	case c.UserID != userID:
		return session, Wrong, nil
	}
	if err := json.Unmarshal(c.Data, &session); err != nil {
		return session, Wrong, fmt.Errorf("read challenge: %w", err)
	}
	return session, Accepted, nil
}

// answers says whether client data is an answer to this challenge from our own
// origin. The library checks the rest; its own comparison of origins forgives
// what no browser sends.
func (w *WebAuthn) answers(c protocol.CollectedClientData, session webauthn.SessionData) bool {
	return c.Origin == w.origin && c.Challenge == session.Challenge
}

// credentialID is how a credential id is written in JSON and hashed for its
// handle.
func credentialID(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }
