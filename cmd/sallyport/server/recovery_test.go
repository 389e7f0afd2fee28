package server_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// The way back in by an owner's recovery code, from the console to the product.

// ofAna is an app with appSeed, beside those of others.
var ofAna = storage.Factor{ID: "app of Ana", Kind: "totp", Secret: []byte(appSeed), Name: "The lost one"}

// toRecovery leads from the second step to the page for a recovery code.
func toRecovery(p *servertest.Person) *servertest.Person {
	return choose(p, "/login/backup-code").Follow("/login/recovery-code").MustBeAt("/login/recovery-code")
}

func TestRecoveryCodeFromTheOwner(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		rule(t, d, "staff: {mode: required}")
		give(t, d, olga, anApp)
		give(t, d, ana, ofAna, phoneOf(anaPhone))
		backupCodes(t, d, ana, 10)
		owner := inAccount(t, d, olga)
		code := owner.issues(ana)

		// Nobody gets to the page without the password.
		p := servertest.NewPerson(t).Go(d.Dashboard).Follow("/login")
		p.Go(d.URL + "/login/recovery-code?r=" + p.URL.Query().Get("r")).MustBeAt("/login/password")
		p.Post(d.URL+"/login/recovery-code?"+p.URL.RawQuery, url.Values{"form_token": {fieldOf(t, p, "form_token")}, "code": {code}}).MustBeAt("/login/password")
		toRecovery(signIn(p, ana).MustBeAt("/login/totp"))
		enter(p, "0000-0000-0000-0000").MustRead("That is not your recovery code. Check each character. 4 tries left.")
		// Another's is none of hers.
		enter(p, recoveryCode(t, d, ben)).MustRead("not your recovery code")
		enter(p, code).MustBeAt("/login/why").MustRead("You signed in with a recovery code.")
		for _, address := range []string{ana, olga} {
			if got := d.MailTo(t, address).Subject; got != map[string]string{ana: "A recovery code was used to sign in", olga: "Ana Operator signed in with a recovery code"}[address] {
				t.Errorf("%s was told %q", address, got)
			}
		}

		// Later: the dashboard, but never a remote session.
		p.Submit(map[string]string{"later": "1"}).MustRead("Ana Operator")
		p.Go(d.Dashboard + "/claims").MustRead(acr1FA).MustRead("recovery_code")
		d.Clock.Advance(time.Minute)
		p.Go(d.Remote).Follow("/login").MustRead("reception-pc")
		p.SubmitTo("/machines/reception-pc").MustBeAt("/login/why").MustRead("Take Control needs two-step verification")
		p.Submit(map[string]string{"later": "1"})
		if p.Has("#remote-session") {
			t.Fatalf("a remote session after a recovery code: %s", p.Text())
		}

		// Once.
		again := visitor(t).Go(rp(t, d, first).AuthorizeURL(nil))
		enter(toRecovery(signIn(again, ana)), code).MustRead("not your recovery code")
	})
}

// What a session with a recovery code can't be used for, at the endpoint.
func TestRecoveryCodeIsNoSecondFactor(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		r := rp(t, d, first)
		give(t, d, ana, ofAna)
		p := visitor(t).Go(r.AuthorizeURL(nil))
		enter(choose(signIn(p, ana), "/login/recovery-code"), recoveryCode(t, d, ana)).MustBeAt("/login/why").Submit(map[string]string{"later": "1"})
		got := toldBy(t, entered(t, p, r))
		if now := d.Clock.Now().Unix(); got.ACR != acr1FA || got.MFATime != 0 || got.Times["recovery_code"] != now || got.Times["mfa"] != 0 {
			t.Errorf("told %+v", got)
		}
		d.Clock.Advance(time.Second) // what follows is asked for after that sign-in
		recent := essential(`"mfa_time":{"essential":true,"max_age":300}`)
		for name, ask := range map[string]func() string{
			"a level": func() string { return r.AuthorizeURL(essential2FA) }, "a recent factor": func() string { return r.AuthorizeURL(recent) },
			"the product": func() string { return rp(t, d, strict).AuthorizeURL(nil) }, "by wish": func() string { return r.AuthorizeURL(url.Values{"acr_values": {acr2FA}}) },
		} {
			if p.Go(ask()); p.URL.Path != "/login/why" {
				t.Errorf("%s: %s", name, p.URL)
			}
		}
		mustError(t, d, answered(t, p.Go(r.AuthorizeURL(url.Values{"prompt": {"none"}, "claims": essential2FA["claims"]}))), "interaction_required")
		p.Go(r.AuthorizeURL(essential2FA)).Submit(map[string]string{"later": "1"})
		mustError(t, d, answered(t, p), "unmet_authentication_requirements")
		// Where it was only a wish, the answer says what it is.
		p.Go(r.AuthorizeURL(url.Values{"acr_values": {acr2FA}})).Submit(map[string]string{"later": "1"})
		if claims := entered(t, p, r); claims["acr"] != acr1FA {
			t.Errorf("acr %v", claims["acr"])
		}
	})
}

func TestSettingUpAfterRecovery(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		r := rp(t, d, first)
		rule(t, d, "staff: {mode: required}, recovery_must_set_up: true")
		give(t, d, ana, ofAna, phoneOf(anaPhone), mailFactor(ana))
		old := backupCodes(t, d, ana, 10)
		code := recoveryCode(t, d, ana)
		p := visitor(t).Go(r.AuthorizeURL(nil))
		enter(toRecovery(signIn(p, ana)), code).MustBeAt("/login/why")
		if p.Has("[name=later]") {
			t.Errorf("it can be put off: %s", p.Text())
		}
		mustOnlySetUp(t, d, p, r)

		// The way through ends all that was lost.
		p.Submit(map[string]string{"set_up": "1"}).Submit(map[string]string{"method": "sms"})
		byText(t, d, p, benPhone).MustBeAt("/login/backup-codes")
		if codes := saved(t, p); len(codes) != 10 {
			t.Errorf("%d backup codes", len(codes))
		}
		factors, err := d.DB.Factors(t.Context(), idOf(t, d, ana))
		if err != nil || len(factors) != 1 || string(factors[0].Secret) != benPhone {
			t.Errorf("left: %d factors, %v", len(factors), err)
		}
		d.Clock.Advance(time.Minute)
		signIn(p, ana).MustBeAt("/login/text-message")
		choose(p, "/login/backup-code")
		enter(p, old[0]).MustRead("not one of your backup codes")
		choose(p, "/login/text-message")
		entered(t, enter(p, d.Phone.Code(t, benPhone)), r)
		d.Clock.Advance(time.Minute)
		p = signIn(visitor(t).Go(r.AuthorizeURL(nil)), ana)
		enter(toRecovery(p), code).MustRead("not your recovery code")
	})
}

// One is alive, for an hour.
func TestRecoveryCodesEnd(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		give(t, d, ana, ofAna)
		at := func() *servertest.Person {
			return choose(signIn(visitor(t).Go(rp(t, d, first).AuthorizeURL(nil)), ana), "/login/recovery-code")
		}
		before := recoveryCode(t, d, ana)
		p, code := at(), recoveryCode(t, d, ana)
		enter(p, before).MustRead("not your recovery code")
		d.Clock.Advance(time.Hour - time.Second)
		p = at()
		d.Clock.Advance(time.Second)
		enter(p, code).MustRead("not your recovery code")
		code = recoveryCode(t, d, ana)
		d.Clock.Advance(time.Hour - time.Second)
		enter(at(), code).MustBeAt("/login/why")

		// Setting up a factor by other means voids it.
		code = recoveryCode(t, d, ana)
		p = visitor(t).Go(rp(t, d, first).AuthorizeURL(nil))
		d.Clock.Advance(time.Minute)
		enter(signIn(p, ana).MustBeAt("/login/totp"), appCode(t, d))
		answered(t, p)
		enter(at(), code).MustBeAt("/login/why") // signing in doesn't
	})
}

// A company that lets nobody set up by password alone.
func TestRecoveryOnly(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		r := rp(t, d, first)
		rule(t, d, "staff: {mode: required}, recovery_only: true")
		p := visitor(t).Go(r.AuthorizeURL(nil))
		signIn(p, ana).MustBeAt("/login/recovery-code").MustRead("owner")
		request := p.URL.RawQuery
		for _, path := range []string{"/login/why", "/login/set-up", "/login/set-up/phone", "/login/totp", "/authorize/continue"} {
			if p.Go(d.URL + path + "?" + request).MustBeAt("/login/recovery-code"); p.Status != http.StatusOK {
				t.Errorf("%s: %d", path, p.Status)
			}
		}
		p.Post(d.URL+"/login/why?"+request, url.Values{"form_token": {fieldOf(t, p, "form_token")}, "set_up": {"1"}}).MustBeAt("/login/recovery-code")
		enter(p, "0000-0000-0000-0000").MustRead("not your recovery code")
		enter(p, recoveryCode(t, d, ana)).MustBeAt("/login/why").Submit(map[string]string{"later": "1"})
		if claims := entered(t, p, r); claims["acr"] != acr1FA {
			t.Errorf("acr %v", claims["acr"])
		}
		// The next time it takes another one, or what was set up.
		p = signIn(visitor(t).Go(r.AuthorizeURL(nil)), ana).MustBeAt("/login/recovery-code")
		enter(p, recoveryCode(t, d, ana)).MustBeAt("/login/why").Submit(map[string]string{"set_up": "1"}).Submit(map[string]string{"method": "sms"})
		byText(t, d, p, anaPhone).MustBeAt("/login/backup-codes")
		saved(t, p)
		d.Clock.Advance(time.Minute)
		signIn(p, ana).MustBeAt("/login/text-message")
		if claims := entered(t, enter(p, d.Phone.Code(t, anaPhone)), r); claims["acr"] != acr2FA {
			t.Errorf("acr %v", claims["acr"])
		}
	})
}
