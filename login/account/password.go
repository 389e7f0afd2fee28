package account

import (
	"errors"

	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

func (a *Account) passwordPage(v *visit) error { return a.showPasswordForm(v, nil) }

func (a *Account) showPasswordForm(v *visit, problem *page.Problem) error {
	return a.show(v, page.ChangePassword{
		Email: v.In.User.Email, MinLength: factor.PasswordLength(v.Facts.Person, v.Facts.Company), BackURL: "/account",
	}, problem)
}

// passwordPost changes the password. Whoever is asked has just proved who they
// are, by the old one or by a second factor.
func (a *Account) passwordPost(v *visit) error {
	ctx, user, company := v.Ctx(), &v.In.User, v.Facts.Company
	password := v.R.PostFormValue("password")
	problem := factor.PasswordProblem(password, v.R.PostFormValue("repeat"), factor.PasswordLength(v.Facts.Person, company), company.Name, a.Host, user.Profile.Name, user.Email)
	if problem != nil {
		return a.showPasswordForm(v, problem)
	}
	hash, err := a.Factors.Passwords.Hash(ctx, password)
	if errors.Is(err, factor.ErrBusy) {
		return a.showPasswordForm(v, &page.Problem{Text: page.Say("problem.busy")})
	}
	if err != nil {
		return err
	}
	err = a.change(v, func(tx *storage.Tx) error {
		if err := tx.SetPasswordHash(ctx, user.ID, user.PasswordHash, hash, a.Now()); err != nil {
			return err
		}
		if err := tx.ForgetAttempts(ctx, factor.PasswordCounterPrefix(user.Email)); err != nil {
			return err
		}
		// A link that still lies in a mailbox must not undo this.
		if err := tx.VoidLinks(ctx, user.ID, a.Now(), notify.LinkSetUp, notify.LinkInvite, notify.LinkReset, notify.LinkChangeAddress, notify.LinkTwoStep); err != nil {
			return err
		}
		return a.changed(v, tx, "password.changed")
	})
	switch {
	case storage.IsSpent(err): // changed meanwhile, in another tab or by a link
		return a.showPasswordForm(v, &page.Problem{Text: page.Say("problem.form_stale")})
	case err != nil:
		return err
	}
	return v.Redirect("/account")
}
