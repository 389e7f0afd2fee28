package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// operator runs commands on a database that a server has open.
type operator struct {
	*testing.T
	db      *storage.DB
	environ []string
	ana     string // id of ana@acme.example
}

const anasCompany = "companies: [{id: acme, name: Acme}]\npeople: [{email: ana@acme.example, company: acme}]\n" +
	"products: [{id: board, name: Board, auth_method: none, redirect_uris: [https://board.example/cb], backchannel_logout_uri: https://board.example/out}]\n"

func newOperator(t *testing.T) *operator {
	url := storagetest.URL(t, "sqlite")
	o := &operator{T: t, db: storagetest.Open(t, url, storage.Options{}), environ: []string{
		"SALLYPORT_DATABASE_URL=" + url, "SALLYPORT_MASTER_KEY=" + hex.EncodeToString(storagetest.Key),
	}}
	o.run(anasCompany, "apply", "-")
	u, err := o.db.UserByEmail(t.Context(), "ana@acme.example")
	if err != nil {
		t.Fatal(err)
	}
	o.ana = u.ID
	return o
}

// run runs a command and returns what it printed.
func (o *operator) run(stdin string, args ...string) string {
	o.Helper()
	var stdout, stderr bytes.Buffer
	if err := run(o.Context(), args, o.environ, strings.NewReader(stdin), &stdout, &stderr); err != nil {
		o.Fatalf("%s: %v\n%s", args, err, &stderr)
	}
	return stdout.String()
}

func (o *operator) write(fn func(*storage.Tx) error) {
	o.Helper()
	if err := o.db.Write(o.Context(), fn); err != nil {
		o.Fatal(err)
	}
}

// events are what happened to Ana, oldest first.
func (o *operator) events() []string {
	o.Helper()
	events, err := o.db.Activity(o.Context(), o.ana, 100)
	if err != nil {
		o.Fatal(err)
	}
	var names []string
	for _, e := range events {
		names = append(names, e.Event)
	}
	slices.Reverse(names)
	return names
}

func TestReset2FA(t *testing.T) {
	o, ctx, now := newOperator(t), t.Context(), present()
	lock := storage.Backoff{LockAfter: 1, Free: 10}
	o.write(func(tx *storage.Tx) error {
		_, err := tx.CountAttempt(ctx, factor.CounterPrefix(o.ana)+"totp", lock, now)
		return errors.Join(err,
			tx.InsertFactor(ctx, storage.Factor{ID: "f", UserID: o.ana, Kind: "totp", Secret: []byte("seed")}, 1, now),
			tx.ReplaceBackupCodes(ctx, o.ana, []string{"a", "b"}, now),
			tx.SetTwoStep(ctx, o.ana, true, now),
			tx.PutRecoveryCode(ctx, storage.RecoveryCode{UserID: o.ana, Hash: "r", IssuedBy: "olga", CreatedAt: now, ExpiresAt: now.Add(time.Hour)}),
			tx.InsertSession(ctx, storage.Session{ID: "s", SecretHash: "h", UserID: o.ana, CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(time.Hour)}),
			tx.InsertGrant(ctx, storage.Grant{
				ID: "g", ClientID: "board", UserID: o.ana, SessionID: "gone", Scope: "openid", CodeHash: "c", CodeExpiresAt: now.Add(time.Minute),
				Details: []byte("{}"), Offline: true, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
			}),
		)
	})
	if got := o.run("", "user", "reset-2fa", "ANA@acme.example"); !strings.HasPrefix(got, "ana@acme.example has no second factor any more (1 removed)") {
		t.Error(got)
	}
	person, err := o.db.Person(ctx, o.ana, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(person.Methods) > 0 || person.BackupCodesLeft > 0 || person.User.TwoStep {
		t.Errorf("left: %v, %d codes, two-step %v", person.Methods, person.BackupCodesLeft, person.User.TwoStep)
	}
	if _, err := o.db.SignedIn(ctx, "h", "", time.Hour, now.Add(time.Second)); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("the session runs: %v", err)
	}
	if st, err := o.db.Standing(ctx, "g", now); err != nil || st.Grant.RevokedAt.IsZero() {
		t.Errorf("the refresh family lives: %v", err)
	}
	if a, err := o.db.Attempts(ctx, factor.CounterPrefix(o.ana)+"totp", now); err != nil || a.Locked {
		t.Errorf("still locked: %+v, %v", a, err)
	}
	if err := o.db.Write(ctx, func(tx *storage.Tx) error { return tx.SpendRecoveryCode(ctx, o.ana, "r", now) }); !errors.Is(err, storage.ErrSpent) {
		t.Errorf("the recovery code works: %v", err)
	}
	if got := o.events(); !slices.Equal(got, []string{"person.added", "two_step.reset"}) {
		t.Errorf("audit: %s", got)
	}
	var mails []string
	_, err = o.db.Deliver(ctx, storage.OutgoingMail, time.Hour, func() time.Time { return now.Add(time.Minute) }, func(_ context.Context, m *storage.Outgoing) error {
		mails = append(mails, m.Target+" "+string(m.Body))
		return nil
	})
	if err != nil || len(mails) != 1 || !strings.Contains(mails[0], `{"to":"ana@acme.example"`) || !strings.Contains(mails[0], "Two-step verification was turned off") || !strings.Contains(mails[0], "http://localhost:8080/link?token=") {
		t.Errorf("mails %q, %v", mails, err)
	}
}

func TestUnlock(t *testing.T) {
	o, ctx, now := newOperator(t), t.Context(), present()
	counters := []string{factor.CounterPrefix(o.ana) + "totp", factor.PasswordCounterPrefix("ana@acme.example") + ":192.0.2.0/24"}
	others := []string{factor.CounterPrefix("somebody") + "totp", factor.PasswordCounterPrefix("bo@acme.example") + ":192.0.2.0/24"}
	o.write(func(tx *storage.Tx) error {
		var all error
		for _, id := range slices.Concat(counters, others) {
			_, err := tx.CountAttempt(ctx, id, storage.Backoff{LockAfter: 1}, now)
			all = errors.Join(all, err)
		}
		return errors.Join(all, tx.InsertFactor(ctx, storage.Factor{ID: "f", UserID: o.ana, Kind: "totp", Secret: []byte("seed")}, 1, now))
	})
	if got := o.run("", "user", "unlock", "ana@acme.example"); strings.Contains(got, "change") {
		t.Errorf("nothing was stopped: %s", got)
	}
	for id, locked := range map[string]bool{counters[0]: false, counters[1]: false, others[0]: true, others[1]: true} {
		if a, err := o.db.Attempts(ctx, id, now); err != nil || a.Locked != locked {
			t.Errorf("%s: %+v, %v", id, a, err)
		}
	}
	if factors, err := o.db.Factors(ctx, o.ana); err != nil || len(factors) != 1 {
		t.Errorf("%d factors, %v", len(factors), err)
	}
	if got := o.events(); !slices.Equal(got, []string{"person.added", "person.unlocked"}) {
		t.Errorf("audit: %s", got)
	}
}

// What "This wasn't me" had stopped goes on.
func TestUnlockChanges(t *testing.T) {
	o := newOperator(t)
	o.write(func(tx *storage.Tx) error { return tx.LockChanges(t.Context(), o.ana, present()) })
	if got := o.run("", "user", "unlock", "ana@acme.example"); !strings.Contains(got, "they can change again how they sign in") {
		t.Error(got)
	}
	if u, err := o.db.User(t.Context(), o.ana); err != nil || !u.ChangesLockedAt.IsZero() {
		t.Errorf("locked since %s, %v", u.ChangesLockedAt, err)
	}
	if got := o.events(); !slices.Contains(got, "person.unlocked") || !slices.Contains(got, "changes.unlocked") {
		t.Errorf("audit: %s", got)
	}
}

// A code made by a command works once, in place of the one before; the person
// and all owners are told.
func TestRecoveryCodeByCommand(t *testing.T) {
	o, ctx := newOperator(t), t.Context()
	o.run("people: [{email: olga@acme.example, company: acme, role: owner}, {email: bo@acme.example, company: acme}]", "apply", "-")
	code := func() string {
		var answer struct {
			Email string    `json:"email"`
			Code  string    `json:"recovery_code"`
			Until time.Time `json:"until"`
		}
		if err := json.Unmarshal([]byte(o.run("", "user", "recovery-code", "ANA@acme.example", "--json")), &answer); err != nil {
			t.Fatal(err)
		}
		if left := answer.Until.Sub(present()); answer.Email != "ana@acme.example" || left > time.Hour || left < 59*time.Minute {
			t.Errorf("%+v", answer)
		}
		return answer.Code
	}
	first, second := code(), code()
	for _, try := range []struct {
		code string
		want factor.Outcome
	}{{first, factor.Wrong}, {second, factor.Accepted}, {second, factor.Wrong}} {
		o.write(func(tx *storage.Tx) error {
			got, err := factor.Recovery{}.Check(ctx, tx, factor.Entry{UserID: o.ana, Code: try.code, At: present()})
			if got != try.want {
				t.Errorf("%s: %v, want %v", try.code, got, try.want)
			}
			return err
		})
	}
	if got := o.events(); !slices.Equal(got, []string{"person.added", "recovery_code.issued", "recovery_code.issued"}) {
		t.Errorf("audit: %s", got)
	}
	told := map[string]int{}
	_, err := o.db.Deliver(ctx, storage.OutgoingMail, time.Hour, func() time.Time { return present().Add(time.Minute) }, func(_ context.Context, m *storage.Outgoing) error {
		to, _, _ := strings.Cut(string(m.Body), `","subject"`)
		told[strings.TrimPrefix(to, `{"to":"`)]++
		if strings.Contains(string(m.Body), first) || strings.Contains(string(m.Body), second) {
			t.Errorf("a code is in a mail: %s", m.Body)
		}
		return nil
	})
	if err != nil || len(told) != 2 || told["ana@acme.example"] != 2 || told["olga@acme.example"] != 2 {
		t.Errorf("told %v, %v", told, err)
	}
}

// A link made by a command works in the server, and voids the one before.
func TestSetupLink(t *testing.T) {
	o := newOperator(t)
	link := func() (hash string) {
		var answer struct {
			Link string `json:"set_up_link"`
		}
		if err := json.Unmarshal([]byte(o.run("", "user", "setup-link", "ana@acme.example", "--json")), &answer); err != nil {
			t.Fatal(err)
		}
		_, token, _ := strings.Cut(answer.Link, "/set-up?token=")
		return storage.Hash(token)
	}
	first, second := link(), link()
	if _, err := o.db.Link(t.Context(), first); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("the first one: %v", err)
	}
	l, err := o.db.Link(t.Context(), second)
	if err != nil || l.UserID != o.ana || l.ExpiresAt.Sub(l.CreatedAt) != 2*time.Hour {
		t.Errorf("%+v, %v", l, err)
	}
	if got := o.events(); !slices.Equal(got, []string{"person.added", "link.made", "link.made"}) {
		t.Errorf("audit: %s", got)
	}
}

// A secret that a command rotated is the one that counts, and no other is kept.
func TestRotatedSecret(t *testing.T) {
	o := newOperator(t)
	var made, rotated struct {
		Secret string `json:"client_secret"`
	}
	if err := json.Unmarshal([]byte(o.run("", "client", "create", "shop", "--redirect-uri", "https://shop.example/cb", "--json")), &made); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(o.run("", "client", "rotate-secret", "shop", "--json")), &rotated); err != nil {
		t.Fatal(err)
	}
	c, err := o.db.Client(t.Context(), "shop")
	if err != nil || made.Secret == rotated.Secret || c.SecretHash != storage.Hash(rotated.Secret) || c.IDTokenAlg != "ES256" {
		t.Errorf("%+v, %v", c, err)
	}
}
