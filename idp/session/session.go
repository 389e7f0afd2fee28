// Package session keeps the single sign-on session: its cookie, its rows, and
// the facts that cookie, rows and request give to idp/policy.
//
// A session is a list of proofs. Its cookie is 256 random bits, stored hashed,
// and replaced whenever a proof is added. A half-finished sign-in is not a
// session: its proofs stay with the authorization request until the policy
// says pass.
package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// Sessions reads and writes sessions. Its fields are set once.
type Sessions struct {
	DB *storage.DB
	// Issuer is the provider's own address.
	Issuer string
	// Secure says that the provider is reached by https.
	Secure bool
	// Idle and Absolute are how long a session lives unused, and at all.
	Idle, Absolute time.Duration
	Now            func() time.Time
	// Offered are the methods that can be set up on this instance.
	Offered []policy.Method
	// Attests says that this instance can tell a hardware-bound key from others.
	Attests bool

	companies sync.Map // org id → decodedCompany
}

// Current returns the running session of the request's browser with what a
// decision about a product needs, or nil where there is none.
func (s *Sessions) Current(r *http.Request, clientID string) (*storage.SignedIn, error) {
	secret := s.cookie(r, sessionCookie)
	if secret == "" {
		return nil, nil
	}
	in, err := s.DB.SignedIn(r.Context(), storage.Hash(secret), clientID, s.Idle, s.Now())
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	company, err := s.Company(r.Context(), in.User.OrgID)
	if err != nil {
		return nil, err
	}
	if s.Now().Sub(in.Session.LastSeenAt) >= policy.ShorterOf(company.Rules.SessionIdle, s.Idle) {
		return nil, nil
	}
	return in, nil
}

// touchEvery is how often use of a session is written down.
const touchEvery = time.Minute

// Touch keeps a session that is used from idling out. It costs a statement
// only where the last one is a while ago.
func (s *Sessions) Touch(ctx context.Context, tx *storage.Tx, in *storage.SignedIn) error {
	if !s.TouchDue(in) {
		return nil
	}
	return tx.TouchSession(ctx, in.Session.ID, s.Now())
}

// TouchDue says whether Touch would write.
func (s *Sessions) TouchDue(in *storage.SignedIn) bool {
	return s.Now().Sub(in.Session.LastSeenAt) >= min(touchEvery, s.Idle/10)
}

// Opened is a session just begun or renewed, to be told to the browser once
// the transaction is committed.
type Opened struct {
	ID     string
	secret string
	begun  bool
}

// SetCookie gives the browser the new cookie, and with a new session another
// browser state.
func (s *Sessions) SetCookie(w http.ResponseWriter, o *Opened) {
	if o.secret != "" {
		s.setCookie(w, sessionCookie, o.secret)
	}
	if o.begun {
		s.setState(w, storage.NewSecret())
	}
}

// Pass turns the proofs of a finished sign-in into a session: they join the
// running session of the same person, or begin a new one in place of another
// person's.
func (s *Sessions) Pass(ctx context.Context, tx *storage.Tx, running *storage.SignedIn, userID string, proofs policy.Proofs) (*Opened, error) {
	now := s.Now()
	if running != nil && running.User.ID == userID {
		if len(proofs) == 0 {
			return &Opened{ID: running.Session.ID}, nil
		}
		was, err := Decode(running.Session.Proofs)
		if err != nil {
			return nil, err
		}
		o := &Opened{ID: running.Session.ID, secret: storage.NewSecret()}
		return o, tx.RenewSession(ctx, o.ID, running.Session.SecretHash, storage.Hash(o.secret), Encode(was.Join(proofs)), now)
	}
	if running != nil {
		if _, err := tx.EndSessions(ctx, storage.Ending{UserID: running.User.ID, Session: running.Session.ID}, now); err != nil {
			return nil, err
		}
	}
	lasts, err := s.lasts(ctx, tx, userID)
	if err != nil {
		return nil, err
	}
	from := OriginOf(ctx)
	o := &Opened{ID: storage.NewID(), secret: storage.NewSecret(), begun: true}
	err = tx.InsertSession(ctx, storage.Session{
		ID: o.ID, SecretHash: storage.Hash(o.secret), UserID: userID, Proofs: Encode(proofs),
		IP: from.Addr.String(), UserAgent: from.UserAgent, CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(lasts),
	})
	return o, err
}

// lasts is how long a new session of a person lives at most.
func (s *Sessions) lasts(ctx context.Context, tx *storage.Tx, userID string) (time.Duration, error) {
	u, err := tx.User(ctx, userID)
	if err != nil {
		return 0, err
	}
	org, err := tx.Org(ctx, u.OrgID)
	if err != nil {
		return 0, err
	}
	company, err := CompanyOf(org)
	return policy.ShorterOf(company.Rules.SessionAbsolute, s.Absolute), err
}

// Encode writes proofs as storage keeps them.
func Encode(ps policy.Proofs) storage.Proofs {
	if ps == nil {
		ps = policy.Proofs{}
	}
	b, err := json.Marshal(ps)
	if err != nil {
		panic(err) // plain structs always encode
	}
	return b
}

// Decode reads proofs as storage keeps them.
func Decode(p storage.Proofs) (policy.Proofs, error) {
	var ps policy.Proofs
	if len(p) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(p, &ps); err != nil {
		return nil, fmt.Errorf("read proofs: %w", err)
	}
	return ps, nil
}
