package server_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

const acmeConsole = "/console/companies/acme/"

// governing is Olga, who owns Acme, in the console.
func governing(t *testing.T, d *servertest.Demo) *servertest.Person {
	t.Helper()
	a := d.Administrator(t, "olga@acme.example")
	a.Go(d.URL + acmeConsole + "requirements").MustBeAt(acmeConsole + "requirements")
	return a.Person
}

// companyNow and personNow are rows as they are now.
func companyNow(t *testing.T, d *servertest.Demo) *storage.Org {
	t.Helper()
	org, err := d.DB.OrgsNow(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return org[0] // acme
}

func personNow(t *testing.T, d *servertest.Demo, email string) *storage.User {
	t.Helper()
	u, err := d.DB.UserByEmail(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// worked works on tasks until they have ended.
func worked(t *testing.T, d *servertest.Demo) {
	t.Helper()
	if _, err := d.Server.WorkTasks(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// From the form to a person who must set up: what was entered, what it would
// change, and what it changed.
func TestRequirementsInTheConsole(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		olga := governing(t, d)
		change := map[string]string{"staff_mode": "required", "methods": "totp", "set_up_by_email": "1", "network_mode": ""}

		// What is wrong is said, and nothing that was typed is lost.
		wrong := map[string]string{"staff_mode": "required", "staff_grace": "soon", "network_mode": "only_from", "network_ranges": "10.1.2.3/8", "code_seconds": "7"}
		olga.Submit(wrong)
		if olga.Status != http.StatusUnprocessableEntity || !olga.Has("#staff_grace-problem") || !olga.Has("#network_ranges-problem") || !olga.Has("#code_seconds-problem") || !olga.Has("#methods-problem") {
			t.Errorf("%d: %s", olga.Status, olga.Text())
		}
		if got := olga.All("#network_ranges"); strings.TrimSpace(got[0]) != "10.1.2.3/8" || !olga.Has("[value=soon]") {
			t.Errorf("lost: %q", got)
		}

		olga.Go(d.URL + acmeConsole + "requirements").Submit(change)
		olga.MustRead("Check the new requirements").MustRead("must set up a second step").MustRead("Authenticator app")
		if personNow(t, d, "ben@acme.example").TwoStepRequired || strings.Contains(string(companyNow(t, d).Rules), "required") {
			t.Fatal("a preview changed something")
		}
		// Back to the form and here again: nothing is lost.
		olga.Submit(map[string]string{"edit": "1"})
		olga.MustRead("What it takes to sign in").Submit(change)
		olga.Submit(map[string]string{"confirm": "1", "mail": "1"})
		if !strings.HasPrefix(olga.URL.Path, acmeConsole+"tasks/") {
			t.Fatalf("at %s: %s", olga.URL, olga.Text())
		}
		worked(t, d)
		d.Delivered()
		olga.Go(olga.URL.String()).MustRead("Mails about new requirements").MustRead("Finished")
		if m := d.MailTo(t, "ben@acme.example"); !strings.Contains(m.Body, d.URL+"/account\n") || !strings.Contains(m.Body, "Acme") {
			t.Errorf("%s\n%s", m.Subject, m.Body)
		}
		olga.Go(d.URL + acmeConsole + "people?two_factor=pending").MustRead("ben@acme.example")
		olga.Go(d.URL + acmeConsole + "requirements?test_person=ben@acme.example&test_from=203.0.113.5").MustRead("Must set up a second step")
		olga.Go(d.URL + acmeConsole + "requirements?test_person=gus@globex.example&test_from=203.0.113.5").MustRead("Nobody here has this address")

		// It holds.
		ben := servertest.NewPerson(t)
		ben.Go(d.Dashboard).Follow("/login")
		signIn(ben, "ben@acme.example").MustRead("Acme requires two-step verification")
	})
}

// Two who edit at once: the second sees what they entered, and that it isn't
// saved.
func TestTwoEditorsInTheConsole(t *testing.T) {
	d := servertest.StartDemo(t, "sqlite")
	olga := governing(t, d)
	d.Apply(`companies: [{id: acme, rules: {clients: {mode: required}}}]`)
	olga.Submit(map[string]string{"staff_mode": "required", "methods": "totp", "set_up_by_email": "1"})
	olga.MustRead("Somebody else changed the requirements in the meantime")
	if rules := string(companyNow(t, d).Rules); strings.Contains(rules, "staff") {
		t.Errorf("saved: %s", rules)
	}
	olga.Submit(map[string]string{"staff_mode": "required", "clients_mode": "required", "methods": "totp", "set_up_by_email": "1"})
	olga.MustRead("Check the new requirements").Submit(map[string]string{"confirm": "1"})
	olga.MustRead("The requirements are saved")
	if rules := string(companyNow(t, d).Rules); !strings.Contains(rules, "staff") || !strings.Contains(rules, "clients") {
		t.Errorf("not saved: %s", rules)
	}
}

// Networks ask first, are refused where they would keep their author out, and
// leave requirements alone.
func TestNetworksInTheConsole(t *testing.T) {
	d := servertest.StartDemo(t, "sqlite")
	olga := governing(t, d)
	d.Apply(`companies: [{id: acme, rules: {clients: {mode: required}}}]`)
	olga.Go(d.URL + acmeConsole + "networks").Submit(map[string]string{"sign_in_from": "203.0.113.0/24 # office", "machines": ""})
	olga.MustRead("you yourself could not get in any more")
	olga.Submit(map[string]string{"sign_in_from": "127.0.0.1\n203.0.113.0/24 # office", "machines": "nonsense"})
	olga.MustRead("“nonsense” is no network")
	olga.Submit(map[string]string{"sign_in_from": "127.0.0.1\n203.0.113.0/24 # office", "machines": "198.51.100.0/24"})
	olga.MustRead("Save these networks?").Submit(map[string]string{"confirm": "1"})
	olga.MustBeAt(acmeConsole + "networks").MustRead("The networks are saved")
	olga.Go(d.URL + acmeConsole + "networks?test_from=192.0.2.1").MustRead("Try an address")
	rules := string(companyNow(t, d).Rules)
	if !strings.Contains(rules, `"127.0.0.1/32"`) || !strings.Contains(rules, "198.51.100.0/24") || !strings.Contains(rules, "clients") {
		t.Errorf("%s", rules)
	}
}

// A bulk action asks first, says whom it touches, and does no more.
func TestBulkInTheConsole(t *testing.T) {
	d := servertest.StartDemo(t, "sqlite")
	olga := governing(t, d)
	ben := personNow(t, d, "ben@acme.example")
	olga.Go(d.URL + acmeConsole + "people").Submit(map[string]string{"action": "require", "person": ben.ID})
	olga.MustRead("Require two-step verification?").MustRead("Ben Bookkeeper")
	if personNow(t, d, "ben@acme.example").TwoStepRequired {
		t.Fatal("done before it was confirmed")
	}
	olga.Submit(map[string]string{"confirm": "1"})
	olga.MustBeAt(acmeConsole + "people").MustRead("Done.")
	if !personNow(t, d, "ben@acme.example").TwoStepRequired || personNow(t, d, "adam@acme.example").TwoStepRequired {
		t.Error("it is required of somebody else")
	}
}

// A table comes as text or as a file, says what is wrong with it, and then
// brings people in.
func TestImportInTheConsole(t *testing.T) {
	d := servertest.StartDemo(t, "sqlite")
	olga := governing(t, d)
	address := d.URL + acmeConsole + "people/import"
	olga.Go(address).Submit(map[string]string{"csv": "email,name,kind\nzoe@acme.example,Zoe,nobody\n"})
	olga.MustRead("Errors").MustRead("Write one of: staff, client")
	// A file larger than a form may be.
	var table strings.Builder
	table.WriteString("email,name\n")
	for i := range 2500 {
		fmt.Fprintf(&table, "p%d@acme.example,Person with a name of some length %d\n", i, i)
	}
	page := uploaded(t, d, olga, address, table.String())
	if !strings.Contains(page, "2500") {
		t.Fatalf("the file: %.2000s", page)
	}
	olga.Go(address).Submit(map[string]string{"csv": "email,name\nzoe@acme.example,Zoe Zebra\n"})
	olga.Submit(map[string]string{"confirm": "1", "invite": "1"})
	olga.MustRead("Invitations")
	worked(t, d)
	if m := d.MailTo(t, "zoe@acme.example"); !strings.Contains(m.Body, "Zoe Zebra") {
		t.Errorf("%s", m.Body)
	}
	olga.Go(d.URL + acmeConsole + "people/export?q=zoe")
	if got := olga.Header.Get("Content-Type"); got != "text/csv; charset=utf-8" {
		t.Errorf("exported as %s: %s", got, olga.Text())
	}
	olga.MustRead("zoe@acme.example")
	if strings.Contains(olga.Text(), "ben@acme.example") {
		t.Error("the export doesn't keep to the filter")
	}
}

// uploaded sends a file as a browser does, and returns the page that follows.
func uploaded(t *testing.T, d *servertest.Demo, p *servertest.Person, address, text string) string {
	t.Helper()
	got, err := p.Client().Get(address)
	if err != nil {
		t.Fatal(err)
	}
	form, err := io.ReadAll(got.Body)
	got.Body.Close()
	token := regexp.MustCompile(`name="form_token" value="([^"]+)"`).FindSubmatch(form)
	if err != nil || token == nil {
		t.Fatalf("no form token: %v", err)
	}
	var body bytes.Buffer
	parts := multipart.NewWriter(&body)
	parts.WriteField("form_token", string(token[1]))
	file, err := parts.CreateFormFile("file", "people.csv")
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(file, text)
	parts.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, &body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", parts.FormDataContentType())
	resp, err := p.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %v: %s", resp.StatusCode, err, answer)
	}
	return string(answer)
}

// Tables may be larger than forms, but not boundless; nothing else may.
func TestLimitOfImports(t *testing.T) {
	d := servertest.StartDemo(t, "sqlite")
	for path, want := range map[string]int{acmeConsole + "people/import": http.StatusRequestEntityTooLarge, acmeConsole + "requirements": http.StatusBadRequest, acmeConsole + "people/import/x": http.StatusBadRequest} {
		p := servertest.NewPerson(t)
		if p.Post(d.URL+path, url.Values{"csv": {strings.Repeat("x", 8<<20)}}); p.Status != want {
			t.Errorf("%s: %d, want %d", path, p.Status, want)
		}
	}
	olga := governing(t, d)
	page := olga.Go(d.URL + acmeConsole + "people/import").Submit(map[string]string{"csv": "email,name\n" + strings.Repeat("x", 2<<20)})
	page.MustRead("larger than 2 MiB")
}

// Members and people of other companies get none of these pages, and no form
// is taken from elsewhere.
func TestRulesAreNotForEverybody(t *testing.T) {
	d := servertest.StartDemo(t, "sqlite")
	ben := d.Administrator(t, "ben@acme.example")
	for _, path := range []string{"requirements", "networks", "people/import", "people/export"} {
		if ben.Go(d.URL + acmeConsole + path); ben.Status != http.StatusForbidden {
			t.Errorf("%s: %d", path, ben.Status)
		}
		if ben.Go(d.URL + "/console/companies/globex/" + path); ben.Status != http.StatusNotFound {
			t.Errorf("%s of another company: %d", path, ben.Status)
		}
	}
	olga := governing(t, d)
	olga.Post(d.URL+acmeConsole+"requirements", url.Values{"staff_mode": {"required"}, "methods": {"totp"}, "confirm": {"1"}, "form_token": {"wrong"}})
	if rules := string(companyNow(t, d).Rules); strings.Contains(rules, "required") {
		t.Errorf("saved without the form token: %s", rules)
	}
}
