package govern

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/admin/peoplecsv"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// ImportProblem is a mistake in an import.
type ImportProblem struct {
	// Line is the line of the file, 0 for the file as a whole; Column the name
	// of the column, empty for the line as a whole.
	Line   int    `json:"line,omitempty"`
	Column string `json:"column,omitempty"`
	// Code is one of package peoplecsv or apply, or a Refused.Code.
	Code string `json:"code"`
	// Value is what was written there.
	Value string `json:"value,omitempty"`
	// First is the line that has the same address already.
	First int `json:"first,omitempty"`
	// Detail and Remedy say it in English, where package apply found it.
	Detail string `json:"detail,omitempty"`
	Remedy string `json:"remedy,omitempty"`
}

// ImportProblems are all mistakes of an import. Nothing was imported.
type ImportProblems struct{ List []ImportProblem }

func (e *ImportProblems) Error() string {
	return fmt.Sprintf("nothing was imported: there are %d mistakes", len(e.List))
}

// Imported says what an import did, or would do.
type Imported struct {
	// Created people are new, Changed ones got other values, Same ones were
	// there just so.
	Created int `json:"created"`
	Changed int `json:"changed"`
	Same    int `json:"same"`
	// TaskID is the task that sends the invitations; empty: there are none.
	TaskID string `json:"task_id,omitempty"`
}

// PreviewImport says what Import would do. The error is *ImportProblems where
// something is wrong. It is no part of [Govern.Within], for it takes its
// transaction back.
func (g *Govern) PreviewImport(ctx context.Context, by Actor, org string, csv io.Reader) (done Imported, err error) {
	err = g.importPeople(ctx, by, org, csv, false, &done, errDryRun)
	if errors.Is(err, errDryRun) {
		err = nil
	}
	return done, err
}

// Import adds people to a company and changes those who are there, as a file
// in the form of package peoplecsv says: all of them or, with an
// *ImportProblems, nobody. Cells that are empty change nothing. With invite,
// who is new gets a mail by which they choose a password.
func (g *Govern) Import(ctx context.Context, by Actor, org string, csv io.Reader, invite bool) (done Imported, err error) {
	return done, g.importPeople(ctx, by, org, csv, invite, &done, nil)
}

func (g *Govern) importPeople(ctx context.Context, by Actor, org string, csv io.Reader, invite bool, done *Imported, end error) error {
	rows, wrong := peoplecsv.Parse(csv)
	return g.write(ctx, by, ChangePeople, org, func(tx *storage.Tx, by Actor) error {
		*done = Imported{}
		if invite && !g.MailGoesOut {
			return &Refused{Code: "no_mail", Action: ChangePeople}
		}
		if len(wrong) > 0 {
			return problemsOfFile(wrong)
		}
		added, err := g.importRows(ctx, tx, by, org, rows, apply.Options{PlanOnly: end != nil}, done)
		if err != nil {
			return err
		}
		if invite && len(added) > 0 {
			if done.TaskID, err = g.begin(ctx, tx, by, org, taskInvite, taskParams{IDs: added}); err != nil {
				return err
			}
		}
		e := by.event(org, "", g.Now())
		e.Event, e.Reason = "person.imported", fmt.Sprintf("%d new, %d changed, %d as they were", done.Created, done.Changed, done.Same)
		return cmp.Or(tx.Audit(ctx, e), end)
	})
}

func problemsOfFile(wrong []peoplecsv.Problem) error {
	e := new(ImportProblems)
	for _, p := range wrong {
		e.List = append(e.List, ImportProblem{Line: p.Line, Column: p.Column, Code: string(p.Code), Value: p.Value, First: p.First})
	}
	return e
}

// importRows writes the people, and returns the ids of who is new.
func (g *Govern) importRows(ctx context.Context, tx *storage.Tx, by Actor, org string, rows []peoplecsv.Row, o apply.Options, done *Imported) (added []string, err error) {
	im := importing{by: by, org: org, rows: make(map[string]peoplecsv.Row), there: make(map[string]*storage.User)}
	f, err := im.file(ctx, tx, rows)
	if err != nil {
		return nil, err
	}
	report, err := g.apply(ctx, tx, by, *f, o)
	if wrong, ok := errors.AsType[*apply.Problems](err); ok {
		im.refuseAll(wrong)
		return nil, im.wrong()
	}
	if err != nil {
		return nil, err
	}
	for _, change := range report.Changes {
		if err := im.may(change); err != nil {
			return nil, err
		}
		switch change.Action {
		case apply.Unchanged:
			done.Same++
		case apply.Changed:
			done.Changed++
		case apply.Added:
			if done.Created++; o.PlanOnly {
				continue
			}
			u, err := tx.UserByEmail(ctx, change.Key)
			if err != nil {
				return nil, err
			}
			added = append(added, u.ID)
		}
	}
	return added, im.wrong()
}

// importing is one import on its way.
type importing struct {
	by  Actor
	org string
	// rows by the key of their address, and who is there already.
	rows     map[string]peoplecsv.Row
	there    map[string]*storage.User
	problems ImportProblems
}

func (im *importing) wrong() error {
	if len(im.problems.List) == 0 {
		return nil
	}
	slices.SortStableFunc(im.problems.List, func(a, b ImportProblem) int { return cmp.Compare(a.Line, b.Line) })
	return &im.problems
}

// file is the rows as entries of a file.
func (im *importing) file(ctx context.Context, tx *storage.Tx, rows []peoplecsv.Row) (*apply.File, error) {
	var entries []apply.Person
	var lines []int
	for _, row := range rows {
		key := storage.EmailKey(row.Email)
		im.rows[key] = row
		u, err := tx.UserByEmail(ctx, row.Email)
		switch {
		case errors.Is(err, storage.ErrNotFound):
		case err != nil:
			return nil, err
		case u.OrgID != im.org:
			// Nobody is taken away from another company.
			im.problems.List = append(im.problems.List, ImportProblem{Line: row.Line, Column: peoplecsv.Email, Code: string(apply.CodeTaken), Value: row.Email})
			continue
		default:
			im.there[key] = u
		}
		entries, lines = append(entries, entryOf(row, im.org)), append(lines, row.Line)
	}
	f, err := apply.PeopleFrom(entries, lines)
	if wrong, ok := errors.AsType[*apply.Problems](err); ok {
		im.refuseAll(wrong)
	}
	return f, im.wrong()
}

// entryOf is a row as an entry that mentions what the row says.
func entryOf(row peoplecsv.Row, org string) apply.Person {
	e := apply.NewPerson()
	e.Email, e.Company = row.Email, org
	e.Name, e.GivenName, e.FamilyName, e.Locale, e.Phone, e.RequireTwoStep = row.Name, row.GivenName, row.FamilyName, row.Locale, row.Phone, row.RequireTwoStep
	e.Kind, e.Role = cmp.Or(row.Kind, e.Kind), cmp.Or(row.Role, e.Role)
	return e.Only(row.Given...)
}

// refuseAll takes over what package apply found.
func (im *importing) refuseAll(wrong *apply.Problems) {
	for _, p := range wrong.List {
		mine := ImportProblem{Line: p.Line, Column: p.Field, Code: string(p.Code), Detail: p.Wrong, Remedy: p.Remedy}
		for _, row := range im.rows {
			if row.Line == p.Line {
				mine.Value = valueOf(row, p.Field)
			}
		}
		im.problems.List = append(im.problems.List, mine)
	}
}

func valueOf(row peoplecsv.Row, column string) string {
	return map[string]string{
		peoplecsv.Email: row.Email, peoplecsv.Name: row.Name, peoplecsv.GivenName: row.GivenName, peoplecsv.FamilyName: row.FamilyName,
		peoplecsv.Kind: row.Kind, peoplecsv.Role: row.Role, peoplecsv.Phone: row.Phone, peoplecsv.Locale: row.Locale,
	}[column]
}

// may notes what the actor may not do about a change. Rows that change nothing
// are anybody's to have in a file.
func (im *importing) may(c apply.Change) error {
	row := im.rows[storage.EmailKey(c.Key)]
	var err error
	column := ""
	switch u := im.there[storage.EmailKey(c.Key)]; {
	case c.Action == apply.Unchanged:
		return nil
	case u == nil:
		column, err = peoplecsv.Role, im.by.mayGive(im.org, cmp.Or(row.Role, policy.Member), false)
	default:
		err = im.by.mayTo(ChangePeople, u)
		if err == nil && slices.ContainsFunc(c.Fields, func(f apply.FieldChange) bool { return f.Field == peoplecsv.Role }) {
			if column, err = peoplecsv.Role, im.by.may(ChangeRole, im.org); err == nil {
				err = im.by.mayTo(ChangeRole, u)
			}
		}
		if err == nil && im.by.liftsOwn(u, row.RequireTwoStep) && slices.ContainsFunc(c.Fields, func(f apply.FieldChange) bool { return f.Field == peoplecsv.RequireTwoStep }) {
			column, err = peoplecsv.RequireTwoStep, &Refused{Code: "self", Action: ChangePeople}
		}
	}
	if refused, ok := errors.AsType[*Refused](err); ok {
		im.problems.List = append(im.problems.List, ImportProblem{Line: row.Line, Column: column, Code: refused.Code, Value: valueOf(row, column)})
		return nil
	}
	return err
}
