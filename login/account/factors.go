package account

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/login/setup"
	"github.com/sallyport-id/sallyport/storage"
)

// about serves a page about one of the person's own factors of a kind: the one
// whose id is in the address, or the only one there can be. Where they have no
// such factor it leads back to the overview.
func (a *Account) about(kind policy.Method, serve func(*visit, *storage.Factor) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a.fresh(r.URL.EscapedPath(), a.changing(func(v *visit) error {
			factors, err := a.DB.Factors(v.Ctx(), v.In.User.ID)
			if err != nil {
				return err
			}
			id := chi.URLParam(r, "id")
			i := slices.IndexFunc(factors, func(f *storage.Factor) bool { return f.Kind == string(kind) && (id == "" || f.ID == id) })
			if i < 0 {
				return v.Redirect("/account")
			}
			v.factors = factors
			return serve(v, factors[i])
		}))(w, r)
	}
}

func (a *Account) renamePage(v *visit, f *storage.Factor) error {
	return a.show(v, page.Rename{Name: f.Name, BackURL: "/account"}, nil)
}

func (a *Account) renamePost(v *visit, f *storage.Factor) error {
	name := strings.TrimSpace(v.R.PostFormValue("name"))
	id := ""
	switch {
	case name == "":
		id = "problem.factor_name_missing"
	case utf8.RuneCountInString(name) > setup.MaxName:
		id = "problem.name_long"
	}
	if id != "" {
		return a.show(v, page.Rename{Name: name, BackURL: "/account"}, &page.Problem{Field: "name", Text: page.Say(id)})
	}
	err := a.DB.Write(v.Ctx(), func(tx *storage.Tx) error {
		if err := tx.RenameFactor(v.Ctx(), v.In.User.ID, f.ID, name); err != nil {
			return err
		}
		return tx.Audit(v.Ctx(), a.event(v, f.Kind+".renamed"))
	})
	if err != nil && !errors.Is(err, storage.ErrNotFound) { // removed meanwhile: the overview shows it
		return err
	}
	return v.Redirect("/account")
}

// errNeeded says that without a factor the person couldn't meet what somebody
// else requires of them.
var errNeeded = errors.New("the last factor that meets what is required")

func (a *Account) removePage(v *visit, f *storage.Factor) error {
	if a.needed(v, f, v.factors) {
		return a.refuseRemoval(v)
	}
	confirm := page.Confirm{BackURL: "/account"}
	say := func(id string, pairs ...any) {
		confirm.Heading, confirm.Body, confirm.Button = page.Say(id+".heading", pairs...), page.Say(id+".body", pairs...), page.Say(id+".button", pairs...)
	}
	switch policy.Method(f.Kind) {
	case policy.TOTP:
		say("remove_app", "Name", a.nameOf(v, f))
	case policy.WebAuthn:
		say("remove_key", "Name", f.Name)
	case policy.SMS:
		say("remove_texts", "Target", a.Factors.Text.Mask(string(f.Secret)))
	case policy.Email:
		say("remove_mails", "Target", a.Factors.Mail.Mask(v.In.User.Email))
	}
	return a.show(v, confirm, nil)
}

// removePost removes a factor. With the last one the person's own two-step
// verification goes, and the backup codes that stood in for it.
func (a *Account) removePost(v *visit, f *storage.Factor) error {
	ctx, user := v.Ctx(), &v.In.User
	err := a.change(v, func(tx *storage.Tx) error {
		factors, err := tx.Factors(ctx, user.ID)
		if err != nil {
			return err
		}
		if a.needed(v, f, factors) {
			return errNeeded
		}
		if err := tx.DeleteFactor(ctx, user.ID, f.ID); err != nil {
			return err
		}
		if len(factors) == 1 {
			if err := tx.SetTwoStep(ctx, user.ID, false, a.Now()); err != nil {
				return err
			}
			if err := tx.ReplaceBackupCodes(ctx, user.ID, nil, a.Now()); err != nil {
				return err
			}
		}
		return a.changed(v, tx, f.Kind+".removed")
	})
	switch {
	case errors.Is(err, errNeeded):
		return a.refuseRemoval(v)
	case err != nil && !errors.Is(err, storage.ErrNotFound): // removed meanwhile: it is what was wanted
		return err
	}
	return v.Redirect("/account")
}

// needed says whether somebody other than the person requires two steps, and
// none of the other factors would do for that.
func (a *Account) needed(v *visit, f *storage.Factor, factors []*storage.Factor) bool {
	if a.requiredBy(v) == nil {
		return false
	}
	others := slices.DeleteFunc(slices.Clone(factors), func(other *storage.Factor) bool { return other.ID == f.ID })
	company := v.Facts.Company
	counts := func(f *storage.Factor) bool {
		m := policy.Method(f.Kind)
		return company.Allows(m) && (m != policy.Email || company.Rules.EmailCodeFulfils)
	}
	return len(others) == 0 || counts(f) && !slices.ContainsFunc(others, counts)
}

func (a *Account) refuseRemoval(v *visit) error {
	return a.showOverview(v, &page.Problem{Text: page.Say("problem.last_factor", "Company", v.Facts.Company.Name)})
}
