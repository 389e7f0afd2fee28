package idp

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// Bearer says who presents an access token to an API of this provider's own
// (RFC 6750, RFC 9449 section 7). It asks what introspection asks:
// session.ErrNoBearer where the token, or what it was given for, no longer
// stands, or where another key or certificate is needed to present it; a
// session.ProofError where a DPoP proof is wrong. A person's token takes one
// statement, a machine's two, a proof one more.
func (p *Provider) Bearer(ctx context.Context, presented session.Presented) (*session.Bearer, error) {
	token, st, err := p.DB.AccessTokenStanding(ctx, storage.AccessToken, storage.Hash(presented.Secret), p.Now())
	if errors.Is(err, storage.ErrNotFound) {
		return p.machineBearer(ctx, presented)
	}
	if err != nil {
		return nil, err
	}
	if err := p.bearerHolds(presented, token.Cnf); err != nil {
		return nil, err
	}
	client, d, err := p.holder(ctx, st)
	if err != nil {
		return nil, err
	}
	if p.stands(client, st, d) != nil {
		return nil, session.ErrNoBearer
	}
	return &session.Bearer{
		ClientID: client.ID, ClientName: client.Name, OrgID: st.User.OrgID, User: &st.User,
		Scope: stillIn(client.Scopes, token.Scope), Level: d.Assurance.Level, MFATime: d.Assurance.MFATime, ExpiresAt: token.ExpiresAt,
	}, nil
}

// bearerHolds is holds in the words of an API.
func (p *Provider) bearerHolds(presented session.Presented, kept string) error {
	err := p.holds(presented, kept)
	e, ok := errors.AsType[*oauthError](err)
	switch {
	case !ok:
		return err
	case e.code == invalidToken:
		return session.ErrNoBearer
	}
	return &session.ProofError{Code: e.code, Description: e.description}
}

func (p *Provider) machineBearer(ctx context.Context, presented session.Presented) (*session.Bearer, error) {
	client, token, err := p.machine(ctx, presented.Secret)
	if err != nil {
		return nil, err
	}
	if err := p.bearerHolds(presented, token.Cnf); err != nil {
		return nil, err
	}
	return &session.Bearer{
		ClientID: client.ID, ClientName: client.Name, OrgID: client.Org, Scope: scopes(token.Scope), ExpiresAt: token.ExpiresAt,
	}, nil
}

// machine finds the client of a token by client credentials, and leaves in the
// token's scope what the client is still registered for. session.ErrNoBearer
// where it isn't registered for the grant any more.
func (p *Provider) machine(ctx context.Context, secret string) (*storage.Client, *storage.MachineToken, error) {
	token, err := p.DB.MachineToken(ctx, storage.AccessToken, storage.Hash(secret), p.Now())
	var client *storage.Client
	if err == nil {
		client, err = p.DB.Client(ctx, token.ClientID)
	}
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, nil, session.ErrNoBearer
	case err != nil:
		return nil, nil, err
	case !slices.Contains(client.GrantTypes, session.ClientCredentials):
		return nil, nil, session.ErrNoBearer
	}
	token.Scope = strings.Join(stillIn(session.MachineScopes(client), token.Scope), " ")
	return client, token, nil
}

// stillIn are the scopes of a token that are registered.
func stillIn(registered []string, scope string) []string {
	return slices.DeleteFunc(scopes(scope), func(s string) bool { return !slices.Contains(registered, s) })
}
