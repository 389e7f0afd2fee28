// Package setup is the way from choosing a second factor to its first proof:
// the pages between, for people in the middle of a sign-in and for people in
// their account alike. Nothing is active before the last step succeeds; what
// was begun is bound to the sign-in or session, and waits ten minutes.
//
// Whoever mounts the pages says who the person is, what may be set up, and
// what follows: see [Place].
package setup

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// Setup serves the pages. Its fields are set once.
type Setup struct {
	DB      *storage.DB
	Factors *factor.Factors
	// TextNumber is the number people can text to; empty: none.
	TextNumber string
	// Countries are the calling codes whose numbers are served; none: all.
	Countries []string
	Now       func() time.Time
}

// Place is one request for a page, in a sign-in or in an account.
type Place struct {
	W    http.ResponseWriter
	R    *http.Request
	User *storage.User
	// BoundTo names the sign-in or session.
	BoundTo string
	// Path makes the address of a page below the one the set-up is mounted at.
	Path func(page string) string
	// Validity is how long a code that is sent works; zero: as long as the
	// instance says.
	Validity time.Duration
	// BackURL is where step 1 leads back to; empty: nowhere.
	BackURL string
	// Methods that may be set up here and now.
	Methods []policy.Method
	// MayStayOff: a passkey need not turn two-step verification on.
	MayStayOff bool
	// Show draws a page.
	Show func(page.Page, *page.Problem) error
	// Lost are the ids of the factors that a new one of a method stands in for.
	Lost func(policy.Method) []string
	// Activated is called in the transaction that activates a factor.
	Activated func(context.Context, *storage.Tx, Activation) error
	// Done answers the browser once that is committed.
	Done func(Activation) error
	// Refused is called in the transaction that counts a wrong code.
	Refused func(context.Context, *storage.Tx, policy.Method, factor.Verdict) error
	// After answers the browser once that is committed; it says false where the
	// person may try again, with so many tries left.
	After func(factor.Verdict) (answered bool, triesLeft int, err error)
}

// Activation is a factor that was just set up.
type Activation struct {
	Method policy.Method
	Proof  policy.Proof
	// TwoStep: it is to be asked for at every sign-in.
	TwoStep bool
}

// Enter makes a handler of a page: it finds out where the request belongs, or
// turns it away.
type Enter func(serve func(*Place) error) http.HandlerFunc

// Routes adds the pages below base.
func (s *Setup) Routes(r chi.Router, base string, enter Enter) {
	r.Get(base, enter(s.choosePage))
	r.Post(base, enter(s.choosePost))
	for _, p := range []struct {
		method    policy.Method
		path      string
		get, post func(*Place) error
	}{
		{policy.TOTP, "/scan", s.scanPage, nil},
		{policy.TOTP, "/code", s.appCodePage, s.appCodePost},
		{policy.SMS, "/phone", s.phonePage, s.phonePost},
		{policy.SMS, "/phone/text", s.textPage, s.textPost},
		{policy.SMS, "/phone/code", s.sentCodePage(s.Factors.Text), s.sentCodePost(s.Factors.Text)},
		{policy.Email, "/email/code", s.sentCodePage(s.Factors.Mail), s.sentCodePost(s.Factors.Mail)},
		{policy.WebAuthn, "/key", s.keyPage, s.keyPost},
		{policy.WebAuthn, "/key/options", nil, s.keyOptions},
	} {
		if p.get != nil {
			r.Get(base+p.path, enter(only(p.method, p.get)))
		}
		if p.post != nil {
			r.Post(base+p.path, enter(only(p.method, p.post)))
		}
	}
}

// only serves a page where its method may be set up.
func only(m policy.Method, serve func(*Place) error) func(*Place) error {
	return func(p *Place) error {
		if !slices.Contains(p.Methods, m) {
			return p.redirect("")
		}
		return serve(p)
	}
}

func (p *Place) ctx() context.Context { return p.R.Context() }

func (p *Place) redirect(to string) error {
	http.Redirect(p.W, p.R, p.Path(to), http.StatusSeeOther)
	return nil
}

func (p *Place) entry(code string, now time.Time) factor.Entry {
	return factor.Entry{UserID: p.User.ID, BoundTo: p.BoundTo, Code: code, At: now}
}

func (p *Place) wish(target string, now time.Time) factor.Request {
	return factor.Request{User: p.User, BoundTo: p.BoundTo, Target: target, From: session.OriginOf(p.ctx()).Addr, Validity: p.Validity, At: now}
}

// settle ends a step in which a code was tried: err and verdict are those of
// its transaction. again draws the step anew.
func (p *Place) settle(a Activation, verdict factor.Verdict, err error, again func(triesLeft int, problem *page.Problem) error) error {
	switch {
	case storage.IsSpent(err), isGone(err):
		return p.redirect("") // finished or replaced in another tab
	case err != nil:
		return err
	case verdict.Outcome == factor.Accepted:
		return p.Done(a)
	}
	answered, left, err := p.After(verdict)
	if answered || err != nil {
		return err
	}
	verdict.TriesLeft = left
	return again(left, verdict.Problem(a.Method))
}

func problem(field, id string, pairs ...any) *page.Problem {
	return &page.Problem{Field: field, Text: page.Say(id, pairs...)}
}
