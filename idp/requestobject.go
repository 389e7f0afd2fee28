package idp

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/sallyport-id/sallyport/storage"
)

// typRequestObject is the typ of a request object (RFC 9101 section 4), which
// OpenID Connect Core section 6.1 doesn't know.
const typRequestObject = "oauth-authz-req+jwt"

// A request object is good for objectLifetime at most, and not before nbf, for
// which clocks may differ by objectLeeway.
//
// That both are there is a rule of FAPI 2.0 Message Signing section 5.3.1: a
// signed request without an end can be replayed by whoever finds it in a log. It
// holds for clients that are registered to sign each request or by the FAPI
// profile, and for none else, for OpenID Connect Core does without; what is
// there always counts.
const (
	objectLifetime = time.Hour
	objectLeeway   = 30 * time.Second
)

// objectClaims are those of a request object that are no parameters.
type objectClaims struct {
	Issuer   string           `json:"iss"`
	Subject  string           `json:"sub"`
	Audience jwt.Audience     `json:"aud"`
	Expiry   *jwt.NumericDate `json:"exp"`
	Before   *jwt.NumericDate `json:"nbf"`
}

// objectMembers are all members of a request object.
type objectMembers map[string]json.RawMessage

// takeObject takes a request object that is sent by value.
func (p *Provider) takeObject(ctx context.Context, in *incoming) error {
	if err := sentTwice(in.values); err != nil {
		return err
	}
	return p.takeSigned(ctx, in, in.values.Get("request"))
}

// takeSigned takes a request object that the client signed.
func (p *Provider) takeSigned(ctx context.Context, in *incoming, token string) error {
	if err := p.objectHeader(in, token); err != nil {
		return err
	}
	var claims objectClaims
	var members objectMembers
	if err := p.verifyByClient(ctx, in.client, token, p.objectAlgs(in.client), &claims, &members); err != nil {
		return wrongObject(err, "its signature could not be verified with the keys registered for %s", in.client.ID)
	}
	if err := p.takeInside(in, claims, members); err != nil {
		return err
	}
	in.signed = true
	return nil
}

// takeInside puts the parameters of a request object in the place of those
// beside it (RFC 9101 section 6.3: none of them counts).
func (p *Provider) takeInside(in *incoming, claims objectClaims, members objectMembers) error {
	if err := p.objectProblem(in.client, claims); err != nil {
		return err
	}
	inside, err := objectValues(members)
	if err != nil {
		return err
	}
	if inside.Get("client_id") != in.client.ID {
		return wrongObject(nil, "client_id in it must be %s", in.client.ID)
	}
	// OpenID Connect Core section 6.1 wants response_type outside too, so that
	// the request is one of OAuth; where it is, it has to say the same.
	if kind := in.values.Get("response_type"); kind != "" && kind != inside.Get("response_type") {
		return wrongObject(nil, "response_type in it is not the one beside it")
	}
	in.values = inside
	return nil
}

// objectHeader refuses what isn't a request object in the way that this
// provider takes them, before any key is looked for.
func (p *Provider) objectHeader(in *incoming, token string) error {
	if unsigned(token) {
		return oauth(requestNotSupported, "request objects must be signed: alg none is taken only from an https address in request_uris, of a product that isn't registered to sign")
	}
	parsed, err := jwt.ParseSigned(token, p.objectAlgs(in.client))
	if err != nil {
		return wrongObject(err, "it must be a JWT in compact form, signed by one of %s", strings.Join(names(p.objectAlgs(in.client)), ", "))
	}
	typ, _ := parsed.Headers[0].ExtraHeaders[jose.HeaderType].(string)
	typ = strings.TrimPrefix(strings.ToLower(typ), "application/")
	if !slices.Contains([]string{"", "jwt", typRequestObject}, typ) {
		return wrongObject(nil, "typ must be %s", typRequestObject)
	}
	return nil
}

// unsigned says whether a JWT says that it isn't signed.
func unsigned(token string) bool {
	header, _, _ := strings.Cut(token, ".")
	var h struct {
		Alg string `json:"alg"`
	}
	raw, err := base64.RawURLEncoding.DecodeString(header)
	return err == nil && json.Unmarshal(raw, &h) == nil && strings.EqualFold(h.Alg, "none")
}

// objectAlgs are the algorithms of a client's request objects.
func (p *Provider) objectAlgs(c *storage.Client) []jose.SignatureAlgorithm {
	all := asymmetric
	if p.fapi(c) {
		all = fapiAlgorithms
	}
	if alg := jose.SignatureAlgorithm(c.RequestObjectAlg); slices.Contains(all, alg) {
		return []jose.SignatureAlgorithm{alg}
	}
	return all
}

func (p *Provider) objectProblem(client *storage.Client, c objectClaims) error {
	now, clientID := p.Now(), client.ID
	timed := client.RequireSignedRequest || p.fapi(client)
	switch {
	case c.Issuer != clientID:
		return wrongObject(nil, "iss must be the client_id, %s", clientID)
	case c.Subject == clientID:
		// RFC 9101 section 10.8.1: nor can a client assertion be passed off as one.
		return wrongObject(nil, "sub must not be the client_id: that is how a client assertion looks")
	case !c.Audience.Contains(p.Issuer):
		return wrongObject(nil, "aud must contain %s", p.Issuer)
	case timed && (c.Expiry == nil || c.Before == nil):
		return wrongObject(nil, "exp and nbf are required")
	case c.Expiry != nil && !c.Expiry.Time().After(now):
		return wrongObject(nil, "it has expired")
	case c.Before != nil && c.Before.Time().After(now.Add(objectLeeway)):
		return wrongObject(nil, "nbf is in the future")
	case c.Expiry != nil && c.Before != nil && c.Expiry.Time().After(c.Before.Time().Add(objectLifetime)):
		// So an nbf more than 60 minutes ago comes with an exp that is over.
		return wrongObject(nil, "exp is more than 60 minutes after nbf")
	}
	return nil
}

// objectValues are the parameters in a request object as they would come in a
// query: strings as they are, max_age as a number too, claims and registration
// as objects too (OpenID Connect Core section 6.1), resource as a list too
// (RFC 8707 section 2).
func objectValues(members objectMembers) (url.Values, error) {
	for _, name := range []string{"request", "request_uri"} {
		if _, nested := members[name]; nested {
			return nil, wrongObject(nil, "it must not contain %s", name)
		}
	}
	values := url.Values{}
	for _, name := range parameters {
		raw, ok := members[name]
		if !ok {
			continue
		}
		var text string
		if json.Unmarshal(raw, &text) == nil && raw[0] == '"' {
			values.Set(name, text)
			continue
		}
		switch name {
		case "max_age":
			n, err := strconv.ParseUint(string(raw), 10, 63)
			if err != nil {
				return nil, wrongObject(err, "max_age in it must be a number of seconds")
			}
			values.Set(name, strconv.FormatUint(n, 10))
		case "claims", "registration":
			if raw[0] != '{' {
				return nil, wrongObject(nil, "%s in it must be an object", name)
			}
			var compact bytes.Buffer
			if err := json.Compact(&compact, raw); err != nil {
				return nil, wrongObject(err, "%s in it must be an object", name)
			}
			values.Set(name, compact.String())
		case "resource":
			var all []string
			if err := json.Unmarshal(raw, &all); err != nil || raw[0] != '[' {
				return nil, wrongObject(err, "resource in it must be a string or a list of strings")
			}
			values[name] = all
		default:
			return nil, wrongObject(nil, "%s in it must be a string", name)
		}
	}
	return values, nil
}

// wrongObject refuses a request object (RFC 9101 section 7).
func wrongObject(cause error, why string, args ...any) *oauthError {
	return &oauthError{code: invalidRequestObject, description: "the request object is refused: " + fmt.Sprintf(why, args...), cause: cause}
}
