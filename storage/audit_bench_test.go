package storage_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// BenchmarkSealAudit seals batches of 1,000 rows.
func BenchmarkSealAudit(b *testing.B) {
	for _, engine := range storagetest.Engines {
		b.Run(engine, func(b *testing.B) {
			db := storagetest.Open(b, storagetest.URL(b, engine), storage.Options{})
			for b.Loop() {
				b.StopTimer()
				happen(b, db, storage.AuditBatchSize, noon)
				b.StartTimer()
				if n := mustSeal(b, db, noon); n != storage.AuditBatchSize {
					b.Fatalf("sealed %d", n)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/storage.AuditBatchSize, "µs/row")
		})
	}
}

// BenchmarkAudit writes one event in a transaction of its own.
func BenchmarkAudit(b *testing.B) {
	for _, engine := range storagetest.Engines {
		b.Run(engine, func(b *testing.B) {
			db := storagetest.Open(b, storagetest.URL(b, engine), storage.Options{})
			for b.Loop() {
				mustWrite(b, db, func(ctx context.Context, tx *storage.Tx) error { return tx.Audit(ctx, busy(0)) })
			}
		})
	}
}

// BenchmarkAuditBulk writes 1,000 events in ten statements: what the indexes
// cost without the disk's sync.
func BenchmarkAuditBulk(b *testing.B) {
	for _, engine := range storagetest.Engines {
		b.Run(engine, func(b *testing.B) {
			db := storagetest.Open(b, storagetest.URL(b, engine), storage.Options{})
			for b.Loop() {
				mustWrite(b, db, func(ctx context.Context, tx *storage.Tx) error { return manyEvents(ctx, tx, 1000) })
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/1000/float64(b.N)/1000, "µs/row")
		})
	}
}

// busy is an event on an instance of 200 companies, 5,000 people and ten
// products.
func busy(i int) storage.Event {
	person := rand.IntN(5000)
	e := storage.Event{
		At: noon.Add(time.Duration(i) * 100 * time.Millisecond), Event: "token.refreshed", Result: storage.OK, OrgID: fmt.Sprint("company", person%200),
		UserID: fmt.Sprintf("person-%016d", person), ClientID: fmt.Sprint("product", rand.IntN(10)), IP: "192.0.2.17", RequestID: "0123456789abcdef",
	}
	switch {
	case i%5000 == 0:
		e.Event, e.Actor = "two_step.reset", fmt.Sprintf("person-%016d", rand.IntN(5000))
	case i%20 == 0:
		e.Event, e.Result, e.Factor = "password.failed", storage.Failed, "password"
	}
	return e
}

func manyEvents(ctx context.Context, tx *storage.Tx, n int) error {
	for begin := 0; begin < n; begin += 100 {
		var events []storage.Event
		for i := range 100 {
			events = append(events, busy(begin+i))
		}
		if err := tx.Audit(ctx, events...); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkAuditSearch looks for 50 events among 200,000.
func BenchmarkAuditSearch(b *testing.B) {
	const rows = 200_000
	for _, engine := range storagetest.Engines {
		b.Run(engine, func(b *testing.B) {
			db := storagetest.Open(b, storagetest.URL(b, engine), storage.Options{})
			mustWrite(b, db, func(ctx context.Context, tx *storage.Tx) error { return manyEvents(ctx, tx, rows) })
			middle := storage.Event{At: noon.Add(rows / 2 * 100 * time.Millisecond), ID: "M"}.Cursor()
			for _, c := range []struct {
				name  string
				query storage.AuditQuery
			}{
				{"everywhere", storage.AuditQuery{Everywhere: true}},
				{"company", storage.AuditQuery{OrgID: "company7"}},
				{"company, from the middle", storage.AuditQuery{OrgID: "company7", Before: middle}},
				{"person", storage.AuditQuery{OrgID: "company7", UserID: "person-0000000000000207"}},
				{"product", storage.AuditQuery{Everywhere: true, ClientID: "product3"}},
				{"product of a company", storage.AuditQuery{OrgID: "company7", ClientID: "product3"}},
				{"rare event of a company", storage.AuditQuery{OrgID: "company7", Event: "two_step."}},
				{"rare event everywhere", storage.AuditQuery{Everywhere: true, Event: "two_step."}},
				{"an hour of failures", storage.AuditQuery{Everywhere: true, Result: storage.Failed, From: noon, Until: noon.Add(time.Hour)}},
				{"nothing", storage.AuditQuery{Everywhere: true, Event: "none.such"}},
			} {
				b.Run(c.name, func(b *testing.B) {
					for b.Loop() {
						if _, err := db.AuditSearch(b.Context(), c.query); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		})
	}
}
