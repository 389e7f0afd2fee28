package session

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport-id/sallyport/storage"
)

// A consent is kept as words: a scope of a sign-in is itself, a scope of an API
// stands together with the API's resource. What one API calls its scopes
// another may call its own too, and a yes to the one is none to the other.

// apiWord is the word for a scope of an API. The quotation mark can be in no
// scope (RFC 6749 section 3.3) and the resource is escaped, so that no two pairs
// have the same word.
func apiWord(scope, resource string) string { return scope + `"` + url.QueryEscape(resource) }

// Wants is what a person must have allowed for a request to be answered, as the
// words of a consent: the scopes it asks for, and those of the product that
// cover the claims it asks for by name (OpenID Connect Core section 5.5).
func (s *Sessions) Wants(ctx context.Context, c *storage.Client, p Params) (words []string, err error) {
	apis, err := s.apis(ctx, c, p.Resources)
	if err != nil {
		return nil, err
	}
	add := func(word string) {
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	for _, scope := range strings.Fields(p.Scope) {
		whose := 0
		for _, api := range apis {
			if slices.Contains(APIScopes(api), scope) {
				add(apiWord(scope, api.Resource))
				whose++
			}
		}
		if whose == 0 || slices.Contains(c.Scopes, scope) {
			add(scope)
		}
	}
	for _, scope := range SignInScopes() {
		byName := func(claim string) bool {
			return slices.Contains(p.IDTokenClaims, claim) || slices.Contains(p.UserinfoClaims, claim)
		}
		if slices.Contains(c.Scopes, scope) && slices.ContainsFunc(ScopeClaims(scope), byName) {
			add(scope)
		}
	}
	return words, nil
}

// WordNames are the names of those words of a consent that are an API's, by
// word: what they allow, in the words of whoever serves the API, or the bare
// scope where nobody does any more.
func (s *Sessions) WordNames(ctx context.Context, words []string) (map[string]string, error) {
	names := make(map[string]string)
	for _, word := range words {
		scope, escaped, ok := strings.Cut(word, `"`)
		if !ok {
			continue
		}
		resource, err := url.QueryUnescape(escaped)
		if err != nil {
			return nil, err
		}
		api, err := s.API(ctx, resource)
		if err != nil {
			return nil, err
		}
		name := ""
		if api != nil {
			for _, sc := range api.API.Scopes {
				if sc.ID == scope {
					name = sc.Name
				}
			}
		}
		names[word] = cmp.Or(name, scope)
	}
	return names, nil
}

// asksConsent says whether a product needs a consent that wasn't given.
func (s *Sessions) asksConsent(ctx context.Context, a Asked) (bool, error) {
	if a.Client.Internal || a.Client.FirstParty && !a.Params.AskConsent {
		return false, nil
	}
	wants, err := s.Wants(ctx, a.Client, a.Params)
	switch {
	case err != nil:
		return false, err
	case a.Stamps.Consented != "" && a.Stamps.Consented == strings.Join(wants, " "):
		return false, nil
	case a.Params.AskConsent:
		return true, nil
	}
	given := strings.Fields(a.Person.Consented)
	return slices.ContainsFunc(wants, func(word string) bool { return !slices.Contains(given, word) }), nil
}
