package apply_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// Public keys of RFC 7515 appendix A.3, RFC 8037 appendix A.2 and RFC 7517 appendix A.1.
const (
	keyEC  = `{kty: EC, crv: P-256, kid: one, use: sig, x: f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU, y: x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0}`
	keyOKP = `{kty: OKP, crv: Ed25519, kid: two, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo}`
	keyRSA = `{kty: RSA, kid: "3", e: AQAB, n: 0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw}`
)

func keys(all ...string) string { return "jwks: {keys: [" + strings.Join(all, ", ") + "]}" }

// keyed is a sound product that authenticates by its keys, with another line.
func keyed(lines ...string) string {
	return "products:\n- id: bank\n  name: Bank\n  auth_method: private_key_jwt\n  redirect_uris: [https://bank.example/cb]\n  " + strings.Join(lines, "\n  ") + "\n"
}

// api is a product that serves an API.
const api = "- {id: orders, name: Orders, auth_method: none, redirect_uris: [https://orders.example/cb], " +
	"api: {resource: 'https://api.orders.example/', scopes: [{id: 'orders:read', name: See orders}, {id: 'orders:write', name: Change orders}]}}\n"

// everyProtocol uses every setting of a protocol once.
var everyProtocol = keyed(keys(keyEC, keyOKP, keyRSA),
	"grant_types: [authorization_code, refresh_token, implicit, client_credentials, 'urn:ietf:params:oauth:grant-type:device_code', 'urn:ietf:params:oauth:grant-type:token-exchange']",
	"scopes: [openid, 'orders:read']",
	"response_types: [code, id_token, code id_token]",
	"token_endpoint_auth_signing_alg: PS256",
	"tls_client_certificate_bound_access_tokens: true",
	"dpop_bound_access_tokens: true",
	"require_pushed_authorization_requests: true",
	"require_signed_request_object: true",
	"request_object_signing_alg: ES256",
	"request_uris: ['https://bank.example/request#v1']",
	"id_token_signed_response_alg: EdDSA",
	"authorization_signed_response_alg: PS256",
	"userinfo_signed_response_alg: ES256",
	"introspection_signed_response_alg: RS256",
	"subject_type: pairwise",
	"sector_identifier_uri: https://Sector.example/uris.json",
	"api: {resource: 'urn:bank:api', scopes: [{id: pay, name: Pay from your account}]}",
	"resources: ['https://api.orders.example/']",
	"token_exchange: {impersonate: [orders], delegate: [orders, bank]}",
	"claim_profile: {amr: {otp: otp, pwd: ''}, acr: {'urn:sallyport:acr:2fa': possessionorinherence}}",
	"frontchannel_logout_uri: https://bank.example/gone",
	"frontchannel_logout_session_required: true",
	"default_max_age: 0",
	"default_acr_values: ['urn:sallyport:acr:2fa', phr]",
	"initiate_login_uri: https://bank.example/start",
	"client_uri: https://bank.example/",
	"logo_uri: https://bank.example/logo.png",
	"contacts: [help@bank.example, security@bank.example]",
) + api

func TestEverySettingOfAProtocolIsWritten(t *testing.T) {
	each(t, func(f *fixture) {
		f.apply(everyProtocol)
		zero := int64(0)
		want := storage.ClientProtocol{
			ResponseTypes: []string{"code", "id_token", "code id_token"}, AuthSigningAlg: "PS256", CertificateBound: true, DPoPBound: true, RequirePAR: true,
			RequireSignedRequest: true, RequestObjectAlg: "ES256", RequestURIs: []string{"https://bank.example/request#v1"},
			AuthorizationAlg: "PS256", UserinfoAlg: "ES256", IntrospectionAlg: "RS256",
			Pairwise: true, SectorIdentifierURI: "https://Sector.example/uris.json", Sector: "sector.example",
			API:       &storage.API{Resource: "urn:bank:api", Scopes: []storage.APIScope{{ID: "pay", Name: "Pay from your account"}}},
			Resources: []string{"https://api.orders.example/"},
			Exchange:  storage.Exchange{Impersonate: []string{"orders"}, Delegate: []string{"orders", "bank"}},
			ClaimProfile: storage.ClaimProfile{
				AMR: map[string]string{"otp": "otp", "pwd": ""}, ACR: map[string]string{"urn:sallyport:acr:2fa": "possessionorinherence"},
			},
			FrontchannelLogoutURI: "https://bank.example/gone", FrontchannelSession: true, DefaultMaxAge: &zero, DefaultACRValues: []string{"urn:sallyport:acr:2fa", "phr"},
			InitiateLoginURI: "https://bank.example/start", ClientURI: "https://bank.example/", LogoURI: "https://bank.example/logo.png",
			Contacts: []string{"help@bank.example", "security@bank.example"},
		}
		got := f.client("bank").ClientProtocol
		var set struct {
			Keys []map[string]string `json:"keys"`
		}
		if err := json.Unmarshal(got.JWKS, &set); err != nil || len(set.Keys) != 3 || set.Keys[0]["kid"] != "one" || set.Keys[1]["crv"] != "Ed25519" || set.Keys[2]["kid"] != "3" {
			t.Errorf("keys %s: %v", got.JWKS, err)
		}
		got.JWKS = nil
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		if c := f.client("bank"); c.IDTokenAlg != "EdDSA" || c.SecretHash != "" || c.AuthMethod != "private_key_jwt" {
			t.Errorf("%+v", c)
		}
	})
}

// asFile is a product as a file says it, every field of it.
func asFile(t *testing.T, c *storage.Client) string {
	t.Helper()
	e := apply.ProductOf(c)
	text, err := yaml.MarshalWithOptions([]apply.Product{e},
		yaml.CustomMarshaler(func(k apply.KeySet) ([]byte, error) { return k.MarshalJSON() }),
		yaml.CustomMarshaler(func(s apply.Secret) ([]byte, error) { return json.Marshal(string(s)) }))
	if err != nil {
		t.Fatal(err)
	}
	// What is unexported shows as an empty mapping.
	return "products:\n" + strings.Replace(string(text), "  source: {}\n", "", 1)
}

// What is stored, written into a file and applied again, changes nothing; and the test says every field.
func TestProductsAsAFileChangeNothing(t *testing.T) {
	each(t, func(f *fixture) {
		f.apply(everyProtocol)
		for _, id := range []string{"bank", "orders"} {
			text := asFile(t, f.client(id))
			if out := f.apply(text); out != "Nothing to change.\n" {
				t.Errorf("%s\n%s", out, text)
			}
		}
		protocol := reflect.ValueOf(apply.ProductOf(f.client("bank")).Protocol)
		for i := range protocol.NumField() {
			if name := protocol.Type().Field(i).Name; protocol.Field(i).IsZero() && name != "TLSClient" && name != "JWKSURI" {
				t.Errorf("%s isn't tried", name)
			}
		}
	})
}

func TestSettingsOfAProtocolGoAndChange(t *testing.T) {
	f := fixtureOf(t, "sqlite")
	f.apply(everyProtocol)
	for line, want := range map[string]string{
		"api: {}":                                     "api.resource urn:bank:api removed, api.scopes pay (Pay from your account) removed",
		"default_max_age: 60":                         "default_max_age 0 → 60",
		"default_max_age: ''":                         "default_max_age 60 removed",
		"claim_profile: {amr: {hwk: swk}}":            `claim_profile.amr otp: "otp", pwd: "" → hwk: "swk", claim_profile.acr urn:sallyport:acr:2fa: "possessionorinherence" removed`,
		"token_exchange: {delegate: [orders]}":        "token_exchange.impersonate [orders] removed, token_exchange.delegate [orders, bank] → [orders]",
		"contacts: []":                                "contacts [help@bank.example, security@bank.example] removed",
		"jwks_uri: https://bank.example/keys":         "jwks 3 keys (one; two; 3; sha-256 ",
		"subject_type: public":                        "subject_type pairwise → public",
		keys(strings.Replace(keyEC, "sig", "enc", 1)): "→ 1 key (one; sha-256 ",
	} {
		f.apply(everyProtocol)
		if strings.HasPrefix(line, "default_max_age: ''") {
			f.apply("products: [{id: bank, default_max_age: 60}]")
		}
		if out := f.apply("products:\n- id: bank\n  " + line); !strings.Contains(out, want) {
			t.Errorf("%s: %s\nwant %s", line, out, want)
		}
	}
	// Keys of the same names that differ in anything at all.
	f.apply("products:\n- id: bank\n  " + keys(keyEC))
	if out := f.apply("products:\n- id: bank\n  " + keys(strings.Replace(keyEC, "sig", "enc", 1))); !strings.Contains(out, "jwks 1 key (one; sha-256 ") {
		t.Error(out)
	}
	if out := f.apply("products:\n- id: bank\n  jwks: {keys: [{use: enc, " + strings.TrimPrefix(strings.Replace(keyEC, "use: sig, ", "", 1), "{") + "]}"); out != "Nothing to change.\n" {
		t.Errorf("in another order: %s", out)
	}
}

// What goes through a browser goes to the machine of an app's person only.
func TestImplicitAtHomeIsForApps(t *testing.T) {
	each(t, func(f *fixture) {
		f.apply(strings.Replace(product("grant_types: [implicit]", "response_types: [id_token]", "native: true"), "https://board.example/cb", "http://localhost:8080/cb", 1))
		if c := f.client("board"); !c.Native || len(c.RedirectURIs) != 1 {
			t.Errorf("%+v", c)
		}
	})
}

func TestProtocolMistakes(t *testing.T) {
	hash := "secret_hash: " + storage.Hash("s")
	tls := func(subject string) string {
		return "products:\n- {id: b, name: B, auth_method: tls_client_auth, redirect_uris: [https://b.example/], tls_client: " + subject + "}"
	}
	key := func(text string) string { return keyed(keys(text)) }
	implicit := "grant_types: [authorization_code, implicit]"
	for name, test := range map[string]struct{ yaml, want string }{
		"no keys":             {keyed(), "products[0].jwks is missing though auth_method is private_key_jwt; write its public keys in jwks"},
		"no certificates":     {strings.Replace(keyed(), "private_key_jwt", "self_signed_tls_client_auth", 1), "products[0].jwks is missing though auth_method is self_signed_tls_client_auth"},
		"keys twice":          {keyed(keys(keyEC), "jwks_uri: https://bank.example/keys"), "products[0].jwks is set beside jwks_uri; keep one of them"},
		"key and secret":      {keyed(keys(keyEC), hash), "products[0].secret_hash is set though auth_method is private_key_jwt; leave out the secret"},
		"keys in the open":    {keyed("jwks_uri: http://bank.example/keys"), "products[0].jwks_uri is \"http://bank.example/keys\", without TLS"},
		"keys of an app":      {keyed("jwks_uri: com.example.bank:/keys"), "products[0].jwks_uri has \"com.example.bank:/keys\", whose scheme is an app's own"},
		"hash signs":          {product("auth_method: client_secret_jwt"), "products[0].secret_hash isn't enough for client_secret_jwt, whose signatures no hash can check; name the file with the secret itself in secret_file"},
		"algorithm of secret": {keyed(keys(keyEC), "token_endpoint_auth_signing_alg: HS256"), `products[0].token_endpoint_auth_signing_alg is "HS256"; write RS256, RS384,`},
		"algorithm of none":   {keyed(keys(keyEC), "token_endpoint_auth_signing_alg: none"), `token_endpoint_auth_signing_alg is "none"`},
		"algorithm in vain":   {product("token_endpoint_auth_signing_alg: ES256"), "token_endpoint_auth_signing_alg is set though auth_method is client_secret_basic; leave it out"},
		"no subject":          {tls("{}"), "products[0].tls_client is missing though auth_method is tls_client_auth; write the subject"},
		"two subjects":        {tls("{subject_dn: CN=b, san_dns: b.example}"), "products[0].tls_client has subject_dn and san_dns; keep one"},
		"subject in vain":     {product("tls_client: {san_dns: b.example}"), "products[0].tls_client is set though auth_method is client_secret_basic; leave it out"},
		"subject's address":   {tls("{san_ip: 300.1.1.1}"), `products[0].tls_client.san_ip is "300.1.1.1"; write an address`},
		"subject's lines":     {tls(`{subject_dn: "CN=b\n"}`), "products[0].tls_client.subject_dn has control characters"},
		"subject's field":     {tls("{cn: b}"), "products[0].tls_client.cn is no field; write subject_dn, san_dns, san_uri, san_ip or san_email"},

		"keys: no set":         {keyed("jwks: {kty: EC}"), "products[0].jwks is no set of keys"},
		"keys: text":           {keyed("jwks: mine"), "products[0].jwks is no mapping; write the set as it is"},
		"keys: alias":          {keyed("jwks: {keys: [&a {kty: EC}]}"), "products[0].jwks holds what JSON can't say"},
		"keys: none in it":     {keyed("jwks: {keys: []}"), "products[0].jwks is no set of keys"},
		"keys: null":           {keyed("jwks: {keys: [null]}"), "products[0].jwks.keys[0] is no key"},
		"keys: many":           {key(strings.Repeat(keyEC+", ", 20) + keyEC), "products[0].jwks has 21 keys; keep the 20 newest"},
		"keys: long":           {key("{kty: EC, x5t: " + strings.Repeat("a", 64<<10) + "}"), "products[0].jwks is longer than 64 KiB"},
		"keys: private EC":     {key(strings.Replace(keyEC, "{", "{d: jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI, ", 1)), "products[0].jwks.keys[0] has d, which belongs to a private or shared key"},
		"keys: private RSA":    {key(strings.Replace(keyRSA, "{", "{qi: AAAA, ", 1)), "products[0].jwks.keys[0] has qi, which belongs"},
		"keys: a shared one":   {key("{kty: oct, k: GawgguFyGrWKav7AX4VKUg}"), "products[0].jwks.keys[0] has k, which belongs to a private or shared key"},
		"keys: no kind":        {key("{crv: P-256}"), "products[0].jwks.keys[0].kty is missing"},
		"keys: kind":           {key("{kty: AKP}"), "products[0].jwks.keys[0].kty is none of EC, OKP and RSA"},
		"keys: curve":          {key(strings.Replace(keyEC, "P-256", "secp256k1", 1)), "products[0].jwks.keys[0].crv is none of P-256, P-384 and P-521"},
		"keys: size":           {key(strings.Replace(keyEC, "P-256", "P-384", 1)), "products[0].jwks.keys[0].x and y are no point of P-384; write both with their 48 bytes"},
		"keys: off the curve":  {key(strings.Replace(keyEC, "y: x_F", "y: y_F", 1)), "products[0].jwks.keys[0].x and y are no point of P-256"},
		"keys: OKP's curve":    {key(strings.Replace(keyOKP, "Ed25519", "X25519", 1)), "products[0].jwks.keys[0].crv isn't Ed25519"},
		"keys: OKP's length":   {key(strings.Replace(keyOKP, "11qY", "", 1)), "products[0].jwks.keys[0].x is no key of Ed25519"},
		"keys: RSA of 1024":    {key("{kty: RSA, e: AQAB, n: " + strings.Repeat("_", 171) + "}"), "products[0].jwks.keys[0].n is missing or shorter than 2048 bits"},
		"keys: RSA's exponent": {key(strings.Replace(keyRSA, "AQAB", "AQAA", 1)), "products[0].jwks.keys[0].e is no exponent of RSA"},
		"keys: RSA's longest":  {key("{kty: RSA, e: AQAB, n: " + strings.Repeat("_", 684) + "}"), "products[0].jwks.keys[0].n is longer than 4096 bits; make a shorter key"},
		"keys: RSA, even":      {key("{kty: RSA, e: AQAB, n: " + strings.Repeat("_", 341) + "g}"), "products[0].jwks.keys[0].n is even"},
		"keys: RSA, no power":  {key(strings.Replace(keyRSA, "AQAB", "AQ", 1)), "products[0].jwks.keys[0].e is no exponent of RSA"},
		"keys: RSA, a power":   {key(strings.Replace(keyRSA, "AQAB", "gAAAAQ", 1)), "products[0].jwks.keys[0].e is no exponent of RSA"},
		"keys: kid twice":      {keyed(keys(keyEC, strings.Replace(keyOKP, "two", "one", 1))), `products[0].jwks.keys[1].kid is "one" again`},
		"keys: kid missing":    {keyed(keys(keyEC, strings.Replace(keyOKP, "kid: two, ", "", 1))), "products[0].jwks.keys[1].kid is missing beside other keys"},
		"keys: kid no text":    {keyed(keys(strings.Replace(keyEC, "one", "[one]", 1))), "products[0].jwks.keys[0].kid is no text"},
		"keys: use":            {keyed(keys(strings.Replace(keyEC, "sig", "both", 1))), "products[0].jwks.keys[0].use is neither sig nor enc"},

		"request without keys":  {product("require_signed_request_object: true"), "products[0].jwks is missing though its request objects are signed"},
		"request's algorithm":   {product("request_object_signing_alg: ES256"), "products[0].jwks is missing though its request objects are signed"},
		"unsigned requests":     {keyed(keys(keyEC), "request_object_signing_alg: none"), `products[0].request_object_signing_alg is "none"; write RS256`},
		"request in the open":   {product("request_uris: ['http://b.example/r']"), `products[0].request_uris[0] is "http://b.example/r", without TLS`},
		"request of an app":     {product("request_uris: ['com.example.b:/r']"), "whose scheme is an app's own"},
		"response":              {product("response_types: [token]"), `products[0].response_types[0] is "token"; write code, id_token or code id_token`},
		"implicit unsaid":       {product("response_types: [code, id_token]"), `products[0].response_types[1] is "id_token" though grant_types has no implicit; add that`},
		"implicit in vain":      {product(implicit), "products[0].grant_types has implicit though response_types has none with id_token"},
		"code unsaid":           {product("grant_types: [implicit]", "response_types: [code id_token]"), `products[0].response_types[0] is "code id_token" though grant_types has no authorization_code`},
		"code in vain":          {product(implicit, "response_types: [id_token]"), "products[0].response_types has none with code though grant_types has authorization_code"},
		"implicit for an app":   {strings.Replace(product(implicit, "response_types: [code, id_token]", "native: true"), "https://board.example/cb", "com.example.b:/cb", 1), `products[0].redirect_uris[0] is "com.example.b:/cb", where ID tokens would be sent in the open`},
		"implicit at home":      {strings.Replace(product(implicit, "response_types: [code, id_token]"), "https://board.example/cb", "http://localhost:8080/cb", 1), `products[0].redirect_uris[0] is "http://localhost:8080/cb", on each person's own machine`},
		"implicit at home, TLS": {strings.Replace(product(implicit, "response_types: [code, id_token]"), "https://board.example/cb", "https://localhost/cb", 1), `products[0].redirect_uris[0] is "https://localhost/cb", on each person's own machine, though grant_types has implicit; write the https address of its site, or native: true`},
		"implicit to nowhere":   {strings.Replace(product("grant_types: [implicit]", "response_types: [id_token]"), "https://board.example/cb", "", 1), "products[0].redirect_uris is missing"},
		"answers' algorithm":    {product("authorization_signed_response_alg: HS256"), `products[0].authorization_signed_response_alg is "HS256"; write RS256`},
		"userinfo's algorithm":  {product("userinfo_signed_response_alg: none"), `products[0].userinfo_signed_response_alg is "none"`},
		"introspection's":       {product("introspection_signed_response_alg: none"), `products[0].introspection_signed_response_alg is "none"`},
		"subject":               {product("subject_type: private"), `products[0].subject_type is "private"; write public or pairwise`},
		"two sectors":           {strings.Replace(product("subject_type: pairwise"), "[https://board.example/cb]", "[https://board.example/cb, https://two.example/cb]", 1), "products[0].sector_identifier_uri is missing though subject_type is pairwise"},
		"sector in the open":    {product("sector_identifier_uri: http://b.example/"), "without TLS"},
		"max age":               {product("default_max_age: -1"), "products[0].default_max_age is -1; write seconds"},
		"max age in words":      {product("default_max_age: 1h"), `products[0].default_max_age is "1h"; write a whole number`},
		"acr":                   {product("default_acr_values: [phr, gold]"), `products[0].default_acr_values[1] is "gold"; write urn:sallyport:acr:1fa`},
		"sign-out elsewhere":    {product("frontchannel_logout_uri: https://other.example/gone"), `products[0].frontchannel_logout_uri is "https://other.example/gone", where none of redirect_uris is`},
		"sign-out's port":       {product("frontchannel_logout_uri: https://board.example:8443/gone"), "where none of redirect_uris is"},
		"sign-out to an app":    {product("frontchannel_logout_uri: com.example.b:/gone"), "whose scheme is an app's own"},
		"session of nothing":    {product("frontchannel_logout_session_required: true"), "products[0].frontchannel_logout_uri is missing though frontchannel_logout_session_required is true"},
		"start":                 {product("initiate_login_uri: http://board.example/"), "products[0].initiate_login_uri is \"http://board.example/\", without TLS"},
		"site":                  {product("client_uri: 'javascript:1'"), "products[0].client_uri is \"javascript:1\"; write an address that begins with https://"},
		"logo":                  {product("logo_uri: 'data:1'"), "products[0].logo_uri is \"data:1\"; write an address"},
		"contact":               {product("contacts: [help]"), `products[0].contacts[0] is "help"; write an e-mail address`},
		"claims more":           {product("claim_profile: {amr: {pwd: fido}}"), `setup.yaml:6: products[0].claim_profile.amr.pwd can't be: "fido" is more than "pwd" says, or unknown; write "" to leave it out, or one of pwd`},
		"claims of nobody":      {product("claim_profile: {acr: {gold: ''}}"), `products[0].claim_profile.acr.gold can't be: "gold" is no acr of this provider; write one of `},
		"contact twice":         {product("contacts: [a@b.example, a@b.example]"), `products[0].contacts[1] is "a@b.example" again`},
		"empty contact":         {product("contacts: ['']"), "products[0].contacts[0] is empty; leave it out"},
		"API: relative":         {product("api: {resource: /orders}"), `products[0].api.resource is "/orders", which is no absolute URI`},
		"API: fragment":         {product("api: {resource: 'https://b.example/#a'}"), "products[0].api.resource is \"https://b.example/#a\", with a fragment"},
		"API: long":             {product("api: {resource: 'https://b.example/" + strings.Repeat("a", 500) + "'}"), "products[0].api.resource is longer than 500 bytes"},
		"API: scopes of none":   {product("api: {scopes: [{id: a, name: A}]}"), "products[0].api.resource is missing"},
		"API: scope's form":     {product("api: {resource: 'urn:b:a', scopes: [{id: a b, name: A}]}"), `products[0].api.scopes[0].id is "a b"; write up to 64 characters`},
		"API: scope's quote":    {product("api: {resource: 'urn:b:a', scopes: [{id: 'a\"', name: A}]}"), `products[0].api.scopes[0].id is "a\""`},
		"API: scope missing":    {product("api: {resource: 'urn:b:a', scopes: [{name: A}]}"), "products[0].api.scopes[0].id is missing"},
		"API: scope twice":      {product("api: {resource: 'urn:b:a', scopes: [{id: a, name: A}, {id: a, name: B}]}"), `products[0].api.scopes[1].id is "a" again`},
		"API: our scope":        {product("api: {resource: 'urn:b:a', scopes: [{id: openid, name: A}]}"), `products[0].api.scopes[0].id is "openid", which is a scope of this provider`},
		"API: our other scope":  {product("api: {resource: 'urn:b:a', scopes: [{id: 'people:read', name: A}]}"), "which is a scope of this provider"},
		"API: no name":          {product("api: {resource: 'urn:b:a', scopes: [{id: a}]}"), "products[0].api.scopes[0].name is missing"},
		"API: taken":            {product("api: {resource: 'https://api.orders.example/'}") + api, `products[0].api.resource is "https://api.orders.example/", as of product orders`},
		"resource of nobody":    {product("resources: ['https://api.orders.example']") + api, `products[0].resources[0] is "https://api.orders.example", and no product has such an api`},
		"resource twice":        {product("resources: ['https://api.orders.example/', 'https://api.orders.example/']") + api, `products[0].resources[1] is "https://api.orders.example/" again`},
		"scope of another API":  {product("scopes: [openid, 'orders:read']") + api, `products[0].scopes[1] is "orders:read"; write openid`},
		"exchange of nobody":    {keyed(keys(keyEC), "grant_types: [authorization_code, 'urn:ietf:params:oauth:grant-type:token-exchange']", "token_exchange: {delegate: [nobody]}"), `products[0].token_exchange.delegate[0] is "nobody", and there is no such product`},
		"exchange without it":   {product("token_exchange: {impersonate: [board]}"), "products[0].token_exchange names products though grant_types has no urn:ietf:params:oauth:grant-type:token-exchange; add that"},
		"exchange by anybody":   {"products: [{id: p, name: P, auth_method: none, grant_types: ['urn:ietf:params:oauth:grant-type:token-exchange'], scopes: []}]", "products[0].grant_types has urn:ietf:params:oauth:grant-type:token-exchange though auth_method is none"},
		"device without openid": {"products: [{id: p, name: P, auth_method: none, grant_types: ['urn:ietf:params:oauth:grant-type:device_code'], scopes: [profile]}]", "products[0].scopes has no openid"},
	} {
		t.Run(name, func(t *testing.T) { fixtureOf(t, "sqlite").refuse(test.yaml, test.want) })
	}
}

// Whoever pastes a private key isn't shown it again, in a message that others may read.
func TestPrivateKeysAreNotQuoted(t *testing.T) {
	f := fixtureOf(t, "sqlite")
	_, err := f.try(keyed(keys(strings.Replace(keyEC, "{", "{d: jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI, ", 1))))
	if err == nil || strings.Contains(err.Error(), "jpsQ") || strings.Contains(err.Error(), "f83O") {
		t.Errorf("%v", err)
	}
}

// secretFile is a file with a secret, and a line that names it.
func secretFile(t *testing.T, secret string) (line string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return "secret_file: " + path
}

const signing = "a-secret-that-signs-of-many-characters"

func TestWhoSignsByASecretHasItKept(t *testing.T) {
	each(t, func(f *fixture) {
		line := secretFile(t, signing)
		jwt := "products:\n- id: board\n  name: Board\n  redirect_uris: [https://board.example/cb]\n  auth_method: client_secret_jwt\n  " + line
		f.apply(jwt)
		if c := f.client("board"); c.Secret != signing || c.SecretHash != storage.Hash(signing) {
			t.Errorf("%q", c.Secret)
		}
		if strings.Contains(f.dump(), signing) {
			t.Error("it isn't sealed")
		}
		if out := f.apply(jwt); out != "Nothing to change.\n" {
			t.Error(out)
		}
		f.apply("products: [{id: board, name: Board 2}]")
		if c := f.client("board"); c.Secret != signing {
			t.Errorf("a name took the secret away: %q", c.Secret)
		}
		f.apply("products: [{id: board, token_endpoint_auth_signing_alg: HS256}]")
		f.refuse("products: [{id: board, token_endpoint_auth_signing_alg: HS512}]",
			"token_endpoint_auth_signing_alg is \"HS512\", which needs a secret of 64 bytes; write HS256")
		// Another method drops it, and the hash goes on.
		f.apply("products: [{id: board, auth_method: client_secret_basic}]")
		if c := f.client("board"); c.Secret != "" || c.SecretHash != storage.Hash(signing) || c.AuthSigningAlg != "" {
			t.Errorf("%+v", c)
		}
		if got := f.rows("SELECT secret FROM clients WHERE id = 'board'"); got != "|\n" {
			t.Errorf("still stored: %q", got)
		}
		f.refuse("products: [{id: board, auth_method: client_secret_jwt}]", "secret_hash isn't enough for client_secret_jwt")
		f.apply("products:\n- id: board\n  auth_method: client_secret_jwt\n  " + line)
		if c := f.client("board"); c.Secret != signing {
			t.Errorf("%q", c.Secret)
		}
	})
}

func TestAnotherMethodDropsWhatBelongedToTheOld(t *testing.T) {
	each(t, func(f *fixture) {
		f.apply(product("token_endpoint_auth_signing_alg: ''"))
		f.write(func(tx *storage.Tx) error {
			return tx.RotateSecret(t.Context(), "board", "another secret", now.AddDate(0, 0, 1), now)
		})
		for _, step := range []struct {
			line string
			left func(c *storage.Client) bool
		}{
			{"native: false", func(c *storage.Client) bool { return c.OldSecretHash == storage.Hash("s") }},
			{"auth_method: private_key_jwt\n  " + keys(keyEC), func(c *storage.Client) bool {
				return c.SecretHash == "" && c.OldSecretHash == "" && c.OldSecretUntil.IsZero() && c.JWKS != nil
			}},
			{"token_endpoint_auth_signing_alg: ES256", func(c *storage.Client) bool { return c.AuthSigningAlg == "ES256" }},
			{"jwks_uri: https://board.example/keys", func(c *storage.Client) bool { return c.JWKS == nil && c.JWKSURI != "" && c.AuthSigningAlg == "ES256" }},
			{keys(keyOKP), func(c *storage.Client) bool { return c.JWKS != nil && c.JWKSURI == "" }},
			{"auth_method: tls_client_auth\n  tls_client: {san_uri: 'spiffe://board'}", func(c *storage.Client) bool {
				return c.JWKS == nil && c.AuthSigningAlg == "" && c.TLSClient == storage.TLSClient{SANURI: "spiffe://board"}
			}},
			{"auth_method: none", func(c *storage.Client) bool { return c.TLSClient == storage.TLSClient{} && c.SecretHash == "" }},
		} {
			f.apply("products:\n- id: board\n  " + step.line)
			if c := f.client("board"); !step.left(c) {
				t.Errorf("%s: %+v", step.line, c)
			}
		}
		// Keys that check request objects stay.
		f.apply("products:\n- id: board\n  auth_method: private_key_jwt\n  require_signed_request_object: true\n  " + keys(keyEC))
		f.apply("products:\n- id: board\n  auth_method: none\n")
		if c := f.client("board"); c.JWKS == nil {
			t.Errorf("%+v", c)
		}
	})
}

// What registered itself is the operator's from the first change by another hand, and no longer its own to change.
func TestAFileTakesARegistrationOver(t *testing.T) {
	each(t, func(f *fixture) {
		f.apply(product("native: false"))
		f.write(func(tx *storage.Tx) error {
			c := *f.client("board")
			c.RegistrationHash = storage.Hash("registration")
			return tx.PutClient(t.Context(), c, now)
		})
		if f.apply("products: [{id: board, native: false}]"); f.client("board").RegistrationHash == "" {
			t.Error("taken over though nothing changed")
		}
		if f.apply("products: [{id: board, name: Another}]"); f.client("board").RegistrationHash != "" {
			t.Error("not taken over")
		}
	})
}

// relying is a product that uses the API of another and exchanges its tokens.
var relying = keyed(keys(keyEC), "grant_types: [authorization_code, 'urn:ietf:params:oauth:grant-type:token-exchange']",
	"scopes: [openid, 'orders:read', 'orders:write']", "resources: ['https://api.orders.example/']", "token_exchange: {impersonate: [orders], delegate: [orders, bank]}") + api

func TestWhatAProductOfferedIsForgottenWithIt(t *testing.T) {
	for name, test := range map[string]struct {
		yaml                               string
		resources, scopes, hands, delegate []string
	}{
		"a scope": {"products:\n- {id: orders, api: {resource: 'https://api.orders.example/', scopes: [{id: 'orders:read', name: See}]}}",
			[]string{"https://api.orders.example/"}, []string{"openid", "orders:read"}, []string{"orders"}, []string{"orders", "bank"}},
		"another API":          {"products:\n- {id: orders, api: {resource: 'https://v2.orders.example/'}}", nil, []string{"openid"}, []string{"orders"}, []string{"orders", "bank"}},
		"no API":               {"products:\n- {id: orders, api: {}}", nil, []string{"openid"}, []string{"orders"}, []string{"orders", "bank"}},
		"all":                  {"products:\n- {id: orders, delete: true}", nil, []string{"openid"}, nil, []string{"bank"}},
		"all, beside an entry": {"products:\n- {id: bank, name: Bank}\n- {id: orders, delete: true}", nil, []string{"openid"}, nil, []string{"bank"}},
		"all, as another": {"products:\n- {id: orders, delete: true}\n- {id: o2, name: O, auth_method: none, redirect_uris: [https://o2.example/], api: {resource: 'https://api.orders.example/'}}",
			[]string{"https://api.orders.example/"}, []string{"openid"}, nil, []string{"bank"}},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(f *fixture) {
				f.apply(relying)
				out := f.apply(test.yaml)
				if !strings.Contains(out, "~ product bank: ") {
					t.Errorf("it isn't said: %s", out)
				}
				c := f.client("bank")
				if !slices.Equal(c.Resources, test.resources) || !slices.Equal(c.Scopes, test.scopes) || !slices.Equal(c.Exchange.Impersonate, test.hands) || !slices.Equal(c.Exchange.Delegate, test.delegate) {
					t.Errorf("%v %v %v", c.Resources, c.Scopes, c.Exchange)
				}
				if len(c.JWKS) == 0 || !slices.Contains(strings.Fields(f.rows("SELECT event FROM audit WHERE client_id = 'bank' AND event = 'product.changed'")), "product.changed|") {
					t.Error("its keys went, or the audit says nothing")
				}
			})
		})
	}
	// What names it in the same file is refused.
	f := fixtureOf(t, "sqlite")
	f.apply(relying)
	f.refuse("products:\n- {id: orders, delete: true}\n- {id: bank, resources: ['https://api.orders.example/'], token_exchange: {delegate: [orders]}}",
		`products[1].resources[0] is "https://api.orders.example/", and no product has such an api`, `products[1].token_exchange.delegate[0] is "orders", and there is no such product`)
}
