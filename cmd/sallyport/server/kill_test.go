package server_test

import (
	"bufio"
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// The server is killed while people sign in and set up their apps. Whatever
// was acknowledged to anybody before that is so afterwards: an app that was set
// up is set up, and a code that was redeemed is spent.
func TestKilledServerLosesNothing(t *testing.T) {
	const people, kills = 36, 3
	dir := t.TempDir()
	l := servertest.Listen(t)
	port := l.Addr().String()[strings.LastIndex(l.Addr().String(), ":")+1:]
	l.Close()
	s := &binary{
		path: filepath.Join(dir, "sallyport"), databaseURL: "sqlite:" + filepath.Join(dir, "sallyport.db"),
		issuer: "http://localhost:" + port, listen: "localhost:" + port,
	}
	build := exec.Command("go", "build", "-o", s.path, "github.com/sallyport-id/sallyport/cmd/sallyport")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	declarePeople(t, s.databaseURL, people)

	seen := &witness{}
	next := make(chan int, people)
	for n := range people {
		next <- n
	}
	close(next)
	for kill := range kills {
		s.start(t)
		enough := make(chan struct{})
		seen.expect((kill+1)*6, enough)
		var working sync.WaitGroup
		for range 4 {
			working.Go(func() {
				for n := range next {
					var gone sync.WaitGroup
					gone.Go(func() { live(givesUp{t, seen}, s, n, seen) })
					gone.Wait()
					select {
					case <-enough: // killed meanwhile, or about to be
						return
					default:
					}
				}
			})
		}
		left := make(chan struct{})
		go func() { working.Wait(); close(left) }()
		select {
		case <-enough:
		case <-left:
			t.Fatalf("everybody left before the server was killed; the last said: %s", seen.words())
		}
		s.kill(t)
		<-left
	}

	s.start(t)
	seen.mu.Lock()
	defer seen.mu.Unlock()
	t.Logf("%d apps set up and %d codes redeemed, acknowledged before %d kills", len(seen.enrolled), len(seen.redeemed), kills)
	if len(seen.redeemed) < 2*kills || len(seen.enrolled) < 6*kills {
		t.Fatal("too few to say anything")
	}
	i := s.instance()
	for _, e := range seen.enrolled {
		p := servertest.NewPerson(t, site)
		p.Go(servertest.NewRP(t, i, first, secret, site+"/callback").AuthorizeURL(nil))
		signIn(p, e.email).MustBeAt("/login/totp").Follow("/login/choose").Follow("/login/backup-code").Submit(map[string]string{"code": e.backup})
		if answered(t, p).Get("code") == "" {
			t.Errorf("%s can't sign in: %s", e.email, p.URL)
		}
	}
	for _, c := range seen.redeemed {
		// Its tokens stand until it is presented again: it is remembered as spent.
		if status, a := c.rp.Userinfo(c.access); status != 200 {
			t.Errorf("userinfo: %d %v", status, a)
		}
		status, a := c.rp.Exchange(c.code, nil) // its own way of failing is quiet
		mustRefuse(t, status, a, 400, "invalid_grant")
		if status, _ := c.rp.Userinfo(c.access); status != 401 {
			t.Errorf("a replayed code revoked nothing: userinfo %d", status)
		}
	}
	s.kill(t)
	db := storagetest.Open(t, s.databaseURL, storage.Options{})
	for _, e := range seen.enrolled {
		u, err := db.UserByEmail(t.Context(), e.email)
		if err != nil {
			t.Fatal(err)
		}
		factors, err := db.Factors(t.Context(), u.ID)
		if err != nil || len(factors) != 1 || !bytes.Equal(factors[0].Secret, e.seed(t)) {
			t.Errorf("%s: %d factors, %v", e.email, len(factors), err)
		}
	}
}

// declarePeople makes a database with products and people in it.
func declarePeople(t *testing.T, databaseURL string, n int) {
	t.Helper()
	if _, err := storage.Migrate(t.Context(), databaseURL, storage.Options{MasterKey: storagetest.Key}); err != nil {
		t.Fatal(err)
	}
	db, err := storage.Open(t.Context(), databaseURL, storage.Options{MasterKey: storagetest.Key})
	if err != nil {
		t.Fatal(err)
	}
	hash := regexp.MustCompile(`password_hash: (\S+)`).FindStringSubmatch(demo.Declaration("http://localhost:1", "http://localhost:2", storage.Hash))[1]
	var yaml strings.Builder
	fmt.Fprintf(&yaml, "companies: [{ id: acme, name: Acme }]\nproducts:\n")
	for _, p := range []string{"id: first, name: First", `id: strict, name: Strict, min_acr: "` + acr2FA + `"`} {
		fmt.Fprintf(&yaml, "  - { %s, first_party: true, secret_hash: %q, redirect_uris: [%q] }\n", p, storage.Hash(secret), site+"/callback")
	}
	yaml.WriteString("people:\n")
	for i := range n {
		fmt.Fprintf(&yaml, "  - { email: %s, company: acme, name: Somebody, password_hash: %q }\n", somebody(i), hash)
	}
	f, err := apply.Parse(strings.NewReader(yaml.String()), "people.yaml")
	if err == nil {
		_, err = apply.Apply(t.Context(), db, f, apply.Options{Now: time.Now()})
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func somebody(n int) string { return fmt.Sprintf("person%d@acme.example", n) }

// binary is the server as operators run it.
type binary struct {
	path, databaseURL, issuer, listen string
	running                           *exec.Cmd
}

// start returns once connections are accepted.
func (s *binary) start(t *testing.T) {
	t.Helper()
	s.running = exec.Command(s.path, "serve")
	s.running.Env = append(os.Environ(), "SALLYPORT_ISSUER="+s.issuer, "SALLYPORT_LISTEN="+s.listen, "SALLYPORT_DATABASE_URL="+s.databaseURL,
		"SALLYPORT_MASTER_KEY="+base64.StdEncoding.EncodeToString(storagetest.Key), "SALLYPORT_LIMITS_EXEMPT_NETWORKS=127.0.0.0/8,::1/128")
	log, err := s.running.StderrPipe()
	if err == nil {
		err = s.running.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.running.Process.Kill() })
	lines, said := bufio.NewScanner(log), ""
	for lines.Scan() {
		if strings.Contains(lines.Text(), "msg=serving") {
			go func() {
				for lines.Scan() { // a full pipe would hold the server up
				}
			}()
			return
		}
		said += lines.Text() + "\n"
	}
	t.Fatalf("the server doesn't start:\n%s", said)
}

// kill is kill -9.
func (s *binary) kill(t *testing.T) {
	t.Helper()
	if err := s.running.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	s.running.Wait() // its error is that it was killed
}

func (s *binary) instance() *servertest.Instance { return &servertest.Instance{URL: s.issuer} }

// witness remembers what people were told.
type witness struct {
	mu       sync.Mutex
	enrolled []enrolled
	redeemed []redeemed
	last     string
	want     int
	enough   chan struct{}
}

type enrolled struct{ email, key, backup string }

type redeemed struct {
	rp           *servertest.RP
	code, access string
}

func (e enrolled) seed(t testing.TB) []byte {
	t.Helper()
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(e.key)
	if err != nil {
		t.Fatal(err)
	}
	return seed
}

// expect closes enough once n apps were set up, and two codes redeemed for
// every six.
func (w *witness) expect(n int, enough chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.want, w.enough = n, enough
}

func (w *witness) note(do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	do()
	if w.enough != nil && len(w.enrolled) >= w.want && len(w.redeemed) >= w.want/3 {
		close(w.enough)
		w.enough = nil
	}
}

func (w *witness) words() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// givesUp is a test whose people leave without failing it when the server is
// gone. What they said last is kept.
type givesUp struct {
	testing.TB
	seen *witness
}

func (g givesUp) Fatal(why ...any) {
	g.seen.note(func() { g.seen.last = fmt.Sprint(why...) })
	runtime.Goexit()
}

func (g givesUp) Fatalf(format string, why ...any) { g.Fatal(fmt.Sprintf(format, why...)) }

// live is what one person does, until it is done or the server is gone.
func live(t testing.TB, s *binary, n int, seen *witness) {
	rp := servertest.NewRP(t, s.instance(), strict, secret, site+"/callback")
	p := servertest.NewPerson(t, site)
	p.Go(rp.AuthorizeURL(nil))
	signIn(p, somebody(n)).MustBeAt("/login/why").Submit(map[string]string{"set_up": "1"})
	p.MustBeAt("/login/set-up").Submit(map[string]string{"method": "totp"})
	e := enrolled{email: somebody(n), key: strings.ReplaceAll(p.MustBeAt("/login/set-up/scan").All("#key")[0], " ", "")}
	p.Follow("/login/set-up/code")
	// The step before is as good, and leaves this one for signing in.
	p.Submit(map[string]string{"code": servertest.Code(t, e.key, time.Now().Add(-totpStep))}).MustBeAt("/login/backup-codes")
	e.backup = p.All("code")[0]
	seen.note(func() { seen.enrolled = append(seen.enrolled, e) })
	p.Submit(map[string]string{"saved": "yes"})
	signIn(p, e.email).MustBeAt("/login/totp").Submit(map[string]string{"code": servertest.Code(t, e.key, time.Now())})
	code := answered(t, p).Get("code")
	status, a := rp.Exchange(code, nil)
	if status != 200 {
		t.Fatalf("%d", status)
	}
	seen.note(func() { seen.redeemed = append(seen.redeemed, redeemed{rp, code, a.String("access_token")}) })
}
