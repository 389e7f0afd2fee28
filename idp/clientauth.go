package idp

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport-id/sallyport/storage"
)

// authentication is a method of client authentication: what a client sends by
// it, which algorithms sign that, and what checks it.
type authentication struct {
	method string
	sends  sent
	algs   []jose.SignatureAlgorithm
	check  func(*Provider, context.Context, *storage.Client, *credentials) error
}

// sent is where a request has its credentials.
type sent string

const (
	nothing   sent = "only its client_id"
	inHeader  sent = "a secret in the Authorization header"
	inForm    sent = "client_secret in the form"
	assertion sent = "client_assertion"
)

// authentications are all methods (RFC 7591 section 2, OpenID Connect Core
// section 9, RFC 8705 section 2).
var authentications = []authentication{
	{storage.ClientSecretBasic, inHeader, nil, (*Provider).checkSecret},
	{storage.ClientSecretPost, inForm, nil, (*Provider).checkSecret},
	{storage.ClientSecretJWT, assertion, symmetric, (*Provider).checkAssertion},
	{storage.PrivateKeyJWT, assertion, asymmetric, (*Provider).checkAssertion},
	{storage.TLSClientAuth, nothing, nil, (*Provider).checkIssuedCertificate},
	{storage.SelfSignedTLS, nothing, nil, (*Provider).checkOwnCertificate},
	{storage.AuthNone, nothing, nil, func(*Provider, context.Context, *storage.Client, *credentials) error { return nil }},
}

// authMethods are those served: certificates only where they come.
func (p *Provider) authMethods() (methods []string) {
	for _, a := range authentications {
		if a.method == storage.TLSClientAuth && (p.MTLS == nil || p.MTLS.Roots == nil) || a.method == storage.SelfSignedTLS && p.MTLS == nil {
			continue
		}
		methods = append(methods, a.method)
	}
	return methods
}

// credentials are what a client sends to say who it is.
type credentials struct {
	sent     sent
	clientID string
	// secret is a secret or a client assertion.
	secret  string
	request *http.Request
	algs    []jose.SignatureAlgorithm
}

// authenticate finds out who is calling (RFC 6749 section 2.3): by the method
// the client is registered for, and no other.
func (p *Provider) authenticate(r *http.Request) (*storage.Client, error) {
	cred, err := credentialsOf(r)
	if err != nil {
		return nil, err
	}
	client, err := p.DB.Client(r.Context(), cred.clientID)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, wrongClient("unknown client " + cred.clientID)
	case err != nil:
		return nil, err
	case client.Internal:
		return nil, wrongClient("internal client " + client.ID)
	}
	n := slices.IndexFunc(authentications, func(a authentication) bool { return a.method == client.AuthMethod })
	if n < 0 || authentications[n].sends != cred.sent {
		return nil, wrongClient(fmt.Sprintf("%s sent %s but is registered for %s", client.ID, cred.sent, client.AuthMethod))
	}
	cred.algs = authentications[n].algs
	if err := authentications[n].check(p, r.Context(), client, cred); err != nil {
		return nil, err
	}
	return client, nil
}

// credentialsOf reads how a client authenticates: by one way alone.
func credentialsOf(r *http.Request) (*credentials, error) {
	form := r.PostForm
	c := &credentials{sent: nothing, clientID: form.Get("client_id"), request: r}
	ways := 0
	for _, way := range []struct {
		sent sent
		by   bool
		read func(*credentials) error
	}{
		{inHeader, r.Header.Get("Authorization") != "", (*credentials).fromHeader},
		{inForm, form.Get("client_secret") != "", (*credentials).fromForm},
		{assertion, form.Has("client_assertion") || form.Has("client_assertion_type"), (*credentials).fromAssertion},
	} {
		if !way.by {
			continue
		}
		if ways++; ways > 1 {
			return nil, oauth(invalidRequest, "authenticate once: by %s or by %s, not by both", c.sent, way.sent)
		}
		c.sent = way.sent
		if err := way.read(c); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// fromHeader reads HTTP Basic; the id and the secret are form-encoded first
// (RFC 6749 section 2.3.1).
func (c *credentials) fromHeader() error {
	user, password, ok := c.request.BasicAuth()
	id, errID := url.QueryUnescape(user)
	secret, errSecret := url.QueryUnescape(password)
	if !ok || errID != nil || errSecret != nil || secret == "" {
		return wrongClient("the Authorization header is no HTTP Basic with form-encoded id and secret")
	}
	if c.clientID != "" && c.clientID != id {
		return oauth(invalidRequest, "client_id is not the one of the Authorization header")
	}
	c.clientID, c.secret = id, secret
	return nil
}

func (c *credentials) fromForm() error {
	c.secret = c.request.PostForm.Get("client_secret")
	return nil
}

// checkSecret compares with the secret and, until its end, with the one before,
// in the same time whichever it is. Secrets are random, so SHA-256 of one says
// enough and costs nothing.
func (p *Provider) checkSecret(_ context.Context, c *storage.Client, cred *credentials) error {
	if !isSecret(c, cred.secret, p.Now()) {
		return wrongClient("wrong secret for " + c.ID)
	}
	return nil
}

func isSecret(c *storage.Client, secret string, now time.Time) bool {
	hash := []byte(storage.Hash(secret))
	is := subtle.ConstantTimeCompare(hash, []byte(c.SecretHash))
	was := subtle.ConstantTimeCompare(hash, []byte(c.OldSecretHash))
	if !c.OldSecretUntil.After(now) {
		was = 0
	}
	return is|was == 1
}

// authenticateClient is what 401 answers ask for.
const authenticateClient = `Basic realm="sallyport", charset="UTF-8"`

func wrongClient(cause string) *oauthError {
	return refusedClient("check client_id, the credentials, and that the registered method is used", errors.New(cause))
}

// refusedClient refuses a client that could not show who it is; hint says what
// to look at, and the same whatever was wrong.
func refusedClient(hint string, cause error) *oauthError {
	return &oauthError{code: invalidClient, description: "client authentication failed: " + hint,
		status: http.StatusUnauthorized, challenge: authenticateClient, cause: cause}
}
