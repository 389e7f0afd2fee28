package login

import (
	"context"
	"errors"
	"net/http"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// What can be wrong with a link, as its messages are named.
const (
	linkUnknown = "unknown"
	linkUsed    = "used"
	linkExpired = "expired"
)

// lookUp returns the link with a token, and what is wrong with it. One whose
// purpose belongs to another page is as unknown as one that never was.
func (l *Login) lookUp(ctx context.Context, token string, belongs func(purpose string) bool) (link *storage.Link, wrong string, err error) {
	link, err = l.DB.Link(ctx, storage.Hash(token))
	switch {
	case errors.Is(err, storage.ErrNotFound), err == nil && !belongs(link.Purpose):
		return nil, linkUnknown, nil
	case err != nil:
		return nil, "", err
	case !link.UsedAt.IsZero():
		return link, linkUsed, nil
	case !link.ExpiresAt.After(l.Now()):
		return link, linkExpired, nil
	}
	return link, "", nil
}

func (l *Login) newErrand(r *http.Request, link *storage.Link) (errand, error) {
	e := errand{link: link, from: session.OriginOf(r.Context()).Addr.String(), at: l.Now()}
	var err error
	if e.user, err = l.DB.User(r.Context(), link.UserID); err != nil {
		return e, err
	}
	running, err := l.Sessions.Current(r, "")
	if err == nil && running != nil && running.User.ID == e.user.ID {
		e.session = running.Session.ID
	}
	return e, err
}

// badLink says what is wrong with a link, and leads to where another one can
// be had.
func (l *Login) badLink(w http.ResponseWriter, r *http.Request, purpose, wrong string) {
	m := page.Message{Heading: page.Say("link." + wrong + ".heading"), Body: page.Say("link." + wrong + ".body"), Link: "/account", LinkText: page.Say("link." + wrong + ".link")}
	switch {
	case purpose == notify.LinkReset && wrong == linkExpired && l.mails():
		m.Link, m.LinkText = "/forgot", page.Say("sign_in.forgot")
	case purpose == notify.LinkSetUp, purpose == notify.LinkInvite, purpose == notify.LinkFirstOwner:
		id := "setup_link." + wrong
		m.Heading, m.Body, m.LinkText = page.Say(id+".heading"), page.Say(id+".body"), page.Say("setup_link.sign_in")
	}
	f := l.plainFrame(r)
	f.Status = http.StatusGone
	l.Pages.Write(w, f, m)
}

// linkRefused says why a link that is good can't do what it is for.
func (l *Login) linkRefused(w http.ResponseWriter, r *http.Request, status int, asks, why string) {
	f := l.plainFrame(r)
	f.Status = status
	l.Pages.Write(w, f, page.Message{Heading: page.Say(asks + ".heading"), Body: page.Say(why), Link: "/account", LinkText: page.Say("setup_link.sign_in")})
}
