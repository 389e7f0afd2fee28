package session

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// Limited are the parameters of a kept request with the max_age it came with,
// which is about whatever session runs in its browser later too: one that began
// in another tab meanwhile may have grown too old by the time it would answer.
type Limited struct {
	Params
	// MaxAge is in seconds; nil: any.
	MaxAge *int64 `json:"max_age,omitempty"`
}

// TooOld says whether the latest full sign-in is not less than maxAge ago.
func TooOld(proofs policy.Proofs, maxAge time.Duration, now time.Time) bool {
	return !proofs.Assure(nil).AuthTime.Add(maxAge).After(now)
}

// outgrown says whether a running session is too old for what a request asks.
// The one that its own sign-in ended in isn't, however long its next page is
// left open: there was a sign-in for this request.
func outgrown(a *storage.AuthRequest, running *storage.SignedIn, proofs policy.Proofs, now time.Time) (bool, error) {
	var kept struct {
		MaxAge *int64 `json:"max_age"`
	}
	if err := json.Unmarshal(a.Params, &kept); err != nil {
		return false, fmt.Errorf("read authorization request %s: %w", a.ID, err)
	}
	if kept.MaxAge == nil || running.Session.ID == a.Stamps.Session {
		return false, nil
	}
	return TooOld(proofs, time.Duration(*kept.MaxAge)*time.Second, now), nil
}
