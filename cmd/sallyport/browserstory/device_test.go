package browserstory

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
)

// television is a product without a browser, and without a keyboard to speak
// of.
const television = `products: [{ id: television, name: Living room TV, auth_method: none, scopes: [openid, profile],
	grant_types: ["urn:ietf:params:oauth:grant-type:device_code"] }]`

// screen is what a television shows, and what it asks with meanwhile.
type screen struct {
	rp                       *servertest.RP
	code, userCode, complete string
}

// turnOn has a television ask for codes.
func (s *stage) turnOn(t *testing.T) *screen {
	t.Helper()
	rp := servertest.NewRP(t, s.Instance, "television", "", "")
	status, a := rp.Post("/device_authorization", url.Values{"scope": {"openid profile"}})
	if status != http.StatusOK {
		t.Fatalf("no codes: %d %v", status, a)
	}
	return &screen{rp: rp, code: a.String("device_code"), userCode: a.String("user_code"), complete: a.String("verification_uri_complete")}
}

// shows polls once, and fails unless the answer is an error; none where err is
// empty.
func (d *screen) shows(t *testing.T, err string) {
	t.Helper()
	d.rp.Clock.Advance(5 * time.Second)
	_, a := d.rp.Post("/token", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {d.code}})
	if a.String("error") != err || (a["id_token"] != nil) != (err == "") {
		t.Fatalf("%v, want the error %q", a, err)
	}
}

// A person signs a television in on their phone.
func TestDevice(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		s.Apply(television)
		t.Run("with scripts", func(t *testing.T) { device(t, s, s.withApp(t, "Tea")) })
		t.Run("without scripts", func(t *testing.T) { device(t, s, s.withApp(t, "Tom").withoutScripts()) })
	})
}

func device(t *testing.T, s *stage, v *visitor) {
	tv := s.turnOn(t)
	v.Width(320)
	v.Go(s.URL + "/device")
	v.says("h1", "Connect a device")
	if v.scripts && !evaluate[bool](v, `document.activeElement.id === 'user_code'`) {
		t.Error("typing doesn't begin in the field")
	}
	v.Fill("#user_code", "bbbb bbbb")
	v.press().says("#user_code-problem", "That code is wrong or has expired.")
	v.Fill("#user_code", strings.ToLower(strings.ReplaceAll(tv.userCode, "-", "")))
	v.press().says("h1", "Sign in a device to Living room TV?").says("#device-code", tv.userCode).says("#device-from", "The network you are in, too.").
		says("#device-warning", "Go on only if you started this yourself")
	tv.shows(t, "authorization_pending")

	v.press().password().at("/login/totp").enter(v.nextCode())
	v.at("/login/consent").press()
	v.at("/device/done").says("h1", "You can go back to your device")
	tv.shows(t, "")

	// Signed in as they are, the link still asks; and they may say no.
	again := s.turnOn(t)
	v.Go(again.complete)
	v.says("#device-code", again.userCode)
	v.ClickText("Cancel")
	v.says("h1", "Your device wasn't signed in")
	again.shows(t, "access_denied")
}

// walkDevice is what a person sees who signs a device in.
func walkDevice(t *testing.T, s *stage, see func(string, *visitor)) {
	s.Apply(television)
	tv := s.turnOn(t)
	v := s.visitor(t, s.join("Tess"))
	v.Go(s.URL + "/device")
	see("device-code", v)
	v.Fill("#user_code", "no code")
	v.press()
	see("device-code-wrong", v)
	v.Fill("#user_code", tv.userCode)
	v.press()
	see("device-confirm", v)
	v.press().password()
	see("device-consent", v)
	v.press()
	see("device-allowed", v)
	tv = s.turnOn(t)
	v.Go(tv.complete)
	v.ClickText("Cancel")
	see("device-denied", v)
	tv = s.turnOn(t)
	v.Go(tv.complete)
	s.Clock.Advance(10 * time.Minute)
	v.press()
	see("device-too-late", v)
}
