package idp

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"encoding/json"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// authorizePost answers a POST (OpenID Connect Core section 3.1.2.1) by a
// redirect to the same request by GET: a cross-site POST arrives without our
// Lax cookies, the GET that follows brings them.
func (p *Provider) authorizePost(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.developerError(w, r, oauth(invalidRequest, "the form could not be read: at most 64 KiB of application/x-www-form-urlencoded"), "", "")
		return
	}
	if len(r.URL.RawQuery) > 0 {
		p.developerError(w, r, oauth(invalidRequest, "send the parameters in the body or in the query, not in both"), "", "")
		return
	}
	http.Redirect(w, r, "/authorize?"+r.PostForm.Encode(), http.StatusSeeOther)
}

// authorize is the authorization endpoint (RFC 6749 section 3.1, OpenID
// Connect Core section 3.1.2).
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		p.developerError(w, r, oauth(invalidRequest, "the query is not properly encoded"), "application/x-www-form-urlencoded", "")
		return
	}
	client, redirectURI, ok := p.redirectTarget(w, r, q)
	if !ok {
		return
	}
	// From here on errors can be answered to the product.
	to := answerTo{redirectURI: redirectURI, mode: q.Get("response_mode"), state: q.Get("state")}
	in, err := p.Sessions.Current(r, client.ID)
	if err != nil {
		p.refuse(w, r, to, err)
		return
	}
	params, silent, err := p.params(r, client, redirectURI, q, in)
	if err != nil {
		p.refuse(w, r, to, err)
		return
	}
	asked := session.Asked{Client: client, Params: params, Session: in != nil, Silent: silent}
	if in != nil && (params.Subject == "" || params.Subject == in.User.ID) {
		asked.Person = in
		if !params.SignInAnew {
			if asked.Proofs, err = session.Decode(in.Session.Proofs); err != nil {
				p.refuse(w, r, to, err)
				return
			}
		}
	}
	facts, err := p.Sessions.Facts(r.Context(), asked)
	if err != nil {
		p.refuse(w, r, to, err)
		return
	}
	decision := policy.Decide(facts)
	switch {
	case decision.Do == policy.Pass:
		p.issue(w, r, asked, facts, in, nil)
	case silent:
		p.refuse(w, r, to, silentError(decision))
	default:
		p.toLogin(w, r, client, params, in)
	}
}

// redirectTarget finds the client and checks the redirect URI. Until both are
// right an error is shown to whoever sits there, and nobody is redirected.
func (p *Provider) redirectTarget(w http.ResponseWriter, r *http.Request, q url.Values) (*storage.Client, string, bool) {
	for _, name := range []string{"client_id", "redirect_uri"} {
		if n := len(q[name]); n != 1 || q.Get(name) == "" {
			p.developerError(w, r, oauth(invalidRequest, "%s must be sent exactly once", name), "one "+name, map[bool]string{true: "none", false: "several"}[n < 2])
			return nil, "", false
		}
	}
	client, err := p.DB.Client(r.Context(), q.Get("client_id"))
	switch {
	case errors.Is(err, storage.ErrNotFound):
		p.developerError(w, r, oauth(invalidClient, "no product is registered under this client_id"), "a registered client_id", q.Get("client_id"))
		return nil, "", false
	case err != nil:
		p.developerError(w, r, p.asOAuth(r.Context(), err), "", "")
		return nil, "", false
	}
	if session.MachineOnly(client) {
		p.developerError(w, r, oauth(unauthorizedClient, "%s acts for itself: nobody signs in to it", client.ID), "a product registered for authorization_code", client.ID)
		return nil, "", false
	}
	uri := q.Get("redirect_uri")
	if !redirectAllowed(client, uri) {
		p.developerError(w, r, oauth(invalidRequest, "redirect_uri is not registered for %s; it is compared character by character", client.ID),
			strings.Join(client.RedirectURIs, "  "), uri)
		return nil, "", false
	}
	return client, uri, true
}

// redirectAllowed compares the raw strings; for a native client's loopback
// address the port alone may differ (RFC 8252 section 7.3).
func redirectAllowed(c *storage.Client, uri string) bool {
	if slices.Contains(c.RedirectURIs, uri) {
		return true
	}
	if !c.Native {
		return false
	}
	for _, registered := range c.RedirectURIs {
		for _, host := range []string{"http://127.0.0.1", "http://[::1]"} {
			rest, ok := strings.CutPrefix(registered, host)
			if !ok {
				continue
			}
			asked, ok := strings.CutPrefix(uri, host)
			if ok && withoutPort(asked) == withoutPort(rest) {
				return true
			}
		}
	}
	return false
}

// withoutPort removes ":digits" from the front of what follows the host.
func withoutPort(rest string) string {
	after, ok := strings.CutPrefix(rest, ":")
	if !ok {
		return rest
	}
	trimmed := strings.TrimLeft(after, "0123456789")
	if n := len(after) - len(trimmed); n == 0 || n > 5 || trimmed != "" && trimmed[0] != '/' && trimmed[0] != '?' {
		return rest
	}
	return trimmed
}

// toLogin keeps the request, binds it to this browser, and leads to login.
func (p *Provider) toLogin(w http.ResponseWriter, r *http.Request, client *storage.Client, params session.Params, in *storage.SignedIn) {
	now := p.Now()
	kept, err := json.Marshal(params)
	a := storage.AuthRequest{
		ID: storage.NewID(), BrowserHash: storage.Hash(p.Sessions.Browser(w, r)), ClientID: client.ID, Params: kept,
		CreatedAt: now, ExpiresAt: now.Add(requestLifetime),
	}
	if params.SignInAnew || in != nil && params.Subject != "" && params.Subject != in.User.ID {
		a.Stamps.SignInSince = now // whose session runs here doesn't answer this
	}
	if in != nil && (params.Subject == "" || params.Subject == in.User.ID) {
		a.UserID = in.User.ID
	}
	if err == nil {
		err = p.DB.Write(r.Context(), func(tx *storage.Tx) error { return tx.InsertAuthRequest(r.Context(), a) })
	}
	if err != nil {
		p.refuse(w, r, answerTo{redirectURI: params.RedirectURI, mode: params.ResponseMode, state: params.State}, err)
		return
	}
	http.Redirect(w, r, "/login?r="+url.QueryEscape(a.ID), http.StatusSeeOther)
}

// silentError is what prompt=none gets instead of a page (OpenID Connect Core
// section 3.1.2.6).
func silentError(d policy.Decision) *oauthError {
	switch d.Do {
	case policy.Consent:
		return oauth(consentRequired, "the person must be asked for consent")
	case policy.ChooseAccount:
		return oauth(accountSelectionNeeded, "the person must choose an account")
	case policy.Enrol, policy.Confirm:
		return oauth(interactionRequired, "%s", d.Reason)
	case policy.Refuse:
		return refusal(d)
	}
	return oauth(loginRequired, "%s", d.Reason)
}

// refusal is what a refused sign-in tells the product.
func refusal(d policy.Decision) *oauthError {
	if d.Reason.Code == policy.Unmet {
		return decided(unmetRequirements, d.Reason)
	}
	return decided(accessDenied, d.Reason)
}

// exceeded says whether more than maxAge has passed since t.
func exceeded(t time.Time, maxAge time.Duration, now time.Time) bool {
	return !t.Add(maxAge).After(now)
}
