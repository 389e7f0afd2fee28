package admin

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/admin/govern"
)

// bulkWritten says what to do to whom: people by their ids, or all whom the
// filter finds.
type bulkWritten struct {
	Action string      `json:"action"`
	People []string    `json:"people"`
	All    bool        `json:"all"`
	Filter *bulkFilter `json:"filter"`
}

// bulkFilter has the parameters of the list.
type bulkFilter struct {
	Search    string `json:"search"`
	TwoFactor string `json:"two_factor"`
	Kind      string `json:"kind"`
	Role      string `json:"role"`
	Email     string `json:"email"`
	Status    string `json:"status"`
}

// bulkMost is how many people can be named one by one.
const bulkMost = 1000

func (c *call) bulk() (do govern.BulkAction, who govern.Chosen, err error) {
	var w bulkWritten
	if _, err := c.decode(&w); err != nil {
		return do, who, err
	}
	var p problem
	among := func(field, value string, values ...string) {
		if value != "" && !slices.Contains(values, value) {
			p = also(p, field, "not_allowed", fmt.Sprintf("is %.40q", value), "write "+oneOf(values))
		}
	}
	actions := []string{string(govern.Require), string(govern.Lift), string(govern.Remind), string(govern.Confirm)}
	if w.Action == "" {
		p = also(p, "action", "missing", "is missing", "write "+oneOf(actions))
	}
	among("action", w.Action, actions...)
	switch {
	case w.All == (len(w.People) > 0):
		p = also(p, "people", "conflict", "names nobody, or people besides all", `write their ids, or "all": true`)
	case len(w.People) > bulkMost:
		p = also(p, "people", "too_long", "names more than 1000", `write fewer, or "all": true with a filter`)
	case w.Filter != nil && !w.All:
		p = also(p, "filter", "conflict", "is there without all", `write "all": true as well`)
	}
	who = govern.Chosen{IDs: w.People, All: w.All}
	if f := w.Filter; f != nil {
		among("filter.two_factor", f.TwoFactor, string(policy.StateOn), string(policy.StatePending), string(policy.StateOff))
		among("filter.kind", f.Kind, policy.Staff, policy.Client)
		among("filter.role", f.Role, policy.Member, policy.Administrator, policy.Owner)
		among("filter.email", f.Email, "unconfirmed")
		among("filter.status", f.Status, "enabled", "disabled")
		who.Filter = govern.PeopleFilter{Search: f.Search, TwoFactor: policy.State(f.TwoFactor), Kind: f.Kind, Role: f.Role, Unconfirmed: f.Email != "", Status: f.Status}
	}
	if p.Code != "" {
		return do, who, p
	}
	return govern.BulkAction(w.Action), who, nil
}

func (a *API) bulk(c *call) (answer, error) {
	do, who, err := c.bulk()
	if err != nil {
		return answer{}, err
	}
	did, err := a.Govern.Bulk(c.ctx(), c.by, c.company(), do, who)
	if err != nil {
		return answer{}, err
	}
	return a.began(c, did, did.TaskID)
}

// began answers with what was done at once (200), or what goes on by a task
// (202), which is where Location leads.
func (a *API) began(c *call, body any, task string) (answer, error) {
	if task == "" {
		return shown(body)
	}
	out, err := createdAt(body, "companies", c.company(), "tasks", task)
	out.status = http.StatusAccepted
	return out, err
}

func (a *API) previewBulk(c *call) (answer, error) {
	do, who, err := c.bulk()
	if err != nil {
		return answer{}, err
	}
	p, err := a.Govern.PreviewBulk(c.ctx(), c.by, c.company(), do, who)
	if err != nil {
		return answer{}, err
	}
	return shown(p)
}

func (a *API) importPeople(c *call) (answer, error) {
	invite, err := c.choice("invite", "true", "false")
	if err != nil {
		return answer{}, err
	}
	did, err := a.Govern.Import(c.ctx(), c.by, c.company(), bytes.NewReader(c.body), invite == "true")
	if err != nil {
		return answer{}, err
	}
	return a.began(c, did, did.TaskID)
}

func (a *API) previewImport(c *call) (answer, error) {
	would, err := a.Govern.PreviewImport(c.ctx(), c.by, c.company(), bytes.NewReader(c.body))
	if err != nil {
		return answer{}, err
	}
	return shown(would)
}

// importWords say what is wrong with a file, where the code is all there is.
var importWords = map[string]string{
	"taken": "belongs to somebody of another company", "role": "isn't yours to give", "person_role": "is somebody you may not change",
	"operator": "is somebody you may not change", "self": "is you", "twice": "is there twice",
}

func problemOfImport(e *govern.ImportProblems) problem {
	p := problem{Code: codeFields, Detail: "Nothing was imported: errors names each mistake by its line."}
	for _, row := range e.List {
		p.Fields = append(p.Fields, fieldProblem{
			Field: row.Column, Code: row.Code, Line: row.Line, Remedy: row.Remedy, Detail: cmp.Or(row.Detail, importWords[row.Code], "can't be taken ("+row.Code+")"),
		})
	}
	return p
}

func (a *API) exportPeople(c *call) (answer, error) {
	f, err := c.filter()
	if err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusOK, media: "text/csv; charset=utf-8", stream: func(w io.Writer) error {
		return a.Govern.Export(c.ctx(), c.by, c.company(), f, w)
	}}, nil
}
