package account

import (
	"errors"
	"slices"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// Turning two-step verification on goes by a link to the person's address:
// whoever merely learnt the password can't do it. The link works once, for two
// hours, and only for the person it was sent to, signed in.

// allowed is the kind of the enrolment that stands for a followed link.
const allowed = "link"

// needsLink says whether the first factor of all takes a link: unless the
// company switched that off, for people whose address is confirmed.
func (a *Account) needsLink(v *visit) bool {
	switch {
	case len(v.In.Methods) > 0, !slices.Contains(a.Sessions.Offered, policy.Email):
		return false
	}
	return v.Facts.Company.Rules.SetUpByEmail != policy.Off || !v.In.User.EmailVerified
}

// waitsForLink answers in place of the set-up as long as the link has not been
// followed; true: it did.
func (a *Account) waitsForLink(v *visit, base string) (bool, error) {
	if !a.needsLink(v) {
		return false, nil
	}
	_, err := a.DB.Enrolment(v.Ctx(), boundTo(v), allowed, a.Now())
	switch {
	case err == nil:
		return false, nil
	case !errors.Is(err, storage.ErrNotFound):
		return true, err
	case !v.In.User.EmailVerified:
		a.Pages.Write(v.W, a.frame(v, nil), page.Message{
			Heading: page.Say("set_up_by_email_needs_address.heading"), Body: page.Say("set_up_by_email_needs_address.body"),
			Link: "/account", LinkText: page.Say("set_up_by_email_needs_address.link"),
		})
		return true, nil
	}
	return true, a.sendSetUpLink(v, base)
}

// setUpLinkQuota keeps anybody from flooding a mailbox with links.
func setUpLinkQuota(userID string) []storage.Quota {
	return []storage.Quota{
		{ID: "set-up-link:" + userID + ":gap", Max: 1, Window: factor.ResendAfter},
		{ID: "set-up-link:" + userID + ":hour", Max: 10, Window: time.Hour},
	}
}

// sendSetUpLink sends a link that leads on to base, the first time the page is seen and whenever the
// person asks for another, and says so.
func (a *Account) sendSetUpLink(v *visit, base string) error {
	ctx, now, user := v.Ctx(), a.Now(), &v.In.User
	sent := page.SetUpByEmail{Target: notify.MaskEmail(user.Email), ResendAt: now.Add(factor.ResendAfter), BackURL: "/account"}
	asked := v.R.PostFormValue("resend") == "1"
	if alive, err := a.DB.HasLink(ctx, notify.LinkTwoStep, user.ID, now); err != nil {
		return err
	} else if alive && !asked {
		return a.show(v, sent, nil)
	}
	err := a.DB.Write(ctx, func(tx *storage.Tx) error {
		if err := tx.TakeQuotas(ctx, setUpLinkQuota(user.ID), now); err != nil {
			return err
		}
		link, until, err := a.Notices.NewLink(ctx, tx, notify.LinkTwoStep, user.ID, base, notify.LinkTwoStepLifetime)
		if err != nil {
			return err
		}
		if err := tx.Audit(ctx, a.event(v, "set_up_link.sent")); err != nil {
			return err
		}
		return a.Notices.SendLink(ctx, tx, user, user.Email, "set_up", link, until)
	})
	if until, tooMany := factor.IsTooMany(err); tooMany {
		sent.ResendAt = until
		return a.show(v, sent, &page.Problem{Text: page.Say("problem.send_limit", "Until", until)})
	}
	if err != nil {
		return err
	}
	return a.show(v, sent, nil)
}

// usableLink is the link of the address, if it is this person's and still
// good; otherwise the page says kindly what is wrong with it.
func (a *Account) usableLink(v *visit) (*storage.Link, error) {
	link, err := a.DB.Link(v.Ctx(), storage.Hash(v.token()))
	id := ""
	switch {
	case errors.Is(err, storage.ErrNotFound), err == nil && link.Purpose != notify.LinkTwoStep:
		id = "link.unknown"
	case err != nil:
		return nil, err
	case link.UserID != v.In.User.ID:
		id = "link.foreign"
	case !link.UsedAt.IsZero():
		id = "link.used"
	case !link.ExpiresAt.After(a.Now()):
		id = "link.expired"
	default:
		return link, nil
	}
	a.Pages.Write(v.W, a.frame(v, nil), page.Message{
		Heading: page.Say(id + ".heading"), Body: page.Say(id + ".body"), Link: "/account", LinkText: page.Say(id + ".link"),
	})
	return nil, nil
}

// linkPage shows a button: mail scanners follow links, and must use none up.
func (a *Account) linkPage(v *visit) error {
	link, err := a.usableLink(v)
	if err != nil || link == nil {
		return err
	}
	return a.show(v, page.Confirm{
		Heading: page.Say("set_up_link.heading"), Body: page.Say("set_up_link.body"), Button: page.Say("set_up_link.button"),
		Action: "/account/two-step/link", Hidden: map[string]string{"token": v.token()}, BackURL: "/account",
	}, nil)
}

func (v *visit) token() string { return v.R.FormValue("token") }

// linkPost uses the link up: for a while this session may set up a factor.
func (a *Account) linkPost(v *visit) error {
	link, err := a.usableLink(v)
	if err != nil || link == nil {
		return err
	}
	ctx, now := v.Ctx(), a.Now()
	err = a.DB.Write(ctx, func(tx *storage.Tx) error {
		if err := tx.SpendLink(ctx, link.Hash, now); err != nil {
			return err
		}
		if err := tx.Audit(ctx, a.event(v, "set_up_link.used")); err != nil {
			return err
		}
		return tx.PutEnrolment(ctx, storage.Enrolment{BoundTo: boundTo(v), Kind: allowed, UserID: v.In.User.ID, ExpiresAt: now.Add(notify.LinkTwoStepLifetime)})
	})
	switch {
	case storage.IsSpent(err):
		_, err := a.usableLink(v) // used meanwhile: it says so
		return err
	case err != nil:
		return err
	}
	return v.Redirect(link.Data) // on to what the person had chosen
}
