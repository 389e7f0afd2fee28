package admin

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/login/page"
)

// hindrances in the order in which a page tells of them.
var hindrances = []struct {
	is govern.Hindrance
	// message says it of one Person, others of the Count that isn't named.
	message string
}{
	{govern.HindranceRole, "cannot.not_yours"},
	{govern.HindranceDisabled, "cannot.disabled"},
	{govern.HindranceUnconfirmed, "cannot.unconfirmed"},
	{govern.HindranceOther, "cannot.refused"},
}

// bulkPost shows whom a bulk action would touch, and does it once that was
// seen.
func (a *Admin) bulkPost(v *visit) error {
	form := v.R.PostForm
	do, who := govern.BulkAction(form.Get("action")), govern.Chosen{IDs: form["person"], All: form.Get("all") == "1"}
	back := v.to("people") + query(filterQuery(form))
	if who.All {
		who.Filter = filterOf(v.R)
		who.Filter.After = ""
	} else if len(who.IDs) == 0 {
		return a.nobodyChosen(v, back)
	}
	if form.Get("confirm") == "1" {
		return a.bulkDo(v, do, who)
	}
	preview, err := a.Govern.PreviewBulk(v.Ctx(), v.by, v.company, do, who)
	if errors.Is(err, govern.ErrNoSuchAction) {
		return v.Redirect(back)
	}
	if err != nil {
		return err
	}
	shell, err := a.shell(v, "people")
	if err != nil {
		return err
	}
	p := page.ConsoleBulk{
		Console: shell, Action: string(do), Touched: preview.Touched, Already: preview.Already, Hidden: page.HiddenFields(form, "confirm"), BackURL: back,
	}
	for _, u := range preview.First {
		p.First = append(p.First, rowOf(u, false))
	}
	for _, h := range hindrances {
		p.Cannot = append(p.Cannot, cannot(h.message, preview.CannotFirst[h.is], preview.Cannot[h.is])...)
	}
	p.Cannot = append(p.Cannot, cannot("cannot.company", preview.StillFirst, preview.Still)...)
	return a.show(v, p, nil)
}

// cannot names the first people for whom something can't be done, and counts
// the rest.
func cannot(message string, first []govern.Person, all int) (texts []page.Text) {
	for _, u := range first {
		name := u.Name
		if name == "" {
			name = u.Email
		}
		texts = append(texts, page.Say(message, "Person", name))
	}
	if more := all - len(first); more > 0 {
		texts = append(texts, page.Say("cannot.more", "Count", more))
	}
	return texts
}

func (a *Admin) bulkDo(v *visit, do govern.BulkAction, who govern.Chosen) error {
	done, err := a.Govern.Bulk(v.Ctx(), v.by, v.company, do, who)
	switch {
	case err != nil:
		return err
	case done.TaskID != "":
		return v.Redirect(v.to("tasks", done.TaskID))
	}
	return v.done(v.to("people"), "bulk")
}

// nobodyChosen says that a box must be ticked first.
func (a *Admin) nobodyChosen(v *visit, back string) error {
	f := a.Door().Frame(v.Visit, nil)
	f.Status = http.StatusUnprocessableEntity
	a.Pages.Write(v.W, f, page.Message{Heading: page.Say("bulk_nobody.heading"), Body: page.Say("problem.nobody_chosen"), Link: back, LinkText: page.Say("bulk_nobody.back")})
	return nil
}

// filterQuery is what of a form narrows the list of people.
func filterQuery(form url.Values) url.Values {
	q := make(url.Values)
	for _, name := range []string{"q", "two_factor", "kind", "role", "email", "status"} {
		if value := form.Get(name); value != "" {
			q.Set(name, value)
		}
	}
	return q
}

func query(q url.Values) string {
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}
