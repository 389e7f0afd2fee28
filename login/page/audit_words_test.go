package page

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// writers are the folders whose code writes the audit.
var writers = []string{"../../login", "../../idp", "../../cmd", "../../storage/apply"}

// parse reads the Go files of folders, without tests and this package.
func parse(t *testing.T, folders ...string) map[string]*ast.File {
	t.Helper()
	files := make(map[string]*ast.File)
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && slices.Contains([]string{"page", "node_modules", "testdata"}, d.Name()):
				return filepath.SkipDir
			case d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			files[path], err = parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// composed are events whose names are put together where they are written: what
// stands in the code, and what is before or after it.
var composed = map[string][]string{
	".":           {"company.added", "company.changed", "company.deleted", "product.added", "product.changed", "product.deleted", "person.added", "person.changed", "person.deleted"},
	"api_client.": {"api_client.added", "api_client.deleted"},
	"proof.":      {"proof.password", "proof.totp", "proof.sms", "proof.email", "proof.webauthn", "proof.backup_code", "proof.recovery_code"},
	".failed":     {"totp.failed", "sms.failed", "email.failed", "webauthn.failed", "backup_code.failed", "recovery_code.failed"},
	".enrolled":   {"totp.enrolled", "sms.enrolled", "email.enrolled", "webauthn.enrolled"},
	".removed":    {"totp.removed", "sms.removed", "email.removed", "webauthn.removed"},
	".renamed":    {"totp.renamed", "webauthn.renamed"},
	".replaced":   {"totp.replaced", "sms.replaced"},
	".added":      {"totp.added"},
}

// written are the events that are written anywhere, each with a file: what
// looks like an event in a function that writes one, unless it is said to a
// person, or the id or the beginning of a message of another kind.
func written(t *testing.T, w *words) map[string]string {
	t.Helper()
	whole, part := regexp.MustCompile(`^[a-z_]+\.[a-z_]+$`), regexp.MustCompile(`^(\.[a-z_]*|[a-z_]+\.)$`)
	message := func(id string) bool {
		if strings.HasPrefix(id, "rules.") && id != "rules.changed" {
			return true // the name of a setting, as files write it
		}
		for known := range w.messages {
			if known == id || strings.HasPrefix(known, id+".") {
				return true
			}
		}
		return false
	}
	found := make(map[string]string)
	for path, file := range parse(t, writers...) {
		for _, decl := range file.Decls {
			function, ok := decl.(*ast.FuncDecl)
			if !ok || function.Body == nil || function.Name.Name != "event" && !writes(function.Body) {
				continue
			}
			ast.Inspect(function.Body, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && isSay(call.Fun, file.Name.Name) {
					return false
				}
				if compared, ok := n.(*ast.BinaryExpr); ok && (compared.Op == token.EQL || compared.Op == token.NEQ) {
					return false // looked for, not written
				}
				if sum, ok := n.(*ast.BinaryExpr); ok && sum.Op == token.ADD {
					for _, side := range []ast.Expr{sum.X, sum.Y} {
						s, ok := literal(side)
						if !ok || !part.MatchString(s) || message(strings.TrimSuffix(s, ".")) && s != "." {
							continue
						}
						if composed[s] == nil {
							t.Errorf("%s puts an event together with %q: say in composed what that makes", path, s)
						}
						for _, event := range composed[s] {
							found[event] = path
						}
					}
				}
				if e, ok := n.(ast.Expr); ok {
					if s, ok := literal(e); ok && whole.MatchString(s) && !message(s) {
						found[s] = path
					}
				}
				return true
			})
		}
	}
	return found
}

// writes reports whether code writes the audit: by a storage.Event or its
// field, or by helpers that make one.
func writes(body ast.Node) bool {
	does := false
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			of, ok := n.Type.(*ast.SelectorExpr)
			does = does || ok && of.Sel.Name == "Event"
		case *ast.AssignStmt:
			for _, left := range n.Lhs {
				field, ok := left.(*ast.SelectorExpr)
				does = does || ok && field.Sel.Name == "Event"
			}
		case *ast.CallExpr:
			switch fun := n.Fun.(type) {
			case *ast.SelectorExpr:
				does = does || fun.Sel.Name == "Audit" || fun.Sel.Name == "event"
			case *ast.Ident:
				does = does || fun.Name == "byOperator" || fun.Name == "event"
			}
		}
		return !does
	})
	return does
}

// Whatever is written into the audit can be read as a sentence, in every
// language, and filtered by.
func TestAuditHasSentences(t *testing.T) {
	all := mustWords(t)
	events := written(t, all[0])
	for _, sure := range []string{"password.failed", "token.issued", "keys.rotated", "proof.sms", "totp.enrolled", "person.added", "step_up.passed", "product.entered"} {
		if events[sure] == "" {
			t.Errorf("%s wasn't found in the code, though it is there", sure)
		}
	}
	if len(events) < 60 {
		t.Errorf("only %d events were found", len(events))
	}
	for event, path := range events {
		for _, w := range all {
			if _, said := w.messages["audit."+event]; !said {
				t.Errorf("%s writes %s, and messages/audit.%s.yaml has no audit.%s", path, event, w.lang, event)
			}
		}
		if groupOf(event) == "" {
			t.Errorf("%s is in no group", event)
		}
	}
}

// Each sentence belongs to a group, and names who did it or what.
func TestAuditSentences(t *testing.T) {
	who, whom := Party{Kind: "person", Name: "Olga"}, Party{Kind: "person", Name: "Ana"}
	sentences := 0
	for _, w := range mustWords(t) {
		for id := range w.messages {
			event, is := strings.CutPrefix(id, "audit.")
			if !is || event == "other" {
				continue
			}
			sentences++
			if groupOf(event) == "" {
				t.Errorf("%s is in no group", event)
			}
			said := w.text(AuditEntry{Event: event, Who: who, Whom: whom, Product: "Dashboard"}.Sentence())
			if !strings.Contains(said, "Olga") && !strings.Contains(said, "Dashboard") {
				t.Errorf("%s: %q", w.lang, said)
			}
			for _, e := range []AuditEntry{{Event: event, Who: who, Product: "Dashboard"}, {Event: event, Product: "Dashboard"}, {Event: event, Who: who}} {
				said := w.text(e.Sentence())
				if strings.Contains(said, "  ") || strings.HasSuffix(said, " ") || strings.Contains(said, "Ana") {
					t.Errorf("%s %s: %q", w.lang, event, said)
				}
			}
		}
	}
	if sentences < 200 {
		t.Errorf("only %d sentences", sentences)
	}
	english := mustWords(t)[0]
	for want, e := range map[string]AuditEntry{
		"Olga issued a recovery code for Ana":              {Event: "recovery_code.issued", Who: who, Whom: whom},
		"Ana signed out everywhere":                        {Event: "sessions.ended", Who: whom},
		"Olga signed Ana out everywhere":                   {Event: "sessions.ended", Who: who, Whom: whom},
		"Somebody entered a wrong password for Dashboard":  {Event: "password.failed", Product: "Dashboard"},
		"API client Sync added Ana":                        {Event: "person.added", Who: Party{Kind: "machine", Name: "Sync"}, Whom: whom},
		"The command line deleted (deleted person)":        {Event: "person.deleted", Who: Party{Kind: "command_line"}, Whom: Party{Kind: "person"}},
		"Ana failed to sign in to Dashboard (backup code)": {Event: "sign_in.failed", Who: whom, Product: "Dashboard", Method: "backup_code"},
		"Something else (moon.risen)":                      {Event: "moon.risen", Who: who},
		"The service made new signing keys":                {Event: "keys.rotated", Who: Party{Kind: "system"}},
	} {
		if got := english.text(e.Sentence()); got != want {
			t.Errorf("%s: %q, want %q", e.Event, got, want)
		}
	}
}

// Every reason a decision can have has words.
func TestAuditReasons(t *testing.T) {
	all, codes := mustWords(t), 0
	for path, file := range parse(t, "../../idp/policy") {
		ast.Inspect(file, func(n ast.Node) bool {
			value, ok := n.(*ast.ValueSpec)
			if !ok || len(value.Values) != 1 {
				return true
			}
			if of, ok := value.Type.(*ast.Ident); !ok || of.Name != "ReasonCode" {
				return true
			}
			code, _ := literal(value.Values[0])
			if code == "" {
				return true // no reason
			}
			codes++
			for _, w := range all {
				if _, said := w.messages["audit_reason."+reasonID(code)]; !said {
					t.Errorf("%s has the reason %q, and messages/audit.%s.yaml no audit_reason.%s", path, code, w.lang, reasonID(code))
				}
				for _, e := range []AuditEntry{{Reason: code, ReasonWho: "Acme"}, {Reason: code}} {
					if said := w.text(*e.Why()); said == "" || strings.Contains(said, "  ") || strings.HasPrefix(said, " ") {
						t.Errorf("%s %q: %q", w.lang, code, said)
					}
				}
			}
			return true
		})
	}
	if codes < 19 {
		t.Errorf("only %d reasons", codes)
	}
	if (AuditEntry{}).Why() != nil {
		t.Error("a reason where none was written")
	}
}

// Groups hold each event once, and the most fitting one wins.
func TestAuditEvents(t *testing.T) {
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]string)
	for _, g := range auditGroups() {
		events := r.AuditEvents(g.name)
		if len(events) == 0 {
			t.Errorf("%s is empty", g.name)
		}
		for _, event := range events {
			if seen[event] != "" {
				t.Errorf("%s is in %s and %s", event, seen[event], g.name)
			}
			seen[event] = g.name
		}
	}
	for event, group := range map[string]string{
		"password.failed": "sign_in", "password.changed": "account", "totp.failed": "sign_in", "totp.enrolled": "two_step", "recovery_code.used": "sign_in",
		"recovery_code.issued": "two_step", "person.added": "people", "person.two_step_required": "two_step", "network.confirmed": "sign_in",
		"networks.changed": "rules", "network_check.on": "account", "product.entered": "sign_in", "product.changed": "products", "keys.rotated": "instance",
	} {
		if seen[event] != group {
			t.Errorf("%s is in %q, want %q", event, seen[event], group)
		}
	}
	for _, none := range []string{"", "moon"} {
		if events := r.AuditEvents(none); len(events) > 0 {
			t.Errorf("group %q: %v", none, events)
		}
	}
}
