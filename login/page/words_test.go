package page_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/login/page"
)

func TestText(t *testing.T) {
	r := mustRenderer(t)
	at := time.Date(2026, time.March, 3, 16, 5, 0, 0, time.FixedZone("CET", 3600))
	for _, c := range []struct {
		lang string
		text page.Text
		want string
	}{
		{"en", page.Say("problem.code_wrong", "TriesLeft", 4), "That code didn't match. Check that your phone sets its clock by itself, then enter the newest code. 4 tries left."},
		{"en", page.Say("code.tries_left", "TriesLeft", 1), "1 try left."},
		{"en", page.Say("code.tries_left", "TriesLeft", int64(1)), "1 try left."},
		{"de", page.Say("code.tries_left", "TriesLeft", 1), "Noch 1 Versuch."},
		{"de", page.Say("code.tries_left", "TriesLeft", 0), "Noch 0 Versuche."},
		{"en", page.Say("problem.too_many_tries", "Until", at), "Too many tries. Try again after 15:05 UTC."},
		{"en", page.Say("code.until", "Until", at.Add(9*time.Second)), "It works until 15:05:09 UTC."},
		{"de", page.Say("why.until", "Until", at), "Sie können das bis zum 3. März 2026 aufschieben."},
		{"en", page.Say("why.until", "Until", at), "You can put this off until 3 March 2026."},
		{"en", page.Say("account.since", "At", at), "Signed in 3 March 2026, 15:05 UTC"},
		{"en", page.Say("reason.company", "Company", "Ann & <Bob> **Ltd**"), "Ann & <Bob> **Ltd** requires two-step verification."},
		{"de", page.Say("activity.sign_in.failed", "Method", page.Say("method.totp")), "Eine Anmeldung ist fehlgeschlagen (Authenticator-Code)"},
		{"en", page.Say("activity.sign_in.failed"), "A sign-in failed"},
		{"en", page.Say("activity.moon.risen"), "Something else (moon.risen)"},
		{"xx", page.Say("page.cancel"), "Cancel"},
	} {
		if got := r.Text(c.lang, c.text); got != c.want {
			t.Errorf("%s %v:\n got %q\nwant %q", c.lang, c.text, got, c.want)
		}
	}
}

// A mistake of ours in words is logged and never empties a page.
func TestTextMistakes(t *testing.T) {
	r := mustRenderer(t)
	log := listen(t)
	if got := r.Text("en", page.Say("no.such")); got != "no.such" || !strings.Contains(log.String(), "no such message") {
		t.Errorf("unknown id: %q, logged %q", got, log)
	}
	log.Reset()
	if got := r.Text("en", page.Say("reason.company")); got != " requires two-step verification." || !strings.Contains(log.String(), "missing=Company") {
		t.Errorf("missing value: %q, logged %q", got, log)
	}
}

func TestLanguage(t *testing.T) {
	r := mustRenderer(t)
	if got := r.Languages(); !slices.Equal(got, []string{"en", "de"}) {
		t.Fatalf("languages %q", got)
	}
	for _, c := range []struct {
		locales          []string
		personal, accept string
		want             string
	}{
		{nil, "", "", "en"},
		{nil, "", "de-CH,de;q=0.9,en;q=0.5", "de"},
		{nil, "", "fr, de;q=0.3", "de"},
		{nil, "", "fr", "en"},
		{nil, "de", "en", "de"},
		{nil, "fr", "de", "de"},
		{[]string{"en-GB"}, "de", "de", "en"},
		{[]string{"fr", "de"}, "en", "en", "de"},
		{[]string{"fr"}, "de", "en", "de"},
		{[]string{"???", "de"}, "", "", "de"},
		{nil, "???", "de", "de"},
		{nil, "", "de;q=x;;", "en"},
		{nil, "", strings.Repeat("de-", 5000), "en"},
	} {
		if got := r.Language(c.locales, c.personal, c.accept); got != c.want {
			t.Errorf("Language(%q, %q, %.30q) = %q, want %q", c.locales, c.personal, c.accept, got, c.want)
		}
	}
}
