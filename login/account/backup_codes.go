package account

import (
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

func (a *Account) backupCodesPage(v *visit) error {
	if len(v.in.Methods) == 0 {
		return v.redirect("/account/set-up") // they are for when another factor is out of reach
	}
	return a.show(v, page.Confirm{
		Heading: page.Say("new_codes.heading"), Body: page.Say("new_codes.body"), Button: page.Say("new_codes.button"),
		Action: "/account/backup-codes", BackURL: "/account",
	}, nil)
}

// backupCodesPost makes new codes; the old ones stop working.
func (a *Account) backupCodesPost(v *visit) error {
	if len(v.in.Methods) == 0 {
		return v.redirect("/account/set-up")
	}
	var codes []string
	err := a.DB.Write(v.ctx(), func(tx *storage.Tx) (err error) {
		if codes, err = a.Factors.Backup.Make(v.ctx(), tx, v.in.User.ID, v.facts.Company.Rules.BackupCodesMade(), a.Now()); err != nil {
			return err
		}
		return a.changed(v, tx, "backup_codes.made")
	})
	if err != nil {
		return err
	}
	return a.showCodes(v, codes, false)
}

// showCodes shows codes in the answer to the form that made them: they are
// kept nowhere in clear, and can't be shown again.
func (a *Account) showCodes(v *visit, codes []string, step bool) error {
	return a.show(v, page.BackupCodes{
		Codes: codes, Account: v.in.User.Email, Issuer: a.Host, Made: a.Now(), Step: step, Resets: v.facts.Company.Rules.BackupCodeResets, Action: "/account/backup-codes/saved",
	}, nil)
}

func (a *Account) backupCodesSaved(v *visit) error { return v.redirect("/account") }
