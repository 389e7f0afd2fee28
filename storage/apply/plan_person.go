package apply

import (
	"errors"
	"fmt"
	"maps"

	"github.com/sallyport-id/sallyport/storage"
)

func (a *applying) planPeople() error {
	for _, entry := range a.file.People {
		was, err := a.tx.UserByEmail(a.ctx, entry.Email)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		if err != nil {
			was = nil
		} else if !a.held[was.ID] {
			return changedMeanwhile(entry.Email)
		}
		c := a.checker(entry.source)
		if !entry.fromFile() {
			entry.checkForm(c)
		}
		if !a.goOn(c, "person", entry.Email, was != nil, entry.Delete) {
			continue
		}
		if entry.Delete {
			a.deletePerson(entry, was)
			continue
		}
		if err := a.planPerson(c, entry, was); err != nil {
			return err
		}
	}
	return nil
}

func (a *applying) deletePerson(entry Person, was *storage.User) {
	a.people[was.ID] = &personChange{was: was, source: entry.source}
	// Ended first, so that products are told.
	a.first = append(a.first, a.endSessions(was.ID))
	a.then = append(a.then, func() error { return a.tx.DeleteUser(a.ctx, was.ID) })
	a.note(Change{Action: Deleted, Noun: "person", Key: was.Email}, storage.Event{UserID: was.ID, OrgID: was.OrgID})
}

func (a *applying) planPerson(c checker, entry Person, was *storage.User) error {
	change := Change{Action: Added, Noun: "person", Key: entry.Email}
	wanted := entry
	if was != nil {
		there := personOf(was)
		wanted = merge(there, entry, entry.source)
		wanted.Email = was.Email // the key, whatever its letters
		if wanted.Phone != there.Phone && !entry.mentions("phone_verified") {
			wanted.PhoneVerified = false // nobody has proved the new one
		}
		if !entry.fromFile() && !entry.mentions("company") && entry.Company != "" && entry.Company != was.OrgID {
			c.refuse("email", "is of somebody in another company", "write another address") // since it was looked at
		}
		if !entry.mentions("roles") {
			wanted.Roles = a.rolesLeft(wanted.Roles)
		}
		change.Action, change.Key, change.Fields = Changed, was.Email, differences(there, wanted)
	}
	wanted.checkWhole(c, a.companies, a.products)
	user := wanted.user(was, a.Now)
	password, err := a.planPassword(c, &wanted, was, &user)
	if err != nil {
		return err
	}
	if was != nil && password {
		change.Fields = append(change.Fields, FieldChange{Field: "password set", show: "never"})
	}
	if was != nil && len(change.Fields) == 0 {
		change.Action = Unchanged
	} else {
		a.people[user.ID] = &personChange{was: was, is: &user, source: entry.source}
		a.writePerson(was, user, password)
	}
	change.Name = user.Profile.Name
	a.note(change, storage.Event{UserID: user.ID, OrgID: user.OrgID})
	return a.planLink(&wanted, user)
}

// rolesLeft are the roles in products that will be there, and will know them.
func (a *applying) rolesLeft(roles map[string][]string) map[string][]string {
	left := maps.Clone(roles)
	for product, has := range roles {
		if left[product] = knownRoles(a.products[product], has); len(left[product]) == 0 {
			delete(left, product)
		}
	}
	return left
}

// planPassword decides whether the file's password is taken.
func (a *applying) planPassword(c checker, wanted *Person, was, user *storage.User) (taken bool, err error) {
	hash := string(wanted.PasswordHash)
	if hash == "" {
		return false, nil
	}
	if a.HashOK != nil && a.HashOK(hash) != nil {
		c.refuse("password_hash", "is of no kind that can be verified here", "write a hash by argon2, bcrypt, PBKDF2 or scrypt, "+
			"such as $argon2id$v=19$m=19456,t=2,p=1$…; or set_up_link: true")
		return false, nil
	}
	if was != nil && (was.PasswordHash != "" && !wanted.ResetPassword || was.PasswordHash == hash) {
		return false, nil
	}
	user.PasswordHash = hash
	return true, nil
}

func (a *applying) writePerson(was *storage.User, user storage.User, password bool) {
	if was == nil {
		a.then = append(a.then, func() error {
			err := a.tx.InsertUser(a.ctx, user, a.Now)
			if errors.Is(err, storage.ErrTaken) {
				return fmt.Errorf("%s was added by somebody else at this moment; run it again: %w", user.Email, err)
			}
			return err
		})
		return
	}
	disabled := was.DisabledAt.IsZero() && !user.DisabledAt.IsZero()
	if disabled || password && was.PasswordHash != "" || was.OrgID != user.OrgID {
		a.first = append(a.first, a.endSessions(user.ID))
	}
	a.then = append(a.then, func() error { return a.tx.UpdateUser(a.ctx, user, a.Now) })
	if password {
		a.then = append(a.then, func() error { return a.tx.SetPasswordHash(a.ctx, user.ID, was.PasswordHash, user.PasswordHash, a.Now) })
	}
}

func (a *applying) endSessions(userID string) func() error {
	return func() error {
		_, err := a.tx.EndSessions(a.ctx, storage.Ending{UserID: userID, Offline: true}, a.Now)
		return err
	}
}

// planLink makes the set-up link of somebody without a password, once all else is written.
func (a *applying) planLink(wanted *Person, user storage.User) error {
	if !wanted.SetUpLink || user.PasswordHash != "" {
		return nil
	}
	if a.SetUpLink == nil {
		return errors.New("apply: the file asks for set-up links and Options.SetUpLink is nil")
	}
	a.then = append(a.then, func() error {
		url, err := a.SetUpLink(a.ctx, a.tx, user.ID, a.Now)
		if err != nil || url == "" {
			return err
		}
		if a.DryRun {
			url = "" // it is taken back
		}
		a.report.Links = append(a.report.Links, Link{Email: user.Email, URL: url})
		a.audit("link.made", "", storage.Event{UserID: user.ID, OrgID: user.OrgID})
		return nil
	})
	return nil
}
