package apply

import "fmt"

// CheckEmail says what is wrong with an address as Person.Email: nil or *Problems.
func CheckEmail(field, email string) error {
	c := checker{problems: new(Problems)}
	c.email(field, email)
	return c.problems.orNil()
}

// Taken is the problem of an address that somebody else has.
func Taken(field, email string) error {
	c := checker{problems: new(Problems)}
	c.refuseAs(CodeTaken, field, fmt.Sprintf("is %q, which somebody else has", email), "write another address")
	return c.problems.orNil()
}

// Unknown is the problem of a product that isn't there, or isn't to be known of.
func Unknown(field, id string) error {
	c := checker{problems: new(Problems)}
	c.refuseAs(CodeUnknown, field, fmt.Sprintf("is %q, which isn't there", id), "write the id of a product")
	return c.problems.orNil()
}
