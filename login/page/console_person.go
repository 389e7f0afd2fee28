package page

import "time"

// ConsolePerson is all there is to know of one person: …/people/ID. What can be
// done has an address below that, and is shown where May allows it:
//
//	edit                  link, ConsolePersonForm
//	require, lift         links to a ConsoleConfirm (TwoStepRequired)
//	roles                 form, role = "CLIENT ROLE" once for each ticked
//	sessions/end          form, id=… or all=1 (May "sessions")
//	invite, confirm, remind        forms that send a mail
//	recovery, reset, turn-off, unlock, disable, enable, delete
//	                      links to a ConsoleConfirm
type ConsolePerson struct {
	Console
	ID, Name, Email string
	EmailVerified   bool
	Phone           string // masked; empty: none
	Kind, Role      string
	// TwoFactor is "on", "pending" or "off"; Why says who demands it.
	TwoFactor string
	Why       []Text
	// TwoStep is the person's own switch, TwoStepRequired an administrator's
	// demand on this person.
	TwoStep, TwoStepRequired bool
	// Methods are the second factors enrolled.
	Methods []PersonMethod
	// BackupCodesLeft counts unused codes of BackupCodesOf; none were ever made
	// where BackupCodesMade is false.
	BackupCodesLeft, BackupCodesOf int
	BackupCodesMade                bool
	Created, LastSignIn            time.Time // LastSignIn zero: never
	// Locked is when the person said "This wasn't me", Disabled when they
	// were turned off; zero: they weren't.
	Locked, Disabled time.Time
	// NoPassword: the person has chosen none yet.
	NoPassword bool
	Sessions   []Session
	Products   []PersonProduct
	Activity   []Activity
	// MoreURL leads to all that happened to the person.
	MoreURL string
	May     map[string]bool
}

// PersonMethod is one second factor of a person.
type PersonMethod struct {
	// Method is "totp", "sms", "email" or "webauthn"; Name and Target may be
	// empty.
	Method, Name, Target string
	Added, LastUsed      time.Time
	// Locked after too many wrong codes.
	Locked bool
	// Uncounted: the company doesn't allow it any more.
	Uncounted bool
}

// PersonProduct is a product open to a person.
type PersonProduct struct {
	ID, Name string
	// Roles are all that the product defines; none: there is nothing to give.
	Roles []GivenRole
}

// GivenRole is a role of a product and whether the person has it. ByKind: all
// people of their kind have it, so that it is not for anybody to give or take.
type GivenRole struct {
	ID, Name      string
	Given, ByKind bool
}

// ConsoleConfirm asks before one thing is done. Form: confirm=1 and Hidden, to
// Action (empty: the page's own address).
type ConsoleConfirm struct {
	Console
	Heading Text
	// Body says what will happen, a paragraph each.
	Body   []Text
	Button Text
	// Danger: it can't be undone, or it takes something away from somebody.
	Danger  bool
	Action  string
	Hidden  []Hidden
	BackURL string
}

// ConsoleRecoveryIssued shows a recovery code, once, to the owner who issued
// it.
type ConsoleRecoveryIssued struct {
	Console
	// Code is in groups of four characters.
	Code, Person, Email string
	Until               time.Time
	BackURL             string
}

func (ConsolePerson) template() string         { return "console_person" }
func (ConsoleConfirm) template() string        { return "console_confirm" }
func (ConsoleRecoveryIssued) template() string { return "console_recovery_issued" }
