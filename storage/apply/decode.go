package apply

import (
	"encoding"
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/sallyport-id/sallyport/config/spelling"
)

// decoder reads a syntax tree into the structs of this package. It goes on after a mistake, so that all are found at
// once, and remembers the line of every field for the checks that follow. Text of the file gets into a problem only
// from fields that hold no secret.
type decoder struct {
	checker
	secret bool // the field being read holds one
}

// field is a struct's field by its name in the file.
type field struct {
	name  string
	index []int
	// show says who may read its values: "" everybody, "operator" the terminal but not the audit, "never" nobody,
	// "-" it is no state at all but something to do.
	show string
}

// fields lists the fields of a struct type, those of embedded structs among them.
func fields(t reflect.Type) []field {
	var all []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if options == "inline" {
			for _, inner := range fields(f.Type) {
				if inner.index = append([]int{i}, inner.index...); inner.show == "" {
					inner.show = f.Tag.Get("show")
				}
				all = append(all, inner)
			}
			continue
		}
		if name == "" || name == "-" || !f.IsExported() {
			continue
		}
		all = append(all, field{name: name, index: []int{i}, show: f.Tag.Get("show")})
	}
	return all
}

// object reads a mapping into a struct and returns the names that were given a value.
func (d *decoder) object(path string, node ast.Node, into reflect.Value) (said map[string]bool) {
	values, ok := mapping(node)
	if !ok {
		d.refuseAt(path, node, "is no mapping", "write lines of NAME: VALUE")
		return nil
	}
	known := fields(into.Type())
	said = make(map[string]bool)
next:
	for _, v := range values {
		name := v.Key.GetToken().Value
		at := join(path, name)
		if !nameForm.MatchString(name) {
			// Not quoted: it may be part of a password's hash that was written without quotes.
			d.refuseLine(path, v.Key, "has something here that is no field", "quote values that contain a comma or a colon")
			continue
		}
		d.lines[at] = v.Key.GetToken().Position.Line
		for _, f := range known {
			if f.name != name {
				continue
			}
			if _, empty := v.Value.(*ast.NullNode); !empty {
				said[name] = true
				inner := *d
				inner.secret = d.secret || f.show == "never"
				inner.value(at, v.Value, into.FieldByIndex(f.index))
			}
			continue next
		}
		var names []string
		for _, f := range known {
			names = append(names, f.name)
		}
		d.refuseAs(CodeUnknown, at, "is no field", meant(name, names))
	}
	return said
}

// meant names the fields there are, or the likeliest where they are too many to
// look through.
func meant(name string, known []string) string {
	if len(known) > 30 {
		return "perhaps " + spelling.Nearest(name, known) + " is meant; docs/operate lists all fields"
	}
	return "write " + either(known)
}

func mapping(node ast.Node) ([]*ast.MappingValueNode, bool) {
	switch node := node.(type) {
	case *ast.MappingNode:
		return node.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{node}, true
	}
	return nil, false
}

// value reads one value. Lists, maps and nested structs replace what was there as a whole.
func (d *decoder) value(path string, node ast.Node, into reflect.Value) {
	switch node.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		d.refuseAt(path, node, "is an anchor, an alias or a tag", "write the value itself")
		return
	}
	switch into.Interface().(type) {
	case time.Time, time.Duration, encoding.TextUnmarshaler, netip.Prefix:
		d.scalar(path, node, into)
		return
	case KeySet:
		d.keySet(path, node, into.Addr().Interface().(*KeySet))
		return
	}
	switch into.Kind() {
	case reflect.Pointer:
		if text, is := node.(*ast.StringNode); is && text.Value == "" {
			into.SetZero()
			return
		}
		into.Set(reflect.New(into.Type().Elem()))
		d.value(path, node, into.Elem())
	case reflect.Struct:
		into.SetZero()
		d.object(path, node, into)
	case reflect.Slice:
		d.list(path, node, into)
	case reflect.Map:
		d.table(path, node, into)
	default:
		d.scalar(path, node, into)
	}
}

func (d *decoder) list(path string, node ast.Node, into reflect.Value) {
	sequence, ok := node.(*ast.SequenceNode)
	if !ok {
		d.refuseAt(path, node, "is no list", "write [ONE, ANOTHER], or a line of - ONE for each")
		return
	}
	all := reflect.MakeSlice(into.Type(), len(sequence.Values), len(sequence.Values))
	for i, item := range sequence.Values {
		at := path + "[" + strconv.Itoa(i) + "]"
		d.lines[at] = item.GetToken().Position.Line
		d.value(at, item, all.Index(i))
	}
	into.Set(all)
}

func (d *decoder) table(path string, node ast.Node, into reflect.Value) {
	values, ok := mapping(node)
	if !ok {
		d.refuseAt(path, node, "is no mapping", "write lines of NAME: VALUE")
		return
	}
	all := reflect.MakeMap(into.Type())
	for _, v := range values {
		name := v.Key.GetToken().Value
		at := join(path, name)
		d.lines[at] = v.Key.GetToken().Position.Line
		item := reflect.New(into.Type().Elem()).Elem()
		if _, empty := v.Value.(*ast.NullNode); !empty {
			d.value(at, v.Value, item)
		}
		all.SetMapIndex(reflect.ValueOf(name), item)
	}
	into.Set(all)
}

// scalar reads one text. A number or a truth value is taken as it is written where a text is wanted: an unquoted phone
// number is a number to YAML.
func (d *decoder) scalar(path string, node ast.Node, into reflect.Value) {
	var text string
	switch node := node.(type) {
	case *ast.StringNode:
		text = node.Value
	case *ast.LiteralNode:
		text = node.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		text = node.GetToken().Value
	default:
		d.refuseAt(path, node, "is no single value", "write one value, in quotes where it has a colon")
		return
	}
	quoted := fmt.Sprintf("is %q", text)
	if d.secret {
		quoted = "has a value that can't be read"
	}
	switch v := into.Addr().Interface().(type) {
	case *time.Time:
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			at, err = time.Parse(time.DateOnly, text)
		}
		if err != nil {
			d.refuseAt(path, node, quoted, "write a moment such as 2026-01-31T08:00:00Z, or a day such as 2026-01-31 (from 00:00 UTC)")
		}
		*v = at.UTC()
		return
	case *time.Duration:
		var ok bool
		if *v, ok = parseDuration(text); !ok {
			d.refuseAt(path, node, quoted, "write a time with its unit, such as 14d or 36h")
		}
		return
	case *netip.Prefix:
		prefix, remedy := parseRange(text)
		if remedy != "" {
			d.refuseAt(path, node, quoted, remedy)
		}
		*v = prefix
		return
	}
	switch into.Kind() {
	case reflect.String:
		into.SetString(text)
	case reflect.Bool:
		if _, ok := node.(*ast.BoolNode); !ok {
			d.refuseAt(path, node, quoted, "write true or false")
			return
		}
		into.SetBool(strings.EqualFold(text, "true"))
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, into.Type().Bits())
		if err != nil {
			d.refuseAt(path, node, quoted, "write a whole number")
			return
		}
		into.SetInt(n)
	default:
		panic("apply: no field has type " + into.Type().String())
	}
}

// parseDuration knows days and weeks beside what Go knows; none is negative.
func parseDuration(text string) (time.Duration, bool) {
	for unit, length := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			n, err := strconv.ParseUint(number, 10, 16)
			return time.Duration(n) * length, err == nil
		}
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d >= 0
}

// parseRange reads 10.0.0.0/8 or a single address.
func parseRange(text string) (p netip.Prefix, remedy string) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		return netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), ""
	}
	p, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return p, "write a network such as 10.0.0.0/8, or an address"
	case p.Addr().Is4In6():
		return p, "write it as an IPv4 network"
	case p != p.Masked():
		return p, "write " + p.Masked().String()
	}
	return p, ""
}

// nameForm is what any field's name looks like.
var nameForm = regexp.MustCompile(`^[A-Za-z_-]{1,60}$`)

// refuseLine reports a problem at a line of its own.
func (d *decoder) refuseLine(path string, node ast.Node, wrong, remedy string) {
	d.problems.List = append(d.problems.List, Problem{Line: node.GetToken().Position.Line, Path: path, Field: withinEntry(path), Code: CodeUnknown, Wrong: wrong, Remedy: remedy})
}

// refuseAt reports a problem with the value of a node that has no line of its own yet.
func (d *decoder) refuseAt(path string, node ast.Node, wrong, remedy string) {
	if _, known := d.lines[path]; !known && node != nil {
		d.lines[path] = node.GetToken().Position.Line
	}
	d.refuse(path, wrong, remedy)
}
