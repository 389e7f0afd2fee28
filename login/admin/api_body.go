package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// checkMedia refuses bodies that don't say they are what is taken: JSON, unless
// it is another type.
func checkMedia(r *http.Request, other string) error {
	is, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err != nil:
	case other != "" && is == other, other == "" && is == "application/json", other == "" && is == "application/merge-patch+json" && r.Method == http.MethodPatch:
		return nil
	}
	if other != "" {
		return problem{Code: codeMedia, Detail: "Send a body as " + other + "."}
	}
	return problem{Code: codeMedia}
}

// decode reads the body, a JSON object, into the struct that v points to, and
// returns the names of the members that were there, sorted. A member that is
// null is there, and has the zero value. Members that v has no field for are
// refused, all at once.
func (c *call) decode(v any) (mentioned []string, err error) {
	return decode(c.body, v)
}

func decode(body []byte, v any) (mentioned []string, err error) {
	if !utf8.Valid(body) {
		return nil, problem{Code: codeMalformed, Detail: "The body is no text in UTF-8."}
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil || members == nil {
		return nil, problem{Code: codeMalformed}
	}
	known := memberNames(reflect.TypeOf(v).Elem())
	var p problem
	for _, name := range slices.Sorted(maps.Keys(members)) {
		mentioned = append(mentioned, name)
		if !slices.Contains(known, name) {
			p = also(p, name, "unknown", "isn't known", "leave it out, or write "+strings.Join(known, ", "))
			continue
		}
		var any any
		if err := json.Unmarshal(members[name], &any); err != nil {
			return nil, problem{Code: codeMalformed}
		}
		if hasNUL(any) {
			p = also(p, name, "form", "holds the character U+0000", "leave it out")
		}
	}
	if p.Code != "" {
		return nil, p
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields() // of what lies deeper
	if err := d.Decode(v); err != nil {
		return nil, typeProblem(err)
	}
	return mentioned, nil
}

func also(p problem, field, code, detail, remedy string) problem {
	more := wrongField(field, code, detail, remedy)
	p.Code, p.Fields = more.Code, append(p.Fields, more.Fields...)
	return p
}

// typeProblem says in words what encoding/json refused.
func typeProblem(err error) error {
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return wrongField(memberPath(t.Field), "form", "is a JSON "+t.Value, "write "+jsonKind(t.Type))
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return wrongField(strings.Trim(name, `"`), "unknown", "isn't known", "leave it out")
	}
	// A value that a type of ours can't read, such as a range of addresses.
	return problem{Code: codeFields, Detail: "A value can't be read: " + strings.TrimPrefix(err.Error(), "json: ")}
}

// memberPath leaves out the name of an embedded struct of ours, with which
// encoding/json begins a path: no member begins it with a capital letter in it.
func memberPath(path string) string {
	if first, rest, more := strings.Cut(path, "."); more && first != strings.ToLower(first) {
		return rest
	}
	return path
}

func jsonKind(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64, reflect.Float64:
		return "a number without a fraction"
	case reflect.Slice:
		return "an array"
	}
	return "an object"
}

// memberNames are the JSON names of a struct's fields.
func memberNames(t reflect.Type) (names []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			names = append(names, memberNames(f.Type)...)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return names
}

// hasNUL says whether a text in v holds NUL, which PostgreSQL doesn't keep.
func hasNUL(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.ContainsRune(v, 0)
	case []any:
		return slices.ContainsFunc(v, hasNUL)
	case map[string]any:
		for name, member := range v {
			if hasNUL(name) || hasNUL(member) {
				return true
			}
		}
	}
	return false
}

// mergePatch is the JSON merge patch of RFC 7396.
func mergePatch(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	object, ok := target.(map[string]any)
	if !ok {
		object = make(map[string]any)
	}
	for name, change := range changes {
		if change == nil {
			delete(object, name)
		} else {
			object[name] = mergePatch(object[name], change)
		}
	}
	return object
}

// patched is what is there, as JSON, with a merge patch applied to it.
func patched(there any, patch []byte) ([]byte, error) {
	text, err := json.Marshal(there)
	if err != nil {
		return nil, err
	}
	var target, change any
	if err := json.Unmarshal(text, &target); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(patch, &change); err != nil {
		return nil, problem{Code: codeMalformed}
	}
	return json.Marshal(mergePatch(target, change))
}

// checkText refuses what no text is, and parameters that aren't known: a
// mistyped filter must not list everybody.
func (c *call) checkText(known []string) error {
	if path, err := url.PathUnescape(c.r.URL.EscapedPath()); err != nil || !utf8.ValidString(path) || strings.ContainsRune(path, 0) {
		return problem{Code: codeNotFound}
	}
	query, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return problem{Code: codeMalformed, Detail: "The query can't be read."}
	}
	var p problem
	for _, name := range slices.Sorted(maps.Keys(query)) {
		switch values := query[name]; {
		case !slices.Contains(known, name):
			remedy := "leave it out"
			if len(known) > 0 {
				remedy += ", or write " + strings.Join(known, ", ")
			}
			p = also(p, fmt.Sprintf("%.64q", name), "unknown", "isn't known", remedy)
		case len(values) > 1:
			p = also(p, name, "twice", "is there twice", "write it once")
		case !utf8.ValidString(values[0]) || strings.ContainsRune(values[0], 0):
			p = also(p, name, "form", "is no text in UTF-8", "write it in UTF-8, without U+0000")
		}
	}
	if p.Code != "" {
		return p
	}
	return nil
}
