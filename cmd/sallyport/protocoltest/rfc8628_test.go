package protocoltest_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// devices are products without a browser: a television, which is public and
// asks for consent; a kiosk, which needs nothing special; and a vault, which
// wants two factors.
const devices = `
products:
  - id: tv
    name: Big TV
    auth_method: none
    grant_types: ["urn:ietf:params:oauth:grant-type:device_code", refresh_token]
    scopes: [openid, profile, email, offline_access]
  - id: kiosk
    name: Kiosk
    first_party: true
    secret_hash: ${SECRET_HASH}
    grant_types: ["urn:ietf:params:oauth:grant-type:device_code"]
    scopes: [openid, email]
  - id: vault
    name: Vault
    first_party: true
    secret_hash: ${SECRET_HASH}
    grant_types: ["urn:ietf:params:oauth:grant-type:device_code"]
    scopes: [openid, email]
    min_acr: urn:sallyport:acr:2fa
`

// device is a product on a device, with the codes it asked for.
type device struct {
	*servertest.RP
	w              *world
	code, userCode string
	complete       string
}

// device asks for codes.
func (w *world) device(t testing.TB, id string, more url.Values) *device {
	t.Helper()
	d := &device{RP: w.deviceRP(t, id), w: w}
	if more == nil {
		more = url.Values{"scope": {"openid email"}}
	}
	status, a := d.Post("/device_authorization", more)
	if status != http.StatusOK {
		t.Fatalf("no codes for %s: %d %v", id, status, a)
	}
	d.code, d.userCode, d.complete = a.String("device_code"), a.String("user_code"), a.String("verification_uri_complete")
	return d
}

func (w *world) deviceRP(t testing.TB, id string) *servertest.RP {
	t.Helper()
	rp := w.rp(t, id)
	if id == "tv" {
		rp.Secret = ""
	}
	return rp
}

// poll asks for the tokens.
func (d *device) poll() (int, servertest.Answer) {
	return d.Post("/token", url.Values{"grant_type": {deviceGrant}, "device_code": {d.code}})
}

// waits polls in time, and fails unless the answer is an error.
func (d *device) waits(t testing.TB, code string) {
	t.Helper()
	d.w.Clock.Advance(5 * time.Second)
	status, a := d.poll()
	mustRefuse(t, status, a, http.StatusBadRequest, code)
}

// gets polls in time, and fails unless the answer is tokens.
func (d *device) gets(t testing.TB) servertest.Answer {
	t.Helper()
	d.w.Clock.Advance(5 * time.Second)
	status, a := d.poll()
	if status != http.StatusOK || a.String("access_token") == "" || a.String("id_token") == "" {
		t.Fatalf("no tokens: %d %v", status, a)
	}
	return a
}

// goOn presses Continue on the page that shows who asks.
func goOn(p *servertest.Person) *servertest.Person { return p.Submit(map[string]string{"go_on": "1"}) }

func TestRFC8628Section3_1Request(t *testing.T) {
	both(t, devices, func(t *testing.T, w *world) {
		refuses := func(rp *servertest.RP, form url.Values, status int, code string) {
			t.Helper()
			got, a := rp.Post("/device_authorization", form)
			mustRefuse(t, got, a, status, code)
			if a["device_code"] != nil {
				t.Errorf("refused with a code: %v", a)
			}
		}
		refuses(w.rp(t, "first"), url.Values{}, http.StatusBadRequest, "unauthorized_client")
		refuses(w.deviceRP(t, "tv"), url.Values{"client_id": {"nobody"}}, http.StatusUnauthorized, "invalid_client")
		wrong := w.rp(t, "kiosk")
		wrong.Secret = "another secret"
		refuses(wrong, url.Values{}, http.StatusUnauthorized, "invalid_client")
		refuses(w.rp(t, "kiosk"), url.Values{"scope": {"email"}}, http.StatusBadRequest, "invalid_scope")
		refuses(w.rp(t, "kiosk"), url.Values{"resource": {"https://api.example"}}, http.StatusBadRequest, "invalid_target")

		// Without a scope it learns who signs in.
		d := w.device(t, "kiosk", url.Values{})
		goOn(w.member(t, ana).Go(d.complete)).MustBeAt("/device/done")
		if a := d.gets(t); a.String("scope") != "openid" {
			t.Errorf("the scope is %q", a.String("scope"))
		}
	})
}

func TestRFC8628Section3_2Response(t *testing.T) {
	both(t, devices, func(t *testing.T, w *world) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+"/device_authorization", strings.NewReader("client_id=tv&scope=openid"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		status, header, a := w.rp(t, "tv").Do(req)
		if status != http.StatusOK || header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d, %v: %v", status, header, a)
		}
		code, typed := a.String("device_code"), a.String("user_code")
		if len(code) != 43 || !regexp.MustCompile(`^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`).MatchString(typed) {
			t.Errorf("codes %q and %q", code, typed)
		}
		if a.String("verification_uri") != w.URL+"/device" || a.String("verification_uri_complete") != w.URL+"/device?user_code="+typed ||
			a["expires_in"] != 600.0 || a["interval"] != 5.0 {
			t.Errorf("%v", a)
		}
		// Whoever reads the database can neither poll nor type.
		row, err := w.DB.DeviceCode(t.Context(), storage.Hash(code))
		if err != nil {
			t.Fatal(err)
		}
		for _, plain := range []string{typed, storage.Hash(typed), strings.ReplaceAll(typed, "-", "")} {
			if row.UserCodeHash == plain {
				t.Errorf("the user code is kept as %q", plain)
			}
		}
	})
}

// The whole way of a person: code, who asks, sign-in, consent, and back.
func TestRFC8628Section3_3Interaction(t *testing.T) {
	both(t, devices, func(t *testing.T, w *world) {
		d := w.device(t, "tv", url.Values{"scope": {"openid email offline_access"}})
		d.waits(t, "authorization_pending")

		p := w.visitor(t).Go(w.URL + "/device")
		p.Submit(map[string]string{"user_code": "aeiou"}).MustRead("A code has eight letters")
		p.Submit(map[string]string{"user_code": ""}).MustRead("A code has eight letters")
		typed := strings.ToLower(strings.ReplaceAll(d.userCode, "-", ""))
		p.Submit(map[string]string{"user_code": " " + typed[:3] + " " + typed[3:5] + "–" + typed[5:] + " "})
		p.MustRead("Sign in a device to Big TV?").MustRead(d.userCode).MustRead("127.0.0.1").MustRead("The network you are in, too.").
			MustRead(w.Clock.Now().Add(-5 * time.Second).Format("15:04:05")).MustRead("Go on only if you started this yourself")
		d.waits(t, "authorization_pending")

		signIn(goOn(p).MustBeAt("/login/password"), ana)
		d.waits(t, "authorization_pending")
		p.MustBeAt("/login/consent").Submit(map[string]string{"allow": "1"})
		p.MustBeAt("/device/done").MustRead("You can go back to your device").MustRead("Big TV")
		if p.URL.Query().Has("code") {
			t.Errorf("a code on %s", p.URL)
		}

		tokens := d.gets(t)
		if status, claims := d.Userinfo(tokens.String("access_token")); status != http.StatusOK || claims.String("email") != ana {
			t.Errorf("userinfo: %d %v", status, claims)
		}
		if claims := servertest.Claims(t, tokens.String("id_token")); claims.String("aud") != "tv" || claims.String("acr") != "urn:sallyport:acr:1fa" || claims.String("sid") == "" {
			t.Errorf("ID token: %v", claims)
		}
		if status, a := d.Refresh(tokens.String("refresh_token"), nil); status != http.StatusOK {
			t.Errorf("refresh: %d %v", status, a)
		}

		// The consent is remembered; the page is asked every time.
		again := w.device(t, "tv", url.Values{"scope": {"openid email offline_access"}})
		p.Go(again.complete).MustRead("Sign in a device to Big TV?").MustRead("You are signed in as " + ana)
		goOn(p).MustBeAt("/device/done").MustRead("You can go back to your device")
		again.gets(t)
	})
}

// What a person allows by a device doesn't hide what they allowed before: the
// account shows both.
func TestRFC8628Section3_3ConsentToAnother(t *testing.T) {
	both(t, devices, func(t *testing.T, w *world) {
		p := w.member(t, ana)
		for _, scope := range []string{"openid email", "openid profile"} {
			d := w.device(t, "tv", url.Values{"scope": {scope}})
			goOn(p.Go(d.complete)).MustBeAt("/login/consent").Submit(map[string]string{"allow": "1"})
			d.gets(t)
		}
		d := w.device(t, "tv", url.Values{"scope": {"openid email profile"}})
		goOn(p.Go(d.complete)).MustBeAt("/device/done")
	})
}

// The link with the code in it shows the same page, and nothing happens
// without a press of the button, whoever is signed in already.
func TestRFC8628Section3_3_1Complete(t *testing.T) {
	both(t, devices, func(t *testing.T, w *world) {
		d := w.device(t, "kiosk", nil)
		p := w.member(t, ana).Go(d.complete).MustBeAt("/device").MustRead("Sign in a device to Kiosk?").MustRead(d.userCode)
		p.Go(d.complete + "&go_on=1").MustRead("Sign in a device to Kiosk?")
		d.waits(t, "authorization_pending")
		goOn(p).MustBeAt("/device/done").MustRead("You can go back to your device")
		d.gets(t)
	})
}

func TestRFC8628Section3_4Redemption(t *testing.T) {
	both(t, devices, func(t *testing.T, w *world) {
		d := w.device(t, "kiosk", nil)
		status, a := d.Post("/token", url.Values{"grant_type": {deviceGrant}})
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_request")
		status, a = w.rp(t, "first").Post("/token", url.Values{"grant_type": {deviceGrant}, "device_code": {d.code}})
		mustRefuse(t, status, a, http.StatusBadRequest, "unauthorized_client")

		goOn(w.member(t, ana).Go(d.complete))
		// Another product's device has nothing of it, and takes nothing from it.
		other := *d
		other.RP = w.rp(t, "vault")
		other.waits(t, "invalid_grant")
		status, a = d.Post("/token", url.Values{"grant_type": {deviceGrant}, "device_code": {d.userCode}})
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_grant")
		tokens := d.gets(t)
		if tokens["refresh_token"] != nil {
			t.Errorf("a refresh token for a product without that grant: %v", tokens)
		}

		// A second time there is nothing, and what the first one got stays good.
		d.waits(t, "invalid_grant")
		if status, _ := d.Userinfo(tokens.String("access_token")); status != http.StatusOK {
			t.Errorf("userinfo after a second poll: %d", status)
		}
	})
}

// Fifty polls at once get one set of tokens.
func TestRFC8628Section3_4Once(t *testing.T) {
	both(t, devices, func(t *testing.T, w *world) {
		d := w.device(t, "kiosk", nil)
		goOn(w.member(t, ana).Go(d.complete)).MustBeAt("/device/done")
		w.Clock.Advance(5 * time.Second)
		var all sync.WaitGroup
		var mu sync.Mutex
		got, refused := 0, map[string]int{}
		for range 50 {
			all.Go(func() {
				status, a := d.poll()
				mu.Lock()
				defer mu.Unlock()
				if status == http.StatusOK {
					got++
				} else {
					refused[a.String("error")]++
				}
			})
		}
		all.Wait()
		if got != 1 || refused["invalid_grant"] != 49 {
			t.Errorf("%d sets of tokens, and %v", got, refused)
		}
	})
}

func TestRFC8628Section3_5SlowDown(t *testing.T) {
	both(t, devices, func(t *testing.T, w *world) {
		d := w.device(t, "kiosk", nil)
		after := func(wait time.Duration, code string) {
			t.Helper()
			w.Clock.Advance(wait)
			status, a := d.poll()
			mustRefuse(t, status, a, http.StatusBadRequest, code)
		}
		after(0, "authorization_pending")
		after(5*time.Second, "authorization_pending")
		after(4999*time.Millisecond, "slow_down") // now every 10
		after(9*time.Second, "slow_down")         // now every 15
		after(15*time.Second, "authorization_pending")
		after(14*time.Second, "slow_down") // for good
		// Too fast as it was, it gets its tokens.
		goOn(w.member(t, ana).Go(d.complete))
		if status, a := d.poll(); status != http.StatusOK {
			t.Errorf("%d %v", status, a)
		}
	})
}

func TestRFC8628Section3_5Denied(t *testing.T) {
	both(t, devices, func(t *testing.T, w *world) {
		// On the page that says who asks: nobody has to sign in for that.
		d := w.device(t, "tv", nil)
		w.visitor(t).Go(d.complete).Submit(map[string]string{"cancel": "1"}).MustRead("Your device wasn't signed in")
		d.waits(t, "access_denied")
		p := w.member(t, ana)
		p.Go(d.complete).MustRead("That code is wrong or has expired")

		// On any page of the sign-in.
		d = w.device(t, "tv", nil)
		visitor := w.visitor(t).Go(d.complete)
		goOn(visitor).MustBeAt("/login/password").SubmitTo("/login/cancel").MustBeAt("/device/done").MustRead("Your device wasn't signed in")
		d.waits(t, "access_denied")

		// By refusing consent.
		d = w.device(t, "tv", nil)
		goOn(p.Go(d.complete)).MustBeAt("/login/consent").Submit(map[string]string{"deny": "1"}).MustRead("Your device wasn't signed in")
		d.waits(t, "access_denied")
	})
}

func TestRFC8628Section3_5Expired(t *testing.T) {
	both(t, devices, func(t *testing.T, w *world) {
		d := w.device(t, "kiosk", nil)
		p := w.member(t, ana).Go(d.complete)
		slow := w.visitor(t).Go(d.complete)
		goOn(slow).MustBeAt("/login/password")
		w.Clock.Advance(10*time.Minute - time.Second)
		status, a := d.poll()
		mustRefuse(t, status, a, http.StatusBadRequest, "authorization_pending")
		w.Clock.Advance(time.Second)
		d.waits(t, "expired_token")
		p.Go(d.complete).MustRead("That code is wrong or has expired")
		// Who began in time and ends too late is told so; and the device is not.
		signIn(slow, ana).MustBeAt("/device/done").MustRead("This code has expired")
		if slow.Status != http.StatusGone {
			t.Errorf("status %d", slow.Status)
		}
		d.waits(t, "expired_token")

		// Allowed, and not fetched in time.
		d = w.device(t, "kiosk", nil)
		goOn(p.Go(d.complete)).MustRead("You can go back to your device")
		w.Clock.Advance(10 * time.Minute)
		d.waits(t, "expired_token")
	})
}

// Wrong codes are counted in the database, per network, and slow down further
// ones; right ones in between win nothing.
func TestRFC8628Section5_1Guessing(t *testing.T) {
	both(t, devices, func(t *testing.T, w *world) {
		p := w.visitor(t)
		d := w.device(t, "kiosk", nil)
		try := func(code string, status int) {
			t.Helper()
			if p.Go(w.URL + "/device?user_code=" + code); p.Status != status {
				t.Fatalf("%d, not %d: %s", p.Status, status, p.Text())
			}
		}
		wrong := "BBBB-BBBB"
		for range 10 {
			try(wrong, http.StatusUnprocessableEntity)
			try(d.userCode, http.StatusOK)
		}
		try(wrong, http.StatusUnprocessableEntity) // the eleventh makes it wait
		try(wrong, http.StatusTooManyRequests)
		try(d.userCode, http.StatusTooManyRequests)
		p.MustRead("Too many wrong codes came from your network")
		if p.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		w.Clock.Advance(2 * time.Second)
		try(d.userCode, http.StatusOK)
		try(wrong, http.StatusUnprocessableEntity) // the twelfth: twice as long
		w.Clock.Advance(3 * time.Second)
		try(d.userCode, http.StatusTooManyRequests)
		w.Clock.Advance(time.Second)
		try(d.userCode, http.StatusOK)
		// An hour later it is forgotten.
		try(wrong, http.StatusUnprocessableEntity)
		w.Clock.Advance(time.Hour)
		try(wrong, http.StatusUnprocessableEntity)
		try(wrong, http.StatusUnprocessableEntity)
	})
}

// Nobody presses Continue for somebody else.
func TestRFC8628Section5_4Forged(t *testing.T) {
	both(t, devices, func(t *testing.T, w *world) {
		d := w.device(t, "kiosk", nil)
		p := w.member(t, ana)
		for _, form := range []url.Values{
			{"user_code": {d.userCode}, "go_on": {"1"}},
			{"user_code": {d.userCode}, "go_on": {"1"}, "form_token": {"guessed"}},
			{"user_code": {d.userCode}, "cancel": {"1"}},
		} {
			if p.Post(w.URL+"/device", form); p.Status != http.StatusForbidden {
				t.Errorf("%v: %d at %s", form, p.Status, p.URL)
			}
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+"/device", strings.NewReader("go_on=1"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "cross-site")
		resp, err := p.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("from another site: %d", resp.StatusCode)
		}
		d.waits(t, "authorization_pending")

		// What came of it is for the browser that answered.
		goOn(p.Go(d.complete)).MustBeAt("/device/done")
		w.visitor(t).Go(p.URL.String()).MustBeAt("/device")
		// Once.
		p.Go(w.URL + "/device?user_code=" + d.userCode).MustRead("That code is wrong or has expired")
		d.gets(t)
	})
}

// Who begins a sign-in again answers the device by it, as by the first one.
func TestRFC8628Section3_3StartAgain(t *testing.T) {
	both(t, devices, func(t *testing.T, w *world) {
		again := func(d *device) *servertest.Person {
			t.Helper()
			p := goOn(w.visitor(t).Go(d.complete)).MustBeAt("/login/password")
			was := p.URL.Query().Get("r")
			p.Go(w.URL + "/login/again?r=" + was).MustBeAt("/login/password")
			if p.URL.Query().Get("r") == was {
				t.Fatal("not begun again")
			}
			return p
		}
		d := w.device(t, "kiosk", nil)
		signIn(again(d), ana).MustBeAt("/device/done").MustRead("You can go back to your device")
		d.gets(t)
		d = w.device(t, "kiosk", nil)
		again(d).SubmitTo("/login/cancel").MustBeAt("/device/done").MustRead("Your device wasn't signed in")
		d.waits(t, "access_denied")
	})
}

// What a product, or the request of its device, demands is asked on the way.
func TestRFC8628Section5_4SecondFactor(t *testing.T) {
	both(t, devices, func(t *testing.T, w *world) {
		p := w.member(t, ana)
		d := w.device(t, "vault", nil)
		goOn(p.Go(d.complete)).MustBeAt("/login/why")
		d.waits(t, "authorization_pending")
		p.Submit(map[string]string{"set_up": "1"}).MustBeAt("/login/set-up").Submit(map[string]string{"method": "totp"})
		key := p.MustBeAt("/login/set-up/scan").All("#key")[0]
		p.Follow("/login/set-up/code").Submit(map[string]string{"code": servertest.Code(t, key, w.Clock.Now())})
		p.MustBeAt("/login/backup-codes").Submit(map[string]string{"saved": "yes"})
		signIn(p, ana)
		w.Clock.Advance(30 * time.Second)
		p.MustBeAt("/login/totp").Submit(map[string]string{"code": servertest.Code(t, key, w.Clock.Now())})
		p.MustBeAt("/device/done").MustRead("You can go back to your device")
		if claims := servertest.Claims(t, d.gets(t).String("id_token")); claims.String("acr") != "urn:sallyport:acr:2fa" || claims["mfa_time"] == nil {
			t.Errorf("%v", claims)
		}

		// By acr_values, of another person who has no second factor yet.
		d = w.device(t, "kiosk", url.Values{"acr_values": {"urn:sallyport:acr:2fa"}})
		goOn(w.member(t, "ben@acme.example").Go(d.complete)).MustBeAt("/login/why")
	})
}

// Between the press of the button and the next poll the world may change.
func TestRFC8628Section5_4Meanwhile(t *testing.T) {
	both(t, devices, func(t *testing.T, w *world) {
		allowed := func() (*device, *servertest.Person) {
			t.Helper()
			p, d := w.member(t, ana), w.device(t, "kiosk", nil)
			goOn(p.Go(d.complete)).MustRead("You can go back to your device")
			return d, p
		}
		d, p := allowed()
		p.Go(w.URL + "/logout").Submit(map[string]string{"logout": "1"})
		d.waits(t, "invalid_grant")
		d.waits(t, "invalid_grant") // it was spent by that

		d, _ = allowed()
		w.Apply(strings.ReplaceAll(strings.Replace(devices, "    name: Kiosk", "    name: Kiosk\n    kinds: [client]", 1), "${SECRET_HASH}", storage.Hash(secret)))
		d.waits(t, "invalid_grant")

		// And who may not enter is told on the way, and the device that nobody came.
		p, closed := w.member(t, ana), w.device(t, "kiosk", nil)
		goOn(p.Go(closed.complete)).MustRead("Kiosk")
		if p.Status != http.StatusForbidden {
			t.Errorf("%d: %s", p.Status, p.Text())
		}
		p.SubmitTo("/login/cancel").MustBeAt("/device/done").MustRead("Your device wasn't signed in")
		closed.waits(t, "access_denied")
	})
}

// Signing out ends what a device holds, unless it may stay while people are
// away.
func TestRFC8628Section3_5SignedOut(t *testing.T) {
	both(t, devices, func(t *testing.T, w *world) {
		p := w.member(t, ana)
		d := w.device(t, "kiosk", nil)
		goOn(p.Go(d.complete))
		tokens := d.gets(t)
		p.Go(w.URL + "/logout").Submit(map[string]string{"logout": "1"})
		if status, _ := d.Userinfo(tokens.String("access_token")); status != http.StatusUnauthorized {
			t.Errorf("userinfo after the sign-out: %d", status)
		}
	})
}

// A device that sends DPoP proofs gets tokens bound to its key (RFC 9449
// section 5).
func TestRFC8628Section3_4Bound(t *testing.T) {
	both(t, devices, func(t *testing.T, w *world) {
		tv, d := w.prover(t, "tv", ""), w.device(t, "tv", nil)
		goOn(w.member(t, ana).Go(d.complete)).Submit(map[string]string{"allow": "1"})
		form := url.Values{"grant_type": {deviceGrant}, "device_code": {d.code}}
		status, _, a := tv.send("/token", form, "no proof")
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_dpop_proof")
		status, _, a = tv.send("/token", form, tv.key.proof("/token", nil))
		if status != http.StatusOK || a.String("token_type") != "DPoP" {
			t.Fatalf("%d %v", status, a)
		}
		if status, _ := d.Userinfo(a.String("access_token")); status != http.StatusUnauthorized {
			t.Errorf("userinfo without a proof: %d", status)
		}
	})
}
