package server_test

import (
	"crypto/ecdsa"
	curves "crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/sallyport-id/sallyport/cmd/sallyport/bench/load"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// Benchmarks of the other grants, and of what products add to them: keys in
// place of secrets, bound tokens, tokens for an API, pushed requests. What the
// client signs is signed outside of the measurement where there is only one of
// it, and is part of it where each call needs another.

const (
	deviceGrant   = "urn:ietf:params:oauth:grant-type:device_code"
	exchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange"
	accessType    = "urn:ietf:params:oauth:token-type:access_token"
	benchedAPI    = "https://api.example/"
)

// keyed is a client with a key of its own.
type keyed struct {
	id   string
	key  *ecdsa.PrivateKey
	sign jose.Signer
	now  func() time.Time
}

// more registers what these benchmarks need beside the others'.
func (b *benchmark) more() *keyed {
	b.Helper()
	key, err := ecdsa.GenerateKey(curves.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Use: "sig", Algorithm: "ES256"}}})
	if err != nil {
		b.Fatal(err)
	}
	declared := fmt.Sprintf(`products:
  - { id: api, name: API, secret_hash: %[1]s, redirect_uris: ["https://api.example/callback"], id_token_signed_response_alg: ES256, api: { resource: "%[2]s", scopes: [{ id: read, name: Read }] } }
  - { id: robot, name: Robot, secret_hash: %[1]s, grant_types: [client_credentials], resources: ["%[2]s"], scopes: [read], id_token_signed_response_alg: ES256 }
  - { id: keyed, name: Keyed, auth_method: private_key_jwt, jwks: %[3]s, grant_types: [client_credentials], resources: ["%[2]s"], scopes: [read] }
  - { id: gateway, name: Gateway, first_party: true, secret_hash: %[1]s, redirect_uris: ["https://gateway.example/callback"],
      grant_types: [authorization_code, "%[4]s"], token_exchange: { delegate: [es256] } }
  - { id: screen, name: Screen, first_party: true, secret_hash: %[1]s, redirect_uris: ["https://screen.example/callback"],
      grant_types: [authorization_code, "%[5]s"], id_token_signed_response_alg: ES256 }
`, storage.Hash(benchmarkSecret), benchedAPI, keys, exchangeGrant, deviceGrant)
	f, err := apply.Parse(strings.NewReader(declared), "bench.yaml")
	if err == nil {
		_, err = apply.Apply(b.Context(), b.db, f, apply.Options{Now: b.now()})
	}
	if err != nil {
		b.Fatal(err)
	}
	k := &keyed{id: "keyed", key: key, now: b.now}
	k.sign, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "k"}}, nil)
	if err != nil {
		b.Fatal(err)
	}
	return k
}

const benchmarkSecret = "a secret of forty characters, for benches"

// assertion authenticates once.
func (k *keyed) assertion(issuer string) (string, error) {
	now := k.now()
	return jwt.Signed(k.sign).Claims(jwt.Claims{
		Issuer: k.id, Subject: k.id, Audience: jwt.Audience{issuer}, ID: rand.Text(), Expiry: jwt.NewNumericDate(now.Add(time.Minute)),
	}).Serialize()
}

// proof shows the key once (RFC 9449 section 4.2).
func (k *keyed) proof(method, uri string) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: k.key}, (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(map[string]any{"htm": method, "htu": uri, "jti": rand.Text(), "iat": k.now().Unix()}).Serialize()
}

// call posts a form, with a secret where id is given, and wants text in the
// answer.
func (b *benchmark) call(path, id string, form url.Values, header http.Header, want string) ([]byte, error) {
	req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	if header != nil {
		req.Header = header
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if id != "" {
		req.SetBasicAuth(id, url.QueryEscape(benchmarkSecret))
	}
	w := &recorder{header: make(http.Header), status: http.StatusOK}
	b.send.(direct).h.ServeHTTP(w, req)
	if body := w.body.Bytes(); w.status/100 == 2 && strings.Contains(string(body), want) {
		return body, nil
	}
	return nil, fmt.Errorf("%s answered %d, without %s: %s", path, w.status, want, w.body.Bytes())
}

const givesToken = `"access_token":"`

func BenchmarkClientCredentialsForAPI(b *testing.B) {
	eachEngine(b, func(b *benchmark) {
		b.more()
		b.parallel(func() func() error {
			return func() error {
				_, err := b.call("/token", "robot", url.Values{"grant_type": {"client_credentials"}, "resource": {benchedAPI}}, nil, givesToken)
				return err
			}
		})
	})
}

func BenchmarkPrivateKeyJWT(b *testing.B) {
	eachEngine(b, func(b *benchmark) {
		k := b.more()
		b.parallel(func() func() error {
			return func() error {
				assertion, err := k.assertion(b.issuer)
				if err == nil {
					_, err = b.call("/token", "", url.Values{
						"grant_type": {"client_credentials"}, "resource": {benchedAPI}, "client_assertion": {assertion},
						"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
					}, nil, givesToken)
				}
				return err
			}
		})
	})
}

func BenchmarkDPoP(b *testing.B) {
	eachEngine(b, func(b *benchmark) {
		k := b.more()
		b.parallel(func() func() error {
			return func() error {
				proof, err := k.proof(http.MethodPost, b.issuer+"/token")
				if err == nil {
					_, err = b.call("/token", "robot", url.Values{"grant_type": {"client_credentials"}, "resource": {benchedAPI}},
						http.Header{"Dpop": {proof}}, `"token_type":"DPoP"`)
				}
				return err
			}
		})
	})
}

func BenchmarkTokenExchange(b *testing.B) {
	eachEngine(b, func(b *benchmark) {
		b.more()
		subject := b.tokens(b.es256, b.signedIn()).Access
		b.parallel(func() func() error {
			return func() error {
				_, err := b.call("/token", "gateway", url.Values{"grant_type": {exchangeGrant}, "subject_token": {subject}, "subject_token_type": {accessType}}, nil, givesToken)
				return err
			}
		})
	})
}

// BenchmarkDevice is what a device asks for: a pair of codes, and its tokens
// once a person has allowed it. The person's part is that of a sign-in.
func BenchmarkDevice(b *testing.B) {
	eachEngine(b, func(b *benchmark) {
		b.more()
		allowed := b.allowDevices(b.N)
		b.parallel(func() func() error {
			return func() error {
				_, err := b.call("/device_authorization", "screen", url.Values{"scope": {"openid"}}, nil, `"user_code":"`)
				if err == nil {
					_, err = b.call("/token", "screen", url.Values{"grant_type": {deviceGrant}, "device_code": {<-allowed}}, nil, givesToken)
				}
				return err
			}
		})
	})
}

// allowDevices are device codes that a person allowed.
func (b *benchmark) allowDevices(n int) chan string {
	b.Helper()
	b.signedIn()
	codes, now := make(chan string, n), b.now()
	person, err := b.db.UserByEmail(b.Context(), personEmail(0))
	if err != nil {
		b.Fatal(err)
	}
	sessions, err := b.db.Sessions(b.Context(), person.ID, time.Hour, now)
	if err != nil || len(sessions) == 0 {
		b.Fatalf("%d sessions, %v", len(sessions), err)
	}
	for range n {
		body, err := b.call("/device_authorization", "screen", url.Values{"scope": {"openid"}}, nil, `"device_code":"`)
		if err != nil {
			b.Fatal(err)
		}
		var a struct {
			Code string `json:"device_code"`
		}
		if err := json.Unmarshal(body, &a); err != nil {
			b.Fatal(err)
		}
		err = b.db.Write(b.Context(), func(tx *storage.Tx) error {
			g := storage.Grant{
				ID: storage.NewID(), ClientID: "screen", UserID: person.ID, SessionID: sessions[0].ID, Scope: "openid", CodeHash: storage.Hash(a.Code + "x"),
				CodeExpiresAt: now, Details: json.RawMessage(`{"assurance":{"level":1,"acr":"urn:sallyport:acr:1fa"}}`), CreatedAt: now, ExpiresAt: now.Add(time.Hour),
			}
			if err := tx.InsertGrant(b.Context(), g); err != nil {
				return err
			}
			return tx.AllowDevice(b.Context(), storage.Hash(a.Code), g.ID, now)
		})
		if err != nil {
			b.Fatal(err)
		}
		codes <- a.Code
	}
	return codes
}

// BenchmarkPushedRequest is a pushed request and the sign-in that it leads to
// with a running session.
func BenchmarkPushedRequest(b *testing.B) {
	eachEngine(b, func(b *benchmark) {
		b.more()
		browser := b.signedIn()
		gateway := load.NewProduct("gateway", benchmarkSecret, "https://gateway.example/callback", "openid")
		b.parallel(func() func() error {
			return func() error {
				uri, err := gateway.Push(b.send)
				if err == nil {
					_, err = gateway.AuthorizePushed(b.send, browser, uri)
				}
				return err
			}
		})
	})
}
