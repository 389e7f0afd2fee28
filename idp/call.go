package idp

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"

	"github.com/sallyport-id/sallyport/storage"
)

// call is a request that a client makes by itself, at the token endpoint and
// those like it: a form, and who sent it.
type call struct {
	request *http.Request
	form    url.Values
	client  *storage.Client
	// answer are the headers of the answer, be it an error or not.
	answer http.Header
	// cnf is what the tokens of this call will be bound to.
	cnf confirmation
}

// endpoint serves clients that call by themselves (RFC 6749 section 3.2). What
// answer returns is written as JSON; see [written].
func (p *Provider) endpoint(answer func(context.Context, *call) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			p.jsonError(w, r, &oauthError{code: invalidRequest, description: "use POST", status: http.StatusMethodNotAllowed})
			return
		}
		var out any
		c, err := p.call(r)
		if err == nil {
			c.answer = w.Header()
			out, err = answer(r.Context(), c)
		}
		if err != nil {
			p.jsonError(w, r, err)
			return
		}
		p.write(w, http.StatusOK, out)
	}
}

// call reads the form and finds out who is calling.
func (p *Provider) call(r *http.Request) (*call, error) {
	if err := formProblem(r); err != nil {
		return nil, err
	}
	client, err := p.authenticate(r)
	if err != nil {
		return nil, err
	}
	return &call{request: r, form: r.PostForm, client: client}, nil
}

// formProblem refuses what such an endpoint isn't sent: anything but a form,
// parameters in the query, a parameter twice (RFC 6749 section 3.2). Only
// resource may come several times (RFC 8707 section 2).
func formProblem(r *http.Request) error {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/x-www-form-urlencoded" {
		return oauth(invalidRequest, "send application/x-www-form-urlencoded")
	}
	if r.URL.RawQuery != "" {
		return oauth(invalidRequest, "send parameters in the body, not in the query")
	}
	if err := r.ParseForm(); err != nil {
		return &oauthError{code: invalidRequest, description: "the body could not be read: at most 64 KiB of a well-formed form", cause: err}
	}
	return sentTwice(r.PostForm)
}

func sentTwice(form url.Values) error {
	for name, values := range form {
		if len(values) > 1 && name != "resource" {
			return oauth(invalidRequest, "%s is sent more than once", descriptionText(name))
		}
	}
	return nil
}

// needed is a parameter that a request can't do without.
func (c *call) needed(name string) (string, error) {
	if v := c.form.Get(name); v != "" {
		return v, nil
	}
	return "", oauth(invalidRequest, "%s is missing", name)
}

// signedAnswer is an answer that is a JWT instead of JSON.
type signedAnswer struct{ token, contentType string }

// created is an answer that says 201 instead of 200.
type created struct{ body any }

// write answers with JSON, or with what the answer's type says.
func (p *Provider) write(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Cache-Control", "no-store")
	switch a := answer.(type) {
	case signedAnswer:
		w.Header().Set("Content-Type", a.contentType)
		w.WriteHeader(status)
		w.Write([]byte(a.token))
		return
	case created:
		status, answer = http.StatusCreated, a.body
	}
	body, err := json.Marshal(answer)
	if err != nil {
		p.Log.Error("write answer", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body)
}
