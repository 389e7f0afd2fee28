package idp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// longestQuery is how long a request may be to come as a query: servers and
// proxies on the way give up somewhere above 8 KiB.
const longestQuery = 4 << 10

// authorizePost answers a POST (OpenID Connect Core section 3.1.2.1) by a
// redirect to the same request by GET: a cross-site POST arrives without our
// Lax cookies, the GET that follows brings them.
//
// One that is too long for a query, because of a request object, is kept here
// and referred to, as if it had been pushed; but it wasn't, and whoever must
// push still has to. To answer it at once instead would be to answer somebody
// without their session. It is checked first, so that nobody stores what no
// product could have sent, and the reference is bound to no browser, for the
// POST shows none: it is as good as the link of which it takes the place, for
// 90 s and one sign-in.
func (p *Provider) authorizePost(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.developerError(w, r, oauth(invalidRequest, "the form could not be read: at most 64 KiB of application/x-www-form-urlencoded"), "", "")
		return
	}
	if len(r.URL.RawQuery) > 0 {
		p.developerError(w, r, oauth(invalidRequest, "send the parameters in the body or in the query, not in both"), "", "")
		return
	}
	query := r.PostForm.Encode()
	if len(query) > longestQuery {
		in, err := p.take(r.Context(), r.PostForm)
		if err != nil {
			p.turnAway(w, r, in, r.PostForm, err)
			return
		}
		uri := r.PostForm.Get("request_uri")
		if in.hash == "" {
			to, err := p.check(r.Context(), in)
			if err == nil {
				uri, err = p.keep(r.Context(), in)
			}
			if err != nil {
				p.fail(w, r, to, err)
				return
			}
		}
		query = url.Values{"client_id": {in.client.ID}, "request_uri": {uri}}.Encode()
	}
	http.Redirect(w, r, "/authorize?"+query, http.StatusSeeOther)
}

// authorize is the authorization endpoint (RFC 6749 section 3.1, OpenID
// Connect Core section 3.1.2).
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		p.developerError(w, r, oauth(invalidRequest, "the query is not properly encoded"), "application/x-www-form-urlencoded", "")
		return
	}
	in, err := p.take(r.Context(), q)
	if err != nil {
		p.turnAway(w, r, in, q, err)
		return
	}
	to, err := redirectTarget(in)
	if err == nil {
		err = p.required(in)
	}
	var running *storage.SignedIn
	if err == nil {
		running, err = p.Sessions.Current(r, in.client.ID)
	}
	if err != nil {
		p.fail(w, r, to, err)
		return
	}
	p.decide(w, r, in, to, running)
}

// decide answers a request at once, where the running session is enough or no
// page may be shown, or leads to login.
func (p *Provider) decide(w http.ResponseWriter, r *http.Request, in *incoming, to answerTo, running *storage.SignedIn) {
	params, silent, err := p.params(r.Context(), in, to.redirectURI, running)
	if err != nil {
		p.fail(w, r, to, err)
		return
	}
	meant, err := p.isMeant(r.Context(), in.client, params, running)
	if err != nil {
		p.fail(w, r, to, err)
		return
	}
	asked := session.Asked{Client: in.client, Params: params, Session: running != nil, Silent: silent}
	if meant {
		asked.Person = running
		if !params.SignInAnew {
			if asked.Proofs, err = session.Decode(running.Session.Proofs); err != nil {
				p.fail(w, r, to, err)
				return
			}
		}
	}
	facts, err := p.Sessions.Facts(r.Context(), asked)
	if err != nil {
		p.fail(w, r, to, err)
		return
	}
	decision := policy.Decide(facts)
	switch {
	case decision.Do == policy.Pass:
		p.issue(w, r, asked, facts, running, answering{pushed: in})
	case silent:
		p.refuseSilently(w, r, in, to, decision)
	default:
		p.toLogin(w, r, in, to, params, running, meant)
	}
}

// isMeant says whether somebody is signed in, and is whom the request asks for,
// by the sub that the client knows them by.
func (p *Provider) isMeant(ctx context.Context, client *storage.Client, params session.Params, running *storage.SignedIn) (bool, error) {
	if running == nil || params.Subject == "" {
		return running != nil, nil
	}
	subject, err := p.subject(ctx, client, running.User.ID)
	return subject == params.Subject, err
}

// turnAway says what is wrong with a request of which it isn't known what
// counts: to the product where the parameters outside of it name a registered
// redirect URI, else on a page.
func (p *Provider) turnAway(w http.ResponseWriter, r *http.Request, in *incoming, outside url.Values, err error) {
	var to answerTo
	if in != nil {
		to, _ = redirectTarget(&incoming{client: in.client, values: outside})
	}
	p.fail(w, r, to, err)
}

// fail says what is wrong: to the product, or on a page where that can't be.
func (p *Provider) fail(w http.ResponseWriter, r *http.Request, to answerTo, err error) {
	if used, ok := errors.AsType[*usedError](err); ok {
		p.again(w, r, used)
		return
	}
	if shown, ok := errors.AsType[*pageError](err); ok {
		p.developerError(w, r, shown.oauthError, shown.expected, shown.got)
		return
	}
	if to.redirectURI == "" {
		p.developerError(w, r, p.asOAuth(r.Context(), err), "", "")
		return
	}
	p.refuse(w, r, to, err)
}

// again answers a reference that was used before. The browser that used it may
// have reloaded the page, and goes on with its sign-in; anybody else has come by
// the reference in some other way.
func (p *Provider) again(w http.ResponseWriter, r *http.Request, used *usedError) {
	a, err := p.DB.AuthRequest(r.Context(), used.authRequestID)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		p.developerError(w, r, p.asOAuth(r.Context(), err), "", "")
		return
	}
	if err != nil || !p.Sessions.Bound(r, a) || !a.FinishedAt.IsZero() || !a.ExpiresAt.After(p.Now()) {
		p.fail(w, r, answerTo{}, notKept())
		return
	}
	http.Redirect(w, r, "/login?r="+url.QueryEscape(a.ID), http.StatusSeeOther)
}

// lost answers a request whose reference was used up by another one at this
// moment.
func (p *Provider) lost(w http.ResponseWriter, r *http.Request, in *incoming) {
	row, err := p.DB.PushedRequest(r.Context(), in.hash)
	if err != nil {
		p.fail(w, r, answerTo{}, err)
		return
	}
	p.again(w, r, &usedError{authRequestID: row.AuthRequestID})
}

// refuseSilently is the answer to prompt=none where a page would be needed. A
// reference is used up by it like by any other answer.
func (p *Provider) refuseSilently(w http.ResponseWriter, r *http.Request, in *incoming, to answerTo, d policy.Decision) {
	if in.hash != "" {
		err := p.DB.Write(r.Context(), func(tx *storage.Tx) error { return in.spend(r.Context(), tx, "", p.Now()) })
		if storage.IsSpent(err) {
			p.lost(w, r, in)
			return
		}
		if err != nil {
			p.fail(w, r, to, err)
			return
		}
	}
	p.refuse(w, r, to, told(to.client, silentError(d)))
}

// toLogin keeps the request, binds it to this browser, and leads to login.
// meant: the running session is that of whom the request asks for.
func (p *Provider) toLogin(w http.ResponseWriter, r *http.Request, in *incoming, to answerTo, params session.Params, running *storage.SignedIn, meant bool) {
	now := p.Now()
	kept, err := json.Marshal(params)
	a := storage.AuthRequest{
		ID: storage.NewID(), BrowserHash: storage.Hash(p.Sessions.Browser(w, r)), ClientID: in.client.ID, Params: kept,
		CreatedAt: now, ExpiresAt: now.Add(requestLifetime),
	}
	if params.SignInAnew || running != nil && !meant {
		a.Stamps.SignInSince = now // whose session runs here doesn't answer this
	}
	if meant {
		a.UserID = running.User.ID
	}
	if err == nil {
		err = p.DB.Write(r.Context(), func(tx *storage.Tx) error {
			if err := in.spend(r.Context(), tx, a.ID, now); err != nil {
				return err
			}
			return tx.InsertAuthRequest(r.Context(), a)
		})
	}
	switch {
	case storage.IsSpent(err):
		p.lost(w, r, in)
	case err != nil:
		p.refuse(w, r, to, err)
	default:
		http.Redirect(w, r, "/login?r="+url.QueryEscape(a.ID), http.StatusSeeOther)
	}
}

// silentError is what prompt=none gets instead of a page (OpenID Connect Core
// section 3.1.2.6).
func silentError(d policy.Decision) *oauthError {
	switch d.Do {
	case policy.Consent:
		return oauth(consentRequired, "the person must be asked for consent")
	case policy.ChooseAccount:
		return oauth(accountSelectionNeeded, "the person must choose an account")
	case policy.Enrol, policy.Confirm:
		return decided(interactionRequired, d.Reason)
	case policy.Refuse:
		return refusal(d)
	}
	return decided(loginRequired, d.Reason)
}

// told is an error as a product may read it. Why the policy refuses says things
// about people and their company that they haven't agreed to tell: only the
// operator's own products get it in these words. The audit has them in any case.
func told(client *storage.Client, e *oauthError) *oauthError {
	if e.reason == "" || client.FirstParty {
		return e
	}
	general := *e
	switch e.code {
	case accessDenied:
		general.description = "the sign-in was refused"
	case unmetRequirements:
		general.description = "the sign-in can't be as strong as the request asks for"
	case interactionRequired:
		general.description = "the person must take another step first"
	default:
		general.description = "the person must sign in"
	}
	return &general
}

// refusal is what a refused sign-in comes to; see [told].
func refusal(d policy.Decision) *oauthError {
	if d.Reason.Code == policy.Unmet {
		return decided(unmetRequirements, d.Reason)
	}
	return decided(accessDenied, d.Reason)
}
