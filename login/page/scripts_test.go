package page_test

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/sallyport-id/sallyport/login/page"
)

// find is the first element with an attribute, nil without one.
func find(doc *html.Node, attribute string) *html.Node {
	for _, n := range elements(doc) {
		if _, ok := attr(n, attribute); ok {
			return n
		}
	}
	return nil
}

// What webauthn.js needs is on the page, hidden until it is there.
func TestPasskeyForms(t *testing.T) {
	r := mustRenderer(t)
	passkey := page.Passkey{Options: "/options?r=1", Action: "/answer?r=1"}
	for _, c := range []struct {
		page        page.Page
		kind        string
		conditional bool
		noscript    bool
	}{
		{page.SignIn{Passkey: &passkey}, "get", true, false},
		{page.UseKey{Passkey: passkey}, "get", false, true},
		{page.SetUpKey{Passkey: passkey}, "create", false, true},
	} {
		_, doc := draw(t, r, page.Frame{FormToken: "token"}, c.page)
		block := find(doc, "data-passkey")
		if block == nil {
			t.Fatalf("%T: no block", c.page)
		}
		if _, hidden := attr(block, "hidden"); !hidden {
			t.Errorf("%T: shown without a script", c.page)
		}
		form := find(block, "data-webauthn")
		if form == nil || find(block, "data-webauthn-error") == nil {
			t.Fatalf("%T: no form, or no words for when it fails: %s", c.page, render(block))
		}
		kind, _ := attr(form, "data-webauthn")
		options, _ := attr(form, "data-options")
		action, _ := attr(form, "action")
		_, conditional := attr(form, "data-conditional")
		if kind != c.kind || options != passkey.Options || action != passkey.Action || conditional != c.conditional {
			t.Errorf("%T: %s", c.page, render(form))
		}
		if !strings.Contains(render(form), `<input type="hidden" name="credential"/>`) {
			t.Errorf("%T: no field for the answer", c.page)
		}
		if got := len(elements(doc, "noscript")) == 1; got != c.noscript {
			t.Errorf("%T: says that it needs scripts: %v", c.page, got)
		}
		if got := (find(doc, "data-webauthn-registered") != nil); got != (c.kind == "create") {
			t.Errorf("%T: words for a key that is there already: %v", c.page, got)
		}
		if got := strings.Count(render(doc), "/static/webauthn."); got != 1 {
			t.Errorf("%T: %d times webauthn.js", c.page, got)
		}
	}
	_, doc := draw(t, r, page.Frame{}, page.SignIn{})
	if find(doc, "data-passkey") != nil || strings.Contains(render(doc), "/static/webauthn.") {
		t.Error("passkeys on a page without them")
	}
}

// Without scripts the button for another code can be pressed at any time; with
// them it waits until the time it carries.
func TestResend(t *testing.T) {
	r := mustRenderer(t)
	at := time.Date(2026, time.March, 3, 16, 3, 30, 0, time.FixedZone("CET", 3600))
	for _, p := range []page.Page{
		page.Code{Method: "sms", Sent: &page.Sent{ResendAt: at}}, page.SetUpCode{Method: "email", Sent: &page.Sent{ResendAt: at}}, page.SetUpByEmail{ResendAt: at},
	} {
		_, doc := draw(t, r, page.Frame{}, p)
		button := find(doc, "data-resend-at")
		if button == nil {
			t.Fatalf("%T: no button", p)
		}
		when, _ := attr(button, "data-resend-at")
		name, _ := attr(button, "name")
		value, _ := attr(button, "value")
		if _, disabled := attr(button, "disabled"); disabled || when != "2026-03-03T15:03:30Z" || name != "resend" || value != "1" {
			t.Errorf("%T: %s", p, render(button))
		}
		if !strings.Contains(text(doc), "15:03:30 UTC") {
			t.Errorf("%T: doesn't say from when on", p)
		}
	}
	for _, p := range []page.Page{page.Code{Method: "totp"}, page.SetUpCode{}} {
		if _, doc := draw(t, r, page.Frame{}, p); strings.Contains(render(doc), `name="resend"`) {
			t.Errorf("%T: offers to send a code that isn't sent", p)
		}
	}
}

// How far a sent code is, and whether the page looks again by itself.
func TestSentCode(t *testing.T) {
	r := mustRenderer(t)
	until := time.Date(2026, time.March, 3, 15, 4, 30, 0, time.UTC)
	for _, c := range []struct {
		sent  page.Sent
		says  string
		looks bool
	}{
		{page.Sent{}, "It is on its way…", true},
		{page.Sent{Until: until}, "It works until 15:04:30 UTC.", false},
		{page.Sent{Failed: true}, "It could not be delivered. Have a new one sent, or confirm another way.", false},
		{page.Sent{Until: until, Failed: true}, "It could not be delivered. Have a new one sent, or confirm another way.", false},
	} {
		_, doc := draw(t, r, page.Frame{}, page.Code{Method: "sms", Target: "•••• 42", Sent: &c.sent})
		for _, n := range elements(doc, "p") {
			if id, _ := attr(n, "id"); id != "code-sent" {
				continue
			}
			if _, looks := attr(n, "data-refresh"); text(n) != c.says || looks != c.looks {
				t.Errorf("%+v: %q, looks again: %v", c.sent, text(n), looks)
			}
		}
		field := elements(doc, "input")[1]
		if described, _ := attr(field, "aria-describedby"); described != "code-hint code-sent" {
			t.Errorf("the field is described by %q", described)
		}
		if !strings.Contains(text(doc), "Enter the 6-digit code we sent to •••• 42.") {
			t.Error("doesn't say where it went")
		}
	}
}

// Codes are shown once asked for, by the browser alone.
func TestCodesAreHidden(t *testing.T) {
	_, doc := draw(t, mustRenderer(t), page.Frame{}, page.BackupCodes{Codes: []string{"7kqm-2x9d", "c5vb-8jzs"}})
	details := elements(doc, "details")
	if len(details) != 1 {
		t.Fatalf("%d details", len(details))
	}
	if _, open := attr(details[0], "open"); open {
		t.Error("shown at once")
	}
	if outside := strings.Count(render(doc), "7kqm-2x9d"); outside != 1 || !strings.Contains(render(details[0]), "7kqm-2x9d") {
		t.Errorf("a code stands %d times on the page", outside)
	}
}
