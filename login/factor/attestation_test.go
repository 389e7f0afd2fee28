package factor_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// AAGUIDs of two models.
var (
	yubi  = [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	other = [16]byte{16, 15, 14}
)

// maker makes authenticators: a root, and a batch key whose certificate the
// root signed.
type maker struct {
	root, batch *x509.Certificate
	batchKey    *ecdsa.PrivateKey
}

func newMaker(t *testing.T) maker {
	t.Helper()
	rootKey, batchKey := newECDSA(t), newECDSA(t)
	issue := func(template, parent *x509.Certificate, public *ecdsa.PublicKey) *x509.Certificate {
		template.SerialNumber = big.NewInt(1)
		// The library looks at the real clock for these.
		template.NotBefore, template.NotAfter = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2120, 1, 1, 0, 0, 0, 0, time.UTC)
		template.BasicConstraintsValid = true
		der, err := x509.CreateCertificate(rand.Reader, template, parent, public, rootKey)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	template := &x509.Certificate{Subject: pkix.Name{CommonName: "Maker Root"}, IsCA: true, KeyUsage: x509.KeyUsageCertSign}
	root := issue(template, template, &rootKey.PublicKey)
	batch := issue(&x509.Certificate{Subject: pkix.Name{
		Country: []string{"SE"}, Organization: []string{"Maker"}, OrganizationalUnit: []string{"Authenticator Attestation"}, CommonName: "Batch 1",
	}}, root, &batchKey.PublicKey)
	return maker{root, batch, batchKey}
}

// attest signs new keys with the batch key.
func (m maker) attest(a *authenticator, _ *softKey, signed []byte) (string, map[string]any) {
	return "packed", map[string]any{"alg": -7, "sig": sign(a.t, m.batchKey, signed), "x5c": []any{m.batch.Raw}}
}

// selfAttest signs a new key with itself.
func selfAttest(a *authenticator, k *softKey, signed []byte) (string, map[string]any) {
	return "packed", map[string]any{"alg": -7, "sig": sign(a.t, k.key, signed)}
}

// statement is a metadata statement of a model.
type statement struct {
	aaguid      [16]byte
	description string
	root        *x509.Certificate
	types       []string // basic_full where nil
	protection  []string // hardware where nil
	status      string   // of its last report
	multiDevice string   // whether its keys may be backed up; unsupported where empty
}

func metadataFile(t *testing.T, statements ...statement) string {
	t.Helper()
	var entries []map[string]any
	for _, s := range statements {
		raw := hex.EncodeToString(s.aaguid[:])
		st := map[string]any{
			"aaguid":      strings.Join([]string{raw[:8], raw[8:12], raw[12:16], raw[16:20], raw[20:]}, "-"),
			"description": s.description, "protocolFamily": "fido2",
			"attestationTypes": s.types, "keyProtection": s.protection, "multiDeviceCredentialSupport": s.multiDevice,
		}
		if s.types == nil {
			st["attestationTypes"] = []string{"basic_full"}
		}
		if s.protection == nil {
			st["keyProtection"] = []string{"hardware", "secure_element"}
		}
		if s.root != nil {
			st["attestationRootCertificates"] = []string{base64.StdEncoding.EncodeToString(s.root.Raw)}
		}
		e := map[string]any{"metadataStatement": st}
		if s.status != "" {
			e["statusReports"] = []any{map[string]any{"status": s.status, "effectiveDate": "2024-01-01"}}
		}
		entries = append(entries, e)
	}
	file := filepath.Join(t.TempDir(), "metadata.json")
	if err := os.WriteFile(file, marshal(t, map[string]any{"entries": entries}, toJSON), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestWhichKeysAreHardware(t *testing.T) {
	genuine, stranger := newMaker(t), newMaker(t)
	model := statement{aaguid: yubi, root: genuine.root}
	with := func(change func(*statement)) statement {
		s := model
		change(&s)
		return s
	}
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		for _, tt := range []struct {
			name   string
			models []statement
			key    func(a *authenticator)
			want   policy.Key
		}{
			{"attested", []statement{model}, func(a *authenticator) {}, policy.KeyHardware},
			{"among others", []statement{{aaguid: other, root: stranger.root}, model}, func(a *authenticator) {}, policy.KeyHardware},
			{"another root", []statement{model}, func(a *authenticator) { a.attest = stranger.attest }, policy.KeyUnknown},
			{"the root of another model", []statement{model, {aaguid: other, root: stranger.root}}, func(a *authenticator) { a.attest = stranger.attest }, policy.KeyUnknown},
			{"no root in the metadata", []statement{with(func(s *statement) { s.root = nil })}, func(a *authenticator) {}, policy.KeyUnknown},
			{"can be backed up", []statement{model}, func(a *authenticator) { a.backup = true }, policy.KeySynced},
			{"can be backed up, as the model may", []statement{with(func(s *statement) { s.multiDevice = "implicit" })}, func(a *authenticator) { a.backup = true }, policy.KeySynced},
			{"no metadata", nil, func(a *authenticator) {}, policy.KeyUnknown},
			{"a model that isn't listed", []statement{model}, func(a *authenticator) { a.aaguid = other }, policy.KeyUnknown},
			{"no model", []statement{model}, func(a *authenticator) { a.aaguid = [16]byte{} }, policy.KeyUnknown},
			{"not attested", []statement{model}, func(a *authenticator) { a.attest = nil }, policy.KeyUnknown},
			{"by itself", []statement{model}, func(a *authenticator) { a.attest = selfAttest }, policy.KeyUnknown},
			{"by itself, as the model may", []statement{with(func(s *statement) { s.types = []string{"basic_full", "basic_surrogate"} })}, func(a *authenticator) { a.attest = selfAttest }, policy.KeyUnknown},
			{"in software", []statement{with(func(s *statement) { s.protection = []string{"software"} })}, func(a *authenticator) {}, policy.KeyUnknown},
			{"in software too", []statement{with(func(s *statement) { s.protection = []string{"hardware", "software"} })}, func(a *authenticator) {}, policy.KeyUnknown},
			{"wrapped by hardware", []statement{with(func(s *statement) { s.protection = []string{"hardware", "remote_handle"} })}, func(a *authenticator) {}, policy.KeyHardware},
			{"nobody says where", []statement{with(func(s *statement) { s.protection = []string{} })}, func(a *authenticator) {}, policy.KeyUnknown},
			{"revoked", []statement{with(func(s *statement) { s.status = "REVOKED" })}, func(a *authenticator) {}, policy.KeyUnknown},
			{"certified", []statement{with(func(s *statement) { s.status = "FIDO_CERTIFIED_L1" })}, func(a *authenticator) {}, policy.KeyHardware},
		} {
			t.Run(tt.name, func(t *testing.T) {
				k := newKeyring(t, db, "ana"+storage.NewID())
				if tt.models != nil {
					k.w = mustWebAuthn(t, metadataFile(t, tt.models...))
				}
				k.verifies, k.aaguid, k.attest = true, yubi, genuine.attest
				tt.key(k.authenticator)
				p := k.enrol()
				if p.Proof.Key != tt.want || p.Factor.Hardware != (tt.want == policy.KeyHardware) || p.Factor.Synced != (tt.want == policy.KeySynced) {
					t.Errorf("enrolled: %+v, %+v", p.Proof, p.Factor)
				}
				if p := k.verify(nil, k.get(k.begin(nil))); p.Outcome != factor.Accepted || p.Proof.Key != tt.want {
					t.Errorf("used: %+v", p)
				}
			})
		}
	})
}

// A model that is found to be broken later isn't worth as much from then on.
func TestAModelThatIsRevokedLater(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		m := newMaker(t)
		k := newKeyring(t, db, "ana")
		k.w = mustWebAuthn(t, metadataFile(t, statement{aaguid: yubi, root: m.root}))
		k.verifies, k.aaguid, k.attest = true, yubi, m.attest
		if o := readOptions(t, k.beginEnrolment()); o.Attestation != "direct" {
			t.Errorf("asks for %q attestation", o.Attestation)
		}
		if p := k.enrol(); p.Proof.Key != policy.KeyHardware {
			t.Fatalf("%+v", p)
		}
		for status, want := range map[string]policy.Key{"": policy.KeyHardware, "UPDATE_AVAILABLE": policy.KeyHardware, "USER_KEY_PHYSICAL_COMPROMISE": policy.KeyUnknown} {
			k.w = mustWebAuthn(t, metadataFile(t, statement{aaguid: yubi, root: m.root, status: status}))
			if p := k.verify(nil, k.get(k.begin(nil))); p.Outcome != factor.Accepted || p.Proof.Key != want {
				t.Errorf("%q: %+v", status, p)
			}
		}
	})
}

func TestMetadataFileThatCantBeUsed(t *testing.T) {
	for content, want := range map[string]string{
		"":                        "neither JSON nor a signed BLOB",
		"metadata":                "neither JSON nor a signed BLOB",
		"{":                       "unexpected end",
		"{}":                      "no entries",
		`{"entries":[{"a":1},7]}`: "entry 2",
		`{"entries":[{"metadataStatement":{"aaguid":"x"}}]}`: "entry 1",
	} {
		file := filepath.Join(t.TempDir(), "metadata")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := factor.NewWebAuthn(issuer, "Example", file); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%q: %v", content, err)
		}
	}
	if _, err := factor.NewWebAuthn(issuer, "Example", filepath.Join(t.TempDir(), "nothing")); err == nil {
		t.Error("a file that isn't there was read")
	}
}
