package admin

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/login/admin/peoplecsv"
	"github.com/sallyport-id/sallyport/login/page"
)

// importExample is a table that can be imported.
const importExample = "email,name,kind,role\nana@example.com,Ana Silva,staff,member\nben@example.com,Ben Okafor,client,member\n"

func (a *Admin) importPage(v *visit) error {
	if err := a.Govern.Ask(v.Ctx(), v.by, govern.ChangePeople, v.company, ""); err != nil {
		return err
	}
	return a.showImport(v, "", nil)
}

// showImport asks for people; csv is what was there before.
func (a *Admin) showImport(v *visit, csv string, problem *page.Problem) error {
	shell, err := a.shell(v, "people")
	if err != nil {
		return err
	}
	return a.show(v, page.ConsoleImport{
		Console: shell, CSV: csv, Columns: peoplecsv.Columns(), Required: []string{peoplecsv.Email}, Example: importExample, Limit: peoplecsv.MaxRows,
	}, problem)
}

// importPost shows what an import would do, and does it once that was seen.
func (a *Admin) importPost(v *visit) error {
	csv, err := sentCSV(v.R)
	if err != nil {
		return a.showImport(v, "", &page.Problem{Text: page.Say("problem.csv_unreadable"), Field: "file"})
	}
	form := v.R.PostForm
	switch {
	case form.Get("edit") == "1":
		return a.showImport(v, csv, nil)
	case strings.TrimSpace(csv) == "":
		return a.showImport(v, "", &page.Problem{Text: page.Say("problem.csv_missing"), Field: "file"})
	case form.Get("confirm") == "1":
		return a.doImport(v, csv, form.Get("invite") == "1")
	}
	done, err := a.Govern.PreviewImport(v.Ctx(), v.by, v.company, strings.NewReader(csv))
	return a.previewImport(v, csv, done, err)
}

// sentCSV is the file, or the text where there is none. A file in another
// encoding is for the parser to refuse.
func sentCSV(r *http.Request) (string, error) {
	file, _, err := r.FormFile("file")
	if errors.Is(err, http.ErrMissingFile) || errors.Is(err, http.ErrNotMultipart) {
		return r.PostFormValue("csv"), nil
	}
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, peoplecsv.MaxBytes+1))
	if err == nil && len(text) == 0 {
		return r.PostFormValue("csv"), nil // no file was chosen
	}
	return string(text), err
}

func (a *Admin) previewImport(v *visit, csv string, done govern.Imported, err error) error {
	if errors.Is(err, govern.ErrNotFresh) {
		// The way to a second factor would lose the table.
		return a.showImport(v, csv, &page.Problem{Text: page.Say(notFresh)})
	}
	wrong, isWrong := errors.AsType[*govern.ImportProblems](err)
	if err != nil && !isWrong {
		return err
	}
	shell, err := a.shell(v, "people")
	if err != nil {
		return err
	}
	p := page.ConsoleImportPreview{
		Console: shell, CSV: strings.ToValidUTF8(csv, "\ufffd"), Created: done.Created, Changed: done.Changed, Same: done.Same, Invite: a.Govern.MailGoesOut,
	}
	if isWrong {
		for _, w := range wrong.List {
			p.Wrong = append(p.Wrong, page.ImportProblem{Line: w.Line, Column: w.Column, Value: w.Value, What: importProblem(w)})
		}
	}
	return a.show(v, p, nil)
}

// importRefusals are messages of their own; all else is said by its kind.
var importRefusals = map[string]string{
	"role": "import_problem.role", "person_role": "denied.person_role", "operator": "denied.operator", "self": "denied.self", "last_owner": "denied.last_owner",
	"taken": "problem.email_taken",
}

func importProblem(w govern.ImportProblem) page.Text {
	switch {
	case w.Code == string(peoplecsv.CodeTwice) && w.First > 0:
		return page.Say("problem.csv_twice", "Line", w.First)
	case importRefusals[w.Code] != "":
		return page.Say(importRefusals[w.Code])
	case w.Code == string(peoplecsv.CodeNoHeader) && w.Column != "":
		return page.Say("problem.csv_column", "Column", w.Column)
	case w.Code == string(peoplecsv.CodeUnknown) && w.Line > 0 && w.Column == "":
		return page.Say("problem.csv_unknown_column", "Column", w.Value)
	case w.Code == string(peoplecsv.CodeNotAllowed) && importValues[w.Column] != "":
		return page.Say("problem.csv_value", "Values", importValues[w.Column])
	case slices.Contains(importCodes, w.Code):
		return page.Say("import_problem." + w.Code)
	}
	return page.Say("import_problem.form")
}

// importValues are what columns may hold.
var importValues = map[string]string{
	peoplecsv.Kind: "staff, client", peoplecsv.Role: "member, administrator, owner", peoplecsv.RequireTwoStep: "true, false",
}

// importCodes have a message import_problem.CODE.
var importCodes = []string{"too_large", "too_many_rows", "encoding", "no_header", "quotes", "too_many_cells", "missing", "too_long"}

func (a *Admin) doImport(v *visit, csv string, invite bool) error {
	done, err := a.Govern.Import(v.Ctx(), v.by, v.company, strings.NewReader(csv), invite && a.Govern.MailGoesOut)
	_, isWrong := errors.AsType[*govern.ImportProblems](err)
	switch {
	case isWrong || errors.Is(err, govern.ErrNotFresh):
		return a.previewImport(v, csv, done, err) // something changed since it was checked
	case err != nil:
		return err
	case done.TaskID != "":
		return v.done(v.to("tasks", done.TaskID), "imported")
	}
	return v.done(v.to("people"), "imported")
}

// exportPeople sends the people whom the list shows as CSV, as it reads them.
// An error after the first of them ends the answer short, so that it isn't
// taken for the whole list.
func (a *Admin) exportPeople(v *visit) error {
	if err := a.Govern.Ask(v.Ctx(), v.by, govern.SeePeople, v.company, ""); err != nil {
		return err
	}
	filter := filterOf(v.R)
	v.W.Header().Set("Content-Type", "text/csv; charset=utf-8")
	v.W.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="people-%s.csv"`, v.company))
	v.W.Header().Set("Cache-Control", "no-store")
	out := &begun{ResponseWriter: v.W}
	err := a.Govern.Export(v.Ctx(), v.by, v.company, filter, out)
	if err != nil && out.yes {
		a.Log.ErrorContext(v.Ctx(), "export ended early", "error", err)
		panic(http.ErrAbortHandler)
	}
	if err != nil {
		v.W.Header().Del("Content-Disposition")
		v.W.Header().Del("Content-Type")
	}
	return err
}

// begun knows whether anything was sent.
type begun struct {
	http.ResponseWriter
	yes bool
}

func (b *begun) Write(p []byte) (int, error) {
	b.yes = true
	return b.ResponseWriter.Write(p)
}
