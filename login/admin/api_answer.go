package admin

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// answer is what an operation answers where it succeeds.
type answer struct {
	status int
	// body is written as JSON; nil: none.
	body any
	// location is where what was created is, below apiBase.
	location string
	// tag is the ETag of what is shown.
	tag string
	// stream writes a body that isn't JSON, of a type, in place of body.
	stream func(io.Writer) error
	media  string
}

func shown(body any) (answer, error) { return answer{status: http.StatusOK, body: body}, nil }

// createdAt answers with what is new, which is at a path; none: nowhere.
func createdAt(body any, path ...string) (answer, error) {
	out := answer{status: http.StatusCreated, body: body}
	if len(path) > 0 {
		out.location = apiBase + "/" + strings.Join(path, "/")
	}
	return out, nil
}

func noContent() (answer, error) { return answer{status: http.StatusNoContent}, nil }

func (a *API) write(c *call, out answer) {
	h := c.w.Header()
	if out.location != "" {
		h.Set("Location", out.location)
	}
	if out.tag != "" {
		h.Set("ETag", out.tag)
	}
	switch {
	case out.stream != nil:
		a.stream(c, out)
		return
	case out.body == nil:
		c.w.WriteHeader(out.status)
		return
	}
	text, err := json.Marshal(out.body)
	if err != nil {
		a.fail(c, err)
		return
	}
	h.Set("Content-Type", "application/json")
	c.w.WriteHeader(out.status)
	c.w.Write(append(text, '\n'))
}

// stream answers with a file of any length. Where it fails before it began, it
// is a problem; later the connection breaks, so that nobody takes a part for
// the whole.
func (a *API) stream(c *call, out answer) {
	w := &streaming{to: c.w, out: out}
	// A long list takes longer than an answer usually may.
	if err := http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(10 * exportPatience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		a.fail(c, err)
		return
	}
	err := out.stream(w)
	switch {
	case err == nil && !w.began:
		w.begin() // an empty file
	case err == nil:
	case !w.began:
		a.fail(c, err)
	default:
		a.Log.ErrorContext(c.ctx(), "api call failed on the way", "path", c.r.URL.Path, "error", err, "request_id", c.by.RequestID)
		panic(http.ErrAbortHandler)
	}
}

type streaming struct {
	to    http.ResponseWriter
	out   answer
	began bool
}

func (s *streaming) begin() {
	s.began = true
	s.to.Header().Set("Content-Type", s.out.media)
	s.to.WriteHeader(s.out.status)
}

// Write implements io.Writer.
func (s *streaming) Write(p []byte) (int, error) {
	if !s.began {
		s.begin()
	}
	return s.to.Write(p)
}
