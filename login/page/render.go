// Package page draws every page a person sees and words every mail they get.
// Handlers say what is the case in the types of pages.go; how it looks and
// sounds is decided here, in templates, messages and one stylesheet. A page
// works without JavaScript; app.js adds small comforts.
//
// The package knows nothing of the rest of the product, so that anyone who
// shows or sends words may import it.
package page

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html"
	"html/template"
	"log/slog"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
)

//go:embed templates/*.html
var templateFiles embed.FS

// Renderer draws pages and words in every language there are messages for. It
// is safe for concurrent use.
type Renderer struct {
	words   []*words // the default language first
	matcher language.Matcher
	pages   map[string]map[string]*template.Template // by language, by page
	markup  *regexp.Regexp                           // an element's tag
}

// New returns the Renderer of the templates and messages built into the binary,
// which are read once. An error means that one of them is broken.
func New() (*Renderer, error) { return builtIn() }

// builtIn never changes, and takes a while to read: tests start many servers.
var builtIn = sync.OnceValues(read)

func read() (*Renderer, error) {
	all, err := loadWords(messageFiles)
	if err != nil {
		return nil, err
	}
	files, err := loadAssets()
	if err != nil {
		return nil, err
	}
	r := &Renderer{
		words:  all,
		pages:  make(map[string]map[string]*template.Template),
		markup: regexp.MustCompile("<[^>]*>"),
	}
	var tags []language.Tag
	for _, w := range all {
		tags = append(tags, language.Make(w.lang))
		if r.pages[w.lang], err = parsePages(w, all, files); err != nil {
			return nil, err
		}
	}
	r.matcher = language.NewMatcher(tags)
	return r, nil
}

// parsePages parses the templates with functions that speak one language.
func parsePages(w *words, all []*words, files *assets) (map[string]*template.Template, error) {
	shared := []string{"templates/layout.html", "templates/parts.html", "templates/console_parts.html"}
	layout, err := template.New("").Funcs(template.FuncMap{
		"t":   func(id string, pairs ...any) template.HTML { return w.html(Say(id, pairs...)) },
		"say": w.html,
		// One of a family of messages: {{word "role." .Role}}.
		"word":    func(family, name string, pairs ...any) template.HTML { return w.html(Say(family+name, pairs...)) },
		"scope":   func(name string) template.HTML { return w.html(Say("scope." + name)) },
		"way":     func(way Way) template.HTML { return w.html(Say("choose."+way.Method, "Target", way.Target)) },
		"when":    w.when,
		"asset":   files.url,
		"initial": initial,
		// Each language by its tag and its own name.
		"languages": func() map[string]string {
			names := make(map[string]string, len(all))
			for _, w := range all {
				names[w.lang] = w.text(Say("language.name"))
			}
			return names
		},
		"step": stepOf,
		"list": func(items []string) string { return strings.Join(items, ", ") },
		"json": asJSON,
	}).ParseFS(templateFiles, shared...)
	if err != nil {
		return nil, fmt.Errorf("parse layout: %w", err)
	}
	entries, err := templateFiles.ReadDir("templates")
	if err != nil {
		return nil, fmt.Errorf("list templates: %w", err)
	}
	pages := make(map[string]*template.Template)
	for _, entry := range entries {
		name := strings.TrimSuffix(entry.Name(), ".html")
		if slices.Contains(shared, path.Join("templates", entry.Name())) {
			continue
		}
		own, err := layout.Clone()
		if err != nil {
			return nil, fmt.Errorf("clone layout: %w", err)
		}
		if pages[name], err = own.ParseFS(templateFiles, path.Join("templates", entry.Name())); err != nil {
			return nil, fmt.Errorf("parse page: %w", err)
		}
	}
	return pages, nil
}

// step is how far somebody is on a way of several steps.
type step struct{ Step, Of int }

func stepOf(n, of int) step { return step{n, of} }

// Done says of each step whether it has been reached.
func (s step) Done() []bool {
	done := make([]bool, s.Of)
	for i := range done {
		done[i] = i < s.Step
	}
	return done
}

// asJSON is a list for a script, in an attribute.
func asJSON(items []string) (string, error) {
	if items == nil {
		items = []string{} // a list without items, never null
	}
	b, err := json.Marshal(items)
	return string(b), err
}

// initial is the letter that stands for a person: the first of their e-mail.
func initial(email string) string {
	letter, _ := utf8.DecodeRuneInString(email)
	if letter == utf8.RuneError {
		return ""
	}
	return string(unicode.ToUpper(letter))
}

// Write draws a page, whole or not at all: should a template fail, the person
// gets a plain 500 and the log the reason. The status is f.Status, else 422
// where there is a problem, else 200.
func (r *Renderer) Write(w http.ResponseWriter, f Frame, p Page) {
	words := r.speak(f.Lang)
	f.Lang = words.lang
	setHeaders(w.Header(), f, p)
	var body bytes.Buffer
	if err := r.draw(&body, words, f, p); err != nil {
		slog.Error("page: draw", "page", p.template(), "language", words.lang, "error", err)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write([]byte("Something went wrong. Please try again.\n"))
		return
	}
	status := f.Status
	switch {
	case status != 0:
	case f.Problem != nil || len(f.Problems) > 0:
		status = http.StatusUnprocessableEntity
	default:
		status = http.StatusOK
	}
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the reader is gone: nobody to tell
}

func (r *Renderer) draw(body *bytes.Buffer, words *words, f Frame, p Page) error {
	t := r.pages[words.lang][p.template()]
	if t == nil {
		return fmt.Errorf("no template %q", p.template())
	}
	v := view{Frame: f, Page: p, Name: p.template(), Dir: words.text(Say("language.direction"))}
	var heading bytes.Buffer
	if err := t.ExecuteTemplate(&heading, "heading", v); err != nil {
		return err
	}
	// In a title elements would be shown as they are written.
	v.Title = html.UnescapeString(r.markup.ReplaceAllString(heading.String(), ""))
	var content bytes.Buffer
	if err := t.ExecuteTemplate(&content, "content", v); err != nil {
		return err
	}
	v.Content = template.HTML(content.String()) // made by a template of ours
	return t.ExecuteTemplate(body, "layout", v)
}

// speak is the words of a language, the default ones where there are none.
func (r *Renderer) speak(lang string) *words {
	for _, w := range r.words {
		if w.lang == lang {
			return w
		}
	}
	return r.words[0]
}

// Text is words outside HTML: the subject and body of a mail.
func (r *Renderer) Text(lang string, t Text) string { return r.speak(lang).text(t) }

// WriteOptions answers a script with the options of a WebAuthn ceremony, as
// navigator.credentials takes them.
func WriteOptions(w http.ResponseWriter, options json.RawMessage) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	return json.NewEncoder(w).Encode(map[string]json.RawMessage{"publicKey": options})
}
