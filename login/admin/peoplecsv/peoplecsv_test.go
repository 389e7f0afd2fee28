package peoplecsv_test

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-id/sallyport/login/admin/peoplecsv"
)

func TestParse(t *testing.T) {
	ana := peoplecsv.Row{
		Line: 2, Given: []string{"email", "name", "kind", "require_two_step"}, Email: "ana@acme.example", Name: "Ana Ruiz", Kind: "client", RequireTwoStep: true,
	}
	for name, text := range map[string]string{
		"commas":       "email,name,kind,require_two_step\nana@acme.example,Ana Ruiz,client,true\n",
		"semicolons":   "email;name;kind;require_two_step\r\nana@acme.example;Ana Ruiz;client;WAHR\r\n",
		"tabs":         "email\tname\tkind\trequire_two_step\nana@acme.example\tAna Ruiz\tclient\t1",
		"byte order":   "\ufeffemail,name,kind,require_two_step\nana@acme.example,Ana Ruiz,client,yes\n",
		"quoted":       "\"email\",\"name\",kind,require_two_step\n\"ana@acme.example\",\"Ana Ruiz\",\"Client\",ja\n",
		"capitals":     " EMAIL , Name,KIND,require_two_step\n ana@acme.example , Ana Ruiz ,client,True\n,,,\n",
		"empty cells":  "email,name,phone,kind,require_two_step,\nana@acme.example,Ana Ruiz,,client,true,,,\n",
		"of an export": "email,two_factor,name,kind,methods,require_two_step\nana@acme.example,on,Ana Ruiz,client,sms totp,true\n",
	} {
		rows, problems := peoplecsv.Parse(strings.NewReader(text))
		if diff := cmp.Diff([]peoplecsv.Row{ana}, rows); diff != "" || problems != nil {
			t.Errorf("%s: %v %s", name, problems, diff)
		}
	}
	rows, problems := peoplecsv.Parse(strings.NewReader("role,phone,locale,family_name,given_name,email\n\nOwner,'+41791234567,de-CH,\"Müller, Dr.\",'=Zoë,z@x.example\n"))
	want := []peoplecsv.Row{{
		Line: 3, Given: []string{"role", "phone", "locale", "family_name", "given_name", "email"},
		Role: "owner", Phone: "+41791234567", Locale: "de-CH", FamilyName: "Müller, Dr.", GivenName: "=Zoë", Email: "z@x.example",
	}}
	if diff := cmp.Diff(want, rows); diff != "" || problems != nil {
		t.Errorf("%v %s", problems, diff)
	}
}

func TestProblems(t *testing.T) {
	many := "email\n"
	for i := range peoplecsv.MaxRows {
		many += fmt.Sprintf("p%d@x.example\n", i)
	}
	if rows, problems := peoplecsv.Parse(strings.NewReader(many)); len(rows) != peoplecsv.MaxRows || problems != nil {
		t.Fatalf("%d rows, %v", len(rows), problems)
	}
	for name, test := range map[string]struct {
		text string
		want []peoplecsv.Problem
	}{
		"nothing":          {"", []peoplecsv.Problem{{Code: "no_header"}}},
		"empty lines":      {"\n\n;;\n", []peoplecsv.Problem{{Code: "no_header"}}},
		"no address":       {"name\nAna\n", []peoplecsv.Problem{{Line: 1, Column: "email", Code: "no_header"}}},
		"unknown column":   {"email,nmae\na@x.example,Ana\n", []peoplecsv.Problem{{Line: 1, Code: "unknown_column", Value: "nmae"}}},
		"column twice":     {"email,Email\na@x.example,b@x.example\n", []peoplecsv.Problem{{Line: 1, Column: "email", Code: "twice", Value: "email", First: 1}}},
		"missing address":  {"email,name\n,Ana\n", []peoplecsv.Problem{{Line: 2, Column: "email", Code: "missing"}}},
		"form of address":  {"email\nana\nAna <a@x.example>\n", []peoplecsv.Problem{{Line: 2, Column: "email", Code: "form", Value: "ana"}, {Line: 3, Column: "email", Code: "form", Value: "Ana <a@x.example>"}}},
		"address twice":    {"email\na@x.example\n\nA@X.example\n", []peoplecsv.Problem{{Line: 4, Column: "email", Code: "twice", Value: "A@X.example", First: 2}}},
		"kind and role":    {"email,kind,role\na@x.example,human,boss\n", []peoplecsv.Problem{{Line: 2, Column: "kind", Code: "not_allowed", Value: "human"}, {Line: 2, Column: "role", Code: "not_allowed", Value: "boss"}}},
		"truth":            {"email,require_two_step\na@x.example,perhaps\n", []peoplecsv.Problem{{Line: 2, Column: "require_two_step", Code: "not_allowed", Value: "perhaps"}}},
		"too many cells":   {"email\na@x.example,Ana,x\n", []peoplecsv.Problem{{Line: 2, Code: "too_many_cells", Value: "Ana"}}},
		"several lines":    {"email,name\na@x.example,\"Ana\nRuiz\"\n", []peoplecsv.Problem{{Line: 2, Column: "name", Code: "form", Value: "Ana\nRuiz"}}},
		"long":             {"email,name\na@x.example," + strings.Repeat("é", 251) + "\n", []peoplecsv.Problem{{Line: 2, Column: "name", Code: "too_long", Value: strings.Repeat("é", 50)}}},
		"long address":     {"email\n" + strings.Repeat("a", 600) + "@x.example\n", []peoplecsv.Problem{{Line: 2, Column: "email", Code: "too_long", Value: strings.Repeat("a", 100)}}},
		"quotes":           {"email,name\na@x.example,\"Ana\nb@x.example,Bo\n", []peoplecsv.Problem{{Line: 2, Code: "quotes"}}},
		"quotes in header": {"em\"ail\na@x.example\n", []peoplecsv.Problem{{Line: 1, Code: "quotes"}}},
		"Latin-1":          {"email,name\na@x.example,Zo\xeb\n", []peoplecsv.Problem{{Code: "encoding"}}},
		"UTF-16":           {"\xff\xfee\x00m\x00", []peoplecsv.Problem{{Code: "encoding"}}},
		"too many":         {many + "last@x.example\n", []peoplecsv.Problem{{Line: peoplecsv.MaxRows + 2, Code: "too_many_rows"}}},
		"too large":        {"email\n" + strings.Repeat("\n", peoplecsv.MaxBytes), []peoplecsv.Problem{{Code: "too_large"}}},
	} {
		_, problems := peoplecsv.Parse(strings.NewReader(test.text))
		if diff := cmp.Diff(test.want, problems); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if _, problems := peoplecsv.Parse(iotest.ErrReader(errors.New("gone"))); len(problems) != 1 {
		t.Errorf("a file that can't be read: %v", problems)
	}
}

func all(people ...peoplecsv.Person) iter.Seq2[peoplecsv.Person, error] {
	return func(yield func(peoplecsv.Person, error) bool) {
		for _, p := range people {
			if !yield(p, nil) {
				return
			}
		}
	}
}

func TestWrite(t *testing.T) {
	ana := peoplecsv.Row{Email: "ana@acme.example", Name: `=HYPERLINK("https://evil.example")`, GivenName: "@na", FamilyName: "-Ruiz", Kind: "staff", Role: "member", Phone: "+41791234567", Locale: "de"}
	bo := peoplecsv.Row{Email: "bo@acme.example", Name: "'=Bo; \"B\", O", GivenName: " \t=Bo", FamilyName: "＝Bo", Kind: "client", Role: "owner", RequireTwoStep: true}
	var b bytes.Buffer
	err := peoplecsv.Write(&b, all(
		peoplecsv.Person{Row: ana, TwoFactor: "on", Methods: []string{"sms", "totp"}, LastSignIn: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)},
		peoplecsv.Person{Row: bo, TwoFactor: "=off"}))
	want := `email,name,given_name,family_name,kind,role,phone,locale,require_two_step,two_factor,methods,last_sign_in
ana@acme.example,"'=HYPERLINK(""https://evil.example"")",'@na,'-Ruiz,staff,member,'+41791234567,de,false,on,sms totp,2026-03-04T05:06:07Z
bo@acme.example,"''=Bo; ""B"", O",'=Bo,'＝Bo,client,owner,,,true,'=off,,
`
	if err != nil || b.String() != want {
		t.Fatalf("%v\n%s\nwant\n%s", err, b.String(), want)
	}
	rows, problems := peoplecsv.Parse(&b)
	bo.GivenName = "=Bo"
	for i, p := range []*peoplecsv.Row{&ana, &bo} {
		p.Line, p.Given = rows[i].Line, rows[i].Given
	}
	if diff := cmp.Diff([]peoplecsv.Row{ana, bo}, rows); diff != "" || problems != nil {
		t.Errorf("read again: %v %s", problems, diff)
	}
}

func TestWriteStopsAtAnError(t *testing.T) {
	gone := errors.New("gone")
	if err := peoplecsv.Write(new(bytes.Buffer), func(yield func(peoplecsv.Person, error) bool) { yield(peoplecsv.Person{}, gone) }); !errors.Is(err, gone) {
		t.Error(err)
	}
	if err := peoplecsv.Write(failing{gone}, all(peoplecsv.Person{})); !errors.Is(err, gone) {
		t.Error(err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// Whatever is read without a problem can be written and read again, and
// nothing that is written begins a formula.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"email,name\na@x.example,'=Ana\n", "email;phone;require_two_step\r\na@x.example;'+41791234567;nein", "\ufeffemail\tkind\n\"a@x.example\"\tclient"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		rows, problems := peoplecsv.Parse(bytes.NewReader(text))
		if len(rows) > peoplecsv.MaxRows {
			t.Fatalf("%d rows", len(rows))
		}
		if problems != nil {
			return
		}
		var people []peoplecsv.Person
		for _, r := range rows {
			people = append(people, peoplecsv.Person{Row: r})
		}
		var b bytes.Buffer
		if err := peoplecsv.Write(&b, all(people...)); err != nil {
			t.Fatal(err)
		}
		again, problems := peoplecsv.Parse(bytes.NewReader(b.Bytes()))
		for i := range rows {
			if i < len(again) {
				rows[i].Line, rows[i].Given, again[i].Line, again[i].Given = 0, nil, 0, nil
			}
		}
		if diff := cmp.Diff(rows, again); diff != "" || problems != nil {
			t.Fatalf("%q\nread again: %v %s", b.String(), problems, diff)
		}
		for line := range strings.Lines(b.String()) {
			if slices.Contains([]byte("=+-@\t\r"), line[0]) {
				t.Fatalf("%q begins a formula", line)
			}
		}
	})
}
