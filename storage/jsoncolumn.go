package storage

import (
	"encoding/json"
	"fmt"
)

// document scans a column of JSON into the value it points to.
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

// object is raw, which may be left out, as the column keeps it.
func object(raw json.RawMessage) string {
	if len(raw) == 0 {
		return "{}"
	}
	return string(raw)
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own plain structs always encode
	}
	return string(b)
}
