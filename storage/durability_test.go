package storage_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// writerVariable names the database that this test binary, started anew, is to
// write to until it is killed.
const writerVariable = "SALLYPORT_TEST_WRITER"

// writeUntilKilled writes rows from several callers and says on standard output
// which were acknowledged.
func writeUntilKilled(url string) int {
	ctx := context.Background()
	db, err := storage.Open(ctx, url, storage.Options{MasterKey: storagetest.Key})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var mu sync.Mutex
	errs := atOnce(16, func(int) error {
		for {
			id := storage.NewID()
			if err := db.Write(ctx, func(tx *storage.Tx) error { return tx.InsertLink(ctx, link(id, id, "")) }); err != nil {
				return err
			}
			mu.Lock()
			_, err := fmt.Println(id)
			mu.Unlock()
			if err != nil {
				return err
			}
		}
	})
	fmt.Fprintln(os.Stderr, errors.Join(errs...))
	return 1
}

// What was acknowledged survives the sudden death of the process.
func TestAcknowledgedSurvivesKill(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			url := storagetest.URL(t, engine)
			var acknowledged []string
			for range 3 {
				acknowledged = append(acknowledged, killWriter(t, self, url, 500)...)
				db := storagetest.Open(t, url, storage.Options{})
				for _, id := range acknowledged {
					if _, err := db.Link(t.Context(), id); err != nil {
						t.Fatalf("acknowledged and lost: %v", err)
					}
				}
			}
			if engine == "sqlite" {
				if said := column[string](t, outside(t, url), `PRAGMA integrity_check`)[0]; said != "ok" {
					t.Fatal(said)
				}
			}
		})
	}
}

// killWriter starts a writer, kills it when it has acknowledged so many rows,
// and returns all that it acknowledged.
func killWriter(t *testing.T, self, url string, rows int) (acknowledged []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), writerVariable+"="+url)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	killed := false
	in := bufio.NewReader(out)
	for {
		id, err := in.ReadString('\n')
		if err == io.EOF {
			break // a line without its end was not said
		}
		if err != nil {
			t.Fatal(err)
		}
		acknowledged = append(acknowledged, strings.TrimSpace(id))
		if len(acknowledged) == rows {
			killed = true
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd.Wait()
	if !killed {
		t.Fatalf("the writer ended by itself after %d rows: %s", len(acknowledged), &stderr)
	}
	return acknowledged
}
