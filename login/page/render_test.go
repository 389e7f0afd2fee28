package page_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/sallyport-id/sallyport/login/page"
)

func mustRenderer(t *testing.T) *page.Renderer {
	t.Helper()
	r, err := page.New()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// listen collects what is logged until the test ends.
func listen(t *testing.T) *bytes.Buffer {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return &log
}

// draw writes a page and reads it back.
func draw(t *testing.T, r *page.Renderer, f page.Frame, p page.Page) (*httptest.ResponseRecorder, *html.Node) {
	t.Helper()
	rec := httptest.NewRecorder()
	r.Write(rec, f, p)
	doc, err := html.Parse(bytes.NewReader(rec.Body.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	return rec, doc
}

// elements are all elements of a document in order; tags narrows them.
func elements(doc *html.Node, tags ...string) []*html.Node {
	var found []*html.Node
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && (len(tags) == 0 || slices.Contains(tags, n.Data)) {
			found = append(found, n)
		}
	}
	return found
}

func attr(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// Every page in every language keeps the rules that hold for all pages.
func TestEveryPage(t *testing.T) {
	r := mustRenderer(t)
	log := listen(t)
	static := page.Static()
	for _, lang := range r.Languages() {
		for _, e := range examples("Take Control", "ana@example.com") {
			t.Run(lang+"/"+e.name, func(t *testing.T) {
				log.Reset()
				e.frame.Lang = lang
				rec, doc := draw(t, r, e.frame, e.page)
				checkStatus(t, rec, e.frame)
				checkNothingInline(t, doc)
				checkAssets(t, doc, static)
				checkHead(t, r, doc, lang, e.frame)
				checkHeadings(t, doc)
				checkIDs(t, doc)
				checkFields(t, doc, e.frame)
				checkForms(t, doc)
				checkTimes(t, doc)
				if strings.Contains(rec.Body.String(), "no value") {
					t.Error("a message lacks a value")
				}
				if log.Len() > 0 {
					t.Errorf("logged: %s", log)
				}
			})
		}
	}
}

// wrong reports whether anything was wrong with the last input.
func wrong(f page.Frame) bool { return f.Problem != nil || len(f.Problems) > 0 }

// wrongAt reports whether a field was; "" is the page as a whole.
func wrongAt(f page.Frame, field string) bool {
	_, among := f.Problems[field]
	return among || f.Problem != nil && f.Problem.Field == field
}

func checkStatus(t *testing.T, rec *httptest.ResponseRecorder, f page.Frame) {
	t.Helper()
	want := http.StatusOK
	switch {
	case f.Status != 0:
		want = f.Status
	case wrong(f):
		want = http.StatusUnprocessableEntity
	}
	if rec.Code != want {
		t.Errorf("status %d, want %d", rec.Code, want)
	}
}

func checkNothingInline(t *testing.T, doc *html.Node) {
	t.Helper()
	for _, n := range elements(doc) {
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
			}
		}
	}
	if len(elements(doc, "style")) > 0 {
		t.Error("an inline stylesheet")
	}
	for _, n := range elements(doc, "script") {
		if src, _ := attr(n, "src"); !strings.HasPrefix(src, "/static/") || text(n) != "" {
			t.Errorf("script of %q: %q", src, text(n))
		}
	}
}

// checkAssets follows what the page refers to.
func checkAssets(t *testing.T, doc *html.Node, static http.Handler) {
	t.Helper()
	var urls []string
	for _, n := range elements(doc, "link", "script", "img") {
		if class, _ := attr(n, "class"); class == "logo" {
			continue // a product's own
		}
		for _, name := range []string{"href", "src"} {
			if url, ok := attr(n, name); ok {
				urls = append(urls, url)
			}
		}
	}
	if len(urls) < 3 {
		t.Errorf("stylesheet, script or icon is missing: %v", urls)
	}
	for _, url := range urls {
		rec := httptest.NewRecorder()
		static.ServeHTTP(rec, httptest.NewRequest("GET", url, nil))
		if rec.Code != http.StatusOK {
			t.Errorf("%s: status %d", url, rec.Code)
		}
	}
}

func checkHead(t *testing.T, r *page.Renderer, doc *html.Node, lang string, f page.Frame) {
	t.Helper()
	root := elements(doc, "html")[0]
	if got, _ := attr(root, "lang"); got != lang {
		t.Errorf("lang=%q, want %q", got, lang)
	}
	if got, _ := attr(root, "dir"); got != "ltr" {
		t.Errorf("dir=%q", got)
	}
	title := text(elements(doc, "title")[0])
	if strings.ContainsAny(title, "<>*") || strings.HasPrefix(title, "·") {
		t.Errorf("title %q", title)
	}
	prefix := r.Text(lang, page.Say("page.error"))
	if got := strings.HasPrefix(title, prefix); got != wrong(f) {
		t.Errorf("title %q, problems %v %v", title, f.Problem, f.Problems)
	}
}

// checkHeadings wants one h1 and no level left out below it.
func checkHeadings(t *testing.T, doc *html.Node) {
	t.Helper()
	last, ones := 0, 0
	for _, n := range elements(doc, "h1", "h2", "h3", "h4") {
		level := int(n.Data[1] - '0')
		if level == 1 {
			ones++
		}
		if level > last+1 {
			t.Errorf("<%s> %q follows a heading of level %d", n.Data, text(n), last)
		}
		if text(n) == "" {
			t.Errorf("<%s> is empty", n.Data)
		}
		last = level
	}
	if ones != 1 {
		t.Errorf("%d h1", ones)
	}
}

// checkIDs wants every id once, and every reference to one to lead somewhere.
func checkIDs(t *testing.T, doc *html.Node) {
	t.Helper()
	seen := make(map[string]bool)
	for _, n := range elements(doc) {
		id, ok := attr(n, "id")
		if ok && (id == "" || seen[id]) {
			t.Errorf("id %q twice", id)
		}
		seen[id] = true
	}
	for _, n := range elements(doc) {
		for _, a := range n.Attr {
			var refs []string
			switch a.Key {
			case "for", "aria-describedby", "aria-labelledby", "data-copy", "data-download":
				refs = strings.Fields(a.Val)
			case "href":
				if fragment, ok := strings.CutPrefix(a.Val, "#"); ok {
					refs = []string{fragment}
				}
			}
			for _, ref := range refs {
				if !seen[ref] {
					t.Errorf("<%s %s=%q> leads nowhere", n.Data, a.Key, a.Val)
				}
			}
		}
	}
}

// checkFields wants a label on every field, and a problem told beside its own.
func checkFields(t *testing.T, doc *html.Node, f page.Frame) {
	t.Helper()
	labels, focused, invalid := make(map[string]string), 0, 0
	for _, n := range elements(doc, "label") {
		id, _ := attr(n, "for")
		labels[id] = text(n)
	}
	for _, n := range elements(doc, "input", "select", "textarea", "button") {
		kind, _ := attr(n, "type")
		id, _ := attr(n, "id")
		if n.Data == "button" {
			if text(n) == "" {
				t.Error("a button without words")
			}
			continue
		}
		if kind != "hidden" && labels[id] == "" {
			t.Errorf("field %q has no label", id)
		}
		if _, ok := attr(n, "autofocus"); ok {
			focused++
		}
		if _, ok := attr(n, "aria-invalid"); ok {
			invalid++
			described, _ := attr(n, "aria-describedby")
			if !wrongAt(f, id) || !strings.Contains(described, id+"-problem") {
				t.Errorf("field %q is marked wrong, described by %q", id, described)
			}
		}
	}
	if focused > 1 {
		t.Errorf("%d fields with autofocus", focused)
	}
	want := len(f.Problems)
	if wrongAt(f, "") {
		want = max(0, want-1)
	} else if f.Problem != nil {
		want = 1
	}
	if invalid != want {
		t.Errorf("%d fields marked wrong, want %d", invalid, want)
	}
	summaries := 0
	for _, n := range elements(doc) {
		_, hidden := attr(n, "hidden") // words a script shows when the browser failed
		if role, _ := attr(n, "role"); role == "alert" && !hidden {
			summaries++
		}
	}
	if wrong(f) != (summaries == 1) {
		t.Errorf("%d error summaries", summaries)
	}
}

func render(doc *html.Node) string {
	var b bytes.Buffer
	_ = html.Render(&b, doc) // a bytes.Buffer takes everything
	return b.String()
}

// checkForms wants every form posted with the token, except to others: they
// must not learn it. A form that only asks stays on its page, without one.
func checkForms(t *testing.T, doc *html.Node) {
	t.Helper()
	for _, form := range elements(doc, "form") {
		method, _ := attr(form, "method")
		action, _ := attr(form, "action")
		asks := method == "get" && (action == "" || strings.HasPrefix(action, "#"))
		if method != "post" && !asks {
			t.Errorf("form method %q", method)
		}
		tokens, buttons := 0, 0
		for _, n := range elements(form, "input", "button") {
			name, _ := attr(n, "name")
			value, _ := attr(n, "value")
			if name == "form_token" && value == "token" {
				tokens++
			}
			if kind, _ := attr(n, "type"); n.Data == "button" && kind != "button" {
				buttons++
			}
		}
		want := 1
		if strings.HasPrefix(action, "https:") || asks {
			want = 0
		}
		if tokens != want {
			t.Errorf("%d form tokens in %s", tokens, render(form))
		}
		if buttons == 0 {
			t.Error("a form that can't be sent without JavaScript")
		}
	}
}

func checkTimes(t *testing.T, doc *html.Node) {
	t.Helper()
	for _, n := range elements(doc, "time") {
		at, _ := attr(n, "datetime")
		if _, err := time.Parse(time.RFC3339, at); err != nil {
			t.Errorf("time %q: %v", text(n), err)
		}
		if how, _ := attr(n, "data-show"); how != "date" && !strings.Contains(text(n), "UTC") {
			t.Errorf("time %q without a zone", text(n))
		}
	}
}

// shape is a page without its words: elements and the names of attributes.
func shape(doc *html.Node) []string {
	var lines []string
	for _, n := range elements(doc) {
		line := n.Data
		for _, a := range n.Attr {
			line += " " + a.Key
		}
		lines = append(lines, line)
	}
	return lines
}

// Names and addresses come from people and products. Whatever they hold, the
// page keeps its shape and shows them as they are.
func TestHostileNames(t *testing.T) {
	r := mustRenderer(t)
	const product = `<script>alert(1)</script>**x**&amp;"'{{.Lang}}`
	const person = `"><img src=x onerror=alert(1)>**y**</title>'`
	tame, hostile := examples("p", "q"), examples(product, person)
	shown := 0
	for i := range hostile {
		_, want := draw(t, r, tame[i].frame, tame[i].page)
		_, got := draw(t, r, hostile[i].frame, hostile[i].page)
		if a, b := shape(want), shape(got); !slices.Equal(a, b) {
			t.Errorf("%s: shape changed:\n%q\n%q", hostile[i].name, a, b)
		}
		if words := text(got); strings.Contains(words, product) && strings.Contains(words, person) {
			shown++
		}
	}
	if shown < 10 {
		t.Errorf("only %d pages show both names as they are", shown)
	}
}

func TestHostileAddresses(t *testing.T) {
	r := mustRenderer(t)
	_, doc := draw(t, r, page.Frame{Request: `x&y=1"><b>`, Cancel: true}, page.Consent{PolicyURI: "javascript:alert(1)", TermURI: `https://p.example/"><b>`})
	for _, n := range elements(doc, "a") {
		if href, _ := attr(n, "href"); strings.HasPrefix(href, "javascript:") {
			t.Errorf("link to %q", href)
		}
	}
	var actions []string
	for _, n := range elements(doc, "form") {
		if action, ok := attr(n, "action"); ok {
			actions = append(actions, action)
		}
	}
	if want := []string{"/login/cancel?r=x%26y%3d1%22%3e%3cb%3e"}; !slices.Equal(actions, want) {
		t.Errorf("form actions %q, want %q", actions, want)
	}
	if len(elements(doc, "b")) > 0 {
		t.Error("an address became an element")
	}
}

func TestHeaders(t *testing.T) {
	r := mustRenderer(t)
	rec, _ := draw(t, r, page.Frame{FormActions: []string{
		"https://app.example", "http://127.0.0.1:8080", "com.example.app:", "HTTPS://Big.example:8443",
		"https://a.example/path", "https://a.example b.example", "https://a.example; script-src *", "https://a.example,b",
		"'unsafe-inline'", "https://'a'", "*", "https://*.example", "https:", "javascript:", "data:", "http://[::1]:80", "", ":", "https://", "https://a:", "1a:",
	}}, page.SignIn{})
	want := map[string]string{
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; " +
			"form-action 'self' https://app.example http://127.0.0.1:8080 com.example.app: HTTPS://Big.example:8443; base-uri 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options":     "nosniff",
		"Referrer-Policy":            "same-origin",
		"Cache-Control":              "no-store",
		"Cross-Origin-Opener-Policy": "same-origin",
		"Content-Type":               "text/html; charset=utf-8",
	}
	for name, value := range want {
		if got := rec.Header().Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
}

// The tokens by which password managers and test drivers find the fields.
func TestFieldsAreFound(t *testing.T) {
	r := mustRenderer(t)
	for _, c := range []struct {
		page   page.Page
		fields []string
	}{
		{page.SignIn{}, []string{"username text username email", "password password current-password "}},
		{page.Code{Method: "totp"}, []string{"code text one-time-code numeric"}},
		{page.Code{Method: "backup_code"}, []string{"code text off "}},
		{page.Code{Method: "recovery_code"}, []string{"code text off "}},
		{page.Code{Method: "sms", Sent: &page.Sent{}}, []string{"code text one-time-code numeric"}},
		{page.Code{Method: "email", Sent: &page.Sent{}}, []string{"code text one-time-code numeric"}},
		{page.SignIn{Passkey: &page.Passkey{}}, []string{"username text username webauthn email", "password password current-password "}},
		{page.SetUpCode{}, []string{"code text one-time-code numeric"}},
		{page.SetUpCode{Method: "sms", Sent: &page.Sent{}}, []string{"code text one-time-code numeric"}},
		{page.SetUpPhone{}, []string{"phone tel tel tel"}},
		{page.SetUpKey{TwoStep: true}, []string{"name text off ", "two_step checkbox  "}},
		{page.Forgot{}, []string{"username text username email"}},
		{page.ChangePassword{MinLength: 8}, []string{"username text username ", "password password new-password ", "repeat password new-password "}},
		{page.ChangeEmail{}, []string{"email text email email"}},
		{page.Rename{}, []string{"name text off "}},
		{page.SetPassword{MinLength: 8}, []string{"username text username ", "password password new-password ", "repeat password new-password "}},
		{page.FirstOwner{MinLength: 8}, []string{"company text organization ", "name text name ", "username text username email", "password password new-password ", "repeat password new-password "}},
		{page.BackupCodes{}, []string{"saved checkbox  "}},
	} {
		_, doc := draw(t, r, page.Frame{}, c.page)
		var got []string
		for _, n := range elements(doc, "input") {
			name, _ := attr(n, "name")
			kind, _ := attr(n, "type")
			complete, _ := attr(n, "autocomplete")
			mode, _ := attr(n, "inputmode")
			if kind != "hidden" {
				got = append(got, fmt.Sprintf("%s %s %s %s", name, kind, complete, mode))
			}
		}
		if !slices.Equal(got, c.fields) {
			t.Errorf("%T: fields %q, want %q", c.page, got, c.fields)
		}
	}
}

// Someone known can't edit their address, but can say it isn't them.
func TestKnownPerson(t *testing.T) {
	r := mustRenderer(t)
	_, doc := draw(t, r, page.Frame{Request: "req_1", Person: "ana@example.com"}, page.SignIn{})
	for _, n := range elements(doc, "input") {
		if name, _ := attr(n, "name"); name == "username" {
			value, _ := attr(n, "value")
			if _, fixed := attr(n, "readonly"); !fixed || value != "ana@example.com" {
				t.Errorf("username %q, readonly %v", value, fixed)
			}
		}
	}
	if !strings.Contains(render(doc), `action="/login/switch?r=req_1"`) {
		t.Error("no way to say it isn't them")
	}
}
