package interop

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestMain(m *testing.M) { os.Exit(storagetest.Main(m)) }

// story is what a client needs to know to go through its story.
type story struct {
	Issuer       string `json:"issuer"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	Alg          string `json:"alg"`
	// Product is where the browser stops: nobody listens there.
	Product       string `json:"product"`
	RedirectURI   string `json:"redirect_uri"`
	PostLogoutURI string `json:"post_logout_redirect_uri"`
	Email         string `json:"email"`
	Password      string `json:"password"`
	// Code is what the person's authenticator shows, now and until the test is over.
	Code string `json:"code"`
}

// learned is what a client found out, by its own library.
type learned struct {
	Alg       string         `json:"alg"`
	Userinfo  map[string]any `json:"userinfo"`
	First     claims         `json:"first"`
	Stepped   claims         `json:"stepped"`
	Again     claims         `json:"again"`
	Refreshed claims         `json:"refreshed"`
}

type claims struct {
	Subject  string           `json:"sub"`
	ACR      string           `json:"acr"`
	AMR      []string         `json:"amr"`
	AuthTime int64            `json:"auth_time"`
	MFATime  int64            `json:"mfa_time"`
	AMRTimes map[string]int64 `json:"amr_times"`
	Roles    []string         `json:"roles"`
}

const declared = `
companies:
  - {id: acme, name: Acme}
people:
  - {email: ana@acme.example, company: acme, name: Ana Operator, email_verified: true, password_hash: "%s", roles: {product: [operator]}}
products:
  - id: product
    name: Product
    secret_hash: %s
    redirect_uris: ["https://product.example/callback"]
    post_logout_redirect_uris: ["https://product.example/"]
    grant_types: [authorization_code, refresh_token]
    id_token_signed_response_alg: %s
    first_party: true
`

// begin starts a provider with a person who has an authenticator, and a product that is told alg.
func begin(t *testing.T, alg string) story {
	t.Helper()
	secret := storage.NewSecret()
	i, code := withAna(t, fmt.Sprintf(declared, passwordHash, storage.Hash(secret), alg))
	return story{
		Issuer: i.URL, ClientID: "product", ClientSecret: secret, Alg: alg,
		Product: "https://product.example/", RedirectURI: "https://product.example/callback", PostLogoutURI: "https://product.example/",
		Email: "ana@acme.example", Password: demo.Password, Code: code,
	}
}

// withAna starts a provider in a declared state, with an authenticator for Ana,
// and returns the code it shows.
func withAna(t *testing.T, state string, options ...string) (*servertest.Instance, string) {
	t.Helper()
	i := servertest.Start(t, "sqlite", options...)
	i.Apply(state)
	ana, err := i.DB.UserByEmail(t.Context(), "ana@acme.example")
	if err != nil {
		t.Fatal(err)
	}
	seed, longAgo := []byte("twenty bytes of seed"), i.Clock.Now().Add(-time.Hour)
	err = i.DB.Write(t.Context(), func(tx *storage.Tx) error {
		f := storage.Factor{ID: storage.NewID(), UserID: ana.ID, Kind: string(policy.TOTP), Secret: seed}
		return tx.InsertFactor(t.Context(), f, longAgo.Unix()/30, longAgo)
	})
	if err != nil {
		t.Fatal(err)
	}
	const key = "OR3WK3TUPEQGE6LUMVZSA33GEBZWKZLE" // seed in base32
	return i, servertest.Code(t, key, i.Clock.Now())
}

// check holds what a client learned against what happened.
func (s story) check(t *testing.T, got learned) {
	t.Helper()
	show := func(c claims) string { b, _ := json.Marshal(c); return string(b) }
	if got.Alg != s.Alg {
		t.Errorf("signed with %s, not %s", got.Alg, s.Alg)
	}
	if got.Userinfo["email"] != s.Email || got.Userinfo["sub"] != got.First.Subject {
		t.Errorf("userinfo %v", got.Userinfo)
	}
	for name, c := range map[string]claims{"first": got.First, "refreshed": got.Refreshed} {
		if c.ACR != "urn:sallyport:acr:1fa" || !slices.Equal(c.AMR, []string{"pwd"}) || c.MFATime != 0 || !slices.Equal(c.Roles, []string{"operator"}) {
			t.Errorf("%s: %s", name, show(c))
		}
	}
	for name, c := range map[string]claims{"stepped": got.Stepped, "again": got.Again} {
		if c.ACR != "urn:sallyport:acr:2fa" || !slices.Equal(c.AMR, []string{"pwd", "otp", "mfa"}) || c.MFATime == 0 || c.AMRTimes["otp"] != c.MFATime || c.AuthTime != got.First.AuthTime {
			t.Errorf("%s: %s", name, show(c))
		}
	}
}

// passwordHash is demo.Password, as a declared state holds it.
const passwordHash = "$argon2id$v=19$m=19456,t=2,p=1$WmnOnzXLzR+8PMdyq27m6Q$3qwZCqLKOZivrXGKiiYvIFKIkBTno+MmWnLo7aqVj8U"
