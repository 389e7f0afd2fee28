package governtest

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
)

// A table has paragraphs: a line that says what is done and who is answered
// what, and below it the addresses of which that is true, with what is sent
// there. The columns after a bar are those of another company.
//
// An answer is written
//
//	yes      it is done
//	fresh    step:yes
//	a:b      a, and b with a second factor proved just now
//	.        nobody asks
//
// or it is one of the refusals that each table explains. POST? asks what would
// happen, and changes nothing. The address "." is the company itself, or the
// console.

// paragraph is one thing that can be done.
type paragraph struct {
	what string
	// own and other are the answers by role; other is nil where the table has
	// no such columns.
	own, other map[string]string
	rows       []row
}

// row is a request, with names of objects in it.
type row struct {
	method, path, body string
	// asks: nothing is changed, whoever asks.
	asks bool
}

func (r row) String() string { return r.method + " " + r.path }

// writes says that a row changes something where it is let.
func (r row) writes() bool { return r.method != http.MethodGet && !r.asks }

// wide is where a table's answers begin.
const wide = 34

func read(t *testing.T, table string) (all []paragraph) {
	t.Helper()
	var roles []string
	halves := 1
	for line := range strings.Lines(strings.TrimLeft(table, "\n")) {
		line = strings.TrimRight(line, "\n ")
		switch {
		case line == "" || strings.Contains(line, "own company"):
		case roles == nil:
			columns := strings.Split(line[wide:], "|")
			roles, halves = strings.Fields(columns[0]), len(columns)
		case line[0] != ' ':
			p := paragraph{what: strings.TrimSpace(line[:wide])}
			for i, half := range strings.Split(line[wide:], "|") {
				cells := strings.Fields(half)
				if len(cells) != len(roles) || i >= halves {
					t.Fatalf("%s: not %d answers: %q", p.what, len(roles), half)
				}
				answers := make(map[string]string)
				for n, cell := range cells {
					answers[roles[n]] = cell
				}
				if i == 0 {
					p.own = answers
				} else {
					p.other = answers
				}
			}
			all = append(all, p)
		default:
			p := &all[len(all)-1]
			parts := strings.SplitN(strings.Join(strings.Fields(line), " "), " ", 3)
			r := row{method: strings.TrimSuffix(parts[0], "?"), path: parts[1], asks: strings.HasSuffix(parts[0], "?")}
			if r.path == "." {
				r.path = ""
			}
			if len(parts) == 3 {
				r.body = strings.ReplaceAll(parts[2], `\n`, "\n")
			}
			p.rows = append(p.rows, r)
		}
	}
	return all
}

// now is an answer at this time: without a second factor proved just now, or
// with one.
func now(cell string, fresh bool) string {
	if cell == "fresh" {
		cell = "step:yes"
	}
	stale, proved, two := strings.Cut(cell, ":")
	if two && fresh {
		return proved
	}
	return stale
}

// inRoute are the names of objects by how routes call them.
var inRoute = strings.NewReplacer(
	"{member}", "{person}", "{administrator}", "{person}", "{owner}", "{person}", "{operator}", "{person}", "{disabled}", "{person}", "{locked}", "{person}", "{self}", "{person}",
	"{machine}", "{client}", "{empty}", "{company}", "/problems/role", "/problems/{code}",
)

// checkWhole fails unless tables and routes below a path are the same.
func checkWhole(t *testing.T, h http.Handler, below string, base map[string][]paragraph) {
	t.Helper()
	asked := make(map[string]bool)
	for prefix, all := range base {
		for _, p := range all {
			for _, r := range p.rows {
				path, _, _ := strings.Cut(r.path, "?")
				asked[r.method+" "+inRoute.Replace(prefix+path)] = true
			}
		}
	}
	var there []string
	err := chi.Walk(h.(chi.Routes), func(method, path string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if path == below || strings.HasPrefix(path, below+"/") {
			there = append(there, method+" "+path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(there) < 50 {
		t.Errorf("only %d routes below %s", len(there), below)
	}
	for _, route := range there {
		if !asked[route] {
			t.Errorf("no row says who may %s", route)
		}
		delete(asked, route)
	}
	for route := range asked {
		t.Errorf("no route for the row %s", route)
	}
}

// cell is one answer that is expected.
type cell struct {
	role, in, company, want string
}

// cells are those of a paragraph for the people of a company, the refusals
// first.
func (p paragraph) cells(company string, fresh bool) (all []cell) {
	add := func(answers map[string]string, in, where string) {
		for role, want := range answers {
			if want = now(want, fresh); want != "." {
				all = append(all, cell{role, in, where, want})
			}
		}
	}
	if p.other == nil {
		add(p.own, "", company)
	} else {
		add(p.own, "their own company", company)
		add(p.other, "another company", companies[company])
	}
	slices.SortFunc(all, func(a, b cell) int {
		if (a.want == "yes") != (b.want == "yes") {
			if b.want == "yes" {
				return -1
			}
			return 1
		}
		return strings.Compare(a.in+a.role, b.in+b.role)
	})
	return all
}
