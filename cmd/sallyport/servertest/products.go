package servertest

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/storage"
)

// Demo is a provider with the demo's people and its two products.
type Demo struct {
	*Instance
	Dashboard, Remote string
}

// StartDemo runs what `sallyport demo` runs, with a clock the test sets.
func StartDemo(t testing.TB, engine string, options ...string) *Demo {
	t.Helper()
	d := &Demo{Instance: Start(t, engine, options...)}
	// The products' addresses must be known before the products are made.
	board, control := new(later), new(later)
	d.Dashboard, d.Remote = Serve(t, board), Serve(t, control)
	product := demo.Product{Issuer: d.URL, Clock: d.Clock.Now}
	b, c := product, product
	b.ClientID, b.ClientSecret, b.BaseURL, b.OtherURL = demo.DashboardID, demo.DashboardSecret, d.Dashboard, d.Remote
	c.ClientID, c.ClientSecret, c.BaseURL, c.OtherURL = demo.RemoteID, demo.RemoteSecret, d.Remote, d.Dashboard
	board.set(demo.NewDashboard(b))
	control.set(demo.NewRemoteControl(c, demo.Machines))
	d.Apply(demo.Declaration(d.Dashboard, d.Remote, storage.Hash))
	return d
}

// later is a handler that is made after its address is known.
type later struct {
	mu sync.Mutex
	h  http.Handler
}

func (l *later) set(h http.Handler) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.h = h
}

func (l *later) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	h := l.h
	l.mu.Unlock()
	h.ServeHTTP(w, r)
}

// Code is what an authenticator app with a key shows at a time.
func Code(t testing.TB, key string, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCode(strings.ReplaceAll(key, " ", ""), at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}
