package apply

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// Company is a company as a file declares it.
type Company struct {
	// ID is its key: small letters, digits and hyphens.
	ID string `yaml:"id" json:"id"`
	// Name is what people read. A new company needs one.
	Name string `yaml:"name" json:"name"`
	// Rules are the company's demands on signing in; without them, it demands nothing. grace is written as 14d or 36h.
	Rules policy.Rules `yaml:"rules" json:"rules"`
	// Plan is the second factors the company may choose from: totp, sms, email, webauthn; [none] for a plan without
	// any, and [] for all.
	Plan []policy.Method `yaml:"plan" json:"plan"`
	// Delete removes the company, which must have no people any more.
	Delete bool `yaml:"delete" show:"-" json:"-"`

	source
}

// NewCompany returns the defaults.
func NewCompany() Company { return Company{} }

// Only says that an entry made by a program mentions these fields and no others, by their names in the file.
func (e Company) Only(fields ...string) Company {
	e.said = only(fields)
	return e
}

// noMethods is a plan that includes no second factor.
const noMethods policy.Method = "none"

// secondFactors are the methods a company may choose from.
var secondFactors = []policy.Method{policy.TOTP, policy.SMS, policy.Email, policy.WebAuthn}

func (e *Company) checkForm(c checker) {
	c.id("id", e.ID)
	c.text("name", e.Name)
	r := e.Rules
	for group, requirement := range map[string]policy.Requirement{"staff": r.Staff, "clients": r.Clients, "administrators": r.Administrators} {
		at := "rules." + group
		if requirement.Mode != "" {
			oneOf(c, at+".mode", requirement.Mode, policy.Off, policy.Optional, policy.Required)
		}
		if requirement.Grace > 0 && requirement.From.IsZero() {
			c.refuseAs(CodeConflict, at+".grace", "has nothing to count from", "write from: as well")
		}
	}
	if r.Network.Mode != policy.AnyNetwork {
		oneOf(c, "rules.network.mode", r.Network.Mode, policy.EverywhereExcept, policy.OnlyFrom)
	}
	switch {
	case r.Network.Mode == policy.AnyNetwork && len(r.Network.Ranges) > 0:
		c.refuseAs(CodeMissing, "rules.network.mode", "is missing", "write everywhere_except or only_from")
	case r.Network.Mode == policy.OnlyFrom && len(r.Network.Ranges) == 0:
		c.refuseAs(CodeMissing, "rules.network.ranges", "is missing", "name the networks, such as [10.0.0.0/8]")
	}
	if r.SetUpByEmail != "" {
		oneOf(c, "rules.set_up_by_email", r.SetUpByEmail, policy.Off, policy.Required)
	}
	switch r.BackupCodes {
	case 0, 1, 5, 10:
	default:
		c.refuseAs(CodeNotAllowed, "rules.backup_codes", fmt.Sprintf("is %d", r.BackupCodes), "write 10, 5 or 1")
	}
	if r.BackupCodeResets && r.BackupCodes != 1 {
		c.refuseAs(CodeConflict, "rules.backup_code_resets", "is for a single code", "write backup_codes: 1 as well")
	}
	for i, m := range r.Methods {
		oneOf(c, fmt.Sprintf("rules.methods[%d]", i), m, secondFactors...)
	}
	for i, m := range e.Plan {
		if m != noMethods || len(e.Plan) > 1 {
			oneOf(c, fmt.Sprintf("plan[%d]", i), m, secondFactors...)
		}
	}
	c.within("rules.code_validity", r.CodeValidity, 30*time.Second, 5*time.Minute)
	c.within("rules.session_idle", r.SessionIdle, time.Minute, 30*24*time.Hour)
	c.within("rules.session_absolute", r.SessionAbsolute, time.Minute, 365*24*time.Hour)
}

// within refuses a length of time that isn't zero and lies outside of bounds.
func (c checker) within(field string, d, least, most time.Duration) {
	if d != 0 && (d < least || d > most) {
		c.refuseAs(CodeNotAllowed, field, fmt.Sprintf("is %s", d), fmt.Sprintf("write %s to %s", least, most))
	}
}

func (e *Company) plan() policy.Plan {
	switch {
	case len(e.Plan) == 0:
		return nil
	case e.Plan[0] == noMethods:
		return policy.Plan{}
	}
	return e.Plan
}

// PlanOf writes a plan as an entry has it.
func PlanOf(p policy.Plan) []policy.Method {
	if p != nil && len(p) == 0 {
		return []policy.Method{noMethods}
	}
	return p
}

// checkWhole checks a company together with what was there before: had are the products that it always wanted two
// factors for.
func (e *Company) checkWhole(c checker, had []string, products map[string]*storage.Client) {
	if e.Name == "" {
		c.refuseAs(CodeMissing, "name", "is missing", "write what people call the company")
	}
	company := policy.Company{Rules: e.Rules, Plan: e.plan()}
	if e.Rules.Requires() && !slices.ContainsFunc(secondFactors, company.Allows) {
		c.refuseAs(CodeConflict, "rules.methods", "leaves no second factor to those who are required to use one", "allow a method that the company's plan includes")
	}
	for i, id := range e.Rules.TwoFactorProducts {
		if !slices.Contains(had, id) && (products[id] == nil || products[id].Internal) {
			c.refuseAs(CodeUnknown, fmt.Sprintf("rules.two_factor_products[%d]", i), fmt.Sprintf("is %q, which isn't there", id), "write the id of a product")
		}
	}
}

// companyOf is a row as a file would declare it.
func companyOf(o *storage.Org) (Company, error) {
	c, err := session.CompanyOf(o)
	return Company{ID: o.ID, Name: o.Name, Rules: c.Rules, Plan: PlanOf(c.Plan)}, err
}

func (e *Company) org(was *storage.Org, now time.Time) (storage.Org, error) {
	o := storage.Org{ID: e.ID, Name: e.Name, CreatedAt: now}
	if was != nil {
		o.CreatedAt = was.CreatedAt
	}
	var err error
	if o.Rules, err = json.Marshal(e.Rules); err != nil {
		return o, err
	}
	o.Plan, err = json.Marshal(e.plan())
	return o, err
}
