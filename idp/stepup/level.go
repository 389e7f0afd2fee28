package stepup

import "slices"

// What a sign-in can be worth, weakest first: the values of the acr claim. A
// stronger one is good wherever a weaker one is asked for.
const (
	ACR1FA  = "urn:sallyport:acr:1fa" // one factor: a password
	ACR2SV  = "urn:sallyport:acr:2sv" // a password and a code by e-mail
	ACR2FA  = "urn:sallyport:acr:2fa" // two factors
	ACRPHR  = "phr"                   // phishing-resistant: a passkey or security key
	ACRPHRH = "phrh"                  // the same, with a key that can't leave its hardware
)

// ladder has a rung for each level; what is beside the canonical value are
// other names for it, which a token carries if they were asked for.
var ladder = [...][]string{
	{ACR1FA, "https://refeds.org/profile/sfa"},
	{ACR2SV},
	{ACR2FA, "https://refeds.org/profile/mfa", "http://schemas.openid.net/pape/policies/2007/06/multi-factor"},
	{ACRPHR},
	{ACRPHRH},
}

// AtLeast says whether a sign-in worth have is enough where want is asked for.
// Values are compared exactly, and one that isn't known, empty or in other
// letters, is enough for nothing and asks for more than there is: what a value
// is worth must not be guessed.
func AtLeast(have, want string) bool {
	h, w := rung(have), rung(want)
	return w >= 0 && h >= w
}

// rung is how high a value stands on the ladder, -1 if it isn't on it.
func rung(acr string) int {
	return slices.IndexFunc(ladder[:], func(names []string) bool { return slices.Contains(names, acr) })
}
