package idp

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4/json"

	"github.com/sallyport-id/sallyport/storage"
)

// maxObject bounds a request object that is fetched, as maxBody does one that is
// sent.
const maxObject = 64 << 10

// takeReferred fetches the request object that a client keeps at an address of
// its own (RFC 9101 section 5.2, OpenID Connect Core section 6.2). The address
// must be registered, to the letter: anybody may send requests in a client's
// name, and nobody may choose what is called from here.
func (p *Provider) takeReferred(ctx context.Context, in *incoming) error {
	if err := sentTwice(in.values); err != nil {
		return err
	}
	uri := in.values.Get("request_uri")
	switch {
	case in.values.Has("request"):
		return oauth(invalidRequest, "send request or request_uri, not both")
	case !slices.Contains(in.client.RequestURIs, uri):
		return oauth(requestURINotSupported, "request_uri is not among the request_uris registered for %s, which are compared character by character; or push the request (RFC 9126)", in.client.ID)
	}
	// Who must push is told so before anything is fetched.
	if err := p.required(&incoming{client: in.client, signed: true}); err != nil {
		return err
	}
	token, err := p.fetchObject(ctx, uri)
	if err != nil {
		return &oauthError{code: invalidRequestURI, description: "request_uri did not answer with a request object: 200 without a redirect, within 5 s, 64 KiB at most", cause: err}
	}
	if unsigned(token) && p.mayBeUnsigned(in.client, uri) {
		return p.takeUnsigned(in, token)
	}
	return p.takeSigned(ctx, in, token)
}

// fetchObject fetches a request object. The fragment says which version of it is
// meant, to those who keep it: nothing is kept here.
func (p *Provider) fetchObject(ctx context.Context, uri string) (string, error) {
	address, _, _ := strings.Cut(uri, "#")
	if !strings.HasPrefix(address, "https://") && !(strings.HasPrefix(address, "http://") && p.OutboundPrivate) {
		return "", fmt.Errorf("request_uri %s: https only", uri)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", fmt.Errorf("request_uri: %w", err)
	}
	req.Header.Set("Accept", "application/"+typRequestObject+", application/jwt")
	resp, err := p.Outbound.Do(req)
	if err != nil {
		return "", fmt.Errorf("fetch request object: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("fetch request object: %s answered %s, not 200 (redirects are not followed)", address, resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxObject+1))
	if err == nil && len(body) > maxObject {
		err = errors.New("more than 64 KiB")
	}
	if err != nil {
		return "", fmt.Errorf("fetch request object from %s: %w", address, err)
	}
	return strings.TrimSpace(string(body)), nil
}

// mayBeUnsigned says whether a request object at an address needs no signature:
// TLS then says whose it is. It still counts as unsigned.
func (p *Provider) mayBeUnsigned(c *storage.Client, uri string) bool {
	return strings.HasPrefix(uri, "https://") && (c.RequestObjectAlg == "" || c.RequestObjectAlg == "none") && !c.RequireSignedRequest && !p.fapi(c)
}

// takeUnsigned reads a request object with alg none (RFC 7519 section 6).
func (p *Provider) takeUnsigned(in *incoming, token string) error {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || parts[2] != "" {
		return wrongObject(nil, "with alg none it must be a JWT without a signature")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims objectClaims
	var members objectMembers
	// This decoder refuses a member that comes twice.
	if err == nil {
		err = errors.Join(json.Unmarshal(payload, &claims), json.Unmarshal(payload, &members))
	}
	if err != nil {
		return wrongObject(err, "its payload must be a JSON object")
	}
	// iss and aud are those of signed ones (OpenID Connect Core section 6.1).
	if claims.Issuer == "" {
		claims.Issuer = in.client.ID
	}
	if len(claims.Audience) == 0 {
		claims.Audience = append(claims.Audience, p.Issuer)
	}
	return p.takeInside(in, claims, members)
}
