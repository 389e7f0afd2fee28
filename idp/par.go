package idp

import (
	"context"
	"net/http"
	"time"

	"github.com/sallyport-id/sallyport/idp/session"
)

// pushed is the answer of the endpoint for pushed authorization requests (RFC
// 9126 section 2.2).
type pushed struct {
	RequestURI string `json:"request_uri"`
	ExpiresIn  int64  `json:"expires_in"`
}

// push is the endpoint for pushed authorization requests. What is wrong with a
// request is told here, to the product itself; see [Provider.authorize] for the
// browser that brings the reference.
func (p *Provider) push(ctx context.Context, c *call) (any, error) {
	client := c.client
	switch {
	case session.MachineOnly(client):
		return nil, oauth(unauthorizedClient, "%s acts for itself: nobody signs in to it", client.ID)
	case c.form.Has("request_uri"):
		return nil, oauth(invalidRequest, "request_uri can't be pushed: send the parameters themselves")
	case c.form.Has("client_id") && c.form.Get("client_id") != client.ID:
		return nil, oauth(invalidRequest, "client_id is not that of the client that authenticated")
	}
	in := &incoming{client: client, values: c.form, pushed: true}
	if c.form.Has("request") {
		if err := p.takeObject(ctx, in); err != nil {
			return nil, err
		}
	}
	if err := p.pushedKey(c, in); err != nil {
		return nil, err
	}
	if _, err := p.check(ctx, in); err != nil {
		return nil, err
	}
	uri, err := p.keep(ctx, in)
	return created{pushed{RequestURI: uri, ExpiresIn: int64(referenceLifetime / time.Second)}}, err
}

// pushedKey binds the code to come to the key of a DPoP proof that came with
// the request, as dpop_jkt would (RFC 9449 section 10.1).
func (p *Provider) pushedKey(c *call, in *incoming) error {
	if len(c.request.Header.Values("DPoP")) == 0 {
		return nil
	}
	cnf, err := p.confirm(c)
	if err != nil || cnf.JKT == "" {
		return err
	}
	if said := in.values.Get("dpop_jkt"); said != "" && said != cnf.JKT {
		return &oauthError{code: "invalid_dpop_proof", description: "the DPoP proof is not by the key that dpop_jkt names", status: http.StatusBadRequest}
	}
	in.values.Set("dpop_jkt", cnf.JKT)
	return nil
}
