package storage

import (
	"context"
	"errors"
	"time"
)

// Session is a signed-in browser. Its ID is the sid of tokens and no secret;
// the cookie's secret is stored hashed.
type Session struct {
	ID, SecretHash, UserID string
	Proofs                 Proofs
	IP, UserAgent          string
	CreatedAt              time.Time
	LastSeenAt             time.Time
	// ExpiresAt is the absolute end.
	ExpiresAt time.Time
	EndedAt   time.Time
}

const sessionColumns = `s.id, s.secret_hash, s.user_id, s.proofs, s.ip, s.user_agent, s.created_at, s.last_seen_at, s.expires_at, s.ended_at`

func (s *Session) targets() []any {
	return []any{&s.ID, &s.SecretHash, &s.UserID, document{&s.Proofs}, &s.IP, &s.UserAgent,
		into(&s.CreatedAt), into(&s.LastSeenAt), into(&s.ExpiresAt), into(&s.EndedAt)}
}

// SignedIn is a running session with its person and what else a decision about
// one product needs, read by one statement.
type SignedIn struct {
	Session Session
	User    User
	// Methods are the kinds of factors the person has enrolled.
	Methods []string
	// HardwareKey says that one of them is an attested hardware key.
	HardwareKey bool
	// BackupCodesLeft counts unused backup codes.
	BackupCodesLeft int
	// Consented is the scope the person gave the product.
	Consented string
}

// personColumns are the columns of a [SignedIn] but its session's; $1 is the
// client's id.
const personColumns = userColumns + `,
	COALESCE((SELECT string_agg(f.kind, ' ') FROM factors f WHERE f.user_id = u.id), ''),
	EXISTS (SELECT 1 FROM factors f WHERE f.user_id = u.id AND f.hardware),
	(SELECT COUNT(*) FROM backup_codes b WHERE b.user_id = u.id AND b.used_at IS NULL),
	COALESCE((SELECT c.scope FROM consents c WHERE c.user_id = u.id AND c.client_id = $1), '')`

func (in *SignedIn) personTargets(methods *string) []any {
	return append(in.User.targets(), methods, &in.HardwareKey, &in.BackupCodesLeft, &in.Consented)
}

// SignedIn returns the session of a cookie's secret that has not ended or
// expired, seen less than idle ago. ErrNotFound where there is none.
func (r Reader) SignedIn(ctx context.Context, secretHash, clientID string, idle time.Duration, now time.Time) (*SignedIn, error) {
	var in SignedIn
	var methods string
	err := r.run.queryRow(ctx, `
		SELECT `+personColumns+`, `+sessionColumns+` FROM sessions s JOIN users u ON u.id = s.user_id
		WHERE s.secret_hash = $2 AND s.ended_at IS NULL AND s.expires_at > $3 AND s.last_seen_at > $4`,
		clientID, secretHash, stamp(now), stamp(now.Add(-idle))).
		Scan(append(in.personTargets(&methods), in.Session.targets()...)...)
	return r.signedIn(&in, methods, err)
}

// Person returns the same about a person who may have no session.
func (r Reader) Person(ctx context.Context, userID, clientID string) (*SignedIn, error) {
	var in SignedIn
	var methods string
	err := r.run.queryRow(ctx, `SELECT `+personColumns+` FROM users u WHERE u.id = $2`, clientID, userID).Scan(in.personTargets(&methods)...)
	return r.signedIn(&in, methods, err)
}

func (r Reader) signedIn(in *SignedIn, methods string, err error) (*SignedIn, error) {
	if err == nil {
		err = r.unseal(&in.User)
	}
	in.Methods = distinctFields(methods)
	return found(in, err, "session")
}

// InsertSession adds a signed-in browser.
func (tx *Tx) InsertSession(ctx context.Context, s Session) error {
	_, err := tx.run.exec(ctx, `
		INSERT INTO sessions (id, secret_hash, user_id, proofs, ip, user_agent, created_at, last_seen_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		s.ID, s.SecretHash, s.UserID, proofsOrNone(s.Proofs), s.IP, s.UserAgent, stamp(s.CreatedAt), stamp(s.LastSeenAt), stamp(s.ExpiresAt))
	return wrap(err, "start session")
}

// RenewSession gives a running session new proofs and a new secret; the old
// cookie stops working. ErrSpent where another tab renewed or ended it.
func (tx *Tx) RenewSession(ctx context.Context, id, wasHash, newHash string, proofs Proofs, now time.Time) error {
	n, err := tx.run.exec(ctx, `UPDATE sessions SET secret_hash = $3, proofs = $4, last_seen_at = $5 WHERE id = $1 AND secret_hash = $2 AND ended_at IS NULL`,
		id, wasHash, newHash, proofsOrNone(proofs), stamp(now))
	return spent(n, err, "renew session")
}

// TouchSession keeps a session from idling out.
func (tx *Tx) TouchSession(ctx context.Context, id string, now time.Time) error {
	_, err := tx.run.exec(ctx, `UPDATE sessions SET last_seen_at = $2 WHERE id = $1`, id, stamp(now))
	return wrap(err, "touch session")
}

// Sessions lists a person's running sessions, latest used first.
func (r Reader) Sessions(ctx context.Context, userID string, idle time.Duration, now time.Time) ([]*Session, error) {
	return list(r.run, ctx, "sessions", func(row scanner) (*Session, error) {
		var s Session
		err := row.Scan(s.targets()...)
		return found(&s, err, "session")
	}, `SELECT `+sessionColumns+` FROM sessions s WHERE s.user_id = $1 AND s.ended_at IS NULL AND s.expires_at > $2 AND s.last_seen_at > $3 ORDER BY s.last_seen_at DESC`,
		userID, stamp(now), stamp(now.Add(-idle)))
}

// Ending says which of a person's sessions to end.
type Ending struct {
	UserID string
	// Session is the only one to end; empty: all.
	Session string
	// Except is left running.
	Except string
	// ExceptRequest is the authorization request that goes on, where it is one
	// that ends the sessions.
	ExceptRequest string
	// Offline ends grants with offline_access as well, and those of sessions
	// that are gone already.
	Offline bool
}

// EndSessions ends sessions with the grants made in them, and queues a
// back-channel logout for each product that asked to be told. Where it ends
// them all, sign-ins that are half finished begin anew: what was proved before
// a change must not become a session after it. It says how many sessions it
// ended.
func (tx *Tx) EndSessions(ctx context.Context, e Ending, now time.Time) (int64, error) {
	at := stamp(now)
	// Whoever writes several rows of a person holds the person first, always in
	// this order, so that no two wait for each other.
	if err := tx.HoldUser(ctx, e.UserID); errors.Is(err, ErrNotFound) {
		return 0, nil // there is nobody, so nothing runs
	} else if err != nil {
		return 0, err
	}
	// First the queue: it needs to know which sessions run. Whoever got something
	// in one of them is told, also where that was revoked meanwhile: the product's
	// own session may go on without it. Offline grants outlive their session, and
	// its end was told when it came.
	told, err := list(tx.run, ctx, "products to tell", func(row scanner) (n LogoutNotice, err error) {
		err = row.Scan(&n.ClientID, &n.SessionID)
		n.UserID = e.UserID
		return n, err
	}, `SELECT DISTINCT g.client_id, g.session_id FROM grants g LEFT JOIN sessions s ON s.id = g.session_id
		WHERE g.user_id = $1 AND ($2 = '' OR g.session_id = $3) AND g.session_id <> $4 AND `+holding+`
			AND s.ended_at IS NULL AND (s.id IS NOT NULL OR g.revoked_at IS NULL AND g.expires_at > $5)`,
		e.UserID, e.Session, e.Session, e.Except, at)
	if err != nil {
		return 0, err
	}
	for _, n := range told {
		if err := tx.QueueLogout(ctx, n, now); err != nil {
			return 0, err
		}
	}
	if _, err := tx.run.exec(ctx, `UPDATE grants SET revoked_at = $5
		WHERE user_id = $1 AND ($2 = '' OR session_id = $3) AND session_id <> $4 AND revoked_at IS NULL AND (NOT offline OR $6)`,
		e.UserID, e.Session, e.Session, e.Except, at, e.Offline); err != nil {
		return 0, wrap(err, "end grants")
	}
	if e.Session == "" {
		if _, err := tx.run.exec(ctx, `UPDATE auth_requests SET user_id = NULL, proofs = '[]', version = version + 1
			WHERE user_id = $1 AND id <> $2 AND finished_at IS NULL`, e.UserID, e.ExceptRequest); err != nil {
			return 0, wrap(err, "end half-finished sign-ins")
		}
	}
	n, err := tx.run.exec(ctx, `UPDATE sessions SET ended_at = $5
		WHERE user_id = $1 AND ($2 = '' OR id = $3) AND id <> $4 AND ended_at IS NULL`, e.UserID, e.Session, e.Session, e.Except, at)
	return n, wrap(err, "end sessions")
}
