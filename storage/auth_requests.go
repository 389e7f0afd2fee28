package storage

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// AuthRequest is an authorization request on its way through login, and the
// half-finished sign-in within it: a person and the proofs so far, which are
// no session yet.
type AuthRequest struct {
	ID string
	// BrowserHash is Hash of the cookie of the browser that began it; no other
	// may go on.
	BrowserHash string
	ClientID    string
	// Params are the request's parameters as idp understands them.
	Params json.RawMessage
	// UserID is the person on the way, empty until known.
	UserID string
	Proofs Proofs
	// Stamps are the facts that last only as long as the request.
	Stamps Stamps
	// FreshCodes are backup codes just made, to be shown until the person says
	// they are saved; sealed at rest.
	FreshCodes []string
	// Wrong counts wrong codes in this sign-in.
	Wrong      int
	CreatedAt  time.Time
	ExpiresAt  time.Time
	FinishedAt time.Time

	version int64
}

// Stamps are facts about an authorization request that aren't lasting facts
// about the person.
type Stamps struct {
	// SignInSince: only proofs newer than this count; set at the start where
	// the request asks for a sign-in anew, and when a factor was enrolled.
	SignInSince time.Time `json:"sign_in_since,omitzero"`
	// Enrolled says that a factor was set up in this request.
	Enrolled bool `json:"enrolled,omitempty"`
	// Chosen says that the person chose the account (prompt=select_account).
	Chosen bool `json:"chosen,omitempty"`
	// SetUp says that the person agreed to set up a factor.
	SetUp bool `json:"set_up,omitempty"`
	// SetUpLater says that the person, who came in with a recovery code, put
	// off setting up a factor.
	SetUpLater bool `json:"set_up_later,omitempty"`
	// NotNow says that the person put off what was asked for voluntarily.
	NotNow bool `json:"not_now,omitempty"`
	// Consented is the scope the person consented to in this request.
	Consented string `json:"consented,omitempty"`
	// Denied says that the person cancelled or refused consent.
	Denied bool `json:"denied,omitempty"`
	// Ended is when too many wrong codes ended this sign-in.
	Ended time.Time `json:"ended,omitzero"`
	// RetryAt is when a new sign-in may try a code again, where this one ended.
	RetryAt time.Time `json:"retry_at,omitzero"`
	// Session is the id of the session that Pass made or extended.
	Session string `json:"session,omitempty"`
}

// InsertAuthRequest keeps a new request.
func (tx *Tx) InsertAuthRequest(ctx context.Context, a AuthRequest) error {
	_, err := tx.run.exec(ctx, `
		INSERT INTO auth_requests (id, browser_hash, client_id, params, user_id, proofs, stamps, wrong, version, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 1, $8, $9)`,
		a.ID, a.BrowserHash, a.ClientID, object(a.Params), nullable(a.UserID), proofsOrNone(a.Proofs), encode(a.Stamps), stamp(a.CreatedAt), stamp(a.ExpiresAt))
	return wrap(err, "keep authorization request")
}

// AuthRequest returns a request whether or not it is finished or expired.
// ErrNotFound where there is none (any more).
func (r Reader) AuthRequest(ctx context.Context, id string) (*AuthRequest, error) {
	a := AuthRequest{ID: id}
	var user *string
	var codes []byte
	err := r.run.queryRow(ctx, `
		SELECT browser_hash, client_id, params, user_id, proofs, stamps, fresh_codes, wrong, version, created_at, expires_at, finished_at
		FROM auth_requests WHERE id = $1`, id).
		Scan(&a.BrowserHash, &a.ClientID, document{&a.Params}, &user, document{&a.Proofs}, document{&a.Stamps}, &codes, &a.Wrong, &a.version,
			into(&a.CreatedAt), into(&a.ExpiresAt), into(&a.FinishedAt))
	if user != nil {
		a.UserID = *user
	}
	if err == nil && len(codes) > 0 {
		var plain []byte
		if plain, err = r.db.sealer.open(codes, "auth_requests:"+id); err == nil {
			err = json.Unmarshal(plain, &a.FreshCodes)
		}
	}
	return found(&a, err, "authorization request")
}

// UpdateAuthRequest writes person, proofs, stamps, fresh codes and the count
// of wrong codes, if the request is as it was read and not finished: ErrSpent
// where another tab was quicker.
func (tx *Tx) UpdateAuthRequest(ctx context.Context, a *AuthRequest) error {
	var codes []byte
	if len(a.FreshCodes) > 0 {
		codes = tx.db.sealer.seal([]byte(encode(a.FreshCodes)), "auth_requests:"+a.ID)
	}
	n, err := tx.run.exec(ctx, `
		UPDATE auth_requests SET user_id = $3, proofs = $4, stamps = $5, fresh_codes = $6, wrong = $7, version = version + 1
		WHERE id = $1 AND version = $2 AND finished_at IS NULL`,
		a.ID, a.version, nullable(a.UserID), proofsOrNone(a.Proofs), encode(a.Stamps), codes, a.Wrong)
	if err == nil && n == 1 {
		a.version++
	}
	return spent(n, err, "continue authorization request")
}

// FinishAuthRequest ends a request: one request yields at most one answer.
// ErrSpent where that was given already, or the request has expired.
func (tx *Tx) FinishAuthRequest(ctx context.Context, id string, now time.Time) error {
	n, err := tx.run.exec(ctx, `UPDATE auth_requests SET finished_at = $2, fresh_codes = NULL WHERE id = $1 AND finished_at IS NULL AND expires_at > $2`, id, stamp(now))
	return spent(n, err, "finish authorization request")
}

// IsSpent says whether err means that something of single use was used up.
func IsSpent(err error) bool { return errors.Is(err, ErrSpent) }

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func proofsOrNone(p Proofs) string {
	if len(p) == 0 {
		return "[]"
	}
	return string(p)
}
