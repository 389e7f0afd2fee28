package page

import (
	"cmp"
	"html"
	"html/template"
	"maps"
	"slices"
	"strings"
)

// view is what the templates see: the frame's fields, the page, and what only
// depends on these. Names of fields below are those of form fields.
type view struct {
	Frame
	Page  Page
	Title string // the heading without markup
	Name  string // the page's template
	Dir   string // ltr or rtl
	// Content is the page's own part of the layout.
	Content template.HTML
}

// Shell is what surrounds a page of the console, nil for other pages.
func (v view) Shell() *Console {
	if p, ok := v.Page.(interface{ shell() *Console }); ok {
		return p.shell()
	}
	return nil
}

// Wrong reports whether anything was wrong with the last input.
func (v view) Wrong() bool { return v.Problem != nil || len(v.Problems) > 0 }

// Wrongs are the problems of a form with several fields, in the order in which
// these stand on the page: what is about no field of it comes first, without
// one.
func (v view) Wrongs() []Problem {
	at := make(map[string]int, len(v.Problems))
	for field := range v.Problems {
		at[field] = strings.Index(string(v.Content), ` id="`+html.EscapeString(field)+`"`)
	}
	names := slices.SortedFunc(maps.Keys(v.Problems), func(a, b string) int {
		return cmp.Or(cmp.Compare(at[a], at[b]), cmp.Compare(a, b))
	})
	var all []Problem
	for _, name := range names {
		p := Problem{Text: v.Problems[name]}
		if at[name] >= 0 {
			p.Field = name
		}
		all = append(all, p)
	}
	return all
}

// InFlow reports whether the page belongs to an authorization request.
func (v view) InFlow() bool { return v.Request != "" }

// At is the problem of one field, nil if that field is fine.
func (v view) At(field string) *Problem {
	if v.Problem != nil && v.Problem.Field == field {
		return v.Problem
	}
	if text, wrong := v.Problems[field]; wrong {
		return &Problem{Text: text, Field: field}
	}
	return nil
}

// Says is the aria attributes of a field: whether it is wrong, and the ids of
// what describes it, hints first. A problem of the page as a whole describes
// each field, so that it is read where the typing goes on.
func (v view) Says(field string, hints ...string) template.HTMLAttr {
	wrong := v.At(field) != nil
	switch {
	case wrong:
		hints = append(hints, field+"-problem")
	case v.Problem != nil && v.Problem.Field == "":
		hints = append(hints, "problem")
	}
	var attrs []string
	if wrong {
		attrs = append(attrs, `aria-invalid="true"`)
	}
	if len(hints) > 0 {
		attrs = append(attrs, `aria-describedby="`+strings.Join(hints, " ")+`"`)
	}
	return template.HTMLAttr(strings.Join(attrs, " ")) // ids from templates only
}

// Focus is the autofocus attribute where typing should go on: at the field
// with the problem, else at the one that is usually first.
func (v view) Focus(field string, first bool) template.HTMLAttr {
	if len(v.Problems) > 0 {
		return "" // the summary comes first: it leads to each of them
	}
	elsewhere := v.Problem != nil && v.Problem.Field != "" && v.Problem.Field != field
	if v.At(field) != nil || first && !elsewhere {
		return "autofocus"
	}
	return ""
}
