package admin

import (
	"encoding/json"
	"errors"
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
