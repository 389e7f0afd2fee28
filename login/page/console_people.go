package page

import "time"

// ConsolePeople lists the people of a company: …/people. Its filters are
// two_factor (on, pending, off), kind (staff, client), role (member,
// administrator, owner), email (confirmed, unconfirmed) and status (enabled,
// disabled). Form, to …/people/bulk: action = require, lift, remind or confirm;
// person, once for each ticked; all=1 for everybody who matches; and the query
// that narrows the list.
type ConsolePeople struct {
	Console
	List   List
	People []PersonRow
	// Unconfirmed counts the people of the company whose address isn't
	// confirmed: [Resend confirmations to all] posts action=confirm, all=1 and
	// email=unconfirmed to …/people/bulk.
	Unconfirmed int
	// May: "create" (…/people/new), "import" (…/people/import), "export"
	// (…/people/export, with the query), and the actions of the form.
	May map[string]bool
}

// PersonRow is one line of the list; the person's page is …/people/ID.
type PersonRow struct {
	ID, Name, Email string
	EmailVerified   bool
	Role, Kind      string
	// TwoFactor is "on", "pending" or "off".
	TwoFactor string
	// Methods are the kinds of second factors enrolled, as Way.Method has them.
	Methods    []string
	LastSignIn time.Time // zero: never
	Disabled   bool
	// Fixed: the reader may not change this person, so there is no box to tick.
	Fixed bool
}

// ConsoleBulk shows what a bulk action would do before it is done. Form:
// confirm=1 and Hidden, to the page's own address.
type ConsoleBulk struct {
	Console
	// Action is "require", "lift", "remind" or "confirm".
	Action string
	// Touched is how many people it changes or writes to, Already how many
	// of those chosen have it already.
	Touched, Already int
	// First are the first of those touched, at most ten.
	First []PersonRow
	// Cannot says what can't be done for whom, and why.
	Cannot []Text
	Hidden []Hidden
	// BackURL is the list as it was.
	BackURL string
}

// ConsolePersonForm makes or changes a person: …/people/new and
// …/people/ID/edit. Fields: email, name, given_name, family_name, kind, role,
// phone, language, and for somebody new two_step=1 and invite=1.
type ConsolePersonForm struct {
	Console
	// ID is empty for somebody new.
	ID                                 string
	Email, Name, GivenName, FamilyName string
	Kind, Role, Phone, Language        string
	// Roles are those that may be given; with fewer than two there is no choice.
	Roles []string
	// TwoStep requires two-step verification of somebody new.
	TwoStep bool
	// Invite sends the mail by which somebody new chooses a password.
	Invite bool
	// FixedEmail: the address can't be changed by the reader.
	FixedEmail bool
}

// ConsoleImport asks for people as CSV: …/people/import. Fields: file (a file,
// multipart) or csv (the same as text).
type ConsoleImport struct {
	Console
	CSV string
	// Columns are all that are understood, Required those that must be there.
	Columns, Required []string
	// Example is a short CSV that works.
	Example string
	// Limit is how many people one import may hold.
	Limit int
}

// ConsoleImportPreview says what an import would do. Form: confirm=1, csv, and
// invite=1 to send everybody new the mail by which they choose a password;
// edit=1 leads back to ConsoleImport with the same csv.
type ConsoleImportPreview struct {
	Console
	CSV string
	// Created, Changed and Same count people who are new, who exist and get
	// other values, and who exist just so.
	Created, Changed, Same int
	// Wrong are the rows that can't be taken; with any of them nothing is
	// imported.
	Wrong  []ImportProblem
	Invite bool
}

// ImportProblem is what is wrong with one field of a CSV.
type ImportProblem struct {
	Line   int
	Column string
	// Value is what stands there.
	Value string
	// What says what is wrong, and what to do about it.
	What Text
}

func (ConsolePeople) template() string        { return "console_people" }
func (ConsoleBulk) template() string          { return "console_bulk" }
func (ConsolePersonForm) template() string    { return "console_person_form" }
func (ConsoleImport) template() string        { return "console_import" }
func (ConsoleImportPreview) template() string { return "console_import_preview" }

// Ready reports whether there is anything to import, and nothing in the way.
func (p ConsoleImportPreview) Ready() bool { return len(p.Wrong) == 0 && p.Created+p.Changed > 0 }

// Bulk reports whether the reader may do anything to several people at once.
func (p ConsolePeople) Bulk() bool {
	return p.May["require"] || p.May["lift"] || p.May["remind"] || p.May["confirm"]
}
