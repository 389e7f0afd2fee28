package server_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/bench/load"
	"github.com/sallyport-id/sallyport/cmd/sallyport/server"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// Benchmarks of the hot paths, without sockets: what the provider itself
// costs. Several callers come at once, so that SQLite's writers share commits
// as they do in production. Run one of them with
//
//	go test ./cmd/sallyport/server -run '^$' -bench Refresh/sqlite -benchmem -cpuprofile cpu.out

// callersPerCore makes 8 callers on 2 cores.
const callersPerCore = 4

// direct calls a handler without a network.
type direct struct{ h http.Handler }

// Send implements load.Sender.
func (d direct) Send(r load.Request) (*load.Answer, error) {
	req := httptest.NewRequest(r.Method, r.Target, strings.NewReader(r.Form))
	for name, value := range map[string]string{"Authorization": r.Authorization, "Cookie": r.Cookie} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if r.Method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := &recorder{header: make(http.Header), status: http.StatusOK}
	d.h.ServeHTTP(w, req)
	a := &load.Answer{Status: w.status, Location: w.header.Get("Location"), Body: w.body.Bytes()}
	for _, line := range w.header["Set-Cookie"] {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			return nil, err
		}
		a.Cookies = append(a.Cookies, c)
	}
	return a, nil
}

// recorder is less than httptest's, which copies headers.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }

// benchmark is a provider with people and products on one engine.
type benchmark struct {
	*testing.B
	db     *storage.DB
	send   load.Sender
	issuer string
	now    func() time.Time
	// es256 and rs256 are products by their signature; refreshing gets refresh
	// tokens too, and ES256; machine acts for itself.
	es256, rs256, refreshing, machine *load.Product
	next                              atomic.Int64
}

const (
	benchmarkPeople   = 32
	benchmarkPassword = "quick as a door can be"
)

// eachEngine runs a benchmark on both engines.
func eachEngine(b *testing.B, run func(*benchmark)) {
	for _, engine := range storagetest.Engines {
		b.Run(engine, func(b *testing.B) { run(newBenchmark(b, engine)) })
	}
}

func newBenchmark(b *testing.B, engine string) *benchmark {
	b.Helper()
	// The clock stands, so that codes made beforehand don't expire.
	clock := servertest.NewClock()
	db := storagetest.Open(b, storagetest.URL(b, engine), storage.Options{})
	conf, err := config.Load(config.Sources{Flags: map[string]string{"limits-exempt-networks": "192.0.2.0/24"}}) // httptest's
	if err != nil {
		b.Fatal(err)
	}
	s, err := server.New(b.Context(), server.Options{Config: conf, DB: db, Now: clock.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	passwords := factor.NewPasswords()
	hash, err := passwords.Hash(b.Context(), benchmarkPassword)
	if err != nil {
		b.Fatal(err)
	}
	bm := &benchmark{B: b, db: db, send: direct{s.Handler()}, issuer: conf.Issuer, now: clock.Now}
	f := &apply.File{Companies: []apply.Company{apply.NewCompany()}}
	f.Companies[0].ID, f.Companies[0].Name = "acme", "Acme"
	for i := range benchmarkPeople {
		p := apply.NewPerson()
		p.Email, p.Company, p.PasswordHash = personEmail(i), "acme", apply.Secret(hash)
		p.Name, p.GivenName, p.FamilyName, p.EmailVerified, p.Phone = fmt.Sprintf("Person %d", i), "Person", fmt.Sprint(i), true, "+41791234567"
		f.People = append(f.People, p)
	}
	product := func(id, alg, scope string, grantTypes ...string) *load.Product {
		p := apply.NewProduct()
		p.ID, p.Name, p.IDTokenAlg, p.GrantTypes, p.FirstParty = id, id, alg, grantTypes, true
		secret, redirect := storage.NewSecret(), "https://"+id+".example/callback"
		p.SecretHash, p.RedirectURIs = apply.Secret(storage.Hash(secret)), []string{redirect}
		f.Products = append(f.Products, p)
		return load.NewProduct(id, secret, redirect, scope)
	}
	bm.es256 = product("es256", "ES256", "openid profile email", "authorization_code")
	bm.rs256 = product("rs256", "RS256", "openid profile email", "authorization_code")
	bm.refreshing = product("refreshing", "ES256", "openid profile email", "authorization_code", "refresh_token")
	machine, alone := apply.NewProduct(), storage.NewSecret()
	machine.ID, machine.Name, machine.SecretHash = "machine", "machine", apply.Secret(storage.Hash(alone))
	machine.Company, machine.GrantTypes, machine.Scopes = "acme", []string{"client_credentials"}, []string{"people:read"}
	f.Products = append(f.Products, machine)
	bm.machine = load.NewProduct("machine", alone, "", "")
	if _, err := apply.Apply(b.Context(), db, f, apply.Options{Now: clock.Now()}); err != nil {
		b.Fatal(err)
	}
	return bm
}

func personEmail(i int) string { return fmt.Sprintf("person%d@acme.example", i) }

// parallel runs an operation b.N times by several callers; each prepares what
// is its own outside of the measurement.
func (b *benchmark) parallel(prepare func() func() error) {
	b.Helper()
	callers := make(chan func() error, 64)
	for range cap(callers) {
		callers <- prepare()
	}
	var failed sync.Once
	b.SetParallelism(callersPerCore)
	b.ReportAllocs()
	before, used := b.db.Statements(), processorTime(b)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		call := <-callers
		for pb.Next() {
			if err := call(); err != nil {
				failed.Do(func() { b.Error(err) })
				return
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64(b.db.Statements()-before)/float64(b.N), "statements/op")
	b.ReportMetric(float64(processorTime(b)-used)/float64(b.N), "cpu-ns/op")
}

// processorTime is what this process has used of its processors so far. Where
// others work on the same machine it says more than the time that passed;
// PostgreSQL's own share is not in it.
func processorTime(b *benchmark) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// signedIn is a browser with a running session.
func (b *benchmark) signedIn() *load.Browser {
	b.Helper()
	browser := new(load.Browser)
	if _, err := browser.SignIn(b.send, b.es256, personEmail(0), benchmarkPassword); err != nil {
		b.Fatal(err)
	}
	return browser
}

// tokens are those of a product, with a code spent for them.
func (b *benchmark) tokens(p *load.Product, browser *load.Browser) load.Tokens {
	b.Helper()
	code, err := p.Authorize(b.send, browser)
	if err != nil {
		b.Fatal(err)
	}
	t, err := p.Exchange(b.send, code)
	if err != nil {
		b.Fatal(err)
	}
	return t
}

func BenchmarkAuthorize(b *testing.B) {
	eachEngine(b, func(b *benchmark) {
		browser := b.signedIn()
		b.parallel(func() func() error {
			return func() error { _, err := b.es256.Authorize(b.send, browser); return err }
		})
	})
}

func BenchmarkCodeExchange(b *testing.B) {
	eachEngine(b, func(b *benchmark) {
		browser := b.signedIn()
		codes := make(chan string, b.N)
		for range b.N {
			code, err := b.es256.Authorize(b.send, browser)
			if err != nil {
				b.Fatal(err)
			}
			codes <- code
		}
		b.parallel(func() func() error {
			return func() error { _, err := b.es256.Exchange(b.send, <-codes); return err }
		})
	})
}

func BenchmarkReauthorization(b *testing.B) {
	for _, alg := range []string{"ES256", "RS256"} {
		b.Run(alg, func(b *testing.B) {
			eachEngine(b, func(b *benchmark) {
				product := map[string]*load.Product{"ES256": b.es256, "RS256": b.rs256}[alg]
				browser := b.signedIn()
				b.parallel(func() func() error {
					return func() error {
						code, err := product.Authorize(b.send, browser)
						if err == nil {
							_, err = product.Exchange(b.send, code)
						}
						return err
					}
				})
			})
		})
	}
}

func BenchmarkRefresh(b *testing.B) {
	eachEngine(b, func(b *benchmark) {
		browser := b.signedIn()
		b.parallel(func() func() error {
			t := b.tokens(b.refreshing, browser)
			return func() (err error) { t, err = b.refreshing.Refresh(b.send, t.Refresh); return err }
		})
	})
}

func BenchmarkClientCredentials(b *testing.B) {
	eachEngine(b, func(b *benchmark) {
		b.parallel(func() func() error {
			return func() error { return b.machine.ByItself(b.send) }
		})
	})
}

func BenchmarkUserinfo(b *testing.B) {
	eachEngine(b, func(b *benchmark) {
		t := b.tokens(b.es256, b.signedIn())
		b.parallel(func() func() error {
			return func() error { return b.es256.Userinfo(b.send, t.Access) }
		})
	})
}

func BenchmarkIntrospect(b *testing.B) {
	eachEngine(b, func(b *benchmark) {
		t := b.tokens(b.es256, b.signedIn())
		b.parallel(func() func() error {
			return func() error { return b.es256.Introspect(b.send, t.Access) }
		})
	})
}

// BenchmarkSignIn is the whole first sign-in: six requests from the product to
// the password page and back, and the code's exchange.
func BenchmarkSignIn(b *testing.B) {
	eachEngine(b, func(b *benchmark) {
		b.parallel(func() func() error {
			email := personEmail(int(b.next.Add(1)) % benchmarkPeople)
			return func() error {
				code, err := new(load.Browser).SignIn(b.send, b.es256, email, benchmarkPassword)
				if err == nil {
					_, err = b.es256.Exchange(b.send, code)
				}
				return err
			}
		})
	})
}
