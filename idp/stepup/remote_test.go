package stepup_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/sallyport-id/sallyport/idp/stepup"
)

func (p *testProvider) mustAnswer(v *Verifier, token string, status int) {
	p.t.Helper()
	if w, _ := call(v, "", Need{}, with(token)...); w.Code != status {
		p.t.Errorf("%d, want %d: %s", w.Code, status, w.Body)
	}
}

func (p *testProvider) advance(d time.Duration) { p.set(func() { p.now = p.now.Add(d) }) }

func TestKeysAreReadOnceAndThenEveryFiveMinutes(t *testing.T) {
	p := newProvider(t)
	v := p.verifier()
	for range 3 {
		p.mustAnswer(v, p.jwt(nil), http.StatusCreated)
	}
	if n := p.asked("/keys"); n != 1 {
		t.Errorf("read %d times, want once", n)
	}
	old := p.jwt(func(c object) { c["exp"] = nine.Add(time.Hour).Unix() })
	p.set(func() { p.keys["next"] = newKey(t); delete(p.keys, "k") }) // as after a leak
	p.advance(5*time.Minute - time.Second)
	p.mustAnswer(v, old, http.StatusCreated)
	p.advance(time.Second)
	p.mustAnswer(v, old, http.StatusUnauthorized)
	if n := p.asked("/keys"); n != 2 {
		t.Errorf("read %d times, want twice", n)
	}
}

func TestNewKeysAreReadAtOnceAndInventedOnesDoNotMakeUsAskAllTheTime(t *testing.T) {
	p := newProvider(t)
	v := p.verifier()
	p.mustAnswer(v, p.jwt(nil), http.StatusCreated)
	p.advance(10 * time.Second)
	p.set(func() { p.keys["next"] = newKey(t) })
	p.mustAnswer(v, p.sign("next", "at+jwt", p.claims()), http.StatusCreated)
	if n := p.asked("/keys"); n != 2 {
		t.Fatalf("read %d times, want twice", n)
	}
	p.set(func() { p.keys["invented"] = newKey(t) })
	invented := p.sign("invented", "at+jwt", p.claims())
	p.set(func() { delete(p.keys, "invented") })
	for range 50 {
		p.mustAnswer(v, invented, http.StatusUnauthorized)
	}
	if n := p.asked("/keys"); n != 2 {
		t.Errorf("read %d times within ten seconds", n)
	}
	p.advance(10 * time.Second)
	p.mustAnswer(v, invented, http.StatusUnauthorized)
	if n := p.asked("/keys"); n != 3 {
		t.Errorf("read %d times, want thrice", n)
	}
	p.mustAnswer(v, p.jwt(nil), http.StatusCreated)
}

func TestProviderThatStartsLater(t *testing.T) {
	for kind, make := range map[string]func(*testProvider) string{
		"JWT":    func(p *testProvider) string { return p.jwt(nil) },
		"opaque": func(p *testProvider) string { return p.token(nil) },
	} {
		t.Run(kind, func(t *testing.T) {
			p := newProvider(t)
			v := p.verifier()
			p.set(func() { p.down = true })
			w, _ := call(v, "", Need{}, with(make(p))...)
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "10" || w.Header().Get("WWW-Authenticate") != "" {
				t.Fatalf("%d %v", w.Code, w.Header())
			}
			p.mustAnswer(v, make(p), http.StatusServiceUnavailable)
			if n := p.asked("/.well-known/openid-configuration"); n != 1 {
				t.Errorf("asked %d times within ten seconds", n)
			}
			p.set(func() { p.down = false })
			p.advance(10 * time.Second)
			p.mustAnswer(v, make(p), http.StatusCreated)
		})
	}
}

func TestProviderThatIsAwayForLong(t *testing.T) {
	p := newProvider(t)
	v := p.verifier()
	p.mustAnswer(v, p.jwt(nil), http.StatusCreated)
	opaque := p.token(nil)
	p.set(func() { p.down = true })
	p.mustAnswer(v, opaque, http.StatusServiceUnavailable) // not accepted, and not called invalid
	p.advance(time.Hour - time.Second)
	p.mustAnswer(v, p.jwt(nil), http.StatusCreated)
	p.advance(time.Second)
	p.mustAnswer(v, p.jwt(nil), http.StatusServiceUnavailable)
	p.set(func() { p.down = false })
	p.advance(10 * time.Second)
	p.mustAnswer(v, p.jwt(nil), http.StatusCreated)
}

func TestProvidersThatAreNotBelieved(t *testing.T) {
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s, with %d credentials", r.Method, r.URL, len(r.Header["Authorization"]))
	}))
	t.Cleanup(thief.Close)
	for name, spoil := range map[string]func(p *testProvider, m object){
		"another issuer":                    func(_ *testProvider, m object) { m["issuer"] = "https://evil.example" },
		"the issuer, nearly":                func(p *testProvider, m object) { m["issuer"] = p.URL + "/" },
		"keys in the clear, from afar":      func(_ *testProvider, m object) { m["jwks_uri"] = "http://192.0.2.1/keys" },
		"keys nowhere":                      func(_ *testProvider, m object) { delete(m, "jwks_uri") },
		"introspection in the clear":        func(_ *testProvider, m object) { m["introspection_endpoint"] = "http://192.0.2.1/introspect" },
		"introspection nowhere":             func(_ *testProvider, m object) { delete(m, "introspection_endpoint") },
		"introspection that sends us along": func(p *testProvider, m object) { m["introspection_endpoint"] = redirector(p.t, thief.URL) },
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			p.metadata = func(m object) { spoil(p, m) }
			v := p.verifier()
			v.HTTP = &http.Client{Transport: loopbackOnly{t}}
			p.mustAnswer(v, p.token(nil), http.StatusServiceUnavailable)
		})
	}
}

// loopbackOnly is a network in which nobody else must be called.
type loopbackOnly struct{ t *testing.T }

func (l loopbackOnly) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Hostname() != "127.0.0.1" {
		l.t.Errorf("%s %s", r.Method, r.URL)
		return nil, errors.New("nobody is there")
	}
	return http.DefaultTransport.RoundTrip(r)
}

func redirector(t *testing.T, to string) string {
	t.Helper()
	s := httptest.NewServer(http.RedirectHandler(to, http.StatusTemporaryRedirect))
	t.Cleanup(s.Close)
	return s.URL
}

func TestWrongCredentialsAreNotTheTokensFault(t *testing.T) {
	p := newProvider(t)
	v := p.verifier()
	v.ClientSecret = "another"
	p.mustAnswer(v, p.token(nil), http.StatusServiceUnavailable)
}

// A caller that hangs up doesn't break what others wait for.
func TestCallThatIsBrokenOffStillReadsTheKeys(t *testing.T) {
	p := newProvider(t)
	v := p.verifier()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequest("GET", "/", nil).WithContext(ctx)
	r.Header.Set("Authorization", "Bearer "+p.jwt(nil))
	RequireBearer(v, "", Need{})(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), r)
	p.mustAnswer(v, p.jwt(nil), http.StatusCreated)
	if n := p.asked("/keys"); n != 1 {
		t.Errorf("read %d times", n)
	}
}

func TestManyCallsReadTheKeysOnce(t *testing.T) {
	p := newProvider(t)
	v, token := p.verifier(), p.jwt(nil)
	p.metadata = func(object) { p.now = p.now.Add(10 * time.Second) } // it takes its time
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { p.mustAnswer(v, token, http.StatusCreated) })
	}
	all.Wait()
	if n := p.asked("/keys"); n != 1 {
		t.Errorf("read %d times", n)
	}
}

func TestNoAudienceIsNobody(t *testing.T) {
	p := newProvider(t)
	v := p.verifier()
	v.Audience = nil
	for _, token := range []string{p.jwt(nil), p.token(nil), p.token(func(c object) { c["aud"] = []string{} }), p.jwt(func(c object) { c["aud"] = "" })} {
		p.mustAnswer(v, token, http.StatusUnauthorized)
	}
}

func TestLogNeverHasAToken(t *testing.T) {
	p := newProvider(t)
	v := p.verifier()
	var log strings.Builder
	v.Log = newLog(&log)
	for _, token := range []string{"an-opaque-secret", p.jwt(func(c object) { c["aud"] = "x" })} {
		p.mustAnswer(v, token, http.StatusUnauthorized)
		if strings.Contains(log.String(), token) {
			t.Errorf("the log has %s:\n%s", token, &log)
		}
	}
	p.set(func() { p.down = true })
	p.mustAnswer(v, "an-opaque-secret", http.StatusServiceUnavailable)
	if text := log.String(); strings.Contains(text, "an-opaque-secret") || strings.Count(text, "\n") != 3 {
		t.Errorf("logged:\n%s", text)
	}
}
