package policy

import "testing"

func TestTwoFactorState(t *testing.T) {
	for _, tt := range []struct {
		situation string
		facts     Facts
		want      State
	}{
		{"nothing is demanded", facts(), StateOff},
		{"a passkey only for comfort", facts(has(WebAuthn)), StateOff},
		{"her own wish", facts(ownTwoStep, has(TOTP)), StateOn},
		{"her own wish, without a factor left", facts(ownTwoStep), StateOff},
		{"her own wish by what the plan leaves out", facts(ownTwoStep, has(TOTP), inPlan(SMS)), StateOn},
		{"required of staff, nothing enrolled", facts(staff(Required)), StatePending},
		{"from tomorrow", facts(staffFrom(noon.Add(day), 0)), StatePending},
		{"required, and enrolled", facts(staff(Required), has(TOTP)), StateOn},
		{"required, and what she has doesn't count", facts(staff(Required), has(TOTP), allows(SMS)), StatePending},
		{"required, and all she has is e-mail codes", facts(staff(Required), ownTwoStep, has(Email)), StatePending},
		{"which Acme lets fulfil it", facts(staff(Required), ownTwoStep, has(Email), emailFulfils), StateOn},
		{"her own wish, by e-mail codes", facts(ownTwoStep, has(Email)), StateOn},
		{"required of clients, and she is staff", facts(clients(Required)), StateOff},
		{"required of administrators, and she is an owner", facts(admins(Required), owner), StatePending},
		{"an administrator requires it of her", facts(administratorRequires), StatePending},
		{"only from some networks", facts(onlyFrom("0.0.0.0/0")), StateOff},
	} {
		if got := TwoFactorState(tt.facts.Person, tt.facts.Company); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.situation, got, tt.want)
		}
	}
}
