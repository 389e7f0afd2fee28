package page

import "time"

// ConsoleCompanies lists the companies of the instance, for its operator. A
// company's people are at /console/companies/ID/people, its name and plan at
// /console/companies/ID/edit, a new one at /console/companies/new.
type ConsoleCompanies struct {
	Console
	List
	Companies []CompanyLine
}

// CompanyLine is one company in the list.
type CompanyLine struct {
	ID, Name       string
	People, Owners int
	Plan           Plan
	Created        time.Time
}

// Plan is the second factors a company may choose from.
type Plan struct {
	// All, or only Methods: "totp", "sms", "email", "webauthn".
	All     bool
	Methods []string
}

// ConsoleCompanyForm makes a company, or changes one. Fields: id and owner
// (New only), name, plan=all, some or none, methods (once for each).
type ConsoleCompanyForm struct {
	Console
	New      bool
	ID, Name string
	// Owner is the address of the first owner, who gets an invitation.
	Owner string
	Plan  Plan
	// Offered are the methods of this instance.
	Offered []string
	// People counts those in it: it can be deleted, at
	// /console/companies/ID/delete, only without any.
	People int
}

// MethodsOffered are the methods with what is chosen.
func (f ConsoleCompanyForm) MethodsOffered() []tick { return ticks(f.Plan.Methods, f.Offered...) }

func (ConsoleCompanies) template() string   { return "console_companies" }
func (ConsoleCompanyForm) template() string { return "console_company_form" }
