package idp

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// incoming is an authorization request before its parameters are checked,
// wherever it came from: from a browser, in an object that the client signed or
// keeps at an address of its own (RFC 9101), or by reference to what the client pushed (RFC 9126).
type incoming struct {
	client *storage.Client
	// values are the parameters that count, and no others.
	values url.Values
	// signed: the client signed them.
	signed bool
	// pushed: the client sent them itself.
	pushed bool
	// hash is that of the reference under which they were kept; empty: they came
	// with the browser.
	hash string
}

// keptRequest is how storage keeps an incoming request. What was checked of its
// signature isn't checked again: only the values are kept.
type keptRequest struct {
	Values url.Values `json:"values"`
	Signed bool       `json:"signed,omitempty"`
	Pushed bool       `json:"pushed,omitempty"`
}

// pageError is an error that can't be answered to the product, because it isn't
// known which product that is or where it wants the answer; or because whoever
// brings the request may not be whom it was meant for.
type pageError struct {
	*oauthError
	expected, got string
}

func (e *pageError) Unwrap() error { return e.oauthError }

func onPage(e *oauthError, expected, got string) *pageError { return &pageError{e, expected, got} }

// take finds out whose request it is and which of its parameters count. Errors
// other than a pageError may be answered to the redirect_uri beside it.
func (p *Provider) take(ctx context.Context, q url.Values) (*incoming, error) {
	client, err := p.asking(ctx, q)
	if err != nil {
		return nil, err
	}
	in := &incoming{client: client, values: q}
	reference, ours := strings.CutPrefix(q.Get("request_uri"), referencePrefix)
	switch {
	case ours:
		return p.takeKept(ctx, client, q, reference)
	case q.Has("request_uri"):
		return in, p.takeReferred(ctx, in)
	case q.Has("request"):
		return in, p.takeObject(ctx, in)
	}
	return in, nil
}

// asking is the client that an authorization request names.
func (p *Provider) asking(ctx context.Context, q url.Values) (*storage.Client, error) {
	id, err := once(q, "client_id")
	if err != nil {
		return nil, err
	}
	client, err := p.DB.Client(ctx, id)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, onPage(oauth(invalidClient, "no product is registered under this client_id"), "a registered client_id", id)
	case err != nil:
		return nil, onPage(p.asOAuth(ctx, err), "", "")
	case session.MachineOnly(client):
		return nil, onPage(oauth(unauthorizedClient, "%s acts for itself: nobody signs in to it", client.ID), "a product registered for authorization_code", client.ID)
	}
	return client, nil
}

// once is a parameter without which nothing can be answered to anybody.
func once(q url.Values, name string) (string, error) {
	if n := len(q[name]); n != 1 || q.Get(name) == "" {
		return "", onPage(oauth(invalidRequest, "%s must be sent exactly once", name), "one "+name, map[bool]string{true: "none", false: "several"}[n < 2])
	}
	return q.Get(name), nil
}

// redirectTarget checks the redirect URI. Until it is right an error is shown
// to whoever sits there, and nobody is redirected.
func redirectTarget(in *incoming) (answerTo, error) {
	uri, err := once(in.values, "redirect_uri")
	if err != nil {
		return answerTo{}, err
	}
	if !redirectAllowed(in.client, uri) {
		return answerTo{}, onPage(oauth(invalidRequest, "redirect_uri is not registered for %s; it is compared character by character", in.client.ID),
			strings.Join(in.client.RedirectURIs, "  "), uri)
	}
	mode, _ := responseMode(in.values.Get("response_type"), in.values.Get("response_mode"))
	return answerTo{client: in.client, redirectURI: uri, mode: mode, state: in.values.Get("state")}, nil
}

// required refuses what didn't come in the way that the client or this
// provider insists on. Our own pages get no code, and push nothing.
func (p *Provider) required(in *incoming) error {
	switch {
	case (p.RequirePAR || in.client.RequirePAR) && !in.pushed && !in.client.Internal:
		return oauth(invalidRequest, "the request must be pushed first (RFC 9126): POST it to %s/par and send its request_uri here", p.Issuer)
	case in.client.RequireSignedRequest && !in.signed:
		return oauth(invalidRequest, "the request must be signed (RFC 9101): send a request object in the parameter request")
	}
	return nil
}

// check holds a request against all rules that don't depend on the browser that
// will bring it.
func (p *Provider) check(ctx context.Context, in *incoming) (answerTo, error) {
	to, err := redirectTarget(in)
	if err == nil {
		err = p.required(in)
	}
	if err == nil {
		_, _, err = p.params(ctx, in, to.redirectURI, nil)
	}
	return to, err
}

// A reference to a request that is kept here (RFC 9126 section 2.2) is 256
// random bits, good for 90 s and one sign-in.
const (
	referencePrefix   = "urn:ietf:params:oauth:request_uri:"
	referenceLifetime = 90 * time.Second
)

// keep stores a request and returns its request_uri.
func (p *Provider) keep(ctx context.Context, in *incoming) (string, error) {
	values := url.Values{}
	for name, sent := range in.values {
		if slices.Contains(parameters, name) { // above all no secret or assertion of the client
			values[name] = sent
		}
	}
	now, reference := p.Now(), storage.NewSecret()
	kept, err := json.Marshal(keptRequest{Values: values, Signed: in.signed, Pushed: in.pushed})
	if err != nil {
		return "", err
	}
	err = p.DB.Write(ctx, func(tx *storage.Tx) error {
		return tx.InsertPushedRequest(ctx, storage.PushedRequest{
			Hash: storage.Hash(reference), ClientID: in.client.ID, Params: kept, CreatedAt: now, ExpiresAt: now.Add(referenceLifetime),
		})
	})
	return referencePrefix + reference, err
}

// takeKept reads a request by its reference. Only client_id and request_uri
// count beside it (RFC 9126 section 4). Whatever is wrong with the reference is
// said on a page: nothing that came with the browser says where to go.
func (p *Provider) takeKept(ctx context.Context, client *storage.Client, q url.Values, reference string) (*incoming, error) {
	if _, err := once(q, "request_uri"); err != nil {
		return nil, err
	}
	row, err := p.DB.PushedRequest(ctx, storage.Hash(reference))
	switch {
	case err != nil && !errors.Is(err, storage.ErrNotFound):
		return nil, onPage(p.asOAuth(ctx, err), "", "")
	case err != nil, row.ClientID != client.ID:
		return nil, notKept()
	case !row.UsedAt.IsZero():
		return nil, &usedError{authRequestID: row.AuthRequestID}
	case !row.ExpiresAt.After(p.Now()):
		return nil, notKept()
	}
	var kept keptRequest
	if err := json.Unmarshal(row.Params, &kept); err != nil {
		return nil, onPage(p.asOAuth(ctx, err), "", "")
	}
	return &incoming{client: client, values: kept.Values, signed: kept.Signed, pushed: kept.Pushed, hash: row.Hash}, nil
}

// usedError says that a reference was used before, and for which sign-in.
type usedError struct{ authRequestID string }

func (*usedError) Error() string { return "this request_uri was used" }

func notKept() *pageError {
	return onPage(oauth(invalidRequestURI, "this request_uri is unknown, expired, another product's, or was used: a product pushes a new request for each sign-in"), "", "")
}

// spend uses a request's reference up, in the transaction that gives something
// for it; authRequestID is what it becomes, empty where it is answered at once.
// storage.ErrSpent where another was quicker.
func (in *incoming) spend(ctx context.Context, tx *storage.Tx, authRequestID string, now time.Time) error {
	if in.hash == "" {
		return nil
	}
	return tx.UsePushedRequest(ctx, in.hash, in.client.ID, authRequestID, now)
}

// parameters are those of an authorization request that mean something here;
// all others are ignored (RFC 6749 section 3.1).
var parameters = []string{
	"response_type", "response_mode", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method",
	"prompt", "max_age", "ui_locales", "id_token_hint", "login_hint", "acr_values", "claims", "registration", "resource", "dpop_jkt",
}
