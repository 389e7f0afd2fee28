package page

import "time"

// ConsoleRequirements is a company's rules about signing in, as a form:
// …/requirements. What is entered is kept as it was typed. The fields are named
// beside those of the struct; the form leads to ConsoleRequirementsPreview.
type ConsoleRequirements struct {
	Console
	// Groups are "staff", "clients" and "administrators", in this order.
	Groups []GroupForm
	// Methods that count, one box each: methods, once for each ticked.
	Methods []MethodChoice
	// EmailCodeFulfils: email_code_fulfils=1.
	EmailCodeFulfils bool
	// RecoveryOnly: recovery_only=0|1, who has none gets in only with a recovery
	// code. RecoveryMustSetUp: recovery_must_set_up=0|1.
	RecoveryOnly, RecoveryMustSetUp bool
	// BackupCodes: backup_codes=10|5|1. BackupCodeResets: backup_code_resets=1.
	BackupCodes      int
	BackupCodeResets bool
	// SetUpByEmail: set_up_by_email=1.
	SetUpByEmail bool
	// Lengths: the company may set how long things last. CodeSeconds:
	// code_seconds, 30–300. Idle and Absolute: session_idle and
	// session_absolute, in hours.
	Lengths                     bool
	CodeSeconds, Idle, Absolute string
	// NewNetworkCheck: new_network_check=1.
	NewNetworkCheck bool
	// NetworkMode: network_mode = "", "everywhere_except" or "only_from".
	// NetworkRanges: network_ranges, one a line.
	NetworkMode, NetworkRanges string
	// Products that always need two factors: products, once for each ticked.
	Products []AlwaysProduct
	// May: "change"; without it the form can be read only.
	May map[string]bool
	// Version is that of the rules the form is based on. Field: version.
	Version string
	// Test is the box to try the rules as they are saved.
	Test RequirementTest
}

// GroupForm is the demand on one group of people. Fields: GROUP_mode = off,
// optional or required; GROUP_from, a day (2006-01-02); GROUP_grace, in days.
type GroupForm struct{ Group, Mode, From, Grace string }

// MethodChoice is a second factor that may count. Unplanned: the company's plan
// leaves it out.
type MethodChoice struct {
	Method             string // "webauthn", "totp", "sms" or "email"
	Allowed, Unplanned bool
}

// AlwaysProduct is a product that may always need two factors; where the
// operator says so the company can't take that away.
type AlwaysProduct struct {
	ID, Name              string
	ByCompany, ByOperator bool
}

// RequirementTest is the test box. Its form gets the page's own address with
// test_person (an e-mail), test_product (an id) and test_from (an address).
type RequirementTest struct {
	Person, Product, From string
	Products              []ProductOption
	// Result is nil until something was asked.
	Result *RequirementResult
}

// ProductOption is a product to choose.
type ProductOption struct{ ID, Name string }

// RequirementResult is how a sign-in would go.
type RequirementResult struct {
	// Verdict is "asked" for a second factor, "not_asked", "set_up" (must set
	// one up), "may_set_up" (that can be put off), or "refused".
	Verdict string
	// Refusal says why, where it is refused.
	Refusal *Text
	// Demands are all who want more than a password.
	Demands []TestedDemand
}

// TestedDemand is who wants a second factor, and whether what the person would
// have shown by then meets it.
type TestedDemand struct {
	Why   Text
	Met   bool
	Until time.Time // it can be put off until then; zero: it can't
}

// ConsoleRequirementsPreview says what new rules would change, and for whom,
// before they hold. Form: confirm=1 with Hidden, mail=1 and end=1; edit=1 with
// Hidden leads back to the form.
type ConsoleRequirementsPreview struct {
	Console
	Changes []Change
	// Touched says whom they concern: "37 people must set up …".
	Touched  []Text
	Warnings []Text
	// Refused: it can't be saved, for this reason.
	Refused *Text
	// Mail is how many can be told by e-mail that they must set up, End how many
	// sessions don't meet the new rules; 0: there is no such box.
	Mail, End int
	Hidden    []Hidden
}

// Change is one rule before and after.
type Change struct{ About, Before, After Text }

func (ConsoleRequirements) template() string        { return "console_requirements" }
func (ConsoleRequirementsPreview) template() string { return "console_requirements_preview" }
