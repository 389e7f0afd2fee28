package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/server"
	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// auditor is a server without anything in the background, whose clock stands.
func auditor(t *testing.T, db *storage.DB, now time.Time, retention string, stream io.Writer) *server.Server {
	t.Helper()
	conf, err := config.Load(config.Sources{Flags: map[string]string{"audit-retention": retention}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(t.Context(), server.Options{Config: conf, DB: db, Now: func() time.Time { return now }, AuditStream: stream})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// note writes n events of a moment.
func note(t *testing.T, db *storage.DB, n int, at time.Time) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *storage.Tx) error {
		return tx.Audit(t.Context(), slices.Repeat([]storage.Event{{At: at, Event: "session.started", Result: storage.OK, Reason: "<&>"}}, n)...)
	})
	if err != nil {
		t.Fatal(err)
	}
}

var midday = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// What is sealed was streamed, one event a line, as an export has it.
func TestSealAuditStreams(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		var out bytes.Buffer
		s := auditor(t, db, midday, "0s", &out)
		const events = storage.AuditBatchSize + 7 // more than one batch
		for range events / 19 {
			note(t, db, 19, midday)
		}
		if n, err := s.SealAudit(t.Context()); err != nil || n != events {
			t.Fatalf("sealed %d: %v", n, err)
		}
		var streamed, exported []string
		for line := range strings.Lines(out.String()) {
			var e storage.Event
			if err := json.Unmarshal([]byte(line), &e); err != nil || e.ID == "" || !e.At.Equal(midday) {
				t.Fatalf("%q: %v", line, err)
			}
			streamed = append(streamed, line)
		}
		err := db.AuditEach(t.Context(), storage.AuditQuery{Everywhere: true}, func(page []*storage.Event) error {
			lines, err := storage.AuditJSON(page)
			exported = append(exported, slices.Collect(strings.Lines(string(lines)))...)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(streamed)
		slices.Sort(exported)
		if len(streamed) != events || !slices.Equal(streamed, exported) {
			t.Errorf("streamed %d, exported %d events, and not the same", len(streamed), len(exported))
		}
		if n, err := s.SealAudit(t.Context()); err != nil || n != 0 {
			t.Errorf("again %d: %v", n, err)
		}
	})
}

// A pipe that nobody reads loses nothing, and keeps nobody from stopping.
func TestSealAuditIntoAStuckPipe(t *testing.T) {
	db := storagetest.Open(t, storagetest.URL(t, "sqlite"), storage.Options{})
	read, write := io.Pipe()
	s := auditor(t, db, midday, "0s", write)
	note(t, db, 1, midday)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { _, err := s.SealAudit(ctx); ended <- err }()
	first := make([]byte, 1)
	if _, err := read.Read(first); err != nil { // it is writing, and stuck
		t.Fatal(err)
	}
	note(t, db, 1, midday) // nobody else waits for the pipe
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("it ended with %v", err)
	}
	read.Close()
	var again bytes.Buffer
	if n, err := auditor(t, db, midday.Add(time.Hour), "0s", &again).SealAudit(t.Context()); err != nil || n != 2 || strings.Count(again.String(), "\n") != 2 {
		t.Fatalf("sealed %d afterwards, streamed %q: %v", n, again.String(), err)
	}
}

// audit.retention lets go of what is older, and of nothing without it.
func TestDropAuditByRetention(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		const day = 24 * time.Hour
		for _, days := range []time.Duration{0, 30} { // two batches, a month apart
			now := midday.Add(days * day)
			note(t, db, 2, now)
			if n, err := auditor(t, db, now, "0s", nil).SealAudit(t.Context()); err != nil || n != 2 {
				t.Fatalf("sealed %d: %v", n, err)
			}
		}
		now := midday.Add(40*day + time.Millisecond)
		for _, c := range []struct {
			retention string
			want      int64
		}{{"0s", 0}, {"41d", 0}, {"40d", 2}, {"30d", 0}} {
			n, err := auditor(t, db, now, c.retention, nil).DropAudit(t.Context())
			if err != nil || n != c.want {
				t.Errorf("retention %s dropped %d: %v", c.retention, n, err)
			}
			now = now.Add(time.Hour) // the lease is anybody's again
		}
		r, err := db.VerifyAudit(t.Context(), storage.AuditHead{}, now)
		if err != nil || r.Batches != 2 || r.Dropped != 1 || r.Events != 2 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}
