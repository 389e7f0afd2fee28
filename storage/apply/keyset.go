package apply

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// KeySet is a JWK Set (RFC 7517 section 5) as compact JSON with its members in order, so that the same keys are the same
// text. In a file it is a mapping, in JSON an object; empty: there is none.
type KeySet string

// keySetOf is a set as it is stored.
func keySetOf(set json.RawMessage) KeySet {
	var k KeySet
	if k.UnmarshalJSON(set) != nil {
		return KeySet(set)
	}
	return k
}

func (k KeySet) json() json.RawMessage {
	if k == "" {
		return nil
	}
	return json.RawMessage(k)
}

// MarshalJSON writes the object, or null.
func (k KeySet) MarshalJSON() ([]byte, error) {
	if k == "" {
		return []byte("null"), nil
	}
	return []byte(k), nil
}

// UnmarshalJSON reads any JSON; whether it is a set of keys is said by the checks of the product. An empty object is no
// set, as null is.
func (k *KeySet) UnmarshalJSON(text []byte) error {
	if *k = ""; len(text) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return err
	}
	if object, is := v.(map[string]any); v == nil || is && len(object) == 0 {
		return nil
	}
	sorted, err := json.Marshal(v)
	*k = KeySet(sorted)
	return err
}

// String tells keys apart without writing them all: 2 keys (a, b; sha-256 4Hq…).
func (k KeySet) String() string {
	if k == "" {
		return ""
	}
	var names []string
	for _, key := range k.Keys() {
		if key.ID != "" {
			names = append(names, key.ID)
		}
	}
	sum := sha256.Sum256([]byte(k))
	names = append(names, "sha-256 "+base64.RawURLEncoding.EncodeToString(sum[:9]))
	if n := len(k.Keys()); n != 1 {
		return fmt.Sprintf("%d keys (%s)", n, strings.Join(names, "; "))
	}
	return fmt.Sprintf("1 key (%s)", strings.Join(names, "; "))
}

// Key is what can be told of one key of a set. Fields that aren't text in the set are empty.
type Key struct {
	ID, Type, Curve, Use, Alg string
}

// Keys lists the keys of a set, none where it is no set.
func (k KeySet) Keys() []Key {
	var set struct {
		Keys []map[string]any `json:"keys"`
	}
	if k == "" || json.Unmarshal([]byte(k), &set) != nil {
		return nil
	}
	all := make([]Key, len(set.Keys))
	for i, key := range set.Keys {
		for name, into := range map[string]*string{"kid": &all[i].ID, "kty": &all[i].Type, "crv": &all[i].Curve, "use": &all[i].Use, "alg": &all[i].Alg} {
			*into, _ = key[name].(string)
		}
	}
	return all
}
