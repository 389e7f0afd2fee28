package govern_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestMain(m *testing.M) { os.Exit(storagetest.Main(m)) }

// world is two companies and who governs them, on one engine.
type world struct {
	*govern.Govern
	t  *testing.T
	db *storage.DB
	// now moves when a test says so.
	now time.Time
}

const people = `
companies:
  - {id: acme, name: Acme}
  - {id: globex, name: Globex}
people:
  - {email: olga@acme.example, company: acme, name: Olga Owner, email_verified: true, role: owner}
  - {email: adam@acme.example, company: acme, name: Adam Administrator, email_verified: true, role: administrator}
  - {email: ana@acme.example, company: acme, name: Ana Example, email_verified: true, password_hash: "$argon2id$v=19$m=19456,t=2,p=1$WmnOnzXLzR+8PMdyq27m6Q$3qwZCqLKOZivrXGKiiYvIFKIkBTno+MmWnLo7aqVj8U"}
  - {email: clara@client.example, company: acme, name: Clara Client, kind: client}
  - {email: gwen@globex.example, company: globex, name: Gwen Globex, email_verified: true, role: owner}
  - {email: otto@globex.example, company: globex, name: Otto Operator, email_verified: true, operator: true}
products:
  - id: board
    name: Board
    auth_method: none
    redirect_uris: [https://board.example/callback]
    roles: [{id: viewer, kinds: [staff]}, {id: editor}]
  - {id: sealed, name: Sealed, auth_method: none, redirect_uris: [https://sealed.example/callback], companies: [globex], roles: [{id: secret-keeper}]}
`

// each runs a test in a world of its own on each engine.
func each(t *testing.T, test func(*world)) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) { test(begin(t, db)) })
}

// begin makes a world on a database.
func begin(t *testing.T, db *storage.DB) *world {
	t.Helper()
	w := &world{t: t, db: db, now: time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)}
	pages, err := page.New()
	if err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return w.now }
	w.Govern = &govern.Govern{
		DB: db, MailGoesOut: true, Now: clock, Log: slog.New(slog.DiscardHandler),
		Sessions: &session.Sessions{
			DB: db, Idle: time.Hour, Absolute: 12 * time.Hour, Now: clock, Offered: []policy.Method{policy.TOTP, policy.WebAuthn, policy.SMS, policy.Email},
		},
		Notices: &notify.Notices{DB: db, Pages: pages, Issuer: "sallyport.example", URL: "https://sallyport.example", Now: clock},
	}
	err = db.Write(t.Context(), func(tx *storage.Tx) error {
		return tx.PutClient(t.Context(), storage.Client{ID: "sallyport-account", Name: "Sallyport", AuthMethod: "none", Internal: true}, w.now)
	})
	if err != nil {
		t.Fatal(err)
	}
	w.apply(people)
	return w
}

func (w *world) apply(yaml string) {
	w.t.Helper()
	f, err := apply.Parse(strings.NewReader(yaml), "test.yaml")
	if err == nil {
		_, err = apply.Apply(w.t.Context(), w.db, f, apply.Options{Now: w.now})
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// user is somebody as they are now.
func (w *world) user(email string) *storage.User {
	w.t.Helper()
	u, err := w.db.UserByEmail(w.t.Context(), email)
	if err != nil {
		w.t.Fatalf("%s: %v", email, err)
	}
	return u
}

// as is somebody in the console who has just proved a second factor.
func (w *world) as(email string) govern.Actor {
	w.t.Helper()
	return govern.Actor{UserID: w.user(email).ID, ClientID: "sallyport-console", Unlimited: true, Vouches: true, Address: "203.0.113.7", RequestID: "req"}
}

// machine is an API client of a company (none: the operator's), registered for
// some scopes and holding a token for them.
func (w *world) machine(id, org string, scopes ...string) govern.Actor {
	w.t.Helper()
	w.apply(fmt.Sprintf(`products: [{id: %s, name: %s, company: %q, secret_hash: n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg, grant_types: [client_credentials], scopes: ["%s"]}]`,
		id, id, org, strings.Join(scopes, `", "`)))
	return govern.Actor{ClientID: id, OrgID: org, Scopes: scopes, Address: "203.0.113.7"}
}

// enrol gives somebody an authenticator.
func (w *world) enrol(email string) {
	w.t.Helper()
	u := w.user(email)
	w.write(func(tx *storage.Tx) error {
		err := tx.InsertFactor(w.t.Context(), storage.Factor{ID: storage.NewID(), UserID: u.ID, Kind: string(policy.TOTP), Secret: []byte("seed")}, 0, w.now)
		return errors.Join(err, tx.SetTwoStep(w.t.Context(), u.ID, true, w.now))
	})
}

// signIn gives somebody a session.
func (w *world) signIn(email string) (sessionID string) {
	w.t.Helper()
	id := storage.NewID()
	w.write(func(tx *storage.Tx) error {
		return tx.InsertSession(w.t.Context(), storage.Session{
			ID: id, SecretHash: storage.NewSecret(), UserID: w.user(email).ID, Proofs: session.Encode(policy.Proofs{{Method: policy.Password, At: w.now}}),
			CreatedAt: w.now, LastSeenAt: w.now, ExpiresAt: w.now.Add(12 * time.Hour),
		})
	})
	return id
}

func (w *world) write(fn func(*storage.Tx) error) {
	w.t.Helper()
	if err := w.db.Write(w.t.Context(), fn); err != nil {
		w.t.Fatal(err)
	}
}

// must is a call that has to succeed.
func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// refused says that a call was refused with a code.
func (w *world) refused(err error, code string) {
	w.t.Helper()
	refused, ok := errors.AsType[*govern.Refused](err)
	if !ok || refused.Code != code {
		w.t.Errorf("%v, want refused with %q", err, code)
	}
}

// hidden says that a call was told there is no such thing.
func (w *world) hidden(err error) {
	w.t.Helper()
	if !errors.Is(err, storage.ErrNotFound) {
		w.t.Errorf("%v, want not found", err)
	}
}

// audited are the events about somebody, by name.
func (w *world) audited(email string) (all []string) {
	w.t.Helper()
	u := w.user(email)
	events, err := w.db.AuditSearch(w.t.Context(), storage.AuditQuery{OrgID: u.OrgID, UserID: u.ID, Limit: 100})
	w.must(err)
	for _, e := range events {
		if e.UserID == u.ID {
			all = append(all, e.Event)
		}
	}
	slices.Sort(all)
	return all
}

// mailed are the subjects of queued mails, by whom they are masked for.
func (w *world) mailed() (n int) {
	w.t.Helper()
	outbox, err := w.db.Outbox(w.t.Context())
	w.must(err)
	for _, kind := range outbox {
		if kind.Kind == storage.OutgoingMail {
			n = kind.Queued
		}
	}
	return n
}
