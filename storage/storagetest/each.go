package storagetest

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/sallyport-id/sallyport/storage"
)

// Key is the master key of test databases.
var Key = bytes.Repeat([]byte{7}, 32)

// Engines are the names of the engines, for tests that open databases
// themselves.
var Engines = []string{"sqlite", "postgres"}

// URL returns the URL of a new database of an engine with today's schema.
func URL(t testing.TB, engine string) string {
	t.Helper()
	migrate := func(url string) error {
		_, err := storage.Migrate(t.Context(), url, storage.Options{MasterKey: Key})
		return err
	}
	if engine == "postgres" {
		return PostgresTemplate(t, "sallyport", migrate)
	}
	url := "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	if err := migrate(url); err != nil {
		t.Fatal(err)
	}
	return url
}

// Open opens a database and closes it at the end of the test.
func Open(t testing.TB, url string, o storage.Options) *storage.DB {
	t.Helper()
	if o.MasterKey == nil {
		o.MasterKey = Key
	}
	db, err := storage.Open(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close database: %v", err)
		}
	})
	return db
}

// Each runs a test on a new database of each engine.
func Each(t *testing.T, test func(t *testing.T, db *storage.DB)) {
	for _, engine := range Engines {
		t.Run(engine, func(t *testing.T) { test(t, Open(t, URL(t, engine), storage.Options{})) })
	}
}
