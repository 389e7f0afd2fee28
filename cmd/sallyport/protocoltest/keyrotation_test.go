package protocoltest_test

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/idp"
	"github.com/sallyport-id/sallyport/storage"
)

// cachingVerifier is an API that keeps the key set for as long as it may, and
// doesn't look again for a key it doesn't know.
type cachingVerifier struct {
	w       *world
	keys    jose.JSONWebKeySet
	fetched time.Time
	maxAge  time.Duration
}

func (v *cachingVerifier) verify(t testing.TB, token string) jose.Header {
	t.Helper()
	if now := v.w.Clock.Now(); v.maxAge == 0 || !now.Before(v.fetched.Add(v.maxAge)) {
		v.keys, v.fetched, v.maxAge = fetchedKeys(t, v.w), now, keysMaxAge(t, v.w)
	}
	header, _ := signedWith(t, v.keys, token)
	return header
}

// keysMaxAge is how long the key set may be kept.
func keysMaxAge(t testing.TB, w *world) time.Duration {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, w.URL+"/keys", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, h, _ := plain(t, req)
	_, after, _ := strings.Cut(h.Get("Cache-Control"), "max-age=")
	seconds, err := strconv.Atoi(after)
	if err != nil || seconds != 300 {
		t.Fatalf("Cache-Control: %q", h.Get("Cache-Control"))
	}
	return time.Duration(seconds) * time.Second
}

// algorithmWorld is a provider with a client for each algorithm, of which each
// holds a grant that lasts.
func algorithmWorld(t testing.TB, w *world) map[string]servertest.Answer {
	t.Helper()
	p, held := w.member(t, ana), map[string]servertest.Answer{}
	for _, alg := range allAlgorithms {
		id := "rp-" + strings.ToLower(alg)
		w.Apply(`products: [{ id: ` + id + `, name: ` + alg + `, first_party: true, secret_hash: ` + storage.Hash(secret) + `, id_token_signed_response_alg: ` + alg +
			`, grant_types: [authorization_code, refresh_token], scopes: [openid, offline_access], redirect_uris: ["https://rp.example/callback"] }]`)
		held[id] = tokensFor(t, p, w.rp(t, id), url.Values{"scope": {"openid offline_access"}})
	}
	return held
}

// OpenID Connect Core section 10.1.1: keys are rotated, by the schedule and by
// command, and nobody who keeps the key set for as long as it says ever meets a
// signature it can't verify: before, at and after each switch, by every
// algorithm, while the token is good.
func TestCoreSection10_1_1KeyRotation(t *testing.T) {
	both(t, tokenProducts, func(t *testing.T, w *world) {
		held := algorithmWorld(t, w)
		type minted struct {
			token string
			until time.Time
		}
		var good []minted
		kids := map[string]bool{}
		// Each begins a minute after the one before: whenever a key changes, some
		// have just fetched the key set, and some have kept it for almost as long
		// as they may.
		verifiers, steps := make([]*cachingVerifier, 6), 0
		for i := range verifiers {
			verifiers[i] = &cachingVerifier{w: w}
		}
		step := func(by time.Duration) {
			t.Helper()
			w.later(by)
			steps++
			if _, err := w.Server.KeepKeys(t.Context()); err != nil {
				t.Fatal(err)
			}
			for id := range held {
				status, a := w.rp(t, id).Refresh(held[id].String("refresh_token"), nil)
				if status != http.StatusOK {
					t.Fatalf("%d %v", status, a)
				}
				held[id] = a
				good = append(good, minted{a.String("id_token"), w.Clock.Now().Add(5 * time.Minute)})
			}
			good = slices.DeleteFunc(good, func(m minted) bool { return !w.Clock.Now().Before(m.until) })
			for _, v := range verifiers[:min(steps, len(verifiers))] {
				for _, m := range good {
					kids[v.verify(t, m.token).KeyID] = true
				}
			}
		}
		// around walks over a switch an hour from now, in small steps where it
		// matters, and on until the keys of before are gone.
		around := func() {
			t.Helper()
			for range 7 {
				step(time.Minute)
			}
			step(47 * time.Minute)
			for range 5 {
				step(time.Minute)
			}
			step(time.Minute - time.Millisecond)
			step(time.Millisecond) // the very moment
			for range 7 {
				step(time.Minute)
			}
			step(50 * time.Minute)
			for range 13 {
				step(time.Minute)
			}
		}
		step(time.Minute)
		if err := idp.RotateKeys(t.Context(), w.DB, w.Clock.Now(), false); err != nil {
			t.Fatal(err)
		}
		mustPublish(t, w, 8)
		around()
		mustHave(t, kids, 2)
		mustPublish(t, w, 4)

		// Ninety days after these began to sign, less the hour that the next ones
		// are published before.
		w.later(90*24*time.Hour - 160*time.Minute)
		held, steps = algorithmWorld(t, w), 0
		for range 29 {
			step(time.Minute)
		}
		mustPublish(t, w, 4)
		step(time.Minute)
		mustPublish(t, w, 8)
		around()
		mustHave(t, kids, 3)
		mustPublish(t, w, 4)
	})
}

func mustHave(t testing.TB, kids map[string]bool, each int) {
	t.Helper()
	if len(kids) != each*len(allAlgorithms) {
		t.Errorf("%d keys signed; %d of each algorithm should have", len(kids), each)
	}
}

func mustPublish(t testing.TB, w *world, want int) {
	t.Helper()
	if n := len(fetchedKeys(t, w).Keys); n != want {
		t.Errorf("%d keys are published, not %d", n, want)
	}
}

// mustMake has the server look after its keys.
func mustMake(t testing.TB, w *world, want int) {
	t.Helper()
	if made, err := w.Server.KeepKeys(t.Context()); err != nil || made != want {
		t.Errorf("%d keys were made, not %d: %v", made, want, err)
	}
}

// The schedule, step by step: when a key is made, when it signs, when the one
// before is gone, and that one replica does it.
func TestKeySchedule(t *testing.T) {
	both(t, "", func(t *testing.T, w *world) {
		keys := func(want int) []*storage.SigningKey {
			t.Helper()
			all, err := w.DB.SigningKeysNow(t.Context())
			if err != nil || len(all) != want {
				t.Fatalf("%d keys, not %d: %v", len(all), want, err)
			}
			return all
		}
		first := keys(2)[0].SignsFrom
		w.later(first.Add(90*24*time.Hour - time.Hour - time.Millisecond).Sub(w.Clock.Now()))
		mustMake(t, w, 0)
		w.later(time.Second)
		// Another replica has it in hand.
		w.change(t, func(tx *storage.Tx) error {
			_, err := tx.Lease(t.Context(), "signing keys", "another", w.Clock.Now().Add(10*time.Minute), w.Clock.Now().Add(time.Hour))
			return err
		})
		mustMake(t, w, 0)
		w.later(11 * time.Minute)
		mustMake(t, w, 2)
		made := w.Clock.Now()
		mustMake(t, w, 0)
		for _, k := range keys(4) {
			if k.CreatedAt.Equal(made) && !k.SignsFrom.Equal(made.Add(time.Hour)) || !k.CreatedAt.Equal(made) && !k.RetiredAt.Equal(made.Add(time.Hour)) {
				t.Errorf("%+v", k)
			}
		}
		rows, err := w.DB.AuditSearch(t.Context(), storage.AuditQuery{Everywhere: true, Event: "keys.rotated"})
		if err != nil || len(rows) != 1 || !strings.Contains(rows[0].Reason, "RS256, ES256") || rows[0].Actor != "" {
			t.Errorf("audit: %+v %v", rows, err)
		}
		// Unpublished an hour after the last token that it could have signed, and
		// forgotten when nobody can hold a grant any more that one was minted for.
		w.later(2*time.Hour + 5*time.Minute - time.Millisecond)
		mustPublish(t, w, 4)
		w.later(time.Minute)
		mustMake(t, w, 0)
		mustPublish(t, w, 2)
		keys(4)
		w.later(made.Add(time.Hour + 30*24*time.Hour).Sub(w.Clock.Now()))
		mustMake(t, w, 0)
		keys(4)
		w.later(time.Second)
		mustMake(t, w, 0)
		keys(2)
	})
}

// OpenID Connect Core section 3.1.2.1: an ID token says whom a request is about
// although it expired, and its key was changed, as long as a grant can last.
func TestCoreSection3_1_2_1IDTokenHintOutlivesItsKey(t *testing.T) {
	both(t, "", func(t *testing.T, w *world) {
		rp := w.rp(t, "first")
		hint := url.Values{"id_token_hint": {tokensFor(t, w.member(t, ana), rp, nil).String("id_token")}}
		if err := idp.RotateKeys(t.Context(), w.DB, w.Clock.Now(), false); err != nil {
			t.Fatal(err)
		}
		for _, days := range []time.Duration{1, 29} {
			w.later(days * 24 * time.Hour)
			mustMake(t, w, 0)
			mustPublish(t, w, 2)
			w.visitor(t).Go(rp.AuthorizeURL(hint)).MustBeAt("/login/password")
		}
		w.later(time.Hour + time.Second)
		mustMake(t, w, 0)
		if q := w.visitor(t).Go(rp.AuthorizeURL(hint)).URL.Query(); q.Get("error") != "invalid_request" {
			t.Errorf("by a key that is forgotten: %v", q)
		}
	})
}

// A key is made for an algorithm before anything is signed by it, so that
// whoever fetched the keys since the product was registered knows it.
func TestKeysForNewAlgorithms(t *testing.T) {
	both(t, "", func(t *testing.T, w *world) {
		mustPublish(t, w, 2)
		for _, alg := range []string{"EdDSA", "PS256"} {
			w.put(t, "first", func(c *storage.Client) { c.IDTokenAlg = alg })
			known := fetchedKeys(t, w)
			tokens := tokensFor(t, w.member(t, ana), w.rp(t, "first"), nil)
			if header, _ := signedWith(t, known, tokens.String("id_token")); header.Algorithm != alg {
				t.Errorf("by %s", header.Algorithm)
			}
		}
		mustPublish(t, w, 4)
	})
}
