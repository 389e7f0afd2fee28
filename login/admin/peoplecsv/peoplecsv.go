// Package peoplecsv reads and writes lists of people as spreadsheets do: CSV
// with a header. It knows what a line may say and nothing of what is stored;
// whether a person can be added is for login/admin/govern to find out.
//
// What Write writes, Parse reads again. A cell that a spreadsheet would take
// for a formula is written with an apostrophe before it, which Parse takes off.
package peoplecsv

import (
	"slices"
	"strings"
	"time"
)

// Bounds of what is read.
const (
	MaxRows  = 5000
	MaxBytes = 2 << 20
	maxCell  = 500 // bytes
)

// The columns of an import, by the names of the fields in package apply.
const (
	Email          = "email"
	Name           = "name"
	GivenName      = "given_name"
	FamilyName     = "family_name"
	Kind           = "kind"
	Role           = "role"
	Phone          = "phone"
	Locale         = "locale"
	RequireTwoStep = "require_two_step"
)

// Columns are those of an import. Only Email must be there.
func Columns() []string {
	return []string{Email, Name, GivenName, FamilyName, Kind, Role, Phone, Locale, RequireTwoStep}
}

// What an export says besides; an import passes over it.
const (
	twoFactor  = "two_factor"
	methods    = "methods"
	lastSignIn = "last_sign_in"
)

func exportColumns() []string { return append(Columns(), twoFactor, methods, lastSignIn) }

// Row is a person of the file.
type Row struct {
	// Line is the line of the file that they begin on.
	Line int
	// Given are the columns that say something of them. An empty cell says
	// nothing.
	Given []string

	Email, Name, GivenName, FamilyName, Kind, Role, Phone, Locale string
	RequireTwoStep                                                bool
}

// text is where a column's text goes; nil for what is no text.
func (r *Row) text(column string) *string {
	switch column {
	case Email:
		return &r.Email
	case Name:
		return &r.Name
	case GivenName:
		return &r.GivenName
	case FamilyName:
		return &r.FamilyName
	case Kind:
		return &r.Kind
	case Role:
		return &r.Role
	case Phone:
		return &r.Phone
	case Locale:
		return &r.Locale
	}
	return nil
}

// Person is a line of an export.
type Person struct {
	Row
	// TwoFactor is the state of their two-step verification, as the caller
	// words it; Methods are their second factors.
	TwoFactor string
	Methods   []string
	// LastSignIn is when they last signed in; zero: never.
	LastSignIn time.Time
}

// Problem is a mistake in the file.
type Problem struct {
	// Line is the line of the file, 0 for the file as a whole; Column the name
	// of the column, empty for the line as a whole.
	Line   int    `json:"line,omitempty"`
	Column string `json:"column,omitempty"`
	Code   Code   `json:"code"`
	// Value is what was written there.
	Value string `json:"value,omitempty"`
	// First is the line that has the same, where the code is CodeTwice.
	First int `json:"first,omitempty"`
}

// Code is the kind of a problem, for pages to word. These are all there are.
type Code string

const (
	// CodeTooLarge: the file has more than MaxBytes.
	CodeTooLarge Code = "too_large"
	// CodeTooManyRows: the file has more than MaxRows people.
	CodeTooManyRows Code = "too_many_rows"
	// CodeEncoding: the file is no UTF-8.
	CodeEncoding Code = "encoding"
	// CodeNoHeader: there is no line that names the columns, or it doesn't name the address.
	CodeNoHeader Code = "no_header"
	// CodeUnknown: no column has this name.
	CodeUnknown Code = "unknown_column"
	// CodeTwice: the column or the address was there before.
	CodeTwice Code = "twice"
	// CodeQuotes: a quotation mark stands alone; what follows can't be read.
	CodeQuotes Code = "quotes"
	// CodeCells: the line has more cells than there are columns.
	CodeCells Code = "too_many_cells"
	// CodeMissing: the cell must say something.
	CodeMissing Code = "missing"
	// CodeForm: the cell isn't written as such a thing is.
	CodeForm Code = "form"
	// CodeNotAllowed: the cell says something else than it may.
	CodeNotAllowed Code = "not_allowed"
	// CodeTooLong: the cell is too long.
	CodeTooLong Code = "too_long"
)

// formula are the signs that a spreadsheet begins to calculate at.
const formula = "=+-@\t\r\n＝＋－＠"

func looksLikeFormula(cell string) bool {
	rest := strings.TrimLeft(cell, "'")
	return rest != "" && slices.Contains([]rune(formula), []rune(rest[:min(len(rest), 4)])[0])
}

// defuse makes text of what a spreadsheet would take for a formula.
func defuse(cell string) string {
	if cell = strings.TrimSpace(cell); looksLikeFormula(cell) {
		return "'" + cell
	}
	return cell
}

// undo takes back what defuse did.
func undo(cell string) string {
	if cell = strings.TrimSpace(cell); strings.HasPrefix(cell, "'") && looksLikeFormula(cell) {
		return strings.TrimSpace(cell[1:])
	}
	return cell
}
