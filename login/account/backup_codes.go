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
	err := a.change(v, func(tx *storage.Tx) error {
		if err := a.makeCodes(v.ctx(), tx, v); err != nil {
			return err
		}
		return a.changed(v, tx, "backup_codes.made")
	})
	if err != nil {
		return err
	}
	return v.redirect(freshCodes)
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
	codes, err := a.Factors.Backup.Make(ctx, tx, v.in.User.ID, v.facts.Company.Rules.BackupCodesMade(), a.Now())
	if err != nil {
		return err
	}
	return tx.PutEnrolment(ctx, storage.Enrolment{
		BoundTo: boundTo(v), Kind: freshCodesKind, UserID: v.in.User.ID, Secret: []byte(strings.Join(codes, "\n")), ExpiresAt: a.Now().Add(freshCodesKept),
	})
}

func (a *Account) freshCodesPage(v *visit) error { return a.showFreshCodes(v, nil) }

func (a *Account) showFreshCodes(v *visit, problem *page.Problem) error {
	kept, err := a.DB.Enrolment(v.ctx(), boundTo(v), freshCodesKind, a.Now())
	if errors.Is(err, storage.ErrNotFound) {
		return v.redirect("/account")
	}
	if err != nil {
		return err
	}
	return a.show(v, page.BackupCodes{
		Codes: strings.Split(string(kept.Secret), "\n"), Account: v.in.User.Email, Issuer: a.Host, Made: kept.ExpiresAt.Add(-freshCodesKept),
		Resets: v.facts.Company.Rules.BackupCodeResets, Action: "/account/backup-codes/saved",
	}, problem)
}

func (a *Account) backupCodesSaved(v *visit) error {
	if v.r.PostFormValue("saved") != "yes" {
		return a.showFreshCodes(v, &page.Problem{Field: "saved", Text: page.Say("problem.saved_unchecked")})
	}
	err := a.DB.Write(v.ctx(), func(tx *storage.Tx) error {
		return tx.SpendEnrolment(v.ctx(), boundTo(v), freshCodesKind, v.in.User.ID, a.Now())
	})
	if err != nil && !storage.IsSpent(err) {
		return err
	}
	return v.redirect("/account")
}
