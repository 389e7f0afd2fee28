package browserstory

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/storage"
)

// Every page of the console fits a small phone and says nothing on the browser's
// console, in both languages, and there is a picture of it.
func TestEveryConsolePage(t *testing.T) {
	complaints := listen(t)
	for _, language := range []string{"en", "de"} {
		t.Run(language, func(t *testing.T) {
			walkConsole(t, newStage(t, "sqlite"), language, func(name string, v *visitor) {
				t.Helper()
				name = "console-" + name + "-" + language
				if got := v.Attr("html", "lang"); got != language {
					t.Errorf("%s speaks %q", name, got)
				}
				v.Width(320)
				if wide := v.tooWide(); len(wide) > 0 {
					t.Errorf("%s is wider than 320 px: %q", name, wide)
				}
				v.Screenshot(name + "-320")
				v.Width(1280)
				v.Screenshot(name)
			})
		})
	}
	complaints.expects(t, "nobody has this number")
	complaints.none(t)
}

// expects takes away the lines that have some words, of which there must be one.
func (l *defaultLog) expects(t *testing.T, words string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	all := slices.Collect(strings.Lines(l.text.String()))
	rest := slices.DeleteFunc(slices.Clone(all), func(line string) bool { return strings.Contains(line, words) })
	if len(rest) == len(all) {
		t.Errorf("nothing logged says %q: %q", words, all)
	}
	l.text.Reset()
	l.text.WriteString(strings.Join(rest, ""))
}

// speaks has the visitor's browser ask for a language.
func (v *visitor) speaks(language string) *visitor {
	v.t.Helper()
	_, err := chromedp.Call(v.Context(), network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": language}})
	if err != nil {
		v.t.Fatal(err)
	}
	return v
}

// walkConsole goes to every page of the console, in the states it can be in,
// and has see look at each. It reads no words, so that it goes in any language.
func walkConsole(t *testing.T, s *stage, language string, see func(name string, v *visitor)) {
	walkFew(t, s, language, see)
	s.crowd(t)
	olga := s.visitor(t, "olga@acme.example").speaks(language).givenApp().onConsole()
	walkPeople(olga, see)
	walkPerson(olga, see)
	walkMany(olga, see)
	walkRules(olga, see)
	walkClients(olga, see)
	walkAudit(olga, see)
	walkInstance(s.visitor(t, "otto@sallyport.example").speaks(language).givenApp(), see)
	walkShut(t, s, language, see)
}

// walkFew is a small company whose owner has the staff use two-step verification:
// the pictures of the README.
func walkFew(t *testing.T, s *stage, language string, see func(string, *visitor)) {
	s.Apply(`companies: [{id: quay, name: Quay}]
people:
- {email: ona@quay.example, company: quay, name: Ona Moreau, role: owner, email_verified: true, password_hash: "` + passwordHash() + `"}
- {email: adam@quay.example, company: quay, name: Adam Fischer, role: administrator, email_verified: true}
- {email: mia@quay.example, company: quay, name: Mia Brandt, email_verified: true, password_hash: "` + passwordHash() + `"}
- {email: noah@quay.example, company: quay, name: Noah Lang, email_verified: true}
- {email: lea@quay.example, company: quay, name: Lea Rossi}
- {email: finn@fleet.example, company: quay, name: Finn Okoye, kind: client, email_verified: true}
`)
	s.visitor(t, "mia@quay.example").givenApp().onDashboard()
	ona := s.visitor(t, "ona@quay.example").speaks(language).givenApp().onConsole()
	ona.to("requirements").Fill("#staff_mode", "required")
	ona.press().Text("#mail")
	see("few-requirements", ona)
	ona.press().to("people")
	see("few-people", ona)
}

func walkPeople(v *visitor, see func(string, *visitor)) {
	see("people", v)
	v.Click(`.filter a[href*="two_factor=on"]`)
	see("people-on", v)
	v.Fill("#q", "nobody of this name")
	v.Submit(".search")
	see("people-none", v)
	v.to("people", "new")
	see("person-new", v)
	v.fills(map[string]string{"email": "not an address", "phone": "079"})
	v.press()
	see("person-new-wrong", v)
	v.fills(map[string]string{"email": "nora@acme.example", "name": "Nora Neu", "phone": "+41 79 555 01 02"})
	v.Check("#two_step")
	v.press().Text(".notice")
	see("person-invited", v)
}

func walkPerson(v *visitor, see func(string, *visitor)) {
	lou := v.s.withApp(v.t, "Lou")
	id := lou.user().ID
	lou.onDashboard()
	v.s.Clock.Advance(6 * time.Minute)
	v.to("people", id)
	see("person", v)
	v.Go(v.s.URL + v.console("people", id, "edit"))
	v.proves().in("people", id, "edit")
	see("person-edit", v)
	for _, deed := range []string{"reset", "turn-off", "unlock", "disable", "delete", "recovery"} {
		v.to("people", id, deed)
		see("person-"+deed, v)
	}
	v.press().Text("#recovery-code")
	see("recovery-code", v)
	v.s.Clock.Advance(6 * time.Minute)
	v.Go(v.s.URL + "/console/confirm")
	v.proves().at("/console/confirm")
	see("confirmed", v)
	v.to("people", id, "disable")
	v.press().Text(".notice")
	see("person-disabled", v)
}

func walkMany(v *visitor, see func(string, *visitor)) {
	for _, action := range []string{"require", "lift", "remind", "confirm"} {
		v.to("people")
		for _, i := range []int{1, 3, 7, 8} {
			v.Check(`[name="person"][value="` + v.s.crowded(v.t, i).ID + `"]`)
		}
		v.Click(`.bulk [value="` + action + `"]`)
		see("bulk-"+action, v)
	}
	v.press().Text(".notice")
	see("bulk-done", v)
	v.to("people").Click(`.bulk [value="require"]`)
	see("bulk-nobody", v)

	v.to("people", "import")
	see("import", v)
	v.press()
	see("import-empty", v)
	v.Fill("#csv", "email,name,kind\nzoe@acme.example,Zoe,staff\nnot an address,Yan,visitor\n")
	v.press()
	see("import-wrong", v)
	v.to("people", "import").Fill("#csv", "email,name\nzoe@acme.example,Zoe\nana@acme.example,Ana Anders\n")
	v.press()
	see("import-preview", v)
}

func walkRules(v *visitor, see func(string, *visitor)) {
	v.to("requirements")
	see("requirements", v)
	v.fills(map[string]string{"staff_grace": "soon", "network_mode": "everywhere_except", "network_ranges": "203.0.113.0/33"})
	v.press()
	see("requirements-wrong", v)
	v.fills(map[string]string{"staff_mode": "required", "staff_grace": "", "network_ranges": "203.0.113.0/24"})
	v.press().Text("#mail")
	see("requirements-preview", v)
	v.press()
	see("requirements-task", v)
	v.to("requirements").fills(map[string]string{"test_person": crowdEmail(5), "test_product": "dashboard", "test_from": "198.51.100.7"})
	v.Submit("#test form")
	see("requirements-test", v)

	v.to("networks")
	see("networks", v)
	v.Fill("#sign_in_from", "everywhere")
	v.press()
	see("networks-wrong", v)
	v.Fill("#sign_in_from", "203.0.113.0/24 # the office")
	v.press()
	see("networks-locked-out", v)
	v.to("networks").fills(map[string]string{"sign_in_from": "127.0.0.0/8", "machines": "192.0.2.0/24"})
	v.press()
	see("networks-preview", v)
	v.to("networks").Fill("#test_from", "203.0.113.9")
	v.Submit("#test form")
	see("networks-test", v)
	v.to("products")
	see("company-products", v)
}

func walkClients(v *visitor, see func(string, *visitor)) {
	v.to("api-clients")
	see("api-clients-none", v)
	v.to("api-clients", "new")
	see("api-client-new", v)
	v.press()
	see("api-client-wrong", v)
	v.Fill("#name", "Staff directory")
	v.Check("#scopes")
	v.press().Text("#secret")
	see("api-client-secret", v)
	v.press().in("api-clients")
	v.Click("details.more summary")
	see("api-clients", v)
	v.Click(`details .danger`)
	see("api-client-delete", v)
}

func walkAudit(v *visitor, see func(string, *visitor)) {
	v.to("audit")
	see("audit", v)
	v.fills(map[string]string{"person": "nobody", "from": "2026-03-02", "until": "2026-03-01"})
	v.Submit(".audit-filter")
	see("audit-wrong", v)
	v.to("audit").Fill("#person", "lou@acme.example")
	v.Submit(".audit-filter")
	see("audit-person", v)
}

// walkInstance is the operator's pages.
func walkInstance(v *visitor, see func(string, *visitor)) {
	v.s.undeliverable(v.t)
	v.onConsole()
	visit := func(path string) *visitor { v.t.Helper(); v.Go(v.s.URL + path); return v.at(path) }
	visit("/console/companies")
	see("companies", v)
	visit("/console/companies/new")
	see("company-new", v)
	v.press()
	see("company-wrong", v)
	v.fills(map[string]string{"name": "North", "id": "north", "owner": "nils@north.example"})
	v.press().at("/console/companies")
	see("company-added", v)
	visit("/console/companies/north/edit")
	see("company-edit", v)
	visit("/console/products")
	see("products", v)
	visit("/console/products/new")
	see("product-new", v)
	v.Fill("#redirect_uris", "app.example/callback")
	v.press()
	see("product-wrong", v)
	v.fills(map[string]string{"name": "Shift planner", "id": "shift-planner", "redirect_uris": "https://shifts.example/callback", "roles": "planner", "role_name-0": "Planner"})
	v.press().Text("#secret")
	see("product-secret", v)
	v.Click("details.snippet summary")
	see("product", v)
	visit("/console/products/shift-planner/edit")
	see("product-edit", v)
	visit("/console/products/shift-planner/delete")
	see("product-delete", v)
	visit("/console/keys")
	see("keys", v)
	visit("/console/keys/rotate")
	see("keys-rotate", v)
	visit("/console/keys/leaked")
	see("keys-leaked", v)
	visit("/console/delivery").Text(`[action$="/retry"]`)
	see("delivery", v)
	v.Submit(`[action$="/delivery/test"]`)
	see("delivery-tested", v)
	visit("/console/audit")
	see("all-audit", v)
}

// undeliverable leaves a text message behind that was given up. It is for later
// than now, so that the provider's own round doesn't send it.
func (s *stage) undeliverable(t *testing.T) {
	t.Helper()
	later := s.Clock.Now().Add(time.Hour)
	err := s.DB.Write(t.Context(), func(tx *storage.Tx) error {
		return tx.Queue(t.Context(), storage.OutgoingText, "+••• •• 42", notify.Text{To: "+41790000042", Body: "Hello"}, later)
	})
	if err == nil {
		_, err = s.DB.Deliver(t.Context(), storage.OutgoingText, time.Hour, func() time.Time { return later }, func(context.Context, *storage.Outgoing) error {
			return fmt.Errorf("%w: nobody has this number", storage.ErrUndeliverable)
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// walkShut is what people see who may do less.
func walkShut(t *testing.T, s *stage, language string, see func(string, *visitor)) {
	adam := s.visitor(t, "adam@acme.example").speaks(language).givenApp().onConsole()
	adam.Go(s.URL + adam.console("api-clients"))
	see("administrator-api-clients", adam)
	adam.Go(s.URL + "/console/companies/globex/people")
	see("not-found", adam)
	olga := (&visitor{t: t, s: s, email: "olga@acme.example"}).user().ID
	adam.Go(s.URL + adam.console("people", olga))
	see("administrator-owner", adam)
	adam.Go(s.URL + adam.console("people", olga, "delete"))
	see("refused", adam)
	ana := s.visitor(t, "ana@acme.example").speaks(language).givenApp()
	ana.Go(s.URL + "/console")
	ana.password().at("/login/totp").enter(ana.nextCode())
	see("member", ana)
	if !strings.HasPrefix(ana.path(), "/console") {
		t.Errorf("at %s", ana.path())
	}
}
