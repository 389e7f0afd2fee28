package browserstory

import (
	"encoding/csv"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// The owner of a company of forty has everybody on the staff use two-step
// verification, helps somebody who lost their phone, and reads it all back.
func TestOwnerGoverns(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		s.crowd(t)
		olga := s.visitor(t, "olga@acme.example")
		olga.Go(s.URL + "/console")
		olga.password().at("/login/why").reads("Sallyport test console requires two-step verification.")
		olga.setUp().password().at("/login/totp").enter(olga.nextCode())
		olga.in("people").reads("40 people").
			counts("two_factor", "on", 4).counts("two_factor", "pending", 0).counts("two_factor", "off", 36).
			counts("kind", "staff", 30).counts("kind", "client", 10).counts("email", "unconfirmed", 10)

		olga.requires()
		flo := olga.mailed(crowdEmail(5))
		olga.to("people").counts("two_factor", "on", 5).counts("two_factor", "pending", 25).counts("two_factor", "off", 10)
		olga.Click(`.filter a[href*="two_factor=on"]`)
		olga.reads("5 people match", flo.email)

		olga.rescues(crowdEmail(0))
		olga.readsBack(crowdEmail(0), flo.email)
	})
}

// requires has the staff use two-step verification, and tells them by mail.
func (v *visitor) requires() {
	v.t.Helper()
	v.ClickText("Requirements")
	v.in("requirements").Fill("#staff_mode", "required")
	v.press().says("h1", "Check the new requirements").
		reads("26 people must set up a second step.", "6 of them lack a confirmed address.", "Optional", "Required")
	v.ClickText("Back to editing")
	if got := v.in("requirements").Value("#staff_mode"); got != "required" {
		v.t.Errorf("the form has forgotten what was chosen: %q", got)
	}
	v.press().reads("E-mail everyone who hasn't set up (20)").Check("#mail")
	v.press().WaitURL(v.s.URL + v.console("tasks"))
	v.reads("Mails about new requirements", "Finished", "20 of 20")
	for i := range 34 {
		mails := v.s.MailsTo(v.t, crowdEmail(i))
		if wants := i > 2 && i%10 < 7 && i%4 != 3; wants != (len(mails) > 0) {
			v.t.Errorf("%s has %d mails", crowdEmail(i), len(mails))
		}
	}
}

// mailed is somebody who follows the mail and sets up an app.
func (v *visitor) mailed(email string) *visitor {
	v.t.Helper()
	mail := v.s.MailTo(v.t, email)
	if mail.Subject != "Set up two-step verification" || !strings.Contains(mail.Body, "Acme requires two-step verification") {
		v.t.Errorf("the mail says %s: %s", mail.Subject, mail.Body)
	}
	flo := v.s.visitor(v.t, email)
	flo.Go(v.s.LinkTo(v.t, email))
	flo.password().at("/login/why").reads("Acme requires two-step verification.")
	flo.setUp().password().at("/login/totp").enter(flo.nextCode()).WaitURL(v.s.URL + "/account")
	return flo.toDashboard().says("#name", "Person 05")
}

// rescues gives somebody who has lost their phone a code, which takes a second
// step proved lately.
func (v *visitor) rescues(email string) {
	v.t.Helper()
	lost := v.s.visitor(v.t, email)
	v.s.Clock.Advance(6 * time.Minute)
	v.to("people").Fill("#q", email)
	v.Submit(".search")
	v.reads("1 person matches").ClickText("Person 00")
	v.says("h1", "Person 00").ClickText("Issue a recovery code")
	v.proves().says("h1", "Issue a recovery code for Person 00").reads("within the next hour")
	v.press().reads("yourself, in person or by phone")
	code, address := v.Text("#recovery-code"), v.URL()
	v.Go(address)
	if v.says("h1", "Issue a recovery code for Person 00"); v.Has("#recovery-code") || strings.Contains(v.Text("main"), code) {
		v.t.Error("the code is shown again")
	}
	lost.loses().enter(code).at("/login/why").reads("You signed in with a recovery code.")
	lost.ClickText("Later")
	lost.says("#name", "Person 00")
	waitForMail(v.t, v.s, v.email, "Person 00 signed in with a recovery code")
}

// readsBack reads what was done in the audit, of all and of one person, and
// takes it home as a file.
func (v *visitor) readsBack(email, other string) {
	v.t.Helper()
	v.to("audit").reads("Olga Owner changed the requirements", "Olga Owner issued a recovery code for Person 00", "Person 00 used a recovery code",
		"Person 05 set up an authenticator app", "Acme requires two-step verification")
	v.Fill("#person", email)
	v.Submit(".audit-filter")
	v.reads("Olga Owner issued a recovery code for Person 00")
	if words := v.Text("main"); strings.Contains(words, "changed the requirements") || strings.Contains(words, "Person 05") {
		v.t.Errorf("the audit of one person reads %s", words)
	}
	rows := v.table(v.Attr(`[href*="format=csv"]`, "href"))
	column := func(name string) int { return slices.Index(rows[0], name) }
	issued := slices.IndexFunc(rows, func(row []string) bool { return row[column("event")] == "recovery_code.issued" })
	if issued < 0 {
		v.t.Fatalf("the file has no recovery code: %v", rows)
	}
	row, person, owner := rows[issued], v.s.user(v.t, email), v.user()
	if row[column("person")] != person.ID || row[column("actor")] != owner.ID || row[column("ip")] != "127.0.0.1" {
		v.t.Errorf("the file says %v under %v", row, rows[0])
	}
	for _, row := range rows[1:] {
		if row[column("person")] == v.s.user(v.t, other).ID {
			v.t.Errorf("the file of one person has another's %v", row)
		}
	}
}

// table fetches a file with the visitor's cookies.
func (v *visitor) table(path string) [][]string {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, v.s.URL+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, c := range v.Cookies() {
		if c.Domain == "localhost" {
			req.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/csv") {
		v.t.Fatalf("%s: %d, %v, %s", path, resp.StatusCode, err, text)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(text), "\ufeff"))).ReadAll()
	if err != nil || len(rows) < 2 {
		v.t.Fatalf("%v: %q", err, text)
	}
	return rows
}
