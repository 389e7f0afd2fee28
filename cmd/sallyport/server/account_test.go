package server_test

import (
	"context"
	"encoding/base32"
	"encoding/base64"
	"html"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/storage"
)

const olga = "olga@acme.example" // an owner

// holder is somebody signed in to their account.
type holder struct {
	*servertest.Person
	d     *servertest.Demo
	t     *testing.T
	email string
	token string
}

const appSeed = "twenty bytes of seed"

func appCode(t *testing.T, d *servertest.Demo) string {
	return servertest.Code(t, base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString([]byte(appSeed)), d.Clock.Now())
}

// give adds factors to a person: an app has appSeed. Two-step verification is
// on from then on.
func give(t *testing.T, d *servertest.Demo, email string, factors ...storage.Factor) {
	t.Helper()
	change(t, d, email, func(tx *storage.Tx, id string) error {
		for _, f := range factors {
			f.UserID = id
			if f.Kind == "totp" && f.Secret == nil {
				f.Secret = []byte(appSeed)
			}
			if err := tx.InsertFactor(t.Context(), f, 0, d.Clock.Now()); err != nil {
				return err
			}
		}
		if err := tx.SetPreferredMethod(t.Context(), id, "totp"); err != nil {
			return err
		}
		return tx.SetTwoStep(t.Context(), id, true, d.Clock.Now())
	})
}

var (
	anApp     = storage.Factor{ID: "app", Kind: "totp", Name: "My phone"}
	aKey      = storage.Factor{ID: "key", Kind: "webauthn", Name: "My key", Handle: "handle", Secret: []byte(`{"id":"AQID"}`)}
	texts     = storage.Factor{ID: "texts", Kind: "sms", Secret: []byte("+41791234567")}
	mailCodes = storage.Factor{ID: "mails", Kind: "email", Secret: []byte("x")}
)

// inAccount is somebody at their account, by password and, where they have
// one, by their app.
func inAccount(t *testing.T, d *servertest.Demo, email string) *holder {
	t.Helper()
	h := &holder{Person: visitor(t), d: d, t: t, email: email}
	h.Go(d.URL + "/account")
	signIn(h.Person, email)
	switch h.URL.Path {
	case "/login/totp":
		h.code()
	case "/login/email-code":
		h.Submit(map[string]string{"code": d.CodeTo(t, email)})
	}
	h.MustBeAt("/account")
	h.token = fieldOf(t, h.Person, "form_token")
	return h
}

// code enters the next code of the app.
func (h *holder) code() {
	h.d.Clock.Advance(totpStep)
	h.Submit(map[string]string{"code": appCode(h.t, h.d)})
}

// at goes to a page.
func (h *holder) at(path string) *holder {
	h.t.Helper()
	h.Go(h.d.URL + path)
	return h
}

// send sends a form that need not be on the page, from the page's own browser.
func (h *holder) send(path string, pairs ...string) *holder {
	h.t.Helper()
	values := url.Values{"form_token": {h.token}}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	h.Post(h.d.URL+path, values)
	return h
}

// source is what a page is made of.
func (h *holder) source(path string) string {
	h.t.Helper()
	resp, err := h.Client().Get(h.d.URL + path)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(body)
}

func (h *holder) person() *storage.SignedIn {
	h.t.Helper()
	u, err := h.d.DB.UserByEmail(h.t.Context(), h.email)
	if err != nil {
		h.t.Fatal(err)
	}
	in, err := h.d.DB.Person(h.t.Context(), u.ID, "")
	if err != nil {
		h.t.Fatal(err)
	}
	return in
}

func (h *holder) factors() []string {
	h.t.Helper()
	factors, err := h.d.DB.Factors(h.t.Context(), h.person().User.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	var names []string
	for _, f := range factors {
		names = append(names, f.ID+" "+f.Name)
	}
	slices.Sort(names)
	return names
}

// mustLog fails unless an event is the newest of its kind about the person.
func (h *holder) mustLog(event string) {
	h.t.Helper()
	if !h.logged(event) {
		h.t.Errorf("%s is not in the audit of %s", event, h.email)
	}
}

func (h *holder) logged(event string) bool {
	h.t.Helper()
	events, err := h.d.DB.Activity(h.t.Context(), h.person().User.ID, 100)
	if err != nil {
		h.t.Fatal(err)
	}
	return slices.ContainsFunc(events, func(e *storage.Event) bool { return e.Event == event && e.At.Equal(h.d.Clock.Now()) })
}

// mustBeOut fails unless the session has ended.
func (h *holder) mustBeOut() {
	h.t.Helper()
	h.at("/account").MustBeAt("/login/password")
}

// posted are the mails queued since the last call, as "to: subject".
func posted(t *testing.T, d *servertest.Demo) (mails []string, bodies string) {
	t.Helper()
	box := new(servertest.Mailbox)
	n := notify.Notices{DB: d.DB, Mail: box, Now: d.Clock.Now}
	for {
		sent, err := n.Deliver(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if sent == 0 {
			break
		}
	}
	for _, m := range box.All() {
		mails = append(mails, m.To+": "+m.Subject)
		bodies += m.Body
	}
	slices.Sort(mails)
	return mails, bodies
}

func mustPost(t *testing.T, d *servertest.Demo, want ...string) string {
	t.Helper()
	got, bodies := posted(t, d)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("mails %q, want %q", got, want)
	}
	return bodies
}

// rule gives Acme rules.
func rule(t *testing.T, d *servertest.Demo, rules string) {
	t.Helper()
	declare(t, d, "companies: [{id: acme, name: Acme, rules: {"+rules+"}}]")
}

func TestRenameFactors(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		give(t, d, ana, anApp, aKey)
		give(t, d, ben, storage.Factor{ID: "bens", Kind: "totp", Name: "Ben's"})
		h := inAccount(t, d, ana)

		h.Follow("/account/authenticators/app/name").MustBeAt("/account/authenticators/app/name")
		h.Submit(map[string]string{"name": "  "}).MustRead("Error")
		h.Submit(map[string]string{"name": strings.Repeat("ä", 61)}).MustRead("too long")
		h.Submit(map[string]string{"name": strings.Repeat("ä", 60)}).MustBeAt("/account")
		h.mustLog("totp.renamed")
		h.Follow("/account/passkeys/key/name").Submit(map[string]string{"name": " Blue key "}).MustBeAt("/account").MustRead("Blue key")
		h.mustLog("webauthn.renamed")
		if got := h.factors(); !slices.Equal(got, []string{"app " + strings.Repeat("ä", 60), "key Blue key"}) {
			t.Errorf("factors %q", got)
		}

		// Somebody else's, none, or of another kind: back to the overview.
		for _, path := range []string{"/account/authenticators/bens", "/account/authenticators/nothing", "/account/authenticators/key", "/account/passkeys/app"} {
			h.at(path + "/name").MustBeAt("/account")
			h.send(path+"/name", "name", "Taken").MustBeAt("/account")
			h.at(path + "/remove").MustBeAt("/account")
			h.send(path+"/remove", "confirm", "1").MustBeAt("/account")
		}
		bens := inAccount(t, d, ben)
		if got := slices.Concat(h.factors(), bens.factors()); len(got) != 3 || got[2] != "bens Ben's" {
			t.Errorf("factors %q", got)
		}
	})
}

func TestRemoveFactors(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		give(t, d, ana, anApp, aKey, texts, mailCodes)
		change(t, d, ana, func(tx *storage.Tx, id string) error {
			return tx.ReplaceBackupCodes(t.Context(), id, []string{"a", "b"}, d.Clock.Now())
		})
		h, phone := inAccount(t, d, ana), inAccount(t, d, ana)
		posted(t, d)

		h.at("/account/passkeys/key/remove").MustRead("My key").Submit(map[string]string{"confirm": "1"}).MustBeAt("/account")
		h.mustLog("webauthn.removed")
		mustPost(t, d, ana+": A passkey or security key was removed from your account")
		phone.mustBeOut()
		h.at("/account/text-messages/remove").Submit(map[string]string{"confirm": "1"}).MustBeAt("/account")
		h.mustLog("sms.removed")
		mustPost(t, d, ana+": Text-message codes were removed from your account")
		h.at("/account/email-codes/remove").Submit(map[string]string{"confirm": "1"}).MustBeAt("/account")
		h.mustLog("email.removed")
		mustPost(t, d, ana+": E-mail codes were removed from your account")
		if in := h.person(); !in.User.TwoStep || in.BackupCodesLeft != 2 {
			t.Errorf("with an app left: %v, %d codes", in.User.TwoStep, in.BackupCodesLeft)
		}

		// The last one takes two-step verification and backup codes with it.
		h.at("/account/authenticators/app/remove").MustRead("My phone").Submit(map[string]string{"confirm": "1"}).MustBeAt("/account")
		h.mustLog("totp.removed")
		mustPost(t, d, ana+": An authenticator app was removed from your account")
		if in := h.person(); in.User.TwoStep || in.BackupCodesLeft != 0 || len(h.factors()) > 0 {
			t.Errorf("after the last one: %v, %d codes, %q", in.User.TwoStep, in.BackupCodesLeft, h.factors())
		}
		for _, path := range []string{"/account/text-messages/remove", "/account/email-codes/remove", "/account/authenticators/app/remove"} {
			h.at(path).MustBeAt("/account")
		}
	})
}

func TestLastFactorThatIsRequired(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		rule(t, d, "staff: {mode: required}")
		give(t, d, ana, anApp, mailCodes)
		h := inAccount(t, d, ana)
		refused := func(path string) {
			t.Helper()
			for _, visit := range []func() *holder{func() *holder { return h.at(path) }, func() *holder { return h.send(path, "confirm", "1") }} {
				visit().MustRead("Acme requires two-step verification. Add another method first.")
				if h.Status != 422 || !h.Has("#two-step") {
					t.Errorf("%s: %d, not the overview", path, h.Status)
				}
			}
		}
		// What is left must do for what Acme requires: e-mail codes don't.
		refused("/account/authenticators/app/remove")
		if got := h.factors(); len(got) != 2 || !h.person().User.TwoStep {
			t.Fatalf("left %q", got)
		}
		h.send("/account/email-codes/remove", "confirm", "1").MustBeAt("/account")
		refused("/account/authenticators/app/remove")
		if got := h.factors(); !slices.Equal(got, []string{"app My phone"}) || !h.person().User.TwoStep {
			t.Fatalf("left %q", got)
		}
		// Where they do, they may be what is left.
		rule(t, d, "staff: {mode: required}, email_code_fulfils: true")
		give(t, d, ana, mailCodes)
		h.send("/account/authenticators/app/remove", "confirm", "1")
		if got := h.factors(); !slices.Equal(got, []string{"mails "}) {
			t.Fatalf("left %q", got)
		}
		posted(t, d) // the code shall be the newest mail
		h = inAccount(t, d, ana)
		refused("/account/email-codes/remove")
		// Who may put it off may go without.
		rule(t, d, "staff: {mode: required, from: "+d.Clock.Now().Add(-time.Hour).Format(time.RFC3339)+", grace: 14d}, email_code_fulfils: true")
		h.send("/account/email-codes/remove", "confirm", "1").MustBeAt("/account")
		if got := h.factors(); len(got) != 0 {
			t.Errorf("left %q", got)
		}
	})
}

// Two tabs can't remove the last two at once.
func TestLastFactorsAtOnce(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		rule(t, d, "staff: {mode: required}")
		for range 5 {
			give(t, d, ana, anApp)
			for _, id := range []string{"b", "c", "d"} {
				give(t, d, ana, storage.Factor{ID: id, Kind: "totp", Secret: []byte("another " + id)})
			}
			h := inAccount(t, d, ana)
			ids := []string{"app", "b", "c", "d"}
			succeed(4, func(i int) bool {
				resp, err := h.Client().PostForm(d.URL+"/account/authenticators/"+ids[i]+"/remove", url.Values{"form_token": {h.token}, "confirm": {"1"}})
				if err == nil {
					resp.Body.Close()
				}
				return err == nil
			})
			if got := h.factors(); len(got) != 1 {
				t.Fatalf("left %q", got)
			}
			change(t, d, ana, func(tx *storage.Tx, id string) error {
				_, err := tx.DeleteFactors(t.Context(), id, "")
				return err
			})
		}
	})
}

// The browser is told which passkeys still work.
func TestSignalledKeys(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		give(t, d, ana, anApp, aKey)
		h := inAccount(t, d, ana)
		signalled := func(credentials string) {
			t.Helper()
			source := h.source("/account")
			for _, want := range []string{`data-rp-id="localhost"`, `data-user-id="` + base64.RawURLEncoding.EncodeToString([]byte(h.person().User.ID)) + `"`, `data-credentials="` + credentials + `"`} {
				if !strings.Contains(html.UnescapeString(source), want) {
					t.Errorf("the overview lacks %s", want)
				}
			}
		}
		signalled(`["AQID"]`)
		h.send("/account/passkeys/key/remove", "confirm", "1").MustBeAt("/account")
		signalled(`[]`)
	})
}

// Where one browser is led back to is no other's business: a set-up link's
// secret is part of it.
func TestWayBackIsEachBrowsersOwn(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		one := servertest.NewPerson(t)
		one.Go(d.URL + "/account/two-step/link?token=a-secret").MustBeAt("/login/password")
		other := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		resp, err := other.Head(d.URL + "/account/two-step/link")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if to := resp.Header.Get("Location"); to == "" || strings.Contains(to, "a-secret") {
			t.Errorf("another browser is led to %q", to)
		}
		signIn(one, ana)
		if one.MustBeAt("/account/two-step/link").URL.Query().Get("token") != "a-secret" {
			t.Errorf("led back to %s", one.URL)
		}
	})
}

// The language a person chose holds for pages and mails, whatever the browser
// says.
func TestLanguageOfOnesOwn(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		p := servertest.NewPerson(t)
		p.Go(d.URL + "/account")
		signIn(p, ana).MustRead("Your account")
		p.Submit(map[string]string{"language": "de"}).MustBeAt("/account").MustRead("Ihr Konto")
		p.Post(d.URL+"/account/language", url.Values{"language": {"xx"}, "form_token": {fieldOf(t, p, "form_token")}}).MustRead("Ihr Konto")
		user, err := d.DB.UserByEmail(t.Context(), ana)
		if err != nil || user.Profile.Locale != "de" || user.Profile.Name != "Ana Operator" {
			t.Fatalf("kept %+v, %v", user.Profile, err)
		}
		p.Submit(map[string]string{"language": ""}).MustRead("Your account")
	})
}
