package consoletest

import (
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// key is the public key of RFC 8037 appendix A.2.
const key = `{"kty":"OKP","crv":"Ed25519","kid":"two","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`

// settled is a product with every setting that only some protocols need, and
// one whose API it calls.
const settled = `
products:
  - id: orders
    name: Orders
    auth_method: tls_client_auth
    tls_client: { san_dns: orders.example }
    redirect_uris: ["https://orders.example/cb"]
    api: { resource: "https://api.orders.example/", scopes: [{ id: "orders:read", name: See your orders }] }
  - id: bank
    name: Bank
    auth_method: private_key_jwt
    jwks: {"keys": [` + key + `]}
    redirect_uris: ["https://bank.example/cb"]
    grant_types: [authorization_code, refresh_token, client_credentials, "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange", implicit]
    scopes: [openid, "people:read", "orders:read", pay]
    response_types: [code, id_token, code id_token]
    token_endpoint_auth_signing_alg: EdDSA
    tls_client_certificate_bound_access_tokens: true
    dpop_bound_access_tokens: true
    require_pushed_authorization_requests: true
    require_signed_request_object: true
    request_object_signing_alg: EdDSA
    request_uris: ["https://bank.example/request#v1"]
    id_token_signed_response_alg: PS256
    authorization_signed_response_alg: PS256
    userinfo_signed_response_alg: ES256
    introspection_signed_response_alg: RS256
    subject_type: pairwise
    sector_identifier_uri: https://sector.example/uris
    api: { resource: "urn:bank:api", scopes: [{ id: pay, name: Pay from your account }, { id: see, name: See your account }] }
    resources: ["https://api.orders.example/", "urn:bank:api"]
    token_exchange: { impersonate: [orders], delegate: [orders, bank] }
    claim_profile: { amr: { hwk: fido, pwd: "" }, acr: { "urn:sallyport:acr:2fa": possessionorinherence } }
    frontchannel_logout_uri: https://bank.example/gone
    frontchannel_logout_session_required: true
    default_max_age: 0
    default_acr_values: [phr, "urn:sallyport:acr:2fa"]
    initiate_login_uri: https://bank.example/start
    client_uri: https://bank.example/
    logo_uri: https://bank.example/logo.png
    contacts: [help@bank.example]
`

// untouched is what a browser sends of the form on a page if nobody changes it,
// a browser without scripts as well.
func untouched(c console, path string) url.Values {
	c.t.Helper()
	resp, err := c.Client().Get(c.d.URL + path)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	doc, err := html.Parse(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		c.t.Fatalf("%s: %d, %v", path, resp.StatusCode, err)
	}
	attr := func(n *html.Node, name string) (string, bool) {
		for _, a := range n.Attr {
			if a.Key == name {
				return a.Val, true
			}
		}
		return "", false
	}
	text := func(n *html.Node) string {
		var b strings.Builder
		for d := range n.Descendants() {
			if d.Type == html.TextNode {
				b.WriteString(d.Data)
			}
		}
		return b.String()
	}
	values := make(url.Values)
	for n := range doc.Descendants() {
		name, _ := attr(n, "name")
		value, _ := attr(n, "value")
		_, checked := attr(n, "checked")
		kind, _ := attr(n, "type")
		switch {
		case name == "" || n.Data == "button":
		case n.Data == "textarea":
			values.Add(name, strings.ReplaceAll(text(n), "\n", "\r\n"))
		case n.Data == "select":
			chosen, first := "", true
			for i := range n.Descendants() {
				said, has := attr(i, "value")
				if i.Data != "option" {
					continue
				}
				if !has {
					said = text(i)
				}
				if _, selected := attr(i, "selected"); selected || first {
					chosen, first = said, false
				}
			}
			values.Add(name, chosen)
		case n.Data == "input" && (kind != "checkbox" || checked):
			values.Add(name, value)
		}
	}
	return values
}

func client(c console, id string) storage.Client {
	c.t.Helper()
	found, err := c.d.DB.Client(c.t.Context(), id)
	if err != nil {
		c.t.Fatal(err)
	}
	is := *found
	is.UpdatedAt = time.Time{}
	return is
}

// The form shows every setting, and what comes back of it changes none; and it
// registers a product with all of them.
func TestEverySettingOfAProductIsInItsForm(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		d.Apply(settled)
		c := enter(t, d, otto)
		for _, id := range []string{"bank", "orders"} {
			before := client(c, id)
			form := untouched(c, "/console/products/"+id+"/edit")
			if status, to, body := c.post("/console/products/"+id+"/edit", "/console/products/"+id+"/edit", form); status != http.StatusSeeOther {
				t.Fatalf("%d %s %s", status, to, wrongs(body))
			}
			if d := cmp.Diff(before, client(c, id)); d != "" {
				t.Errorf("saved as it was, and changed:\n%s", d)
			}
		}
		protocol := reflect.ValueOf(client(c, "bank").ClientProtocol)
		for i := range protocol.NumField() {
			if name := protocol.Type().Field(i).Name; protocol.Field(i).IsZero() && name != "TLSClient" && name != "JWKSURI" {
				t.Errorf("%s isn't tried", name)
			}
		}

		form := untouched(c, "/console/products/bank/edit")
		form.Set("id", "second")
		form.Set("api.resource", "urn:second:api")
		form.Set("resources", "urn:second:api\r\nhttps://api.orders.example/")
		form.Set("token_exchange.delegate", "orders\r\nbank")
		if status, to, body := c.post("/console/products/new", "/console/products/new", form); status != http.StatusSeeOther {
			t.Fatalf("%d %s %s", status, to, wrongs(body))
		}
		want, got := client(c, "bank"), client(c, "second")
		want.ID, want.CreatedAt, want.API = "second", got.CreatedAt, &storage.API{Resource: "urn:second:api", Scopes: want.API.Scopes}
		want.Resources = []string{"urn:second:api", "https://api.orders.example/"}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("registered otherwise:\n%s", d)
		}
		// Its page says in words what was set.
		for _, words := range []string{
			"With what its own key signs (private_key_jwt)", "1 key (two; sha-256 ", "It must push its requests first", "By ids of its own (pairwise)", "urn:bank:api", "pay Pay from your account",
		} {
			c.at("/console/products/bank").MustRead(words)
		}
		if c.Has("#overlap") {
			t.Error("another secret is offered to a product without one")
		}
	})
}

// What is wrong is said beside its field, whose section is open then.
func TestWrongSettingsAreSaidBesideTheirFields(t *testing.T) {
	d := servertest.StartDemo(t, "sqlite")
	d.Apply(settled)
	c := enter(t, d, otto)
	before := client(c, "bank")
	for field, test := range map[string]struct {
		values url.Values
		says   string
		at     string
	}{
		"a private key":        {url.Values{"jwks": {strings.Replace(key, "{", `{"d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",`, 1)}}, "Paste public keys only", "jwks"},
		"a private key in PEM": {url.Values{"jwks": {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}}, "This is a private key. Take it out of use", "jwks"},
		"no keys":              {url.Values{"jwks": {""}}, "Its keys are needed for what was chosen", "jwks"},
		"keys twice":           {url.Values{"jwks_uri": {"https://bank.example/keys"}}, "Keep either the keys or their address", "jwks"},
		"no certificate":       {url.Values{"auth_method": {"tls_client_auth"}, "tls_client": {"san_dns"}}, "Choose one thing that its certificate is known by", "tls_client"},
		"algorithm":            {url.Values{"token_endpoint_auth_signing_alg": {"HS256"}}, "This fits only a product that signs with its key", "token_endpoint_auth_signing_alg"},
		"age":                  {url.Values{"default_max_age": {"an hour"}}, "Write a number of seconds", "default_max_age"},
		"API":                  {url.Values{"api.resource": {"https://api.orders.example/"}}, "that no other product has", "api.resource"},
		"scope without words":  {url.Values{"api.scopes": {"pay"}}, "Write lines of a scope and what it allows", "api.scopes"},
		"whose API":            {url.Values{"resources": {"https://nowhere.example/"}}, "No product has this API: https://nowhere.example/.", "resources"},
		"wish":                 {url.Values{"default_acr_values": {"phr\r\ngold"}}, "gold", "default_acr_values"},
		"whose scope":          {url.Values{"other_scopes": {"pay\r\norders:write"}}, "None of the APIs it calls has this scope: orders:write.", "other_scopes"},
		"whose tokens":         {url.Values{"token_exchange.delegate": {"nobody"}}, "There is no product with this id: nobody.", "token_exchange.delegate"},
		"claims":               {url.Values{"claim_profile.amr": {"pwd = mfa"}}, "that claim no more than was proved", "claim_profile.amr"},
		"claims' form":         {url.Values{"claim_profile.acr": {"phr"}}, "that claim no more than was proved", "claim_profile.acr"},
		"responses":            {url.Values{"response_types": {"id_token"}}, "These need the grant that goes with them", "response_types"},
		"sign-out":             {url.Values{"frontchannel_logout_uri": {"https://other.example/"}}, "Write an address with the scheme, host and port", "frontchannel_logout_uri"},
		"contact":              {url.Values{"contacts": {"help"}}, "Write e-mail addresses. This one isn't: help", "contacts"},
		"sector":               {url.Values{"sector_identifier_uri": {"http://bank.example/"}}, "Write an address that begins with https://", "sector_identifier_uri"},
	} {
		form := untouched(c, "/console/products/bank/edit")
		for name, value := range test.values {
			form[name] = value
		}
		status, _, body := c.post("/console/products/bank/edit", "/console/products/bank/edit", form)
		beside := `id="` + test.at + `-problem">`
		_, said, found := strings.Cut(body, beside)
		if status != http.StatusUnprocessableEntity || !found || !strings.Contains(html.UnescapeString(said[:strings.Index(said, "</p>")]), test.says) {
			t.Errorf("%s: %d, beside its field: %t %.300s", field, status, found, said)
			continue
		}
		above := body[:strings.Index(body, beside)]
		if section := above[strings.LastIndex(above, "<details"):]; !strings.HasPrefix(section, `<details class="card settings" open>`) {
			t.Errorf("%s: its section is closed: %.80s", field, section)
		}
		if strings.Contains(body, "nWGxne") && !strings.Contains(said, "nWGxne") {
			t.Errorf("%s: the key is shown elsewhere", field)
		}
	}
	if after := client(c, "bank"); !reflect.DeepEqual(after, before) {
		t.Errorf("refused and yet changed: %+v", after)
	}
}

// A product gets another way to prove who it is, and then one by a secret again.
func TestAProductChangesHowItProvesItself(t *testing.T) {
	each(t, func(t *testing.T, d *servertest.Demo) {
		c := enter(t, d, otto)
		secret := register(t, c)
		change := func(values url.Values) {
			t.Helper()
			form := untouched(c, "/console/products/shop/edit")
			for name, value := range values {
				form[name] = value
			}
			if status, _, body := c.post("/console/products/shop/edit", "/console/products/shop/edit", form); status != http.StatusSeeOther {
				t.Fatalf("%d %s", status, wrongs(body))
			}
		}
		change(url.Values{"auth_method": {"private_key_jwt"}, "jwks": {key}})
		if is := client(c, "shop"); is.SecretHash != "" || !strings.Contains(string(is.JWKS), `"kid":"two"`) {
			t.Errorf("%+v", is)
		}
		if knows(d, t, "shop", secret) {
			t.Error("its secret still works")
		}
		change(url.Values{"auth_method": {"client_secret_jwt"}, "jwks": {""}})
		made := only(c.at("/console/products/shop"), t, "#secret")
		if is := client(c, "shop"); is.Secret != made || is.SecretHash != storage.Hash(made) || is.JWKS != nil {
			t.Errorf("%+v, shown %q", is, made)
		}
		change(url.Values{"auth_method": {"tls_client_auth"}, "tls_client": {"subject_dn"}, "tls_client_name": {"CN=shop,O=Acme"}})
		if is := client(c, "shop"); is.TLSClient.SubjectDN != "CN=shop,O=Acme" || is.Secret != "" || is.SecretHash != "" {
			t.Errorf("%+v", is)
		}
		change(url.Values{"auth_method": {"client_secret_basic"}})
		if is := client(c, "shop"); is.TLSClient != (storage.TLSClient{}) || !knows(d, t, "shop", only(c.at("/console/products/shop"), t, "#secret")) {
			t.Errorf("%+v", is)
		}
	})
}

// wrongs are the texts beside the fields of a form.
func wrongs(body string) (all []string) {
	for _, m := range regexp.MustCompile(`<p class="wrong" id="([^"]+)">([^<]+)`).FindAllStringSubmatch(body, -1) {
		all = append(all, m[1]+": "+html.UnescapeString(m[2]))
	}
	return all
}
