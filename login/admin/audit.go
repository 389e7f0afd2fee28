package admin

import (
	"errors"
	"net/http"
	"time"

	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// audit shows what happened in a company, or on the instance where the address
// names none.
func (a *Admin) audit(v *visit) error {
	current := "audit"
	if v.company == "" {
		current = "all-audit"
	}
	shell, err := a.shell(v, current)
	if err != nil {
		return err
	}
	p := page.ConsoleAudit{Console: shell, Filter: page.ReadAuditFilter(v.R.URL.Query()), List: page.List{Query: v.R.URL.Query()}}
	if v.company == "" {
		p.Console.CompanyID = ""
		if p.Chain, err = a.auditChain(v); err != nil {
			return err
		}
	}
	if p.Products, err = a.auditProducts(v); err != nil {
		return err
	}
	filter, wrong := a.auditFilter(p.Filter)
	filter.After = v.R.URL.Query().Get("after")
	var found govern.AuditPage
	if len(wrong) == 0 {
		found, err = a.Govern.Audit(v.Ctx(), v.by, v.company, filter)
		switch {
		case errors.Is(err, storage.ErrNoCursor):
			return v.Redirect(p.At() + "?" + p.Filter.Values().Encode())
		case errors.Is(err, govern.ErrManyPeople):
			wrong["person"] = page.Say("problem.audit_many_people")
		case err != nil:
			return err
		}
	}
	names, err := a.Govern.NamesIn(v.Ctx(), v.by, v.company, found.Events)
	if err != nil {
		return err
	}
	for _, e := range found.Events {
		entry := entryOf(e, names)
		if v.company == "" {
			entry.Company = names.Company(e.OrgID)
		}
		p.Entries = append(p.Entries, entry)
	}
	p.Next = found.Next
	f := a.Door().Frame(v.Visit, nil)
	f.Problems = wrong
	a.Pages.Write(v.W, f, p)
	return nil
}

func (a *Admin) auditChain(v *visit) (*page.AuditChain, error) {
	c, err := a.Govern.AuditChain(v.Ctx(), v.by)
	return &page.AuditChain{SealedUpTo: c.SealedUpTo, Waiting: c.Waiting}, err
}

// auditFilter is the page's filter as govern takes it, and what is wrong with
// its fields.
func (a *Admin) auditFilter(f page.AuditFilter) (govern.AuditFilter, map[string]page.Text) {
	filter := govern.AuditFilter{Person: f.Person, Product: f.Product, Result: f.Result}
	wrong := make(map[string]page.Text)
	day := func(field, text string) time.Time {
		if text == "" {
			return time.Time{}
		}
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			wrong[field] = page.Say("problem.day")
		}
		return at
	}
	filter.From = day("from", f.From)
	if last := day("until", f.Until); !last.IsZero() {
		filter.Until = last.AddDate(0, 0, 1)
		if !filter.From.Before(filter.Until) {
			wrong["until"] = page.Say("problem.day_order")
		}
	}
	if f.Group != "" {
		filter.Events = append([]string{}, a.Pages.AuditEvents(f.Group)...)
	}
	return filter, wrong
}

// auditProducts are those that the audit can be narrowed to.
func (a *Admin) auditProducts(v *visit) ([]page.Option, error) {
	var all []page.Option
	if v.company == "" {
		clients, err := a.DB.Clients(v.Ctx())
		for _, c := range clients {
			if !c.Internal {
				all = append(all, page.Option{Value: c.ID, Name: c.Name})
			}
		}
		return all, err
	}
	open, err := a.Govern.CompanyProducts(v.Ctx(), v.by, v.company)
	if err != nil {
		return nil, err
	}
	for _, p := range open {
		all = append(all, page.Option{Value: p.ID, Name: p.Name})
	}
	machines, err := a.Govern.APIClients(v.Ctx(), v.by, v.company)
	for _, c := range machines.APIClients {
		all = append(all, page.Option{Value: c.ID, Name: c.Name})
	}
	return all, err
}

// exportAudit is all that matches the filter, as a file. It is written page by
// page, so that it needs no memory and no disk.
func (a *Admin) exportAudit(v *visit) error {
	filter, wrong := a.auditFilter(page.ReadAuditFilter(v.R.URL.Query()))
	format := v.R.URL.Query().Get("format")
	if len(wrong) > 0 || format != "csv" && format != "json" {
		return v.Redirect(page.ConsoleAudit{Console: page.Console{CompanyID: v.company}}.At())
	}
	began := false
	table := storage.NewAuditCSV(v.W)
	err := a.Govern.ExportAudit(v.Ctx(), v.by, v.company, filter, func(events []*storage.Event) error {
		if !began {
			began = true
			a.asFile(v, format)
		}
		// However long the whole takes, no part of it may.
		if err := http.NewResponseController(v.W).SetWriteDeadline(time.Now().Add(exportPatience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		if format == "csv" {
			return table.Write(events)
		}
		lines, err := storage.AuditJSON(events)
		if err == nil {
			_, err = v.W.Write(lines)
		}
		return err
	})
	switch {
	case errors.Is(err, govern.ErrManyPeople):
		return v.Redirect(page.ConsoleAudit{Console: page.Console{CompanyID: v.company}}.At() + "?" + v.R.URL.RawQuery)
	case err != nil && began:
		a.Log.ErrorContext(v.Ctx(), "audit export broke off", "error", err)
		panic(http.ErrAbortHandler) // the reader must not take it for the whole
	case err == nil && !began:
		a.asFile(v, format)
		if format == "csv" {
			return table.Write(nil)
		}
	}
	return err
}

// exportPatience is how long a page of an export may take to be read.
const exportPatience = time.Minute

func (a *Admin) asFile(v *visit, format string) {
	kind := map[string]string{"csv": "text/csv; charset=utf-8", "json": "application/jsonl; charset=utf-8"}[format]
	extension := map[string]string{"csv": "csv", "json": "jsonl"}[format]
	h := v.W.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "no-store")
	name := "audit-" + a.Now().UTC().Format(time.DateOnly)
	if v.company != "" {
		name = v.company + "-" + name
	}
	h.Set("Content-Disposition", `attachment; filename="`+name+"."+extension+`"`)
}
