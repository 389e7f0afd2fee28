package demo

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// relyingParty is the half of a product that talks to the provider: discovery,
// the way there and back, sign-out, and back-channel logout. What a product
// does with a signed-in person is its own business, given as two functions.
type relyingParty struct {
	Product
	pages    *pages
	cookie   string // its own name for each product: the ports of a host share one cookie jar
	browsers *browsers
	seenJTI  *replayGuard

	// arrived answers the request that brought a person back signed in; goal is
	// what begin was given.
	arrived func(w http.ResponseWriter, r *http.Request, v visitor, goal string) error
	// retry is the form action that tries for a goal again.
	retry func(goal string) string
	// ended is told that sessions are over. Nil: nobody needs to know.
	ended func(over ending)

	mu       sync.Mutex
	provider *provider // nil until discovered
}

// provider is what discovery taught.
type provider struct {
	*oidc.Provider
	verifier *oidc.IDTokenVerifier
	oauth    oauth2.Config
	metadata struct {
		EndSession      string `json:"end_session_endpoint"`
		IssuerInAnswers bool   `json:"authorization_response_iss_parameter_supported"`
	}
}

// ending says which sessions are over: everything of one browser, or whatever
// matches what the provider said.
type ending struct {
	owners []string
	match  func(subject, sid string) bool
}

func newRelyingParty(p Product, name, theme, cookie string) *relyingParty {
	p = p.withDefaults()
	return &relyingParty{
		Product:  p,
		pages:    newPages(p, name, theme),
		cookie:   cookie,
		browsers: newBrowsers(p.Clock),
		seenJTI:  newReplayGuard(p.Clock),
	}
}

// routes adds what every product has: the protocol's endpoints, the claims
// page, and the question a page asks to notice that it was signed out.
func (rp *relyingParty) routes(mux *http.ServeMux) {
	mux.Handle("GET /login", rp.page(rp.login))
	mux.Handle("GET "+CallbackPath, rp.page(rp.callback))
	mux.Handle("POST /logout", rp.page(rp.logout))
	mux.HandleFunc("POST "+BackchannelLogoutPath, rp.backchannelLogout)
	mux.Handle("GET /claims", rp.page(rp.claims))
	mux.HandleFunc("GET /status.json", rp.status)
	mux.Handle("GET /static/", rp.pages.static())
	mux.Handle("/", rp.page(func(http.ResponseWriter, *http.Request) error {
		return &problem{Status: http.StatusNotFound, Title: "There is no such page", Words: "The address may be mistyped, or the page is gone."}
	}))
}

// discover fetches the provider's metadata once; a failure is tried again at
// the next request, because the provider may still be starting.
func (rp *relyingParty) discover(ctx context.Context) (*provider, error) {
	rp.mu.Lock()
	defer rp.mu.Unlock()
	if rp.provider != nil {
		return rp.provider, nil
	}
	found, err := oidc.NewProvider(rp.client(ctx), rp.Issuer)
	if err != nil {
		return nil, &problem{
			Status: http.StatusBadGateway, Title: "Sallyport doesn't answer",
			Words: "This product couldn't reach the sign-in service. It may still be starting.",
			cause: fmt.Errorf("discover %s: %w", rp.Issuer, err),
		}
	}
	p := &provider{
		Provider: found,
		verifier: found.Verifier(&oidc.Config{ClientID: rp.ClientID, Now: rp.Clock}),
		oauth: oauth2.Config{
			ClientID: rp.ClientID, ClientSecret: rp.ClientSecret, Endpoint: found.Endpoint(),
			RedirectURL: rp.BaseURL + CallbackPath,
			Scopes:      []string{oidc.ScopeOpenID, "profile", "email", "roles"},
		},
	}
	if err := found.Claims(&p.metadata); err != nil {
		return nil, fmt.Errorf("provider metadata: %w", err)
	}
	// Said outright: finding it out by trial would present a refused code twice.
	p.oauth.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if rp.ClientSecret == "" {
		p.oauth.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	rp.provider = p
	rp.pages.allowForms(p.oauth.Endpoint.AuthURL, p.metadata.EndSession)
	return p, nil
}

func (rp *relyingParty) client(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, rp.HTTP)
}

// login sends a person to sign in, with nothing else in mind.
func (rp *relyingParty) login(w http.ResponseWriter, r *http.Request) error {
	return rp.begin(w, r, "", nil)
}

// begin sends the browser to the provider. goal is handed to arrived when it
// comes back; ask is added to the authorization request.
func (rp *relyingParty) begin(w http.ResponseWriter, r *http.Request, goal string, ask url.Values) error {
	p, err := rp.discover(r.Context())
	if err != nil {
		return err
	}
	state, a := rand.Text(), attempt{nonce: rand.Text(), verifier: oauth2.GenerateVerifier(), goal: goal}
	rp.setCookie(w, rp.browsers.begin(rp.key(r), state, a))
	options := []oauth2.AuthCodeOption{oidc.Nonce(a.nonce), oauth2.S256ChallengeOption(a.verifier)}
	for name := range ask {
		options = append(options, oauth2.SetAuthURLParam(name, ask.Get(name)))
	}
	http.Redirect(w, r, p.oauth.AuthCodeURL(state, options...), http.StatusSeeOther)
	return nil
}

// callback is where the provider sends the browser back to.
func (rp *relyingParty) callback(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	for _, name := range []string{"state", "code", "iss", "error"} {
		if len(q[name]) > 1 { // RFC 6749, 3.1: a parameter must not be there twice
			return rp.badAnswer("", fmt.Errorf("parameter %s came %d times", name, len(q[name])))
		}
	}
	key := rp.key(r)
	a, ok := rp.browsers.take(key, q.Get("state"))
	if !ok {
		return &problem{
			Status: http.StatusBadRequest, Title: "This sign-in can't be continued", SignIn: true,
			Words: "It was started in another browser, was already used, or took too long. Nothing is lost: start again.",
			cause: errors.New("callback with a state that this browser isn't waiting for"),
		}
	}
	p, err := rp.discover(r.Context())
	if err != nil {
		return err
	}
	// RFC 9207, 2.4: before anything else in the answer is believed.
	if iss, given := q.Get("iss"), q.Has("iss"); (given || p.metadata.IssuerInAnswers) && iss != rp.Issuer {
		return rp.badAnswer(a.goal, fmt.Errorf("answer with iss %q, expected %q", iss, rp.Issuer))
	}
	if code := q.Get("error"); code != "" {
		return rp.oauthProblem(a.goal, code, q.Get("error_description"))
	}
	s, err := rp.redeem(r.Context(), p, q.Get("code"), a)
	if err != nil {
		return err
	}
	newKey, before := rp.browsers.signIn(key, s)
	rp.setCookie(w, newKey)
	v := rp.browsers.visitor(newKey)
	if before != nil && before.Subject != s.Subject && rp.ended != nil {
		rp.ended(ending{owners: []string{v.Owner}}) // somebody else sits here now
	}
	rp.Log.InfoContext(r.Context(), "signed in", "product", rp.ClientID, "subject", s.Subject, "acr", s.ACR)
	return asSeenBy(v, rp.arrived(w, r, v, a.goal))
}

// redeem exchanges the code and verifies what came for it.
func (rp *relyingParty) redeem(ctx context.Context, p *provider, code string, a attempt) (*session, error) {
	ctx = rp.client(ctx)
	tokens, err := p.oauth.Exchange(ctx, code, oauth2.VerifierOption(a.verifier))
	if err != nil {
		var refused *oauth2.RetrieveError
		if errors.As(err, &refused) && refused.ErrorCode != "" {
			told := rp.oauthProblem(a.goal, refused.ErrorCode, refused.ErrorDescription)
			told.cause = fmt.Errorf("exchange code: %w", err)
			return nil, told
		}
		return nil, rp.badAnswer(a.goal, fmt.Errorf("exchange code: %w", err))
	}
	raw, _ := tokens.Extra("id_token").(string)
	token, err := p.verifier.Verify(ctx, raw)
	if err != nil {
		return nil, rp.badAnswer(a.goal, fmt.Errorf("ID token: %w", err))
	}
	var claims json.RawMessage
	if err := token.Claims(&claims); err != nil {
		return nil, rp.badAnswer(a.goal, err)
	}
	if err := rp.checkToken(token, claims, a.nonce, tokens.AccessToken); err != nil {
		return nil, rp.badAnswer(a.goal, fmt.Errorf("ID token: %w", err))
	}
	userInfo, err := rp.userInfo(ctx, p, tokens, token.Subject)
	if err != nil {
		return nil, rp.badAnswer(a.goal, err)
	}
	s, err := newSession(token.Subject, raw, claims, userInfo, rp.Clock())
	if err != nil {
		return nil, rp.badAnswer(a.goal, err)
	}
	return s, nil
}

// checkToken does what OpenID Connect Core 3.1.3.7 leaves to the product after
// signature, issuer, audience and expiry.
func (rp *relyingParty) checkToken(token *oidc.IDToken, claims json.RawMessage, nonce, accessToken string) error {
	var c claimSet
	if err := json.Unmarshal(claims, &c); err != nil {
		return err
	}
	switch {
	case token.Subject == "":
		return errors.New("no sub")
	case subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(nonce)) != 1:
		return errors.New("nonce is not the one that was sent")
	case c.AuthorizedParty != "" && c.AuthorizedParty != rp.ClientID:
		return fmt.Errorf("authorized party is %q", c.AuthorizedParty)
	case len(token.Audience) > 1 && c.AuthorizedParty == "":
		return errors.New("several audiences and no azp")
	case token.AccessTokenHash != "":
		return token.VerifyAccessToken(accessToken)
	}
	return nil
}

// userInfo asks for the claims that needn't be in the token. A provider that
// has no such endpoint, or fails there, costs only a friendly name; one that
// answers about somebody else is refused (OpenID Connect Core 5.3.2).
func (rp *relyingParty) userInfo(ctx context.Context, p *provider, tokens *oauth2.Token, subject string) (json.RawMessage, error) {
	if p.UserInfoEndpoint() == "" {
		return nil, nil
	}
	info, err := p.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
	if err != nil {
		rp.Log.WarnContext(ctx, "UserInfo not read", "product", rp.ClientID, "error", err)
		return nil, nil
	}
	if info.Subject != subject {
		return nil, errors.New("UserInfo is about another subject")
	}
	var claims json.RawMessage
	if err := info.Claims(&claims); err != nil {
		return nil, err
	}
	return claims, nil
}

// logout ends the session here first, so that it is over whatever the provider
// says, and then asks the provider to end its own (RP-Initiated Logout 1.0).
func (rp *relyingParty) logout(w http.ResponseWriter, r *http.Request) error {
	v, err := rp.form(w, r)
	if err != nil {
		return err
	}
	if v.Session == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	state := rand.Text()
	rp.browsers.signOut(rp.key(r), state)
	if rp.ended != nil {
		rp.ended(ending{owners: []string{v.Owner}})
	}
	rp.Log.InfoContext(r.Context(), "signed out", "product", rp.ClientID, "subject", v.Session.Subject)
	p, err := rp.discover(r.Context())
	if err != nil {
		return err
	}
	target, err := url.Parse(p.metadata.EndSession)
	if err != nil || p.metadata.EndSession == "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	q := target.Query()
	q.Set("id_token_hint", v.Session.rawToken)
	q.Set("client_id", rp.ClientID)
	q.Set("post_logout_redirect_uri", rp.BaseURL+SignedOutPath)
	q.Set("state", state)
	target.RawQuery = q.Encode()
	http.Redirect(w, r, target.String(), http.StatusSeeOther)
	return nil
}

// cameBack answers a return from the provider's sign-out, which lands on the
// product's first page with a state, and says whether it did.
func (rp *relyingParty) cameBack(w http.ResponseWriter, r *http.Request) bool {
	if !r.URL.Query().Has("state") {
		return false
	}
	rp.browsers.returned(rp.key(r), r.URL.Query().Get("state"))
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return true
}

// claims shows what the provider said about the person and the sign-in.
func (rp *relyingParty) claims(w http.ResponseWriter, r *http.Request) error {
	v := rp.visitor(r)
	if v.Session == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	return rp.pages.render(w, "claims", http.StatusOK, view{Title: "What Sallyport said", Visitor: v})
}

// status lets a page notice that its session is over, or that there is one again.
func (rp *relyingParty) status(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]bool{"signed_in": rp.visitor(r).Session != nil})
}

// visitor is who sent a request.
func (rp *relyingParty) visitor(r *http.Request) visitor { return rp.browsers.visitor(rp.key(r)) }

// form reads a posted form and refuses it unless a page of this product, shown
// to this browser, sent it.
func (rp *relyingParty) form(w http.ResponseWriter, r *http.Request) (visitor, error) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	v := rp.visitor(r)
	token := r.PostFormValue("form_token")
	if v.FormToken == "" || subtle.ConstantTimeCompare([]byte(token), []byte(v.FormToken)) != 1 {
		return v, &problem{
			Status: http.StatusForbidden, Title: "That page was too old",
			Words: "Go back to the first page and try once more.",
			cause: errors.New("form token missing or wrong"),
		}
	}
	return v, nil
}

// key is the value of the product's cookie, "" if there is none.
func (rp *relyingParty) key(r *http.Request) string {
	c, err := r.Cookie(rp.cookie)
	if err != nil {
		return ""
	}
	return c.Value
}

func (rp *relyingParty) setCookie(w http.ResponseWriter, key string) {
	http.SetCookie(w, &http.Cookie{
		Name: rp.cookie, Value: key, Path: "/",
		HttpOnly: true, Secure: rp.secure(), SameSite: http.SameSiteLaxMode,
	})
}

// matches says whether a session is over according to an ending.
func (e ending) matches(owner, subject, sid string) bool {
	return slices.Contains(e.owners, owner) || e.match != nil && e.match(subject, sid)
}
