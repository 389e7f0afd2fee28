package account

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

func (a *Account) backupCodesPage(v *visit) error {
	if len(v.In.Methods) == 0 {
		return v.Redirect("/account/set-up") // they are for when another factor is out of reach
	}
	return a.show(v, page.Confirm{
		Heading: page.Say("new_codes.heading"), Body: page.Say("new_codes.body"), Button: page.Say("new_codes.button"),
		Action: "/account/backup-codes", BackURL: "/account",
	}, nil)
}

// backupCodesPost makes new codes; the old ones stop working.
func (a *Account) backupCodesPost(v *visit) error {
	if len(v.In.Methods) == 0 {
		return v.Redirect("/account/set-up")
	}
	err := a.change(v, func(tx *storage.Tx) error {
		if err := a.makeCodes(v.Ctx(), tx, v); err != nil {
			return err
		}
		return a.changed(v, tx, "backup_codes.made")
	})
	if err != nil {
		return err
	}
	return v.Redirect(freshCodes)
}

// freshCodes is where new codes are shown until the person has saved them, so
// that loading the page again makes no others.
const (
	freshCodes     = "/account/backup-codes/new"
	freshCodesKind = "backup_codes"
	freshCodesKept = 10 * time.Minute
)

// makeCodes makes codes and keeps them, sealed and bound to the session, for
// the page that shows them.
func (a *Account) makeCodes(ctx context.Context, tx *storage.Tx, v *visit) error {
	codes, err := a.Factors.Backup.Make(ctx, tx, v.In.User.ID, v.Facts.Company.Rules.BackupCodesMade(), a.Now())
	if err != nil {
		return err
	}
	return tx.PutEnrolment(ctx, storage.Enrolment{
		BoundTo: boundTo(v), Kind: freshCodesKind, UserID: v.In.User.ID, Secret: []byte(strings.Join(codes, "\n")), ExpiresAt: a.Now().Add(freshCodesKept),
	})
}

func (a *Account) freshCodesPage(v *visit) error { return a.showFreshCodes(v, nil) }

func (a *Account) showFreshCodes(v *visit, problem *page.Problem) error {
	kept, err := a.DB.Enrolment(v.Ctx(), boundTo(v), freshCodesKind, a.Now())
	if errors.Is(err, storage.ErrNotFound) {
		return v.Redirect("/account")
	}
	if err != nil {
		return err
	}
	return a.show(v, page.BackupCodes{
		Codes: strings.Split(string(kept.Secret), "\n"), Account: v.In.User.Email, Issuer: a.Host, Made: kept.ExpiresAt.Add(-freshCodesKept),
		Resets: v.Facts.Company.Rules.BackupCodeResets, Action: "/account/backup-codes/saved",
	}, problem)
}

func (a *Account) backupCodesSaved(v *visit) error {
	if v.R.PostFormValue("saved") != "yes" {
		return a.showFreshCodes(v, &page.Problem{Field: "saved", Text: page.Say("problem.saved_unchecked")})
	}
	err := a.DB.Write(v.Ctx(), func(tx *storage.Tx) error {
		return tx.SpendEnrolment(v.Ctx(), boundTo(v), freshCodesKind, v.In.User.ID, a.Now())
	})
	if err != nil && !storage.IsSpent(err) {
		return err
	}
	return v.Redirect("/account")
}
