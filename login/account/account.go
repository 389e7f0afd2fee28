// Package account is a person's own page: two-step verification, backup codes,
// sessions and recent activity.
//
// It signs in through the same door as every product: it is an internal client
// of the provider, and where its session doesn't suffice it redirects to the
// authorization endpoint and is redirected back. Whatever changes how a person
// signs in asks for the strongest factor at hand, proved within five minutes.
package account

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/login/inside"
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

// Routes adds the pages to r, which protects against cross-site requests.
func (a *Account) Routes(r chi.Router) {
	r.Get("/account", a.signedIn(a.overview))
	r.Get("/account/back", a.Door().Back)
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
	r.Post("/account/products/withdraw", a.signedIn(a.withdrawConsent))
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
	*inside.Visit
	// factors are what the person has, where one of them is to be changed.
	factors []*storage.Factor
}

// Door is how the account is entered.
func (a *Account) Door() *inside.Door {
	return &inside.Door{DB: a.DB, Sessions: a.Sessions, Pages: a.Pages, Issuer: a.Issuer, ClientID: ClientID, Home: "/account", Log: a.Log}
}

// signedIn wraps a page for whoever is let in.
func (a *Account) signedIn(serve func(*visit) error) http.HandlerFunc {
	return a.guard("/account", nil, serve)
}

// fresh wraps what changes how a person signs in. returnTo is a page to come
// back to, as a form can't be sent again on the way.
func (a *Account) fresh(returnTo string, serve func(*visit) error) http.HandlerFunc {
	return a.guard(returnTo, inside.Changing, serve)
}

func (a *Account) guard(returnTo string, more inside.More, serve func(*visit) error) http.HandlerFunc {
	door := a.Door()
	fail := func(v *inside.Visit, err error) {
		if errors.Is(err, errOvertaken) {
			_ = v.Redirect("/account") // where it shows what has happened
			return
		}
		door.Failed(v, err)
	}
	return door.Guard(func(*http.Request) string { return returnTo }, more, func(v *inside.Visit) error { return serve(&visit{Visit: v}) }, fail)
}

func (a *Account) lang(r *http.Request, in *storage.SignedIn) string { return a.Door().Lang(r, in) }

func (a *Account) show(v *visit, p page.Page, problem *page.Problem) error {
	a.Pages.Write(v.W, a.frame(v, problem), p)
	return nil
}

// frame is what surrounds every page of the account.
func (a *Account) frame(v *visit, problem *page.Problem) page.Frame {
	return a.Door().Frame(v.Visit, problem)
}

// event starts an audit event about the person.
func (a *Account) event(v *visit, name string) storage.Event {
	return a.Door().Event(v.Visit, name, a.Now())
}

// changed ends the person's other sessions and what products hold beyond
// them, tells the person, and writes the audit: what follows every change of
// how somebody signs in.
func (a *Account) changed(v *visit, tx *storage.Tx, event string) error {
	ctx := v.Ctx()
	if _, err := tx.EndSessions(ctx, storage.Ending{UserID: v.In.User.ID, Except: v.In.Session.ID, Offline: true}, a.Now()); err != nil {
		return err
	}
	if err := tx.Audit(ctx, a.event(v, event)); err != nil {
		return err
	}
	return a.Notices.Tell(ctx, tx, &v.In.User, event, session.OriginOf(ctx).Addr.String())
}
