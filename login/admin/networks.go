package admin

import (
	"errors"
	"strings"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// networksPage shows from where people may sign in and machines may call.
func (a *Admin) networksPage(v *visit) error {
	view, p, err := a.networks(v)
	if err != nil {
		return err
	}
	p.SignInFrom, p.Machines, p.Version = rangeLines(view.Rules.SignInFrom), rangeLines(view.Rules.MachineFrom), view.Versions[govern.Networks]
	f := a.notice(v, a.Door().Frame(v.Visit, nil), "networks")
	if f.Problems, err = a.tryAddress(v, &p); err != nil {
		return err
	}
	a.Pages.Write(v.W, f, p)
	return nil
}

// networks is the page without what can be typed.
func (a *Admin) networks(v *visit) (view govern.RulesView, p page.ConsoleNetworks, err error) {
	if view, err = a.Govern.Rules(v.Ctx(), v.by, v.company); err != nil {
		return view, p, err
	}
	p.May = map[string]bool{"change": v.rights.May(govern.ChangeRules, v.company)}
	p.You, p.Inside = v.by.Address, true
	if you, ok := address(p.You); ok {
		test, err := a.Govern.TestNetwork(v.Ctx(), v.by, v.company, you)
		if err != nil {
			return view, p, err
		}
		p.Inside = test.SignIn
	}
	machines, err := a.Govern.StoppedMachines(v.Ctx(), v.by, v.company)
	if err != nil {
		return view, p, err
	}
	p.Stops = machineNames(machines)
	p.Console, err = a.shell(v, "networks")
	return view, p, err
}

// tryAddress fills in the test box with what the query asks.
func (a *Admin) tryAddress(v *visit, p *page.ConsoleNetworks) (wrong map[string]page.Text, err error) {
	q := v.R.URL.Query()
	if !q.Has("test_from") {
		return nil, nil
	}
	p.Test.From = strings.TrimSpace(q.Get("test_from"))
	from, ok := address(p.Test.From)
	if !ok {
		return map[string]page.Text{"test_from": page.Say("problem.ip_format")}, nil
	}
	test, err := a.Govern.TestNetwork(v.Ctx(), v.by, v.company, from)
	p.Test.Result = &page.NetworkResult{SignIn: test.SignIn, Machines: test.Machines, Asked: test.Asked}
	return nil, err
}

// networksPost asks before networks are saved, then saves them.
func (a *Admin) networksPost(v *visit) error {
	view, p, err := a.networks(v)
	if err != nil {
		return err
	}
	p.SignInFrom, p.Machines, p.Version = v.R.PostForm.Get("sign_in_from"), v.R.PostForm.Get("machines"), v.R.PostForm.Get("version")
	again := func(wrong map[string]page.Text) error {
		f := a.Door().Frame(v.Visit, nil)
		f.Problems = wrong
		a.Pages.Write(v.W, f, p)
		return nil
	}
	rules, wrong := readNetworks(p)
	if len(wrong) > 0 {
		return again(wrong)
	}
	if v.R.PostForm.Get("confirm") != "1" {
		return a.previewNetworks(v, rules, again)
	}
	_, err = a.Govern.SaveRules(v.Ctx(), v.by, v.company, rules, govern.SaveRulesOptions{Part: govern.Networks, IfUnchanged: p.Version})
	refused, isRefused := errors.AsType[*govern.Refused](err)
	switch {
	case errors.Is(err, govern.ErrStale):
		p.Version = view.Versions[govern.Networks]
		return again(map[string]page.Text{"": page.Say("problem.networks_changed")})
	case isRefused && refused.Code == "lockout":
		return again(map[string]page.Text{"sign_in_from": page.Say("warning.lock_out_network", "From", v.by.Address)})
	case err != nil:
		return err
	}
	return v.done(v.to("networks"), "networks")
}

func readNetworks(p page.ConsoleNetworks) (r policy.Rules, wrong map[string]page.Text) {
	wrong = make(map[string]page.Text)
	var problem *page.Text
	if r.SignInFrom, problem = ranges(p.SignInFrom); problem != nil {
		wrong["sign_in_from"] = *problem
	}
	if r.MachineFrom, problem = ranges(p.Machines); problem != nil {
		wrong["machines"] = *problem
	}
	return r, wrong
}

func (a *Admin) previewNetworks(v *visit, rules policy.Rules, again func(map[string]page.Text) error) error {
	preview, err := a.Govern.PreviewRules(v.Ctx(), v.by, v.company, rules, govern.Networks)
	if _, ok := errors.AsType[*apply.Problems](err); ok {
		return again(ruleProblems(err))
	}
	if err != nil {
		return err
	}
	if preview.LockedOut != nil {
		return again(map[string]page.Text{"sign_in_from": lockedOut(*preview.LockedOut, v.by.Address)})
	}
	shell, err := a.shell(v, "networks")
	if err != nil {
		return err
	}
	return a.show(v, page.ConsoleConfirm{
		Console: shell, Heading: page.Say("do.networks.heading"), Body: networksBody(preview), Button: page.Say("do.networks.button"),
		Danger: len(rules.SignInFrom) > 0 || len(preview.Machines) > 0, Hidden: page.HiddenFields(v.R.PostForm, "confirm"), BackURL: v.to("networks"),
	}, nil)
}

// networksBody says what other networks mean.
func networksBody(p govern.RulesPreview) (body []page.Text) {
	if len(p.Is.SignInFrom) > 0 {
		body = append(body, page.Say("do.networks.body"))
	} else {
		body = append(body, page.Say("do.networks.anywhere"))
	}
	switch names := machineNames(p.Machines); {
	case len(p.Is.MachineFrom) > 0:
		body = append(body, page.Say("do.networks.machines"))
	case len(names) > 0:
		body = append(body, page.Say("warning.machines", "Clients", strings.Join(names, ", ")))
	}
	return body
}
