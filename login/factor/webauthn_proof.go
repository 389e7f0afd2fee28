package factor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// BeginProof makes a challenge and returns the options for
// navigator.credentials.get, a PublicKeyCredentialRequestOptionsJSON. boundTo
// names the sign-in or session; a challenge made for it before is void.
//
// Without a user it is a sign-in by itself: any discoverable key may answer and
// the person must be verified, for the key alone is to be two factors. With a
// user it is a second factor: one of their keys must answer.
// storage.ErrNotFound where they have none.
func (w *WebAuthn) BeginProof(ctx context.Context, tx *storage.Tx, boundTo string, user *storage.User, now time.Time) (json.RawMessage, error) {
	var (
		options *protocol.CredentialAssertion
		session *webauthn.SessionData
		userID  string
		err     error
	)
	if user == nil {
		options, session, err = w.lib.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	} else {
		userID = user.ID
		holder, err := loadHolder(ctx, tx.Reader, user)
		if err != nil {
			return nil, err
		}
		if len(holder.keys) == 0 {
			return nil, fmt.Errorf("begin proof: keys: %w", storage.ErrNotFound)
		}
		options, session, err = w.lib.BeginLogin(holder)
		if err != nil {
			return nil, fmt.Errorf("begin proof: %w", err)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("begin proof: %w", err)
	}
	if err := w.keep(ctx, tx, boundTo, getCeremony, userID, session, now); err != nil {
		return nil, err
	}
	return json.Marshal(options.Response)
}

// Verify spends the challenge and checks the answer to it, the JSON of
// PublicKeyCredential.toJSON(). user is who [WebAuthn.BeginProof] was told;
// without one, the key says who the person is.
func (w *WebAuthn) Verify(ctx context.Context, tx *storage.Tx, boundTo string, user *storage.User, response []byte, now time.Time) (KeyProof, error) {
	alone, userID := user == nil, ""
	if !alone {
		userID = user.ID
	}
	session, outcome, err := w.spend(ctx, tx, boundTo, getCeremony, userID, now)
	if err != nil || outcome != Accepted {
		return KeyProof{Outcome: outcome}, err
	}
	answer, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil || !w.answers(answer.Response.CollectedClientData, session) {
		return KeyProof{Outcome: Wrong}, nil
	}
	if alone {
		if user, err = whoseHandle(ctx, tx.Reader, answer.Response.UserHandle); errors.Is(err, storage.ErrNotFound) {
			return KeyProof{Outcome: Wrong, Unknown: credentialID(answer.RawID)}, nil
		} else if err != nil {
			return KeyProof{}, err
		}
	}
	holder, err := loadHolder(ctx, tx.Reader, user)
	if err != nil {
		return KeyProof{}, err
	}
	f := holder.factor(answer.RawID)
	if f == nil {
		p := KeyProof{Outcome: Wrong}
		if alone {
			p.Unknown = credentialID(answer.RawID)
		}
		return p, nil
	}
	var credential *webauthn.Credential
	if alone {
		credential, err = w.lib.ValidateDiscoverableLogin(func(_, _ []byte) (webauthn.User, error) { return holder, nil }, session, answer)
	} else {
		credential, err = w.lib.ValidateLogin(holder, session, answer)
	}
	if err != nil {
		return KeyProof{Outcome: Wrong}, nil
	}
	verified := answer.Response.AuthenticatorData.Flags.HasUserVerified()
	return w.use(ctx, tx, f, credential, verified, now)
}

// use notes the use of a key, unless its counter says that there are two of it.
func (w *WebAuthn) use(ctx context.Context, tx *storage.Tx, f *storage.Factor, credential *webauthn.Credential, verified bool, now time.Time) (KeyProof, error) {
	p := KeyProof{Outcome: Cloned, UserID: f.UserID, Factor: f}
	if credential.Authenticator.CloneWarning {
		return p, nil
	}
	record, err := json.Marshal(credential)
	if err != nil {
		return KeyProof{}, fmt.Errorf("use key: %w", err)
	}
	counter := int64(credential.Authenticator.SignCount)
	switch err := tx.UseKey(ctx, f, counter, record, now); {
	case errors.Is(err, storage.ErrSpent): // another copy was faster
		return p, nil
	case err != nil:
		return KeyProof{}, err
	}
	f.Counter, f.Secret, f.LastUsedAt = counter, record, now
	p.Outcome, p.Proof = Accepted, w.proof(f, credential, verified, now)
	return p, nil
}

// proof is what a use of a key is worth. A model that the metadata has since
// reported as broken no longer counts as hardware.
func (w *WebAuthn) proof(f *storage.Factor, credential *webauthn.Credential, verified bool, now time.Time) policy.Proof {
	p := policy.Proof{Method: policy.WebAuthn, At: now, UserVerified: verified}
	switch {
	case f.Synced:
		p.Key = policy.KeySynced
	case f.Hardware && !w.models.broken(credential.Authenticator.AAGUID):
		p.Key = policy.KeyHardware
	}
	return p
}

// whoseHandle finds the person that a key says it belongs to. storage.ErrNotFound
// for a handle that isn't one of ours.
func whoseHandle(ctx context.Context, r storage.Reader, handle []byte) (*storage.User, error) {
	if len(handle) == 0 || !utf8.Valid(handle) {
		return nil, storage.ErrNotFound
	}
	for _, c := range handle {
		if c < ' ' { // no id, and a zero would end a PostgreSQL transaction
			return nil, storage.ErrNotFound
		}
	}
	return r.User(ctx, string(handle))
}
