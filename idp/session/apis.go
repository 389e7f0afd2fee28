package session

import (
	"context"
	"slices"

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

// Reach is a product with those that serve the resources it may ask tokens for.
// It is read before a transaction, for one that waits for a second connection
// waits for others that do the same.
type Reach struct {
	client  *storage.Client
	serving map[string]*storage.Client
}

// Reach says what a product can ask tokens for.
func (s *Sessions) Reach(ctx context.Context, c *storage.Client) (Reach, error) {
	r := Reach{client: c, serving: make(map[string]*storage.Client)}
	if len(c.Resources) == 0 {
		return r, nil
	}
	all, err := s.DB.Clients(ctx)
	for _, resource := range c.Resources {
		r.serving[resource] = serving(all, resource)
	}
	return r, err
}

// API is the product that serves a resource; nil where this product can't ask
// for it.
func (r Reach) API(resource string) *storage.Client { return r.serving[resource] }

// apis are those of resources, or all where none are named.
func (r Reach) apis(resources []string) (found []*storage.API) {
	for _, resource := range r.client.Resources {
		if len(resources) > 0 && !slices.Contains(resources, resource) {
			continue
		}
		if api := r.API(resource); api != nil {
			found = append(found, api.API)
		}
	}
	return found
}

// Scopes are those that the product may ask for when somebody signs in: its
// own, and those of the APIs it may call. Where the request names resources,
// only their APIs count.
func (r Reach) Scopes(resources []string) []string {
	all := slices.Clone(r.client.Scopes)
	for _, api := range r.apis(resources) {
		all = append(all, APIScopes(api)...)
	}
	return all
}

func (s *Sessions) apis(ctx context.Context, c *storage.Client, resources []string) ([]*storage.API, error) {
	r, err := s.Reach(ctx, c)
	return r.apis(resources), err
}

// ScopesOf are the scopes of a product's reach.
func (s *Sessions) ScopesOf(ctx context.Context, c *storage.Client, resources []string) ([]string, error) {
	r, err := s.Reach(ctx, c)
	return r.Scopes(resources), err
}

// APIScopes are the scopes of an API, in its own order.
func APIScopes(api *storage.API) (all []string) {
	for _, scope := range api.Scopes {
		all = append(all, scope.ID)
	}
	return all
}
