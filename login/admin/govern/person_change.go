package govern

import (
	"context"
	"errors"
	"slices"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// NewPerson is what CreatePerson takes.
type NewPerson struct {
	// Entry is the person as a file would declare them. Company is overwritten.
	Entry apply.Person
	// Invite mails a link by which the person chooses a password.
	Invite bool
}

// CreatePerson adds a person to a company. The error is *apply.Problems where
// fields are wrong.
func (g *Govern) CreatePerson(ctx context.Context, by Actor, org string, n NewPerson) (p Person, err error) {
	err = g.write(ctx, by, ChangePeople, org, func(tx *storage.Tx, by Actor) error {
		p, err = g.createPerson(ctx, tx, by, org, n)
		return err
	})
	return p, err
}

func (g *Govern) createPerson(ctx context.Context, tx *storage.Tx, by Actor, org string, n NewPerson) (Person, error) {
	n.Entry.Company = org
	if err := by.mayGive(org, n.Entry.Role, n.Entry.Operator); err != nil {
		return Person{}, err
	}
	if n.Invite && !g.MailGoesOut {
		return Person{}, &Refused{Code: "no_mail", Action: ChangePeople}
	}
	if _, err := g.apply(ctx, tx, by, apply.File{People: []apply.Person{n.Entry}}, apply.Options{OnlyNew: true}); err != nil {
		return Person{}, err
	}
	u, err := tx.UserByEmail(ctx, n.Entry.Email)
	if err != nil {
		return Person{}, err
	}
	if n.Invite {
		if _, err := g.invite(ctx, tx, by, u); err != nil {
			return Person{}, err
		}
	}
	company, err := g.company(ctx, tx.Reader, org)
	return personOf(u, company), err
}

// mayGive says whether the actor may make somebody what they want to make them.
func (a Actor) mayGive(org, role string, operator bool) error {
	if operator && !a.CommandLine {
		return &Refused{Code: "operator", Action: ChangePeople} // the command line makes operators
	}
	if role == policy.Member || role == "" {
		return nil
	}
	return a.may(ChangeRole, org)
}

// ChangePerson changes the fields of a person that are named, as a file would.
// Role needs [ChangeRole], and an address is changed by ChangeAddress.
func (g *Govern) ChangePerson(ctx context.Context, by Actor, org, id string, entry apply.Person, fields ...string) (p Person, err error) {
	err = g.onPerson(ctx, by, ChangePeople, org, id, func(tx *storage.Tx, by Actor, u *storage.User) error {
		p, err = g.changePerson(ctx, tx, by, u, entry, fields...)
		return err
	})
	return p, err
}

func (g *Govern) changePerson(ctx context.Context, tx *storage.Tx, by Actor, u *storage.User, entry apply.Person, fields ...string) (Person, error) {
	entry.Email, entry.Company = u.Email, u.OrgID
	if !slices.Contains(fields, "kind") {
		entry.Kind = u.Kind
	}
	if !slices.Contains(fields, "role") {
		entry.Role = u.Role
	}
	for _, field := range fields {
		switch {
		case field == "role" && entry.Role != u.Role:
			if err := by.may(ChangeRole, u.OrgID); err != nil {
				return Person{}, err
			}
			if err := by.mayTo(ChangeRole, u); err != nil {
				return Person{}, err
			}
		case field == "disabled" && entry.Disabled && u.ID == by.UserID:
			return Person{}, &Refused{Code: "self", Action: ChangePeople}
		case field == "require_two_step" && by.liftsOwn(u, entry.RequireTwoStep):
			return Person{}, &Refused{Code: "self", Action: ChangePeople}
		case field == "email_verified", field == "company", field == "operator", field == "password_hash":
			return Person{}, &Refused{Code: "operator", Action: ChangePeople}
		}
	}
	if _, err := g.apply(ctx, tx, by, apply.File{People: []apply.Person{entry.Only(fields...)}}, apply.Options{OnlyThere: true}); err != nil {
		return Person{}, err
	}
	now, err := tx.User(ctx, u.ID)
	if err != nil {
		return Person{}, err
	}
	company, err := g.company(ctx, tx.Reader, u.OrgID)
	return personOf(now, company), err
}

// EditPerson is ChangePerson and, where email is another one, ChangeAddress: all
// of it or nothing.
func (g *Govern) EditPerson(ctx context.Context, by Actor, org, id string, entry apply.Person, email string, fields ...string) error {
	return g.onPerson(ctx, by, ChangePeople, org, id, func(tx *storage.Tx, by Actor, u *storage.User) error {
		if _, err := g.changePerson(ctx, tx, by, u, entry, fields...); err != nil || storage.EmailKey(email) == storage.EmailKey(u.Email) {
			return err
		}
		now, err := g.target(ctx, tx, by, ChangeAddress, org, id)
		if err == nil {
			err = by.may(ChangeAddress, org)
		}
		if err != nil {
			return err
		}
		return g.changeAddress(ctx, tx, by, now, email)
	})
}

// liftsOwn says whether somebody would take back what an administrator requires
// of them.
func (a Actor) liftsOwn(u *storage.User, required bool) bool {
	return u.ID == a.UserID && u.TwoStepRequired && !required
}

// DisablePerson keeps a person out, and ends what they are signed in to;
// EnablePerson lets them in again.
func (g *Govern) DisablePerson(ctx context.Context, by Actor, org, id string) (Person, error) {
	return g.ChangePerson(ctx, by, org, id, apply.Person{Disabled: true}, "disabled")
}

// EnablePerson lets a disabled person in again.
func (g *Govern) EnablePerson(ctx context.Context, by Actor, org, id string) (Person, error) {
	return g.ChangePerson(ctx, by, org, id, apply.Person{}, "disabled")
}

// RequireTwoStep demands two-step verification of a person, or no longer does.
// What the person turned on for themselves stays on.
func (g *Govern) RequireTwoStep(ctx context.Context, by Actor, org, id string, required bool) (Person, error) {
	return g.ChangePerson(ctx, by, org, id, apply.Person{RequireTwoStep: required}, "require_two_step")
}

// DeletePerson removes a person with all that is theirs but the audit.
func (g *Govern) DeletePerson(ctx context.Context, by Actor, org, id string) error {
	return g.onPerson(ctx, by, ChangePeople, org, id, func(tx *storage.Tx, by Actor, u *storage.User) error {
		if u.ID == by.UserID {
			return &Refused{Code: "self", Action: ChangePeople}
		}
		_, err := g.apply(ctx, tx, by, apply.File{People: []apply.Person{{Email: u.Email, Company: org, Delete: true, Kind: u.Kind, Role: u.Role}}}, apply.Options{OnlyThere: true})
		return err
	})
}

// ChangeAddress gives a person another address, which they must confirm; both
// addresses are told, and a link is sent to the new one.
func (g *Govern) ChangeAddress(ctx context.Context, by Actor, org, id, email string) error {
	return g.onPerson(ctx, by, ChangeAddress, org, id, func(tx *storage.Tx, by Actor, u *storage.User) error {
		return g.changeAddress(ctx, tx, by, u, email)
	})
}

func (g *Govern) changeAddress(ctx context.Context, tx *storage.Tx, by Actor, u *storage.User, email string) error {
	if err := apply.CheckEmail("email", email); err != nil {
		return err
	}
	if storage.EmailKey(email) == storage.EmailKey(u.Email) {
		return nil
	}
	was := u.Email
	u.Email, u.EmailVerified = email, false
	if err := tx.UpdateUser(ctx, *u, g.Now()); err != nil {
		if errors.Is(err, storage.ErrTaken) {
			return apply.Taken("email", email)
		}
		return err
	}
	// What the old address could still be used for is over.
	if err := tx.VoidLinks(ctx, u.ID, g.Now(), notify.LinkReset, notify.LinkInvite, notify.LinkConfirmAddress, notify.LinkChangeAddress); err != nil {
		return err
	}
	if _, err := tx.EndSessions(ctx, storage.Ending{UserID: u.ID, Offline: true}, g.Now()); err != nil {
		return err
	}
	if err := tx.Audit(ctx, by.did("address.changed", u, g.Now())); err != nil {
		return err
	}
	for _, address := range []string{was, email} {
		if err := g.Notices.TellAt(ctx, tx, u, address, "address.changed", by.place(), "Old", was, "New", email); err != nil {
			return err
		}
	}
	if !g.MailGoesOut {
		return nil
	}
	return g.sendConfirmation(ctx, tx, by, u)
}
