package factor

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// service is a metadata service of our own: root, a certificate between, and
// the one that signs.
type service struct {
	root  *x509.Certificate
	chain []string
	key   *ecdsa.PrivateKey
}

func newService(t *testing.T) service {
	t.Helper()
	var (
		s      service
		parent *x509.Certificate
	)
	for i, name := range []string{"root", "between", "signer"} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		// All have expired: the file may be older than its certificates.
		cert := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: name}, BasicConstraintsValid: true, IsCA: i < 2,
			NotBefore: time.Date(2020, 1, 1+i, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC),
		}
		signer := s.key
		if i == 0 {
			parent, signer = cert, key
		}
		der, err := x509.CreateCertificate(rand.Reader, cert, parent, &key.PublicKey, signer)
		if err != nil {
			t.Fatal(err)
		}
		if parent, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
		if s.key = key; i == 0 {
			s.root = parent
		} else {
			s.chain = append([]string{base64.StdEncoding.EncodeToString(der)}, s.chain...)
		}
	}
	return s
}

func (s service) blob(t *testing.T, payload string, key *ecdsa.PrivateKey) string {
	t.Helper()
	options := &jose.SignerOptions{}
	if s.chain != nil {
		options.WithHeader("x5c", s.chain)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	blob, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return blob
}

const payload = `{"legalHeader":"…","no":3,"nextUpdate":"2020-02-01","entries":[
	{"aaguid":"not one","metadataStatement":{}},
	{"aaguid":"01020304-0506-0708-090a-0b0c0d0e0f10","timeOfLastStatusChange":"2020-01-01",
	 "metadataStatement":{"description":"Example Key","friendlyNames":{"en-US":"Friendly Key"}},"statusReports":[{"status":"REVOKED"}]}]}`

func TestBlobOfTheMetadataService(t *testing.T) {
	s, other := newService(t), newService(t)
	good := s.blob(t, payload, s.key)
	m, err := parseModels([]byte(good+"\n"), s.root)
	if err != nil {
		t.Fatal(err)
	}
	aaguid := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	if m.name(aaguid) != "Friendly Key" || !m.broken(aaguid) || m.name(aaguid[1:]) != "" || m.broken(nil) {
		t.Errorf("%q, broken %t", m.name(aaguid), m.broken(aaguid))
	}

	parts := strings.Split(good, ".")
	forged := parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(payload, "REVOKED", "UPDATED", 1))) + "." + parts[2]
	unsigned := service{key: s.key}
	for name, tt := range map[string]struct {
		blob string
		root *x509.Certificate
		want string
	}{
		"another root":        {good, other.root, "certificates of the BLOB"},
		"another signer":      {s.blob(t, payload, other.key), s.root, "signature of the BLOB"},
		"changed":             {forged, s.root, "signature of the BLOB"},
		"no certificates":     {unsigned.blob(t, payload, s.key), s.root, "there are none"},
		"no link in between":  {service{chain: s.chain[:1]}.blob(t, payload, s.key), s.root, "certificates of the BLOB"},
		"half of it":          {parts[0] + "." + parts[1], s.root, "read the BLOB"},
		"nothing that is fit": {s.blob(t, `{"entries":[{"aaguid":"x"}]}`, s.key), s.root, "no entries"},
	} {
		if _, err := parseModels([]byte(tt.blob), tt.root); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
