package admin

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// requirementsPage shows the rules of a company, and how a sign-in would go.
func (a *Admin) requirementsPage(v *visit) error {
	view, p, err := a.requirements(v)
	if err != nil {
		return err
	}
	f := a.notice(v, a.Door().Frame(v.Visit, nil), "rules")
	if f.Problems, err = a.trySignIn(v, &p); err != nil {
		return err
	}
	p.Version = view.Versions[govern.Requirements]
	a.Pages.Write(v.W, f, p)
	return nil
}

// requirements is the form with the rules as they are.
func (a *Admin) requirements(v *visit) (view govern.RulesView, p page.ConsoleRequirements, err error) {
	if view, err = a.Govern.Rules(v.Ctx(), v.by, v.company); err != nil {
		return view, p, err
	}
	products, err := a.alwaysProducts(v, view.Rules)
	if err != nil {
		return view, p, err
	}
	p = requirementsForm(view, products)
	for _, product := range products {
		p.Test.Products = append(p.Test.Products, page.ProductOption{ID: product.ID, Name: product.Name})
	}
	p.May = map[string]bool{"change": v.rights.May(govern.ChangeRules, v.company)}
	p.Console, err = a.shell(v, "requirements")
	return view, p, err
}

// alwaysProducts are the products that people of the company may use.
func (a *Admin) alwaysProducts(v *visit, r policy.Rules) (all []page.AlwaysProduct, err error) {
	open, err := a.Govern.CompanyProducts(v.Ctx(), v.by, v.company)
	for _, p := range open {
		all = append(all, page.AlwaysProduct{ID: p.ID, Name: p.Name, ByCompany: slices.Contains(r.TwoFactorProducts, p.ID), ByOperator: p.AlwaysByOperator})
	}
	return all, err
}

// trySignIn fills in the test box with what the query asks.
func (a *Admin) trySignIn(v *visit, p *page.ConsoleRequirements) (wrong map[string]page.Text, err error) {
	q := v.R.URL.Query()
	p.Test.Person, p.Test.Product, p.Test.From = strings.TrimSpace(q.Get("test_person")), q.Get("test_product"), strings.TrimSpace(q.Get("test_from"))
	if !q.Has("test_person") {
		p.Test.From = v.by.Address
		return nil, nil
	}
	from, ok := address(p.Test.From)
	if !ok {
		return map[string]page.Text{"test_from": page.Say("problem.ip_format")}, nil
	}
	t, err := a.Govern.TestSignIn(v.Ctx(), v.by, v.company, p.Test.Person, p.Test.Product, from)
	if errors.Is(err, storage.ErrNotFound) {
		return map[string]page.Text{"test_person": page.Say("problem.person_unknown")}, nil
	}
	if err != nil {
		return nil, err
	}
	result := page.RequirementResult{Verdict: string(t.Verdict)}
	if t.Verdict == govern.SignInRefused {
		refusal := whyRefused(t.Refusal)
		result.Refusal = &refusal
	}
	for _, d := range t.Demands {
		result.Demands = append(result.Demands, page.TestedDemand{Why: tested(d.Reason), Met: d.Met, Until: d.Until})
	}
	p.Test.Result = &result
	return nil, nil
}

// whyRefused says why a sign-in is refused, to who isn't the one who signs in.
func whyRefused(r policy.Reason) page.Text {
	switch r.Code {
	case policy.PersonDisabled:
		return page.Say("refusal.disabled")
	case policy.OutsideNetworks:
		return page.Say("refusal.network", "Company", r.Who)
	case policy.ProductClosed:
		return page.Say("refusal.product", "Product", r.Who)
	case policy.ByRecovery:
		return page.Say("refusal.recovery_only")
	}
	return page.Say("refusal.no_method")
}

func tested(r policy.Reason) page.Text {
	switch r.Code {
	case policy.ByPerson:
		return page.Say("demand.own")
	case policy.ByAdministrator:
		return page.Say("demand.administrator")
	case policy.ByNetwork:
		return page.Say("tested.network", "Company", r.Who)
	case policy.ByCompanyProduct:
		return page.Say("tested.company_product", "Company", r.Who)
	case policy.ByProduct:
		return page.Say("tested.product", "Product", r.Who)
	}
	return page.Say("demand.company", "Company", r.Who)
}

// requirementsPost shows what new rules would change, saves them once that was
// seen, or leads back to the form.
func (a *Admin) requirementsPost(v *visit) error {
	view, p, err := a.requirements(v)
	if err != nil {
		return err
	}
	p = typed(p, v.R.PostForm)
	p.Version = v.R.PostForm.Get("version")
	again := func(wrong map[string]page.Text) error {
		f := a.Door().Frame(v.Visit, nil)
		f.Problems = wrong
		a.Pages.Write(v.W, f, p)
		return nil
	}
	rules, wrong := readRules(p, view.Rules)
	if len(wrong) > 0 {
		return again(wrong)
	}
	if p.Version != view.Versions[govern.Requirements] {
		// All that was typed is there still; sent again it replaces what is there.
		p.Version = view.Versions[govern.Requirements]
		return again(map[string]page.Text{"": page.Say("problem.rules_changed")})
	}
	if v.R.PostForm.Get("edit") == "1" {
		return again(nil)
	}
	if v.R.PostForm.Get("confirm") == "1" {
		return a.saveRequirements(v, rules, &p, again)
	}
	return a.previewRequirements(v, rules, again)
}

func (a *Admin) previewRequirements(v *visit, rules policy.Rules, again func(map[string]page.Text) error) error {
	preview, err := a.Govern.PreviewRules(v.Ctx(), v.by, v.company, rules, govern.Requirements)
	if _, ok := errors.AsType[*apply.Problems](err); ok {
		return again(ruleProblems(err))
	}
	if err != nil {
		return err
	}
	shell, err := a.shell(v, "requirements")
	if err != nil {
		return err
	}
	p := page.ConsoleRequirementsPreview{
		Console: shell, Changes: ruleChanges(preview.Was, preview.Is, a.productName(v)), Mail: preview.Mail, End: preview.SessionsShort,
		Hidden: page.HiddenFields(v.R.PostForm, "confirm", "edit", "mail", "end"),
	}
	if len(p.Changes) > 0 {
		p.Touched, p.Warnings = touched(preview), warnings(preview)
	}
	if preview.LockedOut != nil {
		t := lockedOut(*preview.LockedOut, v.by.Address)
		p.Refused = &t
	}
	a.Pages.Write(v.W, a.Door().Frame(v.Visit, nil), p)
	return nil
}

func (a *Admin) saveRequirements(v *visit, rules policy.Rules, p *page.ConsoleRequirements, again func(map[string]page.Text) error) error {
	tasks, err := a.Govern.SaveRules(v.Ctx(), v.by, v.company, rules, govern.SaveRulesOptions{
		Part: govern.Requirements, IfUnchanged: p.Version, MailAll: v.R.PostForm.Get("mail") == "1", EndSessions: v.R.PostForm.Get("end") == "1",
	})
	refused, isRefused := errors.AsType[*govern.Refused](err)
	_, isWrong := errors.AsType[*apply.Problems](err)
	switch {
	case errors.Is(err, govern.ErrStale):
		view, err := a.Govern.Rules(v.Ctx(), v.by, v.company)
		if err != nil {
			return err
		}
		p.Version = view.Versions[govern.Requirements]
		return again(map[string]page.Text{"": page.Say("problem.rules_changed")})
	case isWrong:
		return again(ruleProblems(err))
	case isRefused && refused.Code == "lockout":
		return again(map[string]page.Text{"": page.Say("warning.lock_out")})
	case err != nil:
		return err
	case len(tasks) > 0:
		return v.done(v.to("tasks", tasks[0]), "rules")
	}
	return v.done(v.to("requirements"), "rules")
}

// productName is how people call a product.
func (a *Admin) productName(v *visit) func(id string) string {
	return func(id string) string {
		if c, err := a.DB.Client(v.Ctx(), id); err == nil {
			return c.Name
		}
		return id
	}
}

// touched says whom new rules concern.
func touched(p govern.RulesPreview) (all []page.Text) {
	for _, of := range []struct {
		id string
		n  int
	}{
		{"touched.must_set_up", p.MustEnrol}, {"touched.unconfirmed", p.Unconfirmed}, {"touched.asked", p.Asked}, {"touched.no_longer", p.NoLonger}, {"touched.method_lost", p.MethodLost},
	} {
		if of.n > 0 {
			all = append(all, page.Say(of.id, "Count", of.n))
		}
	}
	if len(all) == 0 {
		return []page.Text{page.Say("touched.nobody")}
	}
	return all
}

func warnings(p govern.RulesPreview) (all []page.Text) {
	if names := machineNames(p.Machines); len(names) > 0 {
		all = append(all, page.Say("warning.machines", "Clients", strings.Join(names, ", ")))
	}
	if p.RecoveryOnly > 0 {
		all = append(all, page.Say("warning.recovery_only", "Count", p.RecoveryOnly))
	}
	if p.EmailOnly > 0 {
		all = append(all, page.Say("warning.email_only"))
	}
	if p.Lifts {
		all = append(all, page.Say("requirements.lifting"))
	}
	return all
}

func machineNames(all []govern.Machine) (names []string) {
	for _, m := range all {
		names = append(names, m.Name)
	}
	return names
}

func lockedOut(r policy.Reason, from string) page.Text {
	if r.Code == policy.OutsideNetworks {
		return page.Say("warning.lock_out_network", "From", from)
	}
	return page.Say("warning.lock_out")
}

// ruleChanges are the rules in which two sets differ, in words.
func ruleChanges(was, is policy.Rules, product func(string) string) (all []page.Change) {
	differ := func(about string, before, after page.Text, same bool) {
		if !same {
			all = append(all, page.Change{About: page.Say("rule." + about), Before: before, After: after})
		}
	}
	for _, group := range groups {
		b, c := *requirementOf(&was, group), *requirementOf(&is, group)
		differ(group, requirementWords(b), requirementWords(c), b.From.Equal(c.From) && b.Mode == c.Mode && b.Grace == c.Grace)
	}
	differ("methods", methodWords(was.Methods), methodWords(is.Methods), slices.Equal(was.Methods, is.Methods))
	truth := func(about string, b, c bool, yes, no string) {
		words := map[bool]page.Text{true: page.Say("rule_value." + yes), false: page.Say("rule_value." + no)}
		differ(about, words[b], words[c], b == c)
	}
	truth("email_code_fulfils", was.EmailCodeFulfils, is.EmailCodeFulfils, "yes", "no")
	truth("set_up_by_email", was.SetUpByEmail != policy.Off, is.SetUpByEmail != policy.Off, "yes", "no")
	mode := func(m policy.NetworkMode) page.Text {
		return page.Say("rule_value." + map[policy.NetworkMode]string{policy.AnyNetwork: "network_any", policy.EverywhereExcept: "network_except", policy.OnlyFrom: "network_only"}[m])
	}
	differ("network", mode(was.Network.Mode), mode(is.Network.Mode), was.Network.Mode == is.Network.Mode)
	list := func(about string, b, c []string, none string) {
		differ(about, listWords(b, none), listWords(c, none), slices.Equal(b, c))
	}
	list("network_ranges", rangeWords(was.Network.Ranges), rangeWords(is.Network.Ranges), "none")
	truth("new_network_check", was.NewNetworkCheck, is.NewNetworkCheck, "yes", "no")
	truth("recovery_only", was.RecoveryOnly, is.RecoveryOnly, "recovery_only", "enrol")
	truth("recovery_must_set_up", was.RecoveryMustSetUp, is.RecoveryMustSetUp, "must_set_up", "set_up_later")
	codes := func(r policy.Rules) page.Text { return listWords([]string{strconv.Itoa(r.BackupCodesMade())}, "none") }
	differ("backup_codes", codes(was), codes(is), was.BackupCodesMade() == is.BackupCodesMade())
	truth("backup_code_resets", was.BackupCodeResets, is.BackupCodeResets, "yes", "no")
	differ("code_seconds", lengthWords("seconds", was.CodeValidity, time.Second), lengthWords("seconds", is.CodeValidity, time.Second), was.CodeValidity == is.CodeValidity)
	differ("session_idle", lengthWords("hours", was.SessionIdle, time.Hour), lengthWords("hours", is.SessionIdle, time.Hour), was.SessionIdle == is.SessionIdle)
	differ("session_absolute", lengthWords("hours", was.SessionAbsolute, time.Hour), lengthWords("hours", is.SessionAbsolute, time.Hour), was.SessionAbsolute == is.SessionAbsolute)
	named := func(ids []string) (names []string) {
		for _, id := range ids {
			names = append(names, product(id))
		}
		return names
	}
	list("products", named(was.TwoFactorProducts), named(is.TwoFactorProducts), "none")
	list("sign_in_from", rangeWords(was.SignInFrom), rangeWords(is.SignInFrom), "any")
	list("machines", rangeWords(was.MachineFrom), rangeWords(is.MachineFrom), "any")
	return all
}

func requirementWords(r policy.Requirement) page.Text {
	switch r.Mode {
	case policy.Off:
		return page.Say("rule_value.off")
	case policy.Required:
		with := []any{}
		if !r.From.IsZero() {
			with = append(with, "When", r.From)
		}
		if r.Grace > 0 {
			with = append(with, "Grace", number(r.Grace.Hours()/24))
		}
		return page.Say("rule_value.required", with...)
	}
	return page.Say("rule_value.optional")
}

func listWords(words []string, none string) page.Text {
	if len(words) == 0 {
		return page.Say("rule_value." + none)
	}
	return page.Say("rule_value.list", "List", strings.Join(words, ", "))
}

// methodWords names methods: a message within a message for each.
func methodWords(methods []policy.Method) page.Text {
	if len(methods) == 0 {
		return page.Say("rule_value.any")
	}
	t := page.Say("way." + string(methods[0]))
	for _, m := range methods[1:] {
		t = page.Say("rule_value.and", "First", t, "Next", page.Say("way."+string(m)))
	}
	return t
}

// lengthWords is a length in whole units or, where it has no whole number of
// them, as a number in words that are already there.
func lengthWords(unit string, d, of time.Duration) page.Text {
	switch {
	case d == 0:
		return page.Say("rule_value.as_instance")
	case d%time.Minute == 0 && d%of != 0:
		return page.Say("rule_value.list", "List", strings.TrimSuffix(d.String(), "0s"))
	case d%of != 0:
		return page.Say("rule_value.list", "List", d.String())
	}
	return page.Say("rule_value."+unit, "Count", int(d/of))
}
