package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/storage/apply"
)

func (a *API) ruleRoutes() []route {
	const requirements, networks = "/companies/{company}/requirements", "/companies/{company}/networks"
	after := []string{"remind", "end_sessions"}
	return []route{
		{method: "GET", path: requirements, serve: a.requirements},
		{method: "PATCH", path: requirements, serve: a.changeRules(govern.Requirements), query: after},
		{method: "POST", path: requirements + "/preview", serve: a.previewRules(govern.Requirements)},
		{method: "POST", path: requirements + "/test", serve: a.testSignIn},
		{method: "GET", path: networks, serve: a.networks},
		{method: "PATCH", path: networks, serve: a.changeRules(govern.Networks), query: after},
		{method: "POST", path: networks + "/preview", serve: a.previewRules(govern.Networks)},
		{method: "POST", path: networks + "/test", serve: a.testNetwork},
	}
}

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

// patchRules applies the merge patch in the body to a part of the rules.
func (c *call) patchRules(was policy.Rules, part govern.RulesPart) (policy.Rules, error) {
	var p problem
	if part == govern.Networks {
		w := networksOf(was)
		if err := c.patch(&w); err != nil {
			return was, err
		}
		was, p = w.over(was)
	} else {
		w := requirementsOf(was)
		if err := c.patch(&w); err != nil {
			return was, err
		}
		was, p = w.over(was)
	}
	if p.Code != "" {
		slices.SortFunc(p.Fields, func(a, b fieldProblem) int { return strings.Compare(a.Field, b.Field) })
		return was, p
	}
	return was, nil
}

// patch applies the merge patch in the body to what w points to.
func (c *call) patch(w any) error {
	there := reflect.ValueOf(w).Elem()
	empty := reflect.New(there.Type())
	if _, err := decode(c.body, empty.Interface()); err != nil {
		return err // what isn't known, or is of another type
	}
	after, err := patched(there.Interface(), c.body)
	if err != nil {
		return err
	}
	// Lists are replaced, and what was emptied is: nothing of before is left.
	there.SetZero()
	if err := json.Unmarshal(after, w); err != nil {
		return typeProblem(err)
	}
	return nil
}

func (a *API) requirements(c *call) (answer, error) {
	v, err := a.Govern.Rules(c.ctx(), c.by, c.company())
	if err != nil {
		return answer{}, err
	}
	out, err := shown(requirementsOf(v.Rules))
	out.tag = quotedTag(v.Versions[govern.Requirements])
	return out, err
}

func (a *API) networks(c *call) (answer, error) {
	v, err := a.Govern.Rules(c.ctx(), c.by, c.company())
	if err != nil {
		return answer{}, err
	}
	stopped, err := a.Govern.StoppedMachines(c.ctx(), c.by, c.company())
	if err != nil {
		return answer{}, err
	}
	out, err := shown(struct {
		networksWritten
		// Stopped are API clients that get in from nowhere.
		Stopped []govern.Machine `json:"stopped_machines"`
	}{networksOf(v.Rules), stopped})
	out.tag = quotedTag(v.Versions[govern.Networks])
	return out, err
}

func quotedTag(version string) string { return `"` + version + `"` }

// changeRules saves a part of the rules: on top of what the caller has read,
// where If-Match says so, and in any case of what is there when they are saved.
func (a *API) changeRules(part govern.RulesPart) func(*call) (answer, error) {
	return func(c *call) (answer, error) {
		remind, err := c.choice("remind", "true", "false")
		if err != nil {
			return answer{}, err
		}
		end, err := c.choice("end_sessions", "true", "false")
		if err != nil {
			return answer{}, err
		}
		v, err := a.Govern.Rules(c.ctx(), c.by, c.company())
		if err != nil {
			return answer{}, err
		}
		// What the patch doesn't mention was read just now: who changes it
		// meanwhile isn't undone.
		version := v.Versions[part]
		if match := c.r.Header.Get("If-Match"); match != "" && match != "*" && match != quotedTag(version) {
			return answer{}, govern.ErrStale
		}
		rules, err := c.patchRules(v.Rules, part)
		if err != nil {
			return answer{}, err
		}
		tasks, err := a.Govern.SaveRules(c.ctx(), c.by, c.company(), rules, govern.SaveRulesOptions{
			Part: part, IfUnchanged: version, MailAll: remind == "true", EndSessions: end == "true",
		})
		if err != nil {
			return answer{}, inRules(err)
		}
		if v, err = a.Govern.Rules(c.ctx(), c.by, c.company()); err != nil {
			return answer{}, err
		}
		out, err := shown(saved{Rules: a.part(v.Rules, part), Tasks: append([]string{}, tasks...)})
		out.tag = quotedTag(v.Versions[part])
		return out, err
	}
}

func (a *API) part(r policy.Rules, part govern.RulesPart) any {
	if part == govern.Networks {
		return networksOf(r)
	}
	return requirementsOf(r)
}

// saved is what holds now, and the tasks that were begun.
type saved struct {
	Rules any      `json:"rules"`
	Tasks []string `json:"tasks"`
}

func (a *API) previewRules(part govern.RulesPart) func(*call) (answer, error) {
	return func(c *call) (answer, error) {
		v, err := a.Govern.Rules(c.ctx(), c.by, c.company())
		if err != nil {
			return answer{}, err
		}
		rules, err := c.patchRules(v.Rules, part)
		if err != nil {
			return answer{}, err
		}
		p, err := a.Govern.PreviewRules(c.ctx(), c.by, c.company(), rules, part)
		if err != nil {
			return answer{}, inRules(err)
		}
		out := struct {
			govern.RulesPreview
			LockedOut bool `json:"locks_you_out"`
		}{p, p.LockedOut != nil}
		return shown(out)
	}
}

// inRules takes the names of the file for those of the API.
func inRules(err error) error {
	ps, are := errors.AsType[*apply.Problems](err)
	if !are {
		return err
	}
	list := slices.Clone(ps.List)
	for i := range list {
		field := strings.TrimPrefix(list[i].Field, "rules.")
		for _, length := range []string{"grace", "code_validity", "session_idle", "session_absolute"} {
			if field == length || strings.HasSuffix(field, "."+length) {
				field += "_seconds"
			}
		}
		list[i].Field = field
	}
	return &apply.Problems{List: list}
}

// from reads an address to try rules with; empty: that of the caller.
func (c *call) from(text string) (netip.Addr, error) {
	if text == "" {
		text = c.by.Address
	}
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		return addr, wrongField("from", "form", "is no address", "write one such as 203.0.113.7")
	}
	return addr.Unmap(), nil
}

func (a *API) testNetwork(c *call) (answer, error) {
	var w struct {
		From string `json:"from"`
	}
	if _, err := c.decode(&w); err != nil {
		return answer{}, err
	}
	from, err := c.from(w.From)
	if err != nil {
		return answer{}, err
	}
	t, err := a.Govern.TestNetwork(c.ctx(), c.by, c.company(), from)
	if err != nil {
		return answer{}, err
	}
	return shown(t)
}

// signInTested is how a sign-in would go.
type signInTested struct {
	Verdict govern.SignInVerdict `json:"verdict"`
	// Refusal is the code of why it is refused.
	Refusal string         `json:"refusal,omitempty"`
	Demands []demandTested `json:"demands"`
}

type demandTested struct {
	demand
	Met   bool      `json:"met"`
	Until time.Time `json:"until,omitzero"`
}

func (a *API) testSignIn(c *call) (answer, error) {
	var w struct {
		Person  string `json:"person"`
		Product string `json:"product"`
		From    string `json:"from"`
	}
	if _, err := c.decode(&w); err != nil {
		return answer{}, err
	}
	from, err := c.from(w.From)
	if err != nil {
		return answer{}, err
	}
	t, err := a.Govern.TestSignIn(c.ctx(), c.by, c.company(), w.Person, w.Product, from)
	if err != nil {
		return answer{}, err
	}
	out := signInTested{Verdict: t.Verdict, Refusal: string(t.Refusal.Code), Demands: []demandTested{}}
	for _, d := range t.Demands {
		out.Demands = append(out.Demands, demandTested{demandOf(d), d.Met, d.Until})
	}
	return shown(out)
}
