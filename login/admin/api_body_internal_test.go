package admin

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/quick"
	"unicode/utf8"
)

// RFC 7396 appendix A.
func TestRFC7396MergePatch(t *testing.T) {
	for _, c := range []struct{ target, patch, want string }{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`["a","b"]`, `["c","d"]`, `["c","d"]`},
		{`{"a":"b"}`, `["c"]`, `["c"]`},
		{`{"a":"foo"}`, `null`, `null`},
		{`{"a":"foo"}`, `"bar"`, `"bar"`},
		{`{"e":null}`, `{"a":1}`, `{"a":1,"e":null}`},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
	} {
		got, err := patched(json.RawMessage(c.target), []byte(c.patch))
		if err != nil || string(got) != c.want {
			t.Errorf("%s with %s: %s %v", c.target, c.patch, got, err)
		}
	}
}

// A cursor leads on in its own list, and nothing else is one.
func TestCursors(t *testing.T) {
	err := quick.Check(func(list, after string) bool {
		c := nextCursor(list, after)
		got, ok := openCursor(list, c)
		usable := after != "" && utf8.ValidString(after) && !hasNUL(after) && !strings.Contains(list, "\n")
		_, other := openCursor(list+"x", c)
		return (!usable || ok && got == after) && !(other && usable)
	}, nil)
	if err != nil {
		t.Error(err)
	}
}

// Whatever is sent as a person is decoded, or refused as a problem; what is
// decoded can be kept in a database.
func FuzzNewPerson(f *testing.F) {
	for _, seed := range []string{
		`{"email":"cleo@acme.example","name":"Cleo","product_roles":{"dashboard":["viewer"]},"invite":true}`, `{"email":null}`, `{"email":1}`, `[]`, `{`, `{"a":{}}`,
		`{"product_roles":{"a":null}}`, "{\"name\":\"\\u0000\"}", "{\"name\":\"\xff\"}", `{"Email":"x"}`, `{"email":"a","email":"b"}`, `{"product_roles":[]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var w personWritten
		mentioned, err := decode(body, &w)
		if err != nil {
			p := problemOf(err)
			if _, known := problemKinds[p.Code]; !known || p.Code == codeFailure {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		known := memberNames(reflect.TypeOf(w))
		for _, name := range mentioned {
			if !slices.Contains(known, name) {
				t.Fatalf("%q: %q is let through", body, name)
			}
		}
		if bad(w.Email) || bad(w.Name) {
			t.Fatalf("%q: %+v", body, w)
		}
		for product, roles := range w.Roles {
			if bad(product) {
				t.Fatalf("%q: %+v", body, w)
			}
			for _, role := range roles {
				if bad(role) {
					t.Fatalf("%q: %+v", body, w)
				}
			}
		}
	})
}

func bad(text string) bool { return !utf8.ValidString(text) || hasNUL(text) }
