package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/storage"
)

// Guessing codes: one counter per person and factor, wherever they are entered.

const tooMany = "Too many wrong codes"

// wrongSoFar is how many wrong codes in a row are counted for a factor.
func wrongSoFar(t *testing.T, d *servertest.Demo, email string, m policy.Method) int {
	t.Helper()
	a, err := d.DB.Attempts(t.Context(), factor.CounterPrefix(idOf(t, d, email))+string(m), d.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	return a.Failures
}

func TestOneCounterPerFactor(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		r := rp(t, d, first)
		give(t, d, ana, ofAna, phoneOf(anaPhone))
		codes := backupCodes(t, d, ana, 10)
		counted := func(want int) {
			t.Helper()
			if got := wrongSoFar(t, d, ana, policy.SMS); got != want {
				t.Fatalf("%d wrong codes are counted, want %d", got, want)
			}
		}
		// A session of hers runs, by her app.
		h := inAccount(t, d, ana)

		// One at a sign-in, and one after a new code.
		d.Clock.Advance(time.Minute)
		p := texted(t, d, ana)
		enter(p, wrong(d.Phone.Code(t, anaPhone))).MustRead("4 tries left")
		d.Clock.Advance(30 * time.Second)
		p.Submit(map[string]string{"resend": "1"})
		enter(p, wrong(d.Phone.Code(t, anaPhone))).MustRead("3 tries left")
		counted(2)
		// What can't be a code is a slip.
		for _, slip := range []string{"", "12345", "1234567", "12345a"} {
			enter(p, slip).MustRead("Error")
		}
		counted(2)

		// One at a step-up, in a session.
		d.Clock.Advance(10 * time.Minute)
		h.Go(r.AuthorizeURL(essential(`"mfa_time":{"essential":true,"max_age":300}`)))
		choose(h.Person, "/login/text-message")
		enter(h.Person, wrong(d.Phone.Code(t, anaPhone))).MustRead("2 tries left")
		counted(3)
		choose(h.Person, "/login/totp")
		d.Clock.Advance(totpStep)
		enter(h.Person, appCode(t, d))
		answered(t, h.Person)
		counted(3) // another factor's success is no success of this one

		// One in the account, for another number.
		h.at("/account/text-messages/phone").Submit(map[string]string{"phone": benPhone})
		enter(h.Person, wrong(d.Phone.Code(t, benPhone))).MustRead("1 try left")
		counted(4)

		// The fifth ends whichever sign-in it is in.
		d.Clock.Advance(time.Minute)
		p = texted(t, d, ana)
		code := d.Phone.Code(t, anaPhone)
		at := p.URL.String()
		enter(p, wrong(code)).MustRead(tooMany)
		counted(5)
		enterAnyway := func(path, code string) {
			t.Helper()
			p.Go(at)
			p.Post(d.URL+path+"?r="+p.URL.Query().Get("r"), map[string][]string{"form_token": {h.token}, "code": {code}})
			if answeredWithCode(p) {
				t.Errorf("%s: an ended sign-in went on", path)
			}
		}
		enterAnyway("/login/text-message", code)
		enterAnyway("/login/backup-code", codes[0])
		p.Go(at).MustRead(tooMany)

		// Within the back-off the right code is not even looked at.
		p = texted(t, d, ana)
		if p.URL.Path == "/login/text-message" {
			d.Clock.Advance(29 * time.Second)
			p.Submit(map[string]string{"resend": "1"})
			enter(p, code).MustRead("Error")
		}
		counted(5)
		// Passwords are counted apart, and so is every other factor.
		d.Clock.Advance(time.Minute)
		enter(choose(signIn(visitor(t).Go(r.AuthorizeURL(nil)), ana), "/login/totp"), appCode(t, d))
		counted(5)

		// The right one after the back-off forgets all.
		d.Clock.Advance(time.Minute)
		p = texted(t, d, ana)
		answered(t, enter(p, d.Phone.Code(t, anaPhone)))
		counted(0)
	})
}

// Wrong codes of several factors end a sign-in together, and enrolling counts
// on the factor's own counter.
func TestFiveWrongCodesOfAnyKind(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		r := rp(t, d, first)
		give(t, d, ana, ofAna, phoneOf(anaPhone))
		backupCodes(t, d, ana, 10)
		p := signIn(visitor(t).Go(r.AuthorizeURL(nil)), ana)
		enter(p, wrong(appCode(t, d))).MustRead("4 tries left")
		choose(p, "/login/text-message")
		enter(p, wrong(d.Phone.Code(t, anaPhone))).MustRead("3 tries left")
		choose(p, "/login/backup-code")
		enter(p, "0000-0000-0000-0000").MustRead("2 tries left")
		p.Follow("/login/recovery-code")
		enter(p, "0000-0000-0000-0000").MustRead("1 try left")
		choose(p, "/login/totp")
		enter(p, wrong(appCode(t, d))).MustRead(tooMany)
		for m, want := range map[policy.Method]int{policy.TOTP: 2, policy.SMS: 1, policy.BackupCode: 1, policy.RecoveryCode: 1, policy.Email: 0} {
			if got := wrongSoFar(t, d, ana, m); got != want {
				t.Errorf("%s: %d, want %d", m, got, want)
			}
		}

		// Ben enrols in the flow.
		rule(t, d, "staff: {mode: required}")
		begin := func() *servertest.Person {
			t.Helper()
			d.Clock.Advance(time.Minute)
			p := signIn(visitor(t).Go(r.AuthorizeURL(nil)), ben)
			return p.Submit(map[string]string{"set_up": "1"}).Submit(map[string]string{"method": "sms"}).Submit(map[string]string{"phone": benPhone}).MustBeAt("/login/set-up/phone/code")
		}
		p = begin()
		for range 4 {
			enter(p, wrong(d.Phone.Code(t, benPhone))).MustRead("didn't match")
		}
		p = begin()
		enter(p, wrong(d.Phone.Code(t, benPhone))).MustRead(tooMany)
		p.Go(d.URL + "/login/set-up/phone/code?r=" + p.URL.Query().Get("r")).MustRead(tooMany)
		if got := wrongSoFar(t, d, ben, policy.SMS); got != 5 {
			t.Errorf("%d", got)
		}
		d.Clock.Advance(time.Minute)
		enter(begin(), d.Phone.Code(t, benPhone)).MustBeAt("/login/backup-codes")
	})
}

// Fifty in a row lock a factor; the person is told, and other ways stay open.
func TestFiftyWrongCodesLock(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		r := rp(t, d, first)
		give(t, d, ana, ofAna, phoneOf(anaPhone))
		codes := backupCodes(t, d, ana, 10)
		d.Clock.Advance(time.Minute)
		running := signIn(visitor(t).Go(r.AuthorizeURL(nil)), ana)
		entered(t, enter(running, appCode(t, d)), r)
		// All but the last are guessed elsewhere, each when the back-off allows.
		f := factor.TOTP{}
		for i := range 49 {
			d.Clock.Advance(time.Hour)
			change(t, d, ana, func(tx *storage.Tx, id string) error {
				v, err := factor.Try(t.Context(), tx, f, factor.Entry{UserID: id, Code: wrong(appCode(t, d)), At: d.Clock.Now()})
				if err == nil && (v.Outcome != factor.Wrong || v.LockedNow) {
					t.Errorf("guess %d: %+v", i+1, v)
				}
				return err
			})
		}
		lockMails := func() (n int) {
			for _, m := range d.MailsTo(t, ana) {
				if strings.HasSuffix(m.Subject, " is locked") {
					n++
				}
			}
			return n
		}
		was := lockMails()
		d.Clock.Advance(time.Hour)
		p := choose(signIn(visitor(t).Go(r.AuthorizeURL(nil)), ana), "/login/totp")
		enter(p, wrong(appCode(t, d))).MustRead(tooMany)
		if was != 0 || lockMails() != 1 {
			t.Errorf("told %d times, then %d: %v", was, lockMails(), subjects(d.MailsTo(t, ana)))
		}
		// No waiting and no new sign-in opens it.
		for range 2 {
			d.Clock.Advance(30 * time.Hour)
			p = choose(signIn(visitor(t).Go(r.AuthorizeURL(nil)), ana), "/login/totp")
			enter(p, appCode(t, d)).MustRead("locked after too many wrong codes")
		}
		if n := lockMails(); n != 1 {
			t.Errorf("told %d times", n)
		}
		// Other factors do.
		choose(p, "/login/text-message")
		entered(t, enter(p, d.Phone.Code(t, anaPhone)), r)
		d.Clock.Advance(time.Hour)
		p = choose(signIn(visitor(t).Go(r.AuthorizeURL(nil)), ana), "/login/backup-code")
		entered(t, enter(p, codes[0]), r)

		// A new app in the account unlocks the kind; the old one goes with it.
		p.Go(d.URL + "/account/authenticators/" + ofAna.ID + "/change")
		if p.MustBeAt("/account/authenticators/" + ofAna.ID + "/change"); p.Has("[name=method]") {
			p.Submit(map[string]string{"method": "totp"})
		}
		key := p.All("#key")[0]
		p.Follow("/code")
		enter(p, servertest.Code(t, key, d.Clock.Now()))
		d.Clock.Advance(time.Minute)
		p = choose(signIn(visitor(t).Go(r.AuthorizeURL(nil)), ana), "/login/totp")
		entered(t, enter(p, servertest.Code(t, key, d.Clock.Now())), r)
	})
}

// Guessing in many tabs at once gains nothing: five are looked at.
func TestGuessesAtOnce(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		give(t, d, ana, ofAna, phoneOf(anaPhone))
		backupCodes(t, d, ana, 10)
		user, c, all := idOf(t, d, ana), newCrowd(t), browsers(t, callers)
		for path, m := range map[string]policy.Method{"/login/totp": policy.TOTP, "/login/text-message": policy.SMS, "/login/backup-code": policy.BackupCode} {
			for _, b := range all {
				b.begin(t, d)
			}
			provePassword(t, d, all, user)
			replies := c.send(callers, func(i int) *http.Request {
				b := all[i]
				return request(t, b.jar, d.URL+path+"?r="+b.request, url.Values{"code": {fmt.Sprintf("%06d", 7*i)}, "form_token": {b.formToken}})
			})
			noFailures(t, 0, replies)
			if n := wrongSoFar(t, d, ana, m); n != 5 {
				t.Errorf("%s: %d of %d guesses were counted", path, n, callers)
			}
		}
	})
}

// Wrong passwords slow down passwords alone: what runs goes on, and codes work.
func TestPasswordsAreCountedApart(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		r := rp(t, d, first)
		give(t, d, ana, ofAna)
		d.Clock.Advance(time.Minute)
		running := signIn(visitor(t).Go(r.AuthorizeURL(nil)), ana)
		entered(t, enter(running, appCode(t, d)), r)
		half := signIn(visitor(t).Go(r.AuthorizeURL(nil)), ana).MustBeAt("/login/totp")
		thief := visitor(t).Go(r.AuthorizeURL(nil))
		for range 8 {
			thief.Submit(map[string]string{"username": ana, "password": "a guess"})
		}
		if thief.MustBeAt("/login/password"); thief.Status != http.StatusUnprocessableEntity {
			t.Errorf("%d", thief.Status)
		}
		signIn(thief, ana).MustBeAt("/login/password") // back-off: not looked at
		for _, m := range []policy.Method{policy.TOTP, policy.SMS, policy.Email, policy.BackupCode} {
			if got := wrongSoFar(t, d, ana, m); got != 0 {
				t.Errorf("%s: %d", m, got)
			}
		}
		entered(t, running.Go(r.AuthorizeURL(nil)), r)
		d.Clock.Advance(10 * time.Minute)
		entered(t, enter(half, appCode(t, d)), r)
		d.Clock.Advance(totpStep)
		entered(t, enter(running.Go(r.AuthorizeURL(essential(`"mfa_time":{"essential":true,"max_age":60}`))).MustBeAt("/login/totp"), appCode(t, d)), r)
	})
}

func subjects(mails []notify.Mail) (all []string) {
	for _, m := range mails {
		all = append(all, m.Subject)
	}
	return slices.Compact(all)
}
