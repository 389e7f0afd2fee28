package page

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"text/template"
)

// Snippet is code by which a product signs people in, ready to be copied.
type Snippet struct {
	// Language is what the code is written in: "go", "js", "python", "java",
	// "properties", "csharp", "toml" or "nginx".
	Language string
	// Title names language and library, the same in every language people speak.
	Title string
	Code  string
}

// Integration is what the code of a product depends on.
type Integration struct {
	Issuer, ClientID string
	// AuthMethod is "none", "client_secret_basic" or "client_secret_post". The
	// secret itself is never in the code: it is read from the environment.
	AuthMethod  string
	RedirectURI string
	// Alg signs its ID tokens: "ES256" or "RS256".
	Alg    string
	Scopes []string
	// StepUp shows how to demand two factors for an action, and to check them.
	StepUp bool
}

// Snippets are the code for the libraries that are used most. Where a library
// can't do what the product is registered for, it is left out.
func (i Integration) Snippets() []Snippet {
	all := []struct {
		language, title, code string
		secret                bool // a product without one can't use it
	}{
		{"go", "Go · go-oidc", goSnippet, false},
		{"js", "Node · openid-client", nodeSnippet, false},
		{"python", "Python · Authlib", pythonSnippet, true},
		{"properties", "Java · Spring Security · application.properties", springProperties, false},
		{"java", "Java · Spring Security · SignIn.java", springJava, false},
		{"csharp", ".NET · AddOpenIdConnect", dotnetSnippet, false},
		{"toml", "oauth2-proxy · oauth2-proxy.cfg", proxySnippet, true},
		{"nginx", "oauth2-proxy · nginx", nginxSnippet, true},
	}
	var shown []Snippet
	for _, s := range all {
		if !s.secret || i.AuthMethod != "none" {
			shown = append(shown, Snippet{s.language, s.title, i.fill(s.code)})
		}
	}
	return shown
}

// fill writes the product into code. What it is called is quoted as each
// language wants it, so that no address ends a string.
func (i Integration) fill(code string) string {
	t := template.Must(template.New("").Funcs(template.FuncMap{
		"go":         strconv.Quote,
		"json":       quoted, // JavaScript, Python, C#, Java and TOML read JSON's strings
		"properties": strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`).Replace,
		"join":       strings.Join,
	}).Parse(code))
	var b bytes.Buffer
	if err := t.Execute(&b, i); err != nil {
		panic(err) // templates of ours, which a test fills in
	}
	return strings.TrimLeft(b.String(), "\n")
}

// quoted is text as a JSON string, with < and > as they are.
func quoted(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always encodes
	return strings.TrimSuffix(b.String(), "\n")
}

// Public reports whether the product has no secret.
func (i Integration) Public() bool { return i.AuthMethod == "none" }

// Post reports whether its secret goes into the form.
func (i Integration) Post() bool { return i.AuthMethod == "client_secret_post" }

// Scope is what it asks for, in one text.
func (i Integration) Scope() string { return strings.Join(i.Scopes, " ") }

// CallbackPath is the path of its redirect URI.
func (i Integration) CallbackPath() string {
	u, err := url.Parse(i.RedirectURI)
	if err != nil || u.Path == "" {
		return "/callback"
	}
	return u.Path
}

// Levels are the acr values that are worth two factors, weakest first.
func (i Integration) Levels() []string { return []string{"urn:sallyport:acr:2fa", "phr", "phrh"} }

// Demand is the claims parameter that demands two factors.
func (i Integration) Demand() string {
	return `{"id_token":{"acr":{"essential":true,"value":"urn:sallyport:acr:2fa"}}}`
}

// APIClientExample shows how an API client gets a token and lists people. company is
// the id of the company it acts for; empty: it lists the companies.
func APIClientExample(issuer, clientID, company string, scopes []string) string {
	path := "/api/v1/companies"
	if company != "" {
		path += "/" + url.PathEscape(company) + "/people"
	}
	return strings.NewReplacer("<issuer>", shellQuoted(issuer), "<client>", shellQuoted(clientID), "<scope>", shellQuoted(strings.Join(scopes, " ")), "<path>", path).
		Replace(`issuer=<issuer>
token=$(curl --silent --fail --user <client>:"$SALLYPORT_CLIENT_SECRET" \
  --data grant_type=client_credentials --data-urlencode scope=<scope> \
  "$issuer/token" | jq --raw-output .access_token)
curl --silent --fail --header "Authorization: Bearer $token" "$issuer"'<path>'
`)
}

// shellQuoted is text that a shell takes as it is.
func shellQuoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
