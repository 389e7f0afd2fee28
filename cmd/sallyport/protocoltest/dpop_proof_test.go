package protocoltest_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// proofKey is a key by which a client makes DPoP proofs (RFC 9449).
type proofKey struct {
	alg  string
	key  crypto.Signer
	t    testing.TB
	now  func() int64
	base string
}

// newProofKey makes a key for ES256, as most clients do.
func (w *world) newProofKey(t testing.TB) *proofKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return w.proofKeyOf(t, "ES256", key, err)
}

func (w *world) proofKeyOf(t testing.TB, alg string, key crypto.Signer, err error) *proofKey {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return &proofKey{alg: alg, key: key, t: t, now: func() int64 { return w.Clock.Now().Unix() }, base: w.URL}
}

// jwk is the public key as a proof carries it.
func (k *proofKey) jwk() map[string]any {
	k.t.Helper()
	return jwkOf(k.t, k.key.Public())
}

func jwkOf(t testing.TB, key any) (out map[string]any) {
	t.Helper()
	text, err := json.Marshal(jose.JSONWebKey{Key: key})
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// thumbprint is the jkt of the key (RFC 7638).
func (k *proofKey) thumbprint() string {
	k.t.Helper()
	sum, err := (&jose.JSONWebKey{Key: k.key.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		k.t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// change are the members of a header or of claims that a test says otherwise;
// nil leaves one out.
type change map[string]any

func changed(members map[string]any, with change) map[string]any {
	out := maps.Clone(members)
	for name, value := range with {
		out[name] = value
		if value == nil {
			delete(out, name)
		}
	}
	return out
}

// header is that of a proof.
func (k *proofKey) header() map[string]any {
	k.t.Helper()
	return map[string]any{"typ": "dpop+jwt", "alg": k.alg, "jwk": k.jwk()}
}

// claims are those of a proof for a request; token is empty where it comes
// without an access token.
func (k *proofKey) claims(method, path, token string) map[string]any {
	c := map[string]any{"jti": storage.NewID(), "htm": method, "htu": k.base + path, "iat": k.now()}
	if token != "" {
		c["ath"] = ath(token)
	}
	return c
}

func ath(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// proof is a good one for the token endpoint, but for what is changed.
func (k *proofKey) proof(path string, with change) string {
	k.t.Helper()
	return k.sign(k.header(), changed(k.claims(http.MethodPost, path, ""), with))
}

// proofWith is a good one for a request that presents an access token, but for
// what is changed.
func (k *proofKey) proofWith(token, method, path string, with change) string {
	k.t.Helper()
	return k.sign(k.header(), changed(k.claims(method, path, token), with))
}

// sign makes a JWT of any header and claims.
func (k *proofKey) sign(header, claims map[string]any) string {
	k.t.Helper()
	return jwtOf(k.t, header, claims, func(input []byte) []byte {
		sum := sha256.Sum256(input)
		var signature []byte
		var err error
		switch key := k.key.(type) {
		case *ecdsa.PrivateKey:
			r, s, failed := ecdsa.Sign(rand.Reader, key, sum[:])
			signature, err = make([]byte, 64), failed
			if err == nil {
				r.FillBytes(signature[:32])
				s.FillBytes(signature[32:])
			}
		case *rsa.PrivateKey:
			if header["alg"] == "RS256" {
				signature, err = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
			} else {
				signature, err = rsa.SignPSS(rand.Reader, key, crypto.SHA256, sum[:], nil)
			}
		case ed25519.PrivateKey:
			signature = ed25519.Sign(key, input)
		}
		if err != nil {
			k.t.Fatal(err)
		}
		return signature
	})
}

// jwtOf is a JWT whose signature is whatever sign makes of its input.
func jwtOf(t testing.TB, header, claims map[string]any, sign func([]byte) []byte) string {
	t.Helper()
	segment := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	input := segment(header) + "." + segment(claims)
	return input + "." + base64.RawURLEncoding.EncodeToString(sign([]byte(input)))
}

// prover is a relying party that sends DPoP proofs.
type prover struct {
	*servertest.RP
	key *proofKey
	t   testing.TB
}

// prover is a relying party with a key; a client without a secret is public.
func (w *world) prover(t testing.TB, id, secret string) *prover {
	t.Helper()
	return &prover{RP: servertest.NewRP(t, w.Instance, id, secret, callback), key: w.newProofKey(t), t: t}
}

// with is the same relying party with another key.
func (p *prover) with(key *proofKey) *prover { return &prover{RP: p.RP, key: key, t: p.t} }

// send posts a form with these proofs, of which there may be none.
func (p *prover) send(path string, form url.Values, proofs ...string) (int, http.Header, servertest.Answer) {
	p.t.Helper()
	form = maps.Clone(form)
	if p.Secret == "" {
		form.Set("client_id", p.ClientID)
	}
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if p.Secret != "" {
		req.SetBasicAuth(url.QueryEscape(p.ClientID), url.QueryEscape(p.Secret))
	}
	for _, proof := range proofs {
		req.Header.Add("DPoP", proof)
	}
	return p.Do(req)
}

// codeForm redeems a code.
func (p *prover) codeForm(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {p.RedirectURI}, "code_verifier": {p.Verifier}}
}

func refreshForm(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
}

// redeem redeems a new code of a person with a good proof.
func (p *prover) redeem(person *servertest.Person, more url.Values) servertest.Answer {
	p.t.Helper()
	status, _, tokens := p.send("/token", p.codeForm(codeFor(p.t, person, p.RP, more)), p.key.proof("/token", nil))
	if status != http.StatusOK {
		p.t.Fatalf("redeem: %d %v", status, tokens)
	}
	return tokens
}

// refresh uses a refresh token with a good proof.
func (p *prover) refresh(token string) (int, servertest.Answer) {
	p.t.Helper()
	status, _, a := p.send("/token", refreshForm(token), p.key.proof("/token", nil))
	return status, a
}

// present asks a protected resource by a scheme, with these proofs.
func (p *prover) present(method, path, scheme, token string, proofs ...string) (int, http.Header, servertest.Answer) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.URL+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", scheme+" "+token)
	for _, proof := range proofs {
		req.Header.Add("DPoP", proof)
	}
	return p.Do(req)
}

// userinfo asks for the claims with a good proof.
func (p *prover) userinfo(token string) (int, servertest.Answer) {
	p.t.Helper()
	status, _, a := p.present(http.MethodGet, "/userinfo", "DPoP", token, p.key.proofWith(token, http.MethodGet, "/userinfo", nil))
	return status, a
}
