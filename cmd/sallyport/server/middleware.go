package server

import (
	"context"
	"net/http"
	"path"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/page"
)

// maxForm bounds the body of a form.
const maxForm = 64 << 10

// limitForms lets through forms of a bearable size that are text: PostgreSQL
// keeps neither NUL nor broken UTF-8, and no browser sends them.
func limitForms(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if importsPeople(r) {
			limitImport(next, w, r)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			http.Error(w, "the form can't be read: send at most 64 KiB", http.StatusBadRequest)
			return
		}
		for _, values := range r.Form {
			for _, v := range values {
				if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
					http.Error(w, "the form holds what is no text in UTF-8", http.StatusBadRequest)
					return
				}
			}
		}
		next.ServeHTTP(w, r)
	})
}

// Tables of people are larger than forms: 2 MiB as a file and, where they come
// back from the page that shows what would happen, three times that at most.
// One that is a little too large gets as far as the page that says so.
const (
	maxImportFile = 3 << 20
	maxImportForm = 7 << 20
)

func importsPeople(r *http.Request) bool {
	matches, err := path.Match("/console/companies/*/people/import", r.URL.Path)
	return r.Method == http.MethodPost && err == nil && matches
}

// limitImport leaves the reading to the page, which does so once it knows who
// sends the table; whether it is text is for its parser.
func limitImport(next http.Handler, w http.ResponseWriter, r *http.Request) {
	most := int64(maxImportForm)
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		most = maxImportFile
	}
	if r.ContentLength > most {
		http.Error(w, "the file is larger than 2 MiB: import it in parts", http.StatusRequestEntityTooLarge)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, most)
	next.ServeHTTP(w, r)
}

// everyAnswer sets what holds for all answers; where the provider is reached
// by https, browsers shall come that way only.
func everyAnswer(issuer string) func(http.Handler) http.Handler {
	https := strings.HasPrefix(issuer, "https:")
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Content-Type-Options", "nosniff")
			if https {
				w.Header().Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
			}
			next.ServeHTTP(w, r)
		})
	}
}

// protocolTime is how long an answer of the protocol may take. All others have
// the time that NewHTTP gives: a table of people takes longer to import.
const protocolTime = 20 * time.Second

// inTime gives up on answers of the protocol that nobody waits for any more.
func inTime(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), protocolTime)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// recoverPanics answers 500 and keeps the stack for the log.
func (s *Server) recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler {
				panic(p)
			}
			s.log.Error("panic", "path", r.URL.Path, "cause", p, "stack", string(debug.Stack()), "request_id", w.Header().Get("X-Request-Id"))
			http.Error(w, "something went wrong; request id "+w.Header().Get("X-Request-Id"), http.StatusInternalServerError)
		}()
		next.ServeHTTP(w, r)
	})
}

func notFound(pages *page.Renderer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f := page.Frame{Lang: pages.Language(nil, "", r.Header.Get("Accept-Language")), Status: http.StatusNotFound}
		pages.Write(w, f, page.Message{
			Heading: page.Say("not_found.heading"), Body: page.Say("not_found.body"), Link: "/", LinkText: page.Say("not_found.link"),
			Reference: session.OriginOf(r.Context()).RequestID,
		})
	}
}
