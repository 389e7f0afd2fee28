package idp

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

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
	Cnf       confirmation     `json:"cnf,omitzero"`
	Act       *actor           `json:"act,omitempty"`
}

// introspectToken says whether an access token stands, and what it is worth
// (RFC 7662). Refresh tokens are nobody's business but this provider's: they
// are never active here.
func (p *Provider) introspectToken(ctx context.Context, c *call) (any, error) {
	if c.client.AuthMethod == storage.AuthNone {
		return nil, wrongClient("a public client can't introspect")
	}
	token, err := c.needed("token")
	if err != nil {
		return nil, err
	}
	answer, err := p.introspect(ctx, c.client, token)
	if err != nil {
		return nil, err
	}
	// Whoever asks for JSON gets it, whatever it is registered for.
	if !accepts(c.request, mediaIntrospection) && (c.client.IntrospectionAlg == "" || accepts(c.request, "application/json")) {
		return answer, nil
	}
	return p.signedIntrospection(ctx, c.client, answer)
}

// mediaIntrospection is that of RFC 9701 section 4.
const mediaIntrospection = "application/" + typIntrospection

// signedIntrospection is the answer as a JWT for the client that asked (RFC
// 9701 section 5), inactive tokens alike.
func (p *Provider) signedIntrospection(ctx context.Context, caller *storage.Client, answer introspection) (any, error) {
	token, err := p.sign(ctx, cmp.Or(caller.IntrospectionAlg, RS256), typIntrospection, map[string]any{
		"iss": p.Issuer, "aud": caller.ID, "iat": p.Now().Unix(), "token_introspection": answer,
	})
	return signedAnswer{token: token, contentType: mediaIntrospection}, err
}

// mayLearn says who learns what a token is worth. Of one for an API it is the
// client that holds it and the product that serves the API, nobody else (RFC
// 9701 section 5). Of one for this provider it is the client that holds it and
// first-party products, who serve as APIs to others without a resource.
func (p *Provider) mayLearn(ctx context.Context, caller *storage.Client, holderID, audience string) (bool, error) {
	switch {
	case caller.ID == holderID:
		return true, nil
	case audience == "":
		return caller.FirstParty, nil
	}
	api, err := p.Sessions.API(ctx, audience)
	return api != nil && api.ID == caller.ID, err
}

func (p *Provider) introspect(ctx context.Context, caller *storage.Client, presented string) (introspection, error) {
	access, err := p.accessToken(ctx, presented)
	if errors.Is(err, errNotOurs) {
		return introspection{}, nil
	}
	if err != nil {
		return introspection{}, err
	}
	if access.machine {
		return p.introspectMachine(ctx, caller, access)
	}
	token, st, err := p.DB.AccessTokenStanding(ctx, access.kind, access.hash, p.Now())
	if errors.Is(err, storage.ErrNotFound) && access.kind == storage.AccessToken {
		return p.introspectMachine(ctx, caller, access)
	}
	if errors.Is(err, storage.ErrNotFound) {
		return introspection{}, nil
	}
	if err != nil {
		return introspection{}, err
	}
	if may, err := p.mayLearn(ctx, caller, st.Grant.ClientID, token.Audience); !may || err != nil {
		return introspection{}, err
	}
	holder, d, err := p.holder(ctx, st)
	if err != nil {
		return introspection{}, err
	}
	stands, err := p.tokenStands(ctx, holder, token, st, d)
	if !stands || err != nil {
		return introspection{}, err
	}
	subject, err := p.subject(ctx, holder, st.User.ID)
	if err != nil {
		return introspection{}, err
	}
	cnf, err := confirmationOf(token.Cnf)
	if err != nil {
		return introspection{}, err
	}
	answer := introspection{
		Active: true, Issuer: p.Issuer, Subject: subject, Audience: cmp.Or(token.Audience, holder.ID), ClientID: holder.ID,
		Scope: token.Scope, TokenType: cnf.tokenType(), Expires: token.ExpiresAt.Unix(), Issued: token.CreatedAt.Unix(), Session: st.Grant.SessionID,
		ACR: d.Assurance.ACR, AMR: d.Assurance.AMR, AuthTime: d.Assurance.AuthTime.Unix(), AMRTimes: d.Assurance.AMRTimes, Cnf: cnf, Act: d.Act,
	}
	// Nobody learns an address that its person didn't give to the holder.
	if token.Audience == "" && slices.Contains(scopes(token.Scope), "email") {
		answer.Username = st.User.Email
	}
	if !d.Assurance.MFATime.IsZero() {
		answer.MFATime = d.Assurance.MFATime.Unix()
	}
	return answer, nil
}

// tokenStands asks the policy about a person's access token, and of one for an
// API whether its client could still get it. In the token's scope it leaves what
// the client may still ask for.
func (p *Provider) tokenStands(ctx context.Context, holder *storage.Client, token *storage.Token, st *storage.Standing, d details) (bool, error) {
	reach, err := p.Sessions.Reach(ctx, holder)
	if err == nil {
		err = p.stands(holder, st, d)
	}
	token.Scope = strings.Join(stillIn(reach.Scopes(d.Resources), token.Scope), " ")
	if err == nil && token.Audience != "" {
		var api *storage.Client
		api, err = apiFor(reach, holder, token.Audience)
		if err == nil {
			err = p.admits(api, st, d)
		}
		if err == nil {
			token.Scope = apiScope(api, token.Scope)
		}
	}
	if _, refused := errors.AsType[*oauthError](err); refused {
		return false, nil
	}
	return err == nil, err
}

// introspectMachine answers of a token by client credentials, whose subject is
// the client itself (RFC 9068 section 2.2).
func (p *Provider) introspectMachine(ctx context.Context, caller *storage.Client, access presentedAccess) (introspection, error) {
	token, err := p.DB.MachineToken(ctx, access.kind, access.hash, p.Now())
	if errors.Is(err, storage.ErrNotFound) {
		return introspection{}, nil
	}
	if err != nil {
		return introspection{}, err
	}
	if may, err := p.mayLearn(ctx, caller, token.ClientID, token.Audience); !may || err != nil {
		return introspection{}, err
	}
	holder, stands, err := p.machineStands(ctx, token)
	if !stands || err != nil {
		return introspection{}, err
	}
	cnf, err := confirmationOf(token.Cnf)
	return introspection{
		Active: true, Issuer: p.Issuer, Subject: holder.ID, Audience: cmp.Or(token.Audience, holder.ID), ClientID: holder.ID,
		Scope: token.Scope, TokenType: cnf.tokenType(), Expires: token.ExpiresAt.Unix(), Issued: token.CreatedAt.Unix(), Cnf: cnf,
	}, err
}

// machineStands says whether a machine's client is still registered for the
// grant and for the API, and leaves in the token's scope what it may still do.
func (p *Provider) machineStands(ctx context.Context, token *storage.MachineToken) (*storage.Client, bool, error) {
	holder, err := p.DB.Client(ctx, token.ClientID)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil || !slices.Contains(holder.GrantTypes, session.ClientCredentials) {
		return nil, false, err
	}
	reach, err := p.Sessions.Reach(ctx, holder)
	if err != nil {
		return nil, false, err
	}
	var api *storage.Client
	if token.Audience != "" {
		api, err = apiFor(reach, holder, token.Audience)
		if _, refused := errors.AsType[*oauthError](err); refused {
			return nil, false, nil
		}
		if err != nil {
			return nil, false, err
		}
	}
	token.Scope = strings.Join(stillIn(machineMayAsk(holder, api), token.Scope), " ")
	return holder, true, nil
}
