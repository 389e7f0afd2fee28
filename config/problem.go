package config

import (
	"fmt"
	"strings"
)

// Problem is one mistake: where it is, what is wrong, and what to do about it. It never quotes a secret.
type Problem struct {
	// Option is the option's name in the file, such as sessions.idle; empty where the file or a variable as a whole is
	// meant.
	Option string
	// Source is where the value was given: sallyport.yaml:7, SALLYPORT_ISSUER, --issuer or default.
	Source string
	// Wrong continues a sentence that begins with the option.
	Wrong string
	// Remedy tells what to write or run.
	Remedy string
	// Err is the cause, if there is one beyond the text.
	Err error
}

func (p *Problem) Error() string {
	subject := p.Option
	switch {
	case subject == "":
		subject = p.Source
	case p.Source != "":
		subject += " (" + p.Source + ")"
	}
	text := subject + " " + p.Wrong
	if p.Err != nil {
		text += ": " + p.Err.Error()
	}
	return text + "; " + p.Remedy
}

// Unwrap returns the cause, or nil.
func (p *Problem) Unwrap() error { return p.Err }

// Problems are all mistakes of a configuration, in the order in which they were met. errors.As finds the first one.
type Problems []*Problem

func (ps Problems) Error() string {
	if len(ps) == 1 {
		return "the configuration has a mistake:\n  " + ps[0].Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "the configuration has %d mistakes:", len(ps))
	for _, p := range ps {
		b.WriteString("\n  " + p.Error())
	}
	return b.String()
}

// Unwrap gives errors.Is and errors.As each of the problems.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}

// mistake is a Problem whose place isn't known yet.
type mistake struct{ wrong, remedy string }

func (m *mistake) Error() string { return m.wrong + "; " + m.remedy }
