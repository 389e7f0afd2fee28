package server_test

import (
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
)

// An open session alone must not be enough to set up a factor: whoever stole
// the cookie would lock the owner out with an authenticator of their own.
func TestSettingUpNeedsFreshPassword(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		ana := servertest.NewPerson(t)
		signIn(ana.Go(d.Remote).Follow("/login"), "ana@acme.example")
		d.Clock.Advance(10 * time.Minute)

		ana.Go(d.Remote).SubmitTo("/machines/reception-pc").MustBeAt("/login/why")
		ana.Submit(map[string]string{"set_up": "1"}).MustBeAt("/login/password")
		set := ana.URL
		ana.Go(d.URL + "/login/set-up?" + set.RawQuery).MustBeAt("/login/password")
		signIn(ana, "ana@acme.example").MustBeAt("/login/set-up")

		// What was fresh when it began stays so while the person is at it.
		d.Clock.Advance(9 * time.Minute)
		ana.Submit(map[string]string{"method": "totp"}).MustBeAt("/login/set-up/scan")
	})
}

// Using the account pages is use of the session.
func TestAccountKeepsSessionFromIdling(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		ana := servertest.NewPerson(t)
		signIn(ana.Go(d.URL+"/account"), "ana@acme.example").MustBeAt("/account")
		for range 3 {
			d.Clock.Advance(40 * time.Minute)
			ana.Go(d.URL + "/account").MustBeAt("/account")
		}
		d.Clock.Advance(61 * time.Minute)
		ana.Go(d.URL + "/account").MustBeAt("/login/password")
	})
}
