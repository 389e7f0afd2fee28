package account

import (
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// endSessions signs out one of the person's sessions, or all. Where that is
// this browser's, it tells the products it reached; those of other browsers
// are told by the back channel alone.
func (a *Account) endSessions(v *visit) error {
	ctx, id := v.Ctx(), v.R.PostFormValue("id")
	everywhere := v.R.PostFormValue("all") == "1"
	here := everywhere || id == v.In.Session.ID
	event := "session.ended"
	if everywhere {
		event = "sessions.ended"
	} else if id == "" {
		return v.Redirect("/account")
	}
	var leaving []session.Leaving
	err := a.DB.Write(ctx, func(tx *storage.Tx) (err error) {
		if here {
			leaving, err = a.Sessions.SignOut(ctx, tx, v.In, everywhere)
		} else {
			_, err = tx.EndSessions(ctx, storage.Ending{UserID: v.In.User.ID, Session: id}, a.Now())
		}
		if err != nil {
			return err
		}
		return tx.Audit(ctx, a.event(v, event))
	})
	if err != nil {
		return err
	}
	if !here {
		return v.Redirect("/account")
	}
	a.Sessions.Forget(v.W)
	out := page.SignedOut{SignIn: "/account"}
	for _, p := range leaving {
		out.Products = append(out.Products, page.Told(p))
	}
	a.Pages.Write(v.W, page.Frame{Lang: a.lang(v.R, v.In)}, out)
	return nil
}
