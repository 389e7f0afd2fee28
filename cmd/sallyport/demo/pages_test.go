package demo_test

import (
	"regexp"
	"strings"
	"testing"
)

// TestPagesNeedNothingInline reads every page of both products: a strict policy
// is only worth something if the pages live by it.
func TestPagesNeedNothingInline(t *testing.T) {
	op := newTestProvider(t)
	op.twoFactors("phr")
	dash := newPerson(t, startDashboard(t, op))
	remote := newPerson(t, startRemoteControl(t, op))
	signedOut := []shown{dash.get("/"), remote.get("/")}
	home, machines := dash.get("/login"), remote.get("/login")
	pages := append(signedOut, home, machines, dash.get("/claims"), remote.press(machines, startFrontDesk), dash.get("/nowhere"))
	inline := regexp.MustCompile(`(?i)<style|<script(?:[^>]*)>[^<]|\sstyle=|\son[a-z]+=|javascript:`)
	ids := regexp.MustCompile(`\sid="([^"]*)"`)
	files := regexp.MustCompile(`(?:src|href)="(/static/[^"]+)"`)
	for _, p := range pages {
		if found := inline.FindString(p.body); found != "" {
			t.Errorf("%s has %q inline", p.url, found)
		}
		csp := p.header.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'; ") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "form-action 'self' "+op.URL) {
			t.Errorf("%s has policy %q", p.url, csp)
		}
		if p.header.Get("Cache-Control") != "no-store" || p.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s has headers %v", p.url, p.header)
		}
		seen := make(map[string]bool)
		for _, id := range ids.FindAllStringSubmatch(p.body, -1) {
			if seen[id[1]] {
				t.Errorf("%s has id %q twice", p.url, id[1])
			}
			seen[id[1]] = true
		}
		for _, f := range files.FindAllStringSubmatch(p.body, -1) {
			if got := dash.get(f[1]); got.status != 200 {
				t.Errorf("%s answers %d", f[1], got.status)
			}
		}
	}
	dash.get("/static/").mustShow(t, 404)
}
