package storage_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// mustQueue queues a mail to an address.
func mustQueue(t *testing.T, db *storage.DB, to string) {
	t.Helper()
	mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
		return tx.Queue(ctx, storage.OutgoingMail, to, map[string]string{"text": "Hello " + to}, noon)
	})
}

// deliverAt delivers mail at a moment; send answers for each.
func deliverAt(t *testing.T, db *storage.DB, now time.Time, send func(*storage.Outgoing) error) int {
	t.Helper()
	n, err := db.Deliver(t.Context(), storage.OutgoingMail, time.Hour, func() time.Time { return now }, func(_ context.Context, m *storage.Outgoing) error {
		return send(m)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDeliver(t *testing.T) {
	eachURL(t, func(t *testing.T, db *storage.DB, url string) {
		none := func(m *storage.Outgoing) error { t.Errorf("sent %+v", m); return nil }
		if n := deliverAt(t, db, noon, none); n != 0 {
			t.Fatalf("%d messages in an empty outbox", n)
		}
		mustQueue(t, db, "ada")
		n := deliverAt(t, db, noon, func(m *storage.Outgoing) error {
			mustEqual(t, *m, storage.Outgoing{ID: m.ID, Kind: storage.OutgoingMail, Target: "ada", Body: []byte(`{"text":"Hello ada"}`), CreatedAt: noon, Tries: 1})
			return nil
		})
		if n != 1 {
			t.Fatalf("took up %d", n)
		}
		deliverAt(t, db, noon.Add(time.Hour), none)
		if n := count(t, outside(t, url), "outbox WHERE body IS NULL AND done_at IS NOT NULL AND NOT failed"); n != 1 {
			t.Error("the delivered body is kept")
		}
	})
}

func TestDeliverOneKind(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		mustQueue(t, db, "ada")
		n, err := db.Deliver(t.Context(), storage.OutgoingLogout, time.Hour, func() time.Time { return noon }, func(_ context.Context, m *storage.Outgoing) error {
			t.Errorf("sent %+v", m)
			return nil
		})
		if n != 0 || err != nil {
			t.Fatalf("took up %d: %v", n, err)
		}
	})
}

func TestDeliverRetries(t *testing.T) {
	eachURL(t, func(t *testing.T, db *storage.DB, url string) {
		mustQueue(t, db, "ada")
		raw := outside(t, url)
		tries := 0
		fail := func(m *storage.Outgoing) error {
			if tries++; m.Tries != tries || string(m.Body) != `{"text":"Hello ada"}` {
				t.Errorf("try %d is %+v", tries, m)
			}
			return fmt.Errorf("mailbox full, try %d", tries)
		}
		now := noon
		for _, wait := range []int{2, 4, 8, 16, 32, 64, 128, 128, 128} {
			if n := deliverAt(t, db, now.Add(-time.Millisecond), fail); n != 0 {
				t.Fatal("tried too soon")
			}
			if n := deliverAt(t, db, now, fail); n != 1 {
				t.Fatalf("not tried again at %v", now)
			}
			if last := column[string](t, raw, `SELECT last_error FROM outbox`)[0]; last != fmt.Sprintf("mailbox full, try %d", tries) {
				t.Fatalf("remembered %q", last)
			}
			now = now.Add(time.Duration(wait) * time.Second)
		}
		if n := deliverAt(t, db, now, func(*storage.Outgoing) error { return nil }); n != 1 {
			t.Fatal("not delivered at last")
		}
	})
}

func TestDeliverGivesUp(t *testing.T) {
	eachURL(t, func(t *testing.T, db *storage.DB, url string) {
		mustQueue(t, db, "ada")
		raw := outside(t, url)
		fail := func(*storage.Outgoing) error { return errors.New("mailbox full") }
		deliverAt(t, db, noon.Add(time.Hour-2*time.Second), fail) // the next try, 2 s later, is just in time
		if n := count(t, raw, "outbox WHERE failed"); n != 0 {
			t.Fatal("given up too soon")
		}
		deliverAt(t, db, noon.Add(time.Hour), fail)
		if n := count(t, raw, "outbox WHERE failed AND done_at IS NOT NULL AND body IS NOT NULL AND last_error = 'mailbox full'"); n != 1 {
			t.Fatal("not given up")
		}
		if n := deliverAt(t, db, noon.Add(24*time.Hour), fail); n != 0 {
			t.Fatal("tried after it was given up")
		}
	})
}

// While one replica sends, another finds nothing to do; when the first one
// died, the other takes over.
func TestDeliverLeases(t *testing.T) {
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			url := storagetest.URL(t, engine)
			one, other := storagetest.Open(t, url, storage.Options{}), storagetest.Open(t, url, storage.Options{})
			mustQueue(t, one, "ada")
			now := noon
			sent := 0
			deliverAt(t, one, now, func(*storage.Outgoing) error {
				if n := deliverAt(t, other, now.Add(time.Minute), func(*storage.Outgoing) error { return nil }); n != 0 {
					t.Error("two replicas send one message")
				}
				// As if this replica hung for longer than its lease.
				n := deliverAt(t, other, now.Add(5*time.Minute), func(m *storage.Outgoing) error {
					if sent++; m.Tries != 2 {
						t.Errorf("taken over as try %d", m.Tries)
					}
					return nil
				})
				if n != 1 {
					t.Error("nobody takes over what a dead replica leased")
				}
				return errors.New("found out too late")
			})
			if n := deliverAt(t, one, now.Add(time.Hour), func(*storage.Outgoing) error { sent++; return nil }); n != 0 || sent != 1 {
				t.Fatalf("sent %d times, and %d more to send", sent, n)
			}
		})
	}
}

// Many replicas at once send every message exactly once, and never stand in
// each other's way.
func TestDeliverInParallel(t *testing.T) {
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			url := storagetest.URL(t, engine)
			replicas := make([]*storage.DB, 4)
			for i := range replicas {
				replicas[i] = storagetest.Open(t, url, storage.Options{})
			}
			const messages = 400
			mustWrite(t, replicas[0], func(ctx context.Context, tx *storage.Tx) error {
				for i := range messages {
					if err := tx.Queue(ctx, storage.OutgoingMail, fmt.Sprint(i), i, noon); err != nil {
						return err
					}
				}
				return nil
			})
			var mu sync.Mutex
			sent := make(map[string]int)
			for _, err := range atOnce(12, func(i int) error {
				for {
					n, err := replicas[i%len(replicas)].Deliver(t.Context(), storage.OutgoingMail, time.Hour, func() time.Time { return noon },
						func(_ context.Context, m *storage.Outgoing) error {
							mu.Lock()
							defer mu.Unlock()
							sent[m.Target]++
							return nil
						})
					mu.Lock()
					done := len(sent) == messages
					mu.Unlock()
					if err != nil || n == 0 && done {
						return err
					}
				}
			}) {
				if err != nil {
					t.Fatal(err)
				}
			}
			for target, n := range sent {
				if n != 1 {
					t.Errorf("message %s was sent %d times", target, n)
				}
			}
		})
	}
}

// Replicas of PostgreSQL pass over what another one is just taking, and don't
// wait for it.
func TestDeliverPassesOverWhatIsTaken(t *testing.T) {
	url := storagetest.URL(t, "postgres")
	db := storagetest.Open(t, url, storage.Options{})
	mustQueue(t, db, "ada")
	mustQueue(t, db, "grace")
	other, err := outside(t, url).Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Rollback()
	if _, err := other.Exec(`SELECT id FROM outbox WHERE target = 'ada' FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	n, err := db.Deliver(ctx, storage.OutgoingMail, time.Hour, func() time.Time { return noon }, func(_ context.Context, m *storage.Outgoing) error {
		if m.Target != "grace" {
			t.Errorf("sent to %s", m.Target)
		}
		return nil
	})
	if n != 1 || err != nil {
		t.Fatalf("took up %d: %v", n, err)
	}
}

// Whoever shuts down while a message is on its way doesn't send it twice.
func TestDeliverNotesWhatWasSentAfterCancellation(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		mustQueue(t, db, "ada")
		ctx, cancel := context.WithCancel(t.Context())
		n, err := db.Deliver(ctx, storage.OutgoingMail, time.Hour, func() time.Time { return noon }, func(context.Context, *storage.Outgoing) error {
			cancel()
			return nil
		})
		if n != 1 || err != nil {
			t.Fatalf("took up %d: %v", n, err)
		}
		if n := deliverAt(t, db, noon.Add(time.Hour), func(*storage.Outgoing) error { return nil }); n != 0 {
			t.Fatal("sent again")
		}
	})
}

// What is queued is sent if and only if its cause happened.
func TestQueueIsPartOfTheTransaction(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		mustRefuse(t, db, storage.ErrSpent, func(ctx context.Context, tx *storage.Tx) error {
			if err := tx.Queue(ctx, storage.OutgoingMail, "ada", "Hello", noon); err != nil {
				return err
			}
			return storage.ErrSpent
		})
		if n := deliverAt(t, db, noon, func(*storage.Outgoing) error { return nil }); n != 0 {
			t.Fatal("sent what was rolled back")
		}
		if err := write(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return tx.Queue(ctx, storage.OutgoingMail, "ada", func() {}, noon)
		}); err == nil {
			t.Fatal("queued what has no JSON")
		}
	})
}

func TestQueueLogout(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seedProducts(t, db)
		for _, client := range []string{board, "quiet"} {
			mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
				return tx.QueueLogout(ctx, storage.LogoutNotice{ClientID: client, UserID: ada, SessionID: "s"}, noon)
			})
		}
		mustRefuse(t, db, storage.ErrNotFound, func(ctx context.Context, tx *storage.Tx) error {
			return tx.QueueLogout(ctx, storage.LogoutNotice{ClientID: "unknown"}, noon)
		})
		mustEqual(t, mustDeliverLogouts(t, db, ada, noon), []string{"s dashboard"})
	})
}
