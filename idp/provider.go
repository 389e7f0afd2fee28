// Package idp is the protocol: an OpenID Provider whose authorization endpoint
// leads through login by redirects alone.
//
// No library stands between a request and its answer: docs/decisions/0017 says
// why. go-jose signs and verifies.
package idp

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// Lifetimes of what is given out.
const (
	codeLifetime    = time.Minute
	accessLifetime  = 5 * time.Minute
	idTokenLifetime = 5 * time.Minute
	refreshLifetime = 30 * 24 * time.Hour
	requestLifetime = 30 * time.Minute
)

// maxBody bounds the body of any request here.
const maxBody = 64 << 10

// Provider is the OpenID Provider. Its fields are set once, before Handler.
type Provider struct {
	// Issuer is static: scheme and host, without a trailing slash.
	Issuer   string
	DB       *storage.DB
	Sessions *session.Sessions
	Pages    *page.Renderer
	Now      func() time.Time
	Log      *slog.Logger
	// Outbound delivers back-channel logouts and fetches clients' keys; see
	// NewOutbound. OutboundPrivate says what NewOutbound was told.
	Outbound        *http.Client
	OutboundPrivate bool
	// MTLS says how clients' certificates come; nil: they don't.
	MTLS *MTLS
	// RequirePAR refuses authorization requests that were not pushed (RFC 9126
	// section 5), whatever their client is registered for.
	RequirePAR bool
	// DPoPNonce demands a nonce of ours in every DPoP proof (RFC 9449 section 8).
	DPoPNonce bool

	// Registration lets products register themselves (RFC 7591).
	Registration bool

	// RotateKeysEvery is how long a key signs; 0: until somebody says otherwise.
	RotateKeysEvery time.Duration

	keys       keyring
	clientKeys clientKeys
}

// Handler serves the protocol. It expects session.TrackOrigin around it.
func (p *Provider) Handler(ctx context.Context) (http.Handler, error) {
	if err := p.ensureKeys(ctx); err != nil {
		return nil, err
	}
	discovery, err := p.discovery()
	if err != nil {
		return nil, err
	}
	checkSession, err := p.checkSession()
	if err != nil {
		return nil, err
	}
	r := chi.NewRouter()
	r.Use(limitBody)
	r.Get("/authorize", p.authorize)
	r.Post("/authorize", p.authorizePost)
	r.Get("/authorize/continue", p.answer)
	r.Get("/logout", p.endSession)
	r.Post("/logout", p.endSession)
	r.Get("/session/check", checkSession)
	r.Group(func(r chi.Router) {
		r.Use(anyOrigin)
		r.Get("/.well-known/openid-configuration", discovery)
		r.Get("/.well-known/oauth-authorization-server", discovery)
		r.Get("/keys", p.serveKeys)
	})
	r.Group(func(r chi.Router) {
		r.Use(p.registeredOrigins)
		r.Handle("/token", p.endpoint(p.token))
		r.HandleFunc("/userinfo", p.userinfo)
	})
	r.Handle("/par", p.endpoint(p.push))
	r.Handle("/device_authorization", p.endpoint(p.authorizeDevice))
	r.Handle("/revoke", p.endpoint(p.revoke))
	r.Handle("/introspect", p.endpoint(p.introspectToken))
	if p.Registration {
		p.registrationRoutes(r)
	}
	return r, nil
}

func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

func scopes(s string) []string { return strings.Fields(s) }

// event starts an audit event about a person at a product.
func (p *Provider) event(ctx context.Context, name, result string, client *storage.Client, user *storage.User) storage.Event {
	from := session.OriginOf(ctx)
	e := storage.Event{At: p.Now(), Event: name, Result: result, IP: from.Addr.String(), RequestID: from.RequestID}
	if client != nil {
		e.ClientID = client.ID
	}
	if user != nil {
		e.UserID, e.OrgID = user.ID, user.OrgID
	}
	return e
}
