package apply

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Problem is one mistake: where it is, what is wrong, and what to write instead. It never quotes a secret.
type Problem struct {
	// Line is the line of the file, 0 where there is none.
	Line int `json:"line,omitempty"`
	// Path names the field: people[2].role. Field is what of it lies within the entry: role; empty where the problem is
	// with the whole of it.
	Path  string `json:"path"`
	Field string `json:"field,omitempty"`
	// Code is the kind of mistake.
	Code Code `json:"code"`
	// Wrong continues a sentence that begins with the field.
	Wrong  string `json:"wrong"`
	Remedy string `json:"remedy"`
}

// Problems are all mistakes that could be found at once. As long as there are some, nothing is changed.
type Problems struct {
	// File is the name of the file, empty where the entries come from a command's flags.
	File string
	List []Problem
}

func (ps *Problems) Error() string {
	var b strings.Builder
	switch {
	case len(ps.List) == 1 && ps.File == "":
		return ps.List[0].text("")
	case len(ps.List) == 1:
		b.WriteString("nothing was changed, for there is a mistake:")
	default:
		fmt.Fprintf(&b, "nothing was changed, for there are %d mistakes:", len(ps.List))
	}
	for _, p := range ps.List {
		b.WriteString("\n  " + p.text(ps.File))
	}
	return b.String()
}

func (p Problem) text(file string) string {
	place := file
	if p.Line > 0 {
		place = fmt.Sprintf("%s:%d", file, p.Line)
	}
	if place != "" {
		place += ": "
	}
	return place + strings.TrimSpace(p.Path+" "+p.Wrong) + "; " + p.Remedy
}

// orNil is ps as an error where there are problems, in the order of the file.
func (ps *Problems) orNil() error {
	if len(ps.List) == 0 {
		return nil
	}
	slices.SortStableFunc(ps.List, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), strings.Compare(a.Path, b.Path))
	})
	return ps
}

// checker reports what is wrong with the fields of one entry.
type checker struct {
	problems *Problems
	// path of the entry, empty where it isn't from a file.
	path  string
	lines map[string]int
}

// refuse reports a value that isn't written as it should be.
func (c checker) refuse(field, wrong, remedy string) { c.refuseAs(CodeForm, field, wrong, remedy) }

// refuseAs reports any other kind of mistake.
func (c checker) refuseAs(code Code, field, wrong, remedy string) {
	path := join(c.path, field)
	within := field
	if c.path == "" && c.lines != nil { // the reader of a file, whose fields are whole paths
		within = withinEntry(path)
	}
	p := Problem{Path: path, Field: within, Code: code, Wrong: wrong, Remedy: remedy, Line: c.lines[path]}
	// The line of the field, else of what contains it.
	for ; path != "" && p.Line == 0; path = path[:max(0, strings.LastIndexAny(path, ".["))] {
		p.Line = c.lines[path]
	}
	c.problems.List = append(c.problems.List, p)
}

// entryPath is the part of a path that leads to an entry.
var entryPath = regexp.MustCompile(`^(companies|people|products)\[[0-9]+\]\.?`)

func withinEntry(path string) string { return entryPath.ReplaceAllString(path, "") }

// oneOf refuses a value that isn't among the allowed ones.
func oneOf[T ~string](c checker, field string, value T, allowed ...T) {
	for _, a := range allowed {
		if a == value {
			return
		}
	}
	c.refuseAs(CodeNotAllowed, field, fmt.Sprintf("is %q", string(value)), "write "+either(allowed))
}

// either is "a, b or c".
func either[T ~string](words []T) string {
	var b strings.Builder
	for i, w := range words {
		switch {
		case i > 0 && i == len(words)-1:
			b.WriteString(" or ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(string(w))
	}
	return b.String()
}

func join(path, field string) string {
	switch {
	case path == "":
		return field
	case field == "":
		return path
	}
	return path + "." + field
}
