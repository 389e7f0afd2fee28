package idp

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

var authMethods = []oidc.AuthMethod{oidc.AuthMethodBasic, oidc.AuthMethodPost, oidc.AuthMethodNone}

// authenticate finds out who is calling (RFC 6749 section 2.3): by the method
// the client is registered for, and no other. Secrets are random, so SHA-256
// of one says enough and costs nothing.
func (p *Provider) authenticate(ctx context.Context, header http.Header, cred *op.ClientCredentials) (*storage.Client, error) {
	used := oidc.AuthMethodNone
	switch {
	case cred.ClientAssertion != "":
		return nil, wrongClient("client_assertion is not supported")
	case header.Get("Authorization") != "":
		used = oidc.AuthMethodBasic
	case cred.ClientSecret != "":
		used = oidc.AuthMethodPost
	}
	client, err := p.DB.Client(ctx, cred.ClientID)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, wrongClient("unknown client " + cred.ClientID)
	case err != nil:
		return nil, err
	case client.Internal:
		return nil, wrongClient("internal client " + client.ID)
	case client.AuthMethod != string(used):
		return nil, wrongClient(client.ID + " used " + string(used) + " but is registered for " + client.AuthMethod)
	case used != oidc.AuthMethodNone && !isSecret(client, cred.ClientSecret, p.Now()):
		return nil, wrongClient("wrong secret for " + client.ID)
	}
	return client, nil
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

// VerifyClient implements op.Server.
func (s server) VerifyClient(ctx context.Context, r *op.Request[op.ClientCredentials]) (op.Client, error) {
	c, err := s.authenticate(ctx, r.Header, r.Data)
	if err == nil && c.AuthMethod == "none" && r.Form.Get("grant_type") == session.ClientCredentials {
		err = wrongClient(c.ID + " has no secret, and can't act for itself") // the library would answer by 400
	}
	if err != nil {
		return nil, s.forLibrary(ctx, err)
	}
	return libraryClient{Client: c}, nil
}

// strictForm lets through what the token, introspection and revocation
// endpoints may be sent: a POST of a form, nothing in the query, no parameter
// twice (RFC 6749 section 3.2). The library checks none of it.
func (p *Provider) strictForm(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w = &challenger{ResponseWriter: w, challenge: authenticateClient}
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			p.jsonError(w, r, &oauthError{code: invalidRequest, description: "use POST", status: http.StatusMethodNotAllowed})
			return
		}
		if err := cmp.Or(formProblem(r), credentialsProblem(r), grantProblem(r)); err != nil {
			p.jsonError(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// credentialsProblem refuses what the library would answer by 400 instead of
// 401, or would read past: a header that is no Basic, and a second client_id.
func credentialsProblem(r *http.Request) *oauthError {
	if r.Header.Get("Authorization") == "" {
		if r.URL.Path == "/introspect" && r.PostForm.Get("client_secret") == "" && r.PostForm.Get("client_assertion") == "" {
			return wrongClient("no credentials")
		}
		return nil
	}
	user, password, ok := r.BasicAuth()
	id, err := url.QueryUnescape(user)
	if _, errPassword := url.QueryUnescape(password); !ok || err != nil || errPassword != nil || password == "" {
		return wrongClient("the Authorization header is no HTTP Basic with form-encoded id and secret")
	}
	if in := r.PostForm.Get("client_id"); in != "" && in != id {
		return oauth(invalidRequest, "client_id is not the one of the Authorization header")
	}
	return nil
}

// grantTypes are those served; the library would answer to more.
var grantTypes = []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken, oidc.GrantTypeClientCredentials}

func grantProblem(r *http.Request) *oauthError {
	if asked := r.PostForm.Get("grant_type"); r.URL.Path == "/token" && asked != "" && !slices.Contains(grantTypes, oidc.GrantType(asked)) {
		return oauth(unsupportedGrantType, "grant_type must be one of %s, %s, %s", grantTypes[0], grantTypes[1], grantTypes[2])
	}
	return nil
}

func formProblem(r *http.Request) *oauthError {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/x-www-form-urlencoded" {
		return oauth(invalidRequest, "send application/x-www-form-urlencoded")
	}
	if r.URL.RawQuery != "" {
		return oauth(invalidRequest, "send parameters in the body, not in the query")
	}
	if err := r.ParseForm(); err != nil {
		return &oauthError{code: invalidRequest, description: "the body could not be read: at most 64 KiB of a well-formed form", cause: err}
	}
	for name, values := range r.PostForm {
		if len(values) > 1 {
			return oauth(invalidRequest, "%s is sent more than once", descriptionText(name))
		}
	}
	return nil
}

// strictUserinfo lets through what the userinfo endpoint may be sent: the
// token in the header or in a form, never in the query (RFC 6750 section 2).
func (p *Provider) strictUserinfo(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ask := &challenger{ResponseWriter: w, challenge: `Bearer realm="sallyport"`}
		w = ask
		header := strings.HasPrefix(strings.ToLower(r.Header.Get("Authorization")), "bearer ")
		switch {
		case r.URL.Query().Has("access_token"):
			p.jsonError(w, r, oauth(invalidRequest, "send the access token in the Authorization header"))
			return
		case header && r.PostFormValue("access_token") != "":
			p.jsonError(w, r, oauth(invalidRequest, "send the access token once"))
			return
		case r.Method == http.MethodPost && !header:
			if err := formProblem(r); err != nil {
				p.jsonError(w, r, err)
				return
			}
		}
		if header || r.PostForm.Get("access_token") != "" { // else there is no token to say something about (RFC 6750 section 3.1)
			ask.challenge += `, error="invalid_token"`
		}
		next.ServeHTTP(w, r)
	})
}

// challenger adds WWW-Authenticate to 401 answers (RFC 9110 section 11.6.1),
// which the library leaves out.
type challenger struct {
	http.ResponseWriter
	challenge string
}

func (c *challenger) WriteHeader(status int) {
	if status == http.StatusUnauthorized {
		c.Header().Set("WWW-Authenticate", c.challenge)
	}
	c.ResponseWriter.WriteHeader(status)
}

func (p *Provider) jsonError(w http.ResponseWriter, r *http.Request, e *oauthError) {
	op.WriteError(w, r, p.forLibrary(r.Context(), e), nil)
}

// anyOrigin lets scripts of any site read what is public.
func anyOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		next.ServeHTTP(w, r)
	})
}

// registeredOrigins lets scripts call the token and userinfo endpoints from
// the origins of registered redirect URIs, without cookies.
func (p *Provider) registeredOrigins(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from := r.Header.Get("Origin")
		if from != "" && (r.URL.Path == "/token" || r.URL.Path == "/userinfo") {
			w.Header().Add("Vary", "Origin")
			if p.knownOrigin(r.Context(), from) {
				w.Header().Set("Access-Control-Allow-Origin", from)
				w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
				w.Header().Set("Access-Control-Allow-Methods", "GET, POST")
				w.Header().Set("Access-Control-Max-Age", "600")
			}
		}
		next.ServeHTTP(w, r)
	})
}

func (p *Provider) knownOrigin(ctx context.Context, from string) bool {
	clients, err := p.DB.Clients(ctx)
	if err != nil {
		p.Log.ErrorContext(ctx, "read products", "error", err)
		return false
	}
	for _, c := range clients {
		if slices.Contains(c.Origins, from) {
			return true
		}
	}
	return false
}
