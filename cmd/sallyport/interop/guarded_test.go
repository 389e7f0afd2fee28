package interop

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/sallyport-id/sallyport/cmd/sallyport/interop/guarded"
	"github.com/sallyport-id/sallyport/cmd/sallyport/interop/relyingparty"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/idp/stepup"
)

// oneVisitor is a product with one session, which signs in by coreos/go-oidc.
type oneVisitor struct {
	rp     *relyingparty.Sallyport
	claims *stepup.Claims
	kept   relyingparty.Kept
}

func (o *oneVisitor) Claims(*http.Request) (stepup.Claims, bool) {
	if o.claims == nil {
		return stepup.Claims{}, false
	}
	return *o.claims, true
}

func (o *oneVisitor) SignIn(w http.ResponseWriter, r *http.Request, more url.Values) {
	var options []oauth2.AuthCodeOption
	for name := range more {
		options = append(options, oauth2.SetAuthURLParam(name, more.Get(name)))
	}
	var to string
	to, o.kept = o.rp.Begin(options...)
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// finish keeps what the ID token says, and returns the access token.
func (o *oneVisitor) finish(t *testing.T, answer url.Values) string {
	t.Helper()
	token, _, err := o.rp.Finish(t.Context(), answer, o.kept)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(servertest.Claims(t, token.Extra("id_token").(string))) // Finish has verified it
	if err == nil {
		err = json.Unmarshal(b, &o.claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	return token.AccessToken
}

// guarded serves the product of a story behind its two doors.
func (s story) guarded(t *testing.T, p guarded.Product) string {
	t.Helper()
	v := &stepup.Verifier{Issuer: s.Issuer, Audience: []string{s.ClientID}, ClientID: s.ClientID, ClientSecret: s.ClientSecret}
	return servertest.Serve(t, guarded.Handler(p, v, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
	})))
}

// Go, with stepup beside coreos/go-oidc: a page and an API.
func TestGoStepsUp(t *testing.T) {
	s := begin(t, "ES256")
	rp, err := relyingparty.Connect(t.Context(), s.Issuer, s.ClientID, s.ClientSecret, s.RedirectURI)
	if err != nil {
		t.Fatal(err)
	}
	product := &oneVisitor{rp: rp}
	site := s.guarded(t, product)
	send := func(path, token string) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, site+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	const page, call = "/machines/reception/start", "/api/machines/reception/sessions"

	ana := servertest.NewPerson(t, s.Product)
	to, kept := rp.Begin()
	product.kept = kept
	ana.Go(to).Submit(map[string]string{"username": s.Email, "password": s.Password})
	weak := product.finish(t, ana.URL.Query())

	// The page leads to the code and, after it, does what it was asked.
	refused := send(page, "")
	if refused.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d", refused.StatusCode)
	}
	ana.Go(refused.Header.Get("Location")).Submit(map[string]string{"code": s.Code})
	strong := product.finish(t, ana.URL.Query())
	if err := guarded.Need.Check(*product.claims, time.Now()); err != nil {
		t.Error(err)
	}
	if resp := send(page, ""); resp.StatusCode != http.StatusCreated {
		t.Errorf("the page, after the code: %d", resp.StatusCode)
	}

	// The API takes the new token, and not the old one, though they are of one session.
	if resp := send(call, strong); resp.StatusCode != http.StatusCreated {
		t.Errorf("the API: %d %v", resp.StatusCode, resp.Header)
	}
	challenge, _ := stepup.ParseChallenge(send(call, weak).Header)
	ask, ok := challenge.StepUp()
	if want := guarded.Need.Wish(); !ok || ask.Encode() != want.Encode() {
		t.Errorf("the API asks for %v, not %v", ask, want)
	}
}
