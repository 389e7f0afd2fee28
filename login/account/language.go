package account

import (
	"slices"

	"github.com/sallyport-id/sallyport/storage"
)

// language keeps the language that the person chose for pages and mails; none
// leaves it to the browser.
func (a *Account) language(v *visit) error {
	chosen := v.R.PostFormValue("language")
	if chosen != "" && !slices.Contains(a.Pages.Languages(), chosen) {
		return v.Redirect("/account")
	}
	err := a.DB.Write(v.Ctx(), func(tx *storage.Tx) error {
		if err := tx.HoldUser(v.Ctx(), v.In.User.ID); err != nil {
			return err
		}
		user, err := tx.User(v.Ctx(), v.In.User.ID)
		if err != nil {
			return err
		}
		user.Profile.Locale = chosen
		return tx.SetProfile(v.Ctx(), user.ID, user.Profile, a.Now())
	})
	if err != nil {
		return err
	}
	return v.Redirect("/account")
}
