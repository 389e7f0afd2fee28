package apply

import (
	"encoding"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Report is what Apply did, or would have done.
type Report struct {
	// DryRun says that nothing was written.
	DryRun  bool     `json:"dry_run,omitempty"`
	Changes []Change `json:"changes"`
	// Links are set-up links to pass on; each works once. A dry run makes none.
	Links []Link `json:"links,omitempty"`
}

// Change is what became of one entry.
type Change struct {
	Action Action `json:"action"`
	// Noun is company, product or person; Key its id or address.
	Noun string `json:"noun"`
	Key  string `json:"key"`
	Name string `json:"name,omitempty"`
	// Fields are those that changed; none of a new entry.
	Fields []FieldChange `json:"fields,omitempty"`

	// machine: it is about a company's API client, which the audit doesn't call a product.
	machine bool
}

// Action is what was done with an entry.
type Action string

const (
	Added     Action = "added"
	Changed   Action = "changed"
	Deleted   Action = "deleted"
	Unchanged Action = "unchanged"
)

// FieldChange is one field's value before and after. Secrets have neither.
type FieldChange struct {
	Field string `json:"field"`
	Was   string `json:"was,omitempty"`
	Is    string `json:"is,omitempty"`

	show string
}

// Link is a set-up link for a person.
type Link struct {
	Email string `json:"email"`
	// URL is empty in a dry run.
	URL string `json:"url,omitempty"`
}

// Changed says whether anything was, or would be, written.
func (r *Report) Changed() bool {
	return len(r.Links) > 0 || slices.ContainsFunc(r.Changes, func(c Change) bool { return c.Action != Unchanged })
}

// Write prints a line for each change, and for what stayed the same if verbose.
func (r *Report) Write(w io.Writer, verbose bool) error {
	var b strings.Builder
	for _, c := range r.Changes {
		if c.Action != Unchanged || verbose {
			b.WriteString(c.String() + "\n")
		}
	}
	for _, l := range r.Links {
		if l.URL == "" {
			fmt.Fprintf(&b, "A set-up link for %s would be made.\n", l.Email)
			continue
		}
		fmt.Fprintf(&b, "Set-up link for %s, good once and for two hours:\n  %s\n", l.Email, l.URL)
	}
	switch {
	case !r.Changed():
		b.WriteString("Nothing to change.\n")
	case r.DryRun:
		b.WriteString("Dry run: nothing was written.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// String is one line: ~ person ana@acme.example: role member → owner.
func (c Change) String() string {
	sign := map[Action]string{Added: "+", Changed: "~", Deleted: "-", Unchanged: "="}[c.Action]
	line := sign + " " + c.Noun + " " + c.Key
	if c.Action == Added && c.Name != "" {
		line += " (" + c.Name + ")"
	}
	var fields []string
	for _, f := range c.Fields {
		fields = append(fields, f.String())
	}
	if len(fields) > 0 {
		line += ": " + strings.Join(fields, ", ")
	}
	return line
}

func (f FieldChange) String() string {
	switch {
	case f.Was == "" && f.Is == "":
		return f.Field
	case f.Was == "":
		return f.Field + " " + f.Is
	case f.Is == "":
		return f.Field + " " + f.Was + " removed"
	}
	return f.Field + " " + f.Was + " → " + f.Is
}

// event is what the audit calls the change: by what was changed where that is one thing, and matters by itself.
func (c Change) event() string {
	if c.Action == Changed && len(c.Fields) == 1 {
		on := c.Fields[0].Is == "true"
		switch field := c.Noun + "." + c.Fields[0].Field; {
		case field == "person.disabled" && on:
			return "person.disabled"
		case field == "person.disabled":
			return "person.enabled"
		case field == "person.require_two_step" && on:
			return "person.two_step_required"
		case field == "person.require_two_step":
			return "person.two_step_not_required"
		case field == "person.role":
			return "person.role_changed"
		case field == "person.roles":
			return "person.roles_changed"
		}
	}
	if c.machine && c.Action != Changed {
		return "api_client." + string(c.Action)
	}
	return c.Noun + "." + string(c.Action)
}

// reason is the change in words for the audit, which outlives what it tells of: personal data is left out.
func (c Change) reason() string {
	var fields []string
	for _, f := range c.Fields {
		if f.show != "" {
			f.Was, f.Is = "", ""
		}
		fields = append(fields, f.String())
	}
	return strings.Join(fields, ", ")
}

// differences lists the fields in which two entries of one type differ.
func differences[T any](was, is T) []FieldChange {
	var all []FieldChange
	a, b := reflect.ValueOf(was), reflect.ValueOf(is)
	for _, f := range fields(a.Type()) {
		if f.show != "-" {
			all = append(all, unlike(f.name, f.show, a.FieldByIndex(f.index), b.FieldByIndex(f.index))...)
		}
	}
	return all
}

// unlike compares structs field by field, and everything else by what it is in words.
func unlike(name, show string, a, b reflect.Value) []FieldChange {
	if _, text := a.Interface().(encoding.TextMarshaler); a.Kind() == reflect.Struct && !text {
		var all []FieldChange
		for _, f := range fields(a.Type()) {
			all = append(all, unlike(name+"."+f.name, show, a.FieldByIndex(f.index), b.FieldByIndex(f.index))...)
		}
		return all
	}
	if a.Kind() == reflect.Pointer {
		if !isScalar(a.Type().Elem()) || !a.IsNil() && !b.IsNil() {
			return unlike(name, show, pointedTo(a), pointedTo(b))
		}
	}
	if show == "never" {
		return unlikeSecrets(name, a.String(), b.String())
	}
	was, is := words(a), words(b)
	if was == is {
		return nil
	}
	return []FieldChange{{Field: name, Was: was, Is: is, show: show}}
}

func unlikeSecrets(name, was, is string) []FieldChange {
	done := "replaced"
	switch {
	case was == is:
		return nil
	case was == "":
		done = "set"
	case is == "":
		done = "removed"
	}
	return []FieldChange{{Field: name + " " + done, show: "never"}}
}

func isScalar(t reflect.Type) bool { return t.Kind() != reflect.Struct }

// pointedTo is what a pointer points to, or the zero value.
func pointedTo(p reflect.Value) reflect.Value {
	if p.IsNil() {
		return reflect.Zero(p.Type().Elem())
	}
	return p.Elem()
}

// words is a value as it might be written in a file; nothing for an empty one, except for a truth value.
func words(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Time:
		if x.IsZero() {
			return ""
		}
		return x.UTC().Format(time.RFC3339)
	case time.Duration:
		if days := x / (24 * time.Hour); x > 0 && x%(24*time.Hour) == 0 {
			return fmt.Sprintf("%dd", days)
		}
	}
	switch v.Kind() {
	case reflect.Pointer: // of a single value, for which nothing isn't zero
		if v.IsNil() {
			return ""
		}
		return words(v.Elem())
	case reflect.Slice:
		if v.Len() == 0 {
			return ""
		}
		if list, ok := v.Interface().(fmt.Stringer); ok {
			return list.String()
		}
		return strings.ReplaceAll(fmt.Sprint(v.Interface()), " ", ", ")
	case reflect.Map:
		table, _ := v.Interface().(map[string][]string)
		var all []string
		if renamed, is := v.Interface().(map[string]string); is {
			for _, from := range slices.Sorted(maps.Keys(renamed)) {
				all = append(all, from+": "+strconv.Quote(renamed[from]))
			}
			return strings.Join(all, ", ")
		}
		for _, key := range slices.Sorted(maps.Keys(table)) {
			if len(table[key]) > 0 {
				all = append(all, key+": ["+strings.Join(table[key], ", ")+"]")
			}
		}
		return strings.Join(all, ", ")
	case reflect.Bool:
		return fmt.Sprint(v.Bool())
	}
	text := fmt.Sprint(v.Interface())
	if strings.ContainsFunc(text, unicode.IsControl) {
		return strconv.Quote(text) // a terminal must not obey it
	}
	return text
}
