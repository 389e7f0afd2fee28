package apply_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/idp"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// notForAll is what discovery says only where the provider is set up for it.
var notForAll = map[string][]string{"methods": {"tls_client_auth", "self_signed_tls_client_auth"}}

// What a file may register and what the provider says it serves are the same.
func TestProductsMayHaveWhatDiscoverySays(t *testing.T) {
	f := fixtureOf(t, "sqlite")
	pages, err := page.New()
	if err != nil {
		t.Fatal(err)
	}
	p := &idp.Provider{Pages: pages, Sessions: &session.Sessions{DB: f.db}, Issuer: "https://id.example.com", DB: f.db, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}
	handler, err := p.Handler(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest("GET", "/.well-known/openid-configuration", nil))
	var says struct {
		Scopes      []string `json:"scopes_supported"`
		Grants      []string `json:"grant_types_supported"`
		Algorithms  []string `json:"id_token_signing_alg_values_supported"`
		AuthMethods []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &says); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	for name, pair := range map[string][2][]string{
		"scopes": {says.Scopes, apply.Scopes}, "grants": {says.Grants, apply.GrantTypes}, "algorithms": {says.Algorithms, apply.Algorithms}, "methods": {says.AuthMethods, apply.AuthMethods},
	} {
		pair[0] = slices.Sorted(slices.Values(append(pair[0], notForAll[name]...)))
		if ours := slices.Sorted(slices.Values(pair[1])); !slices.Equal(pair[0], ours) {
			t.Errorf("%s: discovery says %q, files may have %q", name, pair[0], ours)
		}
	}
}

func TestEntriesOfPrograms(t *testing.T) {
	each(t, func(f *fixture) {
		f.apply("companies: [{id: acme, name: Acme}]")
		run := func(file *apply.File, only func(*apply.Options)) error {
			o := f.opts
			only(&o)
			_, err := apply.Apply(t.Context(), f.db, file, o)
			return err
		}
		onlyNew, onlyThere := func(o *apply.Options) { o.OnlyNew = true }, func(o *apply.Options) { o.OnlyThere = true }
		p := apply.NewProduct()
		p.ID, p.Name, p.SecretHash, p.RedirectURIs = "board", "Board", apply.Secret(storage.Hash("s")), []string{"https://board.example/cb"}
		if err := run(&apply.File{Products: []apply.Product{p}}, onlyThere); err == nil || err.Error() != "there is no product board; see sallyport client list" {
			t.Errorf("%v", err)
		}
		if err := run(&apply.File{Products: []apply.Product{p}}, onlyNew); err != nil {
			t.Fatal(err)
		}
		if err := run(&apply.File{Products: []apply.Product{p}}, onlyNew); err == nil || !strings.HasPrefix(err.Error(), "product board is there already; ") {
			t.Errorf("%v", err)
		}
		secret := apply.NewProduct()
		secret.ID, secret.SecretHash = "board", apply.Secret(storage.Hash("t"))
		if err := run(&apply.File{Products: []apply.Product{secret.Only("secret_hash")}}, onlyThere); err != nil {
			t.Fatal(err)
		}
		if c := f.client("board"); c.SecretHash != storage.Hash("t") || c.Name != "Board" || len(c.RedirectURIs) != 1 {
			t.Errorf("%+v", c)
		}
		ana := apply.NewPerson()
		ana.Email, ana.Disabled = "ana@acme.example", true
		if err := run(&apply.File{People: []apply.Person{ana.Only("disabled")}}, onlyThere); err == nil || err.Error() != "there is no person ana@acme.example; see sallyport user list" {
			t.Errorf("%v", err)
		}
		wrong := apply.NewPerson()
		wrong.Email, wrong.Company, wrong.Role = "ana", "acme", "boss"
		if err := run(&apply.File{People: []apply.Person{wrong}}, onlyNew); err == nil || !strings.Contains(err.Error(), "2 mistakes:\n  email is \"ana\"") {
			t.Errorf("%v", err)
		}
	})
}

func TestTheProvidersOwnPagesAreLeftAlone(t *testing.T) {
	each(t, func(f *fixture) {
		f.write(func(tx *storage.Tx) error {
			return tx.PutClient(t.Context(), storage.Client{ID: "sallyport-account", Name: "Account", Internal: true}, now)
		})
		f.refuse("products: [{id: sallyport-account, delete: true}]", "is for the provider's own pages")
		own := apply.NewProduct()
		own.ID, own.Delete = "sallyport-account", true
		if _, err := apply.Apply(t.Context(), f.db, &apply.File{Products: []apply.Product{own}}, f.opts); err == nil {
			t.Error("a program deleted it")
		}
		if c := f.client("sallyport-account"); !c.Internal {
			t.Errorf("%+v", c)
		}
	})
}

func TestSecretsArePrintedNowhere(t *testing.T) {
	file, err := apply.Parse(strings.NewReader(everything), "setup.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, printed := range []string{fmt.Sprintf("%v %+v %#v %+v", file.People, file.Products, file.Products, file.People), string(text)} {
		if strings.Contains(printed, "argon2id") || strings.Contains(printed, storage.Hash("dashboard's secret")) {
			t.Error(printed)
		}
	}
}

func TestSecretsAreNotStoredInClear(t *testing.T) {
	each(t, func(f *fixture) {
		f.apply(everything)
		dump := f.dump()
		for _, secret := range []string{"dashboard's secret", "41791234567"} {
			if strings.Contains(dump, secret) {
				t.Errorf("%q is in the database", secret)
			}
		}
		if !strings.Contains(dump, storage.Hash("dashboard's secret")) {
			t.Error("the dump doesn't show what is stored")
		}
	})
}
