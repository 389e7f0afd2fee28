package browserstory

import (
	"net/http"
	"net/url"
	"testing"
)

// nothing is a product of which only the address matters.
var nothing = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write([]byte(`<!doctype html><html lang=en><title>Back</title><link rel=icon href=data:,><h1>Back</h1>`))
})

// A person sees to which products they gave access, and takes it back.
func TestConsents(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		p := s.thirdParty(t, "shift-planner", "")
		ana := s.visitor(t, "ana@acme.example").begin(p, nil)
		ana.password().at("/login/consent").ClickText("Allow")
		status, tokens := p.Exchange(ana.got(p, "GET", ""), nil)
		if status != http.StatusOK {
			t.Fatalf("no tokens: %d %v", status, tokens)
		}
		if _, answer := p.Post("/introspect", url.Values{"token": {tokens.String("access_token")}}); answer["active"] != true {
			t.Fatalf("the token doesn't work: %v", answer)
		}
		ana.Go(s.URL + "/account")
		const card = `[aria-labelledby="consents"]`
		ana.says(card, "Shift Planner").says(card, "See your e-mail address")
		ana.Click(card + " button")
		ana.at("/account").reads("Access withdrawn from Shift Planner")
		if ana.Has(card) {
			t.Errorf("it reads %s", ana.Text(card))
		}
		if status, answer := p.Post("/introspect", url.Values{"token": {tokens.String("access_token")}}); status != http.StatusOK || answer["active"] != false {
			t.Errorf("the token still works: %d %v", status, answer)
		}
		ana.begin(p, nil).at("/login/consent").says("h1", "Allow Shift Planner?")
	})
}
