package load

import (
	"bytes"
	"html"
	"net/http"
	"net/url"
	"strings"
)

// Browser keeps the provider's cookies. The zero value is a new one.
type Browser struct {
	header  string
	cookies map[string]string
}

// send sends a request with the cookies, and keeps those of the answer.
func (b *Browser) send(s Sender, r Request) (*Answer, error) {
	r.Cookie = b.header
	a, err := s.Send(r)
	if err != nil || len(a.Cookies) == 0 {
		return a, err
	}
	if b.cookies == nil {
		b.cookies = make(map[string]string)
	}
	var pairs []string
	for _, c := range a.Cookies {
		b.cookies[c.Name] = c.Value
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	for name, value := range b.cookies {
		pairs = append(pairs, name+"="+value)
	}
	b.header = strings.Join(pairs, "; ")
	return a, nil
}

// SignIn goes from the product to the password page and back with a code, as
// the redirects lead: the first sign-in of a browser.
func (b *Browser) SignIn(s Sender, p *Product, email, password string) (code string, err error) {
	r := get(p.authorize)
	for range 10 {
		a, err := b.send(s, r)
		if err != nil {
			return "", err
		}
		switch {
		case strings.HasPrefix(a.Location, p.RedirectURI):
			return p.code(r, a)
		case a.Status == http.StatusSeeOther && strings.HasPrefix(a.Location, "/"):
			r = get(a.Location)
		case a.Status == http.StatusOK && r.Method == http.MethodGet && strings.HasPrefix(r.Target, "/login/password?"):
			token := formToken(a.Body)
			if token == "" {
				return "", wrong(r, a, "a form with a form_token")
			}
			r = post(r.Target, url.Values{"form_token": {token}, "username": {email}, "password": {password}})
		default:
			return "", wrong(r, a, "a redirect or the password page")
		}
	}
	return "", wrong(r, &Answer{}, "an end of the redirects")
}

func formToken(body []byte) string {
	_, rest, ok := bytes.Cut(body, []byte(`name="form_token" value="`))
	if !ok {
		return ""
	}
	value, _, _ := bytes.Cut(rest, []byte(`"`))
	return html.UnescapeString(string(value))
}
