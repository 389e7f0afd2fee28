package admin

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// listed is a page of a list. Next is the cursor of the page that follows; there
// is none on the last.
type listed[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

const listMost = 200

// paging are the parameters of every list.
var paging = []string{"cursor", "limit"}

// page reads where a page begins and how long it may be; limit is 0 where the
// caller doesn't say.
func (c *call) page() (after string, limit int, err error) {
	var p problem
	q := c.r.URL.Query()
	if text := q.Get("limit"); q.Has("limit") {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > listMost {
			p = also(p, "limit", "not_allowed", "isn't a number from 1 to 200", "write one, or leave it out for 50")
		}
	}
	if text := q.Get("cursor"); q.Has("cursor") {
		known := false
		if after, known = openCursor(c.listName(), text); !known {
			p = also(p, "cursor", "form", "is none of this list", "write the next of the page before, or leave it out for the first page")
		}
	}
	if p.Code != "" {
		return "", 0, p
	}
	return after, limit, nil
}

// next is the cursor that leads on after something; empty where after is.
func (c *call) next(after string) string {
	if after == "" {
		return ""
	}
	return nextCursor(c.listName(), after)
}

func nextCursor(list, after string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(list + "\n" + after))
}

// listName is the address without the host, so that a cursor of one list isn't
// taken for another's.
func (c *call) listName() string { return c.r.URL.Path }

func openCursor(list, cursor string) (after string, ok bool) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return "", false
	}
	name, after, _ := strings.Cut(string(text), "\n")
	return after, name == list && after != "" && !hasNUL(after) && after == strings.ToValidUTF8(after, "")
}

// choice reads a parameter that has one of several values, or is left out.
func (c *call) choice(name string, values ...string) (string, error) {
	value := c.r.URL.Query().Get(name)
	if value == "" || slices.Contains(values, value) {
		return value, nil
	}
	return "", wrongField(name, "not_allowed", "is none of the values", "write "+strings.Join(values, ", "))
}

// oneOf says which values may be written.
func oneOf(values []string) string { return strings.Join(values, ", ") }
