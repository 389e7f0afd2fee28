package login

import (
	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/page"
)

// accountPage asks whether to go on as the person signed in
// (prompt=select_account).
func (l *Login) accountPage(v *visit) error {
	if v.decision.Do != policy.ChooseAccount {
		return v.toNext()
	}
	u, f := &v.running.User, l.frame(v)
	f.Person = "" // the page itself asks "Not you?"
	l.Pages.Write(v.w, f, page.ChooseAccount{Email: u.Email, Name: u.Profile.Name})
	return nil
}

func (l *Login) accountPost(v *visit) error {
	if v.decision.Do != policy.ChooseAccount {
		return v.toNext()
	}
	switch v.r.PostFormValue("account") {
	case "this":
		v.request.Stamps.Chosen = true
	case "other":
		return l.switchPerson(v)
	}
	return l.save(v)
}

// switchPerson answers "Not you?": whoever is signed in here doesn't count for
// this request any more, and somebody else may sign in.
func (l *Login) switchPerson(v *visit) error {
	if len(v.request.FreshCodes) > 0 {
		return v.toNext() // codes that were made must be shown to their owner first
	}
	v.request.Stamps = ofNobody(v.request.Stamps)
	v.request.Stamps.Chosen = true
	v.request.Stamps.SignInSince = l.Now()
	v.request.UserID, v.request.Proofs = "", nil
	return l.save(v)
}

// cancel goes back to the product with access_denied.
func (l *Login) cancel(v *visit) error {
	v.request.Stamps.Denied = true
	return l.save(v)
}
