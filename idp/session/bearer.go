package session

import (
	"errors"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// ErrNoBearer says that an access token is unknown, expired or revoked, or
// that what it was given for no longer stands.
var ErrNoBearer = errors.New("no such access token")

// Bearer is whoever presents an access token of this provider: a person by way
// of a product, or a product for itself.
type Bearer struct {
	ClientID, ClientName string
	// OrgID is the person's company, or the one a machine acts for; empty for
	// a machine of the operator.
	OrgID string
	// User is nil for a machine.
	User *storage.User
	// Scope are the scopes the token has and the product is still registered
	// for.
	Scope []string
	// Level is what the person's sign-in was worth, and MFATime when they last
	// proved a second factor; zero for a machine.
	Level   policy.Level
	MFATime time.Time
	// ExpiresAt is the token's end.
	ExpiresAt time.Time
}
