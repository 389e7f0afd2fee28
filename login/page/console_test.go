package page_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/login/page"
)

// hrefs are the addresses of links that begin in a certain way.
func hrefs(t *testing.T, p page.Page, prefix string) []string {
	t.Helper()
	_, doc := draw(t, mustRenderer(t), page.Frame{FormToken: "token"}, p)
	var found []string
	for _, n := range elements(doc, "a") {
		if href, _ := attr(n, "href"); strings.HasPrefix(href, prefix) {
			found = append(found, href)
		}
	}
	return found
}

// The navigation shows what is allowed, and where one is.
func TestConsoleNavigation(t *testing.T) {
	c := page.Console{Company: "Acme", CompanyID: "a/b", Current: "people", Items: everything("people", "audit", "companies", "all-products", "all-audit")}
	want := []string{"/console/companies/a%2Fb/people", "/console/companies/a%2Fb/audit", "/console/companies", "/console/products", "/console/audit"}
	if got := hrefs(t, page.ConsoleRecoveryIssued{Console: c}, "/console/"); !slices.Equal(got, want) {
		t.Errorf("leads to %q, want %q", got, want)
	}
	_, doc := draw(t, mustRenderer(t), page.Frame{}, page.ConsoleRecoveryIssued{Console: c})
	var current []string
	for _, n := range elements(doc, "a") {
		if _, ok := attr(n, "aria-current"); ok {
			current = append(current, text(n))
		}
	}
	if !slices.Equal(current, []string{"People"}) {
		t.Errorf("current: %q", current)
	}
	c.CompanyID = ""
	if got := hrefs(t, page.ConsoleRecoveryIssued{Console: c}, "/console/"); !slices.Equal(got, want[2:]) {
		t.Errorf("without a company it leads to %q", got)
	}
}

// Only pages of the console have its frame.
func TestConsoleFrameIsItsOwn(t *testing.T) {
	_, doc := draw(t, mustRenderer(t), page.Frame{}, page.SignIn{})
	if words := render(doc); strings.Contains(words, "/static/console.") || strings.Contains(words, `id="main"`) {
		t.Error("sign-in looks like the console")
	}
}

// A filter keeps the others and the search, and begins at the first row.
func TestListLinks(t *testing.T) {
	l := page.List{
		Query: url.Values{"q": {"a&b"}, "two_factor": {"on"}, "after": {"x"}, "foreign": {"1"}}, Next: "n x", Previous: "p",
		Filters: []page.Filter{{Name: "two_factor"}, {Name: "kind"}},
	}
	for got, want := range map[string]string{
		l.With("kind", "staff"):     "?kind=staff&q=a%26b&two_factor=on",
		l.With("two_factor", ""):    "?q=a%26b",
		l.With("two_factor", "off"): "?q=a%26b&two_factor=off",
		l.After():                   "?after=n+x&q=a%26b&two_factor=on",
		l.Before():                  "?before=p&q=a%26b&two_factor=on",
	} {
		if got != want {
			t.Errorf("link %q, want %q", got, want)
		}
	}
	if got, want := l.Kept("q"), []page.Hidden{{Name: "two_factor", Value: "on"}}; !slices.Equal(got, want) {
		t.Errorf("kept %v, want %v", got, want)
	}
	if !l.Narrowed() || (page.List{Query: url.Values{"after": {"x"}}}).Narrowed() {
		t.Error("narrowed by a cursor, or not by a filter")
	}
}

// What was entered travels on, but for the token of the form it came in.
func TestHiddenFields(t *testing.T) {
	got := page.HiddenFields(url.Values{"form_token": {"secret"}, "b": {"2", "1"}, "a": {""}, "confirm": {"1"}}, "confirm")
	if want := []page.Hidden{{Name: "a"}, {Name: "b", Value: "2"}, {Name: "b", Value: "1"}}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// Several problems are listed in the order of the fields, those of no field
// first, and each leads to its field.
func TestSeveralProblems(t *testing.T) {
	rec, doc := draw(t, mustRenderer(t), page.Frame{Problems: map[string]page.Text{
		"phone": page.Say("problem.phone_format"), "email": page.Say("problem.email_taken"), "": page.Say("problem.form_stale"), "nowhere": page.Say("problem.choice"),
	}}, page.ConsolePersonForm{Console: page.Console{CompanyID: "c1"}})
	if rec.Code != 422 {
		t.Errorf("status %d", rec.Code)
	}
	var summary, linked []string
	for _, n := range elements(doc, "div") {
		if id, _ := attr(n, "id"); id != "problem" {
			continue
		}
		for _, item := range elements(n, "li") {
			summary = append(summary, text(item))
		}
		for _, link := range elements(n, "a") {
			href, _ := attr(link, "href")
			linked = append(linked, href)
		}
	}
	r := mustRenderer(t)
	var want []string
	for _, id := range []string{"problem.form_stale", "problem.choice", "problem.email_taken", "problem.phone_format"} {
		want = append(want, r.Text("en", page.Say(id)))
	}
	if !slices.Equal(summary, want) || !slices.Equal(linked, []string{"#email", "#phone"}) {
		t.Errorf("summary %q\nlinked %q", summary, linked)
	}
}

// A person's page offers what may be done, and only that.
func TestConsolePersonOffers(t *testing.T) {
	doings := []string{"edit", "unlock", "recovery", "reset", "turn-off", "require", "lift", "remind", "invite", "confirm", "sessions/end", "roles", "disable", "enable", "delete"}
	for _, e := range consoleExamples("Acme", "Ana") {
		p, ok := e.page.(page.ConsolePerson)
		if !ok {
			continue
		}
		_, doc := draw(t, mustRenderer(t), e.frame, p)
		offered := make(map[string]bool)
		for _, n := range elements(doc, "a", "form") {
			for _, name := range []string{"href", "action"} {
				url, _ := attr(n, name)
				if doing, found := strings.CutPrefix(url, p.Path("people", p.ID)+"/"); found {
					offered[doing] = true
				}
			}
		}
		for _, doing := range doings {
			may := p.May[strings.ReplaceAll(strings.TrimSuffix(doing, "/end"), "-", "_")]
			switch doing {
			case "require":
				may = may && !p.TwoStepRequired
			case "lift":
				may = p.May["require"] && p.TwoStepRequired
			case "remind":
				may = may && p.TwoFactor == "pending"
			case "confirm":
				may = may && !p.EmailVerified
			case "sessions/end":
				may = may && len(p.Sessions) > 0
			case "roles":
				may = may && len(p.Products) > 0
			case "disable":
				may = may && p.Disabled.IsZero()
			case "enable":
				may = may && !p.Disabled.IsZero()
			}
			if offered[doing] != may {
				t.Errorf("%s: %s offered %v, want %v", e.name, doing, offered[doing], may)
			}
		}
	}
}

// An import goes ahead only where there is something to do and nothing wrong;
// the text comes along either way.
func TestImportPreview(t *testing.T) {
	for _, c := range []struct {
		page page.ConsoleImportPreview
		goes bool
	}{
		{page.ConsoleImportPreview{Created: 1}, true}, {page.ConsoleImportPreview{Changed: 1}, true}, {page.ConsoleImportPreview{Same: 9}, false},
		{page.ConsoleImportPreview{Created: 1, Wrong: []page.ImportProblem{{Line: 2}}}, false},
	} {
		c.page.CSV = "email,name\nana@example.com,\"Ana, \"\"the\"\" first\"\n"
		_, doc := draw(t, mustRenderer(t), page.Frame{}, c.page)
		goes, csv := false, ""
		for _, n := range elements(doc, "button", "input") {
			name, _ := attr(n, "name")
			goes = goes || name == "confirm"
			if name == "csv" {
				csv, _ = attr(n, "value")
			}
		}
		if goes != c.goes || csv != c.page.CSV {
			t.Errorf("%+v: confirm %v, csv %q", c.page, goes, csv)
		}
	}
}

// A task looks again by itself only while it runs.
func TestTaskProgress(t *testing.T) {
	for state, want := range map[string]bool{"running": true, "done": false, "cancelled": false, "failed": false} {
		_, doc := draw(t, mustRenderer(t), page.Frame{}, page.ConsoleTask{Heading: page.Say("task_kind.confirm"), State: state, May: everything("cancel")})
		_, cancels := attr(elements(doc, "form")[len(elements(doc, "form"))-1], "action")
		if got := find(doc, "data-progress") != nil; got != want || !cancels || strings.Contains(render(doc), "/cancel") != want {
			t.Errorf("%s: looks again %v", state, got)
		}
	}
}
