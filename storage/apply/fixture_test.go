package apply_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestMain(m *testing.M) { os.Exit(storagetest.Main(m)) }

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// fixture is a database that files are applied to.
type fixture struct {
	*testing.T
	db  *storage.DB
	url string
	// opts of the next Apply; links counts those made.
	opts  apply.Options
	links int
}

// each runs a test on both engines.
func each(t *testing.T, test func(f *fixture)) {
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) { test(fixtureOf(t, engine)) })
	}
}

func fixtureOf(t *testing.T, engine string) *fixture {
	t.Helper()
	url := storagetest.URL(t, engine)
	f := &fixture{T: t, db: storagetest.Open(t, url, storage.Options{}), url: url}
	f.opts = apply.Options{Now: now, HashOK: hashOK, SetUpLink: f.setUpLink}
	return f
}

func hashOK(hash string) error {
	if !strings.HasPrefix(hash, "$argon2id$") {
		return errors.New("unknown kind")
	}
	return nil
}

// setUpLink makes links as the command line does: not while one works.
func (f *fixture) setUpLink(ctx context.Context, tx *storage.Tx, userID string, now time.Time) (string, error) {
	if alive, err := tx.HasLink(ctx, "set-up", userID, now); alive || err != nil {
		return "", err
	}
	f.links++
	secret := storage.NewSecret()
	return "https://id.example.com/set-up?token=" + secret, tx.InsertLink(ctx, storage.Link{
		Hash: storage.Hash(secret), Purpose: "set-up", UserID: userID, CreatedAt: now, ExpiresAt: now.Add(2 * time.Hour),
	})
}

func (f *fixture) try(yaml string) (apply.Report, error) {
	file, err := apply.Parse(strings.NewReader(yaml), "setup.yaml")
	if err != nil {
		return apply.Report{}, err
	}
	return apply.Apply(f.Context(), f.db, file, f.opts)
}

// apply applies a file and returns what was printed.
func (f *fixture) apply(yaml string) string {
	f.Helper()
	report, err := f.try(yaml)
	if err != nil {
		f.Fatal(err)
	}
	return printed(f, report)
}

func printed(t testing.TB, r apply.Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.Write(&b, false); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// refuse applies a file that must be refused with all of the texts, and change nothing.
func (f *fixture) refuse(yaml string, texts ...string) {
	f.Helper()
	before := f.dump()
	_, err := f.try(yaml)
	if _, ok := errors.AsType[*apply.Problems](err); !ok {
		f.Fatalf("not refused: %v", err)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			f.Errorf("%v\nwant %q", err, text)
		}
	}
	if after := f.dump(); after != before {
		f.Errorf("refused and yet changed:\n%s\n%s", before, after)
	}
}

func (f *fixture) user(email string) *storage.User {
	f.Helper()
	u, err := f.db.UserByEmail(f.Context(), email)
	if err != nil {
		f.Fatal(err)
	}
	return u
}

func (f *fixture) client(id string) *storage.Client {
	f.Helper()
	c, err := f.db.Client(f.Context(), id)
	if err != nil {
		f.Fatal(err)
	}
	return c
}

func (f *fixture) write(fn func(*storage.Tx) error) {
	f.Helper()
	if err := f.db.Write(f.Context(), fn); err != nil {
		f.Fatal(err)
	}
}

// rows reads with a connection of its own.
func (f *fixture) rows(query string) string {
	f.Helper()
	driver, source := "pgx", f.url
	if path, ok := strings.CutPrefix(f.url, "sqlite:"); ok {
		driver, source = "sqlite", "file:"+path+"?mode=ro"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		f.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(query)
	if err != nil {
		f.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		f.Fatal(err)
	}
	var b strings.Builder
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		targets := make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			f.Fatal(err)
		}
		for _, v := range values {
			b.WriteString(v.String + "|")
		}
		b.WriteByte('\n')
	}
	if err := rows.Err(); err != nil {
		f.Fatal(err)
	}
	return b.String()
}

// dump is all that apply may write, as it lies in the database.
func (f *fixture) dump() string {
	f.Helper()
	var b strings.Builder
	for _, table := range []string{"generation", "orgs", "clients", "users", "links", "audit", "outbox", "sessions", "grants"} {
		b.WriteString(table + "\n" + f.rows("SELECT * FROM "+table+" ORDER BY 1"))
	}
	return b.String()
}

// sign gives a person a session and a living grant of each product.
func (f *fixture) sign(email string, products ...string) (sessionID string) {
	f.Helper()
	u := f.user(email)
	sessionID = storage.NewID()
	f.write(func(tx *storage.Tx) error {
		err := tx.InsertSession(f.Context(), storage.Session{
			ID: sessionID, SecretHash: storage.Hash(sessionID), UserID: u.ID, CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(time.Hour),
		})
		for _, product := range products {
			code := storage.Hash(product + sessionID)
			if err == nil {
				err = tx.InsertGrant(f.Context(), storage.Grant{
					ID: product + ":" + sessionID, ClientID: product, UserID: u.ID, SessionID: sessionID, Scope: "openid", CodeHash: code,
					CodeExpiresAt: now.Add(time.Minute), Details: []byte("{}"), Offline: true, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
				})
			}
			if err == nil {
				_, err = tx.SpendCode(f.Context(), code, product, now)
			}
		}
		return err
	})
	return sessionID
}

// stands says whether a session runs, and which of its grants live.
func (f *fixture) stands(sessionID string, products ...string) string {
	f.Helper()
	var alive []string
	if _, err := f.db.SignedIn(f.Context(), storage.Hash(sessionID), "", time.Hour, now.Add(time.Second)); err == nil {
		alive = append(alive, "session")
	} else if !errors.Is(err, storage.ErrNotFound) {
		f.Fatal(err)
	}
	for _, product := range products {
		st, err := f.db.Standing(f.Context(), product+":"+sessionID, now.Add(time.Second))
		if err == nil && st.Grant.RevokedAt.IsZero() {
			alive = append(alive, product)
		} else if err != nil && !errors.Is(err, storage.ErrNotFound) {
			f.Fatal(err)
		}
	}
	return strings.Join(alive, " ")
}

// told delivers the waiting back-channel logouts and returns whom they are for.
func (f *fixture) told() string {
	f.Helper()
	var all []string
	_, err := f.db.Deliver(f.Context(), storage.OutgoingLogout, time.Hour, func() time.Time { return now.Add(time.Second) },
		func(_ context.Context, m *storage.Outgoing) error { all = append(all, m.Target); return nil })
	if err != nil {
		f.Fatal(err)
	}
	return strings.Join(all, " ")
}
