package policy

import "testing"

func TestStands(t *testing.T) {
	for _, tt := range []struct {
		situation string
		held      Held
		it        string
	}{
		{"nothing has changed", Held{Level: OneFactor}, "gets in"},
		{"the product's least is what the sign-in was worth", Held{Level: TwoFactors, MinLevel: TwoFactors}, "gets in"},
		{"the sign-in was worth more", Held{Level: PhishingResistant, MinLevel: TwoFactors}, "gets in"},
		{"the product has since raised its least", Held{Level: OneFactor, MinLevel: TwoFactors},
			"is refused, because Take Control needs two-step verification to enter"},
		{"e-mail codes are no two factors here either", Held{Level: TwoSteps, MinLevel: TwoFactors},
			"is refused, because Take Control needs two-step verification to enter"},
		{"Ana was disabled", Held{Level: OneFactor, PersonDisabled: true},
			"is refused, because the person is disabled"},
		{"and it was granted beyond the session", Held{Level: OneFactor, PersonDisabled: true, Offline: true},
			"is refused, because the person is disabled"},
		{"she signed out", Held{Level: OneFactor, SessionEnded: true},
			"is refused, because the session has ended"},
		{"she signed out, it was granted beyond the session", Held{Level: OneFactor, SessionEnded: true, Offline: true}, "gets in"},
		{"it was revoked", Held{Level: OneFactor, Revoked: true},
			"is refused, because the grant was revoked"},
		{"it was revoked, though granted beyond the session", Held{Level: OneFactor, Revoked: true, Offline: true},
			"is refused, because the grant was revoked"},
		{"Take Control was closed to her", Held{Level: HardwareKey, ProductClosed: true},
			"is refused, because this person may not use Take Control"},
		{"beyond the session, Take Control was closed to her", Held{Level: HardwareKey, ProductClosed: true, SessionEnded: true, Offline: true},
			"is refused, because this person may not use Take Control"},
		{"beyond the session, the product has raised its least", Held{Level: OneFactor, MinLevel: TwoFactors, SessionEnded: true, Offline: true},
			"is refused, because Take Control needs two-step verification to enter"},
		{"of several reasons revocation is named", Held{Revoked: true, PersonDisabled: true, SessionEnded: true, ProductClosed: true, MinLevel: TwoFactors},
			"is refused, because the grant was revoked"},
		{"then the person", Held{PersonDisabled: true, SessionEnded: true, ProductClosed: true, MinLevel: TwoFactors},
			"is refused, because the person is disabled"},
	} {
		tt.held.ProductName = "Take Control"
		if got := inWords(Stands(tt.held)); got != tt.it {
			t.Errorf("%s:\n got %s\nwant %s", tt.situation, got, tt.it)
		}
	}
}
