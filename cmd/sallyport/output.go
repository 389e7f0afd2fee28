package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// answer is what a command prints: JSON for scripts, or words.
type answer struct {
	JSON bool `name:"json" help:"Answer in JSON, for scripts."`
}

// print writes v as JSON, or words.
func (a answer) print(p *process, v any, words string) error {
	if !a.JSON {
		_, err := fmt.Fprint(p.stdout, words)
		return err
	}
	e := json.NewEncoder(p.stdout)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// table aligns rows in columns; the first row is the heading. People choose their names: a terminal must not obey what
// is in them.
func table(rows [][]string) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = strings.Map(visible, cell)
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	w.Flush()
	lines := strings.Split(b.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// visible replaces what isn't printed but acted upon.
func visible(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return '\uFFFD'
}

// moment is a time for people; "-" for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04 MST")
}

// orDash is text, or "-" in place of nothing.
func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
