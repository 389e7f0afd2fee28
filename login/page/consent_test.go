package page_test

import (
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/login/page"
)

// What registered itself says of itself is repeated only where it is of the
// host that the answer goes to, and the page says that nobody has checked it.
func TestConsentVouchesForNobody(t *testing.T) {
	theirs := page.Consent{
		LogoURI: "https://bank.example/logo.svg", ClientURI: "https://bank.example/about",
		Contacts: []string{"help@bank.example", "me@other.example"}, PolicyURI: "https://bank.example/privacy",
	}
	for name, test := range map[string]struct {
		self       bool
		backTo     string
		logo, site bool
		contacts   int
	}{
		"the operator's":          {backTo: "app.example", logo: true, site: true, contacts: 2},
		"the operator's app":      {logo: true, site: true, contacts: 2},
		"itself, from elsewhere":  {self: true, backTo: "evil.example"},
		"itself, beside the host": {self: true, backTo: "bank.example.evil.example"},
		"itself, another port":    {self: true, backTo: "bank.example:8443"},
		"itself, a device or app": {self: true},
		"itself, from there":      {self: true, backTo: "Bank.example", logo: true, site: true, contacts: 1},
	} {
		t.Run(name, func(t *testing.T) {
			p := theirs
			p.SelfRegistered, p.BackTo = test.self, test.backTo
			if got := len(p.Reach()); (p.Logo() != "") != test.logo || (p.Site() != "") != test.site || got != test.contacts {
				t.Errorf("logo %q, site %q, contacts %q", p.Logo(), p.Site(), p.Reach())
			}
			_, doc := draw(t, mustRenderer(t), page.Frame{Product: "My Bank"}, p)
			if said := strings.Contains(render(doc), `id="unchecked"`); said != test.self {
				t.Errorf("says that nobody has checked it: %v", said)
			}
			if drawn := len(elements(doc, "img")) > 0; drawn != test.logo {
				t.Errorf("draws its logo: %v", drawn)
			}
		})
	}
	p := page.Consent{SelfRegistered: true, LogoURI: "https:///logo.svg", ClientURI: "https:///", Contacts: []string{"nobody"}}
	if p.Logo() != "" || p.Site() != "" || p.Reach() != nil {
		t.Errorf("shows %q, %q, %q of no host", p.Logo(), p.Site(), p.Reach())
	}
}

func TestDeviceConfirmMarksWhatRegisteredItself(t *testing.T) {
	for _, self := range []bool{false, true} {
		_, doc := draw(t, mustRenderer(t), page.Frame{Product: "My Bank"}, page.DeviceConfirm{Code: "WDJB-MJHT", SelfRegistered: self})
		if said := strings.Contains(render(doc), `id="unchecked"`); said != self {
			t.Errorf("registered itself %v, says so %v", self, said)
		}
	}
}
