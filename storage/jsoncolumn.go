package storage

import (
	"encoding/json"
	"fmt"
)

// document is a column of JSON: it writes the value it points to and reads
// into it.
type document struct{ v any }

func (d document) Scan(src any) error {
	switch s := src.(type) {
	case string:
		return json.Unmarshal([]byte(s), d.v)
	case []byte:
		return json.Unmarshal(s, d.v)
	}
	return fmt.Errorf("a JSON column holds %T", src)
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own plain structs always encode
	}
	return string(b)
}
