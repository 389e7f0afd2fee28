package peoplecsv

import (
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"
)

// Write writes an export: a header, and a line for each person as they come.
// It stops at the first error, that of people or that of writing.
func Write(w io.Writer, people iter.Seq2[Person, error]) error {
	out := csv.NewWriter(w)
	if err := out.Write(exportColumns()); err != nil {
		return fmt.Errorf("write people: %w", err)
	}
	for person, err := range people {
		if err != nil {
			return err
		}
		if err := out.Write(person.cells()); err != nil {
			return fmt.Errorf("write people: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write people: %w", err)
	}
	return nil
}

func (p *Person) cells() []string {
	var all []string
	for _, column := range Columns() {
		if text := p.text(column); text != nil {
			all = append(all, defuse(*text))
		} else {
			all = append(all, strconv.FormatBool(p.RequireTwoStep))
		}
	}
	seen := ""
	if !p.LastSignIn.IsZero() {
		seen = p.LastSignIn.UTC().Format(time.RFC3339)
	}
	return append(all, defuse(p.TwoFactor), defuse(strings.Join(p.Methods, " ")), seen)
}
