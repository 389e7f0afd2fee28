// Package servertest starts a whole provider for a test, on a real database
// and a real listener, with a clock the test sets, and gives it people who use
// it without a browser.
package servertest

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/server"
	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// Instance is a running provider.
type Instance struct {
	// URL is the issuer.
	URL   string
	DB    *storage.DB
	Clock *Clock
	// Server, for what runs in the background: a test calls it when it wants.
	Server *server.Server
	// Log is everything that was logged.
	Log *Log
	// Mail is everything that was sent.
	Mail *Mailbox
	// Phone takes text messages and sends them.
	Phone *Phone

	t testing.TB
}

// Start runs a provider on a new database of an engine, with options such as
// protocol-require-dpop-nonce=true. Background work runs too, by the real clock.
func Start(t testing.TB, engine string, options ...string) *Instance {
	t.Helper()
	return StartOn(t, storagetest.Open(t, storagetest.URL(t, engine), storage.Options{}), options...)
}

// StartOn runs a provider on a database.
func StartOn(t testing.TB, db *storage.DB, options ...string) *Instance {
	t.Helper()
	l := Listen(t)
	i := &Instance{URL: "http://" + l.Addr().String(), DB: db, Clock: NewClock(), Log: new(Log), Mail: new(Mailbox), t: t}
	i.URL = strings.Replace(i.URL, "127.0.0.1", "localhost", 1)
	i.Phone = newPhone(t)
	i.Phone.deliver = func(t testing.TB) { t.Helper(); i.deliver(t, storage.OutgoingText) }
	flags := map[string]string{
		"issuer": i.URL, "product-name": "Sallyport test", "outbound-allow-private": "true", "limits-exempt-networks": "127.0.0.0/8,::1/128",
		"text-webhook-url": i.Phone.url, "text-number": Number,
	}
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		flags[name] = value
	}
	conf, err := config.Load(config.Sources{Environ: []string{"SALLYPORT_TEXT_WEBHOOK_SECRET=" + i.Phone.secret}, Flags: flags})
	if err != nil {
		t.Fatal(err)
	}
	i.Server, err = server.New(t.Context(), server.Options{
		Config: conf, DB: db, Now: i.Clock.Now, Mail: i.Mail, Log: server.NewLogger(i.Log, slog.LevelDebug, "text"),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := i.Server.Listen(ctx, l, "", ""); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	return i
}

// Listen takes a free port on loopback.
func Listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Serve runs another handler on a free port, until the end of the test, and
// returns its address.
func Serve(t testing.TB, h http.Handler) string {
	t.Helper()
	l := Listen(t)
	s := server.NewHTTP(h)
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return strings.Replace("http://"+l.Addr().String(), "127.0.0.1", "localhost", 1)
}

// Apply brings the database to a declared state.
func (i *Instance) Apply(yaml string) {
	i.t.Helper()
	f, err := apply.Parse(strings.NewReader(yaml), "test.yaml")
	if err == nil {
		_, err = apply.Apply(i.t.Context(), i.DB, f, apply.Options{Now: i.Clock.Now()})
	}
	if err != nil {
		i.t.Fatal(err)
	}
}

// Delivered delivers all that is queued: mails, text messages and logouts. What
// a carrier refused stays queued for its next try, so move the clock first: what
// isn't due for long fails the test.
func (i *Instance) Delivered() {
	i.t.Helper()
	i.deliver(i.t, storage.OutgoingLogout, storage.OutgoingMail, storage.OutgoingText)
}

// patience is for what other workers have in hand, in real time.
const patience = 30 * time.Second

// deliver is Delivered for some kinds.
func (i *Instance) deliver(t testing.TB, kinds ...string) {
	t.Helper()
	ctx := t.Context()
	late, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		_, err := i.Server.DeliverLogouts(ctx)
		if err == nil {
			_, err = i.Server.DeliverMessages(ctx)
		}
		var outbox []*storage.Waiting
		if err == nil {
			outbox, err = i.DB.Outbox(ctx)
		}
		waits := slices.IndexFunc(outbox, func(w *storage.Waiting) bool { return w.Queued > 0 && slices.Contains(kinds, w.Kind) })
		switch {
		case err != nil:
			t.Fatalf("deliver %v: %v", kinds, err)
		case waits < 0:
			return
		case late.Err() != nil:
			w := outbox[waits]
			t.Fatalf("%d of kind %s are still queued; the last error was: %s", w.Queued, w.Kind, w.LastError)
		}
		runtime.Gosched() // the server's own round has it in hand
	}
}

// CodeTo is the code in the newest mail to an address.
func (i *Instance) CodeTo(t testing.TB, address string) string {
	t.Helper()
	mails := i.MailsTo(t, address)
	for _, m := range slices.Backward(mails) { // notices may come in between
		if code := regexp.MustCompile(`\b[0-9]{6}\b`).FindString(m.Body); code != "" {
			return code
		}
	}
	t.Fatalf("no code in %d mails to %s", len(mails), address)
	return ""
}

// Clock is a clock that stands still until a test moves it.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock starts at the present second.
func NewClock() *Clock { return &Clock{now: time.Now().UTC().Truncate(time.Second)} }

// Now is the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock forward.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Log keeps what was logged.
type Log struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is all of it.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Mailbox keeps what was sent.
type Mailbox struct {
	mu    sync.Mutex
	mails []notify.Mail
}

// Send implements notify.Sender.
func (m *Mailbox) Send(_ context.Context, mail notify.Mail) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mails = append(m.mails, mail)
	return nil
}

// All returns what was sent so far.
func (m *Mailbox) All() []notify.Mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]notify.Mail(nil), m.mails...)
}
