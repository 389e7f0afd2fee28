package account

import (
	"errors"
	"net/mail"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// A new address counts once a link sent there was opened; until then it waits,
// and the overview shows it.

func (a *Account) emailPage(v *visit) error { return a.showEmailForm(v, "", nil) }

func (a *Account) showEmailForm(v *visit, entered string, problem *page.Problem) error {
	return a.show(v, page.ChangeEmail{Email: v.In.User.Email, New: entered, BackURL: "/account"}, problem)
}

// emailPost sends a link to the new address. Where somebody else has it nothing
// is sent, and all else is the same: nobody learns here who has an account.
func (a *Account) emailPost(v *visit) error {
	ctx, user, email := v.Ctx(), &v.In.User, strings.TrimSpace(v.R.PostFormValue("email"))
	if problem := addressProblem(email, user.Email); problem != nil {
		return a.showEmailForm(v, email, problem)
	}
	err := a.change(v, func(tx *storage.Tx) error {
		if err := tx.TakeQuotas(ctx, addressQuota(user.ID, email), a.Now()); err != nil {
			return err
		}
		link, until, err := a.Notices.NewLink(ctx, tx, notify.LinkChangeAddress, user.ID, email, notify.LinkAddressLifetime)
		if err != nil {
			return err
		}
		asked := a.event(v, "address.change_asked")
		if err := tx.Audit(ctx, asked); err != nil {
			return err
		}
		// The present address learns of it while it can still be stopped.
		if err := a.Notices.Tell(ctx, tx, user, asked.Event, asked.IP, "New", email); err != nil {
			return err
		}
		switch _, err := tx.UserByEmail(ctx, email); {
		case err == nil:
			return nil
		case !errors.Is(err, storage.ErrNotFound):
			return err
		}
		return a.Notices.SendLink(ctx, tx, user, email, "change_address", link, until)
	})
	if until, tooMany := factor.IsTooMany(err); tooMany {
		return a.showEmailForm(v, email, &page.Problem{Field: "email", Text: page.Say("problem.send_limit", "Until", until)})
	}
	if err != nil {
		return err
	}
	return a.linkSent(v, email)
}

// confirmEmail sends a link to the address a person has, to confirm it.
func (a *Account) confirmEmail(v *visit) error {
	ctx, user := v.Ctx(), &v.In.User
	if user.EmailVerified {
		return v.Redirect("/account")
	}
	err := a.DB.Write(ctx, func(tx *storage.Tx) error {
		if err := tx.TakeQuotas(ctx, addressQuota(user.ID, user.Email), a.Now()); err != nil {
			return err
		}
		link, until, err := a.Notices.NewLink(ctx, tx, notify.LinkConfirmAddress, user.ID, user.Email, notify.LinkAddressLifetime)
		if err != nil {
			return err
		}
		return a.Notices.SendLink(ctx, tx, user, user.Email, "confirm_address", link, until)
	})
	if until, tooMany := factor.IsTooMany(err); tooMany {
		return a.showOverview(v, &page.Problem{Text: page.Say("problem.send_limit", "Until", until)})
	}
	if err != nil {
		return err
	}
	return a.linkSent(v, user.Email)
}

func (a *Account) linkSent(v *visit, email string) error {
	return a.show(v, page.Message{
		Heading: page.Say("link.sent.heading"), Body: page.Say("link.sent.body", "Email", email), Link: "/account", LinkText: page.Say("link.used.link"),
	}, nil)
}

// longestAddress is what a mail server takes (RFC 5321 section 4.5.3.1.3).
const longestAddress = 254

func addressProblem(email, present string) *page.Problem {
	id := ""
	parsed, err := mail.ParseAddress(email)
	switch {
	case email == "":
		id = "problem.email_missing"
	case err != nil, parsed.Address != email, len(email) > longestAddress:
		id = "problem.email_format"
	case storage.EmailKey(email) == storage.EmailKey(present):
		id = "problem.email_same"
	default:
		return nil
	}
	return &page.Problem{Field: "email", Text: page.Say(id)}
}

// addressQuota keeps a person from flooding mailboxes with links: anybody's,
// and one.
func addressQuota(userID, email string) []storage.Quota {
	target := "address-link:" + storage.Hash(storage.EmailKey(email))
	return []storage.Quota{
		{ID: "address-link:" + userID + ":gap", Max: 1, Window: factor.ResendAfter},
		{ID: "address-link:" + userID + ":hour", Max: 10, Window: time.Hour},
		{ID: target + ":hour", Max: 10, Window: time.Hour},
	}
}

// pendingEmail is an address that waits for its link to be opened; empty: none.
func (a *Account) pendingEmail(v *visit) (string, error) {
	link, err := a.DB.LinkOf(v.Ctx(), notify.LinkChangeAddress, v.In.User.ID, a.Now())
	if errors.Is(err, storage.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return link.Data, nil
}
