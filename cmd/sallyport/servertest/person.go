package servertest

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Person visits pages as a browser without JavaScript does: with cookies, and
// by following links and sending forms that are on the page.
type Person struct {
	// URL, Status and Header are of the page the person is on.
	URL    *url.URL
	Status int
	Header http.Header

	t      testing.TB
	client *http.Client
	doc    *html.Node
	source string
	// stopAt are origins at which redirects are not followed: the person "is"
	// at the address then, and no request was made.
	stopAt []string
}

// NewPerson is somebody with an empty browser. Redirects to the origins in
// stopAt aren't followed.
func NewPerson(t testing.TB, stopAt ...string) *Person {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := &Person{t: t, stopAt: stopAt}
	p.client = &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if p.stops(r.URL) {
			return http.ErrUseLastResponse
		}
		if len(via) > 20 {
			t.Fatalf("redirected too often, last to %s", r.URL)
		}
		return nil
	}}
	return p
}

func (p *Person) stops(u *url.URL) bool {
	for _, origin := range p.stopAt {
		if strings.HasPrefix(u.String(), origin) {
			return true
		}
	}
	return false
}

// Go visits an address.
func (p *Person) Go(address string) *Person {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.do(req)
}

func (p *Person) do(req *http.Request) *Person {
	p.t.Helper()
	req.Header.Set("Accept", "text/html, */*;q=0.8") // as browsers do where a page is to be shown
	resp, err := p.client.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	p.URL, p.Status, p.Header, p.source = resp.Request.URL, resp.StatusCode, resp.Header, string(body)
	if to, err := resp.Location(); err == nil {
		p.URL = to
	}
	if p.doc, err = html.Parse(strings.NewReader(p.source)); err != nil {
		p.t.Fatal(err)
	}
	return p
}

// Submit fills in and sends the form on the page that has all the named
// fields; a field of a button is that button pressed. Hidden fields and
// prefilled values are sent too.
func (p *Person) Submit(fields map[string]string) *Person {
	p.t.Helper()
	form := p.form(fields)
	values := url.Values{}
	each(form, func(n *html.Node) {
		name := attr(n, "name")
		if name == "" || n.Data != "input" {
			return
		}
		switch attr(n, "type") {
		case "checkbox", "radio", "submit":
		default:
			values.Set(name, attr(n, "value"))
		}
	})
	for name, value := range fields {
		values.Set(name, value)
	}
	action := p.URL
	if a := attr(form, "action"); a != "" {
		u, err := p.URL.Parse(a)
		if err != nil {
			p.t.Fatal(err)
		}
		action = u
	}
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, action.String(), strings.NewReader(values.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", p.URL.Scheme+"://"+p.URL.Host)
	return p.do(req)
}

func (p *Person) form(fields map[string]string) *html.Node {
	p.t.Helper()
	var found *html.Node
	each(p.doc, func(f *html.Node) {
		if f.Data != "form" || found != nil {
			return
		}
		has := map[string]bool{}
		each(f, func(n *html.Node) { has[attr(n, "name")] = true })
		for name := range fields {
			if !has[name] {
				return
			}
		}
		found = f
	})
	if found == nil {
		p.t.Fatalf("no form with the fields %v on %s:\n%s", fields, p.URL, p.Text())
	}
	return found
}

// SubmitTo sends the form whose action begins with prefix, as it is.
func (p *Person) SubmitTo(prefix string) *Person {
	p.t.Helper()
	var found *html.Node
	each(p.doc, func(n *html.Node) {
		if n.Data == "form" && strings.HasPrefix(attr(n, "action"), prefix) && found == nil {
			found = n
		}
	})
	if found == nil {
		p.t.Fatalf("no form to %s on %s:\n%s", prefix, p.URL, p.Text())
	}
	values := url.Values{}
	each(found, func(n *html.Node) {
		if name := attr(n, "name"); name != "" {
			values.Set(name, attr(n, "value"))
		}
	})
	to, err := p.URL.Parse(attr(found, "action"))
	if err != nil {
		p.t.Fatal(err)
	}
	return p.Post(to.String(), values)
}

// Post sends a form that isn't on the page.
func (p *Person) Post(address string, values url.Values) *Person {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, address, strings.NewReader(values.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return p.do(req)
}

// Follow follows the link whose address contains part.
func (p *Person) Follow(part string) *Person {
	p.t.Helper()
	var href string
	each(p.doc, func(n *html.Node) {
		if n.Data == "a" && href == "" && strings.Contains(attr(n, "href"), part) {
			href = attr(n, "href")
		}
	})
	if href == "" {
		p.t.Fatalf("no link to %s on %s:\n%s", part, p.URL, p.Text())
	}
	u, err := p.URL.Parse(href)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.Go(u.String())
}

// Has says whether an element matches: "tag", "#id", ".class" or "[name=x]".
func (p *Person) Has(selector string) bool { return p.find(selector) != nil }

// All returns the texts of all elements that match.
func (p *Person) All(selector string) []string {
	var out []string
	each(p.doc, func(n *html.Node) {
		if matches(n, selector) {
			out = append(out, text(n))
		}
	})
	return out
}

func (p *Person) find(selector string) (found *html.Node) {
	each(p.doc, func(n *html.Node) {
		if found == nil && matches(n, selector) {
			found = n
		}
	})
	return found
}

func matches(n *html.Node, selector string) bool {
	if n.Type != html.ElementNode {
		return false
	}
	switch selector[0] {
	case '#':
		return attr(n, "id") == selector[1:]
	case '.':
		for _, c := range strings.Fields(attr(n, "class")) {
			if c == selector[1:] {
				return true
			}
		}
		return false
	case '[':
		name, value, _ := strings.Cut(strings.Trim(selector, "[]"), "=")
		return attr(n, name) == value
	}
	return n.Data == selector
}

// Value is what stands in the first field of that name, empty where there is
// none.
func (p *Person) Value(name string) string {
	if n := p.find("[name=" + name + "]"); n != nil {
		return attr(n, "value")
	}
	return ""
}

// Source is the page as it came.
func (p *Person) Source() string { return p.source }

// Text is what can be read on the page.
func (p *Person) Text() string { return text(p.doc) }

// MustRead fails unless the page says something.
func (p *Person) MustRead(words string) *Person {
	p.t.Helper()
	if !strings.Contains(p.Text(), words) {
		p.t.Fatalf("%s (%d) does not say %q:\n%s", p.URL, p.Status, words, p.Text())
	}
	return p
}

// MustBeAt fails unless the person is at a path.
func (p *Person) MustBeAt(path string) *Person {
	p.t.Helper()
	if p.URL.Path != path {
		p.t.Fatalf("at %s (%d), not at %s:\n%s", p.URL, p.Status, path, p.Text())
	}
	return p
}

// Cookies are those sent to an address.
func (p *Person) Cookies(address string) []*http.Cookie {
	u, err := url.Parse(address)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.client.Jar.Cookies(u)
}

// Client is the person's browser without its eyes.
func (p *Person) Client() *http.Client { return p.client }

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func each(n *html.Node, visit func(*html.Node)) {
	if n == nil {
		return
	}
	visit(n)
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		each(c, visit)
	}
}

func text(n *html.Node) string {
	var b strings.Builder
	each(n, func(n *html.Node) {
		if n.Type == html.TextNode && n.Parent.Data != "script" && n.Parent.Data != "style" {
			b.WriteString(n.Data)
			b.WriteByte(' ')
		}
	})
	return strings.Join(strings.Fields(b.String()), " ")
}
