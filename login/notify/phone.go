package notify

import (
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	// ErrNumberFormat says that a text is no telephone number with its country in front.
	ErrNumberFormat = errors.New("no phone number in international form")
	// ErrNumberCountry says that messages are not sent to the number's country.
	ErrNumberCountry = errors.New("the number's country is not served")
)

// Lengths of a number in digits, its country's included. E.164 has no least; the shortest numbers in use (Niue's) have 7.
const (
	leastDigits = 7
	mostDigits  = 15
)

// CheckNumber makes E.164 of a number as people write it: with + or 00 in front, and with spaces, hyphens, dots,
// slashes and brackets between. A (0) is left out, as it is dialled only inside the country. A number without its
// country is refused with ErrNumberFormat: it can't be guessed.
//
// Countries are calling codes such as +41, or longer beginnings such as +1604; with any, a number that begins with none
// of them is refused with ErrNumberCountry, and comes back for the message about it.
func CheckNumber(typed string, countries []string) (e164 string, err error) {
	text := strings.Map(func(r rune) rune {
		// Numbers copied from an address book carry marks for the direction of writing.
		if unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, typed)
	text, ok := strings.CutPrefix(text, "+")
	if !ok {
		text, ok = strings.CutPrefix(text, "00")
	}
	if !ok {
		return "", ErrNumberFormat
	}
	text = strings.Replace(text, "(0)", "", 1)
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune("-./()\u2010\u2011\u2012\u2013", r) {
			return -1
		}
		return r
	}, text)
	notDigit := strings.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' })
	if notDigit || len(digits) < leastDigits || len(digits) > mostDigits || digits[0] == '0' {
		return "", ErrNumberFormat
	}
	e164 = "+" + digits
	if len(countries) > 0 && !slices.ContainsFunc(countries, func(c string) bool { return strings.HasPrefix(e164, c) }) {
		return e164, ErrNumberCountry
	}
	return e164, nil
}

// MaskNumber shows the end of a number to somebody who knows it: "•••• 42".
func MaskNumber(e164 string) string {
	if len(e164) < leastDigits {
		return "••••"
	}
	return "•••• " + e164[len(e164)-2:]
}

// MaskEmail shows the beginning of an address to somebody who knows it: "a•••@example.com". There are always three
// dots, whatever the length.
func MaskEmail(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at <= 0 {
		return "•••"
	}
	_, size := utf8.DecodeRuneInString(address)
	return address[:size] + "•••" + address[at:]
}
