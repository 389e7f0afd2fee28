package factor

import (
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
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
	case (m == policy.SMS || m == policy.Email) && !sixDigits(code):
		return &page.Problem{Field: "code", Text: page.Say("problem.sent_code_format")}
	}
	return nil
}

// Progress is how far a sent code is, for the page on which it is entered.
func Progress(c *storage.SentCode, now time.Time) *page.Sent {
	if c == nil {
		return nil
	}
	if !c.UsedAt.IsZero() || !c.AcceptedAt.IsZero() && !c.ExpiresAt.After(now) {
		return &page.Sent{None: true} // there is none any more
	}
	sent := page.Sent{ResendAt: c.CreatedAt.Add(ResendAfter), Failed: !c.FailedAt.IsZero()}
	if !c.AcceptedAt.IsZero() {
		sent.Until = c.ExpiresAt
	}
	return &sent
}

// Problem says in words why a code was not accepted.
func (v Verdict) Problem(m policy.Method) *page.Problem {
	p := &page.Problem{Field: "code"}
	switch {
	case m == policy.WebAuthn:
		p.Field = ""
		p.Text = page.Say(map[Outcome]string{Expired: "problem.key_expired", Cloned: "problem.key_cloned"}[v.Outcome])
		if p.Text.ID == "" {
			p.Text = page.Say("problem.key_failed")
		}
	case v.Outcome == Expired:
		p.Text = page.Say("problem.code_expired")
	case v.Outcome == Locked:
		p.Text = page.Say("problem.factor_locked")
	case v.Outcome == TooSoon:
		p.Text = page.Say("problem.too_many_tries", "Until", page.FullMinute(v.NotBefore))
	case v.Outcome == Used:
		p.Text = page.Say("problem.code_used")
	case m == policy.BackupCode:
		p.Text = page.Say("problem.backup_code_wrong", "TriesLeft", v.TriesLeft)
	case m == policy.RecoveryCode:
		p.Text = page.Say("problem.recovery_code_wrong", "TriesLeft", v.TriesLeft)
	case m == policy.SMS || m == policy.Email:
		p.Text = page.Say("problem.sent_code_wrong", "TriesLeft", v.TriesLeft)
	default:
		p.Text = page.Say("problem.code_wrong", "TriesLeft", v.TriesLeft)
	}
	return p
}

// String is the outcome for the audit.
func (o Outcome) String() string {
	return [...]string{Wrong: "wrong code", Accepted: "accepted", Used: "code already used", Expired: "code expired", Cloned: "signature counter went back", TooSoon: "back-off", Locked: "locked after too many wrong codes"}[o]
}
