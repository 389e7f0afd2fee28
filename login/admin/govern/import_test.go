package govern_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// table is a CSV of n new people.
func table(n int) []string {
	lines := []string{"email,name,kind,role,phone"}
	for i := range n {
		lines = append(lines, fmt.Sprintf("p%03d@acme.example,Person %d,staff,member,", i, i))
	}
	return lines
}

func csv(lines []string) *strings.Reader { return strings.NewReader(strings.Join(lines, "\n")) }

// wrong are the mistakes of an import.
func (w *world) wrong(err error) []govern.ImportProblem {
	w.t.Helper()
	problems, ok := errors.AsType[*govern.ImportProblems](err)
	if !ok {
		w.t.Fatalf("%v, want mistakes", err)
	}
	return problems.List
}

func (w *world) people(org string) int {
	w.t.Helper()
	all, err := w.db.PeopleClasses(w.t.Context(), org)
	w.must(err)
	n := 0
	for _, c := range all {
		n += c.Count
	}
	return n
}

// Five hundred people of whom three are wrong: nobody is imported, and the
// three are named by their line and column.
func TestImportIsAllOrNothing(t *testing.T) {
	each(t, func(w *world) {
		olga := w.as("olga@acme.example")
		lines := table(500)
		good := slices.Clone(lines)
		lines[17] = "p016@acme.example,Wrong phone,staff,member,079 123"
		lines[200] = "gwen@globex.example,Gwen of Globex,staff,member,"
		lines[444] = "p443@acme.example," + strings.Repeat("long ", 101) + ",staff,member,"
		// In this order: the import takes what is right in the end.
		for _, c := range []struct {
			name string
			do   func(*strings.Reader) error
		}{
			{"preview", func(r *strings.Reader) error { _, err := w.PreviewImport(t.Context(), olga, "acme", r); return err }},
			{"import", func(r *strings.Reader) error { _, err := w.Import(t.Context(), olga, "acme", r, false); return err }},
		} {
			var places []string
			// What shows in the file alone comes first, what the company's people show then.
			at := slices.Clone(lines)
			for range 3 {
				err := c.do(csv(at))
				if err == nil {
					break
				}
				for _, p := range w.wrong(err) {
					places = append(places, fmt.Sprintf("%d %s %s", p.Line, p.Column, p.Code))
					at[p.Line-1] = good[p.Line-1]
				}
				if w.people("acme") != 4 {
					w.t.Fatalf("%s: %d people", c.name, w.people("acme"))
				}
			}
			slices.Sort(places)
			if want := []string{"18 phone form", "201 email taken", "445 name too_long"}; !slices.Equal(places, want) {
				t.Errorf("%s: %v, want %v", c.name, places, want)
			}
		}
		if n := w.people("acme"); n != 504 {
			t.Errorf("corrected: %d people", n)
		}
		if w.user("gwen@globex.example").OrgID != "globex" {
			t.Error("somebody was taken from another company")
		}
	})
}

// An import brings in who is new, changes who is there, and invites everybody
// new by a task.
func TestImportInvites(t *testing.T) {
	each(t, func(w *world) {
		olga := w.as("olga@acme.example")
		lines := append(table(150), "ana@acme.example,Ana New,,,", "clara@client.example,,,,")
		p, err := w.PreviewImport(t.Context(), olga, "acme", csv(lines))
		w.must(err)
		if p.Created != 150 || p.Changed != 1 || p.Same != 1 || w.people("acme") != 4 {
			t.Errorf("preview %+v, %d people", p, w.people("acme"))
		}
		done, err := w.Import(t.Context(), olga, "acme", csv(lines), true)
		w.must(err)
		if done.Created != p.Created || done.Changed != p.Changed || done.TaskID == "" || w.user("ana@acme.example").Profile.Name != "Ana New" {
			t.Errorf("import %+v", done)
		}
		w.finish()
		if w.mailed() != 150 {
			t.Errorf("%d mails", w.mailed())
		}
	})
}

// Thousands of people are written by statements that SQLite takes: it bounds
// how many values one may have, and the audit has thirteen for each person.
func TestImportOfThousands(t *testing.T) {
	w := begin(t, storagetest.Open(t, storagetest.URL(t, "sqlite"), storage.Options{}))
	done, err := w.Import(t.Context(), w.as("olga@acme.example"), "acme", csv(table(2600)), false)
	w.must(err)
	if done.Created != 2600 || w.people("acme") != 2604 {
		t.Errorf("%+v", done)
	}
}

// Who may not give a role or touch a person can't by a file either; rows that
// change nothing are no harm.
func TestImportKnowsRights(t *testing.T) {
	each(t, func(w *world) {
		adam, olga := w.as("adam@acme.example"), w.as("olga@acme.example")
		_, err := w.PreviewImport(t.Context(), adam, "acme", csv([]string{
			"email,name,role", "new@acme.example,New,administrator", "olga@acme.example,Other Name,", "ana@acme.example,,owner", "adam@acme.example,Adam Administrator,administrator",
		}))
		var got []string
		for _, p := range w.wrong(err) {
			got = append(got, fmt.Sprintf("%d %s %s", p.Line, p.Column, p.Code))
		}
		if want := []string{"2 role role", "3  person_role", "4 role role"}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		roles := []string{"email,name,role", "new@acme.example,New,administrator", "ana@acme.example,,owner"}
		_, err = w.Import(t.Context(), olga, "acme", csv(roles), false)
		w.must(err)
		if w.user("ana@acme.example").Role != "owner" || w.user("new@acme.example").Role != "administrator" {
			t.Error("an owner couldn't give roles")
		}
		olga.Vouches = false
		if _, err = w.Import(t.Context(), olga, "acme", csv([]string{"email,name,role", "two@acme.example,Two,owner"}), false); !errors.Is(err, govern.ErrNotFresh) {
			t.Errorf("%v, want a fresh second factor", err)
		}
		_, err = w.Import(t.Context(), w.as("ana@acme.example"), "globex", csv(roles), false)
		w.hidden(err)
	})
}

// What is exported changes nothing where it is imported again, and both are in
// the audit.
func TestExportAndImport(t *testing.T) {
	each(t, func(w *world) {
		w.many(450)
		w.apply(`people: [{email: odd@acme.example, company: acme, name: "=SUM(A1), \"odd\"; one", phone: "+41791234567", locale: de, require_two_step: true}]`)
		olga := w.as("olga@acme.example")
		var out bytes.Buffer
		w.must(w.Export(t.Context(), olga, "acme", govern.PeopleFilter{}, &out))
		if n := strings.Count(out.String(), "@"); n != 455 || strings.Contains(out.String(), "globex") {
			t.Errorf("%d people:\n%s", n, out.String()[:300])
		}
		p, err := w.PreviewImport(t.Context(), olga, "acme", &out)
		w.must(err)
		if p.Same != 455 || p.Changed+p.Created != 0 {
			t.Errorf("%+v", p)
		}
		out.Reset()
		w.must(w.Export(t.Context(), olga, "acme", govern.PeopleFilter{Kind: "client"}, &out))
		if strings.Count(out.String(), "@") != 1 || !strings.Contains(out.String(), "clara@") {
			t.Errorf("clients:\n%s", out.String())
		}
		w.refused(w.Export(t.Context(), w.as("ana@acme.example"), "acme", govern.PeopleFilter{}, &out), "role")
	})
}
