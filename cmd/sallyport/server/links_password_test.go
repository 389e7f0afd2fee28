package server_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/server"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// forgot asks for a link for an address.
func forgot(p *servertest.Person, d *servertest.Demo, email string) *servertest.Person {
	return p.Go(d.URL + "/forgot").Submit(map[string]string{"username": email})
}

func TestForgottenPassword(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		r, id := rp(t, d, first), idOf(t, d, ana)
		running, key, _ := twoFactors(t, d, ana)
		tokens := tokensFor(t, running, r, url.Values{"scope": {"openid offline_access"}})
		change(t, d, ana, func(tx *storage.Tx, id string) error {
			u := person(t, d, id)
			u.EmailVerified = false
			return tx.UpdateUser(t.Context(), *u, d.Clock.Now())
		})
		other := mailLink(t, d, id, kind{purpose: notify.LinkSetUp, path: "/set-up", lifetime: time.Hour})

		// Out of the sign-in and back into it.
		p := visitor(t).Go(r.AuthorizeURL(nil))
		p.Follow("/forgot").MustBeAt("/forgot").Submit(map[string]string{"username": "  ANA@acme.example "})
		p.MustBeAt("/forgot/sent").MustRead("Look into your mail")
		before := len(d.MailsTo(t, ana))
		p.Go(p.URL.String()).MustRead("Look into your mail").Follow("/login").MustBeAt("/login/password").MustRead("First")
		if after := len(d.MailsTo(t, ana)); after != before {
			t.Errorf("loading the answer again sent %d mails", after-before)
		}

		link := d.LinkTo(t, ana)
		if m := d.MailTo(t, ana); m.Subject != "Choose a new password" || !strings.HasPrefix(link, d.URL+"/set-up?token=") {
			t.Fatalf("%+v", m)
		}
		// A password that won't do uses nothing up.
		p.Go(link).Submit(map[string]string{"password": "short", "repeat": "short"})
		if p.Status != http.StatusUnprocessableEntity {
			t.Fatalf("%d %s", p.Status, p.Text())
		}
		p.Submit(password).MustBeAt("/login/password") // her account, by way of signing in

		// What ran is over, other links are void, she is told, her address is confirmed.
		running.Go(r.AuthorizeURL(nil)).MustBeAt("/login/password")
		status, answer := r.Refresh(tokens.String("refresh_token"), nil)
		mustRefuse(t, status, answer, http.StatusBadRequest, "invalid_grant")
		mustRefuseLink(t, servertest.NewPerson(t).Go(other), linkIsOld)
		if m := d.MailTo(t, ana); m.Subject != "Your password was changed" || !strings.HasPrefix(d.LinkTo(t, ana), d.URL+"/link?token=") {
			t.Errorf("%+v", m)
		}
		if !person(t, d, id).EmailVerified {
			t.Error("the address is not confirmed")
		}
		for _, event := range []string{"password.reset_asked", "password.changed", "address.confirmed"} {
			if got := eventsOf(t, d, id); !slices.Contains(got, event) {
				t.Errorf("no %s: %s", event, got)
			}
		}

		// The old password is gone; the new one is not enough by itself.
		d.Clock.Advance(time.Minute)
		p.Go(rp(t, d, strict).AuthorizeURL(nil))
		signIn(p, ana).MustBeAt("/login/password").MustRead("don't match")
		p.Submit(map[string]string{"username": ana, "password": phrase}).MustBeAt("/login/totp")
		p.Submit(map[string]string{"code": servertest.Code(t, key, d.Clock.Now())})
		if answered(t, p).Get("code") == "" {
			t.Errorf("no code: %s", p.URL)
		}
	})
}

// Two-step verification that the person chose is asked for after a reset too,
// even where the product wants none.
func TestResetSkipsNoSecondStep(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		_, key, _ := twoFactors(t, d, ana)
		change(t, d, ana, func(tx *storage.Tx, id string) error { return tx.SetTwoStep(t.Context(), id, true, d.Clock.Now()) })
		p := visitor(t)
		forgot(p, d, ana).MustBeAt("/forgot/sent")
		p.Go(d.LinkTo(t, ana)).Submit(password)
		p.Go(rp(t, d, first).AuthorizeURL(nil)).Submit(map[string]string{"username": ana, "password": phrase}).MustBeAt("/login/totp")
		d.Clock.Advance(totpStep)
		if p.Submit(map[string]string{"code": servertest.Code(t, key, d.Clock.Now())}); answered(t, p).Get("code") == "" {
			t.Errorf("no code: %s", p.URL)
		}
	})
}

// The answer is the same for everybody, and only who may have a link gets one.
func TestForgottenPasswordTellsNothing(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		change(t, d, ben, func(tx *storage.Tx, id string) error {
			return tx.DisableUser(t.Context(), id, true, d.Clock.Now())
		})
		change(t, d, mia, func(tx *storage.Tx, id string) error { return tx.LockChanges(t.Context(), id, d.Clock.Now()) })
		answers := map[string]string{}
		for _, email := range []string{ana, ben, mia, "nobody@acme.example", ana /* too soon */} {
			p := forgot(servertest.NewPerson(t), d, email).MustBeAt("/forgot/sent")
			p.Header.Del("Date")
			p.Header.Del("X-Request-Id")
			answers[fmt.Sprintf("%d %s %v %s", p.Status, p.URL, p.Header, p.Text())] = email
		}
		if len(answers) != 1 {
			t.Errorf("%d different answers: %v", len(answers), answers)
		}
		for email, want := range map[string]int{ana: 1, ben: 0, mia: 0, "nobody@acme.example": 0} {
			if got := len(d.MailsTo(t, email)); got != want {
				t.Errorf("%d mails to %s, want %d", got, email, want)
			}
		}
		for email, words := range map[string]string{"": "Enter your e-mail address", "ana": "such as ana@example.com", "Ana <ana@acme.example>": "such as ana@example.com"} {
			if p := forgot(servertest.NewPerson(t), d, email).MustBeAt("/forgot").MustRead(words); p.Status != http.StatusUnprocessableEntity {
				t.Errorf("%q: %d", email, p.Status)
			}
		}
		// A form from elsewhere sends nothing.
		p := servertest.NewPerson(t).Post(d.URL+"/forgot", url.Values{"username": {gus}}).MustRead("This page was open for a while")
		if n := len(d.MailsTo(t, gus)); p.Status != http.StatusUnprocessableEntity || n != 0 {
			t.Errorf("%d, %d mails", p.Status, n)
		}
	})
}

func TestForgottenPasswordQuotas(t *testing.T) {
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			d := quiet(t, storagetest.URL(t, engine), map[string]string{"limits-exempt-networks": "192.0.2.0/24"})
			mails := func(email string, want int) {
				t.Helper()
				forgot(servertest.NewPerson(t), d, email).MustBeAt("/forgot/sent")
				if got := len(d.MailsTo(t, strings.ToLower(email))); got != want {
					t.Fatalf("%d mails to %s, want %d", got, email, want)
				}
			}
			// One per 30 seconds, however it is written; 5 per hour.
			mails(ana, 1)
			mails(ana, 1)
			mails("ANA@acme.example", 1)
			for sent := 2; sent <= 5; sent++ {
				d.Clock.Advance(30 * time.Second)
				mails(ana, sent)
			}
			d.Clock.Advance(30 * time.Second)
			mails(ana, 5)
			d.Clock.Advance(time.Hour)
			mails(ana, 6)
			// 30 per hour from one address, known or not. One is taken already.
			for i := range 28 {
				mails(fmt.Sprintf("nobody%d@acme.example", i), 0)
			}
			mails(ben, 1)
			mails(mia, 0)
			d.Clock.Advance(time.Hour)
			mails(mia, 1)
		})
	}
}

// Without a mail server there is no such page, nor a link to it.
func TestForgottenPasswordNeedsMail(t *testing.T) {
	d := start(t)
	p := visitor(t).Go(rp(t, d, first).AuthorizeURL(nil)).MustRead("Forgot password?").Follow("/forgot").MustBeAt("/forgot")
	if p.Status != http.StatusOK {
		t.Errorf("%d", p.Status)
	}
	mute := withoutMail(t)
	if p.Go(mute + "/forgot"); p.Status != http.StatusNotFound {
		t.Errorf("%d", p.Status)
	}
}

// An invitation sets the password, confirms the address, and knows the
// network: the company's check of new networks asks nothing more.
func TestInvitation(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		declare(t, d, "companies: [{ id: acme, name: Acme, rules: { new_network_check: true } }]")
		id := idOf(t, d, ana)
		for _, k := range kinds()[:2] {
			fresh(t, d, id)
			p := visitor(t).Go(mailLink(t, d, id, k)).MustRead("Acme").Submit(password)
			p.Go(rp(t, d, first).AuthorizeURL(nil)).Submit(map[string]string{"username": ana, "password": phrase})
			if k.purpose == notify.LinkSetUp {
				p.MustBeAt("/login/email-code") // the operator's link shows nothing of the mailbox
				continue
			}
			if answered(t, p).Get("code") == "" {
				t.Errorf("no code: %s", p.URL)
			}
		}
	})
}

// A disabled person's link works as any, and lets nobody in.
func TestLinkOfDisabledPerson(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		id := idOf(t, d, ana)
		link := mailLink(t, d, id, kinds()[1])
		change(t, d, ana, func(tx *storage.Tx, id string) error {
			return tx.DisableUser(t.Context(), id, true, d.Clock.Now())
		})
		p := visitor(t).Go(link).Submit(password).MustBeAt("/login/password")
		p.Go(rp(t, d, first).AuthorizeURL(nil))
		for _, secret := range []string{demo.Password, phrase} {
			p.Submit(map[string]string{"username": ana, "password": secret})
		}
		if strings.HasPrefix(p.URL.String(), site) && p.URL.Query().Has("code") {
			t.Errorf("in at %s", p.URL)
		}
		p.MustRead("Your account is turned off")
	})
}

// withoutMail is the address of a provider that no mail server is configured for.
func withoutMail(t *testing.T) string {
	t.Helper()
	conf, err := config.Load(config.Sources{Flags: map[string]string{"issuer": "http://localhost:8080"}})
	if err != nil {
		t.Fatal(err)
	}
	db := storagetest.Open(t, storagetest.URL(t, "sqlite"), storage.Options{})
	s, err := server.New(t.Context(), server.Options{Config: conf, DB: db, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return servertest.Serve(t, s.Handler())
}
