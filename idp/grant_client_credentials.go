package idp

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// clientCredentials gives a product a token for itself (RFC 6749 section 4.4).
// For a company's client the company's networks decide first. There is no
// refresh token, for the client can ask again, and no ID token, for nobody
// signed in.
func (p *Provider) clientCredentials(ctx context.Context, c *call) (any, error) {
	client := c.client
	if client.AuthMethod == storage.AuthNone {
		return nil, wrongClient(client.ID + " can't prove who it is, and so can't act for itself")
	}
	reach, err := p.Sessions.Reach(ctx, client)
	if err != nil {
		return nil, err
	}
	api, err := target(reach, client, c.form["resource"], nil)
	if err != nil {
		return nil, err
	}
	scope, err := machineScope(client, machineMayAsk(client, api), scopes(c.form.Get("scope")))
	if err == nil {
		err = p.machineMayEnter(ctx, client)
	}
	if err != nil {
		return nil, err
	}
	now, secret := p.Now(), storage.NewSecret()
	row := storage.MachineToken{
		Hash: storage.Hash(secret), Kind: storage.AccessToken, ClientID: client.ID, Scope: scope, Cnf: c.cnf.kept(), CreatedAt: now, ExpiresAt: now.Add(accessLifetime),
	}
	if api != nil {
		// What is secret of a JWT is its signature; its row is found by its jti.
		t := atJWT{api: api, holder: client, jti: secret, scope: scope, cnf: c.cnf, issued: now, until: row.ExpiresAt}
		row.Kind, row.Audience = storage.JWTAccessToken, api.API.Resource
		if secret, err = p.signAccess(ctx, t, p.ofMachine(t)); err != nil {
			return nil, err
		}
	}
	err = p.DB.Write(ctx, func(tx *storage.Tx) error {
		if err := tx.InsertMachineToken(ctx, row); err != nil {
			return err
		}
		return tx.Audit(ctx, p.machineEvent(ctx, "token.machine_issued", storage.OK, client))
	})
	if err != nil {
		return nil, err
	}
	return tokenAnswer{AccessToken: secret, TokenType: c.cnf.tokenType(), ExpiresIn: int64(accessLifetime / time.Second), Scope: scope}, nil
}

// machineScope is what a machine asks for, or all it may have where it asks
// for nothing (RFC 6749 section 3.3).
func machineScope(client *storage.Client, may, asked []string) (string, error) {
	granted := []string{}
	for _, s := range asked {
		switch {
		case slices.Contains(session.SignInScopes(), s):
			return "", oauth(invalidScope, "scope %s is for people: nobody signs in by client_credentials", s)
		case !slices.Contains(may, s):
			return "", oauth(invalidScope, "%s is not registered for scope '%s'; scopes of an API need its resource", client.ID, descriptionText(s))
		case !slices.Contains(granted, s):
			granted = append(granted, s)
		}
	}
	if len(asked) == 0 {
		granted = may
	}
	return strings.Join(granted, " "), nil
}

// machineMayEnter asks the company that a client acts for. The answer goes to
// the client, which has proved who it is: it says how to mend it.
func (p *Provider) machineMayEnter(ctx context.Context, client *storage.Client) error {
	if client.Org == "" {
		return nil
	}
	company, err := p.Sessions.Company(ctx, client.Org)
	if err != nil {
		return err
	}
	reason, ok := policy.MachineMayEnter(company, session.OriginOf(ctx).Addr)
	if ok {
		return nil
	}
	err = p.DB.Write(ctx, func(tx *storage.Tx) error {
		e := p.machineEvent(ctx, "token.machine_refused", storage.Refused, client)
		e.Reason, e.Decision = reason.String(), string(reason.Code)
		return tx.Audit(ctx, e)
	})
	if err != nil {
		return err
	}
	return oauth(unauthorizedClient, "%s", descriptionText(reason.String()+": an administrator of "+company.Name+
		" names this client's addresses under Networks, Machine access"))
}

// machineEvent starts an audit event about a product that acts for itself, in
// its company's audit.
func (p *Provider) machineEvent(ctx context.Context, name, result string, client *storage.Client) storage.Event {
	e := p.event(ctx, name, result, client, nil)
	e.OrgID = client.Org
	return e
}
