package protocoltest_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/net/html"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// signedBy gives the product a key of its own, by which it signs what it asks
// for.
func signedBy(t testing.TB, w *world, id string) *objectKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k := &objectKey{alg: jose.ES256, key: key, t: t}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "its", Algorithm: string(k.alg), Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	w.set(t, id, func(c *storage.Client) { c.JWKS = set })
	return k
}

// objectKey signs request objects.
type objectKey struct {
	alg jose.SignatureAlgorithm
	key crypto.PrivateKey
	t   testing.TB
}

// sign makes a request object with a typ; "" for none.
func (k *objectKey) sign(typ string, claims map[string]any) string {
	k.t.Helper()
	options := &jose.SignerOptions{}
	if typ != "" {
		options.WithType(jose.ContentType(typ))
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: k.alg, Key: jose.JSONWebKey{Key: k.key, KeyID: "its"}}, options)
	if err != nil {
		k.t.Fatal(err)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		k.t.Fatal(err)
	}
	return k.signBytes(signer, body)
}

func (k *objectKey) signBytes(signer jose.Signer, body []byte) string {
	k.t.Helper()
	jws, err := signer.Sign(body)
	if err != nil {
		k.t.Fatal(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		k.t.Fatal(err)
	}
	return token
}

// object is a good request object, as a claims set, with more that wins; nil
// leaves one out.
func object(rp *servertest.RP, more map[string]any) map[string]any {
	claims := map[string]any{
		"iss": rp.ClientID, "aud": rp.URL, "nbf": rp.Clock.Now().Unix(), "exp": rp.Clock.Now().Unix() + 300, "jti": storage.NewID(),
	}
	for name, value := range parametersOf(rp, nil) {
		claims[name] = value[0]
	}
	maps.Copy(claims, more)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	return claims
}

// parametersOf are those of an authorization request.
func parametersOf(rp *servertest.RP, more url.Values) url.Values {
	_, query, _ := strings.Cut(rp.AuthorizeURL(more), "?")
	q, _ := url.ParseQuery(query)
	return q
}

// set changes what a product is registered for.
func (w *world) set(t testing.TB, id string, change func(c *storage.Client)) {
	t.Helper()
	w.change(t, func(tx *storage.Tx) error {
		was, err := tx.Client(t.Context(), id)
		if err != nil {
			return err
		}
		c := *was
		change(&c)
		return tx.PutClient(t.Context(), c, w.Clock.Now())
	})
}

// at is the address of the authorization endpoint with just these parameters.
func (w *world) at(q url.Values) string { return w.URL + "/authorize?" + q.Encode() }

// mustArrive is what the product was sent, in its query.
func mustArrive(t testing.TB, p *servertest.Person) url.Values {
	t.Helper()
	if !strings.HasPrefix(p.URL.String(), callback) {
		t.Fatalf("no product was answered: at %s (%d)\n%s", p.URL, p.Status, p.Text())
	}
	return p.URL.Query()
}

// mustCode fails unless the product got a code.
func mustCode(t testing.TB, p *servertest.Person) string {
	t.Helper()
	q := mustArrive(t, p)
	if q.Get("code") == "" {
		t.Fatalf("no code: %v", q)
	}
	return q.Get("code")
}

// mustBeTold fails unless the product was told this error, and nothing was
// given out.
func mustBeTold(t testing.TB, w *world, q url.Values, code string) {
	t.Helper()
	if q.Get("error") != code || q.Get("iss") != w.URL || q.Get("error_description") == "" || q.Has("code") || q.Has("id_token") {
		t.Fatalf("want %s, got %v", code, q)
	}
}

// mustSeeError fails unless the person sees this error on a page of ours.
func mustSeeError(t testing.TB, w *world, p *servertest.Person, code string) {
	t.Helper()
	if p.URL.Path != "/authorize" || !strings.HasPrefix(w.URL, p.URL.Scheme+"://"+p.URL.Host) || p.Status != http.StatusBadRequest {
		t.Fatalf("want a page with %s, but at %s (%d)\n%s", code, p.URL, p.Status, p.Text())
	}
	p.MustRead(code)
}

// push pushes a request and returns its request_uri.
func push(t testing.TB, rp *servertest.RP, more url.Values) string {
	t.Helper()
	status, a := rp.Post("/par", parametersOf(rp, more))
	if status != http.StatusCreated || a.String("request_uri") == "" {
		t.Fatalf("push: %d %v", status, a)
	}
	return a.String("request_uri")
}

// byReference is an authorization request that refers to a pushed one.
func (w *world) byReference(id, uri string) string {
	return w.at(url.Values{"client_id": {id}, "request_uri": {uri}})
}

// formFields are the hidden fields of the form on a page that goes to an
// address.
func formFields(t testing.TB, p *servertest.Person, to string) url.Values {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(p.Source()))
	if err != nil {
		t.Fatal(err)
	}
	fields := url.Values{}
	for form := range doc.Descendants() {
		if form.Data != "form" || attribute(form, "action") != to || attribute(form, "method") != "post" {
			continue
		}
		for n := range form.Descendants() {
			if name := attribute(n, "name"); n.Data == "input" && name != "" {
				fields.Add(name, attribute(n, "value"))
			}
		}
	}
	if len(fields) == 0 {
		t.Fatalf("no form to %s on %s:\n%s", to, p.URL, p.Text())
	}
	return fields
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
