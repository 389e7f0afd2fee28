package browserstory

import (
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
)

// The operator registers a product that people then sign in to, and lets a new
// company in.
func TestOperator(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		otto := s.visitor(t, "otto@sallyport.example").givenApp().onConsole()
		t.Run("a product", func(t *testing.T) { registers(t, s, otto) })
		t.Run("a company", func(t *testing.T) { newCompany(t, s, otto) })
	})
}

func registers(t *testing.T, s *stage, otto *visitor) {
	site := servertest.Serve(t, nothing)
	otto.Click(`nav [href="/console/products"]`)
	otto.at("/console/products").ClickText("New product")
	otto.at("/console/products/new").fills(map[string]string{"name": "Shift planner", "id": "shifts", "redirect_uris": "shifts.example/callback"})
	otto.press().says("#redirect_uris-problem", "This one isn't: shifts.example/callback")
	if title := otto.Title(); !strings.HasPrefix(title, "Error:") {
		t.Errorf("the title is %q", title)
	}
	for id, want := range map[string]string{"name": "Shift planner", "id": "shifts", "redirect_uris": "shifts.example/callback"} {
		if got := strings.TrimSpace(otto.Value("#" + id)); got != want {
			t.Errorf("%s has become %q", id, got)
		}
	}
	otto.Fill("#redirect_uris", site+"/callback")
	otto.press().at("/console/products/shifts").says("h1", "Shift planner")
	secret := otto.Text("#secret")
	otto.Click("details.snippet summary")
	otto.says("details[open] code", s.URL).says("details[open] code", "shifts")
	otto.Reload()
	if otto.at("/console/products/shifts"); otto.Has("#secret") || strings.Contains(otto.Text("main"), secret) {
		t.Error("the secret is shown again")
	}

	// What was shown once works.
	p := servertest.NewRP(t, s.Instance, "shifts", secret, site+"/callback")
	ana := s.visitor(t, "ana@acme.example")
	ana.Go(p.AuthorizeURL(url.Values{"scope": {"openid"}}))
	ana.password().at("/login/consent").says("h1", "Allow Shift planner?").ClickText("Allow")
	ana.WaitURL(site + "/callback")
	back, err := url.Parse(ana.URL())
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := p.Exchange(back.Query().Get("code"), nil); status != 200 {
		t.Errorf("the secret isn't taken: %d %v", status, answer)
	}
}

func newCompany(t *testing.T, s *stage, otto *visitor) {
	const email = "nils@north.example"
	otto.Go(s.URL + "/console/companies")
	otto.ClickText("New company")
	otto.at("/console/companies/new").fills(map[string]string{"name": "North", "id": "acme", "owner": email})
	otto.press().says("#id-problem", "There is a company with this id already.")
	otto.Fill("#id", "north")
	otto.press().at("/console/companies").reads("North")

	nils := s.visitor(t, email)
	nils.Go(s.LinkTo(t, email))
	nils.at("/set-up").reads("For your account at North.")
	nils.Fill("#password", goodPassword)
	nils.Fill("#repeat", goodPassword)
	nils.press().passwordIs(goodPassword).at("/account").ClickText("To the console")
	nils.at("/login/why").reads("Sallyport test console requires two-step verification.").press()
	nils.steps().passwordIs(goodPassword).at("/login/totp").enter(nils.nextCode())
	nils.in("people").reads("1 person", email)
	nils.counts("role", "owner", 1).counts("two_factor", "on", 1)
	nils.Go(s.URL + "/console/companies")
	if words := nils.at("/console/companies").Text("main"); strings.Contains(words, "Globex") {
		t.Errorf("the owner of a company sees all of them: %s", words)
	}
	nils.Go(s.URL + "/console/companies/acme/people")
	nils.says("h1", "There is nothing here")
}
