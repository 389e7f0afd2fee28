package governtest

import (
	"strings"
	"testing"
	"time"
)

// asking is how a table's requests are made.
type asking struct {
	// base comes before the addresses of the table.
	base string
	send func(c cell, r row) answered
	// outcome is an answer as the table has it.
	outcome func(answered) string
}

// breath is between requests: so many a second are answered.
const breath = 500 * time.Millisecond

// matrix asks all that a table has rows for, as the people of a company, and
// compares the answers with it. What is refused must have changed nothing, and
// what was done must have changed something.
func (w *world) matrix(t *testing.T, table []paragraph, company string, fresh bool, a asking) {
	for _, p := range table {
		for _, r := range p.rows {
			w.Clock.Advance(breath)
			w.row(t, p, r, company, fresh, a)
		}
	}
}

func (w *world) row(t *testing.T, p paragraph, r row, company string, fresh bool, a asking) {
	cells := p.cells(company, fresh)
	asked := make([]row, len(cells))
	refused := 0
	for i, c := range cells {
		if c.want != "yes" {
			asked[i], refused = w.filled(r, c, company, a.base), refused+1
		}
	}
	check := func(c cell, r row) (granted bool) {
		sent := a.send(c, r)
		got := a.outcome(sent)
		if got != c.want {
			t.Errorf("%s of %s, in %s, fresh %t: %s (%s): %s, want %s\n%s", c.role, company, c.in, fresh, r, p.what, got, c.want, sent)
		}
		return got == "yes"
	}
	before := w.tables.look(t)
	granted := false
	for i, c := range cells[:refused] {
		granted = check(c, asked[i]) || granted
	}
	if after := w.tables.look(t); before.changes(after) != "" && !granted {
		t.Errorf("%s (%s), for people of %s, refused all the same: fresh %t\n%s", r, p.what, company, fresh, before.changes(after))
	}
	for _, c := range cells[refused:] {
		asked := w.filled(r, c, company, a.base)
		before := w.tables.look(t)
		granted := check(c, asked)
		changed := before.changes(w.tables.look(t))
		switch {
		case granted && r.writes() && changed == "":
			t.Errorf("%s of %s, in %s: %s (%s) changed nothing", c.role, company, c.in, r, p.what)
		case !r.writes() && changed != "":
			t.Errorf("%s of %s, in %s: %s (%s) only asks\n%s", c.role, company, c.in, r, p.what, changed)
		}
		if r.writes() {
			w.usedUp(r.path+r.body, c.company)
		}
	}
}

// filled is a row with objects of a cell's company in it.
func (w *world) filled(r row, c cell, company, base string) row {
	self := w.people[oneFactor].id // who has no role is asked for, too
	if s := w.people[emails[company][c.role]]; s != nil {
		self = s.id
	}
	r.path, r.body = w.fill(base+r.path, c.company, self), w.fill(r.body, c.company, self)
	return r
}

// under is where the provider's own pages lead on to.
func under(location, path string) bool {
	return location == path || strings.HasPrefix(location, path+"/") || strings.HasPrefix(location, path+"?")
}
