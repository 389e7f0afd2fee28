package admin

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/admin/govern"
)

// Whatever govern refuses has a kind of its own here.
func TestEveryRefusalIsAProblem(t *testing.T) {
	files, err := filepath.Glob("govern/*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			literal, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			if kind, ok := literal.Type.(*ast.Ident); !ok || kind.Name != "Refused" {
				return true
			}
			for _, e := range literal.Elts {
				pair, ok := e.(*ast.KeyValueExpr)
				if !ok || fmt.Sprint(pair.Key) != "Code" {
					continue
				}
				if value, ok := pair.Value.(*ast.BasicLit); ok {
					code, _ := strconv.Unquote(value.Value)
					found++
					if _, known := problemKinds[code]; !known {
						t.Errorf("%s refuses with %q, which is no problem of the API", name, code)
					}
				}
			}
			return true
		})
	}
	if found < 10 {
		t.Errorf("%d refusals: this test doesn't look", found)
	}
	for _, code := range []govern.Hindrance{govern.HindranceDisabled, govern.HindranceUnconfirmed, govern.HindranceRole, govern.HindranceOther} {
		if _, known := problemKinds[string(code)]; !known {
			t.Errorf("a person can't be reminded for %q, which is no problem of the API", code)
		}
	}
	for code, k := range problemKinds {
		if http.StatusText(k.status) == "" || k.status < 400 || k.title == "" || k.about == "" {
			t.Errorf("%s: %+v", code, k)
		}
	}
}

// What goes wrong inside stays inside; the log has it.
func TestFailuresSayNothing(t *testing.T) {
	for name, fails := range map[string]func() error{
		"an error": func() error { return errors.New("the database's own words") },
		"a panic":  func() error { panic("the program's own words") },
	} {
		var log strings.Builder
		a := &API{
			Govern: &govern.Govern{Now: time.Now}, Log: slog.New(slog.NewTextHandler(&log, nil)),
			Bearer: func(context.Context, session.Presented) (*session.Bearer, error) { return nil, fails() },
		}
		r := chi.NewRouter()
		a.Routes(r)
		req := httptest.NewRequest("GET", "/api/v1/me", nil)
		req.Header.Set("Authorization", "Bearer some-token")
		req = req.WithContext(session.WithOrigin(req.Context(), session.Origin{RequestID: "the-request"}))
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		body := w.Body.String()
		if w.Code != 500 || w.Header().Get("Content-Type") != "application/problem+json" || strings.Contains(body, "own words") || !strings.Contains(body, `"instance":"the-request"`) {
			t.Errorf("%s: %d %v %s", name, w.Code, w.Header(), body)
		}
		if !strings.Contains(log.String(), "own words") || strings.Contains(log.String(), "some-token") {
			t.Errorf("%s: log: %s", name, log.String())
		}
	}
}

// What breaks off breaks the connection, so that nobody takes it for the whole.
func TestExportThatFails(t *testing.T) {
	a := &API{Log: slog.New(slog.DiscardHandler)}
	for name, c := range map[string]struct {
		before string
		breaks bool
	}{"at once": {"", false}, "on the way": {"a,b\n", true}} {
		w := httptest.NewRecorder()
		broke := false
		func() {
			defer func() { broke = recover() == http.ErrAbortHandler }()
			a.write(&call{w: w, r: httptest.NewRequest("GET", "/", nil)}, answer{status: 200, media: "text/csv", stream: func(out io.Writer) error {
				if c.before != "" {
					out.Write([]byte(c.before))
				}
				return os.ErrDeadlineExceeded
			}})
		}()
		if broke != c.breaks || !c.breaks && w.Code != 500 {
			t.Errorf("%s: %d, broke off: %t", name, w.Code, broke)
		}
	}
}
