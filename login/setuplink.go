package login

import (
	"context"
	"errors"
	"net/http"
	"net/mail"
	"regexp"
	"strings"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// setUpLinkPage shows the form. A GET changes nothing: mail scanners follow
// links.
func (l *Login) setUpLinkPage(w http.ResponseWriter, r *http.Request) {
	link, ok := l.usableLink(w, r)
	if !ok {
		return
	}
	p, err := l.setUpForm(r, link)
	if err != nil {
		l.setUpFailed(w, r, link, err)
		return
	}
	l.Pages.Write(w, l.linkFrame(w, r, nil), p)
}

func (l *Login) linkFrame(w http.ResponseWriter, r *http.Request, problem *page.Problem) page.Frame {
	f := l.plainFrame(r)
	f.FormToken, f.Problem = l.Sessions.FormToken(w, r), problem
	return f
}

// byMail says of the purposes whose links lead here whether they were mailed:
// then using one shows that the mailbox is the person's.
func byMail(purpose string) (yes, belongs bool) {
	yes, belongs = map[string]bool{
		notify.LinkFirstOwner: false, notify.LinkSetUp: false, notify.LinkInvite: true, notify.LinkReset: true,
	}[purpose]
	return yes, belongs
}

// usableLink returns the link of the address, or says what is wrong with it.
func (l *Login) usableLink(w http.ResponseWriter, r *http.Request) (*storage.Link, bool) {
	link, wrong, err := l.lookUp(r.Context(), r.URL.Query().Get("token"), func(purpose string) bool { _, ok := byMail(purpose); return ok })
	switch {
	case err != nil:
		l.fail(w, r, err)
		return nil, false
	case wrong == "":
		return link, true
	}
	purpose := notify.LinkSetUp
	if link != nil {
		purpose = link.Purpose
	}
	l.badLink(w, r, purpose, wrong)
	return nil, false
}

// mayChoose says whether a link may still give the person a password: not one
// that was mailed to an address which isn't theirs any more (storage.ErrSpent),
// and none while changes are locked (errLocked), but what an operator has
// handed over since.
func mayChoose(link *storage.Link, user *storage.User) error {
	switch {
	case link.Data != "" && storage.EmailKey(link.Data) != storage.EmailKey(user.Email):
		return storage.ErrSpent
	case user.ChangesLockedAt.IsZero(), link.Purpose == notify.LinkSetUp && link.CreatedAt.After(user.ChangesLockedAt):
		return nil
	}
	return errLocked
}

func (l *Login) setUpForm(r *http.Request, link *storage.Link) (page.Page, error) {
	if link.Purpose == notify.LinkFirstOwner {
		return page.FirstOwner{
			Company: r.PostFormValue("company"), Name: r.PostFormValue("name"), Email: r.PostFormValue("username"), MinLength: factor.MinPassword,
		}, nil
	}
	person, err := l.DB.Person(r.Context(), link.UserID, "")
	if err != nil {
		return nil, err
	}
	if err := mayChoose(link, &person.User); err != nil {
		return nil, err
	}
	company, err := l.Sessions.Company(r.Context(), person.User.OrgID)
	return page.SetPassword{Email: person.User.Email, Company: company.Name, MinLength: factor.PasswordLength(session.PolicyPerson(person), company)}, err
}

func (l *Login) setUpLinkPost(w http.ResponseWriter, r *http.Request) {
	link, ok := l.usableLink(w, r)
	if !ok {
		return
	}
	p, err := l.setUpForm(r, link)
	if err == nil && !l.Sessions.FormTokenOK(r) {
		l.Pages.Write(w, l.linkFrame(w, r, problem("", "problem.form_stale")), p)
		return
	}
	var wrong *page.Problem
	if err == nil {
		switch p := p.(type) {
		case page.FirstOwner:
			wrong, err = l.becomeOwner(r, link, p)
		case page.SetPassword:
			wrong, err = l.choosePassword(r, link, p)
		}
	}
	switch {
	case err != nil:
		l.setUpFailed(w, r, link, err)
	case wrong != nil:
		l.Pages.Write(w, l.linkFrame(w, r, wrong), p)
	default:
		http.Redirect(w, r, "/account", http.StatusSeeOther)
	}
}

func (l *Login) setUpFailed(w http.ResponseWriter, r *http.Request, link *storage.Link, err error) {
	switch {
	case storage.IsSpent(err):
		l.badLink(w, r, link.Purpose, linkUsed) // used meanwhile, or overtaken
	case errors.Is(err, errLocked):
		l.linkRefused(w, r, http.StatusForbidden, "set_password", "problem.changes_locked")
	default:
		l.fail(w, r, err)
	}
}

// choosePassword sets a person's password by their link. It ends what runs, as
// any change of a password does, and skips no second factor. Other links for a
// password are void from then on.
func (l *Login) choosePassword(r *http.Request, link *storage.Link, p page.SetPassword) (*page.Problem, error) {
	ctx, now := r.Context(), l.Now()
	user, err := l.DB.User(ctx, link.UserID)
	if err != nil {
		return nil, err
	}
	password := r.PostFormValue("password")
	if wrong := factor.PasswordProblem(password, r.PostFormValue("repeat"), p.MinLength, p.Company, l.Host, user.Profile.Name, user.Email); wrong != nil {
		return wrong, nil
	}
	hash, err := l.Factors.Passwords.Hash(ctx, password)
	if errors.Is(err, factor.ErrBusy) {
		return problem("", "problem.busy"), nil
	}
	if err != nil {
		return nil, err
	}
	return nil, l.DB.Write(ctx, func(tx *storage.Tx) error {
		if err := tx.SpendLink(ctx, link.Hash, now); err != nil {
			return err
		}
		user, err := tx.User(ctx, link.UserID)
		if err != nil {
			return err
		}
		if err := mayChoose(link, user); err != nil {
			return err
		}
		if err := tx.SetPasswordHash(ctx, user.ID, user.PasswordHash, hash, now); err != nil {
			return err
		}
		if mailed, _ := byMail(link.Purpose); mailed {
			if err := l.mailboxProved(ctx, tx, user); err != nil {
				return err
			}
		}
		if err := tx.VoidLinks(ctx, user.ID, l.Now(), notify.LinkSetUp, notify.LinkInvite, notify.LinkReset, notify.LinkChangeAddress, notify.LinkTwoStep); err != nil {
			return err
		}
		if err := tx.ForgetAttempts(ctx, factor.PasswordCounterPrefix(user.Email)); err != nil {
			return err
		}
		if _, err := tx.EndSessions(ctx, storage.Ending{UserID: user.ID, Offline: true}, now); err != nil {
			return err
		}
		if err := tx.Audit(ctx, l.event(ctx, "password.changed", storage.OK, "", user)); err != nil {
			return err
		}
		return l.Notices.Tell(ctx, tx, user, "password.changed", session.OriginOf(ctx).Addr.String())
	})
}

// mailboxProved confirms the address a link was mailed to, and knows from then
// on the network it was opened from: a code by mail would show nothing more.
func (l *Login) mailboxProved(ctx context.Context, tx *storage.Tx, user *storage.User) error {
	if err := tx.SetEmail(ctx, user.ID, user.Email, user.Email, l.Now()); err != nil {
		return err
	}
	if !user.EmailVerified {
		if err := tx.Audit(ctx, l.event(ctx, "address.confirmed", storage.OK, "", user)); err != nil {
			return err
		}
	}
	return tx.SeeNetwork(ctx, user.ID, session.Network(session.OriginOf(ctx).Addr), l.Now())
}

var notID = regexp.MustCompile(`[^a-z0-9]+`)

// becomeOwner makes the first company and its owner.
func (l *Login) becomeOwner(r *http.Request, link *storage.Link, p page.FirstOwner) (*page.Problem, error) {
	company, name, email := strings.TrimSpace(p.Company), strings.TrimSpace(p.Name), strings.TrimSpace(p.Email)
	address, err := mail.ParseAddress(email)
	orgID := strings.Trim(notID.ReplaceAllString(strings.ToLower(company), "-"), "-")
	switch {
	case company == "" || orgID == "":
		return problem("company", "problem.company_missing"), nil
	case name == "":
		return problem("name", "problem.name_missing"), nil
	case err != nil || address.Address != email:
		return problem("username", "problem.username_format"), nil
	}
	password := r.PostFormValue("password")
	if wrong := factor.PasswordProblem(password, r.PostFormValue("repeat"), p.MinLength, company, l.Host, name, email); wrong != nil {
		return wrong, nil
	}
	ctx, now := r.Context(), l.Now()
	hash, err := l.Factors.Passwords.Hash(ctx, password)
	if errors.Is(err, factor.ErrBusy) {
		return problem("", "problem.busy"), nil
	}
	if err != nil {
		return nil, err
	}
	user := storage.User{
		ID: storage.NewID(), OrgID: orgID, Email: email, Profile: storage.Profile{Name: name}, Kind: policy.Staff, Role: policy.Owner, Operator: true, PasswordHash: hash,
	}
	err = l.DB.Write(ctx, func(tx *storage.Tx) error {
		if err := tx.SpendLink(ctx, link.Hash, now); err != nil {
			return err
		}
		if owner, err := tx.HasOwner(ctx); err != nil {
			return err
		} else if owner {
			return storage.ErrSpent
		}
		if _, err := tx.Org(ctx, orgID); errors.Is(err, storage.ErrNotFound) {
			if err := tx.PutOrg(ctx, storage.Org{ID: orgID, Name: company, Rules: []byte("{}")}, now); err != nil {
				return err
			}
		} else if err != nil {
			return err
		}
		if err := tx.InsertUser(ctx, user, now); err != nil {
			return err
		}
		return tx.Audit(ctx, l.event(ctx, "owner.created", storage.OK, "", &user))
	})
	if errors.Is(err, storage.ErrTaken) {
		return problem("username", "problem.username_taken"), nil
	}
	return nil, err
}
