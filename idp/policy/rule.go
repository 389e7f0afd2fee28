package policy

import (
	"net/netip"
	"slices"
	"time"
)

// Rules are a company's settings about signing in. The zero value demands
// nothing and allows every method.
type Rules struct {
	Staff          Requirement `json:"staff,omitzero" yaml:"staff"`
	Clients        Requirement `json:"clients,omitzero" yaml:"clients"`
	Administrators Requirement `json:"administrators,omitzero" yaml:"administrators"`
	// Network demands two factors by where a person signs in from.
	Network NetworkRule `json:"network,omitzero" yaml:"network"`
	// SignInFrom are the only networks to sign in from; none: from anywhere.
	SignInFrom []netip.Prefix `json:"sign_in_from,omitempty" yaml:"sign_in_from"`
	// Methods are the second factors that count for the company and can be
	// set up; none: all.
	Methods []Method `json:"methods,omitempty" yaml:"methods"`
	// EmailCodeFulfils lets an e-mail code fulfil the company's own demand.
	EmailCodeFulfils bool `json:"email_code_fulfils,omitempty" yaml:"email_code_fulfils"`
	// RecoveryOnly: who must use two factors and has none gets in only with a
	// recovery code from an owner, instead of setting one up at sign-in.
	RecoveryOnly bool `json:"recovery_only,omitempty" yaml:"recovery_only"`
	// RecoveryMustSetUp: who signed in with a recovery code sets up a second
	// factor before anything else; otherwise that can be put off.
	RecoveryMustSetUp bool `json:"recovery_must_set_up,omitempty" yaml:"recovery_must_set_up"`
	// NewNetworkCheck confirms sign-ins from networks not seen before.
	NewNetworkCheck bool `json:"new_network_check,omitempty" yaml:"new_network_check"`
	// SetUpByEmail: Off lets people with a confirmed address turn two-step
	// verification on without following a link sent to that address first.
	SetUpByEmail Mode `json:"set_up_by_email,omitempty" yaml:"set_up_by_email"`
	// BackupCodes is how many are made at once: 10, 5 or 1; zero: 10.
	BackupCodes int `json:"backup_codes,omitempty" yaml:"backup_codes"`
	// BackupCodeResets: using the single backup code removes the person's
	// second factors, and setting up a new one follows at once.
	BackupCodeResets bool `json:"backup_code_resets,omitempty" yaml:"backup_code_resets"`
	// TwoFactorProducts are the ids of products that people of this company
	// enter only with two factors.
	TwoFactorProducts []string `json:"two_factor_products,omitempty" yaml:"two_factor_products"`
	// MachineFrom are the networks from which the company's API clients may
	// call; see [MachineMayEnter].
	MachineFrom []netip.Prefix `json:"machine_from,omitempty" yaml:"machine_from"`
	// CodeValidity is how long codes by text message and e-mail work; zero: as
	// long as the instance says.
	CodeValidity time.Duration `json:"code_validity,omitempty" yaml:"code_validity"`
	// SessionIdle and SessionAbsolute end sessions sooner than the instance
	// does; zero: when it does.
	SessionIdle     time.Duration `json:"session_idle,omitempty" yaml:"session_idle"`
	SessionAbsolute time.Duration `json:"session_absolute,omitempty" yaml:"session_absolute"`
}

// BackupCodesMade is how many backup codes are made at once.
func (r Rules) BackupCodesMade() int {
	if r.BackupCodes == 0 {
		return 10
	}
	return r.BackupCodes
}

// Mode says how far a company goes. The zero value is Optional.
type Mode string

const (
	Off      Mode = "off"
	Optional Mode = "optional"
	Required Mode = "required"
)

// Requirement is a company's demand on one group of people.
type Requirement struct {
	Mode Mode `json:"mode,omitempty" yaml:"mode"`
	// From is when it begins to hold; zero: always.
	From time.Time `json:"from,omitzero" yaml:"from"`
	// Grace is how long after From setting up can be put off.
	Grace time.Duration `json:"grace,omitempty" yaml:"grace"`
}

// NetworkMode says how a network rule reads its ranges.
type NetworkMode string

const (
	AnyNetwork       NetworkMode = ""
	EverywhereExcept NetworkMode = "everywhere_except"
	OnlyFrom         NetworkMode = "only_from"
)

// NetworkRule demands two factors everywhere except from the ranges, or only
// from the ranges. It holds for groups whose mode isn't Off.
type NetworkRule struct {
	Mode   NetworkMode    `json:"mode,omitempty" yaml:"mode"`
	Ranges []netip.Prefix `json:"ranges,omitempty" yaml:"ranges"`
}

func (r NetworkRule) demands(addr netip.Addr) bool {
	switch r.Mode {
	case EverywhereExcept:
		return !within(r.Ranges, addr)
	case OnlyFrom:
		return within(r.Ranges, addr)
	}
	return false
}

func within(ranges []netip.Prefix, addr netip.Addr) bool {
	addr = addr.Unmap()
	return slices.ContainsFunc(ranges, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// requirements are those that hold for a person: by kind, and for
// administrators and owners theirs as well.
func (r Rules) requirements(p Person) []Requirement {
	own := r.Staff
	if p.Kind == Client {
		own = r.Clients
	}
	if p.Role == Administrator || p.Role == Owner {
		return []Requirement{own, r.Administrators}
	}
	return []Requirement{own}
}

// Requires says whether the company requires two factors of anybody.
func (r Rules) Requires() bool {
	return r.Staff.Mode == Required || r.Clients.Mode == Required || r.Administrators.Mode == Required
}

// ShorterOf is the shorter of two lengths, of which zero is none.
func ShorterOf(company, instance time.Duration) time.Duration {
	if company == 0 {
		return instance
	}
	return min(company, instance)
}
