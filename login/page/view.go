package page

import (
	"html/template"
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
}

// InFlow reports whether the page belongs to an authorization request.
func (v view) InFlow() bool { return v.Request != "" }

// At is the problem of one field, nil if that field is fine.
func (v view) At(field string) *Problem {
	if v.Problem != nil && v.Problem.Field == field {
		return v.Problem
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
	elsewhere := v.Problem != nil && v.Problem.Field != "" && v.Problem.Field != field
	if v.At(field) != nil || first && !elsewhere {
		return "autofocus"
	}
	return ""
}
