package demo

import "net/http"

// dashboard is a product that needs no more than a sign-in.
type dashboard struct {
	*relyingParty
}

// NewDashboard makes the dashboard. It discovers the provider at the first
// request that needs it, so the provider may start later.
func NewDashboard(p Product) http.Handler {
	d := dashboard{newRelyingParty(p, "Dashboard", "dashboard", "demo-dashboard")}
	d.arrived = func(w http.ResponseWriter, r *http.Request, _ visitor, _ string) error {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	mux := http.NewServeMux()
	d.routes(mux)
	mux.Handle("GET /{$}", d.page(d.home))
	return new(http.CrossOriginProtection).Handler(mux)
}

// widget is one friendly number. All of them are made up.
type widget struct {
	Label, Value, Note string
	Bars               []int // heights, 0 to 40
}

func (d dashboard) home(w http.ResponseWriter, r *http.Request) error {
	if d.cameBack(w, r) {
		return nil
	}
	v := d.visitor(r)
	if v.Session == nil {
		return d.pages.render(w, "signedout", http.StatusOK, view{Title: "Welcome", Visitor: v,
			Content: "Everything about your customers' computers on one page: what runs, what waits, what was backed up."})
	}
	return d.pages.render(w, "dashboard", http.StatusOK, view{Title: "Overview", Visitor: v, Content: []widget{
		{"Devices online", "128", "of 131", []int{22, 26, 25, 30, 34, 33, 38}},
		{"Open tickets", "7", "2 new today", []int{30, 24, 26, 18, 20, 14, 12}},
		{"Backups last night", "100 %", "131 of 131", []int{38, 38, 36, 38, 38, 38, 38}},
		{"Updates waiting", "12", "next: Sunday, 02:00", []int{8, 10, 16, 14, 22, 26, 24}},
	}})
}
