package login

import (
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// signOut leaves a sign-in in which a factor must be set up: what runs in this
// browser ends, the products it reached are told, and the one that is waiting
// learns that nobody signed in.
func (l *Login) signOut(v *visit) error {
	ctx := v.ctx()
	v.request.Stamps.Denied = true
	var leaving []session.Leaving
	err := l.DB.Write(ctx, func(tx *storage.Tx) (err error) {
		if err := tx.UpdateAuthRequest(ctx, v.request); err != nil || v.running == nil {
			return err
		}
		if leaving, err = l.Sessions.SignOut(ctx, tx, v.running, false); err != nil {
			return err
		}
		return tx.Audit(ctx, l.event(ctx, "session.ended", storage.OK, v.client.ID, &v.running.User))
	})
	if err != nil && !storage.IsSpent(err) {
		return err
	}
	if v.running != nil && err == nil {
		l.Sessions.Forget(v.w)
	}
	if err != nil || len(leaving) == 0 {
		return v.toNext()
	}
	f := page.Frame{Lang: l.lang(v), Product: v.client.Name}
	l.Pages.Write(v.w, f, page.SignedOut{Products: told(leaving), Next: v.path("/login"), Back: true})
	return nil
}

func told(leaving []session.Leaving) (all []page.Told) {
	for _, p := range leaving {
		all = append(all, page.Told(p))
	}
	return all
}
