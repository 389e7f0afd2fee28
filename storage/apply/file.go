package apply

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"strconv"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// File says which companies, people and products there are to be.
//
// An entry is known by its key: a company's and a product's id, a person's address. What an entry doesn't mention stays
// as it is, or is given its default where the entry is new; a list, the rules of a company and the roles of a person
// replace those before as a whole, and an empty value ("" or []) takes one away. Whatever has no entry stays as it is;
// an entry with delete: true goes.
type File struct {
	Companies []Company `yaml:"companies"`
	People    []Person  `yaml:"people"`
	Products  []Product `yaml:"products"`

	name  string
	lines map[string]int
}

// source is where an entry stands in its file, and which of its fields are mentioned. The zero value is an entry that a
// program made: all of it counts as mentioned, unless Only says otherwise.
type source struct {
	path string
	said map[string]bool
}

func (s source) fromFile() bool { return s.path != "" }

func (s source) mentions(field string) bool { return s.said == nil || s.said[field] }

func only(fields []string) map[string]bool {
	said := make(map[string]bool)
	for _, f := range fields {
		said[f] = true
	}
	return said
}

// maxFile bounds what Parse reads.
const maxFile = 16 << 20

// Parse reads a file. name is its path, for messages and for what it refers to (secret_file), or "-". The error is
// *Problems with every mistake that shows in the file alone; the rest is for Apply.
func Parse(r io.Reader, name string) (*File, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if name == "-" {
		name = "standard input"
	}
	f := &File{name: name, lines: make(map[string]int)}
	problems := &Problems{File: name}
	d := decoder{checker: checker{problems: problems, lines: f.lines}}
	if len(text) > maxFile {
		d.refuseAs(CodeTooLong, "", "the file is larger than 16 MiB", "split it")
		return nil, problems
	}
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		p := Problem{Line: 1, Code: CodeForm, Wrong: "this is no YAML", Remedy: "mend this line"}
		// The library's own text would quote the lines around, which may hold secrets.
		if syntax, ok := errors.AsType[yaml.Error](err); ok {
			p.Wrong += ": " + syntax.GetMessage()
			if token := syntax.GetToken(); token != nil {
				p.Line = token.Position.Line
			}
		}
		problems.List = append(problems.List, p)
		return nil, problems
	}
	for i, document := range tree.Docs {
		if i > 0 {
			d.refuseAt("", document, "this begins a second document", "keep one, without --- between")
			break
		}
		f.read(&d, document.Body)
	}
	f.checkForms(d.checker)
	if err := problems.orNil(); err != nil {
		return nil, err
	}
	return f, nil
}

// read reads the three lists. The defaults are there before what the file says.
func (f *File) read(d *decoder, node ast.Node) {
	switch node.(type) {
	case nil, *ast.NullNode, *ast.CommentGroupNode:
		return
	}
	values, ok := mapping(node)
	if !ok {
		d.refuseAt("", node, "the file is no mapping", "begin with companies:, people: or products:")
		return
	}
	for _, v := range values {
		name := v.Key.GetToken().Value
		if !nameForm.MatchString(name) {
			d.refuseLine("", v.Key, "this is no list of the file", "begin with companies:, people: or products:")
			continue
		}
		d.lines[name] = v.Key.GetToken().Position.Line
		switch name {
		case "companies":
			f.Companies = entries(d, name, v.Value, NewCompany, func(c *Company) *source { return &c.source })
		case "people":
			f.People = entries(d, name, v.Value, NewPerson, func(p *Person) *source { return &p.source })
		case "products":
			f.Products = entries(d, name, v.Value, NewProduct, func(p *Product) *source { return &p.source })
		default:
			d.refuseAs(CodeUnknown, name, "is no list of this file", "write companies, people or products")
		}
	}
}

func entries[T any](d *decoder, name string, node ast.Node, fresh func() T, from func(*T) *source) []T {
	if _, empty := node.(*ast.NullNode); empty {
		return nil
	}
	sequence, ok := node.(*ast.SequenceNode)
	if !ok {
		d.refuseAt(name, node, "is no list", "begin each entry with a - ")
		return nil
	}
	var all []T
	for i, item := range sequence.Values {
		entry, path := fresh(), name+"["+strconv.Itoa(i)+"]"
		d.lines[path] = item.GetToken().Position.Line
		*from(&entry) = source{path: path, said: d.object(path, item, reflect.ValueOf(&entry).Elem())}
		all = append(all, entry)
	}
	return all
}

// checkForms checks what can be said of each field by itself, and reads the files that are named.
func (f *File) checkForms(c checker) {
	twice := make(map[string]string)
	unique := func(noun, key, field string) {
		if first, again := twice[noun+key]; again && key != "" {
			c.refuseAs(CodeTwice, field, fmt.Sprintf("is %q, as in %s", key, first), "keep one entry of each")
		} else {
			twice[noun+key] = c.path
		}
	}
	for i := range f.Companies {
		e := &f.Companies[i]
		c.path = e.path
		e.checkForm(c)
		unique("company", e.ID, "id")
	}
	for i := range f.Products {
		e := &f.Products[i]
		c.path = e.path
		e.readSecret(c, filepath.Dir(f.name))
		e.checkForm(c)
		unique("product", e.ID, "id")
	}
	for i := range f.People {
		e := &f.People[i]
		c.path = e.path
		e.checkForm(c)
		unique("person", e.key(), "email")
	}
}

// merge copies what an entry says over what is there already.
func merge[T any](there T, entry T, s source) T {
	from, into := reflect.ValueOf(entry), reflect.ValueOf(&there).Elem()
	for _, f := range fields(into.Type()) {
		if s.mentions(f.name) || f.show == "-" {
			into.FieldByIndex(f.index).Set(from.FieldByIndex(f.index))
		}
	}
	return there
}
