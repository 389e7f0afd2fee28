package consoletest

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// event writes one into the audit, after all that is there.
func event(t *testing.T, d *servertest.Demo, e storage.Event) {
	t.Helper()
	d.Clock.Advance(time.Millisecond)
	e.At = d.Clock.Now()
	if err := d.DB.Write(t.Context(), func(tx *storage.Tx) error { return tx.Audit(t.Context(), e) }); err != nil {
		t.Fatal(err)
	}
}

func id(t *testing.T, d *servertest.Demo, email string) string {
	t.Helper()
	u, err := d.DB.UserByEmail(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	return u.ID
}

// The audit speaks in sentences, with names in place of ids.
func TestAuditSpeaks(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		c := enter(t, d, adam)
		event(t, d, storage.Event{Event: "two_step.reset", Result: storage.OK, OrgID: "acme", UserID: id(t, d, ben), Actor: id(t, d, olga)})
		event(t, d, storage.Event{Event: "two_step.off", Result: storage.OK, OrgID: "acme", UserID: id(t, d, ana), Actor: "command line"})
		event(t, d, storage.Event{Event: "person.unlocked", Result: storage.OK, OrgID: "acme", UserID: "somebody-gone", Actor: "product:dashboard"})
		event(t, d, storage.Event{Event: "sign_in.refused", Result: storage.Refused, OrgID: "acme", UserID: id(t, d, ben), ClientID: "remote-control", Decision: "product closed to person", Reason: "raw"})
		event(t, d, storage.Event{Event: "invitation.sent", Result: storage.OK, OrgID: "acme", UserID: id(t, d, ben), Actor: id(t, d, otto), Reason: "raw words"})
		c.at("/console/companies/acme/audit")
		for _, sentence := range []string{
			"Olga Owner reset two-step verification of Ben Bookkeeper", "The command line turned off two-step verification of Ana Operator",
			"API client Dashboard lifted the limits on signing in of (deleted person)",
			"Ben Bookkeeper did not get in to Take Control", "This person may not use Take Control", "Somebody sent Ben Bookkeeper an invitation", "raw words",
		} {
			c.MustRead(sentence)
		}
		if strings.Contains(c.Text(), "Otto") || strings.Contains(c.Text(), id(t, d, ben)) {
			t.Errorf("a foreign name or an id: %s", c.Text())
		}

		c.at("/console/companies/acme/audit?person=" + ana + "&group=two_step").MustRead("turned off two-step verification of Ana Operator")
		if strings.Contains(c.Text(), "Olga Owner reset") {
			t.Errorf("not narrowed: %s", c.Text())
		}
		c.at("/console/companies/acme/audit?from=yesterday").MustRead("Write a day such as 2026-03-31.")
		c.at("/console/companies/acme/audit?from=2026-03-31&until=2026-03-30").MustRead("This day is before the first one.")
		c.at("/console/companies/acme/audit?person=acme").MustRead("Several people have these words")
		c.at("/console/companies/acme/audit?after=nonsense").MustBeAt("/console/companies/acme/audit")
		c.at("/console/companies/acme/audit?until=" + d.Clock.Now().UTC().Format("2006-01-02")).MustRead("Olga Owner reset") // the day itself is included
		// A person's page tells the latest, too.
		c.at("/console/companies/acme/people/" + id(t, d, ben)).MustRead("Olga Owner reset two-step verification of Ben Bookkeeper")
	})
}

// The instance's audit names companies, and says how far it is sealed.
func TestAuditOfTheInstance(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		c := enter(t, d, otto)
		register(t, c)
		event(t, d, storage.Event{Event: "two_step.reset", Result: storage.OK, OrgID: "acme", UserID: id(t, d, ben), Actor: id(t, d, olga)})
		if _, err := d.Server.SealAudit(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.at("/console/audit").MustRead("Otto Operator added the product Shop").MustRead("Olga Owner reset two-step verification of Ben Bookkeeper").MustRead("Acme").MustRead("Sealed up to")
		// More than a page: older events follow.
		for range 60 {
			event(t, d, storage.Event{Event: "keys.rotated", Result: storage.OK, Actor: "command line"})
		}
		c.at("/console/audit")
		if n := strings.Count(c.Text(), "The command line made new signing keys"); n != 50 {
			t.Errorf("%d on the first page", n)
		}
		c.Follow("after=")
		if n := strings.Count(c.Text(), "The command line made new signing keys"); n != 10 {
			t.Errorf("%d on the second page", n)
		}
	})
}

func TestAuditExport(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		c := enter(t, d, adam)
		for range 600 { // more than is in memory at once
			event(t, d, storage.Event{Event: "two_step.reset", Result: storage.OK, OrgID: "acme", UserID: id(t, d, ben), Actor: id(t, d, olga)})
		}
		d.Clock.Advance(time.Millisecond)
		fetch := func(query string) (*http.Response, []byte) {
			t.Helper()
			resp, err := c.Client().Get(d.URL + "/console/companies/acme/audit/export?" + query)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("%d %v: %s", resp.StatusCode, err, body)
			}
			return resp, body
		}
		resp, body := fetch("format=csv&group=two_step&person=" + ben)
		rows, err := csv.NewReader(strings.NewReader(string(body))).ReadAll()
		if err != nil || len(rows) != 601 || rows[0][2] != "event" || rows[600][2] != "two_step.reset" {
			t.Errorf("%d rows, %v", len(rows), err)
		}
		if got := resp.Header.Get("Content-Disposition"); !strings.HasPrefix(got, `attachment; filename="acme-audit-`) || resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%v", resp.Header)
		}
		_, body = fetch("format=json&group=two_step&person=" + ben)
		n := 0
		for lines := json.NewDecoder(strings.NewReader(string(body))); lines.More(); n++ {
			var e storage.Event
			if err := lines.Decode(&e); err != nil || e.Event != "two_step.reset" || e.OrgID != "acme" {
				t.Fatalf("%+v, %v", e, err)
			}
		}
		if n != 600 {
			t.Errorf("%d lines", n)
		}
		// Nothing at all is a table with its heading.
		_, body = fetch("format=csv&person=nobody@acme.example")
		if string(body) != strings.Join(rows[0], ",")+"\n" {
			t.Errorf("%q", body)
		}
		c.at("/console/companies/acme/audit").MustRead("Adam Administrator exported the audit")
	})
}

// What a product was allowed can be taken back: what it holds is over, and it
// asks again.
func TestConsentIsWithdrawn(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		d.Apply(`products: [{id: shop, name: Shop, auth_method: none, redirect_uris: ["` + shop + `/callback"], grant_types: [authorization_code, refresh_token], scopes: [openid, email, offline_access]},
  {id: other, name: Other shop, auth_method: none, redirect_uris: ["` + shop + `/other"], grant_types: [authorization_code, refresh_token], scopes: [openid, offline_access]}]`)
		p := servertest.NewPerson(t, shop)
		refresh := make(map[string]string)
		rps := map[string]*servertest.RP{
			"shop": servertest.NewRP(t, d.Instance, "shop", "", shop+"/callback"), "other": servertest.NewRP(t, d.Instance, "other", "", shop+"/other"),
		}
		for _, name := range []string{"shop", "other"} {
			p.Go(rps[name].AuthorizeURL(map[string][]string{"scope": {"openid offline_access"}, "prompt": {"consent"}}))
			if p.Has("[name=username]") {
				p.Submit(map[string]string{"username": ben, "password": demo.Password})
			}
			p.MustBeAt("/login/consent").Submit(map[string]string{"allow": "1"})
			status, tokens := rps[name].Exchange(p.URL.Query().Get("code"), nil)
			if status != http.StatusOK || tokens.String("refresh_token") == "" {
				t.Fatalf("%d %v", status, tokens)
			}
			refresh[name] = tokens.String("refresh_token")
		}
		p.Go(d.URL + "/account").MustRead("Products you gave access").MustRead("Other shop")
		p.Submit(map[string]string{"product": "shop"})
		p.MustBeAt("/account").MustRead("Shop has no access any more.").MustRead("Access withdrawn from Shop")
		if status, a := rps["shop"].Refresh(refresh["shop"], nil); status != http.StatusBadRequest || a.String("error") != "invalid_grant" {
			t.Errorf("what was withdrawn still works: %d %v", status, a)
		}
		if status, a := rps["other"].Refresh(refresh["other"], nil); status != http.StatusOK {
			t.Errorf("what wasn't withdrawn: %d %v", status, a)
		}
		if p.Go(rps["shop"].AuthorizeURL(map[string][]string{"scope": {"openid"}})); p.URL.Path != "/login/consent" {
			t.Errorf("not asked again: at %s", p.URL)
		}
		events, err := d.DB.AuditSearch(t.Context(), storage.AuditQuery{OrgID: "acme", Event: "consent.withdrawn"})
		if err != nil || len(events) != 1 || events[0].ClientID != "shop" || events[0].UserID != id(t, d, ben) {
			t.Errorf("%+v, %v", events, err)
		}
	})
}
