package idp

import (
	"errors"
	"net/http"
	"net/url"

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
	to := answerOf(client, params)
	in, err := p.Sessions.Current(r, client.ID)
	var meant bool
	if err == nil {
		meant, err = p.isMeant(r.Context(), client, params, in)
	}
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
	case !meant:
		p.finish(w, r, to, a, oauth(loginRequired, "another person signed in than the request asks for"))
	default:
		p.issue(w, r, asked, facts, in, answering{kept: a})
	}
}

// finish answers a kept request with an error, once.
func (p *Provider) finish(w http.ResponseWriter, r *http.Request, to answerTo, a *storage.AuthRequest, e *oauthError) {
	err := p.DB.Write(r.Context(), func(tx *storage.Tx) error {
		if err := tx.FinishAuthRequest(r.Context(), a.ID, p.Now()); err != nil {
			return err
		}
		if err := denyDevice(r.Context(), tx, a, p.Now()); err != nil {
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
		p.refuse(w, r, to, told(to.client, e))
	}
}
