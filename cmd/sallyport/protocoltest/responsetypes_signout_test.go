package protocoltest_test

import (
	"net/url"
	"runtime"
	"testing"

	"github.com/sallyport-id/sallyport/storage"
)

// An ID token is out as soon as it is sent: one whose session is ended while the
// request is being answered isn't, for the sign-out has told everybody already.
func TestCoreSection3_2IDTokenAtSignOut(t *testing.T) {
	both(t, "", func(t *testing.T, w *world) {
		rp, p := w.rp(t, "first"), w.member(t, ana)
		registerTypes(t, w, "first", "id_token")
		asked := rp.AuthorizeURL(url.Values{"response_type": {"id_token"}, "code_challenge": {""}, "code_challenge_method": {""}})
		if fragment(t, p.Go(asked)).Get("id_token") == "" {
			t.Fatal("no ID token")
		}
		u, err := w.DB.UserByEmail(t.Context(), ana)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		w.change(t, func(tx *storage.Tx) error {
			if _, err := tx.EndSessions(t.Context(), storage.Ending{UserID: u.ID}, w.Clock.Now()); err != nil {
				return err
			}
			before := w.DB.Statements()
			go func() {
				defer close(done)
				p.Go(asked)
			}()
			for w.DB.Statements() == before { // until it has read the session, which still runs for it
				runtime.Gosched()
			}
			return nil
		})
		<-done
		p.MustBeAt("/login/password")
	})
}
