package browserstory

import (
	"bytes"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/browsertest"
	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestMain(m *testing.M) { os.Exit(storagetest.Main(m)) }

// stage is the demo with a browser in front of it. Everybody on it has a
// browser profile of their own, and most tests have people of their own: what
// one of them sets up or gets wrong is no concern of the others.
type stage struct {
	*servertest.Demo
	engine  string
	browser *browsertest.Browser
}

// each runs a test on both engines at once, each with one browser. Tests that
// use it aren't parallel, so there are never more than two.
func each(t *testing.T, test func(t *testing.T, s *stage)) {
	complaints := listen(t)
	t.Run("engines", func(t *testing.T) {
		for _, engine := range storagetest.Engines {
			t.Run(engine, func(t *testing.T) {
				t.Parallel()
				test(t, newStage(t, engine))
			})
		}
	})
	complaints.none(t)
}

func newStage(t *testing.T, engine string) *stage {
	t.Helper()
	s := &stage{Demo: servertest.StartDemo(t, engine), engine: engine, browser: browsertest.New(t)}
	t.Cleanup(func() {
		for line := range strings.Lines(s.Log.String()) {
			if strings.Contains(line, "level=ERROR") {
				t.Errorf("the provider logged %s", line)
			}
		}
	})
	return s
}

// join gives Acme another person, who may start remote sessions and has the
// demo's password.
func (s *stage) join(name string) (email string) { return s.joinAt("acme", name) }

// joinAt gives a company another person, as join does.
func (s *stage) joinAt(company, name string) (email string) {
	email = strings.ToLower(name) + "@" + company + ".example"
	s.Apply(`people: [{email: ` + email + `, company: ` + company + `, name: ` + name + `, email_verified: true,
		roles: {remote-control: [remote-operator]}, password_hash: "` + passwordHash() + `"}]`)
	return email
}

// company is another one, with rules of its own, for joinAt.
func (s *stage) company(id, rules string) {
	s.Apply(`companies: [{id: ` + id + `, name: ` + strings.ToUpper(id[:1]) + id[1:] + `, rules: {` + rules + `}}]`)
}

// passwordHash is the demo's, for more people with its password.
func passwordHash() string {
	return regexp.MustCompile(`password_hash: (\S+)`).FindStringSubmatch(demo.Declaration("", "", storage.Hash))[1]
}

// defaultLog collects what is logged without a logger of one's own: words that
// lack something, and pages that can't be drawn.
type defaultLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *defaultLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func listen(t *testing.T) *defaultLog {
	l, before := new(defaultLog), slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelWarn})))
	t.Cleanup(func() { slog.SetDefault(before) })
	return l
}

func (l *defaultLog) none(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text.Len() > 0 {
		t.Errorf("logged: %s", &l.text)
	}
}
