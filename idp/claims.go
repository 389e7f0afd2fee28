package idp

import (
	"slices"
	"strings"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// personClaims are a person's claims that have a value.
func personClaims(u *storage.User, client *storage.Client) map[string]any {
	claims := map[string]any{"updated_at": u.UpdatedAt.Unix(), "roles": session.ProductRoles(client, u)}
	for name, value := range map[string]string{
		"name": u.Profile.Name, "given_name": u.Profile.GivenName, "family_name": u.Profile.FamilyName, "middle_name": u.Profile.MiddleName,
		"nickname": u.Profile.Nickname, "preferred_username": u.Profile.PreferredUsername, "profile": u.Profile.Profile, "picture": u.Profile.Picture,
		"website": u.Profile.Website, "gender": u.Profile.Gender, "birthdate": u.Profile.Birthdate, "zoneinfo": u.Profile.Zoneinfo, "locale": u.Profile.Locale,
		"email": u.Email, "phone_number": u.Phone,
	} {
		if value != "" {
			claims[name] = value
		}
	}
	if u.Email != "" {
		claims["email_verified"] = u.EmailVerified
	}
	if u.Phone != "" {
		claims["phone_number_verified"] = u.PhoneVerified
	}
	if u.Profile.Address != nil {
		claims["address"] = u.Profile.Address
	}
	return claims
}

// claimsByScope are the claims that the scopes ask for.
func claimsByScope(u *storage.User, client *storage.Client, scope string) map[string]any {
	have, out := personClaims(u, client), make(map[string]any)
	for _, s := range scopes(scope) {
		for _, name := range session.ScopeClaims(s) {
			if v, ok := have[name]; ok {
				out[name] = v
			}
		}
	}
	return out
}

// claimsByName are claims asked for by name in the claims parameter (OpenID
// Connect Core section 5.5): those that a granted scope covers, or another one
// that the client is registered for, which the person was asked about then as
// if it had been in the scope. See [session.Sessions.Wants].
func claimsByName(u *storage.User, client *storage.Client, names []string, scope string) map[string]any {
	if len(names) == 0 {
		return nil
	}
	covered, out := claimsByScope(u, client, scope+" "+strings.Join(client.Scopes, " ")), make(map[string]any)
	for _, name := range names {
		if v, ok := covered[name]; ok {
			out[name] = v
		}
	}
	return out
}

// supportedClaims lists every claim that is ever sent, for discovery.
func supportedClaims() []string {
	all := []string{"iss", "sub", "aud", "iat", "exp", "nonce", "sid", "at_hash", "c_hash", "auth_time", "acr", "amr", "mfa_time", "amr_times"}
	for _, s := range session.SignInScopes() {
		all = append(all, session.ScopeClaims(s)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
