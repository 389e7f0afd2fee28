package admin

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
)

// requirementWritten is a demand on one group of people.
type requirementWritten struct {
	Mode policy.Mode `json:"mode"`
	// From is when it begins to hold; zero: always.
	From  time.Time `json:"from,omitzero"`
	Grace int64     `json:"grace_seconds"`
}

func groupWritten(r policy.Requirement) requirementWritten {
	w := requirementWritten{Mode: r.Mode, From: r.From, Grace: seconds(r.Grace)}
	if w.Mode == "" {
		w.Mode = policy.Optional
	}
	return w
}

func (w requirementWritten) rule() policy.Requirement {
	r := policy.Requirement{Mode: w.Mode, From: w.From, Grace: time.Duration(w.Grace) * time.Second}
	if r.Mode == policy.Optional {
		r.Mode = "" // as a file that doesn't say
	}
	return r
}

// requirementsWritten are a company's rules but for its networks.
type requirementsWritten struct {
	Staff             requirementWritten `json:"staff"`
	Clients           requirementWritten `json:"clients"`
	Administrators    requirementWritten `json:"administrators"`
	Network           networkWritten     `json:"network"`
	Methods           []policy.Method    `json:"methods"`
	EmailCodeFulfils  bool               `json:"email_code_fulfils"`
	RecoveryOnly      bool               `json:"recovery_only"`
	RecoveryMustSetUp bool               `json:"recovery_must_set_up"`
	NewNetworkCheck   bool               `json:"new_network_check"`
	SetUpByEmail      bool               `json:"set_up_by_email"`
	BackupCodes       int                `json:"backup_codes"`
	BackupCodeResets  bool               `json:"backup_code_resets"`
	TwoFactorProducts []string           `json:"two_factor_products"`
	CodeValidity      int64              `json:"code_validity_seconds"`
	SessionIdle       int64              `json:"session_idle_seconds"`
	SessionAbsolute   int64              `json:"session_absolute_seconds"`
}

// networkWritten demands a second factor by where somebody is; mode is
// any_network where it doesn't.
type networkWritten struct {
	Mode   string   `json:"mode"`
	Ranges []string `json:"ranges"`
}

const anyNetwork = "any_network"

// networksWritten are those to come from.
type networksWritten struct {
	SignInFrom  []string `json:"sign_in_from"`
	MachineFrom []string `json:"machine_from"`
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

func requirementsOf(r policy.Rules) requirementsWritten {
	mode := string(r.Network.Mode)
	if mode == "" {
		mode = anyNetwork
	}
	return requirementsWritten{
		Staff: groupWritten(r.Staff), Clients: groupWritten(r.Clients), Administrators: groupWritten(r.Administrators),
		Network: networkWritten{mode, texts(r.Network.Ranges)}, Methods: append([]policy.Method{}, r.Methods...),
		EmailCodeFulfils: r.EmailCodeFulfils, RecoveryOnly: r.RecoveryOnly, RecoveryMustSetUp: r.RecoveryMustSetUp, NewNetworkCheck: r.NewNetworkCheck,
		SetUpByEmail: r.SetUpByEmail != policy.Off, BackupCodes: r.BackupCodesMade(), BackupCodeResets: r.BackupCodeResets,
		TwoFactorProducts: append([]string{}, r.TwoFactorProducts...),
		CodeValidity:      seconds(r.CodeValidity), SessionIdle: seconds(r.SessionIdle), SessionAbsolute: seconds(r.SessionAbsolute),
	}
}

func (w requirementsWritten) over(r policy.Rules) (policy.Rules, problem) {
	var p problem
	r.Staff, r.Clients, r.Administrators = w.Staff.rule(), w.Clients.rule(), w.Administrators.rule()
	r.Network.Mode = policy.NetworkMode(w.Network.Mode)
	if w.Network.Mode == anyNetwork {
		r.Network.Mode = policy.AnyNetwork
	}
	r.Network.Ranges, p = prefixes(p, "network.ranges", w.Network.Ranges)
	r.Methods, r.EmailCodeFulfils, r.RecoveryOnly, r.RecoveryMustSetUp = w.Methods, w.EmailCodeFulfils, w.RecoveryOnly, w.RecoveryMustSetUp
	r.NewNetworkCheck, r.BackupCodes, r.BackupCodeResets, r.TwoFactorProducts = w.NewNetworkCheck, w.BackupCodes, w.BackupCodeResets, w.TwoFactorProducts
	switch {
	case !w.SetUpByEmail:
		r.SetUpByEmail = policy.Off
	case r.SetUpByEmail == policy.Off:
		r.SetUpByEmail = ""
	}
	for field, length := range map[string]struct {
		seconds int64
		into    *time.Duration
	}{
		"staff.grace_seconds": {w.Staff.Grace, &r.Staff.Grace}, "clients.grace_seconds": {w.Clients.Grace, &r.Clients.Grace},
		"administrators.grace_seconds": {w.Administrators.Grace, &r.Administrators.Grace}, "code_validity_seconds": {w.CodeValidity, &r.CodeValidity},
		"session_idle_seconds": {w.SessionIdle, &r.SessionIdle}, "session_absolute_seconds": {w.SessionAbsolute, &r.SessionAbsolute},
	} {
		if length.seconds < 0 || length.seconds > mostSeconds {
			p = also(p, field, "not_allowed", "isn't from 0 to 10 years", "write fewer seconds")
			continue
		}
		*length.into = time.Duration(length.seconds) * time.Second
	}
	return r, p
}

// mostSeconds keeps lengths of time from overflowing.
const mostSeconds = 10 * 366 * 24 * 60 * 60

func networksOf(r policy.Rules) networksWritten {
	return networksWritten{texts(r.SignInFrom), texts(r.MachineFrom)}
}

func (w networksWritten) over(r policy.Rules) (policy.Rules, problem) {
	var p problem
	r.SignInFrom, p = prefixes(p, "sign_in_from", w.SignInFrom)
	r.MachineFrom, p = prefixes(p, "machine_from", w.MachineFrom)
	return r, p
}

func texts(all []netip.Prefix) []string {
	words := []string{}
	for _, p := range all {
		words = append(words, p.String())
	}
	return words
}

// prefixes reads ranges of addresses; a single address is a range, too.
func prefixes(p problem, field string, words []string) (all []netip.Prefix, _ problem) {
	for i, word := range words {
		prefix, err := netip.ParsePrefix(word)
		if addr, alone := netip.ParseAddr(word); alone == nil && addr.Zone() == "" {
			prefix, err = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), nil
		}
		at := fmt.Sprintf("%s[%d]", field, i)
		switch {
		case err != nil || prefix.Addr().Is4In6():
			p = also(p, at, "form", fmt.Sprintf("is %.60q", word), "write a range such as 203.0.113.0/24")
		case prefix != prefix.Masked():
			p = also(p, at, "form", fmt.Sprintf("is %.60q, an address within a range", word), fmt.Sprintf("write %s or %s", prefix.Masked(), prefix.Addr()))
		default:
			all = append(all, prefix)
		}
	}
	return all, p
}
