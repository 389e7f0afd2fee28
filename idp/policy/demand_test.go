package policy

import "testing"

func TestAlwaysTwoFactors(t *testing.T) {
	for _, tt := range []struct {
		situation string
		facts     Facts
		want      bool
	}{
		{"nobody demands anything", facts(), false},
		{"Ana turned it on", facts(ownTwoStep), true},
		{"an administrator requires it of her", facts(administratorRequires), true},
		{"required of staff", facts(staff(Required)), true},
		{"optional for staff", facts(staff(Optional)), false},
		{"required of clients, and she is staff", facts(clients(Required)), false},
		{"required of administrators, and she is one", facts(admins(Required), administrator), true},
		{"not yet: there is a start date", facts(staffFrom(noon.Add(day), 0)), false},
		{"it can be put off: there is grace", facts(staffFrom(noon, day)), false},
		{"only from some networks", facts(onlyFrom("203.0.113.0/24")), false},
		{"only for this product", facts(productRequires), false},
		{"only for this request", facts(essential(acr2FA)), false},
	} {
		if got := AlwaysTwoFactors(tt.facts.Person, tt.facts.Company); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.situation, got, tt.want)
		}
	}
}

// Whoever is said to be asked always, is.
func TestAlwaysIsAlways(t *testing.T) {
	always(t, func(f Facts) bool {
		asked := Decide(f).Do != Pass || f.Proofs.Has(RecoveryCode) || f.Proofs.Level() >= TwoSteps
		return !AlwaysTwoFactors(f.Person, f.Company) || asked
	})
}
