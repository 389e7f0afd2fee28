package demo

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// logoutEvent is the member of the events claim that makes a token a logout token.
const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// clockSkew is how far the provider's clock may run ahead of ours.
const clockSkew = time.Minute

// errReplayed refuses a logout token that was already acted upon.
var errReplayed = errors.New("jti was already used")

// backchannelLogout is called by the provider, not by a browser, when a session
// ended there (OpenID Connect Back-Channel Logout 1.0, 2.5 to 2.8).
func (rp *relyingParty) backchannelLogout(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	p, err := rp.discover(r.Context())
	if err != nil {
		// Not the token's fault: a status that invites another delivery.
		rp.Log.WarnContext(r.Context(), "logout token not checked", "product", rp.ClientID, "error", err)
		http.Error(w, "the provider's keys can't be read", http.StatusServiceUnavailable)
		return
	}
	token, err := rp.logoutToken(rp.client(r.Context()), p, r.PostFormValue("logout_token"))
	if err != nil {
		rp.Log.WarnContext(r.Context(), "logout token refused", "product", rp.ClientID, "error", err)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{
			"error": "invalid_request", "error_description": "the logout token was refused: " + err.Error(),
		})
		return
	}
	// A sid names one session; without it, all of the subject's are meant.
	match := func(subject, sid string) bool {
		return (token.SessionID == "" || token.SessionID == sid) && (token.Subject == "" || token.Subject == subject)
	}
	owners := rp.browsers.end(func(s *session) bool { return match(s.Subject, s.SID) })
	if rp.ended != nil {
		rp.ended(ending{owners: owners, match: match})
	}
	rp.Log.InfoContext(r.Context(), "signed out by the provider", "product", rp.ClientID, "sessions", len(owners))
	w.WriteHeader(http.StatusOK)
}

// logoutToken verifies a logout token as section 2.6 says. The library checks
// signature, iss, aud, exp, events, nonce, and that there is a jti and a sub or
// sid; type, iat, the shape of the event and replay are left to us.
func (rp *relyingParty) logoutToken(ctx context.Context, p *provider, raw string) (*oidc.LogoutToken, error) {
	token, err := p.verifier.VerifyLogout(ctx, raw)
	if err != nil {
		return nil, err
	}
	// The header is covered by the signature that was just verified.
	if typ := strings.TrimPrefix(strings.ToLower(tokenType(raw)), "application/"); typ != "logout+jwt" {
		return nil, fmt.Errorf("typ is %q, not logout+jwt", typ)
	}
	var claims struct {
		Events map[string]json.RawMessage `json:"events"`
	}
	if err := token.Claims(&claims); err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(bytes.TrimSpace(claims.Events[logoutEvent]), []byte("{")) {
		return nil, errors.New("the logout event isn't a JSON object")
	}
	// An absent iat reads as the zero time or as the epoch, depending on the library.
	if token.IssuedAt.Unix() <= 0 {
		return nil, errors.New("no iat")
	}
	if token.IssuedAt.After(rp.Clock().Add(clockSkew)) {
		return nil, errors.New("iat lies in the future")
	}
	if !rp.seenJTI.spend(token.TokenID, token.Expiry) {
		return nil, errReplayed
	}
	return token, nil
}

// tokenType is the typ header of a compact JWS, "" if there is none.
func tokenType(raw string) string {
	encoded, _, _ := strings.Cut(raw, ".")
	decoded, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return ""
	}
	var header struct {
		Type string `json:"typ"`
	}
	if json.Unmarshal(decoded, &header) != nil {
		return ""
	}
	return header.Type
}

// replayGuard remembers token ids for as long as their tokens would be accepted.
type replayGuard struct {
	now func() time.Time

	mu     sync.Mutex
	expiry map[string]time.Time
}

func newReplayGuard(now func() time.Time) *replayGuard {
	return &replayGuard{now: now, expiry: make(map[string]time.Time)}
}

// spend notes an id and says whether it is new. Ids come only from tokens whose
// signature was verified, so the provider alone decides how many there are.
func (g *replayGuard) spend(id string, expiry time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	for known, until := range g.expiry {
		if until.Before(now) {
			delete(g.expiry, known)
		}
	}
	if _, used := g.expiry[id]; used {
		return false
	}
	g.expiry[id] = expiry
	return true
}
