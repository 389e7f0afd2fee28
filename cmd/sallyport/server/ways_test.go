package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/server"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/login/notify"
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

// The first number, because the company wants a second step: from the why-page
// to the profile.
func TestTextMessagesInTheFlow(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		rule(t, d, "staff: {mode: required}")
		r := rp(t, d, first)
		scope := url.Values{"scope": {"openid phone"}}
		p := visitor(t).Go(r.AuthorizeURL(scope))
		signIn(p, ana).MustBeAt("/login/why").Submit(map[string]string{"set_up": "1"}).Submit(map[string]string{"method": "sms"})
		p.MustBeAt("/login/set-up/phone")
		for typed, remedy := range map[string]string{"": "Enter your mobile number", "079 111 11 11": "+41 79 123 45 67", "+41 79 call me": "+41 79 123 45 67"} {
			p.Submit(map[string]string{"phone": typed}).MustBeAt("/login/set-up/phone").MustRead("Error").MustRead(remedy)
			if typed != "" && !p.Has("[value="+typed+"]") || p.Status != http.StatusUnprocessableEntity {
				t.Errorf("%q is gone, %d", typed, p.Status)
			}
		}
		p.Submit(map[string]string{"phone": " 0041 79 (0)111-11 11"}).MustBeAt("/login/set-up/phone/code").MustRead("•••• 11")
		text := d.Phone.Newest(t, anaPhone)
		code := aCode.FindString(text.Body)
		lines := strings.Split(text.Body, "\n")
		if last := lines[len(lines)-1]; last != "@localhost #"+code || strings.Contains(text.Body, "http") {
			t.Errorf("text %q", text.Body)
		}
		// Nothing is active before the code is right.
		enter(p, wrong(code)).MustBeAt("/login/set-up/phone/code").MustRead("didn't match").MustRead("4 tries left")
		if u := person(t, d, idOf(t, d, ana)); u.Phone == anaPhone || u.PhoneVerified || u.TwoStep {
			t.Fatalf("before: %+v", u)
		}
		enter(p, code).MustBeAt("/login/backup-codes")
		saved(t, p)
		if u := person(t, d, idOf(t, d, ana)); u.Phone != anaPhone || !u.PhoneVerified || !u.TwoStep {
			t.Errorf("after: %+v", u)
		}
		if subject := d.MailTo(t, ana).Subject; subject != "Text-message codes were set up for your account" {
			t.Errorf("told %q", subject)
		}

		// The code that enrolled is spent; the next one signs in.
		signIn(p, ana).MustBeAt("/login/text-message")
		enter(p, code).MustRead("didn't match")
		d.Clock.Advance(30 * time.Second)
		p.Submit(map[string]string{"resend": "1"}).MustBeAt("/login/text-message").MustRead("•••• 11")
		enter(p, d.Phone.Code(t, anaPhone))
		_, tokens := r.Exchange(answered(t, p).Get("code"), nil)
		if claims := servertest.Claims(t, tokens.String("id_token")); claims["acr"] != acr2FA {
			t.Errorf("acr %v", claims["acr"])
		}
		if _, a := r.Userinfo(tokens.String("access_token")); a["phone_number"] != anaPhone || a["phone_number_verified"] != true {
			t.Errorf("userinfo %v", a)
		}
		tokens = tokensFor(t, p, r, url.Values{"scope": {"openid profile email"}})
		if _, a := r.Userinfo(tokens.String("access_token")); a["phone_number"] != nil {
			t.Errorf("userinfo without the scope: %v", a)
		}
	})
}

func TestTextMessagesInTheAccount(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		give(t, d, ana, anApp)
		h := inAccount(t, d, ana)
		h.at("/account/text-messages").MustBeAt("/account/text-messages/phone")
		byText(t, d, h.Person, anaPhone)
		h.at("/account").MustRead("11")
		if u := h.person().User; u.Phone != anaPhone || !u.PhoneVerified {
			t.Errorf("%+v", u)
		}
		h.mustLog("sms.enrolled")

		// Another number stands in for the one before, once its code came back.
		h.at("/account/text-messages").MustBeAt("/account/text-messages/phone").Submit(map[string]string{"phone": benPhone})
		if in := h.person(); in.User.Phone != anaPhone {
			t.Errorf("replaced too early: %+v", in.User)
		}
		enter(h.Person, d.Phone.Code(t, benPhone))
		h.mustLog("sms.replaced")
		if in := h.person(); in.User.Phone != benPhone || len(h.factors()) != 2 {
			t.Errorf("%+v, %q", in.User, h.factors())
		}
		d.Clock.Advance(time.Minute)
		p := visitor(t).Go(rp(t, d, first).AuthorizeURL(nil))
		choose(signIn(p, ana), "/login/text-message").MustRead("•••• 22")
		enter(p, d.Phone.Code(t, benPhone))
		answered(t, p)
	})
}

// choose goes to the page of a way to confirm, from that of another.
func choose(p *servertest.Person, path string) *servertest.Person {
	if p.URL.Path != path {
		p.Follow("/login/choose").Follow(path)
	}
	return p.MustBeAt(path)
}

// texted is somebody at the page for the code sent to their phone.
func texted(t *testing.T, d *servertest.Demo, email string) *servertest.Person {
	t.Helper()
	p := visitor(t).Go(rp(t, d, first).AuthorizeURL(nil))
	return choose(signIn(p, email), "/login/text-message")
}

// phoneOf is somebody's number as a factor.
func phoneOf(number string) storage.Factor {
	return storage.Factor{ID: "phone " + number, Kind: "sms", Secret: []byte(number)}
}

func TestTextCodesWork90Seconds(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		give(t, d, ana, phoneOf(anaPhone))
		p := texted(t, d, ana)
		code := d.Phone.Code(t, anaPhone)
		d.Clock.Advance(89 * time.Second)
		enter(p, code)
		answered(t, p)

		d.Clock.Advance(time.Minute)
		p = texted(t, d, ana)
		code = d.Phone.Code(t, anaPhone)
		d.Clock.Advance(90 * time.Second)
		enter(p, code).MustRead("That code has expired. Have a new one sent.")

		// The time counts from when the gateway took it.
		p.Submit(map[string]string{"resend": "1"})
		d.Delivered()
		d.Clock.Advance(30 * time.Second)
		d.Phone.Fail(http.StatusServiceUnavailable)
		sent := len(d.Phone.All())
		p.Submit(map[string]string{"resend": "1"}).MustRead("on its way")
		d.Clock.Advance(40 * time.Second)
		d.Phone.Fail(0)
		code = d.Phone.Code(t, anaPhone)
		if n := len(d.Phone.All()); n != sent+1 {
			t.Fatalf("%d more texts", n-sent)
		}
		d.Clock.Advance(89 * time.Second)
		enter(p, code)
		answered(t, p)
	})
}

func TestTextCodesThatDoNotArrive(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		give(t, d, ana, phoneOf(anaPhone))
		// Down for two minutes, then up: what would be too old is not sent.
		d.Phone.Fail(http.StatusBadGateway)
		p := texted(t, d, ana).MustRead("on its way")
		d.Clock.Advance(2 * time.Minute)
		d.Phone.Fail(0)
		d.Delivered()
		if all := d.Phone.All(); len(all) != 0 {
			t.Fatalf("sent late: %v", all)
		}
		p.Go(p.URL.String()).MustRead("could not be delivered")
		// Refused for good: the page says so at once.
		d.Phone.Fail(http.StatusUnprocessableEntity)
		p.Submit(map[string]string{"resend": "1"}).MustBeAt("/login/text-message")
		d.Delivered()
		p.Go(p.URL.String()).MustRead("could not be delivered")
		d.Phone.Fail(0)
		d.Clock.Advance(30 * time.Second)
		p.Submit(map[string]string{"resend": "1"})
		enter(p, d.Phone.Code(t, anaPhone))
		answered(t, p)
	})
}

func TestNewestTextCodeOnly(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		give(t, d, ana, phoneOf(anaPhone))
		p := texted(t, d, ana)
		old := d.Phone.Code(t, anaPhone)
		d.Clock.Advance(29 * time.Second)
		p.Submit(map[string]string{"resend": "1"}).MustBeAt("/login/text-message").MustRead("Error")
		if n := len(d.Phone.All()); n != 1 {
			t.Fatalf("%d texts", n)
		}
		d.Clock.Advance(time.Second)
		p.Submit(map[string]string{"resend": "1"}).MustBeAt("/login/text-message")
		code := d.Phone.Code(t, anaPhone)
		for code == old { // one in a million
			d.Clock.Advance(30 * time.Second)
			p.Submit(map[string]string{"resend": "1"})
			code = d.Phone.Code(t, anaPhone)
		}
		enter(p, old).MustRead("didn't match")

		// Bound to its sign-in: another one of hers has a code of its own.
		other := visitor(t).Go(rp(t, d, first).AuthorizeURL(nil))
		signIn(other, ana).MustBeAt("/login/text-message")
		enter(other, code).MustRead("didn't match")
		enter(p, code)
		answered(t, p)
		enter(other, code).MustRead("didn't match")
	})
}

// Sending has ceilings, whoever asks.
func TestTextCeilings(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		give(t, d, ana, anApp)
		h := inAccount(t, d, ana)
		askFor := func(number string) *holder {
			h.at("/account/text-messages/phone")
			if h.URL.Path == "/login/totp" {
				h.code()
			}
			h.MustBeAt("/account/text-messages/phone").Submit(map[string]string{"phone": number})
			return h
		}
		ask := func() *holder { return askFor(benPhone) }
		begin := d.Clock.Now()
		for hour := range 4 {
			d.Clock.Advance(begin.Add(time.Duration(hour) * time.Hour).Sub(d.Clock.Now()))
			for i := range 10 {
				if ask(); hour == 3 {
					h.MustBeAt("/account/text-messages/phone").MustRead("Error")
					break
				}
				h.MustBeAt("/account/text-messages/phone/code")
				if i < 9 {
					d.Clock.Advance(30 * time.Second)
				}
			}
			if d.Clock.Advance(30 * time.Second); hour < 3 {
				if ask().MustBeAt("/account/text-messages/phone").MustRead("Error"); h.Status != http.StatusUnprocessableEntity || !h.Has("[value="+benPhone+"]") {
					t.Errorf("%d %s", h.Status, h.Text())
				}
			}
			d.Delivered()
			if n := len(d.Phone.All()); n != 10*min(hour+1, 3) {
				t.Fatalf("%d texts after %d hours", n, hour+1)
			}
			// Sessions idle out within an hour; this one is used.
			d.Clock.Advance(25 * time.Minute)
			h.at("/account")
		}
		// Another number has its own; the day after, so has this one again.
		askFor(anaPhone).MustBeAt("/account/text-messages/phone/code")
		d.Clock.Advance(begin.Add(24 * time.Hour).Sub(d.Clock.Now()))
		h = inAccount(t, d, ana)
		ask().MustBeAt("/account/text-messages/phone/code")
	})
}

// carrier is one of text messages.
type carrier struct{ sent chan notify.Text }

func (c carrier) SendText(_ context.Context, text notify.Text) error {
	c.sent <- text
	return nil
}

// configured is the same provider at another address, with more settings. Its
// text messages go to the carrier.
func configured(t *testing.T, d *servertest.Demo, more map[string]string) (address string, sent carrier) {
	t.Helper()
	flags := map[string]string{
		"issuer": d.URL, "outbound-allow-private": "true", "limits-exempt-networks": "127.0.0.0/8", "text-webhook-url": "http://127.0.0.1:1/", "text-number": servertest.Number,
	}
	maps.Copy(flags, more)
	conf, err := config.Load(config.Sources{Environ: []string{"SALLYPORT_TEXT_WEBHOOK_SECRET=" + secret}, Flags: flags})
	if err != nil {
		t.Fatal(err)
	}
	sent = carrier{make(chan notify.Text, 100)}
	s, err := server.New(t.Context(), server.Options{
		Config: conf, DB: d.DB, Now: d.Clock.Now, Mail: d.Mail, Text: sent, Log: server.NewLogger(d.Log, slog.LevelDebug, "text"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return servertest.Serve(t, s.Handler()), sent
}

// askedForNumber is somebody at the page that asks for a number.
func askedForNumber(t *testing.T, d *servertest.Demo, address, email string) *servertest.Person {
	t.Helper()
	p := visitor(t).Go(strings.Replace(rp(t, d, first).AuthorizeURL(nil), d.URL, address, 1))
	return signIn(p, email).Submit(map[string]string{"set_up": "1"}).MustBeAt("/login/set-up/phone")
}

// What may be sent is limited for an address and for a company, however many
// numbers it goes to.
func TestCeilingsOnManyNumbers(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		rule(t, d, "staff: {mode: required}, methods: [sms]")
		address, sent := configured(t, d, map[string]string{"limits-exempt-networks": "10.0.0.0/8", "codes-company-daily": "33"})
		p := askedForNumber(t, d, address, ana)
		page := p.URL.String()
		next := 0
		ask := func(p *servertest.Person, page string) *servertest.Person {
			next++
			return p.Go(page).Submit(map[string]string{"phone": fmt.Sprintf("+4179%07d", next)})
		}
		for range 30 {
			ask(p, page).MustBeAt("/login/set-up/phone/code")
		}
		ask(p, page).MustBeAt("/login/set-up/phone").MustRead("Error")
		if n := len(sent.sent); n != 30 {
			t.Fatalf("%d texts from one address", n)
		}
		// Another address may go on, up to the company's ceiling of the day.
		other := at(t, visitor(t), "127.0.0.9", "").Go(strings.Replace(rp(t, d, first).AuthorizeURL(nil), d.URL, address, 1))
		page = signIn(other, ben).Submit(map[string]string{"set_up": "1"}).MustBeAt("/login/set-up/phone").URL.String()
		for range 3 {
			ask(other, page).MustBeAt("/login/set-up/phone/code")
		}
		ask(other, page).MustBeAt("/login/set-up/phone").MustRead("Error")
		if n := len(sent.sent); n != 33 {
			t.Errorf("%d texts of one company", n)
		}
	})
}

// Only numbers of some countries are served: the page says which.
func TestCountriesOfNumbers(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		rule(t, d, "staff: {mode: required}, methods: [sms]")
		address, sent := configured(t, d, map[string]string{"text-countries": "+41,+49"})
		p := askedForNumber(t, d, address, ana).MustRead("+41").MustRead("+49")
		for _, typed := range []string{"+1 202 555 0123", "+43 664 1234567", "+4"} {
			p.Submit(map[string]string{"phone": typed}).MustBeAt("/login/set-up/phone").MustRead("Error")
			if typed != "+4" {
				p.MustRead("We can't send text messages there. Numbers from here can be used: +41, +49.")
			}
			if !p.Has("[value=" + typed + "]") {
				t.Errorf("%s is gone", typed)
			}
		}
		if len(sent.sent) != 0 {
			t.Fatalf("sent to %v", <-sent.sent)
		}
		p.Submit(map[string]string{"phone": "+49 170 1234567"}).MustBeAt("/login/set-up/phone/code")
		if text := <-sent.sent; text.To != "+491701234567" {
			t.Errorf("sent to %s", text.To)
		}

		// Whoever texts from elsewhere gets no answer.
		p.Go(strings.Replace(p.URL.String(), "/phone/code", "/phone", 1)).Submit(map[string]string{"text_us": "1"}).MustBeAt("/login/set-up/phone/text")
		word := p.All("code")[0]
		d.Clock.Advance(time.Minute)
		if inbound(t, d, address, secret, "1", "+12025550123", word); len(sent.sent) != 0 {
			t.Errorf("an answer to %s", (<-sent.sent).To)
		}
		inbound(t, d, address, secret, "2", anaPhone, word)
		if text := <-sent.sent; text.To != anaPhone {
			t.Errorf("sent to %s", text.To)
		}
	})
}

// inbound hands a text message over as a gateway with a secret does, at the
// time of the provider.
func inbound(t testing.TB, d *servertest.Demo, address, secret, id, from, body string) (status int) {
	t.Helper()
	message := fmt.Sprintf(`{"id":%q,"from":%q,"to":%q,"body":%q}`, id, from, servertest.Number, body)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"/texts/inbound", strings.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	notify.SignRequest(req, secret, d.Clock.Now(), []byte(message))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// textUs is somebody who is to send a word, and the word.
func textUs(t *testing.T, d *servertest.Demo, email string) (p *servertest.Person, word string) {
	t.Helper()
	p = visitor(t).Go(rp(t, d, first).AuthorizeURL(url.Values{"scope": {"openid phone"}}))
	signIn(p, email).MustBeAt("/login/why").Submit(map[string]string{"set_up": "1"}).Submit(map[string]string{"method": "sms"})
	p.MustBeAt("/login/set-up/phone").Submit(map[string]string{"text_us": "1"}).MustBeAt("/login/set-up/phone/text").MustRead(servertest.Number)
	return p, p.All("code")[0]
}

// reload loads the page anew, as a person does who waits.
func reload(p *servertest.Person) *servertest.Person { return p.Go(p.URL.String()) }

func TestNumberByTextMessage(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		rule(t, d, "staff: {mode: required}")
		p, word := textUs(t, d, ana)
		if !regexp.MustCompile(`^[0-9a-z]{4}-[0-9a-z]{4}$`).MatchString(word) {
			t.Fatalf("word %q", word)
		}
		p.Submit(map[string]string{"check": "1"}).MustRead("not arrived yet")
		enterNothing := p.Go(strings.Replace(p.URL.String(), "/phone/text", "/phone/code", 1)) // no code before the number is known
		enterNothing.MustBeAt("/login/set-up/phone/text")

		// People write as they like.
		if status := d.Phone.Send(t, d.Instance, "0041 79 111 11 11", " "+strings.ToUpper(strings.Replace(word, "-", " ", 1))+"\n"); status != http.StatusNoContent {
			t.Fatalf("status %d", status)
		}
		reload(p).MustBeAt("/login/set-up/phone/code").MustRead("•••• 11")
		if u := person(t, d, idOf(t, d, ana)); u.Phone == anaPhone || u.PhoneVerified {
			t.Fatalf("before the code came back: %+v", u)
		}
		enter(p, d.Phone.Code(t, anaPhone)).MustBeAt("/login/backup-codes")
		saved(t, p)
		d.Clock.Advance(time.Minute)
		signIn(p, ana).MustBeAt("/login/text-message")
		enter(p, d.Phone.Code(t, anaPhone))
		answered(t, p)
		if u := person(t, d, idOf(t, d, ana)); u.Phone != anaPhone || !u.PhoneVerified {
			t.Errorf("%+v", u)
		}
		r := rp(t, d, first)
		tokens := tokensFor(t, p, r, url.Values{"scope": {"openid phone"}})
		if _, a := r.Userinfo(tokens.String("access_token")); a["phone_number"] != anaPhone || a["phone_number_verified"] != true {
			t.Errorf("userinfo %v", a)
		}
	})
}

func TestWordsThatDoNothing(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		rule(t, d, "staff: {mode: required}")
		p, word := textUs(t, d, ana)
		other, bens := textUs(t, d, ben)
		if word == bens {
			t.Fatal("one word for two")
		}
		mustWait := func(what string, q *servertest.Person) {
			t.Helper()
			d.Delivered()
			if reload(q); q.URL.Path != "/login/set-up/phone/text" || len(d.Phone.All()) != 0 {
				t.Fatalf("%s: at %s, %v was sent", what, q.URL, d.Phone.All())
			}
		}
		send := func(body string) int { return d.Phone.Send(t, d.Instance, anaPhone, body) }
		for what, body := range map[string]string{"a wrong word": "0000-0000", "nothing": "", "what waits is called": "word:" + word, "a part": word[:4], "two words": word + bens} {
			if status := send(body); status != http.StatusNoContent {
				t.Errorf("%s: %d", what, status)
			}
			mustWait(what, p)
		}

		// What the gateway would say, held up on the way.
		held := servertest.NewPerson(t)
		var header http.Header
		var message []byte
		between := servertest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			header = r.Header.Clone()
			message, _ = io.ReadAll(r.Body)
		}))
		d.Phone.Send(t, &servertest.Instance{URL: between, Clock: d.Clock}, anaPhone, word)
		play := func(header http.Header, message []byte) int {
			t.Helper()
			req, err := http.NewRequest(http.MethodPost, d.URL+"/texts/inbound", bytes.NewReader(message))
			if err != nil {
				t.Fatal(err)
			}
			req.Header = header
			resp, err := held.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			return resp.StatusCode
		}
		if status := play(http.Header{}, message); status != http.StatusForbidden {
			t.Errorf("unsigned: %d", status)
		}
		if status := play(header, bytes.Replace(message, []byte("1111111"), []byte("3333333"), 1)); status != http.StatusForbidden {
			t.Errorf("another number: %d", status)
		}
		if status := inbound(t, d, d.URL, "another secret of thirty-two characters", "x", anaPhone, word); status != http.StatusForbidden {
			t.Errorf("foreign signature: %d", status)
		}
		d.Clock.Advance(5*time.Minute + time.Second)
		if status := play(header, message); status != http.StatusForbidden {
			t.Errorf("stale: %d", status)
		}
		mustWait("forged and stale", p)

		// Ben's word is about Ben's sign-in alone; each works once, a message too.
		d.Phone.Send(t, &servertest.Instance{URL: between, Clock: d.Clock}, benPhone, bens)
		for range 2 {
			if status := play(header, message); status != http.StatusNoContent {
				t.Fatalf("status %d", status)
			}
		}
		d.Delivered()
		if all := d.Phone.All(); len(all) != 1 || all[0].To != benPhone {
			t.Fatalf("sent %v", all)
		}
		reload(other).MustBeAt("/login/set-up/phone/code").MustRead("•••• 22")
		reload(p).MustBeAt("/login/set-up/phone/text")
		enterElsewhere := p.Go(strings.Replace(p.URL.String(), "/phone/text", "/phone/code", 1))
		enterElsewhere.MustBeAt("/login/set-up/phone/text")
		send(bens)
		d.Delivered()
		if all := d.Phone.All(); len(all) != 1 {
			t.Fatalf("a word worked twice: %v", all)
		}
		// A message that came once counts for nothing later, whoever waits then.
		other.Go(strings.Replace(other.URL.String(), "/phone/code", "/phone", 1)).Submit(map[string]string{"text_us": "1"})
		d.Clock.Advance(time.Minute)
		play(header, message)
		d.Delivered()
		if all := d.Phone.All(); len(all) != 1 {
			t.Fatalf("a replayed message was answered: %v", all)
		}
		if reload(other).MustBeAt("/login/set-up/phone/text"); slices.Contains(other.All("code"), bens) {
			t.Error("the same word again")
		}

		// After ten minutes a word is too old.
		d.Clock.Advance(4 * time.Minute)
		send(word)
		d.Delivered()
		if all := d.Phone.All(); len(all) != 1 {
			t.Errorf("an old word: %v", all)
		}
	})
}
