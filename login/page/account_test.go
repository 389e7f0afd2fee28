package page_test

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/sallyport-id/sallyport/login/page"
)

// offers are all methods that can be set up.
var offers = map[string]bool{"totp": true, "sms": true, "email": true, "webauthn": true}

// reached are the addresses of the account's links and forms, in order.
func reached(doc *html.Node) []string {
	var to []string
	for _, n := range elements(doc, "a", "form") {
		for _, name := range []string{"href", "action"} {
			if url, ok := attr(n, name); ok && (strings.HasPrefix(url, "/account") || url == "/console") {
				to = append(to, url)
			}
		}
	}
	return to
}

// What can be done with a factor is said by its address.
func TestAccountLeadsTo(t *testing.T) {
	r := mustRenderer(t)
	_, doc := draw(t, r, page.Frame{}, page.Account{
		Email: "ana@example.com", TwoStep: true, Offers: offers, Console: true, NetworkCheck: true,
		Apps: []page.Factor{{ID: "a1"}}, Keys: []page.Factor{{ID: "k1"}}, Texts: []page.Factor{{ID: "t1"}}, Mails: []page.Factor{{ID: "m1"}},
		Sessions: []page.Session{{ID: "s1"}},
	})
	want := []string{
		"/account/two-step",
		"/account/passkeys/k1/name", "/account/passkeys/k1/remove", "/account/passkeys/new",
		"/account/authenticators/a1/change", "/account/authenticators/a1/name", "/account/authenticators/a1/remove", "/account/authenticator",
		"/account/text-messages", "/account/text-messages/remove",
		"/account/email-codes/remove",
		"/account/backup-codes",
		"/account/password", "/account/email", "/account/email/confirm", "/account/network-check", "/console",
		"/account/language", "/account/sessions/end", "/account/sessions/end",
	}
	if got := reached(doc); !slices.Equal(got, want) {
		t.Errorf("leads to %q, want %q", got, want)
	}
}

// Nothing is offered that isn't there, and nothing can be changed after "This
// wasn't me" but where one is signed in.
func TestAccountWithholds(t *testing.T) {
	r := mustRenderer(t)
	for name, c := range map[string]struct {
		page page.Account
		want []string
	}{
		"new": {page.Account{Offers: offers, EmailVerified: true, NetworkCheck: true}, []string{
			"/account/two-step", "/account/passkeys/new", "/account/authenticator", "/account/text-messages", "/account/email-codes",
			"/account/password", "/account/email", "/account/language", "/account/sessions/end",
		}},
		"nothing offered": {page.Account{EmailVerified: true}, []string{"/account/two-step", "/account/password", "/account/email", "/account/language", "/account/sessions/end"}},
		"locked": {page.Account{
			Locked: true, Offers: offers, TwoStep: true, Console: true, NetworkCheck: true, BackupCodesMade: true,
			Apps: []page.Factor{{ID: "a1"}}, Keys: []page.Factor{{ID: "k1"}}, Texts: []page.Factor{{ID: "t1"}}, Mails: []page.Factor{{ID: "m1"}},
			Sessions: []page.Session{{ID: "s1"}},
		}, []string{"/console", "/account/language", "/account/sessions/end", "/account/sessions/end"}},
		"locked and new": {page.Account{Locked: true, Offers: offers}, []string{"/account/language", "/account/sessions/end"}},
	} {
		_, doc := draw(t, r, page.Frame{}, c.page)
		if got := reached(doc); !slices.Equal(got, c.want) {
			t.Errorf("%s: leads to %q, want %q", name, got, c.want)
		}
	}
}

// Three or fewer backup codes are few, unless there was never more than one.
func TestFewBackupCodes(t *testing.T) {
	r := mustRenderer(t)
	for _, c := range []struct {
		left, of int
		warned   string // the message that warns
	}{
		{10, 10, ""}, {4, 10, ""}, {3, 10, "account.codes_few"}, {1, 10, "account.codes_few"}, {0, 10, "account.codes_gone"},
		{5, 5, ""}, {3, 5, "account.codes_few"}, {1, 1, ""}, {0, 1, "account.codes_gone"},
	} {
		_, doc := draw(t, r, page.Frame{}, page.Account{BackupCodesMade: true, BackupCodesLeft: c.left, BackupCodesOf: c.of})
		words := text(doc)
		for _, id := range []string{"account.codes_few", "account.codes_gone"} {
			if got := strings.Contains(words, r.Text("en", page.Say(id))); got != (id == c.warned) {
				t.Errorf("%d of %d: says %s: %v", c.left, c.of, id, got)
			}
		}
		if want := r.Text("en", page.Say("account.codes_left", "Left", c.left, "Of", c.of)); !strings.Contains(words, want) {
			t.Errorf("%d of %d: doesn't say %q", c.left, c.of, want)
		}
	}
}

// The browser is told of the keys as a list that scripts can read.
func TestSignalKeys(t *testing.T) {
	r := mustRenderer(t)
	for want, keys := range map[string][]string{`["a2V5MQ","\"\u003e\u003cb\u003e"]`: {"a2V5MQ", `"><b>`}, `[]`: nil} {
		_, doc := draw(t, r, page.Frame{}, page.Account{SignalKeys: &page.SignalKeys{RPID: "login.example.com", UserID: "dXNlcg", Credentials: keys}})
		found := 0
		for _, n := range elements(doc, "div") {
			if got, ok := attr(n, "data-credentials"); ok {
				found++
				rp, _ := attr(n, "data-rp-id")
				user, _ := attr(n, "data-user-id")
				if _, hidden := attr(n, "hidden"); !hidden || got != want || rp != "login.example.com" || user != "dXNlcg" {
					t.Errorf("%s, want keys %s", render(n), want)
				}
			}
		}
		if found != 1 {
			t.Errorf("%d signals", found)
		}
	}
}
