package demo

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed static
var staticFiles embed.FS

// pages renders one site in its own colours.
type pages struct {
	site      site
	templates map[string]*template.Template

	mu      sync.RWMutex
	actions []string // origins to which a form may lead by redirect
}

// site is what every page of a product shows of it.
type site struct {
	Name     string
	Theme    string // class of the body: its colours
	SignIn   string // absolute, so that a person on a second host name gets to the registered one
	OtherURL string
	InboxURL string
}

// view is what a template gets.
type view struct {
	Site    site
	Title   string
	Visitor visitor
	// Refresh is after how many seconds a page without JavaScript loads itself
	// anew. 0 means 5 when somebody is signed in, so that a sign-out shows;
	// negative is for pages that must stay as they are.
	Refresh int
	Content any
}

func newPages(p Product, name, theme string) *pages {
	pg := &pages{
		site: site{
			Name: name, Theme: theme, SignIn: p.BaseURL + "/login",
			OtherURL: p.OtherURL, InboxURL: p.InboxURL,
		},
		templates: parseTemplates(),
	}
	pg.allowForms(p.Issuer)
	return pg
}

// parseTemplates combines each page with the layout. The files are part of the
// binary, so an error here is one of the build, found by any test.
func parseTemplates() map[string]*template.Template {
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		panic(err)
	}
	layout := template.Must(template.New("").Funcs(template.FuncMap{
		"clock":   func(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04:05 UTC") },
		"machine": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"join":    strings.Join,
	}).ParseFS(templateFiles, "templates/layout.html"))
	parsed := make(map[string]*template.Template, len(names))
	for _, file := range names {
		name := strings.TrimSuffix(strings.TrimPrefix(file, "templates/"), ".html")
		if name != "layout" {
			parsed[name] = template.Must(template.Must(layout.Clone()).ParseFS(templateFiles, file))
		}
	}
	return parsed
}

// allowForms lets forms lead to the origins of these addresses: browsers apply
// form-action to the redirect that answers a form, too.
func (pg *pages) allowForms(addresses ...string) {
	pg.mu.Lock()
	defer pg.mu.Unlock()
	for _, a := range addresses {
		if o := origin(a); o != "" && !slices.Contains(pg.actions, o) {
			pg.actions = append(pg.actions, o)
		}
	}
}

// render writes a page. It renders to memory first, so that an error doesn't
// leave half a page behind.
func (pg *pages) render(w http.ResponseWriter, name string, status int, v view) error {
	v.Site = pg.site
	if v.Refresh == 0 && v.Visitor.Session != nil {
		v.Refresh = 5
	}
	var b bytes.Buffer
	if err := pg.templates[name].ExecuteTemplate(&b, "layout", v); err != nil {
		return err
	}
	pg.mu.RLock()
	actions := strings.Join(append([]string{"'self'"}, pg.actions...), " ")
	pg.mu.RUnlock()
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "+
		"base-uri 'none'; frame-ancestors 'none'; form-action "+actions)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a browser that went away is no error of ours
	return nil
}

// static serves the stylesheet and the scripts.
func (pg *pages) static() http.Handler {
	files := http.FileServerFS(staticFiles)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") { // no listing
			http.NotFound(w, r)
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-cache") // another build may be a minute away
		files.ServeHTTP(w, r)
	})
}
