package idp

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// typeAccessToken is the only type of token exchanged here (RFC 8693 section 3).
const typeAccessToken = "urn:ietf:params:oauth:token-type:access_token"

// actor is the act claim (RFC 8693 section 4.1): the product that acts for the
// person, and by whose token it came to.
type actor struct {
	Subject string `json:"sub"`
	Earlier *actor `json:"act,omitempty"`
}

// exchange gives a product an access token of its own for one that another
// product holds (RFC 8693), where it is registered for that: as the person
// (impersonation), or for the person (delegation), which the new token says.
// The new one is of the same session, says the same of the sign-in, and never
// outlives the old one, nor its grant. It comes alone: without a refresh token
// and without an ID token, for nobody signed in to this product.
func (p *Provider) exchange(ctx context.Context, c *call) (any, error) {
	if c.client.AuthMethod == storage.AuthNone {
		return nil, wrongClient(c.client.ID + " can't prove who it is, and so can't act for others")
	}
	given, err := p.subjectToken(ctx, c)
	if err != nil {
		return nil, err
	}
	var act *actor
	var api *storage.Client
	if given.token.Cnf != "" && c.cnf == (confirmation{}) {
		// Else whoever copies the new token could do what with the old one they can't.
		err = oauth(invalidRequest, "the subject_token is bound to a key: send a DPoP proof in the header DPoP, or come with a certificate, so that the new one is bound too")
	}
	if err == nil {
		act, err = p.actsAs(ctx, c, given)
	}
	if err == nil {
		api, err = p.exchangeTarget(ctx, c)
	}
	var scope string
	if err == nil {
		scope, err = p.exchangedScope(ctx, c, given, api)
	}
	if err == nil {
		err = p.carries(ctx, c.client, api, given)
	}
	if err != nil {
		return nil, p.exchangeRefused(ctx, c, given, err)
	}
	return p.exchanged(ctx, c, given, act, api, scope)
}

// givenToken is the access token that is exchanged, with what it stands for.
type givenToken struct {
	token    *storage.Token
	standing *storage.Standing
	details  details
	// holder is the product it was issued to.
	holder *storage.Client
}

// subjectToken finds the token that is to be exchanged. What is wrong with it
// is invalid_request (RFC 8693 section 2.2.2). A token that isn't the caller's
// to exchange is answered like one that doesn't exist.
func (p *Provider) subjectToken(ctx context.Context, c *call) (*givenToken, error) {
	presented, err := c.tokenOf("subject_token")
	if err == nil {
		_, err = c.needed("subject_token")
	}
	if err != nil {
		return nil, err
	}
	if t := c.form.Get("requested_token_type"); t != "" && t != typeAccessToken {
		return nil, oauth(invalidRequest, "requested_token_type must be %s", typeAccessToken)
	}
	unknown := func(cause string) error {
		return &oauthError{code: invalidRequest, cause: errors.New(cause),
			description: "the subject_token is unknown, expired or revoked, or " + c.client.ID + " is not registered to exchange tokens of its product"}
	}
	access, err := p.accessToken(ctx, presented)
	if errors.Is(err, errNotOurs) {
		return nil, unknown("not ours")
	}
	if err != nil {
		return nil, err
	}
	if access.machine {
		return nil, unknown("a machine's")
	}
	var g givenToken
	g.token, g.standing, err = p.DB.AccessTokenStanding(ctx, access.kind, access.hash, p.Now())
	if errors.Is(err, storage.ErrNotFound) {
		return nil, unknown("no such token")
	}
	if err != nil {
		return nil, err
	}
	if g.holder, g.details, err = p.holder(ctx, g.standing); err != nil {
		return nil, err
	}
	stands, err := p.tokenStands(ctx, g.holder, g.token, g.standing, g.details)
	if err != nil {
		return nil, err
	}
	if !stands {
		return nil, unknown("it no longer stands")
	}
	// A token for an API is exchanged by that API alone: nobody else should have
	// seen it.
	if may, err := p.mayLearn(ctx, c.client, g.holder.ID, g.token.Audience); err != nil {
		return nil, err
	} else if g.token.Audience != "" && !may {
		return nil, unknown("it is for another API")
	}
	may := c.client.Exchange
	if !slices.Contains(slices.Concat(may.Impersonate, may.Delegate), g.holder.ID) {
		return nil, unknown("not registered for tokens of " + g.holder.ID)
	}
	return &g, nil
}

// tokenOf is a token of the form, which is of the only type there is.
func (c *call) tokenOf(name string) (string, error) {
	token, kind := c.form.Get(name), c.form.Get(name+"_type")
	switch {
	case token == "" && kind != "":
		return "", oauth(invalidRequest, "%s_type without %s", name, name)
	case token != "" && kind != typeAccessToken:
		return "", oauth(invalidRequest, "%s_type must be %s", name, typeAccessToken)
	}
	return token, nil
}

// actsAs is the act claim of the new token: what was said of the old one, with
// the caller in front where it acts by delegation. Who is registered for both
// delegates by presenting an actor_token.
func (p *Provider) actsAs(ctx context.Context, c *call, given *givenToken) (*actor, error) {
	actorToken, err := c.tokenOf("actor_token")
	if err != nil {
		return nil, err
	}
	may, holder := c.client.Exchange, given.holder.ID
	impersonates, delegates := slices.Contains(may.Impersonate, holder), slices.Contains(may.Delegate, holder)
	switch {
	case actorToken != "" && !delegates:
		return nil, oauth(invalidRequest, "%s is not registered to act for people by tokens of %s: leave the actor_token out", c.client.ID, holder)
	case actorToken != "":
		if err := p.ownToken(ctx, c, actorToken); err != nil {
			return nil, err
		}
	case impersonates:
		return given.details.Act, nil
	}
	return &actor{Subject: c.client.ID, Earlier: given.details.Act}, nil
}

// ownToken checks an actor_token: an access token that the caller got for
// itself, by client credentials.
func (p *Provider) ownToken(ctx context.Context, c *call, presented string) error {
	wrong := oauth(invalidRequest, "the actor_token is not a valid access token that %s got for itself by client_credentials", c.client.ID)
	access, err := p.accessToken(ctx, presented)
	if errors.Is(err, errNotOurs) {
		return wrong
	}
	if err != nil {
		return err
	}
	token, err := p.DB.MachineToken(ctx, access.kind, access.hash, p.Now())
	if errors.Is(err, storage.ErrNotFound) {
		return wrong
	}
	if err != nil {
		return err
	}
	cnf, err := confirmationOf(token.Cnf)
	if err != nil {
		return err
	}
	if token.ClientID != c.client.ID || !cnf.heldBy(c.cnf) {
		return wrong
	}
	_, stands, err := p.machineStands(ctx, token)
	if err == nil && !stands {
		return wrong
	}
	return err
}

// exchangeTarget is the product whose API the new token is for, by resource
// (RFC 8707) or by audience, its client id; nil where it is for this provider.
func (p *Provider) exchangeTarget(ctx context.Context, c *call) (*storage.Client, error) {
	reach, err := p.Sessions.Reach(ctx, c.client)
	if err != nil {
		return nil, err
	}
	api, err := target(reach, c.client, c.form["resource"], nil)
	audience := c.form.Get("audience")
	if err != nil || audience == "" {
		return api, err
	}
	named, err := p.DB.Client(ctx, audience)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return nil, err
	}
	switch {
	case err != nil || named.API == nil:
		return nil, oauth(invalidTarget, "audience must be the client_id of a product with an API")
	case api != nil && api.ID != named.ID:
		return nil, oauth(invalidTarget, "audience and resource name different APIs")
	}
	return apiFor(reach, c.client, named.API.Resource)
}

// goesTo says what the APIs are that the person let the holder call. A grant
// that was exchanged keeps those of the first one.
func (g *givenToken) goesTo() []string {
	if len(g.details.Resources) > 0 || g.standing.Grant.Parent != "" {
		return g.details.Resources
	}
	return g.holder.Resources
}

// carried is what the scope of the old token is worth in a new one for an API,
// or for this provider where that is nil. What one API calls its scopes another
// may call its own too: between two of them only what the person let the holder
// have of both is carried. Roles are told by every API's token, though its
// scope doesn't say so.
func (g *givenToken) carried(api *storage.Client) string {
	old, target := g.token.Audience, ""
	if api != nil {
		target = api.API.Resource
	}
	ours := append(session.SignInScopes(), session.AdminScopes()...)
	all := slices.DeleteFunc(scopes(g.token.Scope), func(s string) bool {
		return old != target && !slices.Contains(g.goesTo(), target) && (old != "" || !slices.Contains(ours, s))
	})
	if old != "" && api != nil && slices.Contains(scopes(g.standing.Grant.Scope), "roles") && slices.Contains(g.holder.Scopes, "roles") {
		all = append(all, "roles")
	}
	return strings.Join(all, " ")
}

// exchangedScope is what the caller asks for, or all it can have: of what the
// old token carries what the caller may ask for itself. Access that lasts while
// people are away stays with whom they gave it to. A token for an API says of it
// only that API's scopes.
func (p *Provider) exchangedScope(ctx context.Context, c *call, given *givenToken, api *storage.Client) (string, error) {
	var resources []string
	if api != nil {
		resources = []string{api.API.Resource}
	}
	may, err := p.Sessions.ScopesOf(ctx, c.client, resources)
	if err != nil {
		return "", err
	}
	can := slices.DeleteFunc(stillIn(may, given.carried(api)), func(s string) bool { return s == "offline_access" })
	asked := scopes(c.form.Get("scope"))
	for _, s := range asked {
		if !slices.Contains(can, s) {
			return "", oauth(invalidScope, "scope '%s' is not one of both the subject_token and %s", descriptionText(s), c.client.ID)
		}
	}
	if len(asked) > 0 {
		can = asked
	}
	return strings.Join(slices.Compact(can), " "), nil
}

// carries asks the policy whether the person, who isn't there, may enter the
// caller by this sign-in, and the product that the new token is for.
func (p *Provider) carries(ctx context.Context, client, api *storage.Client, given *givenToken) error {
	st, d := given.standing, given.details
	company, err := p.Sessions.Company(ctx, st.User.OrgID)
	if err != nil {
		return err
	}
	enters := func(product *storage.Client) policy.Decision {
		return policy.Carries(p.held(product, st, d), policy.Product{
			ID: product.ID, Name: product.Name, RequireTwoFactors: session.RequiresTwoFactors(product, &st.User),
		}, company)
	}
	if decision := enters(client); decision.Do != policy.Pass {
		return decided(invalidRequest, decision.Reason)
	}
	if api == nil {
		return nil
	}
	if decision := enters(api); decision.Do != policy.Pass {
		return decided(invalidTarget, decision.Reason)
	}
	return nil
}

// exchangeRefused writes down who couldn't act for whom.
func (p *Provider) exchangeRefused(ctx context.Context, c *call, given *givenToken, why error) error {
	if _, ours := errors.AsType[*oauthError](why); !ours {
		return why
	}
	err := p.DB.Write(ctx, func(tx *storage.Tx) error {
		return p.auditRefused(ctx, tx, "token.exchange_refused", c.client, &given.standing.User, why)
	})
	if err != nil {
		return err
	}
	return why
}

// exchanged keeps the new grant, of the whole scope, and its only token, and
// answers.
func (p *Provider) exchanged(ctx context.Context, c *call, given *givenToken, act *actor, api *storage.Client, whole string) (any, error) {
	scope := whole
	if api != nil {
		scope = apiScope(api, whole)
	}
	d := details{Assurance: given.details.Assurance, Act: act, Resources: given.goesTo()}
	kept, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	now, old := p.Now(), given.standing.Grant
	until := given.token.ExpiresAt
	if most := now.Add(accessLifetime); until.After(most) {
		until = most
	}
	grant := storage.Grant{
		ID: storage.NewID(), ClientID: c.client.ID, UserID: old.UserID, SessionID: old.SessionID, Scope: whole,
		Parent: old.ID, CodeExpiresAt: now, Details: kept, Offline: old.Offline, CreatedAt: now, ExpiresAt: until,
	}
	secret := storage.NewSecret()
	row := storage.Token{
		Hash: storage.Hash(secret), Kind: storage.AccessToken, GrantID: grant.ID, Parent: given.token.Hash, Scope: scope,
		Cnf: c.cnf.kept(), CreatedAt: now, ExpiresAt: until,
	}
	answer := tokenAnswer{
		AccessToken: secret, TokenType: c.cnf.tokenType(), ExpiresIn: int64(until.Sub(now) / time.Second), Scope: scope, IssuedTokenType: typeAccessToken,
	}
	if api != nil {
		row.Kind, row.Audience = storage.JWTAccessToken, api.API.Resource
		t := atJWT{api: api, holder: c.client, jti: secret, scope: scope, cnf: c.cnf, issued: now, until: until}
		claims, err := p.ofPerson(ctx, t, &storage.Standing{Grant: grant, User: given.standing.User}, d, whole)
		if err == nil {
			answer.AccessToken, err = p.signAccess(ctx, t, claims)
		}
		if err != nil {
			return nil, err
		}
	}
	err = p.DB.Write(ctx, func(tx *storage.Tx) error {
		// Whoever revokes the old token or its grant at this moment comes before or
		// after, and either way nothing of the new one is left.
		if err := tx.HoldGrant(ctx, old.ID); err != nil {
			return err
		}
		if err := tx.HoldToken(ctx, given.token.Hash); err != nil {
			return err
		}
		if err := tx.InsertGrant(ctx, grant); err != nil {
			return err
		}
		if err := tx.InsertTokens(ctx, row); err != nil {
			return err
		}
		e := p.event(ctx, "token.exchanged", storage.OK, c.client, &given.standing.User)
		e.Reason = "as the person, by a token of " + given.holder.ID
		if act != nil && act.Subject == c.client.ID && act != given.details.Act {
			e.Reason = "for the person, by a token of " + given.holder.ID
		}
		return tx.Audit(ctx, e)
	})
	if storage.IsSpent(err) {
		return nil, oauth(invalidRequest, "the subject_token was revoked this moment")
	}
	return answer, err
}
