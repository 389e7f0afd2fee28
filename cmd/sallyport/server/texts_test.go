package server_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/server"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/storage"
)

// Codes by text message, from the system to the person.

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
