package admin

import (
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/login/page"
)

// everyRule has something in every field that the form is about, also what only
// a file can say.
var everyRule = policy.Rules{
	Staff:          policy.Requirement{Mode: policy.Required, From: time.Date(2026, 4, 1, 8, 30, 0, 0, time.UTC), Grace: 36 * time.Hour},
	Clients:        policy.Requirement{Mode: policy.Off},
	Administrators: policy.Requirement{Mode: policy.Optional},
	Network:        policy.NetworkRule{Mode: policy.EverywhereExcept, Ranges: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::1/128")}},
	SignInFrom:     []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")},
	MachineFrom:    []netip.Prefix{netip.MustParsePrefix("198.51.100.9/32")},
	Methods:        []policy.Method{policy.TOTP, policy.WebAuthn, policy.SMS}, EmailCodeFulfils: true, RecoveryOnly: true, RecoveryMustSetUp: true,
	NewNetworkCheck: true, SetUpByEmail: policy.Off, BackupCodes: 1, BackupCodeResets: true, TwoFactorProducts: []string{"wiki", "elsewhere"},
	CodeValidity: 45 * time.Second, SessionIdle: 20 * time.Minute, SessionAbsolute: 36 * time.Hour,
}

// sentAs is what a browser sends of a form that nobody has touched.
func sentAs(p page.ConsoleRequirements) url.Values {
	sent := url.Values{
		"network_mode": {p.NetworkMode}, "network_ranges": {strings.ReplaceAll(p.NetworkRanges, "\n", "\r\n")}, "code_seconds": {p.CodeSeconds},
		"session_idle": {p.Idle}, "session_absolute": {p.Absolute}, "backup_codes": {number(float64(p.BackupCodes))},
	}
	for _, g := range p.Groups {
		sent.Set(g.Group+"_mode", g.Mode)
		sent.Set(g.Group+"_from", g.From)
		sent.Set(g.Group+"_grace", g.Grace)
	}
	for _, m := range p.Methods {
		if m.Allowed && !m.Unplanned {
			sent.Add("methods", m.Method)
		}
	}
	for _, product := range p.Products {
		if product.ByCompany && !product.ByOperator {
			sent.Add("products", product.ID)
		}
	}
	for name, on := range map[string]bool{
		"email_code_fulfils": p.EmailCodeFulfils, "recovery_only": p.RecoveryOnly, "recovery_must_set_up": p.RecoveryMustSetUp,
		"backup_code_resets": p.BackupCodeResets, "set_up_by_email": p.SetUpByEmail, "new_network_check": p.NewNetworkCheck,
	} {
		if on {
			sent.Set(name, "1")
		}
	}
	return sent
}

// A form that is sent as it was drawn changes nothing, whatever the rules and
// the plan are.
func TestUntouchedFormChangesNothing(t *testing.T) {
	for name, rules := range map[string]policy.Rules{"none": {}, "every": everyRule} {
		for plan, methods := range map[string]policy.Plan{"all": nil, "some": {policy.TOTP}, "none": {}} {
			form := func() page.ConsoleRequirements {
				return requirementsForm(govern.RulesView{Rules: rules, Plan: methods}, []page.AlwaysProduct{{ID: "wiki", ByCompany: name == "every"}, {ID: "vault", ByOperator: true}})
			}
			got, wrong := readRules(typed(form(), sentAs(form())), rules)
			if len(wrong) > 0 || !reflect.DeepEqual(got, rules) {
				t.Errorf("rules %s, plan %s: %v\n got %+v\nwant %+v", name, plan, wrong, got, rules)
			}
			if changes := ruleChanges(rules, got, func(id string) string { return id }); len(changes) > 0 {
				t.Errorf("rules %s, plan %s: %v", name, plan, changes)
			}
		}
	}
}

// Each field is read, and what is wrong with it is said beside it.
func TestWrongFieldsOfTheForm(t *testing.T) {
	form := requirementsForm(govern.RulesView{}, nil)
	for _, c := range []struct{ field, value, problemAt, problem string }{
		{"staff_mode", "sometimes", "staff_mode", "problem.choice"},
		{"clients_from", "31.3.2026", "clients_from", "problem.date_format"},
		{"administrators_grace", "7", "administrators_from", "problem.grace_without_day"},
		{"staff_grace", "-1", "staff_grace", "problem.number_between"},
		{"methods", "", "methods", "problem.methods_missing"},
		{"network_mode", "only_from", "network_ranges", "problem.ranges_missing"},
		{"network_ranges", "10.0.0.0/8", "network_mode", "problem.network_mode_missing"},
		{"network_ranges", "10.1.2.3/8", "network_ranges", "problem.range_within"},
		{"network_ranges", "ten", "network_ranges", "problem.range_format"},
		{"backup_code_resets", "1", "backup_code_resets", "problem.resets_many"},
		{"code_seconds", "301", "code_seconds", "problem.number_between"},
		{"session_idle", "NaN", "session_idle", "problem.number_between"},
		{"session_absolute", "many", "session_absolute", "problem.number_between"},
	} {
		sent := sentAs(form)
		sent.Set(c.field, c.value)
		_, wrong := readRules(typed(requirementsForm(govern.RulesView{}, nil), sent), policy.Rules{})
		if len(wrong) != 1 || wrong[c.problemAt].ID != c.problem {
			t.Errorf("%s=%s: %v, want %s at %s", c.field, c.value, wrong, c.problem, c.problemAt)
		}
	}
}

// Networks are read as they are written, and by somebody else too.
func TestRanges(t *testing.T) {
	got, wrong := ranges("# office\r\n 203.0.113.0/24 # Zürich\n\n192.0.2.1\n::ffff:192.0.2.2\n2001:db8::/32")
	if want := "203.0.113.0/24\n192.0.2.1\n192.0.2.2\n2001:db8::/32"; wrong != nil || rangeLines(got) != want {
		t.Errorf("%q %v", rangeLines(got), wrong)
	}
	for _, line := range []string{"fe80::1%eth0", "::ffff:10.0.0.0/104", "10.0.0.0/33", "10.0.0.0-10.0.0.9", "10.1.0.0/8"} {
		if got, wrong := ranges(line); wrong == nil {
			t.Errorf("%s: %v", line, got)
		}
	}
}
