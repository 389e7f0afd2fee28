package protocoltest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
)

const unchecked = "This product registered itself. Nobody here has checked who made it"

// bankish is a product of nobody knows whom that would like to be a bank's.
func bankish(more metadata) metadata {
	m := metadata{
		"redirect_uris": []string{callback}, "client_name": "My Bank", "client_uri": "https://bank.example/about", "logo_uri": "https://bank.example/logo.png",
		"contacts": []string{"help@bank.example"},
	}
	for name, value := range more {
		m[name] = value
	}
	return m
}

// mustVouchForNobody fails where a page repeats what a product says of a bank.
func mustVouchForNobody(t testing.TB, p *servertest.Person) {
	t.Helper()
	p.MustRead("My Bank").MustRead(unchecked)
	if strings.Contains(p.Text(), "bank.example") || p.Has("img") || p.Has("[href=https://bank.example/about]") {
		t.Errorf("vouches for a bank:\n%s", p.Text())
	}
}

// RFC 7591 section 5: what a product says of itself isn't trusted. Only what is
// of the host that the answer goes to is repeated.
func TestRFC7591Section5ConsentVouchesForNobody(t *testing.T) {
	both(t, "", func(t *testing.T, w *world) {
		ask := func(m metadata) *servertest.Person {
			a := w.registered(t, m)
			rp := servertest.NewRP(t, w.Instance, a.String("client_id"), a.String("client_secret"), callback)
			return w.member(t, ana).Go(rp.AuthorizeURL(nil)).MustBeAt("/login/consent")
		}
		mustVouchForNobody(t, ask(bankish(nil)))
		// A redirect URI that isn't the one in use proves nothing.
		mustVouchForNobody(t, ask(bankish(metadata{"redirect_uris": []string{callback, "https://bank.example/callback"}})))

		own := ask(bankish(metadata{"client_uri": "https://rp.example/about", "logo_uri": "https://rp.example/logo.png", "contacts": []string{"help@rp.example"}}))
		own.MustRead(unchecked).MustRead("By rp.example").MustRead("help@rp.example")
		if !own.Has("[src=https://rp.example/logo.png]") {
			t.Error("no logo of its own")
		}
	}, registering)
}

func TestRFC7591Section5DeviceVouchesForNobody(t *testing.T) {
	both(t, devices, func(t *testing.T, w *world) {
		a := w.registered(t, bankish(metadata{
			"grant_types": []string{deviceGrant, "authorization_code"}, "redirect_uris": []string{"https://bank.example/callback"}, "token_endpoint_auth_method": "none",
		}))
		rp := servertest.NewRP(t, w.Instance, a.String("client_id"), "", callback)
		status, codes := rp.Post("/device_authorization", url.Values{"scope": {"openid email"}})
		if status != http.StatusOK {
			t.Fatalf("%d %v", status, codes)
		}
		p := w.member(t, ana).Go(codes.String("verification_uri_complete"))
		mustVouchForNobody(t, p)
		mustVouchForNobody(t, goOn(p).MustBeAt("/login/consent"))

		d := w.device(t, "tv", nil)
		for _, at := range []*servertest.Person{w.member(t, ana).Go(d.complete), goOn(w.member(t, ana).Go(d.complete)).MustBeAt("/login/consent")} {
			if strings.Contains(at.Text(), unchecked) {
				t.Errorf("the operator's own: %s", at.Text())
			}
		}
	}, registering)
}

// What registers itself to sign by a secret gets one that every algorithm of
// the method takes.
func TestRFC7591Section3_2_1SecretThatSigns(t *testing.T) {
	both(t, "", func(t *testing.T, w *world) {
		for _, alg := range []string{"", "HS256", "HS384", "HS512"} {
			a := w.registered(t, metadata{"redirect_uris": []string{callback}, "token_endpoint_auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": alg})
			if got := len(a.String("client_secret")); got != 64 {
				t.Errorf("%q: a secret of %d characters", alg, got)
			}
		}
	}, registering)
}
