package govern

import (
	"errors"
	"fmt"

	"github.com/sallyport-id/sallyport/storage"
)

// Refused says that somebody may not do something.
type Refused struct {
	// Code says why: role, scope, machine, self, person_role, operator, gone, and
	// those that operations add: required, last_owner, no_password, confirmed,
	// no_mail, disabled, lockout, method. locked: they said "This wasn't me".
	Code   string
	Action Action
	// Scope is what the token lacks.
	Scope string
	// Why is a reason in words, where the code alone doesn't say enough.
	Why string
}

func (e *Refused) Error() string {
	switch {
	case e.Scope != "":
		return fmt.Sprintf("refused to %s: the token lacks scope %s", e.Action, e.Scope)
	case e.Why != "":
		return fmt.Sprintf("refused to %s: %s", e.Action, e.Why)
	}
	return fmt.Sprintf("refused to %s: %s", e.Action, e.Code)
}

// ErrNotFresh says that a second factor must be proved anew, within
// policy.FreshFor.
var ErrNotFresh = errors.New("a second factor must be proved anew")

func notFound(noun string) error { return fmt.Errorf("%s: %w", noun, storage.ErrNotFound) }
