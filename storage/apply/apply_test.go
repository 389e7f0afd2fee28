package apply_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestMain(m *testing.M) { os.Exit(storagetest.Main(m)) }

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func TestQuick(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		f, err := apply.Parse(strings.NewReader(`
companies:
  - id: acme
    name: Acme
    rules: { staff: {mode: required, from: 2026-01-01T00:00:00Z, grace: 14d}, network: {mode: everywhere_except, ranges: [10.0.0.0/8]}, methods: [totp] }
people:
  - email: ana@acme.example
    company: acme
    name: Ana
    phone: +41791234567
    roles: { dashboard: [admin] }
    password_hash: $argon2id$v=19$x
  - {email: olga@acme.example, company: acme, role: owner}
products:
  - id: dashboard
    name: Dashboard
    secret_hash: `+storage.Hash("x")+`
    redirect_uris: ["http://localhost:8081/cb"]
`), "x.yaml")
		if err != nil {
			t.Fatal(err)
		}
		o := apply.Options{Now: now, HashOK: func(string) error { return nil }}
		for range 2 {
			r, err := apply.Apply(t.Context(), db, f, o)
			if err != nil {
				t.Fatal(err)
			}
			r.Write(os.Stderr, true)
		}
	})
}
