package browserstory

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
)

// onConsole is a person just let in to the console, at the list of their
// company's people. Who has no second step yet sets one up on the way.
func (v *visitor) onConsole() *visitor {
	v.t.Helper()
	v.Go(v.s.URL + "/console")
	v.password()
	if strings.HasPrefix(v.path(), "/login/why") {
		v.setUp().password()
	}
	v.at("/login/totp").enter(v.nextCode())
	return v.in("people")
}

// in waits for a page of the visitor's company in the console.
func (v *visitor) in(parts ...string) *visitor {
	v.t.Helper()
	return v.at(v.console(parts...))
}

// to visits a page of the visitor's company in the console.
func (v *visitor) to(parts ...string) *visitor {
	v.t.Helper()
	v.Go(v.s.URL + v.console(parts...))
	return v.in(parts...)
}

// console is the path of a page of the visitor's company.
func (v *visitor) console(parts ...string) string {
	v.t.Helper()
	return "/console/companies/" + v.user().OrgID + "/" + strings.Join(parts, "/")
}

// user is the visitor as the provider knows them.
func (v *visitor) user() *storage.User {
	v.t.Helper()
	return v.s.user(v.t, v.email)
}

func (s *stage) user(t *testing.T, email string) *storage.User {
	t.Helper()
	user, err := s.DB.UserByEmail(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	return user
}

// proves confirms a second step anew, as what somebody does to others takes.
func (v *visitor) proves() *visitor {
	v.t.Helper()
	if strings.HasPrefix(v.path(), "/login/password") {
		v.password()
	}
	return v.at("/login/totp").enter(v.nextCode())
}

// fills fills in several fields of a form, by their ids.
func (v *visitor) fills(fields map[string]string) *visitor {
	v.t.Helper()
	for id, value := range fields {
		v.Fill("#"+id, value)
	}
	return v
}

// unticks clears a checkbox that is ticked.
func (v *visitor) unticks(css string) *visitor {
	v.t.Helper()
	if !evaluate[bool](v, `document.querySelector(`+"`"+css+"`"+`).checked`) {
		v.t.Fatalf("%s isn't ticked", css)
	}
	v.Click(css)
	return v
}

// counts fails the test unless the filter of a list has a number of people.
func (v *visitor) counts(filter, value string, n int) *visitor {
	v.t.Helper()
	if got := v.Text(`.filter a[href*="` + filter + `=` + value + `"] .count`); got != fmt.Sprint(n) {
		v.t.Fatalf("%s %s has %s people, not %d", filter, value, got, n)
	}
	return v
}

// crowd gives Acme people beside the demo's six until there are forty, ten of
// them clients, every fourth without a confirmed address, three with an app.
func (s *stage) crowd(t *testing.T) {
	t.Helper()
	var people strings.Builder
	hash := passwordHash()
	for i := range 34 {
		kind := "staff"
		if i%10 >= 7 {
			kind = "client"
		}
		fmt.Fprintf(&people, "- {email: %s, company: acme, name: Person %02d, kind: %s, email_verified: %t, password_hash: %q}\n", crowdEmail(i), i, kind, i%4 != 3, hash)
	}
	s.Apply("people:\n" + people.String())
	for _, i := range []int{0, 1, 2} {
		(&visitor{t: t, s: s, email: crowdEmail(i)}).givenApp()
	}
}

// crowded is one of the crowd.
func (s *stage) crowded(t *testing.T, i int) *storage.User {
	t.Helper()
	return s.user(t, crowdEmail(i))
}

func crowdEmail(i int) string { return fmt.Sprintf("person%02d@acme.example", i) }

// day is a time as a date field has it.
func day(at time.Time) string { return at.UTC().Format(time.DateOnly) }
