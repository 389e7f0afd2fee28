package account

import (
	"errors"
	"slices"
	"strings"

	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// consents are the products that the person gave access.
func (a *Account) consents(v *visit) (all []page.Consented, err error) {
	given, err := a.DB.Consents(v.Ctx(), v.In.User.ID)
	if err != nil {
		return nil, err
	}
	for _, c := range given {
		product, err := a.DB.Client(v.Ctx(), c.ClientID)
		if err != nil {
			return nil, err
		}
		words := strings.Fields(c.Scope)
		named, err := a.Sessions.WordNames(v.Ctx(), words)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Consented{ID: c.ClientID, Product: product.Name, Scopes: words, Named: named, Since: c.CreatedAt})
	}
	return all, nil
}

func (a *Account) productName(v *visit, id string) (string, error) {
	c, err := a.DB.Client(v.Ctx(), id)
	if err != nil {
		return "", err
	}
	return c.Name, nil
}

// withdrawConsent takes back what a product was allowed, and ends what it
// holds: it asks anew the next time the person signs in to it. That takes no
// fresh factor, as it only takes something away, and works where changes are
// locked.
func (a *Account) withdrawConsent(v *visit) error {
	ctx, product := v.Ctx(), v.R.PostFormValue("product")
	err := a.DB.Write(ctx, func(tx *storage.Tx) error {
		if err := tx.DeleteConsent(ctx, v.In.User.ID, product); err != nil {
			return err
		}
		if err := tx.Withdraw(ctx, v.In.User.ID, product, a.Now()); err != nil {
			return err
		}
		e := a.event(v, "consent.withdrawn")
		e.ClientID = product
		return tx.Audit(ctx, e)
	})
	if errors.Is(err, storage.ErrNotFound) {
		return v.Redirect("/account") // it was withdrawn already
	}
	if err != nil {
		return err
	}
	return v.Redirect("/account?withdrawn=" + product)
}

// withdrawnNotice says that a product has no access any more, if the page
// before withdrew it. Anybody can make a link like the one that leads here, so
// it must be true, of a product that the person knows.
func (a *Account) withdrawnNotice(v *visit, left []page.Consented) *page.Text {
	id := v.R.URL.Query().Get("withdrawn")
	if id == "" || slices.ContainsFunc(left, func(c page.Consented) bool { return c.ID == id }) {
		return nil
	}
	events, err := a.DB.Activity(v.Ctx(), v.In.User.ID, activityShown)
	if err != nil || !slices.ContainsFunc(events, func(e *storage.Event) bool { return e.Event == "consent.withdrawn" && e.ClientID == id }) {
		return nil
	}
	name, err := a.productName(v, id)
	if err != nil {
		return nil
	}
	t := page.Say("account.consent_withdrawn", "Product", name)
	return &t
}
