package consoletest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
)

func TestCompanyIsMadeChangedAndDeleted(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		c := enter(t, d, otto)
		c.at("/console/companies/new").Submit(map[string]string{"name": "Initech", "id": "In It", "owner": ben, "plan": "all"})
		c.MustRead("Write up to 64 small letters, digits and hyphens")
		if !c.Has("[value=In It]") || !c.Has("[value="+ben+"]") {
			t.Errorf("what was typed is gone: %s", c.Text())
		}
		c.Submit(map[string]string{"name": "Initech", "id": "initech", "owner": ben, "plan": "all"})
		c.MustRead("Somebody has this address already.")
		c.Submit(map[string]string{"name": "Initech", "id": "initech", "owner": "ina@initech.example", "plan": "some", "methods": "totp"})
		c.MustBeAt("/console/companies").MustRead("Initech is added, and an invitation is on its way to ina@initech.example.")
		if link := d.LinkTo(t, "ina@initech.example"); link == "" {
			t.Error("no link")
		}
		c.at("/console/companies?q=init").MustRead("Initech")
		if strings.Contains(only(c.Person, t, "table"), "Acme") {
			t.Errorf("not narrowed: %s", c.Text())
		}

		c.at("/console/companies/initech/edit").Submit(map[string]string{"name": "Initech Ltd", "plan": "some"})
		c.MustRead("Choose at least one method")
		c.Submit(map[string]string{"name": "Initech Ltd", "plan": "none"})
		c.MustBeAt("/console/companies").MustRead("Saved.").MustRead("Initech Ltd").MustRead("None")
		d.Apply("companies: [{id: acme, rules: {staff: {mode: required}}}]")
		c.at("/console/companies/acme/edit").Submit(map[string]string{"name": "Acme", "plan": "none"})
		c.MustRead("this plan leaves them no method for it")

		c.at("/console/companies/initech/delete").Submit(map[string]string{"confirm": "1"})
		c.MustRead("There are people in it still.")
		d.Apply("companies: [{id: hooli, name: Hooli}]")
		c.at("/console/companies/hooli/delete").MustRead("Delete Hooli?").Submit(map[string]string{"confirm": "1"})
		c.MustBeAt("/console/companies").MustRead("hooli is deleted.")
		// A link says nothing that isn't an id.
		c.at("/console/companies?done=deleted&id=" + url.QueryEscape("Your account"))
		if strings.Contains(c.Text(), "Your account is deleted") {
			t.Errorf("%s", c.Text())
		}
		if c.at("/console/companies/hooli/edit"); c.Status != http.StatusNotFound {
			t.Errorf("%d", c.Status)
		}
	})
}

func TestKeysAreRotated(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		c := enter(t, d, otto)
		c.at("/console/keys").MustRead("ES256").MustRead("RS256")
		c.at("/console/keys/rotate").Submit(map[string]string{"confirm": "1"})
		c.MustBeAt("/console/keys").MustRead("New keys were made. They sign in an hour.").MustRead("Signs soon")
		if keys, err := d.DB.SigningKeysNow(t.Context()); err != nil || len(keys) != 4 {
			t.Errorf("%d keys, %v", len(keys), err)
		}
		// A while later a second factor is asked for first, and the way leads back.
		d.Clock.Advance(6 * time.Minute)
		if c.at("/console/keys/leaked"); strings.HasPrefix(c.URL.Path, "/console/keys") {
			t.Errorf("at %s without a fresh factor", c.URL)
		}
		if status, to, _ := c.post("/account", "/console/keys/leaked", url.Values{"confirm": {"1"}}); status != http.StatusSeeOther || !strings.HasPrefix(to, "/authorize?") {
			t.Errorf("%d to %s", status, to)
		}
		if keys, err := d.DB.SigningKeysNow(t.Context()); err != nil || len(keys) != 4 {
			t.Errorf("%d keys, %v", len(keys), err)
		}
		c.ProveAnew()
		c.at("/console/keys/leaked").Submit(map[string]string{"confirm": "1"})
		c.MustBeAt("/console/keys").MustRead("New keys sign from now on, and the old ones are gone.")
		if keys, err := d.DB.SigningKeysNow(t.Context()); err != nil || len(keys) != 2 {
			t.Errorf("%d keys, %v", len(keys), err)
		}
	})
}

func TestDeliveryIsWatched(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		c := enter(t, d, otto)
		c.at("/console/delivery").MustRead("Text message").MustRead("Nothing was given up.")
		c.Submit(map[string]string{"kind": "mail", "to": "nobody"})
		c.MustRead("Write where the test should go")
		c.Submit(map[string]string{"kind": "mail", "to": ana})
		c.MustBeAt("/console/delivery").MustRead("A test is on its way to " + ana)
		if m := d.MailTo(t, ana); !strings.Contains(m.Subject, "Test mail from") {
			t.Errorf("%+v", m)
		}
		c.Submit(map[string]string{"kind": "text", "to": "+41 79 123 45 67"})
		c.MustRead("A test is on its way to +41 79 123 45 67")
		if text := d.Phone.Newest(t, "+41791234567"); !strings.Contains(text.Body, "Test message from") {
			t.Errorf("%+v", text)
		}
		// What the gateway refuses is given up at once, and can be sent again later.
		d.Phone.Fail(http.StatusBadRequest)
		c.at("/console/delivery").Submit(map[string]string{"kind": "text", "to": "+41791234567"})
		d.Delivered()
		c.at("/console/delivery").MustRead("Given up").MustRead("Try again")
		taken := len(d.Phone.All())
		d.Phone.Fail(0)
		c.SubmitTo("/console/delivery/").MustBeAt("/console/delivery").MustRead("It is on its way again.")
		d.Delivered()
		if n := len(d.Phone.All()); n != taken+1 {
			t.Errorf("%d messages, want %d", n, taken+1)
		}
		c.at("/console/delivery").MustRead("Nothing was given up.")

		c.at("/console/delivery?done=test_sent&to=" + url.QueryEscape("the winner"))
		if strings.Contains(c.Text(), "the winner") {
			t.Errorf("a link says anything: %s", c.Text())
		}
	})
}

// Whoever has to sign in again on the way of a form comes back to the page it
// stands on.
func TestFormsLeadBackToTheirPages(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		c := enter(t, d, otto)
		for form, page := range map[string]string{
			"/console/products/dashboard/secret":              "/console/products/dashboard",
			"/console/delivery/test":                          "/console/delivery",
			"/console/delivery/some-message/retry":            "/console/delivery",
			"/console/delivery/some-message/drop":             "/console/delivery",
			"/console/companies/acme/products/remote-control": "/console/companies/acme/products",
		} {
			c.at(form).MustBeAt(page)
			if c.Status != http.StatusOK {
				t.Errorf("%s: %d", form, c.Status)
			}
		}
	})
}
