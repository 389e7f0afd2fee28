package session

import (
	"slices"
	"strings"

	"github.com/sallyport-id/sallyport/storage"
)

// SignInScopes are those of a sign-in (OpenID Connect Core sections 5.4 and
// 11; roles is ours), in the order of discovery.
func SignInScopes() []string {
	return []string{"openid", "profile", "email", "phone", "address", "roles", "offline_access"}
}

// AdminScopes are those of the administration API, for people and machines
// alike. What a token may do is the least of its scope and the rights of
// whoever holds it.
func AdminScopes() []string {
	return []string{
		"people:read", "people:write", "rules:read", "rules:write", "products:read", "products:write", "audit:read",
		"companies:read", "companies:write", "keys:read", "keys:write", "delivery:read", "delivery:write",
	}
}

// OperatorScope says whether a scope is about the whole instance, so that no
// company's API client can have it.
func OperatorScope(scope string) bool {
	noun, _, _ := strings.Cut(scope, ":")
	return slices.Contains([]string{"companies", "keys", "delivery"}, noun)
}

// MachineScopes are those that a product may ask for on its own behalf, in
// its own order; none where it isn't registered for the grant.
func MachineScopes(c *storage.Client) []string {
	if !slices.Contains(c.GrantTypes, ClientCredentials) {
		return nil
	}
	var all []string
	for _, s := range c.Scopes {
		if slices.Contains(AdminScopes(), s) && (c.Org == "" || !OperatorScope(s)) {
			all = append(all, s)
		}
	}
	return all
}

// ClientCredentials is the grant type of machines (RFC 6749 section 4.4).
const ClientCredentials = "client_credentials"

// signIn are the grant types by which people sign in to a product, in a browser
// or on a device.
var signIn = []string{"authorization_code", "implicit", "urn:ietf:params:oauth:grant-type:device_code"}

// SignsIn says whether people sign in to what is registered for these grant
// types.
func SignsIn(grants []string) bool {
	return slices.ContainsFunc(grants, func(g string) bool { return slices.Contains(signIn, g) })
}

// MachineOnly says whether a product acts for itself alone: nobody signs in to
// it. The provider's own pages are registered for no grant at all.
func MachineOnly(c *storage.Client) bool {
	return slices.Contains(c.GrantTypes, ClientCredentials) && !SignsIn(c.GrantTypes)
}

// ProductRoles are a person's roles in a product, sorted: their own, and where
// the product defines roles, those of their kind.
func ProductRoles(c *storage.Client, u *storage.User) []string {
	roles := slices.Clone(u.Roles[c.ID])
	for _, r := range c.Roles {
		if slices.Contains(r.Kinds, u.Kind) {
			roles = append(roles, r.ID)
		}
	}
	slices.Sort(roles)
	return append([]string{}, slices.Compact(roles)...)
}

// ScopeClaims are the claims that a scope of a sign-in asks for (OpenID Connect
// Core section 5.4); roles is ours.
func ScopeClaims(scope string) []string {
	switch scope {
	case "profile":
		return []string{"name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website", "gender",
			"birthdate", "zoneinfo", "locale", "updated_at"}
	case "email":
		return []string{"email", "email_verified"}
	case "phone":
		return []string{"phone_number", "phone_number_verified"}
	case "address", "roles":
		return []string{scope}
	}
	return nil
}
