package factor

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// holder is a person with their keys, as the library wants to see them.
type holder struct {
	user    *storage.User
	factors []*storage.Factor
	keys    []webauthn.Credential // of the factors, in their order
}

func loadHolder(ctx context.Context, r storage.Reader, user *storage.User) (*holder, error) {
	all, err := r.Factors(ctx, user.ID)
	if err != nil {
		return nil, err
	}
	h := &holder{user: user}
	for _, f := range all {
		if f.Kind != string(policy.WebAuthn) {
			continue
		}
		key, err := readKey(f)
		if err != nil {
			return nil, err
		}
		h.factors, h.keys = append(h.factors, f), append(h.keys, key)
	}
	return h, nil
}

// readKey reads the credential record of a key.
func readKey(f *storage.Factor) (key webauthn.Credential, err error) {
	if err := json.Unmarshal(f.Secret, &key); err != nil {
		return key, fmt.Errorf("read key %s: %w", f.ID, err)
	}
	return key, nil
}

// factor finds a key by its raw credential id; nil where it isn't this person's.
func (h *holder) factor(id []byte) *storage.Factor {
	for i, key := range h.keys {
		if bytes.Equal(key.ID, id) {
			return h.factors[i]
		}
	}
	return nil
}

// WebAuthnID is the user handle: the bytes of the person's id.
func (h *holder) WebAuthnID() []byte { return []byte(h.user.ID) }

// WebAuthnName is what the browser lists passkeys by.
func (h *holder) WebAuthnName() string { return h.user.Email }

// WebAuthnDisplayName is the person's name, or else the address.
func (h *holder) WebAuthnDisplayName() string { return cmp.Or(h.user.Profile.Name, h.user.Email) }

// WebAuthnCredentials are the person's keys.
func (h *holder) WebAuthnCredentials() []webauthn.Credential { return h.keys }

func (h *holder) descriptors() []protocol.CredentialDescriptor {
	list := make([]protocol.CredentialDescriptor, len(h.keys))
	for i, key := range h.keys {
		list[i] = key.Descriptor()
	}
	return list
}

// CredentialIDs lists the base64url ids of the keys among a person's factors,
// for the Signal API. It is never nil: as JSON, none is [].
func CredentialIDs(factors []*storage.Factor) ([]string, error) {
	ids := []string{}
	for _, f := range factors {
		if f.Kind != string(policy.WebAuthn) {
			continue
		}
		key, err := readKey(f)
		if err != nil {
			return nil, err
		}
		ids = append(ids, credentialID(key.ID))
	}
	return ids, nil
}

// UserHandle is a person's user handle in base64url, for the Signal API.
func UserHandle(userID string) string { return base64.RawURLEncoding.EncodeToString([]byte(userID)) }
