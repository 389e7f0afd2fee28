package page

import (
	"net/url"
	"slices"
)

// List is what a table of many rows has around it: search, filters, and the way
// to the rows before and after. All of them are parameters of the page's own
// query: q, one per filter, and after or before with a cursor.
type List struct {
	// Query is the query of the page shown. Links keep what it holds of filters.
	Query   url.Values
	Filters []Filter
	// Total is how many rows match in all.
	Total int
	// Next and Previous are cursors; empty: there are no more rows that way.
	Next, Previous string
}

// Filter narrows a list by one parameter.
type Filter struct {
	// Name is the parameter; the message filter.NAME says what it is about.
	Name    string
	Options []FilterOption
}

// FilterOption is one value of a filter and how many rows it would show. The
// empty Value takes the filter away. Label is for values that are names
// themselves; others are said by the message filter.NAME.VALUE (filter.all for
// the empty one).
type FilterOption struct {
	Value string
	Label string
	Count int
}

// Search is what is searched for.
func (l List) Search() string { return l.Query.Get("q") }

// Chosen reports whether a value of a filter is the one in use.
func (l List) Chosen(filter, value string) bool { return l.Query.Get(filter) == value }

// With is a link to the list with one parameter set to a value, or without it,
// from its first row on.
func (l List) With(name, value string) string { return l.link(name, value) }

// After and Before are links to the rows on either side.
func (l List) After() string  { return l.link("after", l.Next) }
func (l List) Before() string { return l.link("before", l.Previous) }

func (l List) link(name, value string) string {
	q := l.kept()
	q.Del(name)
	if value != "" {
		q.Set(name, value)
	}
	return "?" + q.Encode()
}

// kept is what narrows the list: filters and search, whatever row it begins at.
func (l List) kept() url.Values {
	q := make(url.Values)
	for _, f := range l.Filters {
		if v := l.Query.Get(f.Name); v != "" {
			q.Set(f.Name, v)
		}
	}
	if v := l.Query.Get("q"); v != "" {
		q.Set("q", v)
	}
	return q
}

// Kept is the parameters that narrow the list, for the hidden fields of a form:
// the search form leaves out q, which it asks for itself.
func (l List) Kept(without ...string) []Hidden {
	return HiddenFields(l.kept(), without...)
}

// Narrowed reports whether the list shows less than all there is.
func (l List) Narrowed() bool { return len(l.kept()) > 0 }

// Hidden is a hidden field of a form.
type Hidden struct{ Name, Value string }

// HiddenFields are the values of a form as hidden fields, sorted by name, so
// that a page can carry what was entered on the one before. The form token and
// whatever else is named stay behind.
func HiddenFields(values url.Values, without ...string) []Hidden {
	var fields []Hidden
	for name, all := range values {
		if name == "form_token" || slices.Contains(without, name) {
			continue
		}
		for _, v := range all {
			fields = append(fields, Hidden{name, v})
		}
	}
	slices.SortStableFunc(fields, func(a, b Hidden) int {
		switch {
		case a.Name < b.Name:
			return -1
		case a.Name > b.Name:
			return 1
		}
		return 0
	})
	return fields
}
