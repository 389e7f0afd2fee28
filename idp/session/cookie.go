package session

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"

	"github.com/sallyport-id/sallyport/storage"
)

// Two cookies: the session's secret, and a secret of the browser itself that
// binds authorization requests to it before anybody has signed in.
const (
	sessionCookie = "sallyport"
	browserCookie = "sallyport-browser"
)

// cookieName adds the prefix that keeps other hosts and plain http from
// setting the cookie; it needs https, so localhost goes without.
func (s *Sessions) cookieName(name string) string {
	if s.Secure {
		return "__Host-" + name
	}
	return name
}

func (s *Sessions) cookie(r *http.Request, name string) string {
	c, err := r.Cookie(s.cookieName(name))
	if err != nil {
		return ""
	}
	return c.Value
}

func (s *Sessions) setCookie(w http.ResponseWriter, name, value string) {
	c := &http.Cookie{Name: s.cookieName(name), Value: value, Path: "/", Secure: s.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// Sent says whether a request brought the cookie of a session, running or not.
func (s *Sessions) Sent(r *http.Request) bool { return s.cookie(r, sessionCookie) != "" }

// Forget removes the session's cookie from the browser, and its state.
func (s *Sessions) Forget(w http.ResponseWriter) {
	s.setCookie(w, sessionCookie, "")
	s.setState(w, "")
}

// Browser returns the secret of the browser, giving it one where it has none.
func (s *Sessions) Browser(w http.ResponseWriter, r *http.Request) string {
	if b := s.cookie(r, browserCookie); len(b) == len(storage.NewSecret()) {
		return b
	}
	b := storage.NewSecret()
	s.setCookie(w, browserCookie, b)
	return b
}

// Bound says whether the request comes from the browser that began a.
func (s *Sessions) Bound(r *http.Request, a *storage.AuthRequest) bool {
	b := s.cookie(r, browserCookie)
	return b != "" && hmac.Equal([]byte(storage.Hash(b)), []byte(a.BrowserHash))
}

// FormToken is what every form of ours carries: derived from the browser's
// secret, which other sites can't read. (Browsers that know Sec-Fetch-Site are
// protected by http.CrossOriginProtection already.)
func (s *Sessions) FormToken(w http.ResponseWriter, r *http.Request) string {
	return formToken(s.Browser(w, r))
}

// FormTokenOK checks the field form_token of a posted form.
func (s *Sessions) FormTokenOK(r *http.Request) bool {
	b := s.cookie(r, browserCookie)
	return b != "" && hmac.Equal([]byte(r.PostFormValue("form_token")), []byte(formToken(b)))
}

func formToken(browser string) string {
	mac := hmac.New(sha256.New, []byte(browser))
	mac.Write([]byte("form token"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
