package server_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/storage"
)

const (
	anaElse    = "ana@home.example"
	phrase     = "four words nobody guesses"
	linkIsUsed = "This link was already used"
	linkIsOld  = "This link has expired"
	noSuchLink = "We don't know this link"
)

// A kind is what there is to know about the links of one purpose.
type kind struct {
	purpose, path, data string
	lifetime            time.Duration
	// press fills in the form of the page.
	press map[string]string
	// done is what the person reads, and does what the database then says.
	done string
	does func(u *storage.User) bool
}

var (
	button   = map[string]string{"confirm": "1"}
	password = map[string]string{"password": phrase, "repeat": phrase}
)

func kinds() []kind {
	hasPassword := func(u *storage.User) bool { return u.PasswordHash != "" && !u.EmailVerified }
	confirmed := func(u *storage.User) bool { return u.EmailVerified && u.Email == ana }
	both := func(u *storage.User) bool { return u.PasswordHash != "" && confirmed(u) }
	return []kind{
		{notify.LinkSetUp, "/set-up", "", notify.LinkSetUpLifetime, password, "Sign in", hasPassword},
		{notify.LinkInvite, "/set-up", ana, notify.LinkInviteLifetime, password, "Sign in", both},
		{notify.LinkReset, "/set-up", ana, notify.LinkResetLifetime, password, "Sign in", both},
		{notify.LinkConfirmAddress, "/link", ana, notify.LinkAddressLifetime, button, "Your e-mail address is confirmed", confirmed},
		{notify.LinkChangeAddress, "/link", anaElse, notify.LinkAddressLifetime, button, "Your e-mail address is changed", func(u *storage.User) bool { return u.EmailVerified && u.Email == anaElse }},
		{notify.LinkNotMe + ":x", "/link", "totp.removed", notify.LinkNotMeLifetime, button, "Your account is safe for now", func(u *storage.User) bool { return !u.ChangesLockedAt.IsZero() }},
	}
}

// fresh makes Ana somebody who was just added: no password, address unconfirmed,
// nothing locked. Her id stays.
func fresh(t testing.TB, d *servertest.Demo, id string) {
	t.Helper()
	u := person(t, d, id)
	change(t, d, u.Email, func(tx *storage.Tx, id string) error {
		now := d.Clock.Now()
		if err := tx.UnlockChanges(t.Context(), id, now); err != nil {
			return err
		}
		if err := tx.SetPasswordHash(t.Context(), id, u.PasswordHash, "", now); err != nil {
			return err
		}
		u.Email, u.EmailVerified = ana, false
		return tx.UpdateUser(t.Context(), *u, now)
	})
}

// mailLink makes a link without the mail it comes in.
func mailLink(t testing.TB, d *servertest.Demo, id string, k kind) (link string) {
	t.Helper()
	err := d.DB.Write(t.Context(), func(tx *storage.Tx) (err error) {
		link, _, err = notify.NewLink(t.Context(), tx, d.URL, k.purpose, id, k.data, k.lifetime, d.Clock.Now())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(link, d.URL+k.path+"?token=") {
		t.Fatalf("%s leads to %s", k.purpose, link)
	}
	return link
}

func idOf(t testing.TB, d *servertest.Demo, email string) string {
	t.Helper()
	u, err := d.DB.UserByEmail(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	return u.ID
}

func person(t testing.TB, d *servertest.Demo, id string) *storage.User {
	t.Helper()
	u, err := d.DB.User(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// mustRefuseLink fails unless a page says what is wrong with a link, and
// offers a way on.
func mustRefuseLink(t testing.TB, p *servertest.Person, words string) {
	t.Helper()
	if p.MustRead(words); p.Status != http.StatusGone || p.Has("form") || !p.Has(".primary") {
		t.Fatalf("%d: %s", p.Status, p.Text())
	}
}

// Every kind of link: looking uses nothing up, the button works once.
func TestLinks(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		id := idOf(t, d, ana)
		for _, k := range kinds() {
			fresh(t, d, id)
			link := mailLink(t, d, id, k)
			was := person(t, d, id)
			scanner := servertest.NewPerson(t)
			for range 3 {
				if scanner.Go(link); scanner.Status != http.StatusOK {
					t.Fatalf("%s: %d %s", k.purpose, scanner.Status, scanner.Text())
				}
			}
			// A form from elsewhere, or from a browser that saw no page of ours.
			token := strings.TrimPrefix(link, d.URL+k.path+"?token=")
			blind := servertest.NewPerson(t).Post(link, url.Values{"token": {token}, "password": {phrase}, "repeat": {phrase}})
			if blind.MustRead("This page was open for a while"); blind.Status != http.StatusUnprocessableEntity {
				t.Errorf("%s without a form token: %d", k.purpose, blind.Status)
			}
			req := request(t, scanner.Client().Jar, link, url.Values{"token": {token}})
			req.Header.Set("Sec-Fetch-Site", "cross-site")
			if resp, err := http.DefaultClient.Do(req); err != nil || resp.StatusCode != http.StatusForbidden {
				t.Errorf("%s from another site: %v %v", k.purpose, resp, err)
			} else {
				resp.Body.Close()
			}
			if now := person(t, d, id); now.UpdatedAt != was.UpdatedAt || k.does(now) {
				t.Fatalf("%s: looking changed something: %+v", k.purpose, now)
			}

			holder := servertest.NewPerson(t).Go(link).Submit(k.press).MustRead(k.done)
			if holder.Status != http.StatusOK || !k.does(person(t, d, id)) {
				t.Fatalf("%s (%d): %+v", k.purpose, holder.Status, person(t, d, id))
			}
			mustRefuseLink(t, holder.Go(link), linkIsUsed)
			mustRefuseLink(t, scanner.Submit(k.press), linkIsUsed)
		}
	})
}

func TestBadLinks(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		id, p := idOf(t, d, ana), servertest.NewPerson(t)
		for _, k := range kinds() {
			fresh(t, d, id)
			link := mailLink(t, d, id, k)
			p.Go(link)
			d.Clock.Advance(k.lifetime)
			mustRefuseLink(t, p.Submit(k.press), linkIsOld)
			mustRefuseLink(t, p.Go(link), linkIsOld)
			if k.does(person(t, d, id)) {
				t.Errorf("%s worked after its time", k.purpose)
			}

			// One on the page of others, one replaced by a newer one, one that never was.
			earlier := mailLink(t, d, id, k)
			newer := mailLink(t, d, id, k)
			other := map[string]string{"/link": "/set-up", "/set-up": "/link"}[k.path]
			misled := strings.Replace(newer, k.path+"?", other+"?", 1)
			mustRefuseLink(t, p.Go(misled), noSuchLink)
			form := url.Values{"token": {strings.TrimPrefix(newer, d.URL+k.path+"?token=")}, "form_token": {fieldOf(t, p.Go(newer), "form_token")}, "password": {phrase}, "repeat": {phrase}}
			mustRefuseLink(t, p.Post(misled, form), noSuchLink)
			mustRefuseLink(t, p.Go(earlier), noSuchLink)
			mustRefuseLink(t, p.Go(newer+"x"), noSuchLink)
			mustRefuseLink(t, p.Go(d.URL+k.path), noSuchLink)
			if k.does(person(t, d, id)) {
				t.Errorf("%s worked on the wrong page", k.purpose)
			}
		}
		// The links of the account's page belong to neither.
		two := mailLink(t, d, id, kind{purpose: notify.LinkTwoStep, path: "/account/two-step/link", lifetime: time.Hour})
		for _, path := range []string{"/set-up", "/link"} {
			mustRefuseLink(t, p.Go(strings.Replace(two, "/account/two-step/link", path, 1)), noSuchLink)
		}
	})
}

// Somebody else's browser may open a link: it is about the person it was made
// for, and about nobody else.
func TestLinksInAnotherBrowser(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		benHere := member(t, d, ben)
		id, benWas := idOf(t, d, ana), person(t, d, idOf(t, d, ben))
		for _, k := range kinds()[3:] {
			fresh(t, d, id)
			benHere.Go(mailLink(t, d, id, k)).Submit(k.press).MustRead(k.done)
		}
		if now := person(t, d, benWas.ID); now.UpdatedAt != benWas.UpdatedAt {
			t.Errorf("Ben was changed: %+v", now)
		}
		codeFor(t, benHere, rp(t, d, first), nil) // and is still signed in
	})
}

func TestChangeOfAddress(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		r := rp(t, d, first)
		elsewhere, here := member(t, d, ana), member(t, d, ana)
		offline := tokensFor(t, elsewhere, r, url.Values{"scope": {"openid offline_access"}})
		id := idOf(t, d, ana)
		change(t, d, ana, func(tx *storage.Tx, id string) error {
			return tx.InsertFactor(t.Context(), storage.Factor{ID: "mail", UserID: id, Kind: "email", Secret: []byte(ana)}, 0, d.Clock.Now())
		})
		reset := mailLink(t, d, id, kind{purpose: notify.LinkReset, path: "/set-up", data: ana, lifetime: time.Hour})
		confirm := mailLink(t, d, id, kind{purpose: notify.LinkConfirmAddress, path: "/link", data: ana, lifetime: time.Hour})

		// The address of somebody else stays theirs, whoever confirms.
		taken := mailLink(t, d, id, kind{purpose: notify.LinkChangeAddress, path: "/link", data: strings.ToUpper(ben), lifetime: time.Hour})
		if here.Go(taken).Submit(button).MustRead("Somebody already uses this e-mail address"); here.Status != http.StatusConflict || person(t, d, id).Email != ana {
			t.Fatalf("%d %s", here.Status, person(t, d, id).Email)
		}

		here.Go(mailLink(t, d, id, kind{purpose: notify.LinkChangeAddress, path: "/link", data: anaElse, lifetime: time.Hour})).MustRead(anaElse)
		here.Submit(button).MustRead("Your e-mail address is changed")

		// Both addresses are told of both, each with a link of its own.
		var notMe []string
		for _, address := range []string{ana, anaElse} {
			m := d.MailTo(t, address)
			if m.Subject != "Your e-mail address was changed" || !strings.Contains(m.Body, "from "+ana+" to "+anaElse) {
				t.Errorf("to %s: %+v", address, m)
			}
			notMe = append(notMe, d.LinkTo(t, address))
		}
		if notMe[0] == notMe[1] || !strings.HasPrefix(notMe[0], d.URL+"/link?") || !strings.HasPrefix(notMe[1], d.URL+"/link?") {
			t.Errorf("links %v", notMe)
		}

		// What ran elsewhere is over; this browser goes on.
		codeFor(t, here, r, nil)
		elsewhere.Go(r.AuthorizeURL(nil)).MustBeAt("/login/password")
		status, answer := r.Refresh(offline.String("refresh_token"), nil)
		mustRefuse(t, status, answer, http.StatusBadRequest, "invalid_grant")
		// Links that wait in the old mailbox are void.
		for _, link := range []string{reset, confirm} {
			mustRefuseLink(t, here.Go(link), linkIsOld)
		}
		if got := eventsOf(t, d, id); !slices.Contains(got, "address.changed") {
			t.Errorf("audit: %s", got)
		}

		// She signs in with the new address, and her codes go there.
		signIn(elsewhere, ana).MustBeAt("/login/password")
		signIn(elsewhere, anaElse)
		elsewhere.Go(rp(t, d, strict).AuthorizeURL(nil)).MustBeAt("/login/email-code")
		if m := d.MailTo(t, anaElse); !strings.HasPrefix(m.Subject, "Your code for ") {
			t.Errorf("%+v", m)
		}
		for _, m := range d.MailsTo(t, ana) {
			if strings.HasPrefix(m.Subject, "Your code for ") {
				t.Error("a code went to the old address")
			}
		}
	})
}

// A link that was mailed to an address is of no use once it is another one,
// even where the change took no link.
func TestLinksToAnAddressBefore(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		id, p := idOf(t, d, ana), servertest.NewPerson(t)
		for _, k := range kinds() {
			if k.data != ana {
				continue
			}
			fresh(t, d, id)
			link := mailLink(t, d, id, k)
			u := person(t, d, id)
			change(t, d, ana, func(tx *storage.Tx, _ string) error {
				u.Email = anaElse
				return tx.UpdateUser(t.Context(), *u, d.Clock.Now())
			})
			if p.Go(link); p.Status == http.StatusOK {
				p.Submit(k.press)
			}
			mustRefuseLink(t, p, linkIsUsed)
			if strings.Contains(p.Text(), anaElse) {
				t.Errorf("%s tells the new address", k.purpose)
			}
			if now := person(t, d, id); now.EmailVerified || now.PasswordHash != "" || now.Email != anaElse {
				t.Errorf("%s: %+v", k.purpose, now)
			}
		}
	})
}

func TestNotMe(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		r, id := rp(t, d, first), idOf(t, d, ana)
		thief := member(t, d, ana)
		tokens := tokensFor(t, thief, r, url.Values{"scope": {"openid offline_access"}})
		waiting := map[string]string{}
		for _, k := range kinds()[:5] {
			waiting[k.purpose] = mailLink(t, d, id, k)
		}

		mailed := mailLink(t, d, id, kinds()[5])
		victim := servertest.NewPerson(t).Go(mailed).MustRead("Was it not you?").Submit(button).MustRead("Your account is safe for now")

		thief.Go(r.AuthorizeURL(nil)).MustBeAt("/login/password")
		status, answer := r.Refresh(tokens.String("refresh_token"), nil)
		mustRefuse(t, status, answer, http.StatusBadRequest, "invalid_grant")
		if person(t, d, id).ChangesLockedAt.IsZero() || !slices.Contains(eventsOf(t, d, id), "changes.locked") {
			t.Errorf("%+v, %s", person(t, d, id), eventsOf(t, d, id))
		}
		if m := d.MailTo(t, ana); !strings.Contains(m.Subject, "is protected") {
			t.Errorf("Ana was told %q", m.Subject)
		}
		if m := d.MailTo(t, olga); m.Subject != "Ana Operator says: this wasn't me" {
			t.Errorf("the owner was told %q", m.Subject)
		}
		if n := len(d.MailsTo(t, ben)); n != 0 {
			t.Errorf("Ben got %d mails", n)
		}

		// Nothing that waits in a mailbox changes anything, now or later.
		for purpose, link := range waiting {
			mustRefuseLink(t, victim.Go(link), linkIsOld)
			if now := person(t, d, id); now.Email != ana {
				t.Errorf("%s: %+v", purpose, now)
			}
		}
		// Nor does one that is made while changes are locked, but what the operator hands over.
		d.Clock.Advance(time.Minute)
		was := person(t, d, id)
		for _, k := range kinds()[1:5] {
			if victim.Go(mailLink(t, d, id, k)).MustRead("until an owner of your company lifts it"); victim.Status != http.StatusForbidden {
				t.Errorf("%s: %d", k.purpose, victim.Status)
			}
		}
		if now := person(t, d, id); now.UpdatedAt != was.UpdatedAt {
			t.Errorf("changed: %+v", now)
		}
		victim.Go(mailLink(t, d, id, kinds()[0])).Submit(password).MustRead("Sign in")

		// Saying so again is fine, from any mail.
		again := kinds()[5]
		again.purpose = notify.LinkNotMe + ":y"
		victim.Go(mailLink(t, d, id, again)).Submit(button).MustRead("Your account is safe for now")
	})
}

// A lock that comes between the page and its button counts.
func TestLockedMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		id := idOf(t, d, ana)
		for _, k := range kinds()[:5] {
			fresh(t, d, id)
			p := servertest.NewPerson(t).Go(mailLink(t, d, id, k))
			change(t, d, ana, func(tx *storage.Tx, id string) error { return tx.LockChanges(t.Context(), id, d.Clock.Now()) })
			if p.Submit(k.press).MustRead("until an owner of your company lifts it"); p.Status != http.StatusForbidden || k.does(person(t, d, id)) {
				t.Errorf("%s: %d %+v", k.purpose, p.Status, person(t, d, id))
			}
		}
	})
}

// eventsOf are the names of what happened to a person, newest first.
func eventsOf(t testing.TB, d *servertest.Demo, id string) (names []string) {
	t.Helper()
	events, err := d.DB.Activity(t.Context(), id, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Result == storage.OK {
			names = append(names, e.Event)
		}
	}
	return names
}
