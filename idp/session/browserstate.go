package session

import (
	"net/http"

	"github.com/sallyport-id/sallyport/storage"
)

// stateCookie holds the browser state of OpenID Connect Session Management 1.0
// section 3.2: random, of no use but to be compared, and another one with every
// session. The page that compares it (idp/checksession.go) stands in a frame of
// another site and reads it by script; so it is neither HttpOnly nor Lax.
const stateCookie = "sallyport-state"

// StateCookie is the name of the cookie that holds the browser state.
func (s *Sessions) StateCookie() string { return s.cookieName(stateCookie) }

// BrowserState returns the state of the browser, giving it one where it has
// none.
func (s *Sessions) BrowserState(w http.ResponseWriter, r *http.Request) string {
	if state := s.cookie(r, stateCookie); len(state) == len(storage.NewSecret()) {
		return state
	}
	state := storage.NewSecret()
	s.setState(w, state)
	return state
}

// setState replaces the browser state; empty forgets it. SameSite=None needs
// Secure, so that on localhost only frames of localhost see it.
func (s *Sessions) setState(w http.ResponseWriter, state string) {
	c := &http.Cookie{Name: s.StateCookie(), Value: state, Path: "/", Secure: s.Secure, SameSite: http.SameSiteLaxMode}
	if s.Secure {
		c.SameSite = http.SameSiteNoneMode
	}
	if state == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}
