package account

import (
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// twoStep turns the person's own two-step verification on or off. The factors
// stay either way: a product that needs a second factor still gets one.
func (a *Account) twoStep(v *visit) error {
	on := v.R.PostFormValue("on") == "1"
	switch {
	case on && len(v.In.Methods) == 0:
		return v.Redirect("/account/set-up") // enrolling turns it on
	case !on && a.requiredBy(v) != nil:
		return v.Redirect("/account") // the page says why it can't be turned off
	case !on && v.R.PostFormValue("confirm") != "1":
		return v.Redirect("/account/two-step/off")
	}
	err := a.change(v, func(tx *storage.Tx) error {
		if err := tx.SetTwoStep(v.Ctx(), v.In.User.ID, on, a.Now()); err != nil {
			return err
		}
		if on {
			event := a.event(v, "two_step.on")
			if err := tx.Audit(v.Ctx(), event); err != nil {
				return err
			}
			return a.Notices.Tell(v.Ctx(), tx, &v.In.User, event.Event, event.IP)
		}
		return a.changed(v, tx, "two_step.off")
	})
	if err != nil {
		return err
	}
	return v.Redirect("/account")
}

func (a *Account) turnOffPage(v *visit) error {
	if !v.In.User.TwoStep || a.requiredBy(v) != nil {
		return v.Redirect("/account")
	}
	return a.show(v, page.Confirm{
		Heading: page.Say("two_step_off.heading"), Body: page.Say("two_step_off.body"), Button: page.Say("two_step_off.button"),
		Action: "/account/two-step", Hidden: map[string]string{"on": "0"}, BackURL: "/account",
	}, nil)
}
