package page

import (
	"strings"
	"time"
)

// ConsoleProduct shows a product to the operator. Beside it are
// /console/products/ID/edit, …/ID/delete (both pages), and the form that posts
// to …/ID/secret with overlap=0, 24 or 168: for how many hours the secret
// before is good besides the new one.
type ConsoleProduct struct {
	Console
	// ID is the client id.
	ID, Name string
	Type     ProductType
	// Secret is shown once, after it was made; empty otherwise.
	Secret string
	// SecretMade is when the secret was made; zero where there is none, or that
	// isn't known. OldSecretUntil is until when the one before is good too.
	SecretMade, OldSecretUntil time.Time

	AuthMethod, IDTokenAlg               string
	PKCEOptional, FirstParty             bool
	RedirectURIs, PostLogoutRedirectURIs []string
	BackchannelLogoutURI                 string
	GrantTypes, Scopes                   []string
	// Protocol are the settings that only some products need; its JWKS says in a
	// line what keys there are.
	Protocol            ProductProtocol
	PolicyURI, TermsURI string
	Access              ProductAccess
	TwoStep             ProductTwoStep
	// ActsFor is the name of the company that an API client acts for; empty: the
	// operator.
	ActsFor string
	Roles   []ProductRoleCount
	Created time.Time
	// LastUse is when it last got a token; zero: never.
	LastUse time.Time
	// Issuer is what its library is told, Snippets how.
	Issuer   string
	Snippets []Snippet
}

// ProductRoleCount is a role of a product and how many people have it.
type ProductRoleCount struct {
	ProductRole
	People int
}

// HasSecret reports whether it proves who it is by a secret.
func (p ConsoleProduct) HasSecret() bool { return strings.HasPrefix(p.AuthMethod, "client_secret_") }

func (ConsoleProduct) template() string { return "console_product" }
