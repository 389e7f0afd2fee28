package policy

import "testing"

func TestLocksOut(t *testing.T) {
	for _, tt := range []struct {
		situation string
		facts     Facts
		want      ReasonCode
	}{
		{"she has an authenticator and requires it of all", facts(staff(Required), has(TOTP)), NoReason},
		{"she requires it and would be asked to set one up", facts(staff(Required)), NoReason},
		{"only a recovery code would let her in", facts(staff(Required), recoveryOnly), ByCompany},
		{"the same for others, as she has a factor", facts(staff(Required), recoveryOnly, has(TOTP)), NoReason},
		{"her own network isn't among those to sign in from", facts(signInFrom("198.51.100.0/24"), has(TOTP)), OutsideNetworks},
		{"it is", facts(signInFrom("203.0.113.0/24"), has(TOTP)), NoReason},
		{"nothing that this instance offers would count", facts(staff(Required), inPlan()), Unmet},
		{"what she proved in this session doesn't help the next time", facts(staff(Required), inPlan(), has(TOTP), proved(TOTP)), Unmet},
	} {
		reason, out := LocksOut(tt.facts)
		if out != (tt.want != NoReason) || out && reason.Code != tt.want {
			t.Errorf("%s: %v %q, want %q", tt.situation, out, reason.Code, tt.want)
		}
	}
}
