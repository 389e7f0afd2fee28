// Package login is the flow inside an authorization request: it leads a person
// from page to page until the policy says pass, and back to idp by a redirect.
//
// There is no stored step number. Every page loads the facts and asks
// idp/policy what must happen next (flow.go); next.go alone turns the answer
// into a page. A page that isn't what must happen next redirects there, so no
// step can be skipped by calling a later URL. Every page checks that the
// request was begun by this browser.
package login

import (
	"context"
	"log/slog"
	"net/http"
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

// Login serves the pages of the flow. Its fields are set once.
type Login struct {
	DB       *storage.DB
	Sessions *session.Sessions
	Pages    *page.Renderer
	Factors  *factor.Factors
	Setup    *setup.Setup
	Notices  *notify.Notices
	// Inbound reads text messages that people send; nil: none come in.
	Inbound notify.InboundReader
	// Issuer is the provider's own address.
	Issuer string
	// Host names the provider to people.
	Host string
	Now  func() time.Time
	Log  *slog.Logger
}

// Outside adds what other machines call to r.
func (l *Login) Outside(r chi.Router) {
	if l.Inbound != nil {
		r.Post("/texts/inbound", l.textReceived)
	}
}

// Routes adds the pages to r, which protects against cross-site requests.
func (l *Login) Routes(r chi.Router) {
	r.Get("/login", l.flow(l.next))
	r.Get("/login/password", l.flow(l.passwordPage))
	r.Post("/login/password", l.flow(l.passwordPost))
	for _, way := range ways {
		if f, ok := l.Factors.Code(way.method); ok {
			r.Get(way.path, l.flow(l.codePage(f)))
			r.Post(way.path, l.flow(l.codePost(f)))
		}
	}
	r.Get("/login/passkey", l.flow(l.keyPage))
	r.Post("/login/passkey", l.flow(l.keyPost))
	r.Post("/login/passkey/options", l.flow(l.keyOptions))
	r.Get("/login/choose", l.flow(l.choosePage))
	r.Get("/login/why", l.flow(l.whyPage))
	r.Post("/login/why", l.flow(l.whyPost))
	l.Setup.Routes(r, "/login/set-up", l.setUp)
	r.Get("/login/backup-codes", l.flow(l.freshCodesPage))
	r.Post("/login/backup-codes", l.flow(l.freshCodesPost))
	r.Get("/login/account", l.flow(l.accountPage))
	r.Post("/login/account", l.flow(l.accountPost))
	r.Get("/login/consent", l.flow(l.consentPage))
	r.Post("/login/consent", l.flow(l.consentPost))
	r.Post("/login/cancel", l.flow(l.cancel))
	r.Post("/login/sign-out", l.flow(l.signOut))
	r.Post("/login/switch", l.flow(l.switchPerson))
	r.Get("/login/again", l.again)
	r.Get("/set-up", l.setUpLinkPage)
	r.Post("/set-up", l.setUpLinkPost)
	r.Get("/link", l.linkPage)
	r.Post("/link", l.linkPost)
	if l.mails() {
		r.Get("/forgot", l.forgotPage)
		r.Post("/forgot", l.forgotPost)
		r.Get("/forgot/sent", l.forgotSent)
	}
	r.Get("/", l.front)
}

// front sends people to their account, and tells whoever sets this up where
// the first set-up link is.
func (l *Login) front(w http.ResponseWriter, r *http.Request) {
	owner, err := l.DB.HasOwner(r.Context())
	switch {
	case err != nil:
		l.fail(w, r, err)
	case owner:
		http.Redirect(w, r, "/account", http.StatusSeeOther)
	default:
		l.message(w, r, http.StatusOK, "no_owner", "", "")
	}
}

// event starts an audit event about a person in the flow.
func (l *Login) event(ctx context.Context, name, result string, clientID string, user *storage.User) storage.Event {
	from := session.OriginOf(ctx)
	e := storage.Event{At: l.Now(), Event: name, Result: result, ClientID: clientID, IP: from.Addr.String(), RequestID: from.RequestID}
	if user != nil {
		e.UserID, e.OrgID = user.ID, user.OrgID
	}
	return e
}

// offers says whether a decision asks for a method.
func offers(d policy.Decision, do policy.Action, m policy.Method) bool {
	if d.Do != do {
		return false
	}
	for _, have := range d.Methods {
		if have == m {
			return true
		}
	}
	return false
}
