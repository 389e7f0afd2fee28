package factor_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math/big"
	"testing"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
)

// authenticator is a key ring with the browser around it. Its zero fields make
// a key that can't be backed up, doesn't verify the person and isn't attested.
type authenticator struct {
	t        *testing.T
	origin   string
	aaguid   [16]byte
	verifies bool // the person, not just presence
	backup   bool // keys can be backed up
	absent   bool // nobody touched it
	attest   func(a *authenticator, key *softKey, signed []byte) (format string, statement map[string]any)
	// transports and attachment are what the browser says of it.
	transports []string
	attachment string
	// clientData is what the browser adds to the client data, or changes in it.
	clientData map[string]any
	keys       []*softKey
}

type softKey struct {
	id      []byte
	key     *ecdsa.PrivateKey
	rpID    string
	user    []byte
	counter uint32
	step    uint32 // how much the counter moves with each use
}

// options are what of both kinds of options an authenticator looks at.
type options struct {
	Challenge string
	RP        struct{ ID, Name string }
	RPID      string `json:"rpId"`
	User      struct{ ID, Name, DisplayName string }

	Attestation, UserVerification string
	Timeout                       int
	AllowCredentials              []struct{ ID, Type string }
	ExcludeCredentials            []struct{ ID, Type string }
	AuthenticatorSelection        struct{ ResidentKey, UserVerification string }
}

func readOptions(t *testing.T, raw []byte) (o options) {
	t.Helper()
	if err := json.Unmarshal(raw, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func b64(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

func mustBytes(t *testing.T, encoded string) []byte {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func newECDSA(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, key *ecdsa.PrivateKey, signed []byte) []byte {
	t.Helper()
	sum := sha256.Sum256(signed)
	sig, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func marshal(t *testing.T, v any, how func(any) ([]byte, error)) []byte {
	t.Helper()
	raw, err := how(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func toJSON(v any) ([]byte, error) { return json.Marshal(v) }
func toCBOR(v any) ([]byte, error) { return webauthncbor.Marshal(v) }

// Flags of authenticator data (Web Authentication section 6.1).
const (
	flagPresent, flagVerified, flagEligible, flagBackedUp, flagAttested = 1, 4, 8, 16, 64
)

func (a *authenticator) data(rpID string, counter uint32, more byte) []byte {
	flags := more
	if !a.absent {
		flags |= flagPresent
	}
	if a.verifies {
		flags |= flagVerified
	}
	if a.backup {
		flags |= flagEligible | flagBackedUp
	}
	hash := sha256.Sum256([]byte(rpID))
	return binary.BigEndian.AppendUint32(append(hash[:], flags), counter)
}

func (a *authenticator) client(kind, challenge string) []byte {
	data := map[string]any{"type": kind, "challenge": challenge, "origin": a.origin, "crossOrigin": false}
	for name, value := range a.clientData {
		data[name] = value
	}
	return marshal(a.t, data, toJSON)
}

// create answers creation options with a new key.
func (a *authenticator) create(raw []byte) []byte {
	a.t.Helper()
	o := readOptions(a.t, raw)
	k := &softKey{id: make([]byte, 32), key: newECDSA(a.t), rpID: o.RP.ID, user: mustBytes(a.t, o.User.ID), counter: 1, step: 1}
	rand.Read(k.id)
	a.keys = append(a.keys, k)
	return a.register(k, o.Challenge)
}

// register answers with a key that is there.
func (a *authenticator) register(k *softKey, challenge string) []byte {
	a.t.Helper()
	x, y := make([]byte, 32), make([]byte, 32)
	big := func(n *big.Int, into []byte) []byte { return n.FillBytes(into) }
	public := marshal(a.t, map[int]any{1: 2, 3: -7, -1: 1, -2: big(k.key.X, x), -3: big(k.key.Y, y)}, toCBOR)
	data := a.data(k.rpID, k.counter, flagAttested)
	data = append(data, a.aaguid[:]...)
	data = binary.BigEndian.AppendUint16(data, uint16(len(k.id)))
	data = append(append(data, k.id...), public...)

	client := a.client("webauthn.create", challenge)
	hash := sha256.Sum256(client)
	format, statement := "none", map[string]any{}
	if a.attest != nil {
		format, statement = a.attest(a, k, append(data[:len(data):len(data)], hash[:]...))
	}
	object := marshal(a.t, map[string]any{"fmt": format, "attStmt": statement, "authData": data}, toCBOR)
	return a.answer(k, map[string]any{"clientDataJSON": b64(client), "attestationObject": b64(object), "transports": a.transports})
}

// get answers request options with the key made last, or the one allowed.
func (a *authenticator) get(raw []byte) []byte {
	a.t.Helper()
	o := readOptions(a.t, raw)
	for _, k := range a.keys {
		if len(o.AllowCredentials) > 0 && o.AllowCredentials[0].ID == b64(k.id) {
			return a.use(k, o.Challenge)
		}
	}
	return a.use(a.keys[len(a.keys)-1], o.Challenge)
}

func (a *authenticator) use(k *softKey, challenge string) []byte {
	a.t.Helper()
	k.counter += k.step
	data := a.data(k.rpID, k.counter, 0)
	client := a.client("webauthn.get", challenge)
	hash := sha256.Sum256(client)
	sig := sign(a.t, k.key, append(data[:len(data):len(data)], hash[:]...))
	return a.answer(k, map[string]any{"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(sig), "userHandle": b64(k.user)})
}

func (a *authenticator) answer(k *softKey, response map[string]any) []byte {
	all := map[string]any{"id": b64(k.id), "rawId": b64(k.id), "type": "public-key", "response": response, "clientExtensionResults": map[string]any{}}
	if a.attachment != "" {
		all["authenticatorAttachment"] = a.attachment
	}
	return marshal(a.t, all, toJSON)
}
