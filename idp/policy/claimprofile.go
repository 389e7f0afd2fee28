package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ClaimProfile says what a sign-in was worth in the words of a client that
// doesn't know ours, such as Microsoft Entra's external authentication methods.
//
// It may leave a value out, or say one in its place that claims no more than
// what was proved. What claims no more is listed here, for each of our values:
// the meaning of a word that isn't listed can't be known, and whoever writes a
// profile could otherwise say anything. [ClaimProfile.Check] refuses all else,
// and what it would refuse [ClaimProfile.Say] leaves out.
type ClaimProfile struct {
	// AMR maps a value of ours to the one said in its place; to "" where it is
	// left out.
	AMR map[string]string
	// ACR likewise; a level may be called by any of its names.
	ACR map[string]string
}

// amrWords are, for each amr value of ours, those that are true of all it is
// said of (RFC 8176 section 2, and fido as Entra has it). A key is a key
// whatever holds it, so hwk may be said as swk, never the other way round; a
// code by e-mail, a backup code and a recovery code have no word elsewhere that
// wouldn't claim more.
var amrWords = map[string][]string{
	"pwd":           {"pwd"},
	"otp":           {"otp"},
	"sms":           {"sms"},
	"email":         {"email"},
	"backup_code":   {"backup_code"},
	"recovery_code": {"recovery_code"},
	"user":          {"user"},
	"pop":           {"pop", "fido"},
	"swk":           {"swk", "pop", "fido"},
	"hwk":           {"hwk", "swk", "pop", "fido"},
	"mfa":           {"mfa"},
}

// acrWords are words of others for a level, with the least level of which each
// is true, whatever more was proved. "knowledge" is none: a passkey alone is
// worth more than a password and proves none.
var acrWords = map[string]Level{
	"knowledgeorpossession":            OneFactor,
	"knowledgeorinherence":             OneFactor, // a PIN or a biometric unlocked the passkey
	"knowledgeorpossessionorinherence": OneFactor,
	"possession":                       TwoFactors,
	"possessionorinherence":            TwoFactors,
}

// claims says how much an acr value, of ours or of others, says.
func claims(acr string) (Level, bool) {
	if level, ok := ParseACR(acr); ok {
		return level, true
	}
	level, ok := acrWords[acr]
	return level, ok
}

// ProfileProblem is what is wrong with one entry of a profile.
type ProfileProblem struct {
	// Claim is "amr" or "acr", Value the value that is mapped.
	Claim, Value string
	// Wrong says what is wrong, Write what can be written instead.
	Wrong, Write string
}

// Check returns what is wrong with a profile, by claim and value.
func (p ClaimProfile) Check() (problems []ProfileProblem) {
	report := func(claim, value, wrong, write string) {
		problems = append(problems, ProfileProblem{Claim: claim, Value: value, Wrong: wrong, Write: write})
	}
	levels := make(map[Level]string)
	for _, from := range slices.Sorted(maps.Keys(p.ACR)) {
		to := p.ACR[from]
		level, ok := ParseACR(from)
		if !ok {
			report("acr", from, fmt.Sprintf("%q is no acr of this provider", from), "one of "+strings.Join(namesUpTo(HardwareKey), ", "))
			continue
		}
		if other, twice := levels[level]; twice {
			report("acr", from, fmt.Sprintf("%q and %q are names of one level", other, from), "one of the two")
		}
		levels[level] = from
		if to != "" && !mayClaim(level, to) {
			report("acr", from, fmt.Sprintf("%q is more than %q says, or unknown", to, from), `"" to leave it out, or one of `+strings.Join(sayable(level), ", "))
		}
	}
	for _, from := range slices.Sorted(maps.Keys(p.AMR)) {
		to := p.AMR[from]
		words, ok := amrWords[from]
		switch {
		case !ok:
			report("amr", from, fmt.Sprintf("%q is no amr of this provider", from), "one of "+strings.Join(slices.Sorted(maps.Keys(amrWords)), ", "))
		case to != "" && !slices.Contains(words, to):
			report("amr", from, fmt.Sprintf("%q is more than %q says, or unknown", to, from), `"" to leave it out, or one of `+strings.Join(words, ", "))
		}
	}
	return problems
}

func mayClaim(level Level, word string) bool {
	least, ok := claims(word)
	return ok && least <= level
}

// namesUpTo are our names of the levels up to one, the highest last.
func namesUpTo(level Level) (all []string) {
	for l := OneFactor; l <= level; l++ {
		all = append(all, acrNames[l]...)
	}
	return all
}

// sayable are all words that are true of a level.
func sayable(level Level) []string {
	all := namesUpTo(level)
	for _, word := range slices.Sorted(maps.Keys(acrWords)) {
		if acrWords[word] <= level {
			all = append(all, word)
		}
	}
	return all
}

// acrOf is the entry for a level, whichever of its names that is under.
func (p ClaimProfile) acrOf(level Level) (to string, ok bool) {
	for _, name := range acrNames[level] {
		if to, ok = p.ACR[name]; ok {
			return to, true
		}
	}
	return "", false
}

// Say returns an assurance in the profile's words. Its level and times of
// sign-in stay.
func (p ClaimProfile) Say(a Assurance) Assurance {
	if level, ok := ParseACR(a.ACR); ok {
		if to, mapped := p.acrOf(level); mapped {
			a.ACR = to
			if !mayClaim(level, to) {
				a.ACR = ""
			}
		}
	}
	if len(p.AMR) == 0 {
		return a
	}
	amr, times := []string{}, make(map[string]int64)
	for _, from := range a.AMR {
		to, mapped := p.AMR[from]
		switch {
		case !mapped:
			to = from
		case !slices.Contains(amrWords[from], to):
			continue
		}
		if !slices.Contains(amr, to) {
			amr = append(amr, to)
		}
		times[to] = max(times[to], a.AMRTimes[from])
	}
	a.AMR, a.AMRTimes = amr, times
	return a
}

// Asked returns the acr values of a request in our own words: one that the
// profile says for several levels means the lowest of them. What it doesn't
// say stays as it is.
func (p ClaimProfile) Asked(values []string) []string {
	if len(p.ACR) == 0 || len(values) == 0 {
		return values
	}
	out := slices.Clone(values)
	for i, word := range out {
		if _, ours := ParseACR(word); ours {
			continue
		}
		for level := OneFactor; level < beyond; level++ {
			if to, ok := p.acrOf(level); ok && to == word && mayClaim(level, to) {
				out[i] = level.ACR()
				break
			}
		}
	}
	return out
}
