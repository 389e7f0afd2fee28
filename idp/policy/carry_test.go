package policy

import "testing"

func TestCarries(t *testing.T) {
	board := Product{ID: "board", Name: "Board"}
	strict := board
	strict.RequireTwoFactors = true
	wants := Company{Name: "Acme", Rules: Rules{TwoFactorProducts: []string{"other", "board"}}}
	mails := wants
	mails.Rules.EmailCodeFulfils = true
	for name, c := range map[string]struct {
		held    Held
		product Product
		company Company
		want    ReasonCode
	}{
		"nothing is demanded":                      {Held{Level: OneFactor}, board, Company{}, NoReason},
		"it no longer stands":                      {Held{Level: TwoFactors, SessionEnded: true}, board, Company{}, SessionEnded},
		"closed":                                   {Held{Level: TwoFactors, ProductClosed: true}, board, Company{}, ProductClosed},
		"less than the least":                      {Held{Level: OneFactor, MinLevel: TwoSteps}, board, Company{}, ByProduct},
		"the product demands it, one":              {Held{Level: OneFactor}, strict, Company{}, ByProduct},
		"the product demands it, two steps":        {Held{Level: TwoSteps}, strict, Company{}, ByProduct},
		"the product demands it, two":              {Held{Level: TwoFactors}, strict, Company{}, NoReason},
		"the company demands it, one":              {Held{Level: OneFactor}, board, wants, ByCompanyProduct},
		"the company demands it, two steps":        {Held{Level: TwoSteps}, board, wants, ByCompanyProduct},
		"the company demands it, two":              {Held{Level: TwoFactors}, board, wants, NoReason},
		"the company takes mailed codes":           {Held{Level: TwoSteps}, board, mails, NoReason},
		"the company takes mailed codes, not none": {Held{Level: OneFactor}, board, mails, ByCompanyProduct},
		"the company demands it elsewhere":         {Held{Level: OneFactor}, Product{ID: "another"}, wants, NoReason},
	} {
		d := Carries(c.held, c.product, c.company)
		if d.Reason.Code != c.want || (d.Do == Pass) != (c.want == NoReason) {
			t.Errorf("%s: %v, want %q", name, d, c.want)
		}
	}
}
