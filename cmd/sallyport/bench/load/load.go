// Package load is what products and people do to a provider all day, as
// operations that a measurement can repeat: coming back with a running
// session, refreshing, asking for claims, signing in.
//
// An operation knows its right answer and fails on any other, so that nothing
// fast but wrong is ever counted. It spends as little as it can on its own
// account, because it usually shares the machine with what is measured. How a
// request travels is the caller's: [Dial] opens a connection to a server,
// the Go benchmarks call the handler directly.
package load

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Request is one HTTP request.
type Request struct {
	Method string
	// Target is the path with its query.
	Target string
	// Authorization and Cookie are headers; empty ones are not sent.
	Authorization, Cookie string
	// Form is the encoded body of a POST.
	Form string
}

// Answer is what came back. Its Body is good until the next request.
type Answer struct {
	Status   int
	Location string
	Cookies  []*http.Cookie
	Body     []byte
}

// Sender carries requests, one after the other.
type Sender interface {
	Send(Request) (*Answer, error)
}

// wrong describes an answer that isn't the right one, with the beginning of
// its body.
func wrong(r Request, a *Answer, expected string) error {
	path, _, _ := strings.Cut(r.Target, "?")
	body := a.Body
	if len(body) > 300 {
		body = body[:300]
	}
	return fmt.Errorf("%s %s: expected %s, got %d %s %s", r.Method, path, expected, a.Status, a.Location, body)
}

func get(target string) Request { return Request{Method: http.MethodGet, Target: target} }

func post(target string, form url.Values) Request {
	return Request{Method: http.MethodPost, Target: target, Form: form.Encode()}
}
