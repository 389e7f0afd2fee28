package session

import (
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// TooOld says whether the latest full sign-in is not less than maxAge ago.
func TooOld(proofs policy.Proofs, maxAge time.Duration, now time.Time) bool {
	return !proofs.Assure(nil).AuthTime.Add(maxAge).After(now)
}

// outgrown says whether a running session is too old for what a request asks.
// The one that its own sign-in ended in isn't, however long its next page is
// left open: there was a sign-in for this request.
func outgrown(a *storage.AuthRequest, running *storage.SignedIn, proofs policy.Proofs, now time.Time) (bool, error) {
	params, err := ParamsOf(a)
	if err != nil || params.MaxAge == nil || running.Session.ID == a.Stamps.Session {
		return false, err
	}
	return TooOld(proofs, time.Duration(*params.MaxAge)*time.Second, now), nil
}
