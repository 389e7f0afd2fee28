package apitest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
)

// contract is what openapi.yaml promises.
type contract struct {
	doc    *openapi3.T
	router routers.Router
}

// load reads the contract, once for all tests, and checks that it is one.
var load = sync.OnceValues(func() (*contract, error) {
	text, err := os.ReadFile("../../../login/admin/openapi.yaml")
	if err != nil {
		return nil, err
	}
	openapi3.DefineStringFormatValidator("date-time", openapi3.NewCallbackValidator(func(s string) error {
		_, err := time.Parse(time.RFC3339, s)
		return err
	}))
	asText := func(body io.Reader, _ http.Header, _ *openapi3.SchemaRef, _ openapi3filter.EncodingFn) (any, error) {
		text, err := io.ReadAll(body)
		return string(text), err
	}
	openapi3filter.RegisterBodyDecoder("text/csv", asText)
	openapi3filter.RegisterBodyDecoder("application/jsonl", asText)
	doc, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		return nil, err
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, err
	}
	router, err := legacy.NewRouter(doc)
	return &contract{doc, router}, err
})

func theContract(t testing.TB) *contract {
	t.Helper()
	c, err := load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// tester calls the API and holds every call against the contract: what is
// asked, where it succeeds, and what is answered, always.
type tester struct {
	*servertest.Caller
	d *servertest.Demo
	t testing.TB
	// called are the operations that succeeded.
	called map[string]bool
}

func (d callers) with(c *servertest.Caller) *tester {
	return &tester{Caller: c, d: d.Demo, t: d.t, called: d.called}
}

// callers make testers that share what was called.
type callers struct {
	*servertest.Demo
	t      testing.TB
	called map[string]bool
}

func newCallers(t testing.TB, d *servertest.Demo) callers {
	return callers{d, t, make(map[string]bool)}
}

// do calls, and moves the clock so that calls aren't too many.
func (c *tester) do(method, path string, body any, headers ...string) *servertest.Called {
	c.t.Helper()
	c.d.Clock.Advance(50 * time.Millisecond)
	out := c.Caller.Do(method, path, body, headers...)
	c.hold(method, path, body, headers, out)
	return out
}

func (c *tester) must(status int, method, path string, body any, headers ...string) servertest.Answer {
	c.t.Helper()
	out := c.do(method, path, body, headers...)
	if out.Status != status {
		c.t.Fatalf("%s %s: %d, not %d: %s", method, path, out.Status, status, out.Body)
	}
	if len(out.Body) == 0 {
		return nil
	}
	return out.JSON(c.t)
}

// refused is must where the answer is a problem of a code.
func (c *tester) refused(status int, code, method, path string, body any, headers ...string) servertest.Answer {
	c.t.Helper()
	a := c.must(status, method, path, body, headers...)
	if a.String("type") != "/api/v1/problems/"+code || a["status"] != float64(status) {
		c.t.Fatalf("%s %s: want a problem of type %s, got %v", method, path, code, a)
	}
	return a
}

// hold fails the test where a call isn't as the contract says.
func (c *tester) hold(method, path string, body any, headers []string, out *servertest.Called) {
	c.t.Helper()
	var sent []byte
	switch b := body.(type) {
	case nil:
	case []byte:
		sent = b
	default:
		sent, _ = json.Marshal(b)
	}
	req := httptest.NewRequest(method, "/api/v1"+path, bytes.NewReader(sent))
	if sent != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for n := 0; n+1 < len(headers); n += 2 {
		req.Header.Set(headers[n], headers[n+1])
	}
	route, params, err := theContract(c.t).router.FindRoute(req)
	if err != nil {
		if out.Status != http.StatusNotFound && out.Status != http.StatusMethodNotAllowed {
			c.t.Fatalf("%s %s isn't in the contract, and is answered with %d", method, path, out.Status)
		}
		return
	}
	in := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route, Options: &openapi3filter.Options{
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, MultiError: true,
	}}
	if out.Status < 300 {
		if err := openapi3filter.ValidateRequest(c.t.Context(), in); err != nil {
			c.t.Errorf("%s %s was answered with %d, and the contract doesn't know such a request: %v", method, path, out.Status, err)
		}
		c.called[route.Operation.OperationID] = true
	}
	if out.Status != http.StatusNotFound && out.Status != http.StatusTooManyRequests && out.Status < 500 && route.Operation.Responses.Status(out.Status) == nil &&
		!slices.Contains([]int{400, 412, 413, 415}, out.Status) {
		c.t.Errorf("%s %s: the contract doesn't tell of %d", method, path, out.Status)
	}
	err = openapi3filter.ValidateResponse(c.t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: out.Status, Header: out.Header, Body: io.NopCloser(bytes.NewReader(out.Body)), Options: in.Options,
	})
	if err != nil {
		c.t.Errorf("%s %s: the answer %d isn't as the contract says: %v\n%s", method, path, out.Status, err, out.Body)
	}
	if out.Status >= 400 && out.Header.Get("Content-Type") != "application/problem+json" || out.Header.Get("Cache-Control") != "no-store" || out.Header.Get("Access-Control-Allow-Origin") != "" {
		c.t.Errorf("%s %s: %d %v", method, path, out.Status, out.Header)
	}
}

// operations are all of the contract, by method and path.
func (c *contract) operations() map[string]*openapi3.Operation {
	all := make(map[string]*openapi3.Operation)
	for path, item := range c.doc.Paths.Map() {
		for method, op := range item.Operations() {
			all[method+" "+path] = op
		}
	}
	return all
}

// Every operation of the contract is served, and nothing else is: this holds
// the contract against the routes.
func TestContractIsWhatIsRouted(t *testing.T) {
	routed := make(map[string]bool)
	for _, r := range routes(t) {
		routed[r] = true
	}
	for op := range theContract(t).operations() {
		if !routed[op] {
			t.Errorf("%s is in the contract, and isn't routed", op)
		}
		delete(routed, op)
	}
	for op := range routed {
		t.Errorf("%s is routed, and isn't in the contract", op)
	}
}

// No schema lets members through that it doesn't tell of.
func TestSchemasAreClosed(t *testing.T) {
	var look func(at string, s *openapi3.SchemaRef)
	look = func(at string, s *openapi3.SchemaRef) {
		if s == nil || s.Ref != "" && strings.Contains(at, "/") {
			return
		}
		v := s.Value
		if v.Type.Is("object") && (v.AdditionalProperties.Has == nil || *v.AdditionalProperties.Has) && v.AdditionalProperties.Schema == nil {
			t.Errorf("%s is open", at)
		}
		for name, p := range v.Properties {
			look(at+"/"+name, p)
		}
		look(at+"/items", v.Items)
		look(at+"/more", v.AdditionalProperties.Schema)
	}
	c := theContract(t)
	for name, s := range c.doc.Components.Schemas {
		look(name, s)
	}
	for name, op := range c.operations() {
		for status, r := range op.Responses.Map() {
			for _, m := range r.Value.Content {
				look(name+" "+status, m.Schema)
			}
		}
	}
}
