package apitest

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
)

// emails are the addresses of a list.
func emails(a servertest.Answer) (all []string) {
	items, _ := a["items"].([]any)
	for _, item := range items {
		all = append(all, item.(map[string]any)["email"].(string))
	}
	return all
}

// field is the problem of a field, nil where it has none.
func field(a servertest.Answer, name string) map[string]any {
	errors, _ := a["errors"].([]any)
	for _, e := range errors {
		if e := e.(map[string]any); e["field"] == name {
			return e
		}
	}
	return nil
}

// A machine looks after people: it adds, finds, changes and deletes them.
func TestPeople(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		machine := newCallers(t, d).with(d.Machine(t, "acme", "people:read", "people:write"))
		out := machine.do("POST", people, map[string]any{
			"email": "cleo@acme.example", "name": "Cleo Clerk", "given_name": "Cleo", "phone": "+41791112233", "language": "de", "kind": "client",
			"require_two_step": true, "invite": true,
		})
		if out.Status != 201 {
			t.Fatalf("%d %s", out.Status, out.Body)
		}
		made := out.JSON(t)
		cleo := people + "/" + made.String("id")
		if out.Header.Get("Location") != "/api/v1"+cleo || made["require_two_step"] != true || made["two_factor"] != "pending" || made["language"] != "de" || made["has_password"] != false {
			t.Errorf("%v %v", out.Header, made)
		}
		if mail := d.MailTo(t, "cleo@acme.example"); !strings.Contains(mail.Body, "/set-up?token=") {
			t.Errorf("no invitation: %s", mail.Body)
		}
		if found := emails(machine.must(200, "GET", people+"?search=cle&kind=client&status=enabled", nil)); !slices.Equal(found, []string{"cleo@acme.example"}) {
			t.Errorf("found %v", found)
		}

		// Only what is mentioned changes; null empties.
		changed := machine.must(200, "PATCH", cleo, map[string]any{"name": "Cleo Chief", "phone": nil})
		if changed["name"] != "Cleo Chief" || changed["phone"] != nil || changed["given_name"] != "Cleo" || changed["kind"] != "client" || changed["require_two_step"] != true {
			t.Errorf("changed: %v", changed)
		}
		if off := machine.must(200, "PATCH", cleo, map[string]any{"disabled": true}); off["disabled"] != true {
			t.Errorf("disabled: %v", off)
		}
		if rows := audits(t, d, "person.changed"); len(rows) == 0 || !strings.HasPrefix(rows[0].Actor, "product:machine-acme") || rows[0].RequestID == "" {
			t.Errorf("audit: %+v", rows)
		}
		machine.must(204, "DELETE", cleo, nil)
		machine.refused(404, "not_found", "GET", cleo, nil)
		machine.refused(404, "not_found", "DELETE", cleo, nil)
	})
}

// Whoever pages through a list sees everybody once.
func TestPeoplePaging(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		var b strings.Builder
		b.WriteString("people:\n")
		for i := range 23 {
			fmt.Fprintf(&b, "  - { email: p%02d@acme.example, company: acme }\n", i)
		}
		d.Apply(b.String())
		machine := newCallers(t, d).with(d.Machine(t, "acme", "people:read"))
		var all []string
		path := people + "?limit=10"
		for pages := 0; ; pages++ {
			page := machine.must(200, "GET", path, nil)
			all = append(all, emails(page)...)
			if page["next"] == nil {
				break
			}
			if strings.Contains(page.String("next"), "@") || pages > 3 {
				t.Fatalf("after %d pages: %v", pages, page["next"])
			}
			path = people + "?limit=10&cursor=" + url.QueryEscape(page.String("next"))
		}
		once := slices.Compact(slices.Sorted(slices.Values(all)))
		if whole := emails(machine.must(200, "GET", people+"?limit=200", nil)); !slices.Equal(all, once) || !slices.Equal(all, whole) || len(whole) < 26 {
			t.Errorf("%d in pages, %d at once", len(all), len(whole))
		}

		counts := machine.must(200, "GET", people+"/counts", nil)
		if counts["all"] != float64(len(all)) {
			t.Errorf("counted %v of %d", counts["all"], len(all))
		}
		next := machine.must(200, "GET", people+"?limit=1", nil).String("next")
		for query, name := range map[string]string{
			"limit=0": "limit", "limit=201": "limit", "limit=x": "limit", "limit=": "limit", "cursor=x": "cursor", "cursor=": "cursor", "cursor=x" + next: "cursor",
			"kind=robot": "kind", "two_factor=maybe": "two_factor", "status=x": "status", "email=x": "email", "role=x": "role",
			"serach=ana": `"serach"`, "kind=staff&kind=client": "kind", "search=%00": "search", "search=%ff": "search",
		} {
			if a := machine.refused(422, "fields", "GET", people+"?"+query, nil); field(a, name) == nil {
				t.Errorf("%s: %v", query, a)
			}
		}
		// A cursor belongs to its list.
		operator := newCallers(t, d).with(d.Machine(t, "", "people:read", "companies:read"))
		operator.refused(422, "fields", "GET", "/companies?cursor="+next, nil)
		operator.refused(422, "fields", "GET", "/companies/globex/people?cursor="+next, nil)
	})
}

// What is wrong is said of each field, in the words of the API; and nothing is
// created.
func TestWrongPeople(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		machine := newCallers(t, d).with(d.Machine(t, "acme", "people:read", "people:write"))
		before := len(emails(machine.must(200, "GET", people, nil)))
		for name, c := range map[string]struct {
			body any
			want []string
		}{
			"several":             {map[string]any{"email": "no address", "kind": "robot", "phone": "call me", "language": "x\ny"}, []string{"email", "kind", "phone", "language"}},
			"nothing":             {map[string]any{}, []string{"email"}},
			"unknown":             {map[string]any{"email": "x@acme.example", "company": "globex", "operator": true, "password_hash": "x"}, []string{"company", "operator", "password_hash"}},
			"another case":        {map[string]any{"EMAIL": "x@acme.example"}, []string{"EMAIL"}},
			"another type":        {map[string]any{"email": "x@acme.example", "disabled": "yes"}, []string{"disabled"}},
			"a list":              {map[string]any{"email": []string{"x@acme.example"}}, []string{"email"}},
			"NUL":                 {map[string]any{"email": "x@acme.example", "name": "a\x00b"}, []string{"name"}},
			"NUL in a key":        {map[string]any{"email": "x@acme.example", "product_roles": map[string]any{"a\x00": []string{"b"}}}, []string{"product_roles"}},
			"a product of nobody": {map[string]any{"email": "x@acme.example", "product_roles": map[string]any{"nothing": []string{"b"}}}, []string{"product_roles.nothing"}},
			"an undefined role":   {map[string]any{"email": "x@acme.example", "product_roles": map[string]any{"dashboard": []string{"emperor"}}}, []string{"product_roles.dashboard[0]"}},
		} {
			a := machine.refused(422, "fields", "POST", people, c.body)
			for _, f := range c.want {
				if e := field(a, f); e == nil || e["detail"] == "" || e["remedy"] == nil {
					t.Errorf("%s: nothing about %s: %v", name, f, a)
				}
			}
		}
		for _, email := range []string{ana, "ANA@acme.example", "gus@globex.example"} {
			if a := machine.refused(409, "taken", "POST", people, map[string]any{"email": email}); field(a, "email") == nil {
				t.Errorf("%s: %v", email, a)
			}
		}
		for body, want := range map[string]int{`{"email":`: 400, `[]`: 400, `null`: 400, `"x"`: 400, ``: 400, `{} {}`: 400, "{\"email\":\"\xff\"}": 400} {
			machine.must(want, "POST", people, []byte(body))
		}
		if after := len(emails(machine.must(200, "GET", people, nil))); after != before {
			t.Errorf("%d people, and %d before", after, before)
		}
	})
}

// What takes an owner's fresh second factor.
func TestPeopleByOwner(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		callers := newCallers(t, d)
		owner := d.Administrator(t, olga)
		her := callers.with(owner.Caller())
		if me := her.must(200, "GET", "/me", nil); me["person"].(map[string]any)["role"] != "owner" || me["company"] != "acme" || me["client_id"] != servertest.Tool {
			t.Errorf("me: %v", me)
		}
		bens := people + "/" + id(t, d, ben)
		code := her.must(201, "POST", bens+"/recovery-code", nil)
		if len(code.String("code")) < 16 || code["until"] == nil {
			t.Errorf("%v", code)
		}
		if a := her.must(200, "PATCH", bens, map[string]any{"role": "administrator", "email": "benedict@acme.example", "name": "Benedict"}); a["role"] != "administrator" ||
			a["email"] != "benedict@acme.example" || a["email_confirmed"] != false || a["name"] != "Benedict" {
			t.Errorf("%v", a)
		}
		her.must(204, "DELETE", bens+"/two-step", nil)
		her.must(200, "DELETE", bens+"/factors", nil)
		her.must(200, "POST", bens+"/unlock", nil)
		her.must(200, "DELETE", bens+"/sessions", nil)
		self := people + "/" + id(t, d, olga)
		her.refused(403, "self", "POST", self+"/recovery-code", nil)
		her.refused(403, "self", "DELETE", self, nil)

		// One of several changes is refused: none is made.
		if out := her.do("PATCH", bens, map[string]any{"name": "Somebody", "email": ana}); out.Status != 409 && out.Status != 422 || field(out.JSON(t), "email") == nil {
			t.Errorf("%d %s", out.Status, out.Body)
		}
		mine := her.must(200, "GET", self, nil)
		if name := her.must(200, "GET", bens, nil)["name"]; name != "Benedict" || len(mine["sessions"].([]any)) == 0 {
			t.Errorf("%v; %v", name, mine)
		}

		// Later her second factor is too old for that, and good for the rest.
		d.Clock.Advance(4 * 60e9)
		her = callers.with(owner.Caller())
		d.Clock.Advance(90e9)
		out := her.do("POST", bens+"/recovery-code", nil)
		challenge := out.Header.Get("WWW-Authenticate")
		for _, part := range []string{`Bearer realm="/api/v1"`, `error="insufficient_user_authentication"`, `acr_values="urn:sallyport:acr:2fa"`, "max_age=300"} {
			if out.Status != 401 || !strings.Contains(challenge, part) {
				t.Errorf("%d, no %s in %s", out.Status, part, challenge)
			}
		}
		her.refused(401, "not_fresh", "PATCH", bens, map[string]any{"role": "member", "name": "Nobody"})
		her.must(200, "PATCH", bens, map[string]any{"name": "Ben"})
		owner.ProveAnew()
		her = callers.with(owner.Caller())
		her.must(200, "PATCH", bens, map[string]any{"role": "member"})
	})
}

// What machines can't do, and what lies in other companies.
func TestPeopleOfOthers(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		callers := newCallers(t, d)
		machine := callers.with(d.Machine(t, "acme", "people:read", "people:write"))
		bens, gus := id(t, d, ben), id(t, d, "gus@globex.example")
		for _, c := range []struct {
			method, path string
			body         any
		}{
			{"POST", "/recovery-code", nil}, {"DELETE", "/factors", nil}, {"DELETE", "/two-step", nil}, {"PATCH", "", map[string]any{"role": "owner"}}, {"PATCH", "", map[string]any{"email": "b@acme.example"}},
		} {
			a := machine.must(403, c.method, people+"/"+bens+c.path, c.body)
			if kind := a.String("type"); kind != "/api/v1/problems/machine" && kind != "/api/v1/problems/role" {
				t.Errorf("%s %s: %v", c.method, c.path, a)
			}
		}
		for _, path := range []string{
			"/companies/globex/people", "/companies/globex/people/counts", "/companies/globex/people/" + gus, people + "/" + gus, people + "/nobody", "/companies/none/people",
			people + "/%00", people + "/%ff", "/companies/%2e%2e/people", "/nothing", "/companies/acme/people/" + gus + "/", "/companies/acme/people/",
		} {
			machine.refused(404, "not_found", "GET", path, nil)
		}
		machine.refused(404, "not_found", "PATCH", people+"/"+gus, map[string]any{"name": "x"})
		machine.refused(404, "not_found", "POST", "/companies/globex/people", map[string]any{"email": "x@globex.example"})
		out := machine.do("PUT", people, nil)
		if out.Status != 405 || out.Header.Get("Allow") != "GET, HEAD, POST" {
			t.Errorf("%d %s", out.Status, out.Header.Get("Allow"))
		}
		// The operator's machines look after every company.
		callers.with(d.Machine(t, "", "people:read")).must(200, "GET", "/companies/globex/people/"+gus, nil)
	})
}
