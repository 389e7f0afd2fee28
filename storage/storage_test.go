package storage_test

import (
	"os"
	"testing"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestMain(m *testing.M) { os.Exit(storagetest.Main(m)) }

func TestOpen(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		if err := db.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		if owner, err := db.HasOwner(t.Context()); err != nil || owner {
			t.Fatalf("a new database has an owner: %v, %v", owner, err)
		}
	})
}
