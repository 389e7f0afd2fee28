package account

import (
	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// networkCheck says whether the company confirms sign-ins from new networks,
// and the person may skip that.
func networkCheck(v *visit) bool {
	return v.Facts.Company.Rules.NewNetworkCheck && len(v.In.Methods) > 0 && policy.AlwaysTwoFactors(v.Facts.Person, v.Facts.Company)
}

func (a *Account) networkCheckPost(v *visit) error {
	skip := v.R.PostFormValue("skip") == "1"
	if !networkCheck(v) || skip == v.In.User.SkipNewNetworkCheck {
		return v.Redirect("/account")
	}
	err := a.change(v, func(tx *storage.Tx) error {
		if err := tx.SetSkipNewNetworkCheck(v.Ctx(), v.In.User.ID, skip, a.Now()); err != nil {
			return err
		}
		if !skip {
			return tx.Audit(v.Ctx(), a.event(v, "network_check.on"))
		}
		return a.changed(v, tx, "network_check.off")
	})
	if err != nil {
		return err
	}
	return v.Redirect("/account")
}
