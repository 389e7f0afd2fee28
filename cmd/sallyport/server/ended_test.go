package server_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// What was on its way when a person's sessions were ended must lead nowhere.

// A code doesn't outlive its session, not even one that would be exchanged for
// what does.
func TestCodeOfAnEndedSession(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		r := rp(t, d, first)
		p := member(t, d, ana).Go(r.AuthorizeURL(url.Values{"scope": {"openid offline_access"}}))
		code := p.URL.Query().Get("code")
		// As if the grant had been made a moment too late to be ended with it.
		change(t, d, ana, func(tx *storage.Tx, id string) error {
			_, err := tx.EndSessions(t.Context(), storage.Ending{UserID: id}, d.Clock.Now())
			return err
		})
		status, answer := r.Exchange(code, nil)
		mustRefuse(t, status, answer, http.StatusBadRequest, "invalid_grant")
	})
}

// A link for a new address dies with a new password, so that a thief can't come
// back by it.
func TestPendingAddressDiesWithANewPassword(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		thief := inAccount(t, d, ana)
		thief.at("/account/email").Submit(map[string]string{"email": "thief@home.example"})
		link := d.LinkTo(t, "thief@home.example")
		d.Clock.Advance(time.Minute)
		inAccount(t, d, ana).at("/account/password").Submit(map[string]string{"password": phrase, "repeat": phrase}).MustBeAt("/account")
		mustRefuseLink(t, visitor(t).Go(link), linkIsOld)
	})
}

// A backup code that resets changes how a person signs in: not after "This
// wasn't me".
func TestResettingCodeWhileChangesAreLocked(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		rule(t, d, "staff: {mode: required}, backup_codes: 1, backup_code_resets: true")
		give(t, d, ana, ofAna)
		code := backupCodes(t, d, ana, 1)[0]
		change(t, d, ana, func(tx *storage.Tx, id string) error { return tx.LockChanges(t.Context(), id, d.Clock.Now()) })
		p := choose(signIn(visitor(t).Go(rp(t, d, first).AuthorizeURL(nil)), ana), "/login/backup-code")
		if enter(p, code); p.Status != http.StatusForbidden {
			t.Errorf("%d: %s", p.Status, p.Text())
		}
		if factors, err := d.DB.Factors(t.Context(), idOf(t, d, ana)); err != nil || len(factors) != 1 {
			t.Errorf("%d factors are left, %v", len(factors), err)
		}
	})
}

// Who came in by a recovery code and sets up in the account is rid of what was
// lost, as in the sign-in itself.
func TestRecoveredInTheAccount(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		rule(t, d, "staff: {mode: required}")
		give(t, d, ana, ofAna)
		old := backupCodes(t, d, ana, 10)
		p := visitor(t).Go(d.URL + "/account")
		enter(toRecovery(signIn(p, ana)), recoveryCode(t, d, ana)).MustBeAt("/login/why").Submit(map[string]string{"later": "1"})
		p.MustBeAt("/account").Go(d.URL + "/account/text-messages")
		byText(t, d, p, anaPhone)
		factors, err := d.DB.Factors(t.Context(), idOf(t, d, ana))
		if err != nil || len(factors) != 1 || factors[0].Kind != "sms" {
			t.Errorf("left: %v, %v", factors, err)
		}
		again := choose(signIn(visitor(t).Go(rp(t, d, first).AuthorizeURL(nil)), ana).MustBeAt("/login/text-message"), "/login/backup-code")
		enter(again, old[0]).MustRead("not one of your backup codes")
	})
}
