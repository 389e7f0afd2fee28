package session

import (
	"context"
	"slices"
	"strings"

	"github.com/sallyport-id/sallyport/storage"
)

// API is the product that serves a resource (RFC 8707 section 2); nil where
// none does, or where two say they do: then nobody knows whom tokens for it
// would reach.
func (s *Sessions) API(ctx context.Context, resource string) (*storage.Client, error) {
	all, err := s.DB.Clients(ctx)
	if err != nil {
		return nil, err
	}
	return serving(all, resource), nil
}

func serving(all []*storage.Client, resource string) (found *storage.Client) {
	for _, c := range all {
		if c.API == nil || c.API.Resource != resource {
			continue
		}
		if found != nil {
			return nil
		}
		found = c
	}
	return found
}

// apis are those that a product may ask tokens for: those of resources where it
// names any.
func (s *Sessions) apis(ctx context.Context, c *storage.Client, resources []string) (found []*storage.API, err error) {
	if len(c.Resources) == 0 {
		return nil, nil
	}
	all, err := s.DB.Clients(ctx)
	if err != nil {
		return nil, err
	}
	for _, r := range c.Resources {
		if len(resources) > 0 && !slices.Contains(resources, r) {
			continue
		}
		if api := serving(all, r); api != nil {
			found = append(found, api.API)
		}
	}
	return found, nil
}

// ScopesOf are the scopes that a product may ask for when somebody signs in:
// its own, and those of the APIs it may call. Where the request names
// resources, only their APIs count.
func (s *Sessions) ScopesOf(ctx context.Context, c *storage.Client, resources []string) ([]string, error) {
	apis, err := s.apis(ctx, c, resources)
	if err != nil || len(apis) == 0 {
		return c.Scopes, err
	}
	all := slices.Clone(c.Scopes)
	for _, api := range apis {
		all = append(all, APIScopes(api)...)
	}
	return all, nil
}

// APIScopes are the scopes of an API, in its own order.
func APIScopes(api *storage.API) (all []string) {
	for _, scope := range api.Scopes {
		all = append(all, scope.ID)
	}
	return all
}

// ScopeNames are the names of the API scopes that a product may ask for, by
// scope: what they allow, in the words of whoever serves the API. Where two
// APIs call a scope the same, the name is both their names.
func (s *Sessions) ScopeNames(ctx context.Context, c *storage.Client, resources []string) (map[string]string, error) {
	apis, err := s.apis(ctx, c, resources)
	names := make(map[string][]string)
	for _, api := range apis {
		for _, scope := range api.Scopes {
			if !slices.Contains(names[scope.ID], scope.Name) {
				names[scope.ID] = append(names[scope.ID], scope.Name)
			}
		}
	}
	joined := make(map[string]string)
	for id, all := range names {
		joined[id] = strings.Join(all, ", ")
	}
	return joined, err
}
