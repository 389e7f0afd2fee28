package governtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
)

// answered is an answer of a page or of the API.
type answered struct {
	status   int
	location string
	header   http.Header
	body     string
}

var title = regexp.MustCompile(`<title>.*</title>`)

// String is the answer in short.
func (a answered) String() string {
	if page := title.FindString(a.body); page != "" {
		return fmt.Sprint(a.status, " ", a.location, " ", page)
	}
	return fmt.Sprintf("%d %s %.500s", a.status, a.location, a.body)
}

// visit asks for a page in a person's browser, without following where it
// leads. form is sent as it is; headers are set besides.
func (w *world) visit(s *someone, method, path, form string, headers map[string]string) answered {
	w.t.Helper()
	req := w.request(method, path, form)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	stay := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if s != nil {
		stay.Jar = s.browser.Client().Jar
	}
	return w.do(&stay, req)
}

// post sends a console's form as its page would.
func (w *world) post(s *someone, path, form string) answered {
	w.t.Helper()
	return w.visit(s, http.MethodPost, path, form+"&form_token="+s.formToken, map[string]string{"Origin": w.URL})
}

// call asks the API with a token, or without one where it is empty.
func (w *world) call(token, method, path, body string) answered {
	w.t.Helper()
	req := w.request(method, "/api/v1"+path, body)
	if body != "" {
		req.Header.Set("Content-Type", "text/csv")
		if strings.HasPrefix(body, "{") {
			req.Header.Set("Content-Type", "application/json")
		}
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return w.do(http.DefaultClient, req)
}

func (w *world) request(method, path, body string) *http.Request {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.URL+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	return req
}

func (w *world) do(c *http.Client, req *http.Request) answered {
	w.t.Helper()
	resp, err := c.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answered{resp.StatusCode, resp.Header.Get("Location"), resp.Header, string(text)}
}

// code is that of the problem which the API answered.
func (a answered) code() string {
	var p struct {
		Type string `json:"type"`
	}
	if json.Unmarshal([]byte(a.body), &p) != nil {
		return ""
	}
	return p.Type[strings.LastIndexByte(p.Type, '/')+1:]
}
