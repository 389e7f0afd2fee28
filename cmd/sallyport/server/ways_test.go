package server_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
)

// Ways to prove who one is, each from setting it up to signing in with it.

// newest is the newest mail to an address that has something, once all that is
// queued is sent.
func newest(t *testing.T, d *servertest.Demo, to string, something *regexp.Regexp) string {
	t.Helper()
	for range 1000 {
		if _, err := d.Server.DeliverMessages(t.Context()); err != nil {
			t.Fatal(err)
		}
		all := d.Mail.All()
		for i := len(all) - 1; i >= 0; i-- {
			if found := something.FindString(all[i].Body); all[i].To == to && found != "" {
				return found
			}
		}
	}
	t.Fatalf("no mail to %s", to)
	return ""
}

// aCode and aLink are what messages bring.
var (
	aCode = regexp.MustCompile(`\b\d{6}\b`)
	aLink = regexp.MustCompile(`http://\S+`)
)

// followSetUpLink opens the set-up link that was mailed to somebody in their
// account.
func followSetUpLink(t *testing.T, d *servertest.Demo, p *servertest.Person, email string) {
	t.Helper()
	p.MustRead("Look into your mail")
	p.Go(newest(t, d, email, regexp.MustCompile(`http://\S+/two-step/link\S+`))).MustBeAt("/account/two-step/link").SubmitTo("/account/two-step/link")
	p.MustBeAt("/account/set-up")
}

func TestEmailCodes(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		ana := servertest.NewPerson(t)
		ana.Go(d.URL + "/account/email-codes")
		signIn(ana, "ana@acme.example")
		followSetUpLink(t, d, ana, "ana@acme.example")
		ana.Submit(map[string]string{"method": "email"}).MustBeAt("/account/set-up/email/code").MustRead("a•••@acme.example")
		ana.Submit(map[string]string{"code": newest(t, d, "ana@acme.example", aCode)}).MustBeAt("/account/set-up/email/code")
		if codes := ana.All("code"); len(codes) != 10 {
			t.Fatalf("%d backup codes: %s", len(codes), ana.Text())
		}

		// Signing in takes the code from now on, and says 2sv.
		d.Clock.Advance(time.Minute)
		again := servertest.NewPerson(t)
		again.Go(d.Dashboard).Follow("/login")
		signIn(again, "ana@acme.example").MustBeAt("/login/email-code").MustRead("a•••@acme.example")
		first := newest(t, d, "ana@acme.example", aCode)
		d.Clock.Advance(91 * time.Second)
		again.Submit(map[string]string{"code": first}).MustRead("expired")
		again.Submit(map[string]string{"resend": "1"}).MustBeAt("/login/email-code")
		again.Submit(map[string]string{"code": first}).MustRead("didn't match")
		again.Submit(map[string]string{"code": newest(t, d, "ana@acme.example", aCode)}).MustRead("Ana Operator")
		again.Go(d.Dashboard + "/claims").MustRead("urn:sallyport:acr:2sv")
		if !strings.Contains(again.Text(), "email") {
			t.Errorf("amr without email: %s", again.Text())
		}
	})
}
