package apply

import (
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

var (
	idForm    = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)
	phoneForm = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	roleForm  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]*$`)
	// birthForm is OpenID Connect Core section 5.1: a day, a year, or a day without its year.
	birthForm = regexp.MustCompile(`^[0-9]{4}(-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]))?$`)
)

const (
	maxID   = 64
	maxText = 500
)

func (c checker) id(field, id string) {
	switch {
	case id == "":
		c.refuseAs(CodeMissing, field, "is missing", "write a short name of small letters, digits and hyphens")
	case !idForm.MatchString(id) || len(id) > maxID:
		c.refuse(field, fmt.Sprintf("is %q", id), "write up to 64 small letters, digits and hyphens, and no hyphen first")
	case id == reservedID:
		c.refuse(field, fmt.Sprintf("is %q", id), "choose another: that is where the console makes new ones")
	}
}

// reservedID would be at the address of the form for new ones: /console/companies/new.
const reservedID = "new"

func (c checker) email(field, email string) {
	if email == "" {
		c.refuseAs(CodeMissing, field, "is missing", "write the person's e-mail address")
		return
	}
	address, err := mail.ParseAddress(email)
	if err != nil || address.Address != email || len(email) > 254 || strings.ContainsFunc(email, unicode.IsSpace) {
		c.refuse(field, fmt.Sprintf("is %q", email), "write an e-mail address such as ana@acme.example, without a name")
	}
}

// text is a line that people read.
func (c checker) text(field, text string) {
	switch {
	case strings.ContainsFunc(text, unseen):
		c.refuse(field, "has control characters or several lines", "write one line")
	case len(text) > maxText:
		c.refuseAs(CodeTooLong, field, "is longer than 500 bytes", "shorten it")
	}
}

// unseen says whether a character changes how others are read without being seen: one that turns the direction of a line
// makes it say something else. Persian and the scripts of India need the two joiners.
func unseen(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) && r != '\u200c' && r != '\u200d'
}

// page is an address that people may follow.
func (c checker) page(field, text string) {
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(text) > maxText {
		c.refuse(field, fmt.Sprintf("is %q", text), "write an address that begins with https://")
	}
}
