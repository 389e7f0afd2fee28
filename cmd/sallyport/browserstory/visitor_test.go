package browserstory

import (
	"encoding/base32"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/browsertest"
	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/storage"
)

// visitor is a person at a tab.
type visitor struct {
	*browsertest.Page
	t     *testing.T
	s     *stage
	email string
	// scripts is false for a browser that runs none.
	scripts bool
	// key is in their authenticator app, codes are the backup codes they saved.
	key   string
	codes []string
}

// visitor is a person with a browser of their own, so far without a cookie.
func (s *stage) visitor(t *testing.T, email string) *visitor {
	t.Helper()
	return (&visitor{Page: s.browser.Incognito(t), t: t, s: s, email: email, scripts: true}).watched()
}

// withoutScripts turns scripts off, from the next page on.
func (v *visitor) withoutScripts() *visitor {
	v.t.Helper()
	v.scripts = false
	v.NoJavaScript()
	return v
}

// tab opens another tab of the same person.
func (v *visitor) tab() *visitor {
	v.t.Helper()
	other := *v
	other.Page = v.NewTab()
	if !v.scripts {
		other.NoJavaScript()
	}
	return other.watched()
}

// answered is how the browser reports a page that came with an error status,
// which is no complaint about the page. The addresses are those of documents
// and of the demo's own polling.
var answered = regexp.MustCompile(`^network: Failed to load resource: the server responded with a status of 4\d\d \([\w ]+\) http://localhost:\d+/(login|account|console|device|set-up|forgot|link|authorize|logout|callback|machines|sessions|no/such/page|$)`)

// watched fails the test should a page have complained until its end.
func (v *visitor) watched() *visitor {
	v.t.Cleanup(func() {
		if v.t.Failed() {
			return // that may be why
		}
		for _, line := range v.Complaints() {
			if !answered.MatchString(line) {
				v.t.Errorf("the browser complains: %s", line)
			}
		}
	})
	return v
}

// at waits for a page of the provider.
func (v *visitor) at(path string) *visitor {
	v.t.Helper()
	v.WaitURL(v.s.URL + path)
	if u, err := url.Parse(v.URL()); err != nil || u.Path != path {
		v.t.Fatalf("at %s, not at %s", v.URL(), path)
	}
	return v
}

// reads waits for words.
func (v *visitor) reads(words ...string) *visitor {
	v.t.Helper()
	for _, w := range words {
		v.WaitText(w)
	}
	return v
}

// says fails the test unless an element says something.
func (v *visitor) says(css, words string) *visitor {
	v.t.Helper()
	if got := v.Text(css); !strings.Contains(got, words) {
		v.t.Fatalf("%s says %q, not %q", css, got, words)
	}
	return v
}

// path is the path and query of the address.
func (v *visitor) path() string {
	v.t.Helper()
	u, err := url.Parse(v.URL())
	if err != nil {
		v.t.Fatal(err)
	}
	return u.RequestURI()
}

// press presses the main button of the page.
func (v *visitor) press() *visitor {
	v.t.Helper()
	v.Click("main .primary")
	return v
}

// toDashboard begins to sign in to the dashboard.
func (v *visitor) toDashboard() *visitor {
	v.t.Helper()
	v.Go(v.s.Dashboard)
	v.Click("#sign-in")
	return v
}

// toMachine asks the remote-control product for a session on a machine, after
// signing in to that product where it takes no question.
func (v *visitor) toMachine(machine string) *visitor {
	v.t.Helper()
	v.Go(v.s.Remote)
	if v.Has("#sign-in") {
		v.Click("#sign-in")
	}
	v.Click("#start-" + machine)
	return v
}

// password answers the password page.
func (v *visitor) password() *visitor {
	v.t.Helper()
	return v.passwordIs(demo.Password)
}

// passwordIs sends a password, and the address unless the page knows it.
func (v *visitor) passwordIs(password string) *visitor {
	v.t.Helper()
	v.at("/login/password")
	if !v.Has("#username[readonly]") {
		v.Fill("#username", v.email)
	}
	v.Fill("#password", password)
	return v.press()
}

// onDashboard is a person just signed in to the dashboard, with a code where
// that is asked for.
func (v *visitor) onDashboard() *visitor {
	v.t.Helper()
	v.toDashboard().password()
	if strings.HasPrefix(v.path(), "/login/totp") {
		v.enter(v.nextCode())
	}
	v.WaitURL(v.s.Dashboard)
	return v.reads("Hello, ")
}

// code is what the app shows now.
func (v *visitor) code() string { return servertest.Code(v.t, v.key, v.s.Clock.Now()) }

// nextCode waits for the app's next code.
func (v *visitor) nextCode() string {
	v.s.Clock.Advance(30 * time.Second)
	return v.code()
}

// wrongCode is six digits that the app shows neither now nor just before.
func (v *visitor) wrongCode() string {
	now := v.s.Clock.Now()
	for _, code := range []string{"000000", "111111", "222222"} {
		if code != servertest.Code(v.t, v.key, now) && code != servertest.Code(v.t, v.key, now.Add(-30*time.Second)) {
			return code
		}
	}
	panic("unreachable: two codes can't be three")
}

// enter sends a code.
func (v *visitor) enter(code string) *visitor {
	v.t.Helper()
	v.Fill("#code", code)
	return v.press()
}

// readKey takes the key from step 2 into the app.
func (v *visitor) readKey() *visitor {
	v.t.Helper()
	v.key = v.Text("#key")
	return v
}

// picks chooses what to set up, where there are several ways or one.
func (v *visitor) picks(method string) *visitor {
	v.t.Helper()
	v.Click(`[name="method"][value="` + method + `"]`)
	return v
}

// readCodes saves the backup codes on the page, which shows them when asked.
func (v *visitor) readCodes() *visitor {
	v.t.Helper()
	v.Click("details:not([open]) summary")
	v.codes = regexp.MustCompile(`[0-9a-z]{4}(?:-[0-9a-z]{4}){3}`).FindAllString(v.Text("#codes"), -1)
	if len(v.codes) == 0 {
		v.t.Fatalf("no backup codes in %q", v.Text("#codes"))
	}
	return v
}

// saves reads the backup codes of the page and goes on.
func (v *visitor) saves() *visitor {
	v.t.Helper()
	v.says("h1", "Save your backup code").readCodes()
	v.Check("#saved")
	return v.press()
}

// setUp goes from the why-page through the four steps.
func (v *visitor) setUp() *visitor {
	v.t.Helper()
	v.at("/login/why").press()
	return v.steps()
}

// steps are the four steps.
func (v *visitor) steps() *visitor {
	v.t.Helper()
	v.at("/login/set-up").picks("totp")
	v.at("/login/set-up/scan").readKey().press()
	v.at("/login/set-up/code").enter(v.code())
	return v.at("/login/backup-codes").saves()
}

// withApp is a new person who has set up an app and saved backup codes before
// they open their browser.
func (s *stage) withApp(t *testing.T, name string) *visitor {
	t.Helper()
	return s.visitor(t, s.join(name)).givenApp()
}

// givenApp sets up an app and backup codes behind the scenes.
func (v *visitor) givenApp() *visitor {
	t, s := v.t, v.s
	t.Helper()
	user, err := s.DB.UserByEmail(t.Context(), v.email)
	if err != nil {
		t.Fatal(err)
	}
	seed, now := []byte(fmt.Sprintf("%-20.20s", v.email)), s.Clock.Now()
	v.key = base32.StdEncoding.EncodeToString(seed)
	err = s.DB.Write(t.Context(), func(tx *storage.Tx) (err error) {
		f := storage.Factor{ID: storage.NewID(), UserID: user.ID, Kind: string(policy.TOTP), Secret: seed}
		if err := tx.InsertFactor(t.Context(), f, 0, now); err != nil {
			return err
		}
		if v.codes, err = (factor.Backup{}).Make(t.Context(), tx, user.ID, 10, now); err != nil {
			return err
		}
		return tx.SetTwoStep(t.Context(), user.ID, true, now)
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// elsewhere is a fresh browser of the same person, who keeps app and codes.
func (v *visitor) elsewhere() *visitor {
	v.t.Helper()
	other := v.s.visitor(v.t, v.email)
	other.key, other.codes = v.key, v.codes
	return other
}

// again is a fresh browser of the same person that goes to the dashboard
// with their password.
func (v *visitor) again() *visitor {
	v.t.Helper()
	return v.elsewhere().toDashboard().password()
}

// claims are those the dashboard got about the person who is on it.
func (v *visitor) claims() string {
	v.t.Helper()
	v.WaitURL(v.s.Dashboard)
	v.Click("#claims")
	return v.Text("#id-token-claims")
}

// clock is a time as pages show it.
func clock(at time.Time) string { return at.UTC().Format("15:04") + " UTC" }

// request is the id of the authorization request whose page this is.
func (v *visitor) request() string {
	v.t.Helper()
	u, err := url.Parse(v.URL())
	if err != nil || u.Query().Get("r") == "" {
		v.t.Fatalf("no page of a sign-in: %s, %v", v.URL(), err)
	}
	return u.Query().Get("r")
}

// toMachineSignedOut begins to sign in to the remote-control product.
func (v *visitor) toMachineSignedOut() *visitor {
	v.t.Helper()
	v.Go(v.s.Remote)
	v.Click("#sign-in")
	return v
}
