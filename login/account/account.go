// Package account is a person's own page: two-step verification, backup codes,
// sessions and recent activity.
//
// It signs in through the same door as every product: it is an internal client
// of the provider, and where its session doesn't suffice it redirects to the
// authorization endpoint and is redirected back. Whatever changes how a person
// signs in asks for the strongest factor at hand, proved within five minutes.
package account

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

	"github.com/go-chi/chi/v5"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/login/setup"
	"github.com/sallyport-id/sallyport/storage"
)

// ClientID is the account pages' own client.
const ClientID = "sallyport-account"

// Account serves the pages. Its fields are set once.
type Account struct {
	DB       *storage.DB
	Sessions *session.Sessions
	Pages    *page.Renderer
	Factors  *factor.Factors
	Setup    *setup.Setup
	Notices  *notify.Notices
	Issuer   string
	// Host names the provider to people.
	Host string
	Now  func() time.Time
	Log  *slog.Logger
}

// Client is how the account pages are registered.
func (a *Account) Client(name string) storage.Client {
	return storage.Client{
		ID: ClientID, Name: name, AuthMethod: "none", RedirectURIs: []string{a.Issuer + "/account/back"},
		Scopes: []string{"openid"}, FirstParty: true, Internal: true, IDTokenAlg: "ES256",
	}
}

// Routes adds the pages to r, which protects against cross-site requests.
func (a *Account) Routes(r chi.Router) {
	r.Get("/account", a.signedIn(a.overview))
	r.Get("/account/back", a.back)
	r.Post("/account/two-step", a.fresh("/account", a.changing(a.twoStep)))
	r.Get("/account/two-step/off", a.fresh("/account/two-step/off", a.changing(a.turnOffPage)))
	r.Get("/account/two-step/link", a.fresh("/account/two-step/link", a.linkPage))
	r.Post("/account/two-step/link", a.fresh("/account", a.linkPost))
	for _, place := range places {
		a.Setup.Routes(r, place.base, a.setUp(place))
	}
	r.Get("/account/authenticators/{id}/name", a.about(policy.TOTP, a.renamePage))
	r.Post("/account/authenticators/{id}/name", a.about(policy.TOTP, a.renamePost))
	r.Get("/account/authenticators/{id}/remove", a.about(policy.TOTP, a.removePage))
	r.Post("/account/authenticators/{id}/remove", a.about(policy.TOTP, a.removePost))
	r.Get("/account/passkeys/{id}/name", a.about(policy.WebAuthn, a.renamePage))
	r.Post("/account/passkeys/{id}/name", a.about(policy.WebAuthn, a.renamePost))
	r.Get("/account/passkeys/{id}/remove", a.about(policy.WebAuthn, a.removePage))
	r.Post("/account/passkeys/{id}/remove", a.about(policy.WebAuthn, a.removePost))
	r.Get("/account/text-messages/remove", a.about(policy.SMS, a.removePage))
	r.Post("/account/text-messages/remove", a.about(policy.SMS, a.removePost))
	r.Get("/account/email-codes/remove", a.about(policy.Email, a.removePage))
	r.Post("/account/email-codes/remove", a.about(policy.Email, a.removePost))
	r.Get("/account/password", a.fresh("/account/password", a.changing(a.passwordPage)))
	r.Post("/account/password", a.fresh("/account/password", a.changing(a.passwordPost)))
	r.Get("/account/email", a.fresh("/account/email", a.changing(a.emailPage)))
	r.Post("/account/email", a.fresh("/account/email", a.changing(a.emailPost)))
	r.Post("/account/email/confirm", a.signedIn(a.changing(a.confirmEmail)))
	r.Post("/account/network-check", a.fresh("/account", a.changing(a.networkCheckPost)))
	r.Post("/account/language", a.signedIn(a.language))
	r.Get("/account/recovery-codes", a.byOwner(a.recoveryCodePage))
	r.Post("/account/recovery-codes", a.byOwner(a.recoveryCodePost))
	r.Get("/.well-known/change-password", changePassword)
	r.Get("/.well-known/passkey-endpoints", a.passkeyEndpoints)
	r.Get("/account/backup-codes", a.fresh("/account/backup-codes", a.changing(a.backupCodesPage)))
	r.Post("/account/backup-codes", a.fresh("/account/backup-codes", a.changing(a.backupCodesPost)))
	r.Get(freshCodes, a.signedIn(a.freshCodesPage))
	r.Post("/account/backup-codes/saved", a.signedIn(a.backupCodesSaved))
	r.Post("/account/sessions/end", a.signedIn(a.endSessions))
}

// visit is one request of a signed-in person.
type visit struct {
	w      http.ResponseWriter
	r      *http.Request
	client *storage.Client
	in     *storage.SignedIn
	// facts of entering the account, for what else must be asked.
	facts policy.Facts
	// factors are what the person has, where one of them is to be changed.
	factors []*storage.Factor
}

func (v *visit) ctx() context.Context { return v.r.Context() }

func (v *visit) redirect(path string) error {
	http.Redirect(v.w, v.r, path, http.StatusSeeOther)
	return nil
}

// signedIn wraps a page: the policy says whether the session may enter; where
// it may not, the way leads through the authorization endpoint.
func (a *Account) signedIn(serve func(*visit) error) http.HandlerFunc {
	return a.guard("/account", session.Params{}, nil, serve)
}

// fresh wraps what changes how a person signs in. returnTo is a page to come
// back to, as a form can't be sent again on the way.
func (a *Account) fresh(returnTo string, serve func(*visit) error) http.HandlerFunc {
	return a.guard(returnTo, session.Params{}, func(v *visit) (url.Values, bool) {
		ask, ok := v.facts.MayChange()
		return changeRequest(ask), ok
	}, serve)
}

// changeRequest is what to ask the authorization endpoint for, so that one of
// the methods is proved anew.
func changeRequest(methods []policy.Method) url.Values {
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

func (a *Account) guard(returnTo string, params session.Params, more func(*visit) (ask url.Values, ok bool), serve func(*visit) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := &visit{w: w, r: r}
		ask, ok, err := a.enter(v, params, more)
		switch {
		case err != nil:
		case !ok:
			to := returnTo
			if r.Method == http.MethodGet {
				to = r.URL.RequestURI() // a link's secret is in its query
			}
			http.Redirect(w, r, a.authorize(to, ask), http.StatusSeeOther)
			return
		case r.Method == http.MethodPost && !a.Sessions.FormTokenOK(r):
			err = v.redirect(returnTo)
		default:
			err = serve(v)
		}
		if errors.Is(err, errOvertaken) {
			err = v.redirect("/account") // where it shows what has happened
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			from := session.OriginOf(r.Context())
			a.Log.ErrorContext(r.Context(), "account page failed", "path", r.URL.Path, "error", err, "request_id", from.RequestID)
			a.Pages.Write(w, page.Frame{Lang: a.lang(r, nil), Status: http.StatusInternalServerError}, page.Message{
				Heading: page.Say("failure.heading"), Body: page.Say("failure.body"), Link: "/account", LinkText: page.Say("failure.link"), Reference: from.RequestID,
			})
		}
	}
}

// enter says whether the session may enter, and what to ask for otherwise.
func (a *Account) enter(v *visit, params session.Params, more func(*visit) (url.Values, bool)) (ask url.Values, ok bool, err error) {
	if v.client, err = a.DB.Client(v.ctx(), ClientID); err != nil {
		return nil, false, err
	}
	if v.in, err = a.Sessions.Current(v.r, ClientID); err != nil || v.in == nil {
		return nil, false, err
	}
	proofs, err := session.Decode(v.in.Session.Proofs)
	if err != nil {
		return nil, false, err
	}
	v.facts, err = a.Sessions.Facts(v.ctx(), session.Asked{Client: v.client, Params: params, Person: v.in, Proofs: proofs, Session: true})
	if err != nil || policy.Decide(v.facts).Do != policy.Pass {
		return nil, false, err
	}
	if more != nil {
		if ask, ok = more(v); !ok {
			return ask, false, nil
		}
	}
	if a.Sessions.TouchDue(v.in) {
		err = a.DB.Write(v.ctx(), func(tx *storage.Tx) error { return a.Sessions.Touch(v.ctx(), tx, v.in) })
	}
	return nil, true, err
}

// authorize is the address that leads through sign-in and back to returnTo.
func (a *Account) authorize(returnTo string, ask url.Values) string {
	q := url.Values{"client_id": {ClientID}, "response_type": {"none"}, "redirect_uri": {a.Issuer + "/account/back"}, "scope": {"openid"}, "state": {returnTo}}
	for k, v := range ask {
		q[k] = v
	}
	return "/authorize?" + q.Encode()
}

// back is where the authorization endpoint answers. Nothing is granted here:
// each page looks at the session itself.
func (a *Account) back(w http.ResponseWriter, r *http.Request) {
	to := r.URL.Query().Get("state")
	if u, err := url.Parse(to); err != nil || u.IsAbs() || u.Host != "" || u.Path != "/account" && !strings.HasPrefix(u.Path, "/account/") || strings.ContainsAny(to, "\\") {
		to = "/account"
	}
	if code := r.URL.Query().Get("error"); code != "" {
		if _, ok, err := a.enter(&visit{w: w, r: r}, session.Params{}, nil); err == nil && ok && code == "access_denied" {
			http.Redirect(w, r, "/account", http.StatusSeeOther) // cancelled a change: back to the overview
			return
		}
		a.Pages.Write(w, page.Frame{Lang: a.lang(r, nil)}, page.Message{
			Heading: page.Say("signed_out.heading"), Body: page.Say("account.not_entered"), Link: "/account", LinkText: page.Say("setup_link.sign_in"),
		})
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (a *Account) lang(r *http.Request, in *storage.SignedIn) string {
	personal := ""
	if in != nil {
		personal = in.User.Profile.Locale
	}
	return a.Pages.Language(nil, personal, r.Header.Get("Accept-Language"))
}

func (a *Account) show(v *visit, p page.Page, problem *page.Problem) error {
	a.Pages.Write(v.w, a.frame(v, problem), p)
	return nil
}

// frame is what surrounds every page of the account.
func (a *Account) frame(v *visit, problem *page.Problem) page.Frame {
	return page.Frame{Lang: a.lang(v.r, v.in), FormToken: a.Sessions.FormToken(v.w, v.r), Person: v.in.User.Email, SignOut: true, Problem: problem}
}

// event starts an audit event about the person.
func (a *Account) event(v *visit, name string) storage.Event {
	from := session.OriginOf(v.ctx())
	return storage.Event{
		At: a.Now(), Event: name, Result: storage.OK, OrgID: v.in.User.OrgID, UserID: v.in.User.ID, ClientID: ClientID,
		IP: from.Addr.String(), RequestID: from.RequestID,
	}
}

// changed ends the person's other sessions and what products hold beyond
// them, tells the person, and writes the audit: what follows every change of
// how somebody signs in.
func (a *Account) changed(v *visit, tx *storage.Tx, event string) error {
	ctx := v.ctx()
	if _, err := tx.EndSessions(ctx, storage.Ending{UserID: v.in.User.ID, Except: v.in.Session.ID, Offline: true}, a.Now()); err != nil {
		return err
	}
	if err := tx.Audit(ctx, a.event(v, event)); err != nil {
		return err
	}
	return a.Notices.Tell(ctx, tx, &v.in.User, event, session.OriginOf(ctx).Addr.String())
}
