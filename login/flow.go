package login

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// visit is one request for a page of the flow, with the facts and what follows
// from them.
type visit struct {
	w http.ResponseWriter
	r *http.Request
	// request is the authorization request with the half-finished sign-in.
	request *storage.AuthRequest
	client  *storage.Client
	params  session.Params
	// running is the session of this browser, whoever's; nil: none.
	running *storage.SignedIn
	// person is who is on the way; nil: nobody yet.
	person   *storage.SignedIn
	facts    policy.Facts
	decision policy.Decision
	// factors are what the person has, where something is being set up.
	factors []*storage.Factor
}

func (v *visit) ctx() context.Context { return v.r.Context() }

// flow wraps a page: it loads the visit, turns away what doesn't belong here,
// checks posted forms, and shows errors.
func (l *Login) flow(serve func(*visit) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := l.visit(w, r)
		if err == nil && r.Method == http.MethodPost && !l.Sessions.FormTokenOK(r) {
			err = errStaleForm
		}
		if err == nil {
			err = serve(v)
		}
		if err != nil {
			l.fail(w, r, err)
		}
	}
}

func (l *Login) visit(w http.ResponseWriter, r *http.Request) (*visit, error) {
	a, err := l.DB.AuthRequest(r.Context(), r.URL.Query().Get("r"))
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, errGone
	case err != nil:
		return nil, err
	case !l.Sessions.Bound(r, a):
		return nil, errForeign
	case !a.FinishedAt.IsZero():
		return nil, errFinished
	case !a.ExpiresAt.After(l.Now()):
		return nil, errExpired
	}
	v := &visit{w: w, r: r, request: a}
	if v.client, err = l.DB.Client(r.Context(), a.ClientID); err != nil {
		return nil, err
	}
	if v.params, err = session.ParamsOf(a); err != nil {
		return nil, err
	}
	if v.running, err = l.Sessions.Current(r, a.ClientID); err != nil {
		return nil, err
	}
	var proofs policy.Proofs
	if v.person, proofs, err = l.Sessions.OnTheWay(r.Context(), a, v.running); err != nil {
		return nil, err
	}
	facts, err := l.Sessions.Facts(r.Context(), session.Asked{
		Client: v.client, Params: v.params, Person: v.person, Proofs: proofs, Stamps: a.Stamps, Began: a.CreatedAt, Session: v.running != nil,
	})
	if err != nil {
		return nil, err
	}
	v.facts, v.decision = facts, policy.Decide(facts)
	if !a.Stamps.Ended.IsZero() || len(a.FreshCodes) > 0 {
		v.decision = policy.Decision{} // nothing is asked for: next says what comes before
	}
	if v.decision.Do == policy.Enrol {
		v.factors, err = l.DB.Factors(r.Context(), v.person.User.ID)
	}
	return v, err
}

// toNext sends the browser on to whatever must happen next.
func (v *visit) toNext() error { return v.redirect("/login") }

func (v *visit) redirect(path string) error {
	http.Redirect(v.w, v.r, v.path(path), http.StatusSeeOther)
	return nil
}

func (v *visit) path(path string) string {
	return path + "?" + url.Values{"r": {v.request.ID}}.Encode()
}

// save writes what changed of the request. Where another tab was quicker
// nothing is lost: the facts are read anew, and next shows the way.
func (l *Login) save(v *visit, events ...storage.Event) error {
	err := l.DB.Write(v.ctx(), func(tx *storage.Tx) error {
		if err := tx.UpdateAuthRequest(v.ctx(), v.request); err != nil {
			return err
		}
		if len(events) == 0 {
			return nil
		}
		return tx.Audit(v.ctx(), events...)
	})
	if err != nil && !storage.IsSpent(err) {
		return err
	}
	return v.toNext()
}

// frame is what surrounds every page of the flow.
func (l *Login) frame(v *visit) page.Frame {
	f := page.Frame{
		Lang: l.lang(v), FormToken: l.Sessions.FormToken(v.w, v.r), Request: v.request.ID, Product: v.client.Name, Cancel: true,
		// Forms of the flow end in a redirect to the product.
		FormActions: []string{redirectOrigin(v.params.RedirectURI)},
	}
	if v.person != nil {
		f.Person = v.person.User.Email
	}
	if v.setsUp() && v.forced() {
		f.Cancel, f.Fixed = false, true // [Sign out] is the only other door
	}
	return f
}

func (l *Login) lang(v *visit) string {
	personal := ""
	if v.person != nil {
		personal = v.person.User.Profile.Locale
	}
	return l.Pages.Language(v.params.UILocales, personal, v.r.Header.Get("Accept-Language"))
}

func redirectOrigin(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	if u.Host == "" {
		return u.Scheme + ":"
	}
	return u.Scheme + "://" + u.Host
}

// show draws a page.
func (l *Login) show(v *visit, p page.Page, problem *page.Problem) error {
	f := l.frame(v)
	f.Problem = problem
	l.Pages.Write(v.w, f, p)
	return nil
}

func problem(field, id string, pairs ...any) *page.Problem {
	return &page.Problem{Field: field, Text: page.Say(id, pairs...)}
}
