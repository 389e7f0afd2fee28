package apply

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// Person is a person as a file declares them.
type Person struct {
	// Email is the key, in small or capital letters. It can't be changed here.
	Email string `yaml:"email" json:"email"`
	// Company is the id of theirs. A new person needs one; changing it ends the person's sessions.
	Company string `yaml:"company" json:"company"`
	// Profile holds the standard claims: name, given_name, … and address.
	storage.Profile `yaml:",inline" show:"operator"`
	EmailVerified   bool `yaml:"email_verified" json:"email_verified"`
	// Phone is an E.164 number: +41791234567.
	Phone         string `yaml:"phone" show:"operator" json:"phone,omitempty"`
	PhoneVerified bool   `yaml:"phone_verified" json:"phone_verified,omitempty"`
	// Kind is staff (default) or client, Role member (default), administrator or owner.
	Kind string `yaml:"kind" json:"kind"`
	Role string `yaml:"role" json:"role"`
	// Operator may govern every company of this instance.
	Operator bool `yaml:"operator" json:"operator,omitempty"`
	// Roles are those in products, by product id; products get them as the claim roles.
	Roles map[string][]string `yaml:"roles" json:"roles,omitempty"`
	// RequireTwoStep demands two-step verification of this person.
	RequireTwoStep bool `yaml:"require_two_step" json:"require_two_step,omitempty"`
	// Disabled people can't sign in; what they are signed in to ends at once.
	Disabled bool `yaml:"disabled" json:"disabled,omitempty"`
	// PasswordHash (argon2, bcrypt, PBKDF2 or scrypt, in PHC or modular crypt form) is taken only as long as the person
	// has no password, so that applying a file again never undoes what people chose; unless ResetPassword is true, which
	// should leave the file once it has done its work. Resetting ends the person's sessions.
	PasswordHash  Secret `yaml:"password_hash" show:"-" json:"-"`
	ResetPassword bool   `yaml:"reset_password" show:"-" json:"-"`
	// SetUpLink makes a link, good for two hours and once, by which a person without a password chooses one; not as long
	// as an earlier one works.
	SetUpLink bool `yaml:"set_up_link" show:"-" json:"-"`
	// Delete removes the person with all that is theirs but the audit.
	Delete bool `yaml:"delete" show:"-" json:"-"`

	source
}

// NewPerson returns the defaults.
func NewPerson() Person { return Person{Kind: policy.Staff, Role: policy.Member} }

// Only says that an entry made by a program mentions these fields and no others, by their names in the file.
func (e Person) Only(fields ...string) Person {
	e.said = only(fields)
	return e
}

func (e *Person) key() string { return storage.EmailKey(e.Email) }

func (e *Person) checkForm(c checker) {
	c.email("email", e.Email)
	oneOf(c, "kind", e.Kind, kinds...)
	oneOf(c, "role", e.Role, policy.Member, policy.Administrator, policy.Owner)
	if e.Phone != "" && !phoneForm.MatchString(e.Phone) {
		c.refuse("phone", fmt.Sprintf("is %q", e.Phone), "write the number with + and country code, without spaces: +41791234567")
	}
	e.checkProfile(c)
	for product, roles := range e.Roles {
		for i, role := range roles {
			if !roleForm.MatchString(role) || len(role) > maxID {
				c.refuse(fmt.Sprintf("roles.%s[%d]", product, i), fmt.Sprintf("is %q", role), "write up to 64 letters, digits and . _ : -")
			}
		}
	}
	if e.ResetPassword && e.PasswordHash == "" {
		c.refuseAs(CodeConflict, "reset_password", "is true without a new password", "write password_hash as well")
	}
	if e.SetUpLink && e.PasswordHash != "" {
		c.refuseAs(CodeConflict, "set_up_link", "is true beside password_hash", "keep one of them")
	}
}

func (e *Person) checkProfile(c checker) {
	p := e.Profile
	for field, text := range map[string]string{
		"name": p.Name, "given_name": p.GivenName, "family_name": p.FamilyName, "middle_name": p.MiddleName, "nickname": p.Nickname,
		"preferred_username": p.PreferredUsername, "gender": p.Gender, "zoneinfo": p.Zoneinfo, "locale": p.Locale,
	} {
		c.text(field, text)
	}
	c.page("profile", p.Profile)
	c.page("picture", p.Picture)
	c.page("website", p.Website)
	if p.Birthdate != "" && !birthForm.MatchString(p.Birthdate) {
		c.refuse("birthdate", fmt.Sprintf("is %q", p.Birthdate), "write 1990-12-31, 1990, or 0000-12-31 without the year")
	}
	if a := p.Address; a != nil && len(a.Formatted) > maxText {
		c.refuseAs(CodeTooLong, "address.formatted", "is longer than 500 bytes", "shorten it")
	} else if a != nil {
		for field, text := range map[string]string{"street_address": a.StreetAddress, "locality": a.Locality, "region": a.Region, "postal_code": a.PostalCode, "country": a.Country} {
			c.text("address."+field, text)
		}
	}
}

// checkWhole checks a person together with what was there before; companies and products are those there will be.
func (e *Person) checkWhole(c checker, companies map[string]*storage.Org, products map[string]*storage.Client) {
	if e.Company == "" {
		c.refuseAs(CodeMissing, "company", "is missing", "write the id of the person's company")
	} else {
		c.company("company", e.Company, companies)
	}
	if e.PhoneVerified && e.Phone == "" {
		c.refuseAs(CodeConflict, "phone_verified", "is true without a phone", "write phone as well")
	}
	for _, product := range slices.Sorted(maps.Keys(e.Roles)) {
		if products[product] == nil {
			c.refuseAs(CodeUnknown, "roles."+product, "is for a product that isn't there", "add it to products, or write the id of one that is there")
		}
	}
}

// personOf is a row as a file would declare it.
func personOf(u *storage.User) Person {
	return Person{
		Email: u.Email, Company: u.OrgID, Profile: u.Profile, EmailVerified: u.EmailVerified, Phone: u.Phone, PhoneVerified: u.PhoneVerified,
		Kind: u.Kind, Role: u.Role, Operator: u.Operator, Roles: u.Roles, RequireTwoStep: u.TwoStepRequired, Disabled: !u.DisabledAt.IsZero(),
	}
}

// user is the row that an entry wants, in place of was. The password isn't in it.
func (e *Person) user(was *storage.User, now time.Time) storage.User {
	u := storage.User{ID: storage.NewID(), CreatedAt: now}
	if was != nil {
		u = *was
	}
	u.OrgID, u.Email, u.Profile = e.Company, e.Email, e.Profile
	u.EmailVerified, u.Phone, u.PhoneVerified = e.EmailVerified, e.Phone, e.PhoneVerified
	u.Kind, u.Role, u.Operator, u.Roles, u.TwoStepRequired = e.Kind, e.Role, e.Operator, e.Roles, e.RequireTwoStep
	switch {
	case !e.Disabled:
		u.DisabledAt = time.Time{}
	case u.DisabledAt.IsZero():
		u.DisabledAt = now
	}
	return u
}
