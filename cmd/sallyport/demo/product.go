// Package demo holds what a person sees beside the provider in `sallyport
// demo`: two products that sign people in with OpenID Connect, and an inbox for
// the mail and text messages the provider sends.
//
// The products are honest relying parties. They use the public libraries
// coreos/go-oidc and x/oauth2, learn everything from the discovery document and
// from verified tokens, and import nothing of the provider but idp/stepup, which
// is for products: what works here works for anybody's product. They show what a developer of a product has to
// do: keep state, nonce and the PKCE verifier on the server, check the issuer
// of the answer (RFC 9207), read acr from the ID token instead of trusting that
// asking for it was enough, and end sessions on a back-channel logout.
//
// They keep everything in memory and forget it when the process ends. They are
// for showing and testing, not for production.
package demo

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Paths that are registered with the provider for each product; each is
// appended to the product's BaseURL.
const (
	// CallbackPath is the redirect URI.
	CallbackPath = "/callback"
	// BackchannelLogoutPath is the back-channel logout URI.
	BackchannelLogoutPath = "/backchannel-logout"
	// SignedOutPath is the post-logout redirect URI.
	SignedOutPath = "/"
)

// RemoteOperator is the role, in the roles claim, of those who may start remote
// sessions.
const RemoteOperator = "remote-operator"

// Product is what a relying party must know to be one.
type Product struct {
	// Issuer is the provider's issuer, exactly as its discovery document has it.
	Issuer string
	// ClientID is the product's id at the provider.
	ClientID string
	// ClientSecret is sent by HTTP Basic authentication. Empty makes the
	// product a public client, which has PKCE alone.
	ClientSecret string
	// BaseURL is the product's own address, without a trailing slash.
	BaseURL string

	// OtherURL is the address of the other demo product, to link to. Empty: no link.
	OtherURL string
	// InboxURL is the address of the inbox, to link to. Empty: no link.
	InboxURL string

	// Clock tells the time. Nil means time.Now.
	Clock func() time.Time
	// Log receives sign-ins, sign-outs and refusals, never a token. Nil: none.
	Log *slog.Logger
	// HTTP talks to the provider. Nil means a client with a 10 s limit.
	HTTP *http.Client
}

// withDefaults fills what may be left out.
func (p Product) withDefaults() Product {
	p.BaseURL = strings.TrimSuffix(p.BaseURL, "/")
	if p.Clock == nil {
		p.Clock = time.Now
	}
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	if p.HTTP == nil {
		p.HTTP = &http.Client{Timeout: 10 * time.Second}
	}
	return p
}

// secure says whether cookies can be confined to https.
func (p Product) secure() bool { return strings.HasPrefix(p.BaseURL, "https://") }

// origin is scheme, host and port of an address, or "" if it has none.
func origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
