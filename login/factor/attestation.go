package factor

import (
	"context"
	"slices"

	"github.com/go-webauthn/webauthn/metadata"
	"github.com/go-webauthn/webauthn/metadata/providers/memory"
	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// models is what the operator's FIDO metadata says of authenticators. A nil
// *models knows none.
type models struct{ provider metadata.Provider }

func newModels(entries []metadata.Entry) (*models, error) {
	all := metadata.Metadata{Parsed: metadata.Parsed{Entries: entries}}
	provider, err := memory.New(
		memory.WithMetadata(all.ToMap()),
		memory.WithValidateAAGUID(true),
		memory.WithValidateAttestationFormats(true),
		memory.WithValidateBackupEligibility(true),
	)
	return &models{provider: provider}, err
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
	e := m.entry(object.AuthData.AttData.AAGUID)
	return e != nil && inHardware(e.MetadataStatement.KeyProtection)
}

// attestedFormats are those whose certificates the library checks against the
// metadata. A compound statement can hide what it checked, and the keys of FIDO
// U2F can't be enrolled here.
func attestedFormats() []protocol.AttestationFormat {
	return []protocol.AttestationFormat{
		protocol.AttestationFormatPacked, protocol.AttestationFormatTPM,
		protocol.AttestationFormatAndroidKey, protocol.AttestationFormatApple,
	}
}

// inHardware reads keyProtection (FIDO Registry of Predefined Values section
// 3.2). "remote_handle" says that the server keeps the key, wrapped by one that
// is protected as the other values say.
func inHardware(protection []string) bool {
	hardware := func(v string) bool { return v == "hardware" || v == "tee" || v == "secure_element" }
	return slices.ContainsFunc(protection, hardware) && !slices.Contains(protection, "software")
}

// entry finds a model by its AAGUID; nil where the metadata doesn't know it.
func (m *models) entry(aaguid []byte) *metadata.Entry {
	if m == nil || len(aaguid) != 16 {
		return nil
	}
	// The entries are in memory: there is nothing to wait for, or to fail.
	e, _ := m.provider.GetEntry(context.Background(), [16]byte(aaguid))
	return e
}

// name is what the metadata calls a model; empty where it doesn't know it.
func (m *models) name(aaguid []byte) string {
	e := m.entry(aaguid)
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
	e := m.entry(aaguid)
	return e != nil && metadata.ValidateStatusReports(e.StatusReports, nil, metadata.DefaultUndesiredAuthenticatorStatuses()) != nil
}
