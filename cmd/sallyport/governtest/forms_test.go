package governtest

import (
	"net/http"
	"testing"
)

// A form that another site sends, or that carries no token of the browser,
// changes nothing, whoever is signed in there.
func TestForeignForms(t *testing.T) {
	each(t, func(t *testing.T, w *world, company string, fresh bool) {
		if !fresh {
			return // they would be sent to prove a second factor
		}
		operator, owner := w.people[emails[company]["operator"]], w.people[emails[company]["owner"]]
		nobody := w.nobody()
		sent := 0
		for base, table := range map[string]string{"/console/companies/{company}": pagesOfCompanies, "/console": pagesOfTheInstance} {
			for _, p := range read(t, table) {
				s := owner
				if now(p.own["owner"], true) != "yes" {
					s = operator
				}
				for _, r := range p.rows {
					if r.method != http.MethodPost {
						continue
					}
					path, body := w.fill(base+r.path, company, s.id), w.fill(r.body, company, s.id)
					here, elsewhere := map[string]string{"Origin": w.URL}, map[string]string{"Origin": "https://elsewhere.example"}
					before := w.tables.look(t)
					for name, a := range map[string]answered{
						"no token":                     w.visit(s, http.MethodPost, path, body, here),
						"an empty token":               w.visit(s, http.MethodPost, path, body+"&form_token=", here),
						"another browser's token":      w.visit(s, http.MethodPost, path, body+"&form_token="+nobody.formToken, here),
						"another site":                 w.visit(s, http.MethodPost, path, body+"&form_token="+s.formToken, elsewhere),
						"another site, by its browser": w.visit(s, http.MethodPost, path, body+"&form_token="+s.formToken, map[string]string{"Sec-Fetch-Site": "cross-site"}),
					} {
						back := a.status == http.StatusSeeOther && under(path, a.location) // to the page that has the form
						if a.status != http.StatusForbidden && !back {
							t.Errorf("%s: %s: %s", r, name, a)
						}
						sent++
					}
					if changed := before.changes(w.tables.look(t)); changed != "" {
						t.Errorf("%s: a form of another site changed something\n%s", r, changed)
					}
				}
			}
		}
		if sent < 200 {
			t.Errorf("only %d forms were sent", sent)
		}
	})
}
