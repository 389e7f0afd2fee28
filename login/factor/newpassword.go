package factor

import (
	"bytes"
	_ "embed"
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Why a new password is refused.
var (
	ErrPasswordShort  = errors.New("password is too short")
	ErrPasswordLong   = errors.New("password is too long")
	ErrPasswordCommon = errors.New("password is among the most common ones")
	ErrPasswordNames  = errors.New("password is made of a name")
)

// Lengths in characters. The longer minimum is for where a password alone may
// sign in; the maximum only keeps hashing bounded.
const (
	MinPassword      = 15
	MinPasswordFor2F = 8
	maxPassword      = 1024
)

// common are the passwords of eight characters and more that stand most often
// in leaked lists, sorted; see docs/decisions for where they are from.
//
//go:embed common_passwords.txt
var common []byte

// CheckNewPassword says why a password may not be chosen; names are the
// company's, the product's and the person's.
func CheckNewPassword(password string, minLength int, names ...string) error {
	password = norm.NFC.String(password)
	switch n := utf8.RuneCountInString(password); {
	case n < minLength:
		return ErrPasswordShort
	case n > maxPassword:
		return ErrPasswordLong
	}
	lower := strings.ToLower(password)
	// A hundred kilobytes are searched quicker than one hash is made.
	if bytes.Contains(common, []byte("\n"+lower+"\n")) {
		return ErrPasswordCommon
	}
	if madeOf(lower, names) {
		return ErrPasswordNames
	}
	return nil
}

// madeOf says whether little is left of a password without the names in it:
// fewer than six characters that aren't digits or punctuation count for
// nothing.
func madeOf(password string, names []string) bool {
	rest := password
	for _, name := range names {
		for _, part := range strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return strings.ContainsRune(" @._-+", r) }) {
			if utf8.RuneCountInString(part) >= 3 {
				rest = strings.ReplaceAll(rest, part, "")
			}
		}
	}
	if rest == password {
		return false
	}
	letters := 0
	for _, r := range rest {
		if r >= 'a' && r <= 'z' || r > 127 {
			letters++
		}
	}
	return letters < 6
}
