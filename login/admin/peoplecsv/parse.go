package peoplecsv

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"net/mail"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport-id/sallyport/idp/policy"
)

// Parse reads people. The first line names the columns, in any order; cells are
// separated by a comma, a semicolon or a tab. Where there is a problem, nothing
// of the file should be used; all problems are found at once, as far as the
// file can be read.
func Parse(r io.Reader) ([]Row, []Problem) {
	text, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	switch {
	case len(text) > MaxBytes:
		return nil, []Problem{{Code: CodeTooLarge}}
	case err != nil || !utf8.Valid(text):
		return nil, []Problem{{Code: CodeEncoding}}
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	p := parsing{csv: csv.NewReader(bytes.NewReader(text)), lines: make(map[string]int)}
	p.csv.Comma, p.csv.FieldsPerRecord, p.csv.ReuseRecord = separator(text), -1, true
	if p.header() {
		for p.row() {
		}
	}
	return p.rows, p.problems
}

// separator is the sign that separates the columns' names.
func separator(text []byte) rune {
	head, _, _ := bytes.Cut(bytes.TrimLeft(text, "\r\n"), []byte("\n"))
	best, most := ',', 0
	for _, sign := range ",;\t" {
		if n := strings.Count(string(head), string(sign)); n > most {
			best, most = sign, n
		}
	}
	return best
}

type parsing struct {
	csv      *csv.Reader
	columns  []string
	rows     []Row
	problems []Problem
	lines    map[string]int // of addresses
}

func (p *parsing) refuse(line int, column string, code Code, value string) {
	value = strings.ToValidUTF8(value[:min(len(value), 100)], "")
	p.problems = append(p.problems, Problem{Line: line, Column: column, Code: code, Value: value})
}

// next reads a line that says something.
func (p *parsing) next() (cells []string, line int, ok bool) {
	for {
		cells, err := p.csv.Read()
		if errors.Is(err, io.EOF) {
			return nil, 0, false
		}
		if err != nil {
			line := 0
			if wrong, ok := errors.AsType[*csv.ParseError](err); ok {
				line = wrong.StartLine // the mark may stand alone long before it is noticed
			}
			p.refuse(line, "", CodeQuotes, "")
			return nil, 0, false
		}
		if slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) != "" }) {
			line, _ := p.csv.FieldPos(0)
			return cells, line, true
		}
	}
}

func (p *parsing) header() bool {
	cells, line, ok := p.next()
	if !ok {
		if len(p.problems) == 0 {
			p.refuse(0, "", CodeNoHeader, "")
		}
		return false
	}
	for _, cell := range cells {
		name := strings.ToLower(strings.TrimSpace(cell))
		switch {
		case name == "":
		case !slices.Contains(exportColumns(), name):
			p.refuse(line, "", CodeUnknown, name)
		case slices.Contains(p.columns, name):
			p.refuse(line, name, CodeTwice, name)
			p.problems[len(p.problems)-1].First = line
		}
		p.columns = append(p.columns, name)
	}
	if !slices.Contains(p.columns, Email) {
		p.refuse(line, Email, CodeNoHeader, "")
	}
	return len(p.problems) == 0
}

func (p *parsing) row() bool {
	cells, line, ok := p.next()
	if !ok {
		return false
	}
	if len(p.rows) == MaxRows {
		p.refuse(line, "", CodeTooManyRows, "")
		return false
	}
	r := Row{Line: line}
	for i, cell := range cells {
		if cell = undo(cell); cell == "" {
			continue
		}
		if i >= len(p.columns) {
			p.refuse(line, "", CodeCells, cell)
			break
		}
		p.cell(&r, p.columns[i], cell)
	}
	p.address(&r)
	p.rows = append(p.rows, r)
	return true
}

// cell takes what a cell says of a person.
func (p *parsing) cell(r *Row, column, cell string) {
	if !slices.Contains(Columns(), column) {
		return
	}
	switch {
	case len(cell) > maxCell:
		p.refuse(r.Line, column, CodeTooLong, cell)
		return
	case strings.ContainsFunc(cell, unicode.IsControl):
		p.refuse(r.Line, column, CodeForm, cell)
		return
	}
	r.Given = append(r.Given, column)
	switch column {
	case RequireTwoStep:
		on, ok := truth(cell)
		if !ok {
			p.refuse(r.Line, column, CodeNotAllowed, cell)
		}
		r.RequireTwoStep = on
		return
	case Kind:
		cell = strings.ToLower(cell)
		p.oneOf(r.Line, column, cell, policy.Staff, policy.Client)
	case Role:
		cell = strings.ToLower(cell)
		p.oneOf(r.Line, column, cell, policy.Member, policy.Administrator, policy.Owner)
	}
	*r.text(column) = cell
}

func (p *parsing) oneOf(line int, column, cell string, allowed ...string) {
	if !slices.Contains(allowed, cell) {
		p.refuse(line, column, CodeNotAllowed, cell)
	}
}

// truth reads a truth value as spreadsheets in English and German write it.
func truth(cell string) (on, ok bool) {
	switch strings.ToLower(cell) {
	case "true", "yes", "1", "wahr", "ja":
		return true, true
	case "false", "no", "0", "falsch", "nein":
		return false, true
	}
	return false, false
}

// address checks the address, which is what a person is known by.
func (p *parsing) address(r *Row) {
	if r.Email == "" {
		if !slices.ContainsFunc(p.problems, func(other Problem) bool { return other.Line == r.Line && other.Column == Email }) {
			p.refuse(r.Line, Email, CodeMissing, "")
		}
		return
	}
	address, err := mail.ParseAddress(r.Email)
	if err != nil || address.Address != r.Email || len(r.Email) > 254 || strings.ContainsFunc(r.Email, unicode.IsSpace) {
		p.refuse(r.Line, Email, CodeForm, r.Email)
		return
	}
	key := strings.ToLower(r.Email)
	if first := p.lines[key]; first > 0 {
		p.refuse(r.Line, Email, CodeTwice, r.Email)
		p.problems[len(p.problems)-1].First = first
		return
	}
	p.lines[key] = r.Line
}
