package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/sallyport-id/sallyport"

// Libraries by the name that the table below uses. Each stands for itself and what lies below it.
const (
	passwords   = "github.com/zitadel/passwap"
	chi         = "github.com/go-chi/chi/v5"
	commandLine = "github.com/alecthomas/kong"
	extended    = "golang.org/x"
	goose       = "github.com/pressly/goose/v3"
	jose        = "github.com/go-jose/go-jose/v4"
	mail        = "github.com/wneessen/go-mail"
	metrics     = "github.com/prometheus/client_golang"
	otp         = "github.com/pquerna/otp"
	pgx         = "github.com/jackc/pgx/v5"
	qrCode      = "github.com/boombuler/barcode"
	sqlite      = "modernc.org/sqlite"
	translation = "github.com/nicksnyder/go-i18n/v2"
	webauthn    = "github.com/go-webauthn/webauthn"
	yaml        = "github.com/goccy/go-yaml"
)

// room is a package and what it may import beside the standard library. A name that ends in /... stands for all
// packages below it.
type room struct {
	name string
	ours []string // packages of this module
	libs []string
	why  string // the reason for leaving out everything else
}

// rooms has a row for every package of the module. Tests may import what they like.
var rooms = []room{
	{name: "idp/policy",
		why: "decisions are pure: whoever reads a rule and its table must not need to know a database, a clock or a protocol"},
	{name: "config/spelling",
		why: "whoever reads names that people type can say which one was meant"},
	{name: "config", ours: []string{"config/spelling"}, libs: []string{yaml},
		why: "the configuration is values; what they set in motion is wired in cmd"},
	{name: "storage", libs: []string{sqlite, pgx, goose, extended},
		why: "rows know nothing of those who read them; what a proof or a rule means is for idp and login to say"},
	{name: "storage/storagetest", ours: []string{"storage"}, libs: []string{pgx},
		why: "test databases are made from the real schema, and nothing else"},
	{name: "storage/apply", ours: []string{"config/spelling", "storage", "idp/policy", "idp/session"}, libs: []string{yaml},
		why: "a declared state is rows, rules, and whom they let in; it must hold without a running provider"},
	{name: "idp/limit", libs: []string{extended},
		why: "whoever counts calls says for whom and how many, and needs nothing of ours for it"},
	{name: "idp/session", ours: []string{"storage", "idp/policy"}, libs: []string{extended},
		why: "a session is rows and the facts they give; idp and login both stand on it"},
	{name: "idp/stepup", libs: []string{jose},
		why: "products build it in: what they get with it must be small, and know nothing of the provider but what it says"},
	{name: "idp", ours: []string{"storage", "storage/apply", "idp/policy", "idp/session", "login/page"}, libs: []string{chi, jose, extended},
		why: "the protocol meets login by redirects alone: no token can be minted by a page, and no page skipped by a token"},
	{name: "login/page", libs: []string{translation, yaml, extended},
		why: "words and templates are a leaf, so that whoever shows or sends words may import them"},
	{name: "login/notify", ours: []string{"storage", "login/page"}, libs: []string{mail, extended},
		why: "what is sent is a row and its words; when to send is decided where the row is written"},
	{name: "login/factor", ours: []string{"storage", "idp/policy", "login/notify", "login/page"}, libs: []string{otp, webauthn, passwords, qrCode, jose, extended},
		why: "a factor proves one thing, says in words what was wrong with it, and doesn't know who asked or in which flow"},
	{name: "login/setup", ours: []string{"storage", "idp/policy", "idp/session", "login/factor", "login/notify", "login/page"}, libs: []string{chi, extended},
		why: "setting up a factor is the same in a sign-in and in an account: it asks whoever mounts it what follows"},
	{name: "login", ours: forPeople, libs: []string{chi, extended}, why: apart},
	{name: "login/inside", ours: []string{"storage", "idp/policy", "idp/session", "login/page"},
		why: "the account and the console have one door, which knows neither of them"},
	{name: "login/account", ours: forPeople, libs: []string{chi, extended}, why: apart},
	{name: "login/admin", ours: append([]string{"idp/limit", "login/admin/govern", "login/admin/peoplecsv", "storage/apply"}, forPeople...), libs: []string{chi, extended}, why: apart},
	{name: "login/admin/govern", ours: []string{"storage", "storage/apply", "idp/policy", "idp/session", "login/factor", "login/notify", "login/admin/peoplecsv"},
		why: "what can be done, and by whom, is said without HTTP, so that pages, the API and the command line can't differ"},
	{name: "login/admin/peoplecsv", ours: []string{"idp/policy"},
		why: "a spreadsheet is read and written without a database, so that its bounds can be tested by its text alone"},
	{name: "cmd/...", ours: []string{"config", "storage", "storage/...", "idp", "idp/...", "login", "login/...", "cmd/..."},
		libs: []string{commandLine, yaml, chi, metrics, jose, qrCode, otp, extended, "github.com/coreos/go-oidc/v3",
			"github.com/chromedp/chromedp", "github.com/chromedp/cdproto"},
		why: "commands wire the rooms together and add little of their own; a library for more belongs into a room"},
}

// reserved libraries belong to one room and those below it, whatever else the table might say.
var reserved = []struct{ lib, room, why string }{
	{sqlite, "storage", noDrivers},
	{pgx, "storage", noDrivers},
	{goose, "storage", noDrivers},
}

const noDrivers = "SQL is written in storage alone, where it is tested on both engines"

var forPeople = []string{"storage", "idp/policy", "idp/session", "login/factor", "login/notify", "login/page", "login/setup", "login/inside"}

const apart = "the sign-in, the account and the administration are three rooms side by side, and never call the protocol: " +
	"they meet it by redirects alone"

func TestImports(t *testing.T) {
	root := moduleRoot(t)
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if file != root && (name == "testdata" || name == "node_modules" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		relative, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		// Read, not built: a file for another system or with a build tag counts too.
		syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range syntax.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if err := allowed(path.Dir(filepath.ToSlash(relative)), imported); err != nil {
				t.Errorf("%s: %v", relative, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// allowed returns why the package, named relative to the module, must not import the other, or nil.
func allowed(importer, imported string) error {
	first, _, _ := strings.Cut(imported, "/")
	if !strings.Contains(first, ".") {
		return nil // the standard library
	}
	for _, r := range reserved {
		if covers(r.lib, imported) && !covers(r.room, importer) {
			return fmt.Errorf("%s must not import %s: %s", importer, imported, r.why)
		}
	}
	i := slices.IndexFunc(rooms, func(r room) bool { return within(importer, r.name) })
	if i < 0 {
		return fmt.Errorf("package %s has no row in the table of imports: give it one, with the reason for what it leaves out", importer)
	}
	r := rooms[i]
	if ours, ok := strings.CutPrefix(imported, module+"/"); ok {
		if !slices.ContainsFunc(r.ours, func(o string) bool { return within(ours, o) }) {
			return fmt.Errorf("%s must not import %s: %s", importer, ours, r.why)
		}
		return nil
	}
	if !slices.ContainsFunc(r.libs, func(l string) bool { return covers(l, imported) }) {
		return fmt.Errorf("%s must not import %s: %s", importer, imported, r.why)
	}
	return nil
}

// within tells whether the name is the pattern, or lies below one that ends in /....
func within(name, pattern string) bool {
	if below, ok := strings.CutSuffix(pattern, "..."); ok {
		return strings.HasPrefix(name, below)
	}
	return name == pattern
}

// covers tells whether the name is the root or lies below it.
func covers(root, name string) bool { return name == root || strings.HasPrefix(name, root+"/") }

func TestImportsThatAreRefused(t *testing.T) {
	for _, test := range []struct{ importer, imported, reason string }{
		{"idp", module + "/login", "redirects alone"},
		{"idp", module + "/login/factor", "redirects alone"},
		{"login", module + "/idp", "redirects alone"},
		{"login/account", module + "/login", "three rooms"},
		{"login/admin", module + "/login/account", "three rooms"},
		{"idp/policy", module + "/storage", "pure"},
		{"idp/policy", "golang.org/x/text/language", "pure"},
		{"idp/stepup", module + "/idp/policy", "products build it in"},
		{"storage", module + "/idp/policy", "rows know nothing"},
		{"login/page", module + "/storage", "leaf"},
		{"login", "github.com/go-jose/go-jose/v4/jwt", "three rooms"},
		{"cmd/sallyport/server", "github.com/zitadel/oidc/v3/pkg/oidc", "commands wire"},
		{"cmd/sallyport", "modernc.org/sqlite", "SQL is written in storage alone"},
		{"idp", "github.com/jackc/pgx/v5/pgxpool", "SQL is written in storage alone"},
		{"login/secretroom", "github.com/go-chi/chi/v5", "no row"},
		{"storage", "github.com/jackc/pgx/v55", "rows know nothing"},
		{"cmd/sallyport", "example.com/more", "wire the rooms"},
	} {
		err := allowed(test.importer, test.imported)
		if err == nil || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s → %s: %v, want a refusal with %q", test.importer, test.imported, err, test.reason)
		}
	}
	for _, test := range []struct{ importer, imported string }{
		{"idp/policy", "net/netip"},
		{"idp", "github.com/go-jose/go-jose/v4"},
		{"storage", "github.com/jackc/pgx/v5"},
		{"cmd/sallyport/demo", module + "/login/admin"},
	} {
		if err := allowed(test.importer, test.imported); err != nil {
			t.Error(err)
		}
	}
}

func TestEveryRoomHasAReason(t *testing.T) {
	for _, r := range rooms {
		if r.why == "" {
			t.Errorf("%s: its bans have no reason", r.name)
		}
	}
}

// moduleRoot finds go.mod above the test, and makes sure that it is this module's.
func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil {
			if first, _, _ := strings.Cut(string(text), "\n"); first != "module "+module {
				t.Fatalf("%s begins with %q", filepath.Join(dir, "go.mod"), first)
			}
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("there is no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}
