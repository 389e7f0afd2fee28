package policy

import (
	"slices"
	"time"
)

// Level is how much a sign-in is worth; a higher one satisfies a demand for a
// lower one.
type Level int

const (
	None              Level = iota
	OneFactor               // one factor
	TwoSteps                // password and e-mail code
	TwoFactors              // two kinds of proof
	PhishingResistant       // WebAuthn, user-verified or after a password
	HardwareKey             // the same with an attested hardware-bound key
)

// acrNames are the names of the levels; the first of each is canonical, the
// others are accepted in a request and echoed when asked for.
var acrNames = [...][]string{
	OneFactor:         {"urn:sallyport:acr:1fa", "https://refeds.org/profile/sfa"},
	TwoSteps:          {"urn:sallyport:acr:2sv"},
	TwoFactors:        {"urn:sallyport:acr:2fa", "https://refeds.org/profile/mfa", "http://schemas.openid.net/pape/policies/2007/06/multi-factor"},
	PhishingResistant: {"phr"},
	HardwareKey:       {"phrh"},
}

// beyond is what a request needs that names no level we know: more than any
// sign-in is worth.
const beyond = HardwareKey + 1

// ACR is the canonical acr value of a level; empty where it has no name.
func (l Level) ACR() string {
	if l <= None || l >= beyond {
		return ""
	}
	return acrNames[l][0]
}

// ParseACR returns the level of an acr value, canonical or alias.
func ParseACR(name string) (Level, bool) {
	for l, names := range acrNames {
		if slices.Contains(names, name) {
			return Level(l), true
		}
	}
	return None, false
}

// ACRValues lists the acr values that can be earned with a password and one of
// the methods offered, for discovery: what can't be reached is not advertised.
// A hardware key can where the instance attests keys.
func ACRValues(attests bool, offered ...Method) []string {
	reached := map[Level]bool{OneFactor: true}
	for _, m := range offered {
		reached[Proofs{{Method: Password}, {Method: m, UserVerified: m == WebAuthn}}.Level()] = true
	}
	reached[HardwareKey] = attests && reached[PhishingResistant]
	var all []string
	for level, names := range acrNames {
		if reached[Level(level)] {
			all = append(all, names...)
		}
	}
	return all
}

// Answer is the acr to say at a level to a client that asked for values, most
// preferred first: the first that is satisfied, else the canonical one.
func (l Level) Answer(asked []string) string {
	for _, name := range asked {
		if want, ok := ParseACR(name); ok && want <= l {
			return name
		}
	}
	return l.ACR()
}

// Level says what proofs are worth. Two proofs of one kind are one factor.
func (ps Proofs) Level() Level {
	var factor, knowledge, mailbox, possession, key, verified, hardware bool
	for _, p := range ps {
		factor = factor || p.Method != RecoveryCode && !p.Resets
		knowledge = knowledge || p.Method == Password
		mailbox = mailbox || p.Method == Email
		possession = possession || p.possession()
		if p.Method == WebAuthn {
			key = true
			verified = verified || p.UserVerified
			hardware = hardware || p.Key == KeyHardware && (p.UserVerified || ps.Has(Password))
		}
	}
	switch {
	case hardware:
		return HardwareKey
	case verified, key && knowledge:
		return PhishingResistant
	case knowledge && possession:
		return TwoFactors
	case knowledge && mailbox:
		return TwoSteps
	case factor:
		return OneFactor
	}
	return None
}

// Assurance is what tokens say about a sign-in.
type Assurance struct {
	Level Level `json:"level"`
	// ACR is Level's canonical value, or the alias that was asked for.
	ACR string   `json:"acr"`
	AMR []string `json:"amr"`
	// AuthTime is the latest full sign-in.
	AuthTime time.Time `json:"auth_time"`
	// MFATime is the latest second-factor proof; zero below TwoFactors.
	MFATime time.Time `json:"mfa_time,omitzero"`
	// AMRTimes says when each amr value was earned, in Unix seconds.
	AMRTimes map[string]int64 `json:"amr_times"`
}

// Assure says what proofs are worth to a client that asked for acr values.
func (ps Proofs) Assure(asked []string) Assurance {
	level := ps.Level()
	a := Assurance{Level: level, ACR: level.Answer(asked), AuthTime: ps.latest(Proof.primary), AMRTimes: make(map[string]int64)}
	if level >= TwoFactors {
		a.MFATime = ps.latest(Proof.possession)
	}
	earn := func(value string, at time.Time) {
		if !slices.Contains(a.AMR, value) {
			a.AMR = append(a.AMR, value)
		}
		a.AMRTimes[value] = max(a.AMRTimes[value], at.Unix())
	}
	for _, p := range ps {
		for _, value := range p.amr() {
			earn(value, p.At)
		}
	}
	if level >= TwoFactors {
		earn("mfa", a.MFATime)
	}
	return a
}

// amr is what a proof is called in tokens (RFC 8176, EAP's pop, and values of
// our own where the registry has none).
func (p Proof) amr() []string {
	switch p.Method {
	case Password:
		return []string{"pwd"}
	case TOTP:
		return []string{"otp"}
	case WebAuthn:
		values := []string{"pop", "user"}
		switch p.Key {
		case KeyHardware:
			values = append(values, "hwk")
		case KeySynced:
			values = append(values, "swk")
		}
		return values
	}
	return []string{string(p.Method)} // sms, email, backup_code, recovery_code
}
