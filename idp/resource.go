package idp

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// resourceProblem says why a client can't ask for a resource (RFC 8707 section
// 2): nil, or invalid_target.
func (p *Provider) resourceProblem(ctx context.Context, client *storage.Client, resource string) error {
	reach, err := p.Sessions.Reach(ctx, client)
	if err == nil {
		_, err = apiFor(reach, client, resource)
	}
	return err
}

// apiFor is the product that serves a resource which a client may ask for.
func apiFor(reach session.Reach, client *storage.Client, resource string) (*storage.Client, error) {
	u, err := url.Parse(resource)
	if err != nil || !u.IsAbs() || u.Fragment != "" || strings.Contains(resource, "#") {
		return nil, oauth(invalidTarget, "resource must be an absolute URI without a fragment")
	}
	if !slices.Contains(client.Resources, resource) {
		return nil, oauth(invalidTarget, "%s is not registered for the resource %s; it is compared character by character", client.ID, descriptionText(resource))
	}
	api := reach.API(resource)
	if api == nil {
		return nil, oauth(invalidTarget, "the resource %s is not the api of exactly one product", descriptionText(resource))
	}
	return api, nil
}

// target is the product whose API a new access token is for, nil where it is
// for this provider itself (RFC 8707 section 2.2). A request names at most one
// resource, and one of the grant's where that names any; where it names none,
// the only one of the grant is meant.
func target(reach session.Reach, client *storage.Client, asked, granted []string) (*storage.Client, error) {
	switch {
	case len(asked) > 1:
		return nil, oauth(invalidTarget, "send one resource: each access token is for one API, so ask for every one of them in a request of its own")
	case len(asked) == 0 && len(granted) == 1:
		asked = granted
	case len(asked) == 0:
		return nil, nil
	case len(granted) > 0 && !slices.Contains(granted, asked[0]):
		return nil, oauth(invalidTarget, "the resource %s is not among those of the authorization request: %s",
			descriptionText(asked[0]), descriptionText(strings.Join(granted, ", ")))
	}
	return apiFor(reach, client, asked[0])
}

// admits asks the policy whether a sign-in may enter the product that serves an
// API: whoever couldn't, gets no token for it by way of another product either.
func (p *Provider) admits(api *storage.Client, st *storage.Standing, d details) error {
	err := p.stands(api, st, d)
	if e, ok := errors.AsType[*oauthError](err); ok {
		return &oauthError{code: invalidTarget, description: e.description, reason: e.reason}
	}
	return err
}

// apiScope is what is left of a scope in a token for an API: the scopes of that
// API alone, so that the token is worth nothing anywhere else.
func apiScope(api *storage.Client, scope string) string {
	return strings.Join(stillIn(session.APIScopes(api.API), scope), " ")
}

// machineMayAsk are the scopes that a client may ask for on its own behalf:
// those of the API that the token is for, or of this provider's own API.
func machineMayAsk(client, api *storage.Client) []string {
	if api == nil {
		return session.MachineScopes(client)
	}
	return session.APIScopes(api.API)
}
