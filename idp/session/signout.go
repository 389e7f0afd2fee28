package session

import (
	"context"
	"net/url"
	"strings"

	"github.com/sallyport-id/sallyport/storage"
)

// Leaving is a product that a sign-out reaches through the browser (OpenID
// Connect Front-Channel Logout 1.0): Frame is the address to open.
type Leaving struct{ Product, Frame string }

// SignOut ends the session of a browser; everywhere, all of its person's. It
// says which products of this browser's session the browser has to tell;
// those that are told by the back channel are queued.
func (s *Sessions) SignOut(ctx context.Context, tx *storage.Tx, in *storage.SignedIn, everywhere bool) ([]Leaving, error) {
	reached, err := tx.Reached(ctx, in.User.ID, in.Session.ID)
	if err != nil {
		return nil, err
	}
	ending := storage.Ending{UserID: in.User.ID}
	if !everywhere {
		ending.Session = in.Session.ID
	}
	if _, err := tx.EndSessions(ctx, ending, s.Now()); err != nil {
		return nil, err
	}
	var all []Leaving
	for _, c := range reached {
		if c.FrontchannelLogoutURI != "" {
			all = append(all, Leaving{Product: c.Name, Frame: s.frame(c, in.Session.ID)})
		}
	}
	return all, nil
}

// frame is the address that signs out of a product (Front-Channel Logout 1.0
// section 2): with iss and sid where it wants them, beside what its query
// holds already.
func (s *Sessions) frame(c *storage.Client, sid string) string {
	if !c.FrontchannelSession {
		return c.FrontchannelLogoutURI
	}
	return WithQuery(c.FrontchannelLogoutURI, "iss", s.Issuer, "sid", sid)
}

// WithQuery adds parameters, pairs of name and value, to a registered URI and
// leaves what stands there as it is.
func WithQuery(uri string, pairs ...string) string {
	var added []string
	for i := 0; i+1 < len(pairs); i += 2 {
		added = append(added, url.QueryEscape(pairs[i])+"="+url.QueryEscape(pairs[i+1]))
	}
	if len(added) == 0 {
		return uri
	}
	uri, fragment, hasFragment := strings.Cut(uri, "#")
	switch {
	case !strings.Contains(uri, "?"):
		uri += "?"
	case !strings.HasSuffix(uri, "?") && !strings.HasSuffix(uri, "&"):
		uri += "&"
	}
	uri += strings.Join(added, "&")
	if hasFragment {
		uri += "#" + fragment
	}
	return uri
}
