package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/sallyport-id/sallyport/cmd/sallyport/bench/load"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/storage"
)

// password is everybody's.
const password = "quick as a door can be"

// company is what is declared: people and products in a file.
type company struct {
	file   string
	people int
	// es256 and rs256 are products by their signature; refreshing gets refresh
	// tokens too, and ES256.
	es256, rs256, refreshing *load.Product
	// machine acts for itself.
	machine *load.Product
}

func email(i int) string { return fmt.Sprintf("person%d@acme.example", i) }

// declare writes the declaration into dir.
func declare(ctx context.Context, dir string, people int) (*company, error) {
	hash, err := factor.NewPasswords().Hash(ctx, password)
	if err != nil {
		return nil, err
	}
	var y strings.Builder
	y.WriteString("companies:\n  - { id: acme, name: Acme }\nproducts:\n")
	product := func(id, alg, grantTypes string) *load.Product {
		secret, redirect := storage.NewSecret(), "https://"+id+".example/callback"
		fmt.Fprintf(&y, "  - { id: %s, name: %s, secret_hash: %s, redirect_uris: [%q], grant_types: [%s], id_token_signed_response_alg: %s, first_party: true }\n",
			id, id, storage.Hash(secret), redirect, grantTypes, alg)
		return load.NewProduct(id, secret, redirect, "openid profile email")
	}
	c := &company{file: filepath.Join(dir, "company.yaml"), people: people}
	c.es256 = product("es256", "ES256", "authorization_code")
	c.rs256 = product("rs256", "RS256", "authorization_code")
	c.refreshing = product("refreshing", "ES256", "authorization_code, refresh_token")
	secret := storage.NewSecret()
	fmt.Fprintf(&y, "  - { id: machine, name: machine, company: acme, secret_hash: %s, grant_types: [client_credentials], scopes: [\"people:read\"] }\n", storage.Hash(secret))
	c.machine = load.NewProduct("machine", secret, "", "")
	y.WriteString("people:\n")
	for i := range people {
		fmt.Fprintf(&y, "  - { email: %s, email_verified: true, company: acme, name: Person %d, given_name: Person, phone: \"+41791234567\", password_hash: %q }\n",
			email(i), i, hash)
	}
	return c, os.WriteFile(c.file, []byte(y.String()), 0o600)
}
