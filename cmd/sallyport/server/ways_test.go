package server_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
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

// Numbers of people's phones.
const (
	anaPhone = "+41791111111"
	benPhone = "+41792222222"
)

// enter sends a code.
func enter(p *servertest.Person, code string) *servertest.Person {
	return p.Submit(map[string]string{"code": code})
}

// wrong is a code that isn't the right one.
func wrong(right string) string {
	if right == "000000" {
		return "000001"
	}
	return "000000"
}

// byText enrols a number, from the page that asks for it on.
func byText(t *testing.T, d *servertest.Demo, p *servertest.Person, number string) *servertest.Person {
	t.Helper()
	p.Submit(map[string]string{"phone": number})
	return enter(p, d.Phone.Code(t, number))
}

// saved presses the button below new backup codes, and returns them.
func saved(t *testing.T, p *servertest.Person) (codes []string) {
	t.Helper()
	codes = p.All("code")
	if len(codes) == 0 {
		t.Fatalf("no backup codes at %s:\n%s", p.URL, p.Text())
	}
	p.Submit(map[string]string{"saved": "yes"})
	return codes
}

// entered is what the ID token of a product says, once a sign-in led there.
func entered(t *testing.T, p *servertest.Person, r *servertest.RP) servertest.Answer {
	t.Helper()
	status, tokens := r.Exchange(answered(t, p).Get("code"), nil)
	if status != http.StatusOK {
		t.Fatalf("exchange: %d %v", status, tokens)
	}
	return servertest.Claims(t, tokens.String("id_token"))
}

// followSetUpLink opens the set-up link that was mailed to somebody in their
// account.
func followSetUpLink(t *testing.T, d *servertest.Demo, p *servertest.Person, email string) {
	t.Helper()
	p.MustRead("Look into your mail")
	p.Go(newest(t, d, email, regexp.MustCompile(`http://\S+/two-step/link\S+`))).MustBeAt("/account/two-step/link").SubmitTo("/account/two-step/link")

}

func TestEmailCodes(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		ana := servertest.NewPerson(t)
		ana.Go(d.URL + "/account/email-codes")
		signIn(ana, "ana@acme.example")
		followSetUpLink(t, d, ana, "ana@acme.example")
		ana.Submit(map[string]string{"method": "email"}).MustBeAt("/account/email-codes/email/code").MustRead("a•••@acme.example")
		ana.Submit(map[string]string{"code": newest(t, d, "ana@acme.example", aCode)}).MustBeAt("/account/backup-codes/new")
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

// A company may let e-mail codes fulfil its own demand; a product's stays as it
// is.
func TestEmailCodesFulfilTheCompany(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		r := rp(t, d, first)
		rule(t, d, "staff: {mode: required}")
		p := visitor(t).Go(r.AuthorizeURL(nil))
		signIn(p, ana).MustBeAt("/login/why").MustRead("Acme").Submit(map[string]string{"set_up": "1"})
		if p.MustBeAt("/login/set-up"); p.Has("[value=email]") || !p.Has("[value=sms]") {
			t.Errorf("offered: %s", p.Text())
		}
		p.Post(p.URL.String(), url.Values{"form_token": {fieldOf(t, p, "form_token")}, "method": {"email"}}).MustBeAt("/login/set-up")
		if n := len(d.MailsTo(t, ana)); n != 0 {
			t.Fatalf("%d mails", n)
		}

		rule(t, d, "staff: {mode: required}, email_code_fulfils: true")
		p.Go(p.URL.String()).Submit(map[string]string{"method": "email"}).MustBeAt("/login/set-up/email/code")
		enter(p, d.CodeTo(t, ana)).MustBeAt("/login/backup-codes")
		saved(t, p)
		d.Clock.Advance(time.Minute)
		signIn(p, ana).MustBeAt("/login/email-code")
		if claims := entered(t, enter(p, newest(t, d, ana, aCode)), r); claims["acr"] != acr2SV {
			t.Errorf("acr %v", claims["acr"])
		}
		p.Go(rp(t, d, strict).AuthorizeURL(nil)).MustBeAt("/login/why").MustRead("Strict")

		// Nobody's codes go to an address that wasn't confirmed.
		change(t, d, ben, func(tx *storage.Tx, id string) error {
			u, err := tx.User(t.Context(), id)
			if err != nil {
				return err
			}
			u.EmailVerified = false
			return tx.UpdateUser(t.Context(), *u, d.Clock.Now())
		})
		p = signIn(visitor(t).Go(r.AuthorizeURL(nil)), ben).MustBeAt("/login/why").Submit(map[string]string{"set_up": "1"})
		if p.MustBeAt("/login/set-up"); p.Has("[value=email]") || !p.Has("[value=sms]") {
			t.Errorf("offered: %s", p.Text())
		}
		p.Post(p.URL.String(), url.Values{"form_token": {fieldOf(t, p, "form_token")}, "method": {"email"}})
		p.Go(d.URL + "/login/set-up/email/code?r=" + p.URL.Query().Get("r")).MustBeAt("/login/set-up")
		if n := len(d.MailsTo(t, ben)); n != 0 {
			t.Errorf("%d mails", n)
		}
	})
}

const acr2SV = "urn:sallyport:acr:2sv"
