package page_test

import (
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/login/page"
)

// integrations are products of every kind, one of them with names that try to
// get out of where they are put.
func integrations() map[string]page.Integration {
	plain := page.Integration{
		Issuer: "https://login.example.com", ClientID: "remote-control", AuthMethod: "client_secret_basic", RedirectURI: "https://control.example.com/callback",
		Alg: "ES256", Scopes: []string{"openid", "profile"}, StepUp: true,
	}
	public, post, hostile := plain, plain, plain
	public.AuthMethod, public.StepUp, public.Alg = "none", false, "RS256"
	post.AuthMethod = "client_secret_post"
	hostile.RedirectURI = "https://x.example/\"'`\\\n*/{{.Alg}}${x}#<b>"
	return map[string]page.Integration{"plain": plain, "public": public, "post": post, "hostile": hostile}
}

// Code is well formed whatever the product is called. Go is compiled against
// the libraries it names; Node's and Python's own parsers read the rest of what
// is run, where they are installed.
func TestSnippetsAreCode(t *testing.T) {
	for name, i := range integrations() {
		t.Run(name, func(t *testing.T) {
			for _, s := range i.Snippets() {
				switch s.Language {
				case "go":
					if tidy, err := format.Source([]byte(s.Code)); err != nil || string(tidy) != s.Code {
						t.Errorf("%v\n%s", err, s.Code)
					}
					runs(t, s, "signin.go", "go", "build", "-o", os.DevNull)
				case "js":
					balanced(t, s, "//")
					runs(t, s, "signin.mjs", "node", "--check")
				case "python":
					balanced(t, s, "#")
					runs(t, s, "signin.py", "python3", "-m", "py_compile")
				case "java", "csharp":
					balanced(t, s, "//")
				case "nginx":
					balanced(t, s, "#")
				case "properties":
					everyLine(t, s, `^[a-z0-9.-]+=\S.*$`)
				case "toml":
					everyLine(t, s, `^(#.*|[a-z0-9_]+ = ("([^"\\]|\\.)*"|true|\["\*"\])( #.*)?)$`)
				default:
					t.Errorf("%s: nobody reads %s", s.Title, s.Language)
				}
			}
		})
	}
}

// runs gives a file of code to a program, if it is there.
func runs(t *testing.T, s page.Snippet, file, program string, args ...string) {
	t.Helper()
	found, err := exec.LookPath(program)
	if err != nil {
		t.Logf("%s isn't installed: %s is read by its brackets alone", program, s.Title)
		return
	}
	path := filepath.Join(t.TempDir(), file)
	if err := os.WriteFile(path, []byte(s.Code), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, err := exec.Command(found, append(args, path)...).CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s\n%s", s.Title, err, said, s.Code)
	}
}

// balanced wants every bracket closed, outside of strings and comments.
func balanced(t *testing.T, s page.Snippet, comment string) {
	t.Helper()
	code := regexp.MustCompile(`"""[^"]*"""|"([^"\\\n]|\\.)*"|'([^'\\\n]|\\.)*'`).ReplaceAllString(s.Code, "")
	code = regexp.MustCompile(comment+`.*`).ReplaceAllString(code, "")
	if i := strings.IndexAny(code, "\"'`"); i >= 0 && s.Language != "js" {
		t.Errorf("%s: a string that doesn't end: %.40q", s.Title, code[i:])
	}
	var open []rune
	pairs := map[rune]rune{')': '(', ']': '[', '}': '{'}
	for _, c := range code {
		switch {
		case strings.ContainsRune("([{", c):
			open = append(open, c)
		case pairs[c] == 0:
		case len(open) == 0 || open[len(open)-1] != pairs[c]:
			t.Errorf("%s: %c too many\n%s", s.Title, c, s.Code)
			return
		default:
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("%s: %q isn't closed\n%s", s.Title, string(open), s.Code)
	}
}

func everyLine(t *testing.T, s page.Snippet, form string) {
	t.Helper()
	for line := range strings.Lines(s.Code) {
		if line = strings.TrimSuffix(line, "\n"); !regexp.MustCompile(form).MatchString(line) {
			t.Errorf("%s: %q", s.Title, line)
		}
	}
}

// What is registered stands in the code, and nothing of what isn't.
func TestSnippetsFitTheProduct(t *testing.T) {
	all := integrations()
	says := func(i page.Integration, language string) string {
		for _, s := range i.Snippets() {
			if s.Language == language {
				return s.Code
			}
		}
		return ""
	}
	var languages []string
	for _, s := range all["plain"].Snippets() {
		languages = append(languages, s.Language)
		// nginx only asks oauth2-proxy, Spring's settings stand beside its code.
		if s.Language != "nginx" && s.Language != "properties" && !strings.Contains(s.Code, "urn:sallyport:acr:2fa") {
			t.Errorf("%s doesn't show how to demand two factors", s.Title)
		}
		if s.Language != "nginx" && s.Language != "java" && !strings.Contains(s.Code, "https://login.example.com") {
			t.Errorf("%s lacks the issuer", s.Title)
		}
	}
	if want := []string{"go", "js", "python", "properties", "java", "csharp", "toml", "nginx"}; !slices.Equal(languages, want) {
		t.Errorf("languages %q, want %q", languages, want)
	}
	for _, s := range all["public"].Snippets() {
		if strings.Contains(s.Code, "SECRET") || strings.Contains(s.Code, "acr") && s.Language != "csharp" {
			t.Errorf("%s of what has no secret and asks for nothing:\n%s", s.Title, s.Code)
		}
	}
	for language, want := range map[string][3]string{ // basic, post, none
		"go":         {"AuthStyleInHeader", "AuthStyleInParams", "AuthStyleInParams"},
		"js":         {"ClientSecretBasic(", "ClientSecretPost(", "None("},
		"python":     {`"client_secret_basic"`, `"client_secret_post"`, ""},
		"properties": {"-method=client_secret_basic", "-method=client_secret_post", "-method=none"},
		"csharp":     {"register the product with", "ClientSecret =", "ClientId ="},
	} {
		for i, name := range []string{"plain", "post", "public"} {
			if code := says(all[name], language); !strings.Contains(code, want[i]) || want[i] == "" && code != "" {
				t.Errorf("%s of %s lacks %q:\n%s", language, name, want[i], code)
			}
		}
	}
	for _, language := range []string{"go", "js", "java", "csharp"} {
		if code := says(all["public"], language); !strings.Contains(code, "RS256") || strings.Contains(code, "ES256") {
			t.Errorf("%s doesn't follow the algorithm:\n%s", language, code)
		}
	}
}

// The example of an API client is one for a shell, whatever is in it.
func TestAPIClientExample(t *testing.T) {
	code := page.APIClientExample("https://login.example.com", "acme-sync", "acme", []string{"people:read", "audit:read"})
	for _, want := range []string{"issuer='https://login.example.com'", `--user 'acme-sync':"$SALLYPORT_CLIENT_SECRET"`, "scope='people:read audit:read'", "/api/v1/companies/acme/people", "grant_type=client_credentials"} {
		if !strings.Contains(code, want) {
			t.Errorf("no %s in\n%s", want, code)
		}
	}
	if code := page.APIClientExample("https://x", "y", "", nil); !strings.Contains(code, "'/api/v1/companies'") {
		t.Errorf("for the operator:\n%s", code)
	}
	hostile := page.APIClientExample(`https://x/'$(touch x)`, `y"`, "a/b'", nil)
	if !strings.Contains(hostile, `issuer='https://x/'\''$(touch x)'`) || !strings.Contains(hostile, "companies/a%2Fb%27/people") {
		t.Errorf("quoted as\n%s", hostile)
	}
	for _, script := range []string{code, hostile} {
		if said, err := exec.Command("sh", "-n", "-c", script).CombinedOutput(); err != nil {
			t.Errorf("%v: %s\n%s", err, said, script)
		}
	}
}
