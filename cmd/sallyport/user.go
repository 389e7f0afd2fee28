package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

type userCommand struct {
	Create    userCreateCommand       `cmd:"" help:"Add a person; prints a link by which they choose a password."`
	Invite    userInviteCommand       `cmd:"" help:"Mail a person a link by which they choose a password."`
	List      userListCommand         `cmd:"" help:"List people."`
	Disable   userDisableCommand      `cmd:"" help:"Keep a person out, and end what they are signed in to."`
	Enable    userEnableCommand       `cmd:"" help:"Let a disabled person in again."`
	Unlock    userUnlockCommand       `cmd:"" help:"Forget a person's wrong passwords and codes, and let them make changes again."`
	Reset2FA  userReset2FACommand     `cmd:"" name:"reset-2fa" help:"Remove a person's second factors and backup codes, for who has lost them all."`
	Recovery  userRecoveryCodeCommand `cmd:"" name:"recovery-code" help:"Make a code that stands in for a lost second factor, once."`
	SetupLink userSetupLinkCommand    `cmd:"" name:"setup-link" help:"Make a link by which a person chooses a new password."`
}

func notFound(err error) bool { return errors.Is(err, storage.ErrNotFound) }

// findUser returns a person by address.
func findUser(ctx context.Context, db *storage.DB, email string) (*storage.User, error) {
	user, err := db.UserByEmail(ctx, email)
	if notFound(err) {
		return nil, fmt.Errorf("there is no person with the address %s; sallyport user list shows those there are", email)
	}
	return user, err
}

type userCreateCommand struct {
	settings
	answer
	Email          string   `arg:"" help:"The person's address."`
	Company        string   `required:"" placeholder:"ID" help:"Their company."`
	Name           string   `help:"Their full name."`
	Kind           string   `default:"staff" placeholder:"KIND" help:"staff or client. Default: staff."`
	Role           string   `default:"member" placeholder:"ROLE" help:"member, administrator or owner. Default: member."`
	EmailVerified  bool     `help:"The address is known to be theirs."`
	Phone          string   `placeholder:"NUMBER" help:"Their number with country code: +41791234567."`
	ProductRole    []string `placeholder:"PRODUCT=ROLE" help:"A role in a product; may be repeated."`
	RequireTwoStep bool     `help:"Demand two-step verification of them."`
	PasswordHash   string   `placeholder:"HASH" help:"Hash of the password they have; then no link is made."`
	Invite         bool     `help:"Mail them the link instead of printing it."`
}

// Run adds a person.
func (c *userCreateCommand) Run(ctx context.Context, p *process) error {
	person := apply.NewPerson()
	person.Email, person.Company, person.Name, person.Kind, person.Role = c.Email, c.Company, c.Name, c.Kind, c.Role
	person.EmailVerified, person.Phone, person.RequireTwoStep = c.EmailVerified, c.Phone, c.RequireTwoStep
	person.PasswordHash, person.SetUpLink = apply.Secret(c.PasswordHash), c.PasswordHash == ""
	person.Roles = make(map[string][]string)
	for _, text := range c.ProductRole {
		product, role, ok := strings.Cut(text, "=")
		if !ok {
			return usageError{fmt.Errorf("--product-role %s: write PRODUCT=ROLE", text)}
		}
		person.Roles[product] = append(person.Roles[product], role)
	}
	if c.Invite && c.PasswordHash != "" {
		return usageError{errors.New("--invite is for a person without a password: leave --password-hash or --invite out")}
	}
	return c.withDatabase(ctx, p, func(conf config.Config, db *storage.DB) error {
		passwords := factor.NewPasswords()
		options := apply.Options{Now: present(), Actor: byCommand, OnlyNew: true, HashOK: passwords.KnownHash, SetUpLink: setUpLink(conf.Issuer)}
		var report apply.Report
		var err error
		if c.Invite {
			err = c.invite(ctx, conf, db, person)
		} else {
			report, err = apply.Apply(ctx, db, &apply.File{People: []apply.Person{person}}, options)
		}
		if err != nil {
			return err
		}
		user, err := db.UserByEmail(ctx, c.Email)
		if err != nil {
			return err
		}
		answer := listUser(user)
		words := fmt.Sprintf("%s was added to %s.\n", c.Email, c.Company)
		for _, link := range report.Links {
			answer.SetUpLink = link.URL
			words += linkWords(link.URL)
		}
		if c.Invite {
			words += invitedWords(c.Email)
		}
		return c.print(p, answer, words)
	})
}

// invite adds a person and mails them the link.
func (c *userCreateCommand) invite(ctx context.Context, conf config.Config, db *storage.DB, person apply.Person) error {
	if err := mailGoesOut(conf); err != nil {
		return err
	}
	g, err := governing(conf, db)
	if err != nil {
		return err
	}
	if _, err := db.Org(ctx, c.Company); notFound(err) {
		return fmt.Errorf("there is no company %s; declare it in a file for sallyport apply", c.Company)
	}
	person.SetUpLink = false
	_, err = g.CreatePerson(ctx, govern.AtTheCommandLine(), c.Company, govern.NewPerson{Entry: person, Invite: true})
	return err
}

func linkWords(url string) string {
	return fmt.Sprintf("Give them this link yourself; it works once, for two hours:\n  %s\n", url)
}

type userListCommand struct {
	settings
	answer
	Company string `placeholder:"ID" help:"Only the people of this company."`
}

// listedUser is a person in an answer; nothing in it helps to sign in, but the link where one was just made.
type listedUser struct {
	ID            string              `json:"id"`
	Email         string              `json:"email"`
	EmailVerified bool                `json:"email_verified"`
	Name          string              `json:"name,omitempty"`
	Company       string              `json:"company"`
	Kind          string              `json:"kind"`
	Role          string              `json:"role"`
	Roles         map[string][]string `json:"roles,omitempty"`
	HasPassword   bool                `json:"has_password"`
	// TwoStep is on (the person's wish), required (of this person) or off; company and product rules come on top.
	TwoStep    string    `json:"two_step"`
	Disabled   bool      `json:"disabled"`
	LastSignIn time.Time `json:"last_sign_in,omitzero"`
	SetUpLink  string    `json:"set_up_link,omitempty"`
}

func listUser(u *storage.User) listedUser {
	l := listedUser{
		ID: u.ID, Email: u.Email, EmailVerified: u.EmailVerified, Name: u.Profile.Name, Company: u.OrgID, Kind: u.Kind, Role: u.Role, Roles: u.Roles,
		HasPassword: u.PasswordHash != "", TwoStep: "off", Disabled: !u.DisabledAt.IsZero(), LastSignIn: u.LastSignInAt,
	}
	switch {
	case u.TwoStepRequired:
		l.TwoStep = "required"
	case u.TwoStep:
		l.TwoStep = "on"
	}
	return l
}

func (l listedUser) state() string {
	switch {
	case l.Disabled:
		return "disabled"
	case !l.HasPassword:
		return "no password"
	}
	return "active"
}

// peopleAtOnce bounds one query of a list.
const peopleAtOnce = 500

// Run lists people by address.
func (c *userListCommand) Run(ctx context.Context, p *process) error {
	return c.withDatabase(ctx, p, func(_ config.Config, db *storage.DB) error {
		listed := []listedUser{}
		rows := [][]string{{"EMAIL", "NAME", "COMPANY", "KIND", "ROLE", "TWO-STEP", "STATE", "LAST SIGN-IN"}}
		for after := ""; ; {
			people, err := db.Users(ctx, c.Company, after, peopleAtOnce)
			if err != nil {
				return err
			}
			for _, u := range people {
				l := listUser(u)
				listed, after = append(listed, l), u.Email
				rows = append(rows, []string{l.Email, orDash(l.Name), l.Company, l.Kind, l.Role, l.TwoStep, l.state(), moment(l.LastSignIn)})
			}
			if len(people) < peopleAtOnce {
				break
			}
		}
		words := table(rows)
		if len(listed) == 0 {
			words = "There are no people here: add one with sallyport user create.\n"
		}
		return c.print(p, listed, words)
	})
}
