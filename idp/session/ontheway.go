package session

import (
	"context"
	"errors"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// OnTheWay says who an authorization request is about, and which proofs count:
// those of its sign-in, and those of the session that runs in its browser if
// that is the same person's, unless they are older than the request allows.
// The person is nil where nobody is known.
func (s *Sessions) OnTheWay(ctx context.Context, a *storage.AuthRequest, running *storage.SignedIn) (*storage.SignedIn, policy.Proofs, error) {
	own, err := Decode(a.Proofs)
	if err != nil {
		return nil, nil, err
	}
	since := a.Stamps.SignInSince
	if running != nil && (a.UserID == "" || a.UserID == running.User.ID) {
		of, err := Decode(running.Session.Proofs)
		if err != nil {
			return nil, nil, err
		}
		old, err := outgrown(a, running, of, s.Now())
		if err != nil {
			return nil, nil, err
		}
		if old {
			since = s.Now()
		}
		of = of.Since(since)
		// Nobody known yet: another tab may have signed in meanwhile. But not
		// where the person said "not me" to this session.
		if a.UserID != "" || since.IsZero() || of.Primary() {
			return running, of.Join(own), nil
		}
	}
	if a.UserID == "" {
		return nil, nil, nil
	}
	person, err := s.DB.Person(ctx, a.UserID, a.ClientID)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil, nil // deleted meanwhile
	}
	return person, own, err
}
