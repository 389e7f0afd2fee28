package idp

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// sessionState is what a product gives to the frame at /session/check to learn
// whether somebody still is signed in as they were (OpenID Connect Session
// Management 1.0 section 3): a salted hash of the client, the origin of its
// redirect URI and the browser state, which says nothing to anybody else.
// Empty for our own pages, and where the redirect URI is an app's: apps have no
// frames.
func (p *Provider) sessionState(w http.ResponseWriter, r *http.Request, asked session.Asked) string {
	at := page.WebOrigin(asked.Params.RedirectURI)
	if at == "" || asked.Client.Internal {
		return ""
	}
	salt := storage.NewSecret()[:16]
	sum := sha256.Sum256([]byte(asked.Client.ID + " " + at + " " + p.Sessions.BrowserState(w, r) + " " + salt))
	return hex.EncodeToString(sum[:]) + "." + salt
}

// checkSession is the frame of Session Management 1.0 section 3.2.
func (p *Provider) checkSession() (http.HandlerFunc, error) {
	return page.CheckSession(p.Sessions.StateCookie())
}
