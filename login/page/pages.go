package page

import (
	"html/template"
	"time"
)

// Text is words by their message id, so that handlers choose what is said and
// the message files choose how. With fills the placeholders of the message: a
// Text among its values is translated too, a time.Time is written in the
// language (UTC), an int chooses the plural form.
type Text struct {
	ID   string
	With map[string]any
}

// Say makes a Text. pairs alternate names and values of placeholders.
func Say(id string, pairs ...any) Text {
	t := Text{ID: id}
	for i := 0; i+1 < len(pairs); i += 2 {
		if t.With == nil {
			t.With = make(map[string]any, len(pairs)/2)
		}
		t.With[pairs[i].(string)] = pairs[i+1]
	}
	return t
}

// Frame is what surrounds the content of any page: who, for which product, and
// what went wrong with the last input. The zero Frame is a plain page.
type Frame struct {
	// Lang is the language to speak, one of Languages.
	Lang string
	// FormToken fills the hidden field form_token of every form.
	FormToken string
	// Request is the id of the authorization request, empty outside the flow.
	// Forms post to the page's own URL and so keep it in the query as r.
	Request string
	// Product is the name of the product being signed in to.
	Product string
	// Cancel shows the Cancel button of the flow (POST /login/cancel?r=…).
	Cancel bool
	// SignOut shows a Sign out button in place of Cancel (POST /logout).
	SignOut bool
	// Person is the e-mail of the person on the way, shown with "Not you?"
	// (POST /login/switch?r=…) in the flow and with Sign out in the account.
	Person string
	// Fixed: nobody else may take the person's place, so there is no "Not you?",
	// and the only other door is a Sign out button in place of Cancel (POST
	// /login/sign-out?r=…).
	Fixed bool
	// FormActions are origins beyond our own to which a form may lead by
	// redirect: without them form-action 'self' blocks the way to the product.
	FormActions []string
	// ConfirmURL is where to prove a second factor in another tab, while what was
	// entered waits in this one.
	ConfirmURL string
	// Problem is what was wrong with the last input.
	Problem *Problem
	// Problems is the same for a form in which several fields may be wrong at
	// once, by the field's name; "" is the page as a whole. Use one or the other.
	Problems map[string]Text
	// Notice is a quiet word of success ("New backup codes made").
	Notice *Text
	// Status is the HTTP status; 0 means 200, or 422 where something was wrong.
	Status int
}

// Problem is an error for a person: words, and the field they belong to
// ("username", "password", "code", "saved"; empty: the page as a whole).
type Problem struct {
	Text  Text
	Field string
}

// Page is one of the types below; each is drawn by the template of its name.
type Page interface{ template() string }

// SignIn asks for e-mail and password. Fields: username, password.
type SignIn struct {
	// Username is filled in already; with a Frame.Person it can't be edited.
	Username string
	// Why says why a signed-in person must sign in again, if so.
	Why *Text
	// Passkey, where one can be used in place of both: by a button, and by the
	// browser's own suggestions.
	Passkey *Passkey
	// UnknownKey is a passkey that was just tried and isn't registered here (any
	// more): the browser is told, so that it stops offering it.
	UnknownKey *UnknownKey
	// ForgotURL leads to a new password; empty where no mail can be sent.
	ForgotURL string
}

// UnknownKey names a key to the browser (Web Authentication,
// PublicKeyCredential.signalUnknownCredential).
type UnknownKey struct{ RPID, Credential string }

// Passkey says where a browser gets the options of a WebAuthn ceremony and
// where its answer goes: a form with the field credential (webauthn.js).
type Passkey struct{ Options, Action string }

// ChooseAccount lets a signed-in person go on or use another account
// (prompt=select_account). Field: account = "this" or "other".
type ChooseAccount struct{ Name, Email string }

// Code asks for a code: from an app, sent, a backup code or a recovery code.
// Field: code.
type Code struct {
	// Method is "totp", "sms", "email", "backup_code" or "recovery_code".
	Method string
	// Target is where a sent code went, masked.
	Target string
	// Sent is how far a sent code is; nil where none is sent. Form: resend=1.
	Sent *Sent
	// Why says who wants it ("Take Control needs two-step verification …").
	Why *Text
	// TriesLeft is 0 where nothing has been tried yet.
	TriesLeft int
	// OtherWays links to the Choose page ("Don't know the code?").
	OtherWays string
	// Recovery links from the backup code to the recovery code.
	Recovery string
	// Later shows [Not now]: what the product asks for can be put off. Form:
	// later=1, in a form of its own.
	Later bool
}

// Sent is how far a code is on its way to a person.
type Sent struct {
	// Until is when it stops working; zero while it hasn't been accepted for
	// delivery yet.
	Until time.Time
	// ResendAt is when another one can be sent.
	ResendAt time.Time
	// Failed: it could not be delivered.
	Failed bool
	// None: none could be sent; the problem of the page says why.
	None bool
}

// UseKey asks for a passkey or security key as the second step.
type UseKey struct {
	Passkey   Passkey
	Why       *Text
	OtherWays string
	// Later shows [Not now].
	Later bool
}

// Choose lists the ways this person has to confirm it's them.
type Choose struct{ Ways []Way }

// Way is one line of Choose or SetUpChoose. Method is "totp", "sms", "email",
// "webauthn", "backup_code" or "recovery_code".
type Way struct {
	Method string
	URL    string
	// Target is where a code would go, masked.
	Target string
}

// Why says that a second factor must be set up, and who wants it.
// Form: set_up=1, or later=1 where it may be put off.
type Why struct {
	Reason Text
	// Later shows [Not now]; or [Later], to who came in with a recovery code.
	Later, Recovered bool
	// Until is when it will no longer be possible to put off; zero: no date.
	Until time.Time
}

// SetUpChoose is step 1 of 4: which kind of second factor, each with how
// strong it is. Field: method, one button a way; URLs are empty.
type SetUpChoose struct {
	Ways []Way
	// BackURL leads out of the set-up; empty: nowhere.
	BackURL string
}

// SetUpScan is step 2 of 4: the QR code and the key to type instead.
type SetUpScan struct {
	QR      template.HTML // inline SVG made by us, without style attributes (CSP)
	Key     string        // base32 in groups of four
	URI     template.URL  // otpauth: link for a phone that shows this page itself
	NextURL string        // step 3
}

// SetUpPhone is step 2 of 4 for text messages: the number. Field: phone.
// Where Inbound, form text_us=1 begins by a message from the person instead.
type SetUpPhone struct {
	Phone   string
	Inbound bool
	// Countries are the calling codes that are served; none: all.
	Countries []string
	BackURL   string
}

// SetUpText is step 2 of 4 by a message from the person: it shows the system's
// number and a word to text to it, and looks by itself whether it came. Form:
// check=1, for browsers that don't.
type SetUpText struct {
	Number, Word string
	// SMS is the sms: link that opens a phone's app with both filled in.
	SMS     template.URL
	Until   time.Time
	BackURL string
}

// SetUpKey is step 2 of 3 for passkeys and security keys. Fields: name and
// credential (webauthn.js).
type SetUpKey struct {
	Passkey Passkey
	BackURL string
	// TwoStep shows the box "ask for it at every sign-in" (field two_step=1):
	// a passkey may be kept for convenience alone.
	TwoStep bool
}

// SetUpCode is step 3 of 4: the code the app shows, or that was sent.
// Field: code; form resend=1 for a sent one.
type SetUpCode struct {
	// Method is "totp" (also where empty), "sms" or "email".
	Method, Target string
	Sent           *Sent
	BackURL        string // step 2
	TriesLeft      int
}

// SetUpByEmail says that a link was sent by which setting up goes on. Form:
// resend=1.
type SetUpByEmail struct {
	Target   string // masked
	ResendAt time.Time
	BackURL  string
}

// Forgot asks for the address of somebody who forgot their password. Field:
// username.
type Forgot struct{ Email, BackURL string }

// ChangePassword is the account's form: fields password and repeat.
type ChangePassword struct {
	Email     string
	MinLength int
	BackURL   string
}

// ChangeEmail asks for a new address. Field: email.
type ChangeEmail struct{ Email, New, BackURL string }

// Rename names a key or app. Field: name.
type Rename struct{ Name, BackURL string }

// BackupCodes is step 4 of 4, and the page after making new codes.
// Field: saved=yes. The print style shows product, account and date.
type BackupCodes struct {
	Codes   []string
	Account string
	Issuer  string // host name of the provider
	Made    time.Time
	// Step says whether this is step 4 of enrolment.
	Step bool
	// Resets: using it removes the second factors, and new ones are set up.
	Resets bool
	// Action is where the form goes; empty: the page's own address.
	Action string
}

// Message is a page of plain words with at most one thing to do: signed out,
// expired, refused, locked, failed.
type Message struct {
	Heading Text
	Body    Text
	// Link and LinkText are the one way on, as a link.
	Link     string
	LinkText Text
	// Reference helps an operator to find the log line.
	Reference string
}

// LogoutConfirm asks whether to sign out. Form: logout=1 to Action.
type LogoutConfirm struct {
	Action string
	Hidden map[string]string
}

// RequestError tells the developer of a product what is wrong with a request
// that can't be answered by a redirect: what was expected and what came.
type RequestError struct {
	Code, Description string
	Expected, Got     string
	Reference         string
}

// SetPassword lets the holder of a set-up link choose a password.
// Fields: new-password fields named password and repeat.
type SetPassword struct {
	Email, Company string
	MinLength      int
}

// Account is a person's own page. All forms post to the paths named here.
type Account struct {
	Name, Email string
	// EmailVerified; otherwise POST /account/email/confirm sends a link.
	// Change: /account/email.
	EmailVerified bool
	// Language is the person's own choice, empty for what the browser says
	// (POST /account/language with language=TAG).
	Language string
	// PendingEmail is an address that waits for confirmation.
	PendingEmail string
	// Phone is the person's number, masked; empty: none.
	Phone string
	// TwoStep is the person's own switch (POST /account/two-step with on=0|1;
	// turning it on without a factor leads into set-up).
	TwoStep bool
	// RequiredBy is set where it can't be turned off, with who wants it.
	RequiredBy *Text
	// Locked: after "This wasn't me" nothing here can be changed.
	Locked bool
	// Offers says which methods can be set up here: "totp", "sms", "email",
	// "webauthn".
	Offers map[string]bool
	// Apps, each with rename, change device and remove:
	// /account/authenticators/ID/{name,change,remove}; another one:
	// /account/authenticator.
	Apps []Factor
	// Keys: /account/passkeys/ID/{name,remove}; another one: /account/passkeys/new.
	Keys []Factor
	// Texts: remove at /account/text-messages/remove; set up or another number:
	// /account/text-messages. Target is the number, masked.
	Texts []Factor
	// Mails: e-mail codes; turn on at /account/email-codes, remove at
	// /account/email-codes/remove.
	Mails []Factor
	// SignalKeys tells the browser which passkeys still work, after a change.
	SignalKeys *SignalKeys
	// BackupCodesLeft counts unused codes of BackupCodesOf; BackupCodesMade is
	// false where none were ever made. New ones: /account/backup-codes.
	BackupCodesLeft, BackupCodesOf int
	BackupCodesMade                bool
	// NetworkCheck: the company confirms sign-ins from new networks, and a
	// person with a second factor may skip that (POST /account/network-check
	// with skip=0|1).
	NetworkCheck, SkipNetworkCheck bool
	// Console: the person governs a company or the instance, at /console.
	Console bool
	// Consents are the products the person gave access. Withdrawn by POST
	// /account/products/withdraw with product=ID.
	Consents []Consented
	Sessions []Session // POST /account/sessions/end with id=…, or all=1
	Activity []Activity
}

// Factor is one enrolled second factor.
type Factor struct {
	ID, Name string
	// Target is where its codes go, masked.
	Target          string
	Added, LastUsed time.Time
	// Synced or Hardware, where it is a key and that is known.
	Synced, Hardware bool
}

// SignalKeys is what the browser is told about the passkeys that still work
// (Web Authentication, PublicKeyCredential.signalAllAcceptedCredentials).
type SignalKeys struct {
	RPID, UserID string
	Credentials  []string // base64url
}

// Consented is a product and what its person allowed it.
type Consented struct {
	// ID is the client id.
	ID, Product string
	// Scopes and Named are those of Consent.
	Scopes []string
	Named  map[string]string
	Since  time.Time
}

// Session is one signed-in browser.
type Session struct {
	ID, Device, From     string
	SignedIn, LastActive time.Time
	This                 bool
}

// Activity is one line of recent activity.
type Activity struct {
	At   time.Time
	What Text
	From string
}

// Confirm asks before something that can't be undone. Form: confirm=1, and
// Hidden, to Action (empty: the page's own address).
type Confirm struct {
	Heading, Body, Button Text
	Action                string
	Hidden                map[string]string
	BackURL               string
}

func (SignIn) template() string         { return "sign_in" }
func (ChooseAccount) template() string  { return "choose_account" }
func (Code) template() string           { return "code" }
func (UseKey) template() string         { return "use_key" }
func (SetUpPhone) template() string     { return "set_up_phone" }
func (SetUpText) template() string      { return "set_up_text" }
func (SetUpKey) template() string       { return "set_up_key" }
func (SetUpByEmail) template() string   { return "set_up_by_email" }
func (Forgot) template() string         { return "forgot" }
func (ChangePassword) template() string { return "change_password" }
func (ChangeEmail) template() string    { return "change_email" }
func (Rename) template() string         { return "rename" }
func (Choose) template() string         { return "choose" }
func (Why) template() string            { return "why" }
func (SetUpChoose) template() string    { return "set_up_choose" }
func (SetUpScan) template() string      { return "set_up_scan" }
func (SetUpCode) template() string      { return "set_up_code" }
func (BackupCodes) template() string    { return "backup_codes" }
func (Message) template() string        { return "message" }
func (LogoutConfirm) template() string  { return "logout_confirm" }
func (RequestError) template() string   { return "request_error" }
func (SetPassword) template() string    { return "set_password" }
func (Account) template() string        { return "account" }
func (Confirm) template() string        { return "confirm" }

// FirstOwner lets the holder of the first set-up link name their company and
// become its owner. Fields: company, name, username, password, repeat.
type FirstOwner struct {
	Company, Name, Email string
	MinLength            int
}

func (FirstOwner) template() string { return "first_owner" }

// FormPost carries an authorization response to the product by a form that
// submits itself (OAuth 2.0 Form Post Response Mode); without JavaScript the
// person presses Continue.
type FormPost struct {
	Action string
	Fields map[string][]string
}

func (FormPost) template() string { return "form_post" }
