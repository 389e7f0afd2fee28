package protocoltest_test

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// receiver is the back-channel logout endpoint of a product. It hangs while
// held is locked.
type receiver struct {
	held   sync.RWMutex
	mu     sync.Mutex
	tokens []string
}

// ServeHTTP implements http.Handler.
func (c *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.held.RLock()
	defer c.held.RUnlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tokens = append(c.tokens, r.PostFormValue("logout_token"))
}

// got are the logout tokens that came so far.
func (c *receiver) got() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.tokens)
}

// told has a product told of sessions that ended.
func told(t testing.TB, w *world, id string) *receiver {
	t.Helper()
	c := new(receiver)
	address := servertest.Serve(t, c)
	amend(t, w, id, func(p *storage.Client) { p.BackchannelLogoutURI = address + "/logout" })
	return c
}

// person is somebody of a company, with the demo's password.
func (w *world) person(t testing.TB, company, email, more string) {
	t.Helper()
	hash := regexp.MustCompile(`password_hash: (\S+)`).FindStringSubmatch(demo.Declaration("", "", storage.Hash))[1]
	w.Apply(`people: [{email: ` + email + `, company: ` + company + `, name: Paula, email_verified: true, password_hash: "` + hash + `"` + more + `}]`)
}

// OpenID Connect Back-Channel Logout 1.0 section 2.5, and what is asked of this
// provider beyond it: a product is told as soon as somebody may not go on, for
// whatever reason. What tells it is in the transaction that is the reason, and
// the work that delivers it looks every second.
func TestBackChannelLogoutSection2_5Causes(t *testing.T) {
	only := func(settings string) func(*testing.T, *world, *cause) {
		return func(_ *testing.T, w *world, c *cause) {
			w.Apply(`products: [{id: first, ` + strings.ReplaceAll(settings, "$ME", c.email) + `}]`)
		}
	}
	person := func(settings string) func(*testing.T, *world, *cause) {
		return func(_ *testing.T, w *world, c *cause) {
			w.Apply(`people: [{email: ` + c.email + `, ` + settings + `}]`)
		}
	}
	call := func(method, path string, body any) func(*testing.T, *world, *cause) {
		return func(_ *testing.T, _ *world, c *cause) {
			out := c.owner.Do(method, "/companies/acme/people/"+c.id+path, body)
			if out.Status >= 300 {
				t.Errorf("%s %s: %d %s", method, path, out.Status, out.Body)
			}
		}
	}
	account := func(path string, values url.Values) func(*testing.T, *world, *cause) {
		return func(_ *testing.T, w *world, c *cause) {
			c.p.Go(w.URL + "/account")
			values.Set("form_token", c.p.Value("form_token"))
			c.p.Post(w.URL+path, values)
		}
	}
	causes := map[string]func(t *testing.T, w *world, c *cause){
		"signs out": func(_ *testing.T, w *world, c *cause) {
			c.p.Go(w.URL + "/logout").Submit(map[string]string{"logout": "1"})
		},
		"a product signs them out": func(_ *testing.T, w *world, c *cause) { c.p.Go(logout(w, "id_token_hint", c.hint)) },
		"signs out everywhere":     account("/account/sessions/end", url.Values{"all": {"1"}}),
		"withdraws what they allowed": func(t *testing.T, w *world, c *cause) {
			account("/account/products/withdraw", url.Values{"product": {"first"}})(t, w, c)
		},
		"somebody else signs in": func(t *testing.T, w *world, c *cause) {
			w.Clock.Advance(time.Second)
			c.p.Go(w.rp(t, "first").AuthorizeURL(url.Values{"prompt": {"login"}})).SubmitTo("/login/switch")
			signIn(c.p, "ben@acme.example").MustBeAt("/login/consent").Submit(map[string]string{"allow": "1"})
		},
		"disabled in a file":            person("disabled: true"),
		"another password in a file":    person(`reset_password: true, password_hash: "` + storageHash + `"`),
		"moved to another company":      person("company: globex"),
		"deleted in a file":             person("delete: true"),
		"disabled by an owner":          call("PATCH", "", map[string]any{"disabled": true}),
		"deleted by an owner":           call("DELETE", "", nil),
		"signed out by an owner":        call("DELETE", "/sessions", nil),
		"factors reset by an owner":     call("DELETE", "/factors", nil),
		"the product is closed to them": only("people: [ben@acme.example]"),
		"it is closed to their kind":    only("kinds: [client]"),
		"it is closed to their company": only("companies: [globex]"),
		"their kind, which it is closed to": func(t *testing.T, w *world, c *cause) {
			only("kinds: [staff]")(t, w, c)
			if n := len(c.told.got()); n != 0 {
				t.Errorf("told %d times though nothing changed for them", n)
			}
			person("kind: client")(t, w, c)
		},
	}
	both(t, "", func(t *testing.T, w *world) {
		owner := w.Administrator(t, "olga@acme.example").Caller()
		for n, name := range slices.Sorted(maps.Keys(causes)) {
			t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
				w.Apply(`products: [{id: first, people: [], kinds: [], companies: []}]`)
				c := &cause{email: "paula" + string(rune('a'+n)) + "@acme.example", told: told(t, w, "first"), owner: owner}
				w.person(t, "acme", c.email, "")
				amend(t, w, "first", func(p *storage.Client) { p.Pairwise, p.Sector, p.FirstParty = true, "rp.example", false })
				c.p = w.visitor(t).Go(w.rp(t, "first").AuthorizeURL(nil))
				signIn(c.p, c.email).MustBeAt("/login/consent").Submit(map[string]string{"allow": "1"})
				tokens := tokensFor(t, c.p, w.rp(t, "first"), nil)
				c.hint = tokens.String("id_token")
				u, err := w.DB.UserByEmail(t.Context(), c.email)
				if err != nil {
					t.Fatal(err)
				}
				c.id = u.ID

				causes[name](t, w, c)
				w.Delivered()
				got := c.told.got()
				if len(got) != 1 {
					t.Fatalf("told %d times", len(got))
				}
				id, out := servertest.Claims(t, c.hint), servertest.Claims(t, got[0])
				if out["sid"] != id["sid"] || out["sub"] != id["sub"] || out["sub"] == c.id {
					t.Errorf("told of %v, not of %v", out, id)
				}
				status, a := w.rp(t, "first").Refresh(tokens.String("refresh_token"), nil)
				mustRefuse(t, status, a, http.StatusBadRequest, "invalid_grant")
			})
		}
	})
}

// storageHash is of a password that nobody has.
const storageHash = "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"

// cause is somebody who is signed in to a product, and what there is to end
// that by.
type cause struct {
	p               *servertest.Person
	email, id, hint string
	owner           *servertest.Caller
	told            *receiver
}

// Section 2.4: what a logout token holds, and nothing else.
func TestBackChannelLogoutSection2_4LogoutToken(t *testing.T) {
	both(t, "", func(t *testing.T, w *world) {
		c := told(t, w, "first")
		for _, alg := range []string{"RS256", "ES256", "PS256", "EdDSA"} {
			amend(t, w, "first", func(p *storage.Client) { p.IDTokenAlg = alg })
			p := w.member(t, ana)
			hint := hintOf(t, w, p, "first")
			p.Go(logout(w, "id_token_hint", hint))
			w.Delivered()
			token := c.got()[len(c.got())-1]
			out := servertest.Claims(t, token)
			if names := slices.Sorted(maps.Keys(out)); !slices.Equal(names, []string{"aud", "events", "exp", "iat", "iss", "jti", "sid", "sub"}) {
				t.Errorf("%s: claims %v", alg, names)
			}
			events, _ := out["events"].(map[string]any)
			if member, ok := events["http://schemas.openid.net/event/backchannel-logout"].(map[string]any); !ok || len(member) != 0 || len(events) != 1 {
				t.Errorf("%s: events %v", alg, out["events"])
			}
			header := servertest.Header(t, token)
			if header["typ"] != "logout+jwt" || header["alg"] != alg || out["iss"] != w.URL || out["aud"] != "first" || out["exp"].(float64)-out["iat"].(float64) > 120 {
				t.Errorf("%s: %v %v", alg, header, out)
			}
		}
	})
}

// What a product got in a session may be revoked before that ends: it is told
// all the same, by both channels, and by each of them once.
func TestBackChannelLogoutOfRevokedGrants(t *testing.T) {
	revoke := func(t *testing.T, w *world, token string) {
		t.Helper()
		if status, a := w.rp(t, "first").Post("/revoke", url.Values{"token": {token}}); status != http.StatusOK {
			t.Fatalf("%d %v", status, a)
		}
	}
	for name, lose := range map[string]func(t *testing.T, w *world, p *servertest.Person){
		"gives its refresh token back": func(t *testing.T, w *world, p *servertest.Person) {
			revoke(t, w, tokensFor(t, p, w.rp(t, "first"), nil).String("refresh_token"))
		},
		"redeems a code twice": func(t *testing.T, w *world, p *servertest.Person) {
			rp := w.rp(t, "first")
			code := codeFor(t, p, rp, nil)
			rp.Exchange(code, nil)
			status, a := rp.Exchange(code, nil)
			mustRefuse(t, status, a, http.StatusBadRequest, "invalid_grant")
		},
		"uses a refresh token twice": func(t *testing.T, w *world, p *servertest.Person) {
			rp := w.rp(t, "first")
			old := tokensFor(t, p, rp, nil).String("refresh_token")
			rp.Refresh(old, nil)
			w.Clock.Advance(time.Minute)
			status, a := rp.Refresh(old, nil)
			mustRefuse(t, status, a, http.StatusBadRequest, "invalid_grant")
		},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			both(t, "", func(t *testing.T, w *world) {
				c := told(t, w, "first")
				framed(t, w, "first", "https://first.example/out", false)
				p := w.member(t, ana)
				lose(t, w, p)
				p.Go(w.URL + "/logout").Submit(map[string]string{"logout": "1"})
				w.Delivered()
				if n := len(c.got()); n != 1 {
					t.Errorf("told %d times", n)
				}
				if got := frames(p); !slices.Equal(got, []string{"https://first.example/out"}) {
					t.Errorf("frames %q", got)
				}
			})
		})
	}
}

// A product that hangs holds up no other, however many messages wait for it.
func TestBackChannelLogoutHangingReceiver(t *testing.T) {
	both(t, more, func(t *testing.T, w *world) {
		hangs, answers := told(t, w, "first"), told(t, w, "second")
		hangs.held.Lock()
		for range 3 {
			p := w.member(t, ana)
			tokensFor(t, p, w.rp(t, "first"), nil)
			tokensFor(t, p, w.rp(t, "second"), nil)
			p.Go(w.URL + "/logout").Submit(map[string]string{"logout": "1"})
		}
		var round sync.WaitGroup
		round.Go(func() {
			if _, err := w.Server.DeliverLogouts(t.Context()); err != nil {
				t.Error(err)
			}
		})
		for len(answers.got()) < 3 {
			runtime.Gosched()
		}
		if n := len(hangs.got()); n != 0 {
			t.Errorf("it answered %d", n)
		}
		hangs.held.Unlock()
		round.Wait()
		w.Delivered()
		if n := len(hangs.got()); n != 3 {
			t.Errorf("told %d times once it answers", n)
		}
	})
}
