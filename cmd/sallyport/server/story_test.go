package server_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestMain(m *testing.M) { os.Exit(storagetest.Main(m)) }

// each runs a test on both engines.
func each(t *testing.T, test func(t *testing.T, d *servertest.Demo)) {
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, servertest.StartDemo(t, engine))
		})
	}
}

// signIn answers the password page.
func signIn(p *servertest.Person, email string) *servertest.Person {
	return p.Submit(map[string]string{"username": email, "password": demo.Password})
}

// enrol goes through the four steps from the why-page on, and returns the key
// and the backup codes.
func enrol(t *testing.T, d *servertest.Demo, p *servertest.Person) (key string, codes []string) {
	t.Helper()
	p.MustBeAt("/login/why").Submit(map[string]string{"set_up": "1"})
	p.MustBeAt("/login/set-up").Submit(map[string]string{"method": "totp"})
	p.MustBeAt("/login/set-up/scan")
	key = strings.ReplaceAll(p.All("#key")[0], " ", "")
	p.Follow("/login/set-up/code")
	p.Submit(map[string]string{"code": servertest.Code(t, key, d.Clock.Now())})
	p.MustBeAt("/login/backup-codes")
	codes = p.All("code")
	p.Submit(map[string]string{"saved": "yes"})
	return key, codes
}

// The main job, from end to end.
func TestStory(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		ana := servertest.NewPerson(t)

		// She signs in to the dashboard with a password, and to the second
		// product without being asked again.
		ana.Go(d.Dashboard).Follow("/login")
		ana.MustBeAt("/login/password").MustRead("Dashboard")
		signIn(ana, "ana@acme.example").MustRead("Ana Operator")
		ana.Go(d.Remote).Follow("/login")
		ana.MustRead("reception-pc")

		// A remote session wants more. The provider says why, enrols an app,
		// hands out backup codes, and signs her in anew.
		ana.SubmitTo("/machines/reception-pc").MustBeAt("/login/why").MustRead("Take Control")
		key, codes := enrol(t, d, ana)
		if len(codes) != 10 {
			t.Fatalf("%d backup codes", len(codes))
		}
		ana.MustBeAt("/login/password").MustRead("Two-step verification is on")
		signIn(ana, "ana@acme.example").MustBeAt("/login/totp")

		// The code that enrolled is spent.
		ana.Submit(map[string]string{"code": servertest.Code(t, key, d.Clock.Now())}).MustRead("already used")
		d.Clock.Advance(30 * time.Second)
		ana.Submit(map[string]string{"code": servertest.Code(t, key, d.Clock.Now())})
		ana.MustRead("urn:sallyport:acr:2fa").MustRead("mfa")

		// Another remote session asks nothing.
		ana.Go(d.Remote).SubmitTo("/machines/warehouse-scanner")
		if !ana.Has("#remote-session") {
			t.Fatalf("no second session: %s", ana.Text())
		}

		// The dashboard's session from before is over.
		d.Delivered()
		ana.Go(d.Dashboard).MustRead("signed out")
	})
}
