package apitest

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/sallyport-id/sallyport/cmd/sallyport/demo"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// Everything that the contract promises is done, by the operator who is an
// owner too, and looks as the contract says.
func TestEveryOperation(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		d.Apply(`people: [{ email: olga@acme.example, operator: true }]`)
		callers := newCallers(t, d)
		olgas := d.Administrator(t, olga)
		for _, part := range []func(*testing.T, *tester){onCalling, onPeople, onManyPeople, onRules, onCompanyProducts, onAPIClients, onAudit, onCompanies, onProducts, onInstance, onTasks} {
			part(t, callers.with(olgas.Caller()))
		}
		for name, op := range theContract(t).operations() {
			if !callers.called[op.OperationID] {
				t.Errorf("%s (%s) was never called, or never with success", op.OperationID, name)
			}
		}
	})
}

func onCalling(t *testing.T, c *tester) {
	c.must(200, "GET", "/me", nil)
	c.must(200, "GET", "/problems/taken", nil)
	c.do("GET", "/openapi.yaml", nil)
}

func onPeople(t *testing.T, c *tester) {
	c.must(200, "GET", people, nil)
	c.must(200, "GET", people+"/counts", nil)
	made := c.must(201, "POST", people, map[string]any{"email": "cleo@acme.example", "name": "Cleo", "role": "administrator"})
	cleo := people + "/" + made.String("id")
	c.must(200, "GET", cleo, nil)
	c.must(200, "PATCH", cleo, map[string]any{"name": "Chloe"})
	c.must(200, "POST", cleo+"/activation", nil)
	c.refused(409, "not_pending", "POST", cleo+"/reminder", nil)
	c.d.Apply(`people: [{ email: cleo@acme.example, email_verified: true, require_two_step: true }]`)
	c.must(204, "POST", cleo+"/reminder", nil)
	c.must(200, "POST", cleo+"/unlock", nil)
	c.must(201, "POST", cleo+"/recovery-code", nil)
	c.must(204, "DELETE", cleo+"/two-step", nil)
	c.must(200, "DELETE", cleo+"/factors", nil)
	c.must(200, "DELETE", cleo+"/sessions", nil)
	c.refused(404, "not_found", "DELETE", cleo+"/sessions/nothing", nil)
	p := servertest.NewPerson(t, servertest.ToolSite)
	c.d.ToolToken(t, p, func() { p.Submit(map[string]string{"username": ben, "password": demo.Password}) })
	bens := people + "/" + id(t, c.d, ben)
	session := c.must(200, "GET", bens, nil)["sessions"].([]any)[0].(map[string]any)["id"].(string)
	c.must(204, "DELETE", bens+"/sessions/"+session, nil)
	c.must(204, "DELETE", cleo, nil)
}

func onManyPeople(t *testing.T, c *tester) {
	bens := id(t, c.d, ben)
	chosen := map[string]any{"action": "require", "people": []string{bens}}
	if p := c.must(200, "POST", people+"/bulk/preview", chosen); p["touched"] != 1.0 || len(p["first"].([]any)) != 1 {
		t.Errorf("preview: %v", p)
	}
	if done := c.must(200, "POST", people+"/bulk", chosen); done["done"] != 1.0 {
		t.Errorf("bulk: %v", done)
	}
	if b := c.must(200, "GET", people+"/"+bens, nil); b["require_two_step"] != true {
		t.Errorf("%v", b)
	}
	c.must(200, "POST", people+"/bulk", map[string]any{"action": "lift", "all": true, "filter": map[string]any{"search": "ben", "kind": "staff"}})
	for name, body := range map[string]map[string]any{
		"action": {"people": []string{bens}}, "people": {"action": "lift"}, "filter": {"action": "lift", "people": []string{bens}, "filter": map[string]any{"kind": "staff"}},
		"filter.kind": {"action": "lift", "all": true, "filter": map[string]any{"kind": "robot"}}, "all": {"action": "lift", "all": "yes"},
	} {
		if a := c.refused(422, "fields", "POST", people+"/bulk", body); field(a, name) == nil {
			t.Errorf("%s: %v", name, a)
		}
	}

	table := []byte("email,name,kind\ncleo@acme.example,Cleo Clerk,staff\ncarl@acme.example,Carl,client\n")
	csv := []string{"Content-Type", "text/csv"}
	if p := c.must(200, "POST", people+"/import/preview", table, csv...); p["created"] != 2.0 {
		t.Errorf("preview: %v", p)
	}
	out := c.do("POST", people+"/import?invite=true", table, "Content-Type", "text/csv; charset=utf-8", "Idempotency-Key", "import")
	task := out.JSON(t).String("task_id")
	if out.Status != 202 || out.Header.Get("Location") != "/api/v1/companies/acme/tasks/"+task {
		t.Errorf("%d %v %s", out.Status, out.Header, out.Body)
	}
	if again := c.do("POST", people+"/import?invite=true", table, "Content-Type", "text/csv; charset=utf-8", "Idempotency-Key", "import"); string(again.Body) != string(out.Body) || again.Status != 202 {
		t.Errorf("again: %d %s", again.Status, again.Body)
	}
	a := c.refused(422, "fields", "POST", people+"/import", []byte("email,kind\nnobody,robot\n"), csv...)
	if e := field(a, "kind"); e == nil || e["line"] != 2.0 || e["detail"] == "" {
		t.Errorf("%v", a)
	}
	c.refused(415, "media_type", "POST", people+"/import", table)
	c.refused(413, "too_large", "POST", people+"/import", make([]byte, 2<<20+1), csv...)
	out = c.do("GET", people+"/export?search=cleo", nil)
	if out.Status != 200 || !strings.HasPrefix(out.Header.Get("Content-Type"), "text/csv") || !strings.Contains(string(out.Body), "cleo@acme.example") || strings.Contains(string(out.Body), ben) {
		t.Errorf("%d %v %s", out.Status, out.Header, out.Body)
	}
}

func onRules(t *testing.T, c *tester) {
	path := "/companies/acme/requirements"
	out := c.do("GET", path, nil)
	tag := out.Header.Get("ETag")
	if a := out.JSON(t); out.Status != 200 || tag == "" || a["backup_codes"] != 10.0 || a["staff"].(map[string]any)["mode"] != "optional" {
		t.Errorf("%d %q %v", out.Status, tag, a)
	}
	patch := map[string]any{
		"clients": map[string]any{"mode": "required", "from": "2030-01-01T00:00:00Z", "grace_seconds": 86400}, "methods": []string{"totp", "webauthn"},
		"network": map[string]any{"mode": "everywhere_except", "ranges": []string{"192.0.2.7"}}, "session_idle_seconds": 600,
	}
	if p := c.must(200, "POST", path+"/preview", patch); p["locks_you_out"] != false || len(p["changes"].([]any)) < 3 {
		t.Errorf("preview: %v", p)
	}
	done := c.must(200, "PATCH", path, patch, "If-Match", tag)
	rules := done["rules"].(map[string]any)
	clients, network := rules["clients"].(map[string]any), rules["network"].(map[string]any)
	if clients["mode"] != "required" || clients["grace_seconds"] != 86400.0 || network["ranges"].([]any)[0] != "192.0.2.7/32" || rules["session_idle_seconds"] != 600.0 {
		t.Errorf("%v", rules)
	}
	// Somebody who read it before is told, and what isn't mentioned stays.
	c.refused(412, "changed", "PATCH", path, map[string]any{"new_network_check": true}, "If-Match", tag)
	rules = c.must(200, "PATCH", path, map[string]any{"new_network_check": true, "clients": map[string]any{"from": nil, "grace_seconds": 0}})["rules"].(map[string]any)
	if clients := rules["clients"].(map[string]any); rules["new_network_check"] != true || clients["mode"] != "required" || clients["from"] != nil || rules["session_idle_seconds"] != 600.0 {
		t.Errorf("%v", rules)
	}
	for name, body := range map[string]map[string]any{
		"staff.mode": {"staff": map[string]any{"mode": "sometimes"}}, "network.ranges[0]": {"network": map[string]any{"ranges": []string{"10.0.0.1/8"}}},
		"methods[0]": {"methods": []string{"fax"}}, "session_idle_seconds": {"session_idle_seconds": -1}, "code_validity_seconds": {"code_validity_seconds": 1},
		"backup_codes": {"backup_codes": 3}, "two_factor_products[0]": {"two_factor_products": []string{"nothing"}}, "staff": {"staff": "required"}, "nothing": {"nothing": 1},
	} {
		if a := c.refused(422, "fields", "PATCH", path, body); field(a, name) == nil {
			t.Errorf("%s: %v", name, a)
		}
	}
	tried := c.must(200, "POST", path+"/test", map[string]any{"person": ben, "product": "dashboard", "from": "203.0.113.7"})
	if tried["verdict"] != "set_up" || len(tried["demands"].([]any)) != 1 {
		t.Errorf("%v", tried)
	}
	c.refused(404, "not_found", "POST", path+"/test", map[string]any{"person": "gus@globex.example"})

	path = "/companies/acme/networks"
	c.must(200, "GET", path, nil)
	c.must(200, "POST", path+"/preview", map[string]any{"machine_from": []string{"192.0.2.0/24"}})
	networks := c.must(200, "PATCH", path, map[string]any{"machine_from": []string{"127.0.0.0/8", "::1/128", "192.0.2.7"}})["rules"].(map[string]any)
	if got := networks["machine_from"].([]any); len(got) != 3 || len(networks["sign_in_from"].([]any)) != 0 {
		t.Errorf("%v", networks)
	}
	c.refused(409, "lockout", "PATCH", path, map[string]any{"sign_in_from": []string{"192.0.2.0/24"}})
	if a := c.must(200, "POST", path+"/test", map[string]any{"from": "203.0.113.7"}); a["sign_in"] != true || a["machines"] != false {
		t.Errorf("%v", a)
	}
	if a := c.refused(422, "fields", "POST", path+"/test", map[string]any{"from": "here"}); field(a, "from") == nil {
		t.Errorf("%v", a)
	}
	c.must(200, "PATCH", "/companies/acme/requirements", map[string]any{"clients": map[string]any{"mode": "optional"}, "network": map[string]any{"mode": "any_network", "ranges": []string{}}})
}

func onCompanyProducts(t *testing.T, c *tester) {
	path := "/companies/acme/products"
	c.must(204, "PATCH", path+"/dashboard", map[string]any{"always_two_factors": true})
	items := c.must(200, "GET", path, nil)["items"].([]any)
	i := slices.IndexFunc(items, func(p any) bool { return p.(map[string]any)["id"] == "dashboard" })
	if i < 0 || items[i].(map[string]any)["always_two_factors"] != true {
		t.Errorf("%v", items)
	}
	c.must(204, "PATCH", path+"/dashboard", map[string]any{"always_two_factors": false})
	c.refused(404, "not_found", "PATCH", path+"/nothing", map[string]any{"always_two_factors": true})
	c.refused(422, "fields", "PATCH", path+"/dashboard", map[string]any{})
}

func onAPIClients(t *testing.T, c *tester) {
	path := "/companies/acme/api-clients"
	made := c.must(201, "POST", path, map[string]any{"name": "Import", "scopes": []string{"people:read"}}, "Idempotency-Key", "client")
	one := path + "/" + made.String("client_id")
	if len(made.String("client_secret")) < 32 || c.must(200, "GET", one, nil)["client_secret"] != nil {
		t.Errorf("%v", made)
	}
	if again := c.must(201, "POST", path, map[string]any{"name": "Import", "scopes": []string{"people:read"}}, "Idempotency-Key", "client"); again["client_secret"] != made["client_secret"] {
		t.Errorf("again: %v", again)
	}
	c.refused(409, "taken", "POST", path, map[string]any{"name": "Import", "scopes": []string{"people:read"}})
	c.must(200, "GET", path, nil)
	if a := c.must(201, "POST", one+"/secret", map[string]any{"overlap_seconds": 3600}); a["old_secret_until"] == nil || a["client_secret"] == made["client_secret"] {
		t.Errorf("%v", a)
	}
	c.refused(422, "fields", "POST", one+"/secret", map[string]any{"overlap_seconds": 99999999})
	c.must(204, "DELETE", one, nil)
	c.refused(404, "not_found", "GET", one, nil)
}

func onAudit(t *testing.T, c *tester) {
	for _, path := range []string{"/companies/acme/audit", "/audit"} {
		page := c.must(200, "GET", path+"?limit=5", nil)
		next := c.must(200, "GET", path+"?limit=5&cursor="+page.String("next"), nil)
		if first, second := page["items"].([]any), next["items"].([]any); len(first) != 5 || len(second) == 0 || first[0].(map[string]any)["id"] == second[0].(map[string]any)["id"] {
			t.Errorf("%v\n%v", page, next)
		}
		found := c.must(200, "GET", path+"?event=api_client.&result=ok&from=2020-01-01T00:00:00Z&until=2100-01-01T00:00:00Z&person=olga@acme.example&product=nothing", nil)
		if len(found["items"].([]any)) != 0 {
			t.Errorf("%v", found)
		}
		for query, name := range map[string]string{"from=yesterday": "from", "result=maybe": "result", "cursor=x": "cursor", "nothing=x": `"nothing"`} {
			if a := c.refused(422, "fields", "GET", path+"?"+query, nil); field(a, name) == nil {
				t.Errorf("%s: %v", query, a)
			}
		}
		lines := c.do("GET", path+"/export?event=person.", nil)
		table := c.do("GET", path+"/export?format=csv&event=person.", nil)
		if n := strings.Count(string(lines.Body), "\n"); lines.Status != 200 || n == 0 || !strings.HasPrefix(string(table.Body), "id,at,event") || strings.Count(string(table.Body), "\n") < n+1 {
			t.Errorf("%d lines: %d %s\n%s", n, lines.Status, lines.Body, table.Body)
		}
	}
	c.must(200, "GET", "/audit/chain", nil)
}

func onCompanies(t *testing.T, c *tester) {
	body := map[string]any{"id": "initech", "name": "Initech", "owner": "olivia@initech.example", "plan": []string{"totp"}}
	made := c.must(201, "POST", "/companies", body, "Idempotency-Key", "company")
	if made["owners"] != 1.0 || len(made["plan"].([]any)) != 1 {
		t.Errorf("%v", made)
	}
	if a := c.refused(409, "taken", "POST", "/companies", body); field(a, "id") == nil {
		t.Errorf("%v", a)
	}
	if a := c.refused(422, "fields", "POST", "/companies", map[string]any{"id": "In itech", "plan": []string{"fax"}, "owner": "x"}); field(a, "id") == nil || field(a, "plan[0]") == nil || field(a, "owner") == nil {
		t.Errorf("%v", a)
	}
	for _, plan := range []any{nil, []string{}} {
		if a := c.must(200, "PATCH", "/companies/initech", map[string]any{"plan": plan}); (a["plan"] == nil) != (plan == nil) || a["name"] != "Initech" {
			t.Errorf("%v: %v", plan, a)
		}
	}
	c.must(200, "GET", "/companies/initech", nil)
	page := c.must(200, "GET", "/companies?limit=1", nil)
	c.must(200, "GET", "/companies?limit=1&search=&cursor="+page.String("next"), nil)
	c.refused(409, "in_use", "DELETE", "/companies/initech", nil)
	c.must(201, "POST", "/companies", map[string]any{"id": "hooli", "name": "Hooli"})
	c.must(204, "DELETE", "/companies/hooli", nil)
	c.refused(404, "not_found", "GET", "/companies/hooli", nil)
}

func onProducts(t *testing.T, c *tester) {
	body := map[string]any{"id": "wiki", "name": "Wiki", "redirect_uris": []string{"https://wiki.example.com/callback"}, "roles": []map[string]any{{"id": "editor", "kinds": []string{"staff"}}}}
	made := c.must(201, "POST", "/products", body, "Idempotency-Key", "product")
	if len(made.String("client_secret")) < 32 || made["auth_method"] != "client_secret_basic" {
		t.Errorf("%v", made)
	}
	c.refused(409, "taken", "POST", "/products", body)
	if a := c.refused(422, "fields", "POST", "/products", map[string]any{"id": "x", "redirect_uris": []string{"nowhere"}, "secret_hash": "x"}); field(a, "secret_hash") == nil {
		t.Errorf("%v", a)
	}
	bens := people + "/" + id(t, c.d, ben)
	if a := c.must(200, "PATCH", bens, map[string]any{"product_roles": map[string]any{"wiki": []string{"editor"}}}); len(a["product_roles"].(map[string]any)["wiki"].([]any)) != 1 {
		t.Errorf("%v", a)
	}
	if a := c.must(200, "GET", "/products/wiki", nil); a["client_secret"] != nil || a["role_people"].(map[string]any)["editor"] != 1.0 {
		t.Errorf("%v", a)
	}
	if a := c.must(200, "PATCH", bens, map[string]any{"product_roles": map[string]any{"wiki": nil}}); a["product_roles"] != nil {
		t.Errorf("%v", a)
	}
	if a := c.must(200, "PATCH", "/products/wiki", map[string]any{"require_two_factors": true, "scopes": nil}); a["require_two_factors"] != true || a["name"] != "Wiki" || len(a["scopes"].([]any)) != 4 {
		t.Errorf("%v", a)
	}
	if a := c.must(201, "POST", "/products/wiki/secret", nil); a["old_secret_until"] != nil || a["client_secret"] == made["client_secret"] {
		t.Errorf("%v", a)
	}
	onProtocols(t, c)
	c.must(200, "GET", "/products?search=wiki", nil)
	c.must(204, "DELETE", "/products/wiki", nil)
	c.refused(404, "not_found", "GET", "/products/wiki", nil)
	c.refused(404, "not_found", "GET", "/products/sallyport-account", nil)
}

// onProtocols writes and reads every setting of a product that only some
// protocols need.
func onProtocols(t *testing.T, c *tester) {
	const text = `{
		"id": "bank", "name": "Bank", "auth_method": "private_key_jwt", "redirect_uris": ["https://bank.example.com/callback"],
		"grant_types": ["authorization_code", "implicit", "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange"],
		"response_types": ["code", "id_token"], "id_token_signed_response_alg": "PS256",
		"jwks": {"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "two", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]},
		"token_endpoint_auth_signing_alg": "EdDSA", "tls_client_certificate_bound_access_tokens": true, "dpop_bound_access_tokens": true,
		"require_pushed_authorization_requests": true, "require_signed_request_object": true, "request_object_signing_alg": "EdDSA",
		"request_uris": ["https://bank.example.com/request"], "authorization_signed_response_alg": "PS256", "userinfo_signed_response_alg": "ES256",
		"introspection_signed_response_alg": "RS256", "subject_type": "pairwise", "sector_identifier_uri": "https://bank.example.com/sector",
		"api": {"resource": "https://api.bank.example.com/", "scopes": [{"id": "pay", "name": "Pay from your account"}]}, "resources": ["https://api.bank.example.com/"],
		"scopes": ["openid", "pay"], "token_exchange": {"impersonate": ["dashboard"], "delegate": ["wiki"]},
		"claim_profile": {"amr": {"pwd": ""}}, "frontchannel_logout_uri": "https://bank.example.com/gone",
		"frontchannel_logout_session_required": true, "default_max_age": 0, "default_acr_values": ["phr"], "initiate_login_uri": "https://bank.example.com/start",
		"client_uri": "https://bank.example.com/", "logo_uri": "https://bank.example.com/logo.png", "contacts": ["help@bank.example.com"]}`
	var sent map[string]any
	if err := json.Unmarshal([]byte(text), &sent); err != nil {
		t.Fatal(err)
	}
	if a := c.must(201, "POST", "/products", sent); a["client_secret"] != nil {
		t.Errorf("a secret for one with keys: %v", a)
	}
	shown := c.must(200, "GET", "/products/bank", nil)
	for name, value := range sent {
		if !reflect.DeepEqual(shown[name], value) {
			t.Errorf("%s: %v, sent %v", name, shown[name], value)
		}
	}
	// What is an object of several values is merged (RFC 7396), and null takes away.
	a := c.must(200, "PATCH", "/products/bank", map[string]any{
		"api": map[string]any{"scopes": []map[string]any{{"id": "pay", "name": "Pay"}}}, "token_exchange": map[string]any{"delegate": nil},
		"claim_profile": map[string]any{"amr": map[string]any{"pwd": nil, "hwk": ""}}, "default_max_age": nil, "subject_type": nil, "contacts": nil,
	})
	if api := a["api"].(map[string]any); api["resource"] != "https://api.bank.example.com/" || api["scopes"].([]any)[0].(map[string]any)["name"] != "Pay" {
		t.Errorf("%v", api)
	}
	if x := a["token_exchange"].(map[string]any); x["delegate"] != nil || len(x["impersonate"].([]any)) != 1 {
		t.Errorf("%v", x)
	}
	if !reflect.DeepEqual(a["claim_profile"], map[string]any{"amr": map[string]any{"hwk": ""}}) || a["default_max_age"] != nil || a["subject_type"] != "public" || a["contacts"] != nil {
		t.Errorf("%v", a)
	}
	if a := c.must(200, "PATCH", "/products/bank", map[string]any{"auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": nil}); len(a.String("client_secret")) < 32 {
		t.Errorf("no secret to sign by: %v", a)
	}
	for name, value := range map[string]any{
		"jwks": map[string]any{"keys": []any{map[string]any{"kty": "oct", "k": "c2VjcmV0"}}}, "tls_client": map[string]any{"san_dns": "bank.example.com"},
		"resources": []string{"https://nowhere.example.com/"}, "response_types": []string{"token"}, "default_max_age": -1, "api": map[string]any{"resource": "/"},
	} {
		out := c.refused(422, "fields", "PATCH", "/products/bank", map[string]any{name: value})
		fields, _ := out["errors"].([]any)
		if !slices.ContainsFunc(fields, func(f any) bool { return strings.HasPrefix(f.(map[string]any)["field"].(string), name) }) {
			t.Errorf("%s: %v", name, out)
		}
	}
	c.must(204, "DELETE", "/products/bank", nil)
}

func onInstance(t *testing.T, c *tester) {
	before := c.must(200, "GET", "/keys", nil)["items"].([]any)
	c.must(204, "POST", "/keys", map[string]any{"at_once": false})
	if after := c.must(200, "GET", "/keys", nil)["items"].([]any); len(after) <= len(before) {
		t.Errorf("%d keys, and %d before", len(after), len(before))
	}
	c.must(200, "GET", "/delivery", nil)
	c.must(204, "POST", "/delivery/test", map[string]any{"kind": "mail", "to": "postmaster@acme.example", "language": "de"})
	if mail := c.d.MailTo(t, "postmaster@acme.example"); mail.Subject == "" {
		t.Errorf("%v", mail)
	}
	c.refused(422, "fields", "POST", "/delivery/test", map[string]any{"kind": "fax", "to": "x"})
	failed := giveUp(t, c.d, 2)
	page := c.must(200, "GET", "/delivery/failed?limit=1", nil)
	rest := c.must(200, "GET", "/delivery/failed?limit=200&cursor="+page.String("next"), nil)
	if len(page["items"].([]any)) != 1 || len(rest["items"].([]any)) != 1 {
		t.Errorf("%v\n%v", page, rest)
	}
	c.must(204, "POST", "/delivery/failed/"+failed[0]+"/retry", nil)
	c.must(204, "DELETE", "/delivery/failed/"+failed[1], nil)
	c.refused(404, "not_found", "DELETE", "/delivery/failed/"+failed[1], nil)
}

func onTasks(t *testing.T, c *tester) {
	task := storage.NewID()
	err := c.d.DB.Write(t.Context(), func(tx *storage.Tx) error {
		return tx.InsertTask(t.Context(), storage.Task{ID: task, OrgID: "acme", Kind: "remind", CreatedBy: "somebody"}, c.d.Clock.Now().AddDate(1, 0, 0))
	})
	if err != nil {
		t.Fatal(err)
	}
	if all := c.must(200, "GET", "/companies/acme/tasks?limit=10", nil)["items"].([]any); len(all) < 2 {
		t.Errorf("%v", all)
	}
	path := "/companies/acme/tasks/" + task
	c.must(200, "GET", path, nil)
	c.must(204, "POST", path+"/cancel", nil)
	if a := c.must(200, "GET", path, nil); a["state"] != "cancelled" {
		t.Errorf("%v", a)
	}
	c.refused(409, "spent", "POST", path+"/cancel", nil)
	c.refused(404, "not_found", "GET", "/companies/globex/tasks/"+task, nil)
}

// Without one of the scopes that the contract says it takes, an operation is
// refused; with them it isn't for want of a scope.
func TestEveryScope(t *testing.T) {
	d := servertest.StartDemo(t, "sqlite")
	d.Apply(`people: [{ email: olga@acme.example, operator: true }]`)
	callers := newCallers(t, d)
	olgas := d.Administrator(t, olga)
	all := theContract(t).operations()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		op := all[name]
		method, path, _ := strings.Cut(name, " ")
		path = strings.ReplaceAll(strings.Replace(path, "/companies/{company}/", "/companies/acme/", 1), "{", "")
		path = strings.ReplaceAll(path, "}", "")
		var body any
		var headers []string
		if op.RequestBody != nil {
			body = map[string]any{}
			if op.RequestBody.Value.Content.Get("text/csv") != nil {
				headers = []string{"Content-Type", "text/csv"}
			}
		}
		switch op.OperationID {
		case "bulk", "previewBulk":
			body = map[string]any{"action": "lift", "people": []string{"nobody"}}
		case "changeCompanyProduct":
			body = map[string]any{"always_two_factors": true}
		}
		needs := scopesOf(op)
		if len(needs) == 0 {
			callers.with(olgas.NoScope()).do(method, path, body, headers...)
			continue
		}
		for _, without := range needs {
			rest := slices.DeleteFunc(session.AdminScopes(), func(s string) bool { return s == without })
			d.Clock.Advance(500e6)
			out := callers.with(olgas.Caller(rest...)).do(method, path, body, headers...)
			if out.Status != 403 || !strings.Contains(out.Header.Get("WWW-Authenticate"), `error="insufficient_scope", scope="`+without+`"`) {
				t.Errorf("%s without %s: %d %s %s", op.OperationID, without, out.Status, out.Header.Get("WWW-Authenticate"), out.Body)
			}
		}
		if out := callers.with(olgas.Caller(needs...)).do(method, path, body, headers...); strings.Contains(string(out.Body), "problems/scope") {
			t.Errorf("%s with %v: %s", op.OperationID, needs, out.Body)
		}
	}
}

// scopesOf are the scopes that an operation takes, all at once.
func scopesOf(op *openapi3.Operation) (all []string) {
	if op.Security == nil {
		return nil
	}
	for _, requirement := range *op.Security {
		for _, scopes := range requirement {
			all = append(all, scopes...)
		}
	}
	return all
}

// giveUp is the ids of some messages that could not be delivered.
func giveUp(t *testing.T, d *servertest.Demo, n int) (ids []string) {
	t.Helper()
	later := d.Clock.Now().Add(time.Hour) // when nobody else delivers
	for range n {
		var one string
		err := d.DB.Write(t.Context(), func(tx *storage.Tx) (err error) {
			m := storage.Outgoing{Kind: storage.OutgoingMail, Target: "x•••@acme.example", CreatedAt: later, ExpiresAt: later.AddDate(0, 0, 7)}
			one, err = tx.QueueMessage(t.Context(), m, "a mail")
			return err
		})
		if err == nil {
			err = d.DB.DeliverNow(t.Context(), storage.OutgoingMail, one, 0, func() time.Time { return later }, func(context.Context, *storage.Outgoing) error {
				return errors.New("no such mailbox")
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, one)
	}
	return ids
}
