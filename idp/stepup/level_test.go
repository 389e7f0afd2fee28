package stepup_test

import (
	"testing"

	"github.com/sallyport-id/sallyport/idp/policy"
	. "github.com/sallyport-id/sallyport/idp/stepup"
)

// ladder is every name of every level, weakest first.
var ladder = [][]string{
	{ACR1FA, "https://refeds.org/profile/sfa"},
	{ACR2SV},
	{ACR2FA, "https://refeds.org/profile/mfa", "http://schemas.openid.net/pape/policies/2007/06/multi-factor"},
	{ACRPHR},
	{ACRPHRH},
}

// Every pair of names, aliases too.
func TestAtLeast(t *testing.T) {
	for h, haves := range ladder {
		for w, wants := range ladder {
			for _, have := range haves {
				for _, want := range wants {
					if got := AtLeast(have, want); got != (h >= w) {
						t.Errorf("%s where %s is asked for: %t", have, want, got)
					}
				}
			}
		}
	}
}

func TestAtLeastGuessesNothing(t *testing.T) {
	for _, strange := range []string{"", "0", "1", "phrx", "PHR", "urn:sallyport:acr:2fa ", "URN:SALLYPORT:ACR:2FA", "urn:sallyport:acr:3fa", "mfa"} {
		for _, names := range ladder {
			if AtLeast(strange, names[0]) {
				t.Errorf("%q is enough for %s", strange, names[0])
			}
			if AtLeast(names[0], strange) {
				t.Errorf("%s is enough for %q", names[0], strange)
			}
		}
		if AtLeast(strange, strange) {
			t.Errorf("%q is enough for itself", strange)
		}
	}
}

// What the provider says is what this package reads.
func TestLadderIsTheProviders(t *testing.T) {
	for i, names := range ladder {
		for _, name := range names {
			level, ok := policy.ParseACR(name)
			if !ok || int(level) != i+1 || level.ACR() != names[0] {
				t.Errorf("%s is %d (%s) to the provider, and %d here", name, level, level.ACR(), i+1)
			}
		}
	}
	for _, name := range policy.ACRValues(true, policy.Email, policy.TOTP, policy.WebAuthn) {
		if !AtLeast(name, ACR1FA) {
			t.Errorf("the provider says %s, which isn't known here", name)
		}
	}
}
