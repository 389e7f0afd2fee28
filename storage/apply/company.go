package apply

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
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
	// Delete removes the company, which must have no people any more.
	Delete bool `yaml:"delete" show:"-" json:"-"`

	source
}

// NewCompany returns the defaults.
func NewCompany() Company { return Company{} }

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
			c.refuse(at+".grace", "has nothing to count from", "write from: as well")
		}
	}
	if r.Network.Mode != policy.AnyNetwork {
		oneOf(c, "rules.network.mode", r.Network.Mode, policy.EverywhereExcept, policy.OnlyFrom)
	}
	switch {
	case r.Network.Mode == policy.AnyNetwork && len(r.Network.Ranges) > 0:
		c.refuse("rules.network.mode", "is missing", "write everywhere_except or only_from")
	case r.Network.Mode == policy.OnlyFrom && len(r.Network.Ranges) == 0:
		c.refuse("rules.network.ranges", "is missing", "name the networks, such as [10.0.0.0/8]")
	}
	if r.SetUpByEmail != "" {
		oneOf(c, "rules.set_up_by_email", r.SetUpByEmail, policy.Off, policy.Required)
	}
	switch r.BackupCodes {
	case 0, 1, 5, 10:
	default:
		c.refuse("rules.backup_codes", fmt.Sprintf("is %d", r.BackupCodes), "write 10, 5 or 1")
	}
	if r.BackupCodeResets && r.BackupCodes != 1 {
		c.refuse("rules.backup_code_resets", "is for a single code", "write backup_codes: 1 as well")
	}
	for i, m := range r.Methods {
		oneOf(c, fmt.Sprintf("rules.methods[%d]", i), m, secondFactors...)
	}
}

// checkWhole checks a company together with what was there before.
func (e *Company) checkWhole(c checker) {
	if e.Name == "" {
		c.refuse("name", "is missing", "write what people call the company")
	}
}

// companyOf is a row as a file would declare it.
func companyOf(o *storage.Org) (Company, error) {
	e := Company{ID: o.ID, Name: o.Name}
	if err := json.Unmarshal(o.Rules, &e.Rules); err != nil {
		return e, fmt.Errorf("read rules of company %s: %w", o.ID, err)
	}
	return e, nil
}

func (e *Company) org(was *storage.Org, now time.Time) (storage.Org, error) {
	o := storage.Org{ID: e.ID, Name: e.Name, CreatedAt: now}
	if was != nil {
		o.CreatedAt = was.CreatedAt
	}
	var err error
	o.Rules, err = json.Marshal(e.Rules)
	return o, err
}
