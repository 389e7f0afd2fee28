package storage_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var touchesAudit = regexp.MustCompile(`(?i)\b(insert\s+(or\s+\w+\s+)?into|update(\s+or\s+\w+)?|delete\s+from|replace\s+into|truncate(\s+table)?|merge\s+into|drop\s+table|alter\s+table)\s+"?audit"?(\s|$)`)

// The audit is only ever added to: of all statements, one inserts, one seals,
// and one deletes what retention lets go.
func TestAuditIsAppendOnly(t *testing.T) {
	var found []string
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING {
				statement, err := strconv.Unquote(text.Value)
				if err != nil {
					t.Fatal(err)
				}
				if touchesAudit.MatchString(statement) {
					found = append(found, path+": "+strings.Join(strings.Fields(statement), " "))
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	mustEqual(t, found, []string{
		"audit.go: INSERT INTO audit (id, at, event, result, org_id, user_id, actor, client_id, factor, ip, reason, decision, request_id) VALUES",
		"audit_drop.go: DELETE FROM audit WHERE batch = $1",
		"audit_seal.go: UPDATE audit SET batch = $1 WHERE batch IS NULL AND id IN",
	})
}
