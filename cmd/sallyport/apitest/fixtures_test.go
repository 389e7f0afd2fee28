package apitest

import (
	"os"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestMain(m *testing.M) { os.Exit(storagetest.Main(m)) }

const (
	people = "/companies/acme/people"
	ana    = "ana@acme.example"
	olga   = "olga@acme.example"
	ben    = "ben@acme.example"
)

// each runs a test on both engines, with the demo's people and another
// company.
func each(t *testing.T, test func(t *testing.T, d *servertest.Demo)) {
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			d := servertest.StartDemo(t, engine)
			d.Apply(`
companies: [{ id: globex, name: Globex }]
people: [{ email: gus@globex.example, company: globex, name: Gus Globex, role: owner }]`)
			test(t, d)
		})
	}
}

// id is that of the person with an address.
func id(t testing.TB, d *servertest.Demo, email string) string {
	t.Helper()
	u, err := d.DB.UserByEmail(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	return u.ID
}

// audits are the events of a name, newest first.
func audits(t testing.TB, d *servertest.Demo, event string) []*storage.Event {
	t.Helper()
	all, err := d.DB.AuditSearch(t.Context(), storage.AuditQuery{Everywhere: true, Event: event, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
