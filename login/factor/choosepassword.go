package factor

import (
	"errors"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/page"
)

// PasswordLength is the least length of a person's password: the shorter one
// only where a second factor always follows.
func PasswordLength(p policy.Person, c policy.Company) int {
	if policy.AlwaysTwoFactors(p, c) {
		return MinPasswordFor2F
	}
	return MinPassword
}

// PasswordProblem finds what is wrong with the fields password and repeat of a
// form that chooses a password; nil where it may be set. See
// [CheckNewPassword].
func PasswordProblem(password, repeat string, minLength int, names ...string) *page.Problem {
	problem := func(field, id string, pairs ...any) *page.Problem {
		return &page.Problem{Field: field, Text: page.Say(id, pairs...)}
	}
	switch err := CheckNewPassword(password, minLength, names...); {
	case errors.Is(err, ErrPasswordShort):
		return problem("password", "problem.password_short", "MinLength", minLength)
	case errors.Is(err, ErrPasswordLong):
		return problem("password", "problem.password_long")
	case errors.Is(err, ErrPasswordCommon):
		return problem("password", "problem.password_common")
	case errors.Is(err, ErrPasswordNames):
		return problem("password", "problem.password_names")
	case password != repeat:
		return problem("repeat", "problem.password_differs")
	}
	return nil
}
