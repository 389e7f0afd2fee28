// Package idp is the protocol: an OpenID Provider whose authorization endpoint
// leads through login by redirects alone.
//
// zitadel/oidc decodes the requests of the token, introspection, revocation
// and userinfo endpoints and encodes their answers; everything that decides
// something is here. op.Storage, op.LegacyServer and op.Provider are not used:
// docs/decisions/0001 says why.
package idp

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/zitadel/oidc/v3/pkg/op"

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
	// Outbound delivers back-channel logouts; see NewOutbound.
	Outbound *http.Client

	keys keyring
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
	// The library's own routes; see its traps in docs/decisions/0001.
	library := op.RegisterServer(server{Provider: p}, op.Endpoints{
		Token:         op.NewEndpoint("/token"),
		Introspection: op.NewEndpoint("/introspect"),
		Userinfo:      op.NewEndpoint("/userinfo"),
		Revocation:    op.NewEndpoint("/revoke"),
	}, op.WithServerCORSOptions(nil))

	r := chi.NewRouter()
	r.Use(limitBody)
	r.Get("/authorize", p.authorize)
	r.Post("/authorize", p.authorizePost)
	r.Get("/authorize/continue", p.answer)
	r.Get("/logout", p.endSession)
	r.Post("/logout", p.endSession)
	r.Group(func(r chi.Router) {
		r.Use(anyOrigin)
		r.Get("/.well-known/openid-configuration", discovery)
		r.Get("/keys", p.serveKeys)
	})
	r.Group(func(r chi.Router) {
		r.Use(noStore, p.registeredOrigins)
		r.Method(http.MethodOptions, "/token", http.HandlerFunc(noContent))
		r.Method(http.MethodOptions, "/userinfo", http.HandlerFunc(noContent))
		r.With(p.strictForm).Handle("/token", library)
		r.With(p.strictForm).Handle("/introspect", library)
		r.With(p.strictForm).Handle("/revoke", library)
		r.With(p.strictUserinfo).Get("/userinfo", library.ServeHTTP)
		r.With(p.strictUserinfo).Post("/userinfo", library.ServeHTTP)
	})
	return r, nil
}

func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

func noStore(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func noContent(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

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
