package idp

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport-id/sallyport/storage"
)

func clientKey(t testing.TB, alg string) crypto.Signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch alg {
	case "ES256":
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ES384":
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ES512":
		key, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "EdDSA":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// signed is a JWS of {"n":1} by a key.
func signed(t testing.TB, key any, alg, kid string) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(alg), Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := s.Sign([]byte(`{"n":1}`))
	if err != nil {
		t.Fatal(err)
	}
	text, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func jwks(t testing.TB, keys ...jose.JSONWebKey) []byte {
	t.Helper()
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// fetcher is a provider that can fetch keys, with a clock.
func fetcher(allowPrivate bool) (*Provider, *time.Time) {
	now := time.Unix(1_700_000_000, 0)
	return &Provider{Outbound: NewOutbound(allowPrivate), OutboundPrivate: allowPrivate, Now: func() time.Time { return now }}, &now
}

func TestVerifyByClient(t *testing.T) {
	p, _ := fetcher(false)
	for _, alg := range names(asymmetric) {
		key := clientKey(t, alg)
		pub := jose.JSONWebKey{Key: key.Public(), KeyID: "a"}
		token := signed(t, key, alg, "a")
		verify := func(token string, algs []jose.SignatureAlgorithm, keys ...jose.JSONWebKey) (int, error) {
			var out struct {
				N int `json:"n"`
			}
			err := p.verifyByClient(t.Context(), &storage.Client{ID: "c", ClientProtocol: storage.ClientProtocol{JWKS: jwks(t, keys...)}}, token, algs, &out)
			return out.N, err
		}
		other := jose.JSONWebKey{Key: clientKey(t, "ES256").Public(), KeyID: "b"}
		if n, err := verify(token, asymmetric, other, pub); err != nil || n != 1 {
			t.Errorf("%s: %d %v", alg, n, err)
		}
		unnamed := pub
		unnamed.KeyID = ""
		if n, err := verify(token, asymmetric, unnamed); err != nil || n != 1 {
			t.Errorf("%s without kid: %d %v", alg, n, err)
		}
		for name, k := range map[string]jose.JSONWebKey{
			"another kid": {Key: pub.Key, KeyID: "b"},
			"another alg": {Key: pub.Key, KeyID: "a", Algorithm: "HS256"},
			"another use": {Key: pub.Key, KeyID: "a", Use: "enc"},
			"another key": {Key: clientKey(t, alg).Public(), KeyID: "a"},
		} {
			if n, err := verify(token, asymmetric, k); err == nil || n != 0 {
				t.Errorf("%s, %s: %d %v", alg, name, n, err)
			}
		}
		if _, err := verify(token, []jose.SignatureAlgorithm{"HS256"}, pub); err == nil {
			t.Errorf("%s, which isn't asked for, was accepted", alg)
		}
		// Its own signature over something else.
		parts := strings.Split(token, ".")
		if _, err := verify(parts[0]+".eyJuIjoyfQ."+parts[2], asymmetric, pub); err == nil {
			t.Errorf("%s: a changed payload was accepted", alg)
		}
	}
	if err := p.verifyByClient(t.Context(), &storage.Client{ID: "c"}, signed(t, clientKey(t, "ES256"), "ES256", ""), asymmetric); err == nil {
		t.Error("a client without keys was accepted")
	}
}

// Whoever names no key has few tried: anybody can send such a signature.
func TestFewKeysAreTried(t *testing.T) {
	p, _ := fetcher(false)
	key := clientKey(t, "ES256")
	var others []jose.JSONWebKey
	for range maxTries {
		others = append(others, jose.JSONWebKey{Key: clientKey(t, "ES256").Public()})
	}
	verify := func(kid string, keys ...jose.JSONWebKey) error {
		client := &storage.Client{ID: "c", ClientProtocol: storage.ClientProtocol{JWKS: jwks(t, keys...)}}
		return p.verifyByClient(t.Context(), client, signed(t, key, "ES256", kid), asymmetric)
	}
	unnamed := jose.JSONWebKey{Key: key.Public()}
	if err := verify("", append(others[1:], unnamed)...); err != nil {
		t.Errorf("as the eighth: %v", err)
	}
	if err := verify("", append(others, unnamed)...); err == nil {
		t.Error("a ninth key was tried")
	}
	for i := range others {
		others[i].KeyID = "another"
	}
	if err := verify("mine", append(others, jose.JSONWebKey{Key: key.Public(), KeyID: "mine"})...); err != nil {
		t.Errorf("by its name, as the ninth: %v", err)
	}
}

func TestKeySets(t *testing.T) {
	ec := string(jwks(t, jose.JSONWebKey{Key: clientKey(t, "ES256").Public()}))
	one := strings.TrimSuffix(strings.TrimPrefix(ec, `{"keys":[`), `]}`)
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	long := rsa.PublicKey{N: new(big.Int).SetBit(small.N, 4096, 1), E: 65537} // one bit too many
	for name, test := range map[string]struct {
		text string
		keys int
		err  string
	}{
		"one":                {ec, 1, ""},
		"none":               {`{"keys":[]}`, 0, ""},
		"unknown types":      {`{"keys":[{"kty":"AKP","alg":"ML-DSA-44"},{"kty":"OKP","crv":"X25519","x":"AAAA"},` + one + `]}`, 1, ""},
		"not for verifying":  {`{"keys":[` + strings.Replace(one, "{", `{"key_ops":["deriveKey"],`, 1) + `]}`, 0, ""},
		"a private key":      {string(jwks(t, jose.JSONWebKey{Key: clientKey(t, "ES256")})), 0, "key 1: it is private"},
		"an unknown private": {`{"keys":[` + one + `,{"kty":"AKP","d":"AAAA"}]}`, 0, "key 2: it is private"},
		"a symmetric key":    {`{"keys":[{"kty":"oct","k":"AAAA"}]}`, 0, "key 1: it is private or symmetric"},
		"short RSA":          {string(jwks(t, jose.JSONWebKey{Key: small.Public()})), 0, "RSA of 1024 bits"},
		"long RSA":           {string(jwks(t, jose.JSONWebKey{Key: &long})), 0, "RSA of 4097 bits"},
		"too many":           {`{"keys":[` + strings.Repeat(one+",", maxKeys) + one + `]}`, 0, "33 keys"},
		"a point elsewhere":  {`{"keys":[{"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}`, 0, "key 1"},
		"no set":             {`[]`, 0, "no JWK Set"},
		"no JSON":            {`<html>`, 0, "no JWK Set"},
	} {
		set, err := parseKeySet([]byte(test.text))
		if len(set) != test.keys || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: %d keys, %v", name, len(set), err)
		}
	}
}

// keySite serves a key set that a test can replace, and counts.
type keySite struct {
	*httptest.Server
	body    atomic.Pointer[[]byte]
	asked   atomic.Int64
	refuses atomic.Bool
}

func keysAt(t testing.TB, keys ...jose.JSONWebKey) *keySite {
	t.Helper()
	s := new(keySite)
	s.replace(t, keys...)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s.asked.Add(1)
		if s.refuses.Load() {
			http.Error(w, "out of order", http.StatusServiceUnavailable)
			return
		}
		w.Write(*s.body.Load())
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *keySite) replace(t testing.TB, keys ...jose.JSONWebKey) {
	body := jwks(t, keys...)
	s.body.Store(&body)
}

func TestKeysAreFetchedAnewWhenTheyAreRotated(t *testing.T) {
	p, now := fetcher(true)
	first, second := clientKey(t, "ES256"), clientKey(t, "ES256")
	site := keysAt(t, jose.JSONWebKey{Key: first.Public(), KeyID: "1"})
	client := &storage.Client{ID: "c", ClientProtocol: storage.ClientProtocol{JWKSURI: site.URL}}
	verify := func(key crypto.Signer, kid string) error {
		return p.verifyByClient(t.Context(), client, signed(t, key, "ES256", kid), asymmetric)
	}
	must := func(asked int64, err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		if n := site.asked.Load(); n != asked {
			t.Errorf("asked %d times, not %d", n, asked)
		}
	}
	refused := func(asked int64, err error) {
		t.Helper()
		if err == nil {
			t.Error("accepted")
		}
		must(asked, nil)
	}
	must(1, verify(first, "1"))
	must(1, verify(first, "1"))
	site.replace(t, jose.JSONWebKey{Key: second.Public(), KeyID: "2"})
	// Asked a moment ago: not again, whatever is sent.
	refused(1, verify(second, "2"))
	must(1, verify(first, "1"))
	*now = now.Add(keysPause)
	must(2, verify(second, "2"))
	refused(2, verify(first, "1"))
	// A bad signature asks too, but no more often.
	*now = now.Add(keysPause)
	refused(3, verify(first, "2"))
	refused(3, verify(first, "2"))
	// Withdrawn keys stop, though nobody sent an unknown one.
	site.replace(t)
	must(3, verify(second, "2"))
	*now = now.Add(keysFresh)
	refused(4, verify(second, "2"))
}

func TestKeysOfAProductThatIsDown(t *testing.T) {
	p, now := fetcher(true)
	key := clientKey(t, "ES256")
	site := keysAt(t, jose.JSONWebKey{Key: key.Public()})
	client := &storage.Client{ID: "c", ClientProtocol: storage.ClientProtocol{JWKSURI: site.URL}}
	verify := func() error { return p.verifyByClient(t.Context(), client, signed(t, key, "ES256", ""), asymmetric) }
	if err := verify(); err != nil {
		t.Fatal(err)
	}
	site.refuses.Store(true)
	*now = now.Add(keysStale - time.Second)
	for range 3 {
		if err := verify(); err != nil {
			t.Errorf("not accepted by the keys of its last answer: %v", err)
		}
	}
	if n := site.asked.Load(); n != 2 {
		t.Errorf("asked %d times, not 2", n)
	}
	*now = now.Add(time.Second)
	if err := verify(); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("accepted by old keys: %v", err)
	}
}

func TestKeysAreFetchedOnceForAllWhoWait(t *testing.T) {
	p, _ := fetcher(true)
	key := clientKey(t, "ES256")
	token, started, answer := signed(t, key, "ES256", ""), make(chan struct{}), make(chan struct{})
	var asked atomic.Int64
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			close(started)
		}
		<-answer
		w.Write(jwks(t, jose.JSONWebKey{Key: key.Public()}))
	}))
	t.Cleanup(site.Close)
	client := &storage.Client{ID: "c", ClientProtocol: storage.ClientProtocol{JWKSURI: site.URL}}

	// Whoever began goes away; that must not be the others' trouble.
	first, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	all.Go(func() { p.verifyByClient(first, client, token, asymmetric) })
	<-started
	cancel()
	gone, leave := context.WithCancel(t.Context())
	leave()
	if err := p.verifyByClient(gone, client, token, asymmetric); !errors.Is(err, context.Canceled) {
		t.Errorf("who goes away waits on: %v", err)
	}
	for range 20 {
		all.Go(func() {
			if err := p.verifyByClient(t.Context(), client, token, asymmetric); err != nil {
				t.Error(err)
			}
		})
	}
	close(answer)
	all.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestKeysFromWhereTheyAreNotFetched(t *testing.T) {
	key := clientKey(t, "ES256")
	good := keysAt(t, jose.JSONWebKey{Key: key.Public()})
	encrypted := httptest.NewTLSServer(good.Config.Handler)
	t.Cleanup(encrypted.Close)
	elsewhere := func(h http.HandlerFunc) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return s.URL
	}
	for name, test := range map[string]struct {
		uri          string
		allowPrivate bool
		want         string
	}{
		"inside":           {encrypted.URL, false, ErrPrivateAddress.Error()},
		"inside, by name":  {strings.Replace(encrypted.URL, "127.0.0.1", "localhost", 1), false, ErrPrivateAddress.Error()},
		"without TLS":      {good.URL, false, "https only"},
		"a file":           {"file:///etc/passwd", true, "https only"},
		"unknown issuer":   {encrypted.URL, true, "certificate"},
		"redirected":       {elsewhere(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, good.URL, http.StatusFound) }), true, "302 Found, not 200"},
		"not found":        {elsewhere(http.NotFound), true, "404"},
		"too much":         {elsewhere(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(strings.Repeat(" ", maxAnswer) + "{}")) }), true, "1 MiB"},
		"no keys":          {elsewhere(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) }), true, "no JWK Set"},
		"keys not to show": {keysAt(t, jose.JSONWebKey{Key: key}).URL, true, "private"},
	} {
		p, _ := fetcher(test.allowPrivate)
		client := &storage.Client{ID: "c", ClientProtocol: storage.ClientProtocol{JWKSURI: test.uri}}
		err := p.verifyByClient(t.Context(), client, signed(t, key, "ES256", ""), asymmetric)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	if n := good.asked.Load(); n != 0 {
		t.Errorf("the keys were asked for %d times", n)
	}
}
