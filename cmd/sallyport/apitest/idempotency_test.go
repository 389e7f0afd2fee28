package apitest

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
)

// Who gets no answer asks again, and gets the one there was.
func TestIdempotencyKey(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		callers := newCallers(t, d)
		machine, other := callers.with(d.Machine(t, "acme", "people:read", "people:write")), callers.with(d.Machine(t, "acme", "people:write"))
		body := map[string]any{"email": "cleo@acme.example", "invite": true}
		post := func(c *tester, key string, body any) *servertest.Called {
			t.Helper()
			return c.do("POST", people, body, "Idempotency-Key", key)
		}
		was := post(machine, "key-1", body)
		if was.Status != 201 || was.Header.Get("Idempotent-Replay") != "" {
			t.Fatalf("%d %s", was.Status, was.Body)
		}
		again := post(machine, "key-1", body)
		if again.Status != 201 || !bytes.Equal(again.Body, was.Body) || again.Header.Get("Location") != was.Header.Get("Location") || again.Header.Get("Idempotent-Replay") != "true" {
			t.Errorf("%d %v\n%s\n%s", again.Status, again.Header, again.Body, was.Body)
		}
		if n := len(d.MailsTo(t, "cleo@acme.example")); n != 1 {
			t.Errorf("%d invitations", n)
		}
		machine.refused(422, "key_reused", "POST", people, map[string]any{"email": "cloe@acme.example"}, "Idempotency-Key", "key-1")
		machine.refused(409, "taken", "POST", people, body, "Idempotency-Key", "key-2")
		// Keys are everybody's own.
		other.refused(409, "taken", "POST", people, body, "Idempotency-Key", "key-1")
		for _, key := range []string{"", " ", strings.Repeat("k", 256), "schlüssel"} {
			machine.refused(400, "key_malformed", "POST", people, map[string]any{"email": "z@acme.example"}, "Idempotency-Key", key)
		}

		// What was refused leaves no trace: the same key works once it can.
		machine.refused(422, "fields", "POST", people, map[string]any{"email": "nobody"}, "Idempotency-Key", "key-3")
		if out := post(machine, "key-3", map[string]any{"email": "nobody@acme.example"}); out.Status != 201 {
			t.Errorf("%d %s", out.Status, out.Body)
		}
		d.Clock.Advance(24*time.Hour + time.Second)
		later := callers.with(d.Machine(t, "acme", "people:read", "people:write"))
		later.refused(409, "taken", "POST", people, body, "Idempotency-Key", "key-1")
	})
}

// Of fifty at once one creates; the others are told to wait, or get its answer.
func TestIdempotencyKeyAtOnce(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		caller := d.Machine(t, "acme", "people:read", "people:write")
		const n = 50
		out := make(chan *servertest.Called, n)
		start := make(chan struct{})
		for range n {
			go func() {
				<-start
				out <- caller.Do("POST", people, map[string]any{"email": "once@acme.example", "invite": true}, "Idempotency-Key", "once")
			}()
		}
		close(start)
		created, ids := 0, make(map[string]bool)
		for range n {
			a := <-out
			switch {
			case a.Status == 201:
				ids[a.JSON(t).String("id")] = true
				if a.Header.Get("Idempotent-Replay") == "" {
					created++
				}
			case a.Status != 409 || !strings.HasSuffix(a.JSON(t).String("type"), "/key_in_progress"):
				t.Errorf("%d %s", a.Status, a.Body)
			}
		}
		if created != 1 || len(ids) != 1 {
			t.Errorf("created %d times, %d people", created, len(ids))
		}
		if rows := audits(t, d, "person.added"); len(rows) == 0 {
			t.Error("nothing in the audit")
		} else if sent := d.MailsTo(t, "once@acme.example"); len(sent) != 1 {
			t.Errorf("%d invitations", len(sent))
		}
	})
}

// A secret isn't given again to who could not have asked for it.
func TestReplayTakesTheSameScopes(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		callers := newCallers(t, d)
		owner := d.Administrator(t, olga)
		path := people + "/" + id(t, d, ben) + "/recovery-code"
		first := callers.with(owner.Caller("people:write")).must(201, "POST", path, nil, "Idempotency-Key", "k")
		callers.with(owner.Caller("people:read")).refused(403, "scope", "POST", path, nil, "Idempotency-Key", "k")
		if again := callers.with(owner.Caller("people:write")).must(201, "POST", path, nil, "Idempotency-Key", "k"); again["code"] != first["code"] {
			t.Errorf("%v, and before %v", again, first)
		}
	})
}
