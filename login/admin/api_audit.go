package admin

import (
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/storage"
)

// auditFilters are the parameters that narrow the audit.
var auditFilters = []string{"person", "product", "event", "result", "from", "until"}

// auditRoutes are of a company's audit, and of the instance's.
func (a *API) auditRoutes() (all []route) {
	for _, path := range []string{"/companies/{company}/audit", "/audit"} {
		all = append(all,
			route{method: "GET", path: path, serve: a.audit, query: slices.Concat(auditFilters, paging)},
			route{method: "GET", path: path + "/export", serve: a.exportAudit, query: append([]string{"format"}, auditFilters...)},
		)
	}
	return append(all, route{method: "GET", path: "/audit/chain", serve: a.auditChain})
}

func (c *call) auditFilter() (f govern.AuditFilter, err error) {
	q := c.r.URL.Query()
	f = govern.AuditFilter{Person: q.Get("person"), Product: q.Get("product"), Event: q.Get("event")}
	if f.Result, err = c.choice("result", storage.OK, storage.Refused, storage.Failed); err != nil {
		return f, err
	}
	for name, into := range map[string]*time.Time{"from": &f.From, "until": &f.Until} {
		if q.Get(name) == "" {
			continue
		}
		if *into, err = time.Parse(time.RFC3339, q.Get(name)); err != nil {
			return f, wrongField(name, "form", "is no moment", "write one such as 2026-03-31T12:00:00Z")
		}
	}
	return f, nil
}

func (a *API) audit(c *call) (answer, error) {
	f, err := c.auditFilter()
	if err == nil {
		f.After, f.Limit, err = c.page()
	}
	if err != nil {
		return answer{}, err
	}
	page, err := a.Govern.Audit(c.ctx(), c.by, c.company(), f)
	if err != nil {
		return answer{}, err
	}
	return shown(listed[*storage.Event]{Items: page.Events, Next: c.next(page.Next)})
}

func (a *API) exportAudit(c *call) (answer, error) {
	f, err := c.auditFilter()
	format := ""
	if err == nil {
		format, err = c.choice("format", "csv", "json")
	}
	if err != nil {
		return answer{}, err
	}
	out := answer{status: http.StatusOK, media: "application/jsonl", stream: func(w io.Writer) error {
		return a.Govern.ExportAudit(c.ctx(), c.by, c.company(), f, func(events []*storage.Event) error {
			text, err := storage.AuditJSON(events)
			if err == nil {
				_, err = w.Write(text)
			}
			return err
		})
	}}
	if format == "csv" {
		out.media, out.stream = "text/csv; charset=utf-8", func(w io.Writer) error {
			table := storage.NewAuditCSV(w)
			if err := a.Govern.ExportAudit(c.ctx(), c.by, c.company(), f, table.Write); err != nil {
				return err
			}
			return table.Write(nil) // the heading, where there was nothing else
		}
	}
	return out, nil
}

func (a *API) auditChain(c *call) (answer, error) {
	chain, err := a.Govern.AuditChain(c.ctx(), c.by)
	if err != nil {
		return answer{}, err
	}
	return shown(chain)
}
