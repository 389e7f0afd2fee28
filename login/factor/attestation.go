package factor

import (
	"bytes"
	"encoding/hex"
	"slices"

	"github.com/go-webauthn/webauthn/metadata"
	"github.com/go-webauthn/webauthn/metadata/providers/memory"
	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// models is what the operator's FIDO metadata says of authenticators. A nil
// *models knows none.
type models struct {
	provider metadata.Provider
	entries  []*metadata.Entry
}

func newModels(entries []metadata.Entry) (*models, error) {
	all := metadata.Metadata{Parsed: metadata.Parsed{Entries: entries}}
	provider, err := memory.New(
		memory.WithMetadata(all.ToMap()),
		// FIDO U2F keys have no AAGUID and are known by their certificate.
		memory.WithMetadataKeyIdentifiers(all.ToKeyIdentifierMap()),
		memory.WithValidateEntryKeyIdentifier(true),
		memory.WithValidateAAGUID(true),
		memory.WithValidateAttestationFormats(true),
		memory.WithValidateBackupEligibility(true),
	)
	if err != nil {
		return nil, err
	}
	m := &models{provider: provider}
	for i := range entries {
		m.entries = append(m.entries, &entries[i])
	}
	return m, nil
}

// vouchFor says whether an attestation proves that a key can't leave a piece of
// hardware: signed by a certificate that leads to a root of the model's
// metadata, for a model that keeps keys in hardware and isn't reported broken.
//
// The library takes the absence of a certificate for nothing to check: "none",
// and keys that attest themselves. So their types are asked for here.
func (m *models) vouchFor(object *protocol.AttestationObject, clientDataHash []byte, c *webauthn.Config) bool {
	if m == nil || !slices.Contains(attestedFormats(), protocol.AttestationFormat(object.Format)) {
		return false
	}
	if object.VerifyAttestation(clientDataHash, m.provider, c.Attestation, c.Signature) != nil {
		return false
	}
	chain, _ := object.AttStatement["x5c"].([]any)
	certified := metadata.AuthenticatorAttestationTypes{metadata.AuthenticatorAttestationType(object.Type)}.HasCertificateTrustPath()
	if len(chain) == 0 || !certified {
		return false
	}
	leaf, _ := chain[0].([]byte)
	e := m.entry(object.AuthData.AttData.AAGUID, leaf)
	return e != nil && inHardware(e.MetadataStatement.KeyProtection)
}

// attestedFormats are those whose certificates the library checks against the
// metadata. A compound statement can hide what it checked.
func attestedFormats() []protocol.AttestationFormat {
	return []protocol.AttestationFormat{
		protocol.AttestationFormatPacked, protocol.AttestationFormatTPM, protocol.AttestationFormatAndroidKey,
		protocol.AttestationFormatApple, protocol.AttestationFormatFIDOUniversalSecondFactor,
	}
}

// inHardware reads keyProtection (FIDO Registry of Predefined Values 3.2).
func inHardware(protection []string) bool {
	in := func(values ...string) bool {
		return slices.ContainsFunc(values, func(v string) bool { return slices.Contains(protection, v) })
	}
	return in("hardware", "tee", "secure_element") && !in("software", "remote_handle")
}

// entry finds a model by its AAGUID or, where that is zero, by the attestation
// certificate.
func (m *models) entry(aaguid, certificate []byte) *metadata.Entry {
	if m == nil {
		return nil
	}
	if !bytes.Equal(aaguid, make([]byte, 16)) {
		return m.byAAGUID(aaguid)
	}
	ids := keyIdentifiers(certificate)
	for _, e := range m.entries {
		for _, id := range e.AttestationCertificateKeyIdentifiers {
			if raw, err := hex.DecodeString(id); err == nil && slices.ContainsFunc(ids, func(id []byte) bool { return bytes.Equal(id, raw) }) {
				return e
			}
		}
	}
	return nil
}

func (m *models) byAAGUID(aaguid []byte) *metadata.Entry {
	if m == nil || bytes.Equal(aaguid, make([]byte, 16)) {
		return nil
	}
	for _, e := range m.entries {
		if bytes.Equal(e.AaGUID[:], aaguid) {
			return e
		}
	}
	return nil
}

// name is what the metadata calls a model; empty where it doesn't know it.
func (m *models) name(aaguid []byte) string {
	e := m.byAAGUID(aaguid)
	if e == nil {
		return ""
	}
	if name := e.MetadataStatement.FriendlyNames["en-US"]; name != "" {
		return name
	}
	return e.MetadataStatement.Description
}

// broken says whether the metadata reports a model as compromised or withdrawn.
func (m *models) broken(aaguid []byte) bool {
	e := m.byAAGUID(aaguid)
	return e != nil && metadata.ValidateStatusReports(e.StatusReports, nil, metadata.DefaultUndesiredAuthenticatorStatuses()) != nil
}
