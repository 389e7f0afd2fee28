// Package inside is the door of the provider's own pages: the account and the
// console. They sign in as every product does, as internal clients of the
// provider: where a session doesn't suffice, the person is redirected to the
// authorization endpoint and back. Nothing is granted on the way back; each
// request asks the policy itself.
package inside

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// Door lets people in to the pages of one internal client. Its fields are set
// once.
type Door struct {
	DB       *storage.DB
	Sessions *session.Sessions
	Pages    *page.Renderer
	Issuer   string
	// ClientID is the internal client, Home the address of its first page; all
	// its pages lie below.
	ClientID, Home string
	Log            *slog.Logger
}

// Client is how the internal client is registered.
func (d *Door) Client(name string) storage.Client {
	return storage.Client{
		ID: d.ClientID, Name: name, AuthMethod: "none", RedirectURIs: []string{d.Issuer + d.Home + "/back"},
		Scopes: []string{"openid"}, FirstParty: true, Internal: true, IDTokenAlg: "ES256",
	}
}

// Visit is one request of a signed-in person.
type Visit struct {
	W      http.ResponseWriter
	R      *http.Request
	Client *storage.Client
	In     *storage.SignedIn
	// Facts of entering, for what else must be asked.
	Facts policy.Facts
}

// Ctx is the request's.
func (v *Visit) Ctx() context.Context { return v.R.Context() }

// Redirect leads to another page (303).
func (v *Visit) Redirect(path string) error {
	http.Redirect(v.W, v.R, path, http.StatusSeeOther)
	return nil
}

// More is what a page wants beyond the session being let in; where that isn't
// there, ask says what to ask the authorization endpoint for.
type More func(*Visit) (ask url.Values, ok bool)

// Changing is [More] for what changes how the person themselves signs in: the
// strongest factor at hand, proved within [policy.FreshFor].
func Changing(v *Visit) (url.Values, bool) {
	ask, ok := v.Facts.MayChange()
	return Ask(ask), ok
}

// Vouching is [More] for what somebody does to how others sign in: a second
// factor proved within [policy.FreshFor]. It is stricter than [Changing]:
// neither a password nor a recovery code lets anybody vouch for others, nor
// does a code by mail, which is worth less.
func Vouching(v *Visit) (url.Values, bool) {
	return Ask(nil), Vouches(v.Facts)
}

// Vouches says whether a second factor was proved within [policy.FreshFor].
func Vouches(f policy.Facts) bool {
	return !f.Proofs.Assure(nil).MFATime.Before(f.Now.Add(-policy.FreshFor))
}

// Ask is what to ask the authorization endpoint for, so that one of the
// methods is proved anew; of none, any second factor.
func Ask(methods []policy.Method) url.Values {
	seconds := strconv.Itoa(int(policy.FreshFor / time.Second))
	switch {
	case slices.Contains(methods, policy.Password):
		return url.Values{"max_age": {seconds}}
	case slices.Contains(methods, policy.Email):
		// There is nothing better, and no mfa_time: all is proved anew.
		return url.Values{"prompt": {"login"}, "claims": {`{"id_token":{"acr":{"essential":true,"value":"` + policy.TwoSteps.ACR() + `"}}}`}}
	}
	return url.Values{"claims": {`{"id_token":{"mfa_time":{"essential":true,"max_age":` + seconds + `}}}`}}
}

// Guard wraps a page: the policy says whether the session may enter, and more,
// if any, what else it takes; where it may not, the way leads through the
// authorization endpoint. returnTo is a page to come back to, as a form can't
// be sent again on the way. fail answers an error of the page.
func (d *Door) Guard(returnTo func(*http.Request) string, more More, serve func(*Visit) error, fail func(*Visit, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := &Visit{W: w, R: r}
		ask, ok, err := d.Enter(v, more)
		switch {
		case err != nil:
		case !ok:
			to := returnTo(r)
			if r.Method == http.MethodGet {
				to = r.URL.RequestURI() // a link's secret is in its query
			}
			d.StepUp(v, to, ask)
			return
		case r.Method == http.MethodPost && !d.Sessions.FormTokenOK(r):
			err = v.Redirect(returnTo(r))
		default:
			err = serve(v)
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			fail(v, err)
		}
	}
}

// StepUp leads through the authorization endpoint, which asks for more, and
// back to a page.
func (d *Door) StepUp(v *Visit, returnTo string, ask url.Values) {
	http.Redirect(v.W, v.R, d.authorize(returnTo, ask), http.StatusSeeOther)
}

// Failed shows that a page failed, and logs why.
func (d *Door) Failed(v *Visit, err error) {
	from := session.OriginOf(v.Ctx())
	d.Log.ErrorContext(v.Ctx(), "page failed", "path", v.R.URL.Path, "error", err, "request_id", from.RequestID)
	d.Pages.Write(v.W, page.Frame{Lang: d.Lang(v.R, v.In), Status: http.StatusInternalServerError}, page.Message{
		Heading: page.Say("failure.heading"), Body: page.Say("failure.body"), Link: d.Home, LinkText: page.Say("failure.link"), Reference: from.RequestID,
	})
}

// Enter says whether the session may enter, and what to ask for otherwise.
func (d *Door) Enter(v *Visit, more More) (ask url.Values, ok bool, err error) {
	if v.Client, err = d.DB.Client(v.Ctx(), d.ClientID); err != nil {
		return nil, false, err
	}
	if v.In, err = d.Sessions.Current(v.R, d.ClientID); err != nil || v.In == nil {
		return nil, false, err
	}
	proofs, err := session.Decode(v.In.Session.Proofs)
	if err != nil {
		return nil, false, err
	}
	v.Facts, err = d.Sessions.Facts(v.Ctx(), session.Asked{Client: v.Client, Person: v.In, Proofs: proofs, Session: true})
	if err != nil || policy.Decide(v.Facts).Do != policy.Pass {
		return nil, false, err
	}
	if more != nil {
		if ask, ok = more(v); !ok {
			return ask, false, nil
		}
	}
	if d.Sessions.TouchDue(v.In) {
		err = d.DB.Write(v.Ctx(), func(tx *storage.Tx) error { return d.Sessions.Touch(v.Ctx(), tx, v.In) })
	}
	return nil, true, err
}

// authorize is the address that leads through sign-in and back to returnTo.
func (d *Door) authorize(returnTo string, ask url.Values) string {
	q := url.Values{"client_id": {d.ClientID}, "response_type": {"none"}, "redirect_uri": {d.Issuer + d.Home + "/back"}, "scope": {"openid"}, "state": {returnTo}}
	for k, v := range ask {
		q[k] = v
	}
	return "/authorize?" + q.Encode()
}

// Back is where the authorization endpoint answers, at Home + "/back".
func (d *Door) Back(w http.ResponseWriter, r *http.Request) {
	to := r.URL.Query().Get("state")
	if u, err := url.Parse(to); err != nil || u.IsAbs() || u.Host != "" || u.Path != d.Home && !strings.HasPrefix(u.Path, d.Home+"/") || strings.ContainsAny(to, "\\") {
		to = d.Home
	}
	if code := r.URL.Query().Get("error"); code != "" {
		if _, ok, err := d.Enter(&Visit{W: w, R: r}, nil); err == nil && ok && code == "access_denied" {
			http.Redirect(w, r, d.Home, http.StatusSeeOther) // cancelled a change: back to the first page
			return
		}
		d.Pages.Write(w, page.Frame{Lang: d.Lang(r, nil)}, page.Message{
			Heading: page.Say("signed_out.heading"), Body: page.Say("account.not_entered"), Link: d.Home, LinkText: page.Say("setup_link.sign_in"),
		})
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// Lang is the language to speak.
func (d *Door) Lang(r *http.Request, in *storage.SignedIn) string {
	personal := ""
	if in != nil {
		personal = in.User.Profile.Locale
	}
	return d.Pages.Language(nil, personal, r.Header.Get("Accept-Language"))
}

// Frame is what surrounds every page.
func (d *Door) Frame(v *Visit, problem *page.Problem) page.Frame {
	return page.Frame{Lang: d.Lang(v.R, v.In), FormToken: d.Sessions.FormToken(v.W, v.R), Person: v.In.User.Email, SignOut: true, Problem: problem}
}

// Event starts an audit event about the person.
func (d *Door) Event(v *Visit, name string, now time.Time) storage.Event {
	from := session.OriginOf(v.Ctx())
	return storage.Event{
		At: now, Event: name, Result: storage.OK, OrgID: v.In.User.OrgID, UserID: v.In.User.ID, ClientID: d.ClientID,
		IP: from.Addr.String(), RequestID: from.RequestID,
	}
}
