package server_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/server"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// quiet is a provider like that of start, on a database of its own, in which
// nothing happens by itself: no delivery, no cleaning up. The demo's products
// are registered and not running. More flags win over those of the tests.
func quiet(t testing.TB, databaseURL string, more map[string]string) *servertest.Demo {
	t.Helper()
	l := servertest.Listen(t)
	i := &servertest.Instance{
		URL:   strings.Replace("http://"+l.Addr().String(), "127.0.0.1", "localhost", 1),
		Clock: servertest.NewClock(), Log: new(servertest.Log), Mail: new(servertest.Mailbox),
	}
	log := server.NewLogger(i.Log, slog.LevelDebug, "text")
	i.DB = storagetest.Open(t, databaseURL, storage.Options{Log: log})
	flags := map[string]string{
		"issuer": i.URL, "product-name": "Sallyport test", "outbound-allow-private": "true", "limits-exempt-networks": "127.0.0.0/8,::1/128",
	}
	for name, value := range more {
		flags[name] = value
	}
	conf, err := config.Load(config.Sources{Flags: flags})
	if err != nil {
		t.Fatal(err)
	}
	i.Server, err = server.New(t.Context(), server.Options{
		Config: conf, DB: i.DB, Now: i.Clock.Now, Mail: i.Mail, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	h := server.NewHTTP(i.Server.Handler())
	go h.Serve(l)
	t.Cleanup(func() { h.Close() })
	d := &servertest.Demo{Instance: i, Dashboard: "http://localhost:1", Remote: "http://localhost:2"}
	declare(t, d, demo.Declaration(d.Dashboard, d.Remote, storage.Hash))
	register(t, d)
	return d
}

// declare brings the database to a declared state.
func declare(t testing.TB, d *servertest.Demo, yaml string) {
	t.Helper()
	f, err := apply.Parse(strings.NewReader(yaml), "test.yaml")
	if err == nil {
		_, err = apply.Apply(t.Context(), d.DB, f, apply.Options{Now: d.Clock.Now()})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// inQuiet runs a test on both engines with a quiet provider.
func inQuiet(t *testing.T, test func(t *testing.T, d *servertest.Demo)) {
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, quiet(t, storagetest.URL(t, engine), nil))
		})
	}
}
