package apply_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/storage/apply"
)

func pemOf(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// Keys that somebody pastes are taken in each form that tools write them in, and such a product is taken.
func TestKeysAsPeoplePasteThem(t *testing.T) {
	must := func(der []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	ec, err := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ed, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "board"}}
	certificate := pemOf("CERTIFICATE", must(x509.CreateCertificate(rand.Reader, template, template, &ec.PublicKey, ec)))
	spki := func(key any) string { return pemOf("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(key))) }
	const jwk = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	f := fixtureOf(t, "sqlite")
	for name, test := range map[string]struct {
		text  string
		types string
	}{
		"set":            {`{"keys":[` + jwk + "]}", "OKP"},
		"indented":       {apply.KeySet(`{"keys":[` + jwk + "]}").Indented(), "OKP"},
		"JWK":            {"\n " + jwk, "OKP"},
		"RSA":            {spki(&r.PublicKey), "RSA"},
		"RSA, PKCS 1":    {pemOf("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&r.PublicKey)), "RSA"},
		"EC and Ed25519": {spki(&ec.PublicKey) + spki(ed), "EC OKP"},
		"certificate":    {certificate, "EC"},
	} {
		set, err := apply.ParseKeySet(test.text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var types []string
		for _, key := range set.Keys() {
			types = append(types, key.Type)
		}
		if got := strings.Join(types, " "); got != test.types {
			t.Errorf("%s: %s", name, got)
		}
		if strings.Contains(test.text, "CERTIFICATE") != strings.Contains(string(set), "x5c") {
			t.Errorf("%s: %s", name, set)
		}
		f.apply(keyed("jwks: " + string(set)))
		if got := string(f.client("bank").JWKS); got != string(set) {
			t.Errorf("%s: %s, not %s", name, got, set)
		}
	}
	if set, err := apply.ParseKeySet(" \n"); set != "" || err != nil {
		t.Errorf("%q, %v", set, err)
	}
	for name, test := range map[string]struct {
		text string
		want error
	}{
		"private":         {pemOf("PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(ec))), apply.ErrPrivateKey},
		"private RSA":     {pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(r)), apply.ErrPrivateKey},
		"words":           {"my key", apply.ErrNoKeys},
		"a list":          {"[" + jwk + "]", apply.ErrNoKeys},
		"cut off":         {spki(ed)[:60], apply.ErrNoKeys},
		"words after it":  {spki(ed) + "and more", apply.ErrNoKeys},
		"another PEM":     {pemOf("CERTIFICATE REQUEST", []byte("x")), apply.ErrNoKeys},
		"an empty object": {"{}", apply.ErrNoKeys},
	} {
		if set, err := apply.ParseKeySet(test.text); !errors.Is(err, test.want) || set != "" {
			t.Errorf("%s: %q, %v", name, set, err)
		}
	}
}
