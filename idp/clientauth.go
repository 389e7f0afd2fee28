package idp

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/sallyport-id/sallyport/storage"
)

// authMethods are those served.
var authMethods = []string{storage.ClientSecretBasic, storage.ClientSecretPost, storage.AuthNone}

// credentials are what a client sends to say who it is, and by which method.
type credentials struct {
	method, clientID, secret string
}

// authenticate finds out who is calling (RFC 6749 section 2.3): by the method
// the client is registered for, and no other. Secrets are random, so SHA-256
// of one says enough and costs nothing.
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
	case client.AuthMethod != cred.method:
		return nil, wrongClient(client.ID + " used " + cred.method + " but is registered for " + client.AuthMethod)
	case cred.secret != "" && !isSecret(client, cred.secret, p.Now()):
		return nil, wrongClient("wrong secret for " + client.ID)
	}
	return client, nil
}

// credentialsOf reads how a client authenticates.
func credentialsOf(r *http.Request) (credentials, error) {
	form := r.PostForm
	if r.Header.Get("Authorization") == "" {
		c := credentials{method: storage.AuthNone, clientID: form.Get("client_id")}
		if form.Has("client_assertion") {
			return c, wrongClient("client_assertion is not supported")
		}
		if c.secret = form.Get("client_secret"); c.secret != "" {
			c.method = storage.ClientSecretPost
		}
		return c, nil
	}
	// The id and the secret are form-encoded first (RFC 6749 section 2.3.1).
	user, password, ok := r.BasicAuth()
	id, errID := url.QueryUnescape(user)
	secret, errSecret := url.QueryUnescape(password)
	if !ok || errID != nil || errSecret != nil || secret == "" {
		return credentials{}, wrongClient("the Authorization header is no HTTP Basic with form-encoded id and secret")
	}
	if in := form.Get("client_id"); in != "" && in != id {
		return credentials{}, oauth(invalidRequest, "client_id is not the one of the Authorization header")
	}
	if form.Has("client_secret") || form.Has("client_assertion") {
		return credentials{}, oauth(invalidRequest, "authenticate once: by the Authorization header or in the form, not by both")
	}
	return credentials{method: storage.ClientSecretBasic, clientID: id, secret: secret}, nil
}

// isSecret compares with the secret and, until its end, with the one before,
// in the same time whichever it is.
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
	return &oauthError{code: invalidClient, description: "client authentication failed: check client_id, the credentials, and that the registered method is used",
		status: http.StatusUnauthorized, challenge: authenticateClient, cause: errors.New(cause)}
}
