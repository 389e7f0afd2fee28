package account

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// An owner helps somebody back in who has lost their second factors: by a code
// that they pass on themselves. Scripts get the same by asking for
// application/json, with the session and the form token of a browser.

// byOwner serves owners who proved a second factor within policy.FreshFor. It
// is stricter than fresh: neither a password nor a recovery code lets anybody
// vouch for others, nor does a code by mail, which is worth less.
func (a *Account) byOwner(serve func(*visit) error) http.HandlerFunc {
	proved := func(v *visit) (url.Values, bool) {
		code, _ := v.mayNotHelp()
		return changeRequest(nil), code != "" || !v.facts.Proofs.Assure(nil).MFATime.Before(a.Now().Add(-policy.FreshFor))
	}
	return a.guard("/account/recovery-codes", session.Params{}, proved, a.changing(func(v *visit) error {
		if code, to := v.mayNotHelp(); code != "" {
			return v.turnAway(code, to)
		}
		return serve(v)
	}))
}

// mayNotHelp says why somebody can't issue recovery codes, whatever they prove,
// and which page is for them instead; empty where they can.
func (v *visit) mayNotHelp() (code, to string) {
	switch {
	case v.in.User.Role != policy.Owner:
		return "owners_only", "/account"
	case !slices.ContainsFunc(v.in.Methods, func(m string) bool { return m != string(policy.Email) }):
		return "second_factor_missing", "/account/set-up"
	}
	return "", ""
}

// turnAway leads somewhere else; scripts are told why.
func (v *visit) turnAway(code, to string) error {
	if v.wantsJSON() {
		return v.json(http.StatusForbidden, refusal{Error: code})
	}
	return v.redirect(to)
}

func (a *Account) recoveryCodePage(v *visit) error {
	return a.show(v, page.IssueRecovery{BackURL: "/account"}, nil)
}

// Why no code is issued, as the message that says so.
const (
	nobodyThere = "problem.recovery_person"
	notOneself  = "problem.recovery_self"
)

func (a *Account) recoveryCodePost(v *visit) error {
	email := strings.TrimSpace(v.r.PostFormValue("username"))
	if v.r.PostFormValue("unlock") == "1" {
		return a.allowChanges(v, email)
	}
	issued, err := a.issueRecoveryCode(v, email)
	if refused, ok := errors.AsType[notIssued](err); ok {
		if v.wantsJSON() {
			return v.json(http.StatusUnprocessableEntity, refusal{Error: strings.TrimPrefix(string(refused), "problem."), Field: "username"})
		}
		return a.show(v, page.IssueRecovery{Email: email, BackURL: "/account"}, &page.Problem{Field: "username", Text: page.Say(string(refused))})
	}
	if err != nil {
		return err
	}
	if v.wantsJSON() {
		return v.json(http.StatusOK, struct {
			Code   string    `json:"code"`
			Person string    `json:"person"`
			Until  time.Time `json:"until"`
		}{issued.Code, issued.Email, issued.Until})
	}
	return a.show(v, issued, nil)
}

// notIssued says by its message why no code was issued.
type notIssued string

func (e notIssued) Error() string { return "no recovery code was issued: " + string(e) }

// ownerAnd returns the owner who is helping and the person with an address
// whom they may help. Both are read in tx, so that who stopped being an owner a
// moment ago can't.
func (a *Account) ownerAnd(ctx context.Context, tx *storage.Tx, v *visit, email string) (owner, person *storage.User, err error) {
	if owner, err = tx.User(ctx, v.in.User.ID); err != nil {
		return nil, nil, err
	}
	person, err = tx.UserByEmail(ctx, email)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, nil, notIssued(nobodyThere)
	case err != nil:
		return nil, nil, err
	case person.ID == owner.ID:
		return nil, nil, notIssued(notOneself)
	case !policy.MayIssueRecoveryCode(policy.Person{Role: owner.Role, Disabled: !owner.DisabledAt.IsZero()}, owner.ID, owner.OrgID, person.ID, person.OrgID):
		return nil, nil, notIssued(nobodyThere)
	}
	return owner, person, nil
}

// allowChanges lifts what "This wasn't me" locked, once the owner has spoken to
// the person.
func (a *Account) allowChanges(v *visit, email string) error {
	ctx, name := v.ctx(), ""
	err := a.DB.Write(ctx, func(tx *storage.Tx) error {
		owner, person, err := a.ownerAnd(ctx, tx, v, email)
		if err != nil {
			return err
		}
		if name = person.Profile.Name; name == "" {
			name = person.Email
		}
		if err := tx.UnlockChanges(ctx, person.ID, a.Now()); err != nil {
			return err
		}
		unlocked := a.event(v, "changes.unlocked")
		unlocked.UserID, unlocked.Actor = person.ID, owner.ID
		return tx.Audit(ctx, unlocked)
	})
	if refused, ok := errors.AsType[notIssued](err); ok {
		return a.show(v, page.IssueRecovery{Email: email, BackURL: "/account"}, &page.Problem{Field: "username", Text: page.Say(string(refused))})
	}
	if err != nil {
		return err
	}
	f, done := a.frame(v, nil), page.Say("issue_recovery.unlocked", "Person", name)
	f.Notice = &done
	a.Pages.Write(v.w, f, page.IssueRecovery{BackURL: "/account"})
	return nil
}

// issueRecoveryCode makes a code for the person with an address, and tells
// them and the other owners. Somebody else's people don't exist here.
func (a *Account) issueRecoveryCode(v *visit, email string) (page.RecoveryIssued, error) {
	ctx, now := v.ctx(), a.Now()
	from := session.OriginOf(ctx).Addr.String()
	shown := page.RecoveryIssued{BackURL: "/account"}
	err := a.DB.Write(ctx, func(tx *storage.Tx) error {
		owner, person, err := a.ownerAnd(ctx, tx, v, email)
		if err != nil {
			return err
		}
		shown.Person, shown.Email = person.Profile.Name, person.Email
		if shown.Code, shown.Until, err = a.Factors.Recovery.Issue(ctx, tx, person.ID, owner.ID, now); err != nil {
			return err
		}
		issued := a.event(v, "recovery_code.issued")
		issued.UserID, issued.Actor = person.ID, owner.ID
		if err := tx.Audit(ctx, issued); err != nil {
			return err
		}
		if err := tx.Audit(ctx, a.event(v, "recovery_code.given")); err != nil {
			return err
		}
		if err := a.Notices.Tell(ctx, tx, person, "recovery_code.issued", from); err != nil {
			return err
		}
		return a.Notices.TellOwners(ctx, tx, person, "recovery_code.issued", from, owner.ID)
	})
	return shown, err
}

// refusal is an answer to a script that gets nothing: a word, and the field it
// is about.
type refusal struct {
	Error string `json:"error"`
	Field string `json:"field,omitempty"`
}

func (v *visit) wantsJSON() bool { return v.r.Header.Get("Accept") == "application/json" }

func (v *visit) json(status int, answer any) error {
	v.w.Header().Set("Content-Type", "application/json")
	v.w.Header().Set("Cache-Control", "no-store")
	v.w.WriteHeader(status)
	return json.NewEncoder(v.w).Encode(answer)
}
