package govern

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// Actor is who asks for something: a person in the console or by a token, a
// machine by a token, or the operator at the command line.
type Actor struct {
	// UserID is the person's; empty for machines and the command line.
	UserID string
	// OrgID is the machine's company; empty for the operator's machines. A
	// person's company is read with them.
	OrgID string
	// ClientID is the product they came by: the console, the product that holds
	// the token, or the machine itself.
	ClientID string
	// Scopes limit what a token may be used for; the console and the command
	// line are Unlimited.
	Scopes    []string
	Unlimited bool
	// Vouches says that the person proved a second factor within
	// [policy.FreshFor].
	Vouches bool
	// CommandLine is whoever can read the master key and the database.
	CommandLine bool
	// Address and RequestID are for the audit.
	Address, RequestID string

	// What is true of the person in this transaction.
	role, kind string
	operator   bool
	// locked: after "This wasn't me", until somebody else lifts it.
	locked bool
}

// commandLine is what the audit calls an operator there.
const commandLine = "command line"

// AtTheCommandLine is the operator without a console.
func AtTheCommandLine() Actor { return Actor{CommandLine: true, Unlimited: true, Vouches: true} }

func (a Actor) machine() bool { return a.UserID == "" && !a.CommandLine }

// now is the actor as they are at this moment: their role, and whether they
// may act at all.
func (a Actor) now(ctx context.Context, r storage.Reader) (Actor, error) {
	switch {
	case a.CommandLine:
		a.operator = true
		return a, nil
	case a.machine():
		c, err := r.Client(ctx, a.ClientID)
		if errors.Is(err, storage.ErrNotFound) {
			return a, &Refused{Code: "gone"}
		}
		if err != nil {
			return a, err
		}
		// What it was registered for since its token, or its task, was begun.
		registered := session.MachineScopes(c)
		a.Scopes = slices.DeleteFunc(slices.Clone(a.Scopes), func(s string) bool { return !slices.Contains(registered, s) })
		if a.OrgID != c.Org {
			return a, &Refused{Code: "gone"}
		}
		// A company's machine acts as an administrator of it, one without a
		// company as the operator.
		a.role, a.operator = policy.Administrator, a.OrgID == ""
		return a, nil
	}
	u, err := r.User(ctx, a.UserID)
	if errors.Is(err, storage.ErrNotFound) || err == nil && !u.DisabledAt.IsZero() {
		return a, &Refused{Code: "gone"}
	}
	if err != nil {
		return a, err
	}
	a.OrgID, a.role, a.kind, a.operator, a.locked = u.OrgID, u.Role, u.Kind, u.Operator, !u.ChangesLockedAt.IsZero()
	return a, nil
}

// in is the role the actor has in a company.
func (a Actor) in(org string) string {
	switch {
	case a.operator:
		return Operator
	case org == "" || a.OrgID != org:
		return ""
	}
	return a.role
}

func (a Actor) scoped(scope string) bool { return a.Unlimited || slices.Contains(a.Scopes, scope) }

// name is who the audit says it was.
func (a Actor) name() string {
	switch {
	case a.CommandLine:
		return commandLine
	case a.UserID == "":
		return "product:" + a.ClientID
	}
	return a.UserID
}

// event starts an audit event about a person of a company; either may be empty.
func (a Actor) event(org, userID string, now time.Time) storage.Event {
	return storage.Event{
		At: now, Result: storage.OK, OrgID: org, UserID: userID, Actor: a.name(), IP: a.Address, RequestID: a.RequestID,
	}
}

// did is an event of what the actor did to a person.
func (a Actor) did(event string, u *storage.User, now time.Time) storage.Event {
	e := a.event(u.OrgID, u.ID, now)
	e.Event = event
	return e
}

// place is where mails say that something was done from.
func (a Actor) place() string {
	if a.CommandLine {
		return "the operator's " + commandLine
	}
	return a.Address
}
