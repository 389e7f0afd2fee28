package server_test

import (
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// What was made for one use, presented by fifty callers at once over HTTP.

// happened counts what the audit of a database has of an event that went well.
func happened(t testing.TB, audit *sql.DB, event string) (n int) {
	t.Helper()
	if err := audit.QueryRow(`SELECT COUNT(*) FROM audit WHERE result = 'ok' AND event = '` + event + `'`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// withAudit runs a test on both engines, with the extras, and with the database
// as one would find it.
func withAudit(t *testing.T, test func(t *testing.T, d *servertest.Demo, audit *sql.DB)) {
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			databaseURL := storagetest.URL(t, engine)
			driver, source := "pgx", databaseURL
			if path, isSQLite := strings.CutPrefix(databaseURL, "sqlite:"); isSQLite {
				driver, source = "sqlite", "file:"+path+"?_pragma=busy_timeout(10000)"
			}
			d := open(t, databaseURL)
			audit, err := sql.Open(driver, source)
			if err != nil {
				t.Fatal(err)
			}
			defer audit.Close()
			test(t, d, audit)
		})
	}
}

// open is a provider with the demo's people and the extras on a database of its
// own. The demo's products are registered and not running.
func open(t testing.TB, databaseURL string) *servertest.Demo {
	t.Helper()
	d := &servertest.Demo{
		Instance:  servertest.StartOn(t, storagetest.Open(t, databaseURL, storage.Options{})),
		Dashboard: "http://localhost:1", Remote: "http://localhost:2",
	}
	declare(t, d, demo.Declaration(d.Dashboard, d.Remote, storage.Hash))
	register(t, d)
	return d
}

// noFailures fails where a reply is neither a page nor a redirect.
func noFailures(t testing.TB, round int, replies []reply) {
	t.Helper()
	for _, r := range replies {
		if r.status != http.StatusSeeOther && r.status != http.StatusOK && r.status != http.StatusUnprocessableEntity && r.status != http.StatusGone {
			t.Errorf("round %d: %d %s", round, r.status, r.body)
		}
	}
}

// A code that was sent proves once, in two tabs or fifty.
func TestConcurrentSentCodes(t *testing.T) {
	withAudit(t, func(t *testing.T, d *servertest.Demo, audit *sql.DB) {
		give(t, d, ana, phoneOf(anaPhone), mailFactor(ana))
		user, c, b := idOf(t, d, ana), newCrowd(t), browsers(t, 1)
		for path, code := range map[string]func() string{
			"/login/text-message": func() string { return d.Phone.Code(t, anaPhone) },
			"/login/email-code":   func() string { return newest(t, d, ana, aCode) },
		} {
			event := map[string]string{"/login/text-message": "proof.sms", "/login/email-code": "proof.email"}[path]
			was := happened(t, audit, event)
			for round := range rounds {
				d.Clock.Advance(13 * time.Hour)
				b[0].begin(t, d)
				provePassword(t, d, b, user)
				p := servertest.NewPerson(t)
				p.Client().Jar = b[0].jar
				p.Go(d.URL + path + "?r=" + b[0].request).MustBeAt(path)
				form := url.Values{"code": {code()}, "form_token": {b[0].formToken}}
				replies := c.send(callers, func(int) *http.Request { return request(t, b[0].jar, p.URL.String(), form) })
				noFailures(t, round, replies)
				if n := happened(t, audit, event); n != was+round+1 {
					t.Fatalf("%s, round %d: proved %d times", path, round, n-was-round)
				}
			}
		}
	})
}

// A recovery code lets one sign-in pass, whichever browser is quickest.
func TestConcurrentRecoveryCode(t *testing.T) {
	withAudit(t, func(t *testing.T, d *servertest.Demo, audit *sql.DB) {
		give(t, d, ana, ofAna)
		user, c, all := idOf(t, d, ana), newCrowd(t), browsers(t, callers/2)
		for round := range rounds {
			d.Clock.Advance(13 * time.Hour)
			for _, b := range all {
				b.begin(t, d)
			}
			provePassword(t, d, all, user)
			code := recoveryCode(t, d, ana)
			replies := c.send(callers, func(i int) *http.Request {
				b := all[i/2]
				return request(t, b.jar, d.URL+"/login/recovery-code?r="+b.request, url.Values{"code": {code}, "form_token": {b.formToken}})
			})
			noFailures(t, round, replies)
			passed := 0
			for _, r := range c.send(len(all), func(i int) *http.Request {
				return request(t, all[i].jar, d.URL+"/login?r="+all[i].request, nil)
			}) {
				if strings.HasPrefix(r.to, "/login/why") {
					passed++
				}
			}
			if n := happened(t, audit, "recovery_code.used"); passed != 1 || n != round+1 {
				t.Fatalf("round %d: %d sign-ins passed, used %d times", round, passed, n-round)
			}
		}
	})
}

// A word gives its set-up one number, though fifty phones send it at once.
func TestConcurrentWord(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		rule(t, d, "staff: {mode: required}")
		c := newCrowd(t)
		for round := range rounds {
			d.Clock.Advance(61 * time.Minute) // a number may be sent ten codes an hour
			_, word := textUs(t, d, ana)
			messages := heldTexts(t, d, callers, word)
			for _, r := range c.send(callers, func(i int) *http.Request { return messages[i] }) {
				if r.status != http.StatusNoContent {
					t.Errorf("round %d: %d %s", round, r.status, r.body)
				}
			}
			d.Delivered()
			if n := len(d.Phone.All()); n != round+1 {
				t.Fatalf("round %d: %d codes were sent", round, n-round)
			}
		}
	})
}

// heldTexts are what the gateway would send for texts of one word from many
// numbers.
func heldTexts(t *testing.T, d *servertest.Demo, n int, word string) (messages []*http.Request) {
	t.Helper()
	between := servertest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := new(strings.Builder)
		if _, err := io.Copy(body, r.Body); err != nil {
			t.Error(err)
		}
		req, err := http.NewRequest(http.MethodPost, d.URL+r.URL.Path, strings.NewReader(body.String()))
		if err != nil {
			t.Error(err)
			return
		}
		req.Header = r.Header.Clone()
		messages = append(messages, req)
	}))
	for i := range n {
		d.Phone.Send(t, &servertest.Instance{URL: between, Clock: d.Clock}, fmt.Sprintf("+4179%07d", 5000000+i), word)
	}
	return messages
}

// A set-up link opens one set-up.
func TestConcurrentSetUpLink(t *testing.T) {
	withAudit(t, func(t *testing.T, d *servertest.Demo, audit *sql.DB) {
		id, c := idOf(t, d, ana), newCrowd(t)
		h := inAccount(t, d, ana)
		for round := range rounds {
			link := mailLink(t, d, id, kind{purpose: notify.LinkTwoStep, path: "/account/two-step/link", lifetime: time.Hour})
			_, token, _ := strings.Cut(link, "?token=")
			form := url.Values{"token": {token}, "form_token": {h.token}}
			noFailures(t, round, c.send(callers, func(int) *http.Request { return request(t, h.Client().Jar, d.URL+"/account/two-step/link", form) }))
			if n := happened(t, audit, "set_up_link.used"); n != round+1 {
				t.Fatalf("round %d: used %d times", round, n-round)
			}
		}
	})
}
