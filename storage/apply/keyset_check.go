package apply

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
)

const (
	maxKeys    = 20
	maxKeySet  = 64 << 10
	minRSABits = 2048
	// maxRSABits is the longest key that signatures are checked with: the work grows by its square, and who sends the
	// signature chooses the key.
	maxRSABits = 4096
)

// checkForm refuses what is no set of public keys that can check a signature. It never quotes more of a key than its kid:
// somebody may have pasted the private one.
func (k KeySet) checkForm(c checker, field string) {
	if k == "" {
		return
	}
	if len(k) > maxKeySet {
		c.refuseAs(CodeTooLong, field, "is longer than 64 KiB", "keep the keys that are in use")
		return
	}
	var set struct {
		Keys []map[string]json.RawMessage `json:"keys"`
	}
	if json.Unmarshal([]byte(k), &set) != nil || len(set.Keys) == 0 {
		c.refuse(field, "is no set of keys", `write {"keys": [{"kty": "EC", …}]}, with at least one key`)
		return
	}
	if len(set.Keys) > maxKeys {
		c.refuseAs(CodeTooLong, field, fmt.Sprintf("has %d keys", len(set.Keys)), "keep the 20 newest at most")
		return
	}
	var ids []string
	for i, members := range set.Keys {
		at := fmt.Sprintf("%s.keys[%d]", field, i)
		if len(members) == 0 {
			c.refuse(at, "is no key", `write a mapping such as {"kty": "EC", …}`)
			continue
		}
		key := keyMembers(members)
		if !key.public(c, at) {
			continue
		}
		key.checkValue(c, at)
		kid, _ := key.text("kid")
		switch {
		case kid == "" && len(set.Keys) > 1:
			c.refuseAs(CodeMissing, at+".kid", "is missing beside other keys", "give each key a kid, which its signatures name")
		case slices.Contains(ids, kid):
			c.refuseAs(CodeTwice, at+".kid", fmt.Sprintf("is %q again", kid), "give each key a kid of its own")
		}
		ids = append(ids, kid)
	}
}

// keyMembers are the members of a JWK (RFC 7517 section 4).
type keyMembers map[string]json.RawMessage

func (k keyMembers) text(name string) (value string, there bool) {
	raw, there := k[name]
	if !there || json.Unmarshal(raw, &value) != nil {
		return "", there
	}
	return value, true
}

// number is a value in base64url (RFC 7518 section 2).
func (k keyMembers) number(name string) ([]byte, bool) {
	value, _ := k.text(name)
	b, err := base64.RawURLEncoding.DecodeString(value)
	return b, err == nil && len(b) > 0
}

// public refuses what isn't for everybody's eyes.
func (k keyMembers) public(c checker, at string) bool {
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		if _, there := k[name]; there {
			c.refuse(at, "has "+name+", which belongs to a private or shared key", "write the public key alone; take the other out of use, for it was shown here")
			return false
		}
	}
	return true
}

// checkValue refuses keys of other kinds than those that sign, and values that are no such key.
func (k keyMembers) checkValue(c checker, at string) {
	for _, name := range []string{"kid", "use", "alg"} {
		if value, there := k.text(name); there && value == "" {
			c.refuse(at+"."+name, "is no text", "leave it out, or write it in quotes")
		}
	}
	if use, there := k.text("use"); there && use != "" && use != "sig" && use != "enc" {
		c.refuseAs(CodeNotAllowed, at+".use", "is neither sig nor enc", "write sig")
	}
	kind, _ := k.text("kty")
	switch kind {
	case "RSA":
		k.checkRSA(c, at)
	case "EC":
		k.checkEC(c, at)
	case "OKP":
		if curve, _ := k.text("crv"); curve != "Ed25519" {
			c.refuseAs(CodeNotAllowed, at+".crv", "isn't Ed25519", "write a key of that curve, of kty EC or of kty RSA")
		} else if x, ok := k.number("x"); !ok || len(x) != 32 {
			c.refuse(at+".x", "is no key of Ed25519", "write its 32 bytes in base64url")
		}
	case "":
		c.refuseAs(CodeMissing, at+".kty", "is missing", "write EC, OKP or RSA")
	default:
		c.refuseAs(CodeNotAllowed, at+".kty", "is none of EC, OKP and RSA", "write a public key of one of them")
	}
}

func (k keyMembers) checkRSA(c checker, at string) {
	n, ok := k.number("n")
	switch bits := new(big.Int).SetBytes(n).BitLen(); {
	case !ok || bits < minRSABits:
		c.refuse(at+".n", "is missing or shorter than 2048 bits", "make a longer key")
	case bits > maxRSABits:
		c.refuse(at+".n", "is longer than 4096 bits", "make a shorter key, or one of kty EC or OKP")
	case n[len(n)-1]%2 == 0:
		c.refuse(at+".n", "is even, so it is no modulus of RSA", "write the one of the key")
	}
	b, ok := k.number("e")
	if e := new(big.Int).SetBytes(b); !ok || e.Bit(0) == 0 || e.Cmp(big.NewInt(3)) < 0 || e.BitLen() > 31 {
		c.refuse(at+".e", "is no exponent of RSA", `write "AQAB", or the one of the key`)
	}
}

func (k keyMembers) checkEC(c checker, at string) {
	curves := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}
	name, _ := k.text("crv")
	curve := curves[name]
	if curve == nil {
		c.refuseAs(CodeNotAllowed, at+".crv", "is none of P-256, P-384 and P-521", "write a key of one of them")
		return
	}
	size := (curve.Params().BitSize + 7) / 8
	x, okX := k.number("x")
	y, okY := k.number("y")
	if okX && okY && len(x) == size && len(y) == size {
		if _, err := ecdsa.ParseUncompressedPublicKey(curve, slices.Concat([]byte{4}, x, y)); err == nil {
			return
		}
	}
	c.refuse(at+".x", "and y are no point of "+name, fmt.Sprintf("write both with their %d bytes in base64url", size))
}
