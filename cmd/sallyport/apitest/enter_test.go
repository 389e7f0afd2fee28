package apitest

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
)

// RFC 6750: one token, in the header and nowhere else.
func TestRFC6750Bearer(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		callers := newCallers(t, d)
		token := d.Machine(t, "acme", "people:read").Token
		nobody := callers.with(d.NewCaller(t, ""))
		for name, c := range map[string]struct {
			header          string
			status          int
			code, challenge string
		}{
			"none":         {"", 401, "token_missing", `Bearer realm="/api/v1"`},
			"Basic":        {"Basic YTpi", 401, "token_missing", `Bearer realm="/api/v1"`},
			"unknown":      {"Bearer nonsense", 401, "token_invalid", `Bearer realm="/api/v1", error="invalid_token"`},
			"empty":        {"Bearer ", 400, "token_request", `Bearer realm="/api/v1", error="invalid_request"`},
			"two words":    {"Bearer a b", 400, "token_request", `Bearer realm="/api/v1", error="invalid_request"`},
			"quoted":       {`Bearer "` + token + `"`, 400, "token_request", `Bearer realm="/api/v1", error="invalid_request"`},
			"another case": {"bearer " + token, 200, "", ""},
		} {
			var headers []string
			if c.header != "" {
				headers = []string{"Authorization", c.header}
			}
			out := nobody.do("GET", people, nil, headers...)
			if got := out.Header.Get("WWW-Authenticate"); out.Status != c.status || got != c.challenge || !strings.HasSuffix(out.JSON(t).String("type"), c.code) {
				t.Errorf("%s: %d %q %s", name, out.Status, got, out.Body)
			}
		}
		for _, path := range []string{people + "?access_token=" + token} {
			nobody.refused(401, "token_missing", "GET", path, nil)
		}
		nobody.refused(401, "token_missing", "POST", people, []byte("access_token="+token), "Content-Type", "application/x-www-form-urlencoded")

		d.Clock.Advance(5 * time.Minute)
		callers.with(d.NewCaller(t, token)).refused(401, "token_invalid", "GET", people, nil)
	})
}

// Two tokens are one too many.
func TestTwoAuthorizations(t *testing.T) {
	d := servertest.StartDemo(t, "sqlite")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.URL+"/api/v1/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Add("Authorization", "Bearer a")
	req.Header.Add("Authorization", "Bearer b")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 400 || !strings.Contains(resp.Header.Get("WWW-Authenticate"), "invalid_request") {
		t.Errorf("%d %v", resp.StatusCode, resp.Header)
	}
}

// RFC 9470: one factor isn't enough, and the challenge says what is.
func TestRFC9470TwoFactors(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		d.RegisterTool()
		p := servertest.NewPerson(t, servertest.ToolSite)
		token := d.ToolToken(t, p, func() {
			p.Submit(map[string]string{"username": olga, "password": demo.Password})
		})
		out := newCallers(t, d).with(d.NewCaller(t, token)).do("GET", people, nil)
		want := `Bearer realm="/api/v1", error="insufficient_user_authentication", error_description="two factors are needed here", acr_values="urn:sallyport:acr:2fa"`
		if got := out.Header.Get("WWW-Authenticate"); out.Status != 401 || got != want || !strings.HasSuffix(out.JSON(t).String("type"), "/two_factors") {
			t.Errorf("%d %s\n%s", out.Status, got, out.Body)
		}
	})
}

// A person who is disabled, or who stops being an owner, stops at once.
func TestWhoLosesTheirRoleStopsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		callers := newCallers(t, d)
		d.Apply(`people: [{ email: ben@acme.example, role: owner }]`)
		her := callers.with(d.Administrator(t, olga).Caller())
		her.must(200, "GET", people, nil)
		d.Apply(`people: [{ email: olga@acme.example, role: member }]`)
		her.refused(403, "role", "GET", people, nil)
		d.Apply(`people: [{ email: olga@acme.example, disabled: true }]`)
		her.refused(401, "token_invalid", "GET", people, nil)
	})
}

// The company's networks are asked at each call of its machines.
func TestMachineNetworks(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		machine := newCallers(t, d).with(d.Machine(t, "acme", "people:read"))
		machine.must(200, "GET", people, nil)
		d.Apply(`companies: [{ id: acme, rules: { machine_from: ["192.0.2.0/24"] } }]`)
		for range 3 {
			if a := machine.refused(403, "network", "GET", people, nil); !strings.Contains(a.String("detail"), "Machine access") {
				t.Errorf("%v", a)
			}
		}
		if rows := audits(t, d, "api.refused"); len(rows) != 1 || rows[0].OrgID != "acme" || rows[0].Decision == "" || rows[0].IP == "" || rows[0].RequestID == "" {
			t.Errorf("audit: %+v", rows)
		}
		d.Clock.Advance(time.Minute)
		machine.refused(403, "network", "GET", people, nil)
		if rows := audits(t, d, "api.refused"); len(rows) != 2 {
			t.Errorf("audit: %d", len(rows))
		}
		d.Apply(`companies: [{ id: acme, rules: { machine_from: ["127.0.0.0/8", "::1/128"] } }]`)
		machine.must(200, "GET", people, nil)
		d.Apply(`companies: [{ id: acme, rules: { staff: { mode: required } } }]`)
		machine.refused(403, "network", "GET", people, nil)
	})
}

// So many calls, and no more, for each holder of tokens.
func TestTooManyCalls(t *testing.T) {
	d := servertest.StartDemo(t, "sqlite")
	callers := newCallers(t, d)
	machine, other := d.Machine(t, "acme", "people:read"), d.Machine(t, "acme", "people:read", "people:write")
	for n := range 200 {
		if out := machine.Do("GET", "/me", nil); out.Status != 200 {
			t.Fatalf("call %d: %d %s", n+1, out.Status, out.Body)
		}
	}
	out := machine.Do("GET", "/me", nil)
	if out.Status != 429 || out.Header.Get("Retry-After") != "1" || !strings.HasSuffix(out.JSON(t).String("type"), "/too_many") {
		t.Errorf("%d %v %s", out.Status, out.Header, out.Body)
	}
	callers.with(other).must(200, "GET", "/me", nil)
	d.Clock.Advance(time.Second)
	callers.with(machine).must(200, "GET", "/me", nil)
}

// What is no JSON, and what is too much of it.
func TestBodies(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		machine := newCallers(t, d).with(d.Machine(t, "acme", "people:read", "people:write"))
		body := map[string]any{"email": "x@acme.example"}
		machine.refused(415, "media_type", "POST", people, body, "Content-Type", "text/plain")
		machine.refused(415, "media_type", "POST", people, body, "Content-Type", "application/merge-patch+json")
		machine.refused(413, "too_large", "POST", people, bytes.Repeat([]byte(" "), 64<<10+1))
		machine.must(201, "POST", people, body, "Content-Type", "application/json; charset=utf-8")
	})
}

// The meaning of a problem is where its type says.
func TestMeanings(t *testing.T) {
	d := servertest.StartDemo(t, "sqlite")
	nobody := newCallers(t, d).with(d.NewCaller(t, ""))
	a := nobody.refused(401, "token_missing", "GET", "/me", nil)
	if m := nobody.must(200, "GET", strings.TrimPrefix(a.String("type"), "/api/v1"), nil); m["title"] != a["title"] || m["about"] == "" || m["status"] != 401.0 {
		t.Errorf("%v", m)
	}
	nobody.refused(404, "not_found", "GET", "/problems/nothing", nil)
	if out := nobody.do("GET", "/openapi.yaml", nil); out.Status != 200 || !strings.Contains(string(out.Body), "openapi: 3.0.3") {
		t.Errorf("%d", out.Status)
	}
}
