// Package policy decides, from facts alone, what a sign-in is worth and what
// must happen next. It touches nothing: no clock, no network, no database.
//
// Proofs are what a person did (proof.go); what they are worth is acr and amr
// (assurance.go); who must prove more is a list of demands, the strictest of
// which wins (demand.go, from a company's rules in rule.go); and [Decide] and
// [Stands] give the answer together with its reason (decide.go, stand.go).
//
// Every place that gives something out asks here: the authorization endpoint
// and the code ask Decide; token, refresh, userinfo and introspection ask
// Stands; the account pages and the command line ask the same.
package policy

import "time"

// Method is a way to prove who one is.
type Method string

const (
	Password     Method = "password"
	TOTP         Method = "totp"
	SMS          Method = "sms"
	Email        Method = "email"
	WebAuthn     Method = "webauthn"
	BackupCode   Method = "backup_code"
	RecoveryCode Method = "recovery_code"
)

// Key is what is known about the key behind a WebAuthn proof.
type Key string

const (
	KeyUnknown  Key = ""
	KeyHardware Key = "hardware" // attested, and can't be backed up
	KeySynced   Key = "synced"   // can be backed up
)

// Proof is one thing a person just did.
type Proof struct {
	Method Method    `json:"method"`
	At     time.Time `json:"at"`
	// UserVerified: the authenticator checked the person, not just presence.
	UserVerified bool `json:"user_verified,omitempty"`
	Key          Key  `json:"key,omitempty"`
	// Resets marks a backup code that removed the person's factors: it proves
	// no possession of anything that still counts.
	Resets bool `json:"resets,omitempty"`
}

// primary proofs can begin a sign-in.
func (p Proof) primary() bool {
	return p.Method == Password || p.Method == WebAuthn && p.UserVerified
}

// possession proofs show that the person has something.
func (p Proof) possession() bool {
	switch p.Method {
	case TOTP, SMS, WebAuthn:
		return true
	case BackupCode:
		return !p.Resets
	}
	return false
}

// Proofs is what a person did, in this sign-in or in a session.
type Proofs []Proof

// With returns the proofs with p, which replaces one that differs in its time
// alone: another key of the same person takes nothing away. The later time is
// kept.
func (ps Proofs) With(p Proof) Proofs {
	out := make(Proofs, 0, len(ps)+1)
	for _, was := range ps {
		same := p
		same.At = was.At
		switch {
		case was != same:
			out = append(out, was)
		case was.At.After(p.At):
			p = was
		}
	}
	return append(out, p)
}

// Join returns the proofs of both lists, the latest of each kind.
func (ps Proofs) Join(more Proofs) Proofs {
	for _, p := range more {
		ps = ps.With(p)
	}
	return ps
}

// Since returns the proofs made at t or later.
func (ps Proofs) Since(t time.Time) Proofs {
	var out Proofs
	for _, p := range ps {
		if !p.At.Before(t) {
			out = append(out, p)
		}
	}
	return out
}

// Has says whether any of the methods was proved.
func (ps Proofs) Has(methods ...Method) bool {
	return ps.any(func(p Proof) bool {
		for _, m := range methods {
			if p.Method == m {
				return true
			}
		}
		return false
	})
}

// Primary says whether the proofs contain one that can begin a sign-in.
func (ps Proofs) Primary() bool { return ps.any(Proof.primary) }

func (ps Proofs) any(is func(Proof) bool) bool {
	for _, p := range ps {
		if is(p) {
			return true
		}
	}
	return false
}

func (ps Proofs) latest(is func(Proof) bool) (t time.Time) {
	for _, p := range ps {
		if is(p) && p.At.After(t) {
			t = p.At
		}
	}
	return t
}
