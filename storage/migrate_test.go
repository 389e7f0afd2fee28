package storage_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// emptyURL is a database without a schema.
func emptyURL(t *testing.T, engine string) string {
	if engine == "postgres" {
		return storagetest.Postgres(t)
	}
	return "sqlite:" + filepath.Join(t.TempDir(), "folder", "empty.db")
}

var options = storage.Options{MasterKey: storagetest.Key}

// steps is how many migrations there are.
func steps(t *testing.T) int {
	t.Helper()
	files, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal("no migrations", err)
	}
	return len(files)
}

// mustNotOpen fails unless Open refuses the database.
func mustNotOpen(t *testing.T, url string, want error) {
	t.Helper()
	db, err := storage.Open(t.Context(), url, options)
	if err == nil {
		db.Close()
	}
	if !errors.Is(err, want) {
		t.Fatalf("Open says %v, want %v", err, want)
	}
}

func TestMigrate(t *testing.T) {
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			url := emptyURL(t, engine)
			mustNotOpen(t, url, storage.ErrSchemaOld)
			for _, want := range []int{steps(t), 0, 0} {
				if n := must(storage.Migrate(t.Context(), url, options))(t); n != want {
					t.Fatalf("it took %d steps, want %d", n, want)
				}
			}
			seed(t, storagetest.Open(t, url, storage.Options{}))
		})
	}
}

func TestMigrateAtOnce(t *testing.T) {
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			for range 3 {
				url := emptyURL(t, engine)
				taken := make([]int, 8)
				for i, err := range atOnce(len(taken), func(i int) (err error) {
					taken[i], err = storage.Migrate(t.Context(), url, options)
					return err
				}) {
					if err != nil {
						t.Fatalf("replica %d: %v", i, err)
					}
				}
				sum := 0
				for _, n := range taken {
					sum += n
				}
				if sum != steps(t) {
					t.Errorf("together they took %d steps: %v", sum, taken)
				}
				seed(t, storagetest.Open(t, url, storage.Options{}))
			}
		})
	}
}

func TestNewerSchema(t *testing.T) {
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			url := storagetest.URL(t, engine)
			if _, err := outside(t, url).Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)`); err != nil {
				t.Fatal(err)
			}
			mustNotOpen(t, url, storage.ErrSchemaNew)
			if _, err := storage.Migrate(t.Context(), url, options); !errors.Is(err, storage.ErrSchemaNew) {
				t.Fatalf("Migrate says %v", err)
			}
		})
	}
}
