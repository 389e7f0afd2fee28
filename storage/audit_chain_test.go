package storage_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// happen writes n events, a millisecond apart, from a moment on.
func happen(t testing.TB, db *storage.DB, n int, from time.Time) {
	t.Helper()
	for begin := 0; begin < n; begin += 500 {
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			var events []storage.Event
			for i := begin; i < min(n, begin+500); i++ {
				events = append(events, storage.Event{
					At: from.Add(time.Duration(i) * time.Millisecond), Event: "session.started", Result: storage.OK, OrgID: acme, UserID: ada, ClientID: board, Reason: fmt.Sprint(i),
				})
			}
			return tx.Audit(ctx, events...)
		})
	}
}

func mustSeal(t testing.TB, db *storage.DB, now time.Time) int {
	t.Helper()
	return must(db.SealAudit(t.Context(), "me", now, nil))(t)
}

// batches seals some batches of three events, minutes apart, and returns the
// moment of the last seal.
func batches(t testing.TB, db *storage.DB, n int) time.Time {
	t.Helper()
	now := noon
	for range n {
		now = now.Add(time.Minute)
		happen(t, db, 3, now)
		if sealed := mustSeal(t, db, now); sealed != 3 {
			t.Fatalf("sealed %d", sealed)
		}
	}
	return now
}

// mustBreak fails unless the audit is broken at a batch, for a reason.
func mustBreak(t testing.TB, db *storage.DB, known storage.AuditHead, now time.Time, seq int64, wrong string) {
	t.Helper()
	_, err := db.VerifyAudit(t.Context(), known, now)
	b, ok := errors.AsType[*storage.AuditBreak](err)
	if !ok || b.Seq != seq || !strings.Contains(b.Error(), wrong) {
		t.Fatalf("got %v, want a break at batch %d: %q", err, seq, wrong)
	}
}

func mustVerify(t testing.TB, db *storage.DB, now time.Time) storage.AuditReport {
	t.Helper()
	return must(db.VerifyAudit(t.Context(), storage.AuditHead{}, now))(t)
}

func TestSealAudit(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		if r := mustVerify(t, db, noon); r != (storage.AuditReport{}) {
			t.Fatalf("before anything happened: %+v", r)
		}
		happen(t, db, storage.AuditBatchSize+5, noon)
		mustEqual(t, mustVerify(t, db, noon), storage.AuditReport{Unsealed: storage.AuditBatchSize + 5, Oldest: noon})
		for _, want := range []int{storage.AuditBatchSize, 5, 0} {
			if n := mustSeal(t, db, noon); n != want {
				t.Fatalf("sealed %d, want %d", n, want)
			}
		}
		r := mustVerify(t, db, noon)
		if r.Head.Seq != 2 || r.Head.Events != 5 || r.Head.Hash == "" || !r.Head.LastAt.Equal(noon.Add((storage.AuditBatchSize+4)*time.Millisecond)) ||
			r.Batches != 2 || r.Events != storage.AuditBatchSize+5 || r.Unsealed != 0 || r.Dropped != 0 {
			t.Fatalf("%+v", r)
		}
		// With nothing to seal, a server that does nothing writes nothing.
		before := db.Statements()
		mustSeal(t, db, noon)
		if n := db.Statements() - before; n != 1 {
			t.Errorf("%d statements to find nothing", n)
		}
	})
}

// Whoever seals, every row ends in one batch, and the chain holds.
func TestSealAuditAtOnce(t *testing.T) {
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			url := storagetest.URL(t, engine)
			replicas := []*storage.DB{storagetest.Open(t, url, storage.Options{}), storagetest.Open(t, url, storage.Options{})}
			const events, sealers, writers = 600, 8, 2
			var seen [sealers]map[string]bool
			for i := range seen {
				seen[i] = make(map[string]bool)
			}
			sealed := make([]int, sealers)
			stop := make(chan struct{})
			done := make(chan []error)
			go func() {
				done <- atOnce(sealers, func(i int) error {
					// Two share a holder; each hour of this clock, the lease is
					// anybody's.
					for round := 0; ; round++ {
						last := false
						select {
						case <-stop:
							last = true
						default:
						}
						n, err := replicas[i%2].SealAudit(t.Context(), fmt.Sprint("holder", i/2), noon.Add(time.Duration(round)*time.Hour), func(events []*storage.Event) error {
							for _, e := range events {
								seen[i][e.ID] = true
							}
							return nil
						})
						sealed[i] += n
						if err != nil || last {
							return err
						}
					}
				})
			}()
			for i, err := range atOnce(writers, func(i int) error {
				for n := range events / writers / 5 {
					err := replicas[i%2].Write(t.Context(), func(tx *storage.Tx) error {
						e := storage.Event{At: noon.Add(time.Duration(n) * time.Second), Event: "session.started", UserID: ada}
						return tx.Audit(t.Context(), e, e, e, e, e)
					})
					if err != nil {
						return err
					}
				}
				return nil
			}) {
				if err != nil {
					t.Fatalf("writer %d: %v", i, err)
				}
			}
			close(stop)
			for i, err := range <-done {
				if err != nil {
					t.Fatalf("sealer %d: %v", i, err)
				}
			}
			for n := 1; n > 0; {
				n = must(replicas[0].SealAudit(t.Context(), "the last", noon.Add(1e6*time.Hour), nil))(t)
				sealed[0] += n
			}
			sum := 0
			for _, n := range sealed {
				sum += n
			}
			if sum != events {
				t.Errorf("sealed %d of %d rows", sum, events)
			}
			r := mustVerify(t, replicas[1], noon)
			if r.Events != events || r.Unsealed != 0 {
				t.Errorf("%+v", r)
			}
			if n := column[int64](t, outside(t, url), `SELECT SUM(events) FROM audit_batches`)[0]; n != events {
				t.Errorf("batches count %d rows", n)
			}
		})
	}
}

// What is not taken is not sealed, and comes again.
func TestSealAuditStreamsAtLeastOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		happen(t, db, 3, noon)
		full := errors.New("the pipe is full")
		var ids [][]string
		for _, answer := range []error{full, nil} {
			n, err := db.SealAudit(t.Context(), "me", noon, func(events []*storage.Event) error {
				var all []string
				for _, e := range events {
					all = append(all, e.ID+e.Reason)
				}
				ids = append(ids, all)
				return answer
			})
			if !errors.Is(err, answer) || (n == 0) != (answer != nil) {
				t.Fatalf("sealed %d: %v", n, err)
			}
		}
		if len(ids) != 2 || len(ids[0]) != 3 || !slices.Equal(ids[0], ids[1]) || !strings.HasSuffix(ids[0][0], "0") || !strings.HasSuffix(ids[0][2], "2") {
			t.Fatalf("streamed %v", ids)
		}
	})
}

// tampering is what somebody does who can write to the database and has not the
// master key, and what verification says of it.
var tampering = []struct {
	name       string
	statements []string
	seq        int64
	wrong      string
}{
	{"a row changed", []string{`UPDATE audit SET ip = '192.0.2.9' WHERE batch = 2 AND reason = '1'`}, 2, "has a row that was changed"},
	{"a row's time changed", []string{`UPDATE audit SET at = at + 1 WHERE batch = 2 AND reason = '2'`}, 2, "has a row that was changed"},
	{"a row deleted", []string{`DELETE FROM audit WHERE batch = 2 AND reason = '1'`}, 2, "has 2 of its 3 rows: 1 are missing"},
	{"a row taken out", []string{`UPDATE audit SET batch = NULL WHERE batch = 2 AND reason = '1'`}, 2, "1 are missing"},
	{"all rows deleted", []string{`DELETE FROM audit WHERE batch = 2`}, 2, "3 are missing"},
	{"a row added", []string{insertRow(2)}, 2, "more than its 3 rows"},
	{"a row replaced", []string{`DELETE FROM audit WHERE batch = 2 AND reason = '1'`, insertRow(2)}, 2, "has a row that was changed or replaced"},
	{"a row of no batch", []string{insertRow(77)}, 77, "no such batch"},
	{"a row of a batch below", []string{insertRow(0)}, 0, "no such batch"},
	{"a batch below", []string{`INSERT INTO audit_batches SELECT -1, events, first_at, last_at, digest, previous, hash, sealed_at, dropped_at, dropped FROM audit_batches WHERE seq = 1`, insertRow(-1)}, -1, "no such batch"},
	{"a batch deleted", []string{`DELETE FROM audit_batches WHERE seq = 2`, `DELETE FROM audit WHERE batch = 2`}, 2, "is missing"},
	{"the first deleted", []string{`DELETE FROM audit_batches WHERE seq = 1`, `DELETE FROM audit WHERE batch = 1`}, 1, "is missing"},
	{"the last deleted, without its rows", []string{`DELETE FROM audit_batches WHERE seq = 4`}, 4, "no such batch"},
	{"a batch deleted and the rest moved up", []string{
		`DELETE FROM audit_batches WHERE seq = 2`, `DELETE FROM audit WHERE batch = 2`,
		`UPDATE audit_batches SET seq = 2 WHERE seq = 3`, `UPDATE audit SET batch = 2 WHERE batch = 3`,
	}, 2, "was itself changed"},
	{"a batch rewritten", []string{`DELETE FROM audit WHERE batch = 2 AND reason = '1'`, `UPDATE audit_batches SET events = 2 WHERE seq = 2`}, 2, "was itself changed"},
	{"a batch with another's seal", []string{`UPDATE audit_batches SET hash = (SELECT hash FROM audit_batches WHERE seq = 3) WHERE seq = 2`}, 2, "was itself changed"},
	{"a batch's time", []string{`UPDATE audit_batches SET last_at = 0 WHERE seq = 2`}, 2, "was itself changed"},
	{"a deletion passed off as retention", []string{`DELETE FROM audit WHERE batch = 2`, `UPDATE audit_batches SET dropped_at = 1 WHERE seq = 2`}, 2, "marked as deleted by retention"},
	{"the key taken away", []string{`DELETE FROM audit_keys`}, 0, "key is missing"},
	{"another key", []string{`UPDATE audit_keys SET key = (SELECT private FROM signing_keys)`}, 0, "key does not open"},
}

func insertRow(batch int) string {
	return fmt.Sprintf(`INSERT INTO audit (id, at, event, result, org_id, user_id, actor, client_id, factor, ip, reason, request_id, batch)
		SELECT 'new', at, event, result, org_id, user_id, actor, client_id, factor, ip, 'new', request_id, %d FROM audit WHERE batch = 3 AND reason = '1'`, batch)
}

func TestVerifyAuditFindsTampering(t *testing.T) {
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			for _, c := range tampering {
				t.Run(c.name, func(t *testing.T) {
					url := storagetest.URL(t, engine)
					db := storagetest.Open(t, url, storage.Options{})
					mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
						return tx.InsertSigningKey(ctx, storage.SigningKey{ID: "k", Alg: "ES256", Private: []byte("private"), CreatedAt: noon, SignsFrom: noon})
					})
					now := batches(t, db, 4)
					mustVerify(t, db, now)
					tamper(t, outside(t, url), c.statements...)
					mustBreak(t, db, storage.AuditHead{}, now, c.seq, c.wrong)
				})
			}
		})
	}
}

func tamper(t testing.TB, raw *sql.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		res, err := raw.Exec(s)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		if n, _ := res.RowsAffected(); n == 0 {
			t.Fatalf("%s: changed nothing", s)
		}
	}
}

// Only who noted the head can tell that the newest batches are gone.
func TestVerifyAuditAgainstNotedHead(t *testing.T) {
	eachURL(t, func(t *testing.T, db *storage.DB, url string) {
		now := batches(t, db, 3)
		noted := mustVerify(t, db, now).Head
		now = now.Add(time.Minute)
		happen(t, db, 1, now)
		mustSeal(t, db, now)
		later := must(db.VerifyAudit(t.Context(), noted, now))(t).Head
		if later.Seq != 4 || later.Hash == noted.Hash {
			t.Fatalf("%+v", later)
		}
		raw := outside(t, url)
		tamper(t, raw, `DELETE FROM audit WHERE batch > 2`, `DELETE FROM audit_batches WHERE seq > 2`)
		mustVerify(t, db, now)
		mustBreak(t, db, noted, now, 3, "were taken away")
		// Time goes on, and the numbers are taken anew.
		happen(t, db, 2, now)
		mustSeal(t, db, now)
		mustVerify(t, db, now)
		mustBreak(t, db, noted, now, 3, "is not the one that was noted")
		// The chain begun anew.
		tamper(t, raw, `DELETE FROM audit`, `DELETE FROM audit_batches`, `DELETE FROM audit_keys`)
		happen(t, db, 2, now)
		mustSeal(t, db, now)
		mustVerify(t, db, now)
		mustBreak(t, db, noted, now, 3, "were taken away")
	})
}

// Rows that nobody seals are told of once they should have been.
func TestVerifyAuditUnsealed(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		batches(t, db, 1)
		at := noon.Add(time.Hour)
		happen(t, db, 2, at)
		r := mustVerify(t, db, at.Add(storage.AuditSealedWithin))
		if r.Unsealed != 2 || !r.Oldest.Equal(at) || r.Events != 3 {
			t.Fatalf("%+v", r)
		}
		mustBreak(t, db, storage.AuditHead{}, at.Add(storage.AuditSealedWithin+time.Millisecond), 0, "2 rows have waited for their seal since 2026-03-14T13:00:00.000Z")
	})
}

// More batches than are read at once.
func TestVerifyAuditManyBatches(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		now := batches(t, db, 203)
		if r := mustVerify(t, db, now); r.Batches != 203 || r.Events != 609 {
			t.Fatalf("%+v", r)
		}
	})
}

func TestDropAudit(t *testing.T) {
	eachURL(t, func(t *testing.T, db *storage.DB, url string) {
		last := batches(t, db, 4) // a minute after noon and so on
		happen(t, db, 1, noon)    // old, and in no batch
		before := noon.Add(3 * time.Minute)
		drop := func(holder string, want int64) {
			t.Helper()
			n, err := db.DropAudit(t.Context(), holder, before, last)
			if err != nil || n != want {
				t.Fatalf("dropped %d: %v; want %d", n, err, want)
			}
		}
		noted := mustVerify(t, db, noon).Head
		// The second batch ends three milliseconds after its minute, within.
		drop("me", 6)
		drop("me", 0)
		raw := outside(t, url)
		if got := column[int64](t, raw, `SELECT DISTINCT batch FROM audit WHERE batch IS NOT NULL ORDER BY batch`); !slices.Equal(got, []int64{3, 4}) {
			t.Fatalf("batches with rows: %v", got)
		}
		if n := count(t, raw, "audit WHERE batch IS NULL"); n != 1 {
			t.Fatal("what was not sealed is gone")
		}
		r := must(db.VerifyAudit(t.Context(), noted, noon))(t)
		if r.Head != noted || r.Dropped != 2 || r.Batches != 4 || r.Events != 6 || r.Unsealed != 1 {
			t.Fatalf("%+v", r)
		}
		// While one replica has the lease, another leaves it alone.
		before = last.Add(time.Hour)
		drop("other", 0)
		tamper(t, raw, insertRow(1))
		mustBreak(t, db, storage.AuditHead{}, noon, 1, "has rows, though retention deleted them")
	})
}

// Nobody gets rows deleted in our name by making their batch look old.
func TestDropAuditNotWhatWasChanged(t *testing.T) {
	eachURL(t, func(t *testing.T, db *storage.DB, url string) {
		now := batches(t, db, 2)
		raw := outside(t, url)
		tamper(t, raw, `UPDATE audit_batches SET last_at = 0 WHERE seq = 2`)
		_, err := db.DropAudit(t.Context(), "me", noon, now)
		if b, ok := errors.AsType[*storage.AuditBreak](err); !ok || b.Seq != 2 {
			t.Fatalf("dropped what was made to look old: %v", err)
		}
		if n := count(t, raw, "audit WHERE batch = 2"); n != 3 {
			t.Fatalf("%d rows left", n)
		}
	})
}

// The chain is bound to its own key, which opens with the master key alone.
func TestVerifyAuditWithAnotherMasterKey(t *testing.T) {
	eachURL(t, func(t *testing.T, db *storage.DB, url string) {
		now := batches(t, db, 1)
		other := storagetest.Open(t, url, storage.Options{MasterKey: slices.Repeat([]byte{9}, 32)})
		mustBreak(t, other, storage.AuditHead{}, now, 0, "master key is another one")
		happen(t, db, 1, now)
		if _, err := other.SealAudit(t.Context(), "me", now, nil); err == nil {
			t.Fatal("sealed with a key that doesn't open")
		}
	})
}
