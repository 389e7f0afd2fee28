package config

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/sallyport-id/sallyport/config/spelling"
)

// file reads the YAML file at path, or the one that SALLYPORT_CONFIG names, or none. It walks the syntax tree instead
// of decoding into Config, so that it knows each value's line and goes on after a mistake. Nothing of the file's text
// but names of keys gets into a problem before the option has had a look at it: there may be secrets in it.
func (l *loading) file(path string, environ []string) {
	if path == "" {
		path = lookup(environ, fileVariable)
	}
	if path == "" {
		return
	}
	text, err := os.ReadFile(path)
	if err != nil {
		l.problems = append(l.problems, &Problem{Source: path, Wrong: "can't be read",
			Err: withoutPath(err), Remedy: "name a file that exists, with --config or " + fileVariable})
		return
	}
	f := fileReader{loading: l, path: path}
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		line, why := 1, "is no YAML"
		if syntax, ok := errors.AsType[yaml.Error](err); ok {
			why += ": " + syntax.GetMessage()
			if token := syntax.GetToken(); token != nil {
				line = token.Position.Line
			}
		}
		f.refuse("", line, why, "mend this line")
		return
	}
	for i, document := range tree.Docs {
		if i > 0 {
			f.refuse("", document.GetToken().Position.Line, "begins a second document", "keep one, without --- between")
			return
		}
		f.mapping("", document.Body)
	}
}

// fileReader walks one file.
type fileReader struct {
	*loading
	path string
}

// mapping reads the keys below prefix, which is empty or ends in a dot.
func (f fileReader) mapping(prefix string, node ast.Node) {
	switch node := node.(type) {
	case nil, *ast.NullNode, *ast.CommentGroupNode:
	case *ast.MappingNode:
		for _, value := range node.Values {
			f.entry(prefix, value)
		}
	case *ast.MappingValueNode:
		f.entry(prefix, node)
	default:
		f.refuse(strings.TrimSuffix(prefix, "."), lineOf(node), "is no list of options", "write lines of NAME: VALUE")
	}
}

func (f fileReader) entry(prefix string, node *ast.MappingValueNode) {
	key, line := node.Key.GetToken().Value, lineOf(node.Key)
	name := prefix + key
	if f.isGroup(name) {
		f.mapping(name+".", node.Value)
		return
	}
	for _, s := range f.settings {
		if s.Name == name && !strings.Contains(key, ".") {
			f.value(s, node.Value, line)
			return
		}
	}
	var known []string
	for _, s := range f.settings {
		known = append(known, s.Name)
	}
	remedy := "did you mean " + spelling.Nearest(name, known) + "?"
	if group, option, ok := strings.Cut(key, "."); ok && f.isGroup(group) {
		remedy = fmt.Sprintf("write %s: below %s:", option, group)
	}
	f.refuse(name, line, "is no option", remedy)
}

func (f fileReader) value(s setting, node ast.Node, line int) {
	if _, ok := node.(*ast.NullNode); ok {
		return // nothing behind the colon: not set
	}
	texts, ok := plain(node)
	if !ok {
		f.config.origin[s.Name] = f.place(line)
		f.refused[s.Name] = true
		f.refuse(s.Name, line, "has a value of another shape",
			"write a single value, or for networks and countries a list of them")
		return
	}
	f.set(s, f.place(line), texts...)
}

// plain returns the text of a scalar, or the texts of a list of scalars. Anchors, aliases and tags are none: what is
// read is what stands there.
func plain(node ast.Node) (texts []string, ok bool) {
	switch node := node.(type) {
	case *ast.StringNode:
		return []string{node.Value}, true
	case *ast.LiteralNode:
		return []string{node.Value.Value}, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return []string{node.GetToken().Value}, true
	case *ast.SequenceNode:
		for _, item := range node.Values {
			if _, nested := item.(*ast.SequenceNode); nested {
				return nil, false
			}
			text, ok := plain(item)
			if !ok {
				return nil, false
			}
			texts = append(texts, text...)
		}
		return texts, true
	}
	return nil, false
}

func (f fileReader) isGroup(name string) bool {
	for _, s := range f.settings {
		if strings.HasPrefix(s.Name, name+".") {
			return true
		}
	}
	return false
}

func (f fileReader) refuse(option string, line int, wrong, remedy string) {
	f.problems = append(f.problems, &Problem{Option: option, Source: f.place(line), Wrong: wrong, Remedy: remedy})
}

func (f fileReader) place(line int) string { return fmt.Sprintf("%s:%d", f.path, line) }

func lineOf(node ast.Node) int { return node.GetToken().Position.Line }
