package server_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
)

// Backup codes in the numbers and the mode that a company chooses.

func TestBackupCodesMade(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		r := rp(t, d, first)
		for i, n := range []int{10, 5, 1} {
			email := []string{ana, ben, mia}[i]
			rule(t, d, fmt.Sprintf("staff: {mode: required}, backup_codes: %d", n))
			p := visitor(t).Go(r.AuthorizeURL(nil))
			key, codes := enrol(t, d, signIn(p, email))
			if len(codes) != n || len(slices.Compact(slices.Sorted(slices.Values(codes)))) != n {
				t.Fatalf("%d codes: %q", n, codes)
			}
			left := func(want int) {
				t.Helper()
				got, made, err := d.DB.BackupCodes(t.Context(), idOf(t, d, email))
				if err != nil || got != want || made != n {
					t.Errorf("%d of %d left, want %d of %d: %v", got, made, want, n, err)
				}
			}
			left(n)
			d.Clock.Advance(time.Minute)
			choose(signIn(p, email), "/login/backup-code")
			// As people write them down.
			enter(p, strings.ToUpper(strings.ReplaceAll(codes[n-1], "-", " ")))
			entered(t, p, r)
			left(n - 1)
			if subject := d.MailTo(t, email).Subject; subject != "A backup code was used to sign in" {
				t.Errorf("told %q", subject)
			}
			if n == 1 {
				if p = signIn(visitor(t).Go(r.AuthorizeURL(nil)), email).Follow("/login/choose"); p.Has("[href=/login/backup-code?r=" + p.URL.Query().Get("r") + "]") {
					t.Error("offered with none left")
				}
				continue
			}
			p = visitor(t).Go(r.AuthorizeURL(nil))
			choose(signIn(p, email), "/login/backup-code")
			enter(p, codes[n-1]).MustRead("not one of your backup codes") // spent
			left(n - 1)
			enter(p, codes[0])
			left(n - 2)
			// The account says how many are left.
			p.Go(d.URL + "/account").MustRead(fmt.Sprintf("%d of %d left", n-2, n))
			// The app is as it was: using a code turns nothing off.
			d.Clock.Advance(time.Minute)
			p = visitor(t).Go(r.AuthorizeURL(nil))
			enter(signIn(p, email).MustBeAt("/login/totp"), servertest.Code(t, key, d.Clock.Now()))
			entered(t, p, r)
		}
	})
}

// The one code of this mode takes the second steps away; nothing goes on
// before there is a new one.
func TestBackupCodeThatResets(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		rule(t, d, "staff: {mode: required}, backup_codes: 1, backup_code_resets: true")
		r := rp(t, d, first)
		give(t, d, ana, anApp, phoneOf(anaPhone))
		code := backupCodes(t, d, ana, 1)[0]
		p := visitor(t).Go(r.AuthorizeURL(nil))
		choose(signIn(p, ana), "/login/backup-code")
		enter(p, code).MustBeAt("/login/why").MustRead("You signed in with your backup code, which removed your second steps.")
		if p.Has("[name=later]") {
			t.Errorf("it can be put off: %s", p.Text())
		}
		factors, err := d.DB.Factors(t.Context(), idOf(t, d, ana))
		if left, _, _ := d.DB.BackupCodes(t.Context(), idOf(t, d, ana)); err != nil || len(factors) != 0 || left != 0 {
			t.Errorf("%d factors and %d codes left, %v", len(factors), left, err)
		}
		if subject := d.MailTo(t, ana).Subject; subject != "A backup code removed your second steps" {
			t.Errorf("told %q", subject)
		}
		mustOnlySetUp(t, d, p, r)

		p.Submit(map[string]string{"set_up": "1"}).Submit(map[string]string{"method": "sms"})
		if byText(t, d, p, benPhone).MustBeAt("/login/backup-codes"); !strings.Contains(p.Text(), "Using it removes your second steps") {
			t.Errorf("the page doesn't say what the code does: %s", p.Text())
		}
		codes := saved(t, p)
		if len(codes) != 1 || codes[0] == code {
			t.Fatalf("new codes %q", codes)
		}
		d.Clock.Advance(time.Minute)
		signIn(p, ana).MustBeAt("/login/text-message")
		if claims := entered(t, enter(p, d.Phone.Code(t, benPhone)), r); claims["acr"] != acr2FA {
			t.Errorf("acr %v", claims["acr"])
		}
		// The code before is spent; the new one does the same again.
		d.Clock.Advance(time.Minute)
		p = visitor(t).Go(r.AuthorizeURL(nil))
		choose(signIn(p, ana), "/login/backup-code")
		enter(p, code).MustRead("not one of your backup codes")
		enter(p, codes[0]).MustBeAt("/login/why")
	})
}

// mustOnlySetUp fails unless a person at the why-page can do nothing but set
// up, in this browser.
func mustOnlySetUp(t *testing.T, d *servertest.Demo, p *servertest.Person, r *servertest.RP) {
	t.Helper()
	at := p.URL.String()
	request := p.URL.Query().Get("r")
	for _, path := range []string{"/login", "/login/totp", "/login/consent", "/login/account", "/login/choose", "/login/backup-code", "/login/recovery-code", "/login/backup-codes", "/login/password", "/login/set-up/code", "/authorize/continue"} {
		p.Go(d.URL + path + "?r=" + request)
		if p.URL.Path != "/login/why" || answeredWithCode(p) {
			t.Errorf("%s led to %s:\n%s", path, p.URL, p.Text())
		}
	}
	for _, pressed := range []string{"later", "not_now", "skip"} {
		p.Go(at)
		p.Post(at, url.Values{"form_token": {fieldOf(t, p, "form_token")}, pressed: {"1"}}).MustBeAt("/login/why")
	}
	for _, path := range []string{"/account", "/account/set-up", "/account/backup-codes", "/account/password", "/account/email"} {
		if p.Go(d.URL + path); strings.HasPrefix(p.URL.Path, "/account") {
			t.Errorf("%s is open: %s", path, p.Text())
		}
	}
	for _, more := range []url.Values{nil, {"prompt": {"none"}}, {"prompt": {"consent"}}, {"acr_values": {acr1FA}}, {"response_type": {"none"}}} {
		for _, client := range []string{first, third, elliptic} {
			if p.Go(rp(t, d, client).AuthorizeURL(more)); answeredWithCode(p) || p.URL.Host == "rp.example" && p.URL.Query().Get("error") == "" {
				t.Errorf("%s %v: %s", client, more, p.URL)
			}
		}
	}
	p.Go(at).MustBeAt("/login/why")
}

func answeredWithCode(p *servertest.Person) bool { return p.URL.Query().Has("code") }

// A session that runs in this browser is no way round it, nor one elsewhere.
func TestBackupCodeThatResetsInAStepUp(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		rule(t, d, "staff: {mode: required}, backup_codes: 1, backup_code_resets: true")
		r := rp(t, d, first)
		give(t, d, ana, anApp)
		code := backupCodes(t, d, ana, 1)[0]
		in := func() *servertest.Person {
			d.Clock.Advance(time.Minute)
			p := visitor(t).Go(r.AuthorizeURL(nil))
			enter(signIn(p, ana).MustBeAt("/login/totp"), appCode(t, d))
			entered(t, p, r)
			return p
		}
		elsewhere, here := in(), in()
		d.Clock.Advance(10 * time.Minute)
		here.Go(r.AuthorizeURL(essential(`"mfa_time":{"essential":true,"max_age":300}`)))
		// The session ended with the factors, so the password comes first.
		enter(choose(here, "/login/backup-code"), code).MustBeAt("/login/password")
		signIn(here, ana).MustBeAt("/login/why")
		mustOnlySetUp(t, d, here, r)
		elsewhere.Go(r.AuthorizeURL(nil)).MustBeAt("/login/password")
	})
}
