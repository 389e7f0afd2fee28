package policy

import "slices"

// State is what a list of people says about somebody's two-step verification.
type State string

const (
	// StateOn: a second factor that counts is enrolled and asked for at sign-in.
	StateOn State = "on"
	// StatePending: it is required, now or from a date, and none is enrolled.
	StatePending State = "pending"
	// StateOff: neither.
	StateOff State = "off"
)

// TwoFactorState is the state of a person's two-step verification. What is
// demanded only from some networks, by products or by requests doesn't count,
// as it isn't asked for at every sign-in.
func TwoFactorState(p Person, c Company) State {
	required := p.TwoStepRequired
	for _, r := range c.Rules.requirements(p) {
		required = required || r.Mode == Required
	}
	fulfils := func(m Method) bool { return c.Allows(m) && (m != Email || c.Rules.EmailCodeFulfils) }
	switch {
	case required && slices.ContainsFunc(p.Methods, fulfils), !required && p.TwoStep && len(p.Methods) > 0:
		return StateOn
	case required:
		return StatePending
	}
	return StateOff
}
