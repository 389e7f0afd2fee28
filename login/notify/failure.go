package notify

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// ErrRejected says that trying again is of no use: the far end will answer this message the same way tomorrow. Whoever
// keeps messages for another try gives such a one up.
var ErrRejected = errors.New("rejected for good")

// Step is how far a message came before it failed.
type Step string

const (
	StepConnect   Step = "connect"   // nobody answered, or not in the language expected
	StepTLS       Step = "TLS"       // the connection could not be made private
	StepSignIn    Step = "sign in"   // our own user name and password
	StepSender    Step = "sender"    // the address or number the message comes from
	StepRecipient Step = "recipient" // the address or number it goes to
	StepHandOver  Step = "hand over" // the message itself
)

// Failure is why a message did not leave the house.
//
// Errors get into logs, and what the far end says may repeat a message with its code, an address or a password. So the
// error's own text has no word of the far end but codes of numbers; Said has the words.
type Failure struct {
	// Carrier is who should have taken the message: "mail server smtp.example.com:587".
	Carrier string
	Step    Step
	// Code is the far end's answer in numbers: "550 5.1.1" or "HTTP 400". Empty if there was none.
	Code string

	cause    error // where there was no answer; free of secrets
	said     string
	rejected bool
}

// Error leaves out what the far end said.
func (f *Failure) Error() string {
	switch {
	case f.Code != "" && f.cause != nil:
		return fmt.Sprintf("%s, %s: answered %s: %v", f.Carrier, f.Step, f.Code, f.cause)
	case f.Code != "":
		return fmt.Sprintf("%s, %s: answered %s", f.Carrier, f.Step, f.Code)
	}
	return fmt.Sprintf("%s, %s: %v", f.Carrier, f.Step, f.cause)
}

// Unwrap gives the cause and, if trying again is of no use, ErrRejected.
func (f *Failure) Unwrap() []error {
	var all []error
	if f.rejected {
		all = append(all, ErrRejected)
	}
	if f.cause != nil {
		all = append(all, f.cause)
	}
	return all
}

// Said is the far end's answer in its own words, on one line, without our own credentials. It may repeat the message:
// it is for whoever sent a test message, and never for a log.
func (f *Failure) Said() string { return f.said }

// maxSaid is how many letters of an answer are kept.
const maxSaid = 300

// oneLine makes an answer fit to be shown: printable, on one line, not long, and without the secrets.
func oneLine(answer string, secrets ...string) string {
	for _, s := range secrets {
		if s != "" {
			answer = strings.ReplaceAll(answer, s, "[redacted]")
		}
	}
	answer = strings.Join(strings.FieldsFunc(answer, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	if letters := []rune(answer); len(letters) > maxSaid {
		answer = string(letters[:maxSaid]) + "…"
	}
	return answer
}
