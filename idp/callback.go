package idp

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// answer is the one door back from login. It takes nothing from login but the
// id of the request: it checks the binding to this browser, reads the session,
// decides again, and gives at most one answer.
func (p *Provider) answer(w http.ResponseWriter, r *http.Request) {
	back := "/login?r=" + url.QueryEscape(r.URL.Query().Get("r"))
	a, err := p.DB.AuthRequest(r.Context(), r.URL.Query().Get("r"))
	if err != nil || !p.Sessions.Bound(r, a) || !a.FinishedAt.IsZero() || !a.ExpiresAt.After(p.Now()) {
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			p.developerError(w, r, p.asOAuth(r.Context(), err), "", "")
			return
		}
		http.Redirect(w, r, back, http.StatusSeeOther) // login says what is wrong, in words
		return
	}
	client, err := p.DB.Client(r.Context(), a.ClientID)
	var params session.Params
	if err == nil {
		params, err = session.ParamsOf(a)
	}
	if err != nil {
		p.developerError(w, r, p.asOAuth(r.Context(), err), "", "")
		return
	}
	to := answerTo{redirectURI: params.RedirectURI, mode: params.ResponseMode, state: params.State}
	in, err := p.Sessions.Current(r, client.ID)
	if err != nil {
		p.refuse(w, r, to, err)
		return
	}
	asked := session.Asked{Client: client, Params: params, Stamps: a.Stamps, Began: a.CreatedAt, Session: in != nil}
	if asked.Person, asked.Proofs, err = p.Sessions.OnTheWay(r.Context(), a, in); err != nil {
		p.refuse(w, r, to, err)
		return
	}
	facts, err := p.Sessions.Facts(r.Context(), asked)
	if err != nil {
		p.refuse(w, r, to, err)
		return
	}
	// The session that answers is the one this request's sign-in ended in.
	passed := in != nil && in.Session.ID == a.Stamps.Session
	decision := policy.Decide(facts)
	switch {
	case decision.Do == policy.Refuse:
		p.finish(w, r, to, a, refusal(decision))
	case a.Stamps.Denied:
		p.finish(w, r, to, a, oauth(accessDenied, "the person cancelled"))
	case decision.Do != policy.Pass || !passed:
		http.Redirect(w, r, back, http.StatusSeeOther)
	case params.Subject != "" && params.Subject != in.User.ID:
		p.finish(w, r, to, a, oauth(loginRequired, "another person signed in than the request asks for"))
	default:
		p.issue(w, r, asked, facts, in, a)
	}
}

// finish answers a kept request with an error, once.
func (p *Provider) finish(w http.ResponseWriter, r *http.Request, to answerTo, a *storage.AuthRequest, e *oauthError) {
	err := p.DB.Write(r.Context(), func(tx *storage.Tx) error {
		if err := tx.FinishAuthRequest(r.Context(), a.ID, p.Now()); err != nil {
			return err
		}
		event := p.event(r.Context(), "sign_in.refused", storage.Refused, nil, nil)
		event.ClientID, event.UserID, event.Reason = a.ClientID, a.UserID, e.code+": "+e.description
		event.Decision = string(e.reason)
		if u, err := tx.User(r.Context(), a.UserID); err == nil {
			event.OrgID = u.OrgID
		} else if !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		return tx.Audit(r.Context(), event)
	})
	switch {
	case storage.IsSpent(err):
		http.Redirect(w, r, "/login?r="+url.QueryEscape(a.ID), http.StatusSeeOther)
	case err != nil:
		p.refuse(w, r, to, err)
	default:
		p.refuse(w, r, to, e)
	}
}

// details are what is kept with a grant when its code is issued: what the code
// is bound to, and what the sign-in was worth. A later step-up raises new
// tokens, never these.
type details struct {
	RedirectURI    string           `json:"redirect_uri"`
	Nonce          string           `json:"nonce,omitempty"`
	CodeChallenge  string           `json:"code_challenge,omitempty"`
	Assurance      policy.Assurance `json:"assurance"`
	IDTokenClaims  []string         `json:"id_token_claims,omitempty"`
	UserinfoClaims []string         `json:"userinfo_claims,omitempty"`
}

func detailsOf(g *storage.Grant) (d details, err error) { return d, json.Unmarshal(g.Details, &d) }

// issue answers a request that passed: with a code, or for an internal client
// with the way back alone. a is nil where no page was needed.
func (p *Provider) issue(w http.ResponseWriter, r *http.Request, asked session.Asked, facts policy.Facts, in *storage.SignedIn, a *storage.AuthRequest) {
	ctx, now := r.Context(), p.Now()
	to := answerTo{redirectURI: asked.Params.RedirectURI, mode: asked.Params.ResponseMode, state: asked.Params.State}
	code, values := storage.NewSecret(), url.Values{}
	assurance := facts.Assurance()
	err := p.DB.Write(ctx, func(tx *storage.Tx) error {
		if a != nil {
			if err := tx.FinishAuthRequest(ctx, a.ID, now); err != nil {
				return err
			}
			if a.Stamps.Consented != "" {
				if err := tx.PutConsent(ctx, in.User.ID, asked.Client.ID, a.Stamps.Consented, now); err != nil {
					return err
				}
			}
		}
		event := p.event(ctx, "product.entered", storage.OK, asked.Client, &in.User)
		event.Reason = assurance.ACR
		if asked.Client.Internal {
			event.Event = "account.entered"
			return tx.Audit(ctx, event)
		}
		g, err := p.newGrant(asked, assurance, in, code, now)
		if err != nil {
			return err
		}
		if err := tx.InsertGrant(ctx, g); err != nil {
			return err
		}
		if err := p.Sessions.Touch(ctx, tx, in); err != nil {
			return err
		}
		values.Set("code", code)
		return tx.Audit(ctx, event)
	})
	switch {
	case storage.IsSpent(err):
		http.Redirect(w, r, "/login?r="+url.QueryEscape(a.ID), http.StatusSeeOther)
	case err != nil:
		p.refuse(w, r, to, err)
	default:
		p.respond(w, r, to, values)
	}
}

func (p *Provider) newGrant(asked session.Asked, assurance policy.Assurance, in *storage.SignedIn, code string, now time.Time) (storage.Grant, error) {
	kept, err := json.Marshal(details{
		RedirectURI: asked.Params.RedirectURI, Nonce: asked.Params.Nonce, CodeChallenge: asked.Params.CodeChallenge, Assurance: assurance,
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
