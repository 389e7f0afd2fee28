package idp

import (
	"context"
	"errors"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// introspection is the answer of RFC 7662 section 2.2, with what RFC 9470
// section 6.2 adds, and mfa_time and amr_times of ours.
type introspection struct {
	Active    bool             `json:"active"`
	Issuer    string           `json:"iss,omitempty"`
	Subject   string           `json:"sub,omitempty"`
	Audience  string           `json:"aud,omitempty"`
	ClientID  string           `json:"client_id,omitempty"`
	Username  string           `json:"username,omitempty"`
	Scope     string           `json:"scope,omitempty"`
	TokenType string           `json:"token_type,omitempty"`
	Expires   int64            `json:"exp,omitempty"`
	Issued    int64            `json:"iat,omitempty"`
	Session   string           `json:"sid,omitempty"`
	ACR       string           `json:"acr,omitempty"`
	AMR       []string         `json:"amr,omitempty"`
	AuthTime  int64            `json:"auth_time,omitempty"`
	MFATime   int64            `json:"mfa_time,omitempty"`
	AMRTimes  map[string]int64 `json:"amr_times,omitempty"`
}

// introspectToken says whether an access token stands, and what it is worth
// (RFC 7662). A product learns of its own tokens; first-party products, which
// serve as APIs to others, of all.
func (p *Provider) introspectToken(ctx context.Context, c *call) (any, error) {
	if c.client.AuthMethod == storage.AuthNone {
		return nil, wrongClient("a public client can't introspect")
	}
	token, err := c.needed("token")
	if err != nil {
		return nil, err
	}
	return p.introspect(ctx, c.client, token)
}

func (p *Provider) introspect(ctx context.Context, caller *storage.Client, secret string) (introspection, error) {
	token, st, err := p.DB.AccessTokenStanding(ctx, storage.AccessToken, storage.Hash(secret), p.Now())
	if errors.Is(err, storage.ErrNotFound) {
		return p.introspectMachine(ctx, caller, secret)
	}
	if err != nil {
		return introspection{}, err
	}
	if st.Grant.ClientID != caller.ID && !caller.FirstParty {
		return introspection{}, nil
	}
	holder, d, err := p.holder(ctx, st)
	if err != nil {
		return introspection{}, err
	}
	if p.stands(holder, st, d) != nil {
		return introspection{}, nil
	}
	subject, err := p.subject(ctx, holder, st.User.ID)
	if err != nil {
		return introspection{}, err
	}
	answer := introspection{
		Active: true, Issuer: p.Issuer, Subject: subject, Audience: holder.ID, ClientID: holder.ID, Username: st.User.Email,
		Scope: token.Scope, TokenType: "Bearer", Expires: token.ExpiresAt.Unix(), Issued: token.CreatedAt.Unix(), Session: st.Grant.SessionID,
		ACR: d.Assurance.ACR, AMR: d.Assurance.AMR, AuthTime: d.Assurance.AuthTime.Unix(), AMRTimes: d.Assurance.AMRTimes,
	}
	if !d.Assurance.MFATime.IsZero() {
		answer.MFATime = d.Assurance.MFATime.Unix()
	}
	return answer, nil
}

// introspectMachine answers of a token by client credentials, whose subject is
// the client itself (RFC 9068 section 2.2).
func (p *Provider) introspectMachine(ctx context.Context, caller *storage.Client, secret string) (introspection, error) {
	holder, token, err := p.machine(ctx, secret)
	if errors.Is(err, session.ErrNoBearer) {
		return introspection{}, nil
	}
	if err != nil {
		return introspection{}, err
	}
	if holder.ID != caller.ID && !caller.FirstParty {
		return introspection{}, nil
	}
	return introspection{
		Active: true, Issuer: p.Issuer, Subject: holder.ID, Audience: holder.ID, ClientID: holder.ID,
		Scope: token.Scope, TokenType: "Bearer", Expires: token.ExpiresAt.Unix(), Issued: token.CreatedAt.Unix(),
	}, nil
}
