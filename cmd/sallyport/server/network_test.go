package server_test

import (
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// Companies may have sign-ins from networks not seen before confirmed by
// e-mail.

// via is the way of requests from one address of this machine, with a header
// that only proxies should send.
type via struct {
	transport *http.Transport
	forwarded string
}

func (v via) RoundTrip(r *http.Request) (*http.Response, error) {
	if v.forwarded != "" {
		r = r.Clone(r.Context())
		r.Header.Set("X-Forwarded-For", v.forwarded)
		r.Header.Set("Forwarded", "for="+v.forwarded)
		r.Header.Set("X-Real-IP", v.forwarded)
	}
	return v.transport.RoundTrip(r)
}

// at moves a browser to an address.
func at(t *testing.T, p *servertest.Person, address, forwarded string) *servertest.Person {
	way := &http.Transport{DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}).DialContext}
	t.Cleanup(way.CloseIdleConnections)
	p.Client().Transport = via{way, forwarded}
	return p
}

func TestNewNetworkCheck(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		rule(t, d, "new_network_check: true")
		r := rp(t, d, first)
		from := func(address, forwarded string) *servertest.Person {
			t.Helper()
			d.Clock.Advance(time.Minute)
			return signIn(at(t, visitor(t), address, forwarded).Go(r.AuthorizeURL(nil)), ana)
		}
		mustAsk := func(p *servertest.Person) *servertest.Person {
			t.Helper()
			return p.MustBeAt("/login/email-code").MustRead("a•••@acme.example")
		}
		// Begun and left, it is asked again.
		mustAsk(from("127.0.0.1", ""))
		p := mustAsk(from("127.0.0.1", ""))
		code := newest(t, d, ana, aCode)
		enter(p, wrong(code)).MustRead("didn't match").MustRead("4 tries left")
		if got := toldBy(t, entered(t, enter(p, code), r)); got.ACR != acr2SV || got.MFATime != 0 {
			t.Errorf("told %+v", got)
		}
		// Known from then on: the whole network, in any browser.
		for _, address := range []string{"127.0.0.1", "127.0.0.254"} {
			if got := toldBy(t, entered(t, from(address, ""), r)); got.ACR != acr1FA {
				t.Errorf("told %+v", got)
			}
		}
		// Another network is not, whatever the browser says about itself.
		for _, forwarded := range []string{"", "127.0.0.1", "127.0.0.1, 127.0.1.1"} {
			mustAsk(from("127.0.1.1", forwarded))
		}
		// Nor does anybody make a network known by saying so.
		entered(t, from("127.0.0.1", "127.0.1.1"), r)
		p = mustAsk(from("127.0.1.1", ""))
		entered(t, enter(p, newest(t, d, ana, aCode)), r)
		p = from("127.0.1.77", "")
		entered(t, p, r)

		// A session that moves on to another network is asked, too.
		at(t, p, "127.0.2.1", "")
		mustError(t, d, answered(t, p.Go(r.AuthorizeURL(url.Values{"prompt": {"none"}}))), "interaction_required")
		d.Clock.Advance(time.Minute)
		if p.Go(r.AuthorizeURL(nil)); p.URL.Path == "/login/email-code" {
			entered(t, enter(p, newest(t, d, ana, aCode)), r)
		} else {
			t.Errorf("at %s", p.URL)
		}
		// Each person has their own networks.
		signIn(at(t, visitor(t), "127.0.0.1", "").Go(r.AuthorizeURL(nil)), ben).MustBeAt("/login/email-code")
	})
}

// The code that confirms a network is no second step, and who has one may skip
// the check.
func TestNewNetworkAndSecondStep(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		rule(t, d, "new_network_check: true")
		r := rp(t, d, first)
		give(t, d, ana, ofAna)
		skip := func(email string, yes bool) {
			change(t, d, email, func(tx *storage.Tx, id string) error {
				return tx.SetSkipNewNetworkCheck(t.Context(), id, yes, d.Clock.Now())
			})
		}
		from := func(address, email string) *servertest.Person {
			t.Helper()
			d.Clock.Advance(time.Minute)
			return signIn(at(t, visitor(t), address, "").Go(r.AuthorizeURL(nil)), email)
		}
		p := from("127.0.0.1", ana).MustBeAt("/login/email-code")
		enter(p, newest(t, d, ana, aCode)).MustBeAt("/login/totp")
		if got := toldBy(t, entered(t, enter(p, appCode(t, d)), r)); got.ACR != acr2FA || got.Times["email"] == 0 || got.Times["otp"] == 0 {
			t.Errorf("told %+v", got)
		}
		if u := person(t, d, idOf(t, d, ana)); u.PreferredMethod != "totp" {
			t.Errorf("prefers %q", u.PreferredMethod)
		}
		skip(ana, true)
		entered(t, enter(from("127.0.1.1", ana).MustBeAt("/login/totp"), appCode(t, d)), r)
		skip(ana, false)
		from("127.0.2.1", ana).MustBeAt("/login/email-code")
		// Who has no second factor is asked all the same.
		skip(ben, true)
		from("127.0.2.1", ben).MustBeAt("/login/email-code")
	})
}

// A network that was confirmed isn't asked about again within the sign-in,
// though setting up a factor begins it anew.
func TestNewNetworkAndSettingUp(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		rule(t, d, "new_network_check: true, staff: {mode: required}")
		r := rp(t, d, first)
		p := signIn(at(t, visitor(t), "127.0.4.1", "").Go(r.AuthorizeURL(nil)), ana).MustBeAt("/login/email-code")
		enter(p, newest(t, d, ana, aCode)).MustBeAt("/login/why").Submit(map[string]string{"set_up": "1"}).Submit(map[string]string{"method": "sms"})
		byText(t, d, p, anaPhone)
		saved(t, p)
		d.Clock.Advance(time.Minute)
		signIn(p, ana).MustBeAt("/login/text-message")
		if got := toldBy(t, entered(t, enter(p, d.Phone.Code(t, anaPhone)), r)); got.ACR != acr2FA || got.Times["email"] != 0 {
			t.Errorf("told %+v", got)
		}
	})
}

func TestNewNetworkCodesAreCounted(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		rule(t, d, "new_network_check: true")
		r := rp(t, d, first)
		begin := func() *servertest.Person {
			d.Clock.Advance(time.Minute)
			return signIn(at(t, visitor(t), "127.0.3.1", "").Go(r.AuthorizeURL(nil)), ana).MustBeAt("/login/email-code")
		}
		p := begin()
		for range 4 {
			enter(p, wrong(newest(t, d, ana, aCode))).MustBeAt("/login/email-code")
		}
		p = begin() // a new code in a new sign-in: one wrong one ends it
		code := newest(t, d, ana, aCode)
		enter(p, wrong(code)).MustRead("Too many wrong codes")
		p.Go(d.URL + "/login/email-code?r=" + p.URL.Query().Get("r")).MustRead("Too many wrong codes")
		p = begin()
		entered(t, enter(p, newest(t, d, ana, aCode)), r)
	})
}
