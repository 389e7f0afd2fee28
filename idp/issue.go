package idp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// details are what is kept with a grant when its code is issued: what the code
// is bound to, and what the sign-in was worth. A later step-up raises new
// tokens, never these.
type details struct {
	RedirectURI    string           `json:"redirect_uri"`
	Nonce          string           `json:"nonce,omitempty"`
	CodeChallenge  string           `json:"code_challenge,omitempty"`
	DPoPJKT        string           `json:"dpop_jkt,omitempty"`
	Resources      []string         `json:"resources,omitempty"`
	Assurance      policy.Assurance `json:"assurance"`
	IDTokenClaims  []string         `json:"id_token_claims,omitempty"`
	UserinfoClaims []string         `json:"userinfo_claims,omitempty"`
	// Act says who acts for the person, where a token was exchanged (RFC 8693).
	Act *actor `json:"act,omitempty"`
}

func detailsOf(g *storage.Grant) (d details, err error) { return d, json.Unmarshal(g.Details, &d) }

// answering is the request that an answer uses up: at most one of them is set
// to something that can be used up.
type answering struct {
	// kept went through login.
	kept *storage.AuthRequest
	// pushed needed no page.
	pushed *incoming
}

func (a answering) use(ctx context.Context, tx *storage.Tx, now time.Time) error {
	if a.kept != nil {
		return tx.FinishAuthRequest(ctx, a.kept.ID, now)
	}
	return a.pushed.spend(ctx, tx, "", now)
}

// errSessionOver says that the session was ended while its request was being
// answered.
var errSessionOver = errors.New("the session is over")

// issue answers a request that passed: with a code, an ID token, or both, or
// for an internal client with the way back alone.
func (p *Provider) issue(w http.ResponseWriter, r *http.Request, asked session.Asked, facts policy.Facts, in *storage.SignedIn, of answering) {
	if asked.Params.Device != "" {
		p.allowDevice(w, r, asked, facts, in, of.kept)
		return
	}
	ctx, now := r.Context(), p.Now()
	to := answerOf(asked.Client, asked.Params)
	code := storage.NewSecret()
	assurance := facts.Assurance()
	grant, err := p.newGrant(asked, assurance, in, code, now)
	var values url.Values
	if err == nil {
		// Signed before anything is written: a transaction waits for nothing.
		values, err = p.answerValues(ctx, asked, in, grant, code)
	}
	if err != nil {
		p.refuse(w, r, to, err)
		return
	}
	err = p.DB.Write(ctx, func(tx *storage.Tx) error {
		if givesIDToken(asked.Params.ResponseType) {
			// A code is worth nothing once its session is over. An ID token is
			// out: either a sign-out sees its grant, or it isn't given.
			if err := tx.HoldSession(ctx, in.User.ID, in.Session.ID, now); storage.IsSpent(err) {
				return fmt.Errorf("%w: %w", errSessionOver, err)
			} else if err != nil {
				return err
			}
		}
		if err := of.use(ctx, tx, now); err != nil {
			return err
		}
		if err := p.keepConsent(ctx, tx, of.kept, in.User.ID); err != nil {
			return err
		}
		event := p.event(ctx, "product.entered", storage.OK, asked.Client, &in.User)
		event.Reason = assurance.ACR
		if asked.Client.Internal {
			event.Event = "account.entered"
			return tx.Audit(ctx, event)
		}
		if err := tx.InsertGrant(ctx, grant); err != nil {
			return err
		}
		if !givesCode(asked.Params.ResponseType) {
			// Nobody is told this code. Its grant is what a sign-out tells the
			// product by, and nothing can be redeemed for it.
			if _, err := tx.SpendCode(ctx, grant.CodeHash, asked.Client.ID, now); err != nil {
				return err
			}
		}
		if err := p.Sessions.Touch(ctx, tx, in); err != nil {
			return err
		}
		return tx.Audit(ctx, event)
	})
	switch {
	case storage.IsSpent(err) && of.kept != nil:
		http.Redirect(w, r, "/login?r="+url.QueryEscape(of.kept.ID), http.StatusSeeOther)
	case errors.Is(err, errSessionOver):
		http.Redirect(w, r, "/authorize?"+r.URL.RawQuery, http.StatusSeeOther) // once more, as what it is now: nobody's
	case storage.IsSpent(err) && of.pushed.hash != "":
		p.lost(w, r, of.pushed)
	case err != nil:
		p.refuse(w, r, to, err)
	default:
		if state := p.sessionState(w, r, asked); state != "" {
			values.Set("session_state", state)
		}
		p.respond(w, r, to, values)
	}
}

// answerValues are the parameters of the answer, by response type.
func (p *Provider) answerValues(ctx context.Context, asked session.Asked, in *storage.SignedIn, grant storage.Grant, code string) (url.Values, error) {
	values := url.Values{}
	with := beside{}
	if givesCode(asked.Params.ResponseType) {
		values.Set("code", code)
		with.code = code
	}
	if !givesIDToken(asked.Params.ResponseType) {
		return values, nil
	}
	d, err := detailsOf(&grant)
	if err != nil {
		return nil, err
	}
	if with.code == "" {
		// There will be no access token to ask for claims with, so those of the
		// scopes are in here (OpenID Connect Core section 5.4).
		for _, scope := range scopes(grant.Scope) {
			d.IDTokenClaims = append(d.IDTokenClaims, session.ScopeClaims(scope)...)
		}
	}
	token, err := p.idToken(ctx, asked.Client, &storage.Standing{Grant: grant, User: in.User}, d, grant.Scope, with)
	values.Set("id_token", token)
	return values, err
}

func (p *Provider) newGrant(asked session.Asked, assurance policy.Assurance, in *storage.SignedIn, code string, now time.Time) (storage.Grant, error) {
	kept, err := json.Marshal(details{
		RedirectURI: asked.Params.RedirectURI, Nonce: asked.Params.Nonce, CodeChallenge: asked.Params.CodeChallenge, DPoPJKT: asked.Params.DPoPJKT,
		Resources: asked.Params.Resources, Assurance: assurance,
		IDTokenClaims: asked.Params.IDTokenClaims, UserinfoClaims: asked.Params.UserinfoClaims,
	})
	g := storage.Grant{
		ID: storage.NewID(), ClientID: asked.Client.ID, UserID: in.User.ID, SessionID: in.Session.ID, Scope: asked.Params.Scope,
		CodeHash: storage.Hash(code), CodeExpiresAt: now.Add(codeLifetime), Details: kept,
		Offline:   slices.Contains(scopes(asked.Params.Scope), "offline_access"),
		CreatedAt: now, ExpiresAt: in.Session.ExpiresAt,
	}
	if g.Offline {
		g.ExpiresAt = now.Add(refreshLifetime)
	}
	return g, err
}

// keepConsent remembers what the person allowed on the way. A yes to less
// doesn't take back what was allowed before: that is for the account, where it
// ends what was given.
func (p *Provider) keepConsent(ctx context.Context, tx *storage.Tx, a *storage.AuthRequest, userID string) error {
	if a == nil || a.Stamps.Consented == "" {
		return nil
	}
	return tx.AddConsent(ctx, userID, a.ClientID, a.Stamps.Consented, p.Now())
}
