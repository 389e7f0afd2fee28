package stepup

import (
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// proofLife is how old a proof of possession may be: callers make one for each
// call.
const proofLife = time.Minute

func proofAlgorithms() string {
	names := make([]string, len(algorithms))
	for i, a := range algorithms {
		names[i] = string(a)
	}
	return strings.Join(names, " ")
}

// proof checks that a caller has the key a token is bound to (RFC 9449 section
// 4.3).
func (v *Verifier) proof(r *http.Request, token, thumbprint string) error {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{errProof}, args...)...)
	}
	if v.BaseURL == "" {
		return refuse("it is bound to a key, and this API isn't set up for proofs")
	}
	sent := r.Header.Values("DPoP")
	if len(sent) != 1 {
		return wrong("%d headers", len(sent))
	}
	signed, err := jose.ParseSignedCompact(sent[0], algorithms)
	if err != nil {
		return wrong("%v", err)
	}
	header := signed.Signatures[0].Protected
	key := header.JSONWebKey
	if !isType(header, "dpop+jwt") || key == nil { // a private one was refused by the library
		return wrong("typ or jwk")
	}
	own, err := key.Thumbprint(crypto.SHA256)
	if err != nil || base64.RawURLEncoding.EncodeToString(own) != thumbprint {
		return wrong("it is by another key")
	}
	payload, err := signed.Verify(key)
	if err != nil {
		return wrong("%v", err)
	}
	var c struct {
		ID     string `json:"jti"`
		Method string `json:"htm"`
		URL    string `json:"htu"`
		Issued int64  `json:"iat"`
		Token  string `json:"ath"`
	}
	if err := json.Unmarshal(payload, &c); err != nil {
		return wrong("%v", err)
	}
	hash := sha256.Sum256([]byte(token))
	now, issued := v.now(), time.Unix(c.Issued, 0)
	switch {
	case c.Token != base64.RawURLEncoding.EncodeToString(hash[:]):
		return wrong("ath is of another token")
	case c.Method != r.Method:
		return wrong("htm is %q", c.Method)
	case !v.addressed(c.URL, r.URL):
		return wrong("htu is %q", c.URL)
	case now.After(issued.Add(proofLife)) || issued.After(now.Add(skew)):
		return wrong("iat is %s", issued.UTC())
	case c.ID == "":
		return wrong("jti is missing")
	}
	switch fresh, err := v.seen.spend(thumbprint+" "+c.ID, now); {
	case err != nil:
		return errUnavailable{err}
	case !fresh:
		return wrong("it was used before")
	}
	return nil
}

// addressed compares htu with the address of a call, without query and fragment
// (RFC 9449 section 4.3, 9), scheme and host in any case and a default port left
// out (RFC 3986 section 6.2).
func (v *Verifier) addressed(htu string, called *url.URL) bool {
	want, err := url.Parse(v.BaseURL + called.EscapedPath())
	if err != nil {
		return false
	}
	got, err := url.Parse(htu)
	if err != nil || got.User != nil || got.Opaque != "" {
		return false
	}
	return place(got) == place(want)
}

func place(u *url.URL) string {
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	if port := map[string]string{"https": ":443", "http": ":80"}[scheme]; port != "" {
		host = strings.TrimSuffix(host, port)
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	return scheme + "://" + host + path
}
