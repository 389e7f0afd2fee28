package login

import (
	"context"
	"errors"
	"net/http"
	"net/mail"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// Who forgot their password asks here for a link to choose another one. The
// answer never tells whether somebody has the address: it is the same whoever
// is asked for and however often, after one transaction of the same kind. The
// link goes to the address kept for the person, never to what was typed.

// forgotPage asks for the address.
func (l *Login) forgotPage(w http.ResponseWriter, r *http.Request) {
	l.showForgot(w, r, "", nil)
}

func (l *Login) showForgot(w http.ResponseWriter, r *http.Request, email string, problem *page.Problem) {
	l.Pages.Write(w, l.linkFrame(w, r, problem), page.Forgot{Email: email, BackURL: backToSignIn(r)})
}

// backToSignIn leads back into the sign-in that the person came from, if any.
func backToSignIn(r *http.Request) string {
	if id := r.URL.Query().Get("r"); id != "" {
		return "/login?" + url.Values{"r": {id}}.Encode()
	}
	return "/account"
}

func (l *Login) forgotPost(w http.ResponseWriter, r *http.Request) {
	email := strings.TrimSpace(r.PostFormValue("username"))
	address, err := mail.ParseAddress(email)
	switch {
	case !l.Sessions.FormTokenOK(r):
		l.showForgot(w, r, email, problem("", "problem.form_stale"))
		return
	case email == "":
		l.showForgot(w, r, "", problem("username", "problem.username_missing"))
		return
	case err != nil || address.Address != email:
		l.showForgot(w, r, email, problem("username", "problem.username_format"))
		return
	}
	ctx := r.Context()
	err = l.DB.Write(ctx, func(tx *storage.Tx) error { return l.resetAsked(ctx, tx, email) })
	if _, tooMany := factor.IsTooMany(err); err != nil && !tooMany {
		l.fail(w, r, err)
		return
	}
	// A page of its own: loading it again sends nothing.
	sent := "/forgot/sent"
	if r.URL.Query().Has("r") {
		sent += "?" + url.Values{"r": {r.URL.Query().Get("r")}}.Encode()
	}
	http.Redirect(w, r, sent, http.StatusSeeOther)
}

// forgotSent is the answer to everybody.
func (l *Login) forgotSent(w http.ResponseWriter, r *http.Request) {
	l.Pages.Write(w, l.plainFrame(r), page.Message{
		Heading: page.Say("forgot_sent.heading"), Body: page.Say("forgot_sent.body"), Link: backToSignIn(r), LinkText: page.Say("setup_link.sign_in"),
	})
}

// resetAsked queues a link for the person with an address, if there is one who
// may have it.
func (l *Login) resetAsked(ctx context.Context, tx *storage.Tx, email string) error {
	if err := tx.TakeQuotas(ctx, l.resetQuotas(email, session.OriginOf(ctx).Addr), l.Now()); err != nil {
		return err
	}
	user, err := tx.UserByEmail(ctx, email)
	if errors.Is(err, storage.ErrNotFound) {
		return tx.Audit(ctx, l.event(ctx, "password.reset_asked", storage.Failed, "", nil))
	}
	if err != nil {
		return err
	}
	if !user.DisabledAt.IsZero() || !user.ChangesLockedAt.IsZero() {
		return tx.Audit(ctx, l.event(ctx, "password.reset_asked", storage.Refused, "", user))
	}
	link, until, err := l.Notices.NewLink(ctx, tx, notify.LinkReset, user.ID, user.Email, notify.LinkResetLifetime)
	if err != nil {
		return err
	}
	if err := l.Notices.SendLink(ctx, tx, user, user.Email, "reset", link, until); err != nil {
		return err
	}
	return tx.Audit(ctx, l.event(ctx, "password.reset_asked", storage.OK, "", user))
}

// How often links for a new password are sent to one address and asked for
// from one.
const (
	resetAgainAfter    = 30 * time.Second
	resetsPerHour      = 5
	resetsPerDay       = 30
	resetsPerHourAndIP = 30
)

func (l *Login) resetQuotas(email string, from netip.Addr) []storage.Quota {
	target := "reset:" + storage.Hash(storage.EmailKey(email))
	all := []storage.Quota{
		{ID: target + ":gap", Max: 1, Window: resetAgainAfter},
		{ID: target + ":hour", Max: resetsPerHour, Window: time.Hour},
		{ID: target + ":day", Max: resetsPerDay, Window: 24 * time.Hour},
	}
	if caller, counts := l.Factors.Mail.Caller(from); counts {
		all = append(all, storage.Quota{ID: "reset:from:" + caller, Max: resetsPerHourAndIP, Window: time.Hour})
	}
	return all
}
