package idp

import (
	"slices"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// scopeClaims are the claims a scope asks for (OpenID Connect Core section
// 5.4); roles is ours.
var scopeClaims = map[string][]string{
	"profile": {"name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website", "gender",
		"birthdate", "zoneinfo", "locale", "updated_at"},
	"email":   {"email", "email_verified"},
	"phone":   {"phone_number", "phone_number_verified"},
	"address": {"address"},
	"roles":   {"roles"},
}

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
		for _, name := range scopeClaims[s] {
			if v, ok := have[name]; ok {
				out[name] = v
			}
		}
	}
	return out
}

// claimsByName are claims asked for by name in the claims parameter; only
// those that a granted scope covers, for consent is given by scope.
func claimsByName(u *storage.User, client *storage.Client, names []string, scope string) map[string]any {
	if len(names) == 0 {
		return nil
	}
	covered, out := claimsByScope(u, client, scope), make(map[string]any)
	for _, name := range names {
		if v, ok := covered[name]; ok && name != "roles" {
			out[name] = v
		}
	}
	return out
}

// supportedClaims lists every claim that is ever sent, for discovery.
func supportedClaims() []string {
	all := []string{"iss", "sub", "aud", "iat", "exp", "nonce", "sid", "at_hash", "c_hash", "auth_time", "acr", "amr", "mfa_time", "amr_times"}
	for _, s := range session.SignInScopes() {
		all = append(all, scopeClaims[s]...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
