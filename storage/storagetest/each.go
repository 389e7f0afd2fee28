package storagetest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"sync"
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
	if engine == "postgres" {
		return PostgresTemplate(t, "sallyport", func(url string) error {
			_, err := storage.Migrate(t.Context(), url, storage.Options{MasterKey: Key})
			return err
		})
	}
	today, err := sqliteToday()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "test.db")
	if err := os.WriteFile(file, today, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + file
}

// sqliteToday is an empty SQLite database with today's schema, migrated once
// for the whole test binary.
var sqliteToday = sync.OnceValues(func() (file []byte, err error) {
	dir, err := os.MkdirTemp("", "sallyport-sqlite-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "template.db")
	if _, err := storage.Migrate(context.Background(), "sqlite:"+path, storage.Options{MasterKey: Key}); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return nil, err
	}
	// What was written is still in the log beside the file.
	_, err = db.Exec("PRAGMA wal_checkpoint(TRUNCATE)")
	if err := errors.Join(err, db.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

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
