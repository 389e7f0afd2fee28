package admin

import (
	"cmp"
	"math"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/login/page"
)

// groups of people that a company demands something of.
var groups = []string{"staff", "clients", "administrators"}

func requirementOf(r *policy.Rules, group string) *policy.Requirement {
	return map[string]*policy.Requirement{"staff": &r.Staff, "clients": &r.Clients, "administrators": &r.Administrators}[group]
}

// secondFactors in the order of the form, the strongest first.
var secondFactors = []policy.Method{policy.WebAuthn, policy.TOTP, policy.SMS, policy.Email}

// requirementsForm is a company's rules as the form shows them.
func requirementsForm(v govern.RulesView, products []page.AlwaysProduct) page.ConsoleRequirements {
	r := v.Rules
	p := page.ConsoleRequirements{
		EmailCodeFulfils: r.EmailCodeFulfils, RecoveryOnly: r.RecoveryOnly, RecoveryMustSetUp: r.RecoveryMustSetUp, BackupCodes: r.BackupCodesMade(),
		BackupCodeResets: r.BackupCodeResets, SetUpByEmail: r.SetUpByEmail != policy.Off, NewNetworkCheck: r.NewNetworkCheck,
		NetworkMode: string(r.Network.Mode), NetworkRanges: rangeLines(r.Network.Ranges),
		Lengths: true, CodeSeconds: number(r.CodeValidity.Seconds()), Idle: number(r.SessionIdle.Hours()), Absolute: number(r.SessionAbsolute.Hours()),
		Products: products,
	}
	for _, group := range groups {
		q := requirementOf(&r, group)
		form := page.GroupForm{Group: group, Mode: string(q.Mode), Grace: number(q.Grace.Hours() / 24)}
		if !q.From.IsZero() {
			form.From = q.From.UTC().Format(time.DateOnly)
		}
		p.Groups = append(p.Groups, form)
	}
	for _, m := range secondFactors {
		p.Methods = append(p.Methods, page.MethodChoice{
			Method: string(m), Allowed: len(r.Methods) == 0 || slices.Contains(r.Methods, m), Unplanned: !v.Plan.Includes(m),
		})
	}
	return p
}

// number is a length as somebody would type it; empty for none.
func number(n float64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatFloat(math.Round(n*1e4)/1e4, 'f', -1, 64)
}

// typed is the form as it was sent, with everything as it was typed.
func typed(p page.ConsoleRequirements, sent url.Values) page.ConsoleRequirements {
	for i, g := range p.Groups {
		p.Groups[i] = page.GroupForm{Group: g.Group, Mode: sent.Get(g.Group + "_mode"), From: sent.Get(g.Group + "_from"), Grace: sent.Get(g.Group + "_grace")}
	}
	for i, m := range p.Methods {
		if !m.Unplanned {
			p.Methods[i].Allowed = slices.Contains(sent["methods"], m.Method)
		}
	}
	for i, product := range p.Products {
		if !product.ByOperator {
			p.Products[i].ByCompany = slices.Contains(sent["products"], product.ID)
		}
	}
	on := func(name string) bool { return sent.Get(name) == "1" }
	p.EmailCodeFulfils, p.RecoveryOnly, p.RecoveryMustSetUp = on("email_code_fulfils"), on("recovery_only"), on("recovery_must_set_up")
	p.BackupCodes, _ = strconv.Atoi(sent.Get("backup_codes"))
	p.BackupCodeResets, p.SetUpByEmail, p.NewNetworkCheck = on("backup_code_resets"), on("set_up_by_email"), on("new_network_check")
	p.CodeSeconds, p.Idle, p.Absolute = sent.Get("code_seconds"), sent.Get("session_idle"), sent.Get("session_absolute")
	p.NetworkMode, p.NetworkRanges = sent.Get("network_mode"), sent.Get("network_ranges")
	return p
}

// readRules is what the form says, put over the rules there are, and what is
// wrong with it by field.
func readRules(p page.ConsoleRequirements, was policy.Rules) (policy.Rules, map[string]page.Text) {
	f := reading{wrong: make(map[string]page.Text)}
	r := was
	for _, g := range p.Groups {
		q := requirementOf(&r, g.Group)
		*q = f.requirement(g, *q)
	}
	r.Methods = f.methods(p.Methods, was.Methods)
	r.EmailCodeFulfils, r.RecoveryOnly, r.RecoveryMustSetUp, r.NewNetworkCheck = p.EmailCodeFulfils, p.RecoveryOnly, p.RecoveryMustSetUp, p.NewNetworkCheck
	switch {
	case !p.SetUpByEmail:
		r.SetUpByEmail = policy.Off
	case was.SetUpByEmail == policy.Off:
		r.SetUpByEmail = ""
	}
	if p.BackupCodes != was.BackupCodesMade() {
		r.BackupCodes = p.BackupCodes
	}
	if r.BackupCodeResets = p.BackupCodeResets; r.BackupCodeResets && p.BackupCodes != 1 {
		f.refuse("backup_code_resets", page.Say("problem.resets_many"))
	}
	r.Network = f.network(p)
	r.TwoFactorProducts = alwaysProducts(p.Products, was.TwoFactorProducts)
	r.CodeValidity = f.length("code_seconds", p.CodeSeconds, time.Second, 30, 300)
	r.SessionIdle = f.length("session_idle", p.Idle, time.Hour, 0.01, 720)
	r.SessionAbsolute = f.length("session_absolute", p.Absolute, time.Hour, 0.01, 8760)
	if r.SessionIdle > 0 && r.SessionAbsolute > 0 && r.SessionIdle > r.SessionAbsolute {
		f.refuse("session_idle", page.Say("problem.idle_longer"))
	}
	return r, f.wrong
}

// reading notes what is wrong, the first thing of each field.
type reading struct{ wrong map[string]page.Text }

func (f reading) refuse(field string, t page.Text) {
	if _, twice := f.wrong[field]; !twice {
		f.wrong[field] = t
	}
}

// requirement reads what is demanded of a group, in place of was.
func (f reading) requirement(g page.GroupForm, was policy.Requirement) (q policy.Requirement) {
	switch q.Mode = policy.Mode(g.Mode); q.Mode {
	case policy.Off, policy.Required:
	case policy.Optional, "":
		if q.Mode = ""; was.Mode == policy.Optional {
			q.Mode = was.Mode // the two say the same
		}
	default:
		f.refuse(g.Group+"_mode", page.Say("problem.choice"))
	}
	if from := strings.TrimSpace(g.From); from != "" {
		var err error
		if q.From, err = time.Parse(time.DateOnly, from); err != nil {
			f.refuse(g.Group+"_from", page.Say("problem.date_format"))
		}
		if was.From.UTC().Format(time.DateOnly) == from {
			q.From = was.From // a file may have named an hour as well
		}
	}
	q.Grace = f.length(g.Group+"_grace", g.Grace, 24*time.Hour, 0, 365)
	if q.Grace > 0 && q.From.IsZero() {
		f.refuse(g.Group+"_from", page.Say("problem.grace_without_day"))
	}
	return q
}

// methods are those ticked, and those that the plan hides from the form as they
// were. All of them are none in particular: what is added later counts too.
func (f reading) methods(boxes []page.MethodChoice, was []policy.Method) (all []policy.Method) {
	offered := false
	for _, box := range boxes {
		if box.Allowed {
			all = append(all, policy.Method(box.Method))
		}
		offered = offered || !box.Unplanned
	}
	ticked := slices.ContainsFunc(boxes, func(b page.MethodChoice) bool { return b.Allowed && !b.Unplanned })
	if offered && !ticked {
		f.refuse("methods", page.Say("problem.methods_missing"))
	}
	sorted := func(ms []policy.Method) []policy.Method { return slices.Sorted(slices.Values(ms)) }
	switch {
	case slices.Equal(sorted(all), sorted(was)):
		return was
	case len(all) == len(boxes):
		return nil
	}
	return all
}

func (f reading) network(p page.ConsoleRequirements) policy.NetworkRule {
	networks, wrong := ranges(p.NetworkRanges)
	n := policy.NetworkRule{Mode: policy.NetworkMode(p.NetworkMode), Ranges: networks}
	switch {
	case wrong != nil:
		f.refuse("network_ranges", *wrong)
	case n.Mode == policy.AnyNetwork && len(networks) > 0:
		f.refuse("network_mode", page.Say("problem.network_mode_missing"))
	case n.Mode == policy.OnlyFrom && len(networks) == 0:
		f.refuse("network_ranges", page.Say("problem.ranges_missing"))
	}
	if !slices.Contains([]policy.NetworkMode{policy.AnyNetwork, policy.EverywhereExcept, policy.OnlyFrom}, n.Mode) {
		f.refuse("network_mode", page.Say("problem.choice"))
	}
	return n
}

// length reads a number of units, with a point or a comma; empty is none.
func (f reading) length(field, text string, unit time.Duration, least, most float64) time.Duration {
	if text = strings.TrimSpace(text); text == "" {
		return 0
	}
	n, err := strconv.ParseFloat(strings.Replace(text, ",", ".", 1), 64)
	if err != nil || !(n >= least && n <= most) {
		f.refuse(field, page.Say("problem.number_between", "Min", least, "Max", most))
		return 0
	}
	return time.Duration(n * float64(unit)).Round(time.Second)
}

// alwaysProducts are those ticked; one that isn't shown stays as it was.
func alwaysProducts(boxes []page.AlwaysProduct, was []string) (all []string) {
	for _, id := range was {
		shown := slices.IndexFunc(boxes, func(b page.AlwaysProduct) bool { return b.ID == id })
		if shown < 0 || boxes[shown].ByCompany {
			all = append(all, id)
		}
	}
	for _, box := range boxes {
		if box.ByCompany && !slices.Contains(all, box.ID) {
			all = append(all, box.ID)
		}
	}
	return all
}

// ruleFields are the form's fields of what package apply refuses.
var ruleFields = map[string]string{
	"rules.network.mode": "network_mode", "rules.network.ranges": "network_ranges", "rules.methods": "methods", "rules.backup_codes": "backup_codes",
	"rules.backup_code_resets": "backup_code_resets", "rules.code_validity": "code_seconds", "rules.session_idle": "session_idle",
	"rules.session_absolute": "session_absolute", "rules.two_factor_products": "products", "rules.sign_in_from": "sign_in_from", "rules.machine_from": "machines",
	"rules.staff.mode": "staff_mode", "rules.staff.grace": "staff_grace", "rules.clients.mode": "clients_mode", "rules.clients.grace": "clients_grace",
	"rules.administrators.mode": "administrators_mode", "rules.administrators.grace": "administrators_grace",
}

// ruleProblems are what package apply refuses, by the form's fields.
func ruleProblems(err error) map[string]page.Text {
	all := make(map[string]page.Text)
	for field, text := range problems(err) {
		all[cmp.Or(ruleFields[field], "")] = text
	}
	return all
}

// address reads one address that somebody typed.
func address(text string) (netip.Addr, bool) {
	addr, err := netip.ParseAddr(strings.TrimSpace(text))
	return addr.Unmap(), err == nil && addr.Zone() == ""
}
