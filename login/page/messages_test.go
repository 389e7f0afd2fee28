package page

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func mustWords(t *testing.T) []*words {
	t.Helper()
	all, err := loadWords(messageFiles)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Every language says everything, with the same placeholders.
func TestLanguagesAgree(t *testing.T) {
	all := mustWords(t)
	first := all[0]
	for _, w := range all[1:] {
		for id, m := range first.messages {
			other, ok := w.messages[id]
			if !ok {
				t.Errorf("messages/%s.yaml lacks %s", w.lang, id)
				continue
			}
			if !slices.Equal(m.needs, other.needs) || !slices.Equal(m.wants, other.wants) {
				t.Errorf("%s: placeholders %v %v in %s, %v %v in %s", id, m.needs, m.wants, first.lang, other.needs, other.wants, w.lang)
			}
			if m.plurals != other.plurals {
				t.Errorf("%s: plural forms in one of %s and %s only", id, first.lang, w.lang)
			}
		}
		for id := range w.messages {
			if _, ok := first.messages[id]; !ok {
				t.Errorf("messages/%s.yaml has %s, which %s lacks", w.lang, id, first.lang)
			}
		}
	}
}

// Every message can be filled in, for any number, without a word in the log.
func TestMessagesFillIn(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	for _, w := range mustWords(t) {
		for id, m := range w.messages {
			for _, n := range []int{0, 1, 2, 5, 11, 21, 100} {
				given := make(map[string]any)
				for _, name := range slices.Concat(m.needs, m.wants) {
					given[name] = n
					if name == "Until" || name == "When" || name == "At" {
						given[name] = time.Date(2026, time.Month(1+n%12), 1, 2, 3, 4, 0, time.UTC)
					}
				}
				for _, marked := range []bool{false, true} {
					got := w.fill(Text{ID: id, With: given}, marked)
					if got == "" || strings.Contains(got, "**") || strings.Contains(got, "{{") {
						t.Errorf("%s %s: %q", w.lang, id, got)
					}
				}
				if log.Len() > 0 {
					t.Fatalf("%s %s with %d: %s", w.lang, id, n, log.String())
				}
			}
		}
	}
}

// Ids in templates exist.
func TestTemplateMessages(t *testing.T) {
	known := mustWords(t)[0].messages
	found := 0
	for _, id := range templateIDs(t) {
		found++
		if strings.HasSuffix(id, ".") { // a family, chosen from by name
			if !slices.ContainsFunc(slices.Collect(maps.Keys(known)), func(k string) bool { return strings.HasPrefix(k, id) }) {
				t.Errorf("a template chooses from %q, which has no members", id)
			}
			continue
		}
		if _, ok := known[id]; !ok {
			t.Errorf("a template says %q, which is no message", id)
		}
	}
	if found < 50 {
		t.Errorf("found only %d ids in templates", found)
	}
}

func templateIDs(t *testing.T) []string {
	t.Helper()
	said := regexp.MustCompile(`\b(?:t|word) "([^"]+)"`)
	var ids []string
	entries, err := templateFiles.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		body, err := templateFiles.ReadFile("templates/" + entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range said.FindAllStringSubmatch(string(body), -1) {
			ids = append(ids, m[1])
		}
	}
	return ids
}

// goFiles parses every Go file of the repository.
func goFiles(t *testing.T) []*ast.File {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".go" {
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, source, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files = append(files, file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

// Wherever Say is called with a written-out id, that message exists and gets
// every value it needs.
func TestSaid(t *testing.T) {
	w := mustWords(t)[0]
	for _, file := range goFiles(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 || call.Ellipsis.IsValid() || !isSay(call.Fun, file.Name.Name) {
				return true
			}
			id, ok := literal(call.Args[0])
			if !ok || deliberate(id) {
				return true
			}
			said, known := w.find(Text{ID: id})
			if !known {
				t.Errorf("Say(%q): no such message", id)
				return true
			}
			for _, name := range w.messages[said.ID].needs {
				if said.ID == id && !given(call.Args[1:], name) {
					t.Errorf("Say(%q) lacks %s", id, name)
				}
			}
			return true
		})
	}
}

// deliberate reports the mistakes that words_test.go makes to see them logged.
func deliberate(id string) bool { return id == "no.such" || id == "reason.company" }

func isSay(fun ast.Expr, inPackage string) bool {
	switch fun := fun.(type) {
	case *ast.Ident:
		return fun.Name == "Say" && inPackage == "page"
	case *ast.SelectorExpr:
		of, ok := fun.X.(*ast.Ident)
		return ok && of.Name == "page" && fun.Sel.Name == "Say"
	}
	return false
}

func given(pairs []ast.Expr, name string) bool {
	for i := 0; i < len(pairs); i += 2 {
		if got, ok := literal(pairs[i]); !ok || got == name {
			return true // a name that isn't written out may be the one
		}
	}
	return false
}

// No message is left over: its id, or the beginning of it up to a dot, stands
// in a Go file or a template. Families are chosen by name at run time; each has
// members.
func TestNothingUnused(t *testing.T) {
	families := []string{
		"activity.", "mail.", "method.", "problem.", "reason.", "refuse.", "scope.",
		// Pages whose heading, body, button and link are said by one name.
		"expired.", "finished.", "foreign.", "too_many.", "failure.", "busy.", "not_found.",
		"signed_out.", "setup_link.", "no_owner.", "link.", "forgot_sent.", "address_confirmed.", "address_changed.",
		"not_me_done.", "set_up_by_email_needs_address.",
		"remove_app.", "remove_key.", "remove_texts.", "remove_mails.", "confirm_address.", "change_address.",
		"set_up_link.", "not_me.",
		// What administrators are told.
		"do.", "cannot.", "rule.", "rule_value.", "touched.", "warning.", "task_kind.", "task_failure.",
	}
	known := mustWords(t)[0].messages
	for _, family := range families {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(known)), func(id string) bool { return strings.HasPrefix(id, family) }) {
			t.Errorf("the family %s has no members", family)
		}
	}
	used := make(map[string]bool)
	for _, id := range slices.Concat(templateIDs(t), families) {
		used[id] = true
	}
	for _, file := range goFiles(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			if e, ok := n.(ast.Expr); ok {
				if s, ok := literal(e); ok {
					used[s] = true
				}
			}
			return true
		})
	}
	for id := range known {
		found := used[id]
		for i, c := range id {
			found = found || c == '.' && used[id[:i+1]]
		}
		if !found {
			t.Errorf("nobody says %s", id)
		}
	}
}

// What is said together is there together: the subject and body of a mail, and
// the heading, body and link of a page. A subject is read by whoever sees a
// locked phone, so it holds no secret.
func TestSaidTogether(t *testing.T) {
	known := mustWords(t)[0].messages
	together := map[string][]string{"subject": {"body"}, "link": {"heading", "body"}}
	mails := 0
	for id, m := range known {
		i := strings.LastIndexByte(id, '.')
		stem, part := id[:i+1], id[i+1:]
		want := together[part]
		if strings.HasPrefix(id, "mail.") && part == "body" {
			mails, want = mails+1, []string{"subject"}
		}
		for _, other := range want {
			if _, ok := known[stem+other]; !ok {
				t.Errorf("%s is there, and %s is not", id, stem+other)
			}
		}
		if part == "subject" && slices.ContainsFunc([]string{"Code", "Link", "NotMe"}, func(name string) bool { return slices.Contains(m.needs, name) }) {
			t.Errorf("%s holds a secret: %v", id, m.needs)
		}
	}
	if mails < 30 {
		t.Errorf("%d mails", mails)
	}
}

// A mail that tells a person of a change to their account lets them say that it
// wasn't them. Links, codes and what owners read have nothing to undo, and
// where changes are locked already that is done.
func TestNotMe(t *testing.T) {
	for _, w := range mustWords(t) {
		for id, m := range w.messages {
			if !strings.HasPrefix(id, "mail.") || !strings.HasSuffix(id, ".body") {
				continue
			}
			without := strings.HasPrefix(id, "mail.link.") || strings.HasPrefix(id, "mail.owner.") ||
				slices.Contains([]string{"mail.code.body", "mail.factor.locked.body", "mail.changes.locked.body"}, id)
			if got := slices.Contains(m.needs, "NotMe"); got == without {
				t.Errorf("%s %s: NotMe %v", w.lang, id, got)
			}
		}
	}
}

// A text message costs by its length: one part holds 160 characters, and two
// lines for browsers come after the words.
func TestTextIsShort(t *testing.T) {
	for _, w := range mustWords(t) {
		said := w.text(Say("text.code", "Code", "123456", "Issuer", "login.rather-long-name.example.com"))
		if n := len([]rune(said)); n > 100 || strings.ContainsAny(said, "\n„“…•") {
			t.Errorf("%s: %d characters: %q", w.lang, n, said)
		}
	}
}

// A language is one file, or several named by what they are for.
func TestThirdLanguage(t *testing.T) {
	english, err := messageFiles.ReadFile("messages/en.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{
		"messages/en.yaml":    {Data: english},
		"messages/da.yaml":    {Data: english},
		"messages/pt-BR.yaml": {Data: bytes.ReplaceAll(english, []byte(`page.cancel: "Cancel"`), []byte(`page.cancel: "Cancelar"`))},
	}
	all, err := loadWords(files)
	if err != nil {
		t.Fatal(err)
	}
	var langs []string
	for _, w := range all {
		langs = append(langs, w.lang)
	}
	if !slices.Equal(langs, []string{"en", "da", "pt-BR"}) {
		t.Fatalf("languages %q", langs)
	}
	if got := all[2].text(Say("page.cancel")); got != "Cancelar" {
		t.Errorf("pt-BR says %q", got)
	}
	files["messages/more.da.yaml"] = &fstest.MapFile{Data: []byte(`more.words: "Mere"`)}
	if all, err = loadWords(files); err != nil || len(all) != 3 {
		t.Fatalf("%d languages, %v", len(all), err)
	}
	if got := all[1].text(Text{ID: "more.words"}) + " " + all[1].text(Say("page.cancel")); got != "Mere Cancel" {
		t.Errorf("two files of a language say %q", got)
	}
	files["messages/more.da.yaml"] = &fstest.MapFile{Data: []byte(`page.cancel: "Afbryd"`)}
	if _, err := loadWords(files); err == nil {
		t.Error("no error for an id in two files of a language")
	}
	delete(files, "messages/more.da.yaml")
	delete(files, "messages/en.yaml")
	if _, err := loadWords(files); err == nil {
		t.Error("no error without English")
	}
	files["messages/en.yaml"] = &fstest.MapFile{Data: []byte("a: b\na: c\n")}
	if _, err := loadWords(files); err == nil {
		t.Error("no error for an id given twice")
	}
}

// A message is words, whatever it holds.
func TestMessageIsNoMarkup(t *testing.T) {
	all, err := loadWords(fstest.MapFS{"messages/en.yaml": {Data: []byte(`a: "<b> & **{{.X}}**"`)}})
	if err != nil {
		t.Fatal(err)
	}
	said := Text{ID: "a", With: map[string]any{"X": "<i>"}}
	if got, want := string(all[0].html(said)), "&lt;b&gt; &amp; <strong>&lt;i&gt;</strong>"; got != want {
		t.Errorf("on a page %q, want %q", got, want)
	}
	if got, want := all[0].text(said), "<b> & <i>"; got != want {
		t.Errorf("in a mail %q, want %q", got, want)
	}
}

// Every type names a template; each must be there, none left over.
func TestTemplatesMatchPages(t *testing.T) {
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	named := make(map[string]bool)
	for _, file := range goFiles(t) {
		if file.Name.Name != "page" {
			continue
		}
		for _, decl := range file.Decls {
			method, ok := decl.(*ast.FuncDecl)
			if !ok || method.Recv == nil || method.Name.Name != "template" {
				continue
			}
			ast.Inspect(method.Body, func(n ast.Node) bool {
				if e, ok := n.(ast.Expr); ok {
					if name, ok := literal(e); ok {
						named[name] = true
					}
				}
				return true
			})
		}
	}
	delete(named, unpainted{}.template())
	if len(named) < 40 {
		t.Errorf("only %d types of pages", len(named))
	}
	for lang, drawn := range r.pages {
		for name := range drawn {
			if !named[name] {
				t.Errorf("%s: no type for template %s", lang, name)
			}
		}
		for name := range named {
			if drawn[name] == nil {
				t.Errorf("%s: no template %s", lang, name)
			}
		}
	}
}

type unpainted struct{}

func (unpainted) template() string { return "unpainted" }

// A page that can't be drawn is an error, never half a page.
func TestDrawFails(t *testing.T) {
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	rec := httptest.NewRecorder()
	r.Write(rec, Frame{Status: 200}, unpainted{})
	if rec.Code != 500 || rec.Header().Get("Content-Type") != "text/plain; charset=utf-8" || strings.Contains(rec.Body.String(), "<") {
		t.Errorf("status %d, %s: %q", rec.Code, rec.Header().Get("Content-Type"), rec.Body)
	}
	if !strings.Contains(log.String(), "unpainted") {
		t.Errorf("logged %q", log.String())
	}
}
