package account

import (
	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// networkCheck says whether the company confirms sign-ins from new networks,
// and the person may skip that.
func networkCheck(v *visit) bool {
	return v.facts.Company.Rules.NewNetworkCheck && len(v.in.Methods) > 0 && policy.AlwaysTwoFactors(v.facts.Person, v.facts.Company)
}

func (a *Account) networkCheckPost(v *visit) error {
	skip := v.r.PostFormValue("skip") == "1"
	if !networkCheck(v) || skip == v.in.User.SkipNewNetworkCheck {
		return v.redirect("/account")
	}
	err := a.change(v, func(tx *storage.Tx) error {
		if err := tx.SetSkipNewNetworkCheck(v.ctx(), v.in.User.ID, skip, a.Now()); err != nil {
			return err
		}
		if !skip {
			return tx.Audit(v.ctx(), a.event(v, "network_check.on"))
		}
		return a.changed(v, tx, "network_check.off")
	})
	if err != nil {
		return err
	}
	return v.redirect("/account")
}
