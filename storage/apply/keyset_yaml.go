package apply

import (
	"encoding/json"

	"github.com/goccy/go-yaml/ast"
)

// keySet reads a set of keys. Its values are text as it is written, as in JSON, where 12 unquoted would be a number.
func (d *decoder) keySet(path string, node ast.Node, into *KeySet) {
	if text, is := node.(*ast.StringNode); is && text.Value == "" {
		*into = ""
		return
	}
	if _, is := mapping(node); !is {
		d.refuseAt(path, node, "is no mapping", "write the set as it is: {keys: [{kty: EC, crv: P-256, …}]}, JSON as well")
		return
	}
	v, ok := plain(node)
	if !ok {
		d.refuseAt(path, node, "holds what JSON can't say", "write mappings, lists and text only")
		return
	}
	text, err := json.Marshal(v)
	if err == nil {
		err = into.UnmarshalJSON(text)
	}
	if err != nil {
		d.refuseAt(path, node, "can't be read", "write the set as it is in JSON")
	}
}

// plain is a syntax tree as JSON has it.
func plain(node ast.Node) (v any, ok bool) {
	if values, is := mapping(node); is {
		all := make(map[string]any, len(values))
		for _, member := range values {
			if all[member.Key.GetToken().Value], ok = plain(member.Value); !ok {
				return nil, false
			}
		}
		return all, true
	}
	switch node := node.(type) {
	case *ast.SequenceNode:
		all := make([]any, len(node.Values))
		for i, item := range node.Values {
			if all[i], ok = plain(item); !ok {
				return nil, false
			}
		}
		return all, true
	case *ast.NullNode:
		return nil, true
	case *ast.BoolNode:
		return node.Value, true
	case *ast.StringNode:
		return node.Value, true
	case *ast.LiteralNode:
		return node.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return node.GetToken().Value, true
	}
	return nil, false
}
