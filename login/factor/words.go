package factor

import (
	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/page"
)

// What a factor says of a code, wherever it is entered.

// FormatProblem finds what can't be a code at all: a slip that isn't counted.
// nil where it may be tried.
func FormatProblem(m policy.Method, code string) *page.Problem {
	switch {
	case code == "":
		return &page.Problem{Field: "code", Text: page.Say("problem.code_missing")}
	case m == policy.TOTP && !sixDigits(code):
		return &page.Problem{Field: "code", Text: page.Say("problem.code_format")}
	}
	return nil
}

// Problem says in words why a code was not accepted.
func (v Verdict) Problem(m policy.Method) *page.Problem {
	p := &page.Problem{Field: "code"}
	switch {
	case v.Outcome == Locked:
		p.Text = page.Say("problem.factor_locked")
	case v.Outcome == TooSoon:
		p.Text = page.Say("problem.too_many_tries", "Until", page.FullMinute(v.NotBefore))
	case v.Outcome == Used:
		p.Text = page.Say("problem.code_used")
	case m == policy.BackupCode:
		p.Text = page.Say("problem.backup_code_wrong", "TriesLeft", v.TriesLeft)
	default:
		p.Text = page.Say("problem.code_wrong", "TriesLeft", v.TriesLeft)
	}
	return p
}

// String is the outcome for the audit.
func (o Outcome) String() string {
	return [...]string{Wrong: "wrong code", Accepted: "accepted", Used: "code already used", TooSoon: "back-off", Locked: "locked after too many wrong codes"}[o]
}
