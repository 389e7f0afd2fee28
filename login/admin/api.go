package admin

import (
	"context"
	_ "embed"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/sallyport-id/sallyport/idp/limit"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/admin/govern"
)

// API is the JSON API below /api/v1, for scripts and products. Whoever calls
// holds an access token of this provider: a person by way of a product, or a
// product for itself. What they may do is what govern lets them do, and never
// more than the scopes of the token. openapi.yaml is the contract.
//
// It belongs outside of what protects pages: no cookie is ever looked at, so
// that no other site can do anything by a browser. Its fields are set once.
type API struct {
	Govern *govern.Govern
	// Bearer says who presents an access token, or session.ErrNoBearer, or a
	// session.ProofError.
	Bearer func(ctx context.Context, presented session.Presented) (*session.Bearer, error)
	Log    *slog.Logger

	calls   limit.Callers
	refused lately
}

// apiBase is where the API lives.
const apiBase = "/api/v1"

//go:embed openapi.yaml
var contract []byte

// Bounds of what is sent.
const (
	maxBody   = 64 << 10
	maxImport = 2 << 20
)

// route is one operation.
type route struct {
	method, path string
	serve        func(*call) (answer, error)
	// creates: it takes an Idempotency-Key.
	creates bool
	// most bytes of a body; 0: maxBody.
	most int64
	// media is the type of a body that isn't JSON.
	media string
	// query are the parameters that it understands.
	query []string
}

// routes are all operations that need a token.
func (a *API) routes() []route {
	return slices.Concat(
		[]route{{method: "GET", path: "/me", serve: a.me}},
		a.peopleRoutes(), a.taskRoutes(), a.ruleRoutes(), a.companyProductRoutes(), a.apiClientRoutes(), a.auditRoutes(),
		a.companyRoutes(), a.productRoutes(), a.keyRoutes(), a.deliveryRoutes(),
	)
}

// Routes adds the API to r, beside the pages.
func (a *API) Routes(r chi.Router) {
	r.Route(apiBase, func(r chi.Router) {
		r.Use(a.around)
		r.NotFound(a.open(func(*call) (answer, error) {
			return answer{}, problem{Code: codeNotFound, Detail: "There is no such address."}
		}))
		r.MethodNotAllowed(a.open(notAllowed))
		r.Get("/openapi.yaml", serveContract)
		r.Get("/problems/{code}", a.open(meaning))
		for _, route := range a.routes() {
			r.Method(route.method, route.path, a.handler(route))
		}
	})
}

func serveContract(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	w.Write(contract)
}

// notAllowed answers where there is an address, and not for this method.
func notAllowed(c *call) (answer, error) {
	var allowed []string
	routes := chi.RouteContext(c.ctx()).Routes
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
		find := method
		if method == "HEAD" {
			find = "GET"
		}
		if routes.Match(chi.NewRouteContext(), find, c.r.URL.Path) {
			allowed = append(allowed, method)
		}
	}
	c.w.Header().Set("Allow", strings.Join(allowed, ", "))
	return answer{}, problem{Code: codeMethod, Detail: "This address takes " + strings.Join(allowed, ", ") + "."}
}

// call is one request.
type call struct {
	w http.ResponseWriter
	r *http.Request
	// presented is the access token; bearer, whose it is.
	presented session.Presented
	bearer    *session.Bearer
	by        govern.Actor
	body      []byte
	// within is the context of the transaction that a creation is a part of.
	within context.Context
}

func (c *call) ctx() context.Context {
	if c.within != nil {
		return c.within
	}
	return c.r.Context()
}

// id is a part of the address.
func (c *call) id(name string) string { return chi.URLParam(c.r, name) }

// company is the id of the company in the address.
func (c *call) company() string { return c.id("company") }

// handler wraps an operation: who calls, how often, and what they send.
func (a *API) handler(route route) http.HandlerFunc {
	return a.open(func(c *call) (answer, error) {
		if err := a.enter(c); err != nil {
			return answer{}, err
		}
		if err := c.checkText(route.query); err != nil {
			return answer{}, err
		}
		if err := c.read(route); err != nil {
			return answer{}, err
		}
		if route.creates {
			return a.once(c, route.serve)
		}
		return route.serve(c)
	})
}

// open answers a call without asking who it is.
func (a *API) open(serve func(*call) (answer, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call{w: w, r: r}
		out, err := serve(c)
		if err != nil {
			a.fail(c, err)
			return
		}
		a.write(c, out)
	}
}

// read reads the body of a request that has one.
func (c *call) read(route route) error {
	if c.r.Method == http.MethodGet || c.r.Method == http.MethodHead {
		return nil
	}
	most := route.most
	if most == 0 {
		most = maxBody
	}
	var err error
	if c.body, err = io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, most)); err != nil {
		return err
	}
	if len(c.body) == 0 {
		return nil
	}
	return checkMedia(c.r, route.media)
}

// around holds for every answer of the API. There is no CORS: what is meant
// for browsers has pages.
func (a *API) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		defer a.recoverPanic(w, r)
		next.ServeHTTP(w, r)
	})
}

func (a *API) now() time.Time { return a.Govern.Now() }
