package login

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// deed is what links of one purpose do, once and for whoever holds the link:
// its secret went to the person's mailbox and nowhere else.
type deed struct {
	// asks names the words of the page with the button (asks.heading, .body and
	// .button), done those of the page after it.
	asks, done string
	// next is where the page after it leads; empty: nowhere.
	next string
	// locked: it works also while the person's changes are locked.
	locked bool
	// do is done in the transaction that spends the link.
	do func(context.Context, *storage.Tx, errand) error
}

// stopped says whether a lock on the person's changes keeps it from working.
func (d deed) stopped(user *storage.User) bool { return !d.locked && !user.ChangesLockedAt.IsZero() }

// deeds are the purposes of the links that lead to /link. To add one, add a
// row here and its messages.
func (l *Login) deeds() map[string]deed {
	return map[string]deed{
		notify.LinkConfirmAddress: {asks: "confirm_address", done: "address_confirmed", next: "/account", do: l.confirmAddress},
		notify.LinkChangeAddress:  {asks: "change_address", done: "address_changed", next: "/account", do: l.changeAddress},
		notify.LinkNotMe:          {asks: "not_me", done: "not_me_done", locked: true, do: l.notMe},
	}
}

// deedOf returns what links of a purpose do: of "not-me:ID" what "not-me" does.
func (l *Login) deedOf(purpose string) (deed, bool) {
	kind, _, _ := strings.Cut(purpose, ":")
	d, ok := l.deeds()[kind]
	return d, ok
}

// errand is one use of a link.
type errand struct {
	link *storage.Link
	// user is whom the link is for.
	user *storage.User
	// session is the person's own in this browser; empty: none.
	session string
	// from is the address of who holds the link.
	from string
	at   time.Time
}

// address is the one that the link confirms: what it carries, or the one the
// person has.
func (e errand) address() string {
	if e.link.Data != "" {
		return e.link.Data
	}
	return e.user.Email
}

var errLocked = errors.New("changes are locked")

// linkPage shows a button. A GET uses nothing up: mail scanners follow links.
func (l *Login) linkPage(w http.ResponseWriter, r *http.Request) { l.showLink(w, r, nil) }

func (l *Login) showLink(w http.ResponseWriter, r *http.Request, problem *page.Problem) {
	d, e, ok := l.errand(w, r)
	if !ok {
		return
	}
	if d.stopped(e.user) {
		l.linkRefused(w, r, http.StatusForbidden, d.asks, "problem.changes_locked")
		return
	}
	with := []any{"Email", e.address()}
	l.Pages.Write(w, l.linkFrame(w, r, problem), page.Confirm{
		Heading: page.Say(d.asks+".heading", with...), Body: page.Say(d.asks+".body", with...), Button: page.Say(d.asks+".button", with...),
		Action: "/link", Hidden: map[string]string{"token": r.FormValue("token")},
	})
}

// linkPost does what the link is for. The page after it may be loaded again:
// the link is spent by then, and the page says so.
func (l *Login) linkPost(w http.ResponseWriter, r *http.Request) {
	if !l.Sessions.FormTokenOK(r) {
		l.showLink(w, r, problem("", "problem.form_stale"))
		return
	}
	d, e, ok := l.errand(w, r)
	if !ok {
		return
	}
	ctx := r.Context()
	err := l.DB.Write(ctx, func(tx *storage.Tx) (err error) {
		if err = tx.SpendLink(ctx, e.link.Hash, e.at); err != nil {
			return err
		}
		if e.user, err = tx.User(ctx, e.user.ID); err != nil {
			return err
		}
		if d.stopped(e.user) {
			return errLocked
		}
		return d.do(ctx, tx, e)
	})
	switch {
	case storage.IsSpent(err):
		l.badLink(w, r, e.link.Purpose, linkUsed) // by another press of the button, or overtaken
	case errors.Is(err, storage.ErrTaken):
		l.linkRefused(w, r, http.StatusConflict, d.asks, "problem.username_taken")
	case errors.Is(err, errLocked):
		l.linkRefused(w, r, http.StatusForbidden, d.asks, "problem.changes_locked")
	case err != nil:
		l.fail(w, r, err)
	default:
		l.message(w, r, http.StatusOK, d.done, d.next, "")
	}
}

// errand reads the link of a request, or says what is wrong with it.
func (l *Login) errand(w http.ResponseWriter, r *http.Request) (d deed, e errand, ok bool) {
	link, wrong, err := l.lookUp(r.Context(), r.FormValue("token"), func(purpose string) bool { _, ok := l.deedOf(purpose); return ok })
	if err != nil {
		l.fail(w, r, err)
		return d, e, false
	}
	if wrong != "" {
		purpose := ""
		if link != nil {
			purpose = link.Purpose
		}
		l.badLink(w, r, purpose, wrong)
		return d, e, false
	}
	d, _ = l.deedOf(link.Purpose)
	if e, err = l.newErrand(r, link); err != nil {
		l.fail(w, r, err)
		return d, e, false
	}
	return d, e, true
}
