package factor

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// BeginEnrolment makes a challenge and returns the options for
// navigator.credentials.create, a PublicKeyCredentialCreationOptionsJSON. The
// key must be discoverable, so that every key can also sign in by itself. Those
// the person has are excluded. boundTo is as for [WebAuthn.BeginProof].
func (w *WebAuthn) BeginEnrolment(ctx context.Context, tx *storage.Tx, boundTo string, user *storage.User, now time.Time) (json.RawMessage, error) {
	holder, err := loadHolder(ctx, tx.Reader, user)
	if err != nil {
		return nil, err
	}
	options, session, err := w.lib.BeginRegistration(holder,
		webauthn.WithExclusions(holder.descriptors()),
		webauthn.WithResidentKeyRequirement(protocol.ResidentKeyRequirementRequired))
	if err != nil {
		return nil, fmt.Errorf("begin enrolment: %w", err)
	}
	if err := w.keep(ctx, tx, boundTo, createCeremony, user.ID, session, now); err != nil {
		return nil, err
	}
	return json.Marshal(options.Response)
}

// Enrol spends the challenge, checks the answer to it and stores the key, under
// a name of its own where name is empty. The proof is what the creation was
// worth; its UserVerified says whether the authenticator checked the person.
// storage.ErrTaken where the key is registered already; tx can't go on then.
func (w *WebAuthn) Enrol(ctx context.Context, tx *storage.Tx, boundTo string, user *storage.User, name string, response []byte, now time.Time) (KeyProof, error) {
	session, outcome, err := w.spend(ctx, tx, boundTo, createCeremony, user.ID, now)
	if err != nil || outcome != Accepted {
		return KeyProof{Outcome: outcome}, err
	}
	answer, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil || !w.answers(answer.Response.CollectedClientData, session) {
		return KeyProof{Outcome: Wrong}, nil
	}
	holder, err := loadHolder(ctx, tx.Reader, user)
	if err != nil {
		return KeyProof{}, err
	}
	credential, err := w.lib.CreateCredential(holder, session, answer)
	if err != nil {
		return KeyProof{Outcome: Wrong}, nil
	}
	record, err := json.Marshal(credential)
	if err != nil {
		return KeyProof{}, fmt.Errorf("enrol key: %w", err)
	}
	if name = shorten(name); name == "" {
		name = holder.unused(w.nameOf(credential))
	}
	f := &storage.Factor{
		ID: storage.NewID(), UserID: user.ID, Kind: string(policy.WebAuthn), Name: name, Secret: record,
		Handle:   storage.Hash(credentialID(credential.ID)),
		Hardware: w.attested(credential, answer),
		Synced:   credential.Flags.BackupEligible,
		Counter:  int64(credential.Authenticator.SignCount), CreatedAt: now, LastUsedAt: now,
	}
	if err := tx.InsertFactor(ctx, *f, f.Counter, now); err != nil {
		return KeyProof{}, err
	}
	verified := answer.Response.AttestationObject.AuthData.Flags.HasUserVerified()
	return KeyProof{Outcome: Accepted, UserID: user.ID, Factor: f, Proof: w.proof(f, credential, verified, now)}, nil
}

// attested says whether a new key is proved to live in one piece of hardware.
func (w *WebAuthn) attested(credential *webauthn.Credential, answer *protocol.ParsedCredentialCreationData) bool {
	if credential.Flags.BackupEligible {
		return false
	}
	object := answer.Response.AttestationObject
	return w.models.vouchFor(&object, credential.Attestation.ClientDataHash, w.lib.Config)
}

// longestName is how many characters the name of a key keeps.
const longestName = 60

func shorten(name string) string {
	name = strings.TrimSpace(name)
	if runes := []rune(name); len(runes) > longestName {
		name = strings.TrimSpace(string(runes[:longestName]))
	}
	return name
}

// nameOf names a key by its model where the metadata knows it, else by how it
// is reached: what can only be plugged in or held against something is a
// security key.
func (w *WebAuthn) nameOf(credential *webauthn.Credential) string {
	if name := shorten(w.models.name(credential.Authenticator.AAGUID)); name != "" {
		return name
	}
	within := func(t protocol.AuthenticatorTransport) bool { return t == protocol.Internal || t == protocol.Hybrid }
	switch {
	case credential.Flags.BackupEligible, slices.ContainsFunc(credential.Transport, within):
		return "Passkey"
	case len(credential.Transport) > 0, credential.Authenticator.Attachment == protocol.CrossPlatform:
		return "Security key"
	}
	return "Passkey"
}

// unused tells a key apart from those of the same name by a number.
func (h *holder) unused(name string) string {
	taken := func(name string) bool {
		return slices.ContainsFunc(h.factors, func(f *storage.Factor) bool { return f.Name == name })
	}
	for n, first := 2, name; taken(name); n++ {
		name = first + " " + strconv.Itoa(n)
	}
	return name
}
