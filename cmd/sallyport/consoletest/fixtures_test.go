package consoletest

import (
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestMain(m *testing.M) { os.Exit(storagetest.Main(m)) }

const (
	otto = "otto@sallyport.example" // the operator
	olga = "olga@acme.example"      // owner of Acme
	adam = "adam@acme.example"      // administrator of Acme
	ana  = "ana@acme.example"
	ben  = "ben@acme.example"
)

// each runs a test on both engines, with the demo's people.
func each(t *testing.T, test func(t *testing.T, d *servertest.Demo)) {
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, servertest.StartDemo(t, engine))
		})
	}
}

// console is somebody's browser, signed in with two factors.
type console struct {
	*servertest.Administrator
	d *servertest.Demo
	t *testing.T
}

func enter(t *testing.T, d *servertest.Demo, email string) console {
	t.Helper()
	return console{d.Administrator(t, email), d, t}
}

// at visits a page of the console.
func (c console) at(path string) *servertest.Person {
	c.t.Helper()
	return c.Go(c.d.URL + path)
}

// post sends a form that the page at a path holds the token of, and doesn't
// follow where the answer leads.
func (c console) post(page, to string, form url.Values) (status int, location, body string) {
	c.t.Helper()
	client := *c.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer := func(resp *http.Response, err error) (*http.Response, string) {
		c.t.Helper()
		if err != nil {
			c.t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			c.t.Fatal(err)
		}
		return resp, string(text)
	}
	_, source := answer(client.Get(c.d.URL + page))
	token := regexp.MustCompile(`name="form_token" value="([^"]+)"`).FindStringSubmatch(source)
	if token == nil {
		c.t.Fatalf("no form on %s:\n%s", page, source)
	}
	form.Set("form_token", html.UnescapeString(token[1]))
	resp, text := answer(client.PostForm(c.d.URL+to, form))
	return resp.StatusCode, resp.Header.Get("Location"), text
}

// knows says whether the provider knows a product by a secret: what it asks for
// is nonsense, but only a stranger is told so.
func knows(d *servertest.Demo, t *testing.T, id, secret string) bool {
	t.Helper()
	status, a := servertest.NewRP(t, d.Instance, id, secret, "https://shop.example/callback").Exchange("nonsense", nil)
	switch a.String("error") {
	case "invalid_grant":
		return true
	case "invalid_client":
		return false
	}
	t.Fatalf("%d %v", status, a)
	return false
}

// only is the one text of a selector on a page.
func only(p *servertest.Person, t *testing.T, selector string) string {
	t.Helper()
	all := p.All(selector)
	if len(all) != 1 {
		t.Fatalf("%d of %s on %s:\n%s", len(all), selector, p.URL, p.Text())
	}
	return strings.TrimSpace(all[0])
}
