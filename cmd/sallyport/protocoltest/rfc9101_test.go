package protocoltest_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

const typObject = "oauth-authz-req+jwt"

// sent is an authorization request that is a request object and no more than
// what must be beside it.
func sent(rp *servertest.RP, object string) string {
	return rp.URL + "/authorize?" + url.Values{"client_id": {rp.ClientID}, "request": {object}}.Encode()
}

func TestRFC9101Section5ByValue(t *testing.T) {
	both(t, others, func(t *testing.T, w *world) {
		rp, k, p := w.rp(t, "first"), signedBy(t, w, "first"), w.member(t, ana)
		for _, typ := range []string{typObject, "application/" + typObject, "JWT", "jwt", ""} {
			mustCode(t, p.Go(sent(rp, k.sign(typ, object(rp, nil)))))
		}
		for name, more := range map[string]map[string]any{
			"no jti":           {"jti": nil},
			"no exp":           {"exp": nil},
			"no nbf":           {"nbf": nil},
			"no time at all":   {"exp": nil, "nbf": nil},
			"several aud":      {"aud": []string{"https://else.example", rp.URL}},
			"max_age a number": {"max_age": 3600},
			"max_age a string": {"max_age": "3600"},
			"claims an object": {"claims": map[string]any{"id_token": map[string]any{"acr": map[string]any{"essential": true, "value": "urn:sallyport:acr:1fa"}}}},
			"claims a string":  {"claims": `{"userinfo":{"email":null}}`},
			"unknown members":  {"anything": []int{1}, "x": nil, "sub": "somebody"},
			"a clock ahead":    {"nbf": w.Clock.Now().Add(30 * time.Second).Unix()},
			"an hour":          {"nbf": w.Clock.Now().Add(-time.Minute).Unix(), "exp": w.Clock.Now().Add(59 * time.Minute).Unix()},
		} {
			t.Run(name, func(t *testing.T) { mustCode(t, p.Go(sent(rp, k.sign(typObject, object(rp, more))))) })
		}
		// What an object asks for is enforced like any other request.
		mustBeTold(t, w, mustArrive(t, p.Go(sent(rp, k.sign(typObject, object(rp, map[string]any{"scope": "profile"}))))), "invalid_scope")
		w.Clock.Advance(time.Minute)
		p.Go(sent(rp, k.sign(typObject, object(rp, map[string]any{"max_age": 30})))).MustBeAt("/login/password")
	})
}

// Only what is inside counts.
func TestRFC9101Section6_3Inside(t *testing.T) {
	w := start(t, "sqlite", others)
	rp, k, p := w.rp(t, "first"), signedBy(t, w, "first"), w.member(t, ana)
	outside := parametersOf(rp, url.Values{
		"scope": {"openid profile email"}, "state": {"outside"}, "nonce": {"outside"}, "prompt": {"login"}, "max_age": {"0"}, "redirect_uri": {"https://evil.example/"},
		"response_mode": {"form_post"}, "request": {k.sign(typObject, object(rp, map[string]any{"scope": "openid", "state": nil, "nonce": "inside"}))},
	})
	q := mustArrive(t, p.Go(w.at(outside)))
	if q.Has("state") {
		t.Errorf("state came from outside: %v", q)
	}
	_, tokens := rp.Exchange(q.Get("code"), nil)
	if claims := servertest.Claims(t, tokens.String("id_token")); tokens.String("scope") != "openid" || claims["nonce"] != "inside" {
		t.Errorf("%v, %v", tokens, claims)
	}
	// PKCE from outside is none.
	object := object(rp, map[string]any{"code_challenge": nil, "code_challenge_method": nil})
	outside.Set("request", k.sign(typObject, object))
	mustBeTold(t, w, mustArrive(t, p.Go(w.at(outside))), "invalid_request")
}

func TestRFC9101Section6_2Refused(t *testing.T) {
	w := start(t, "sqlite", others)
	w.set(t, "other", func(c *storage.Client) { c.RedirectURIs = append(c.RedirectURIs, site+"/other") })
	rp, k, p := w.rp(t, "first"), signedBy(t, w, "first"), w.member(t, ana)
	now := w.Clock.Now()
	stranger := *signedBy(t, w, "other")
	claims := func(more map[string]any) string { return k.sign(typObject, object(rp, more)) }
	good := strings.Split(claims(nil), ".")
	segment := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	hmac := objectKey{alg: jose.HS256, key: []byte(secret), t: t}
	twice := strings.Replace(string(mustDecode(t, good[1])), `{`, `{"client_id":"other","client_id":"first",`, 1)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: k.alg, Key: k.key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ object, code string }{
		"alg none":            {segment(map[string]string{"alg": "none"}) + "." + good[1] + ".", "request_not_supported"},
		"alg NONE":            {segment(map[string]string{"alg": "NONE"}) + "." + good[1] + "." + good[2], "request_not_supported"},
		"HS256":               {hmac.sign(typObject, object(rp, nil)), "invalid_request_object"},
		"another's key":       {stranger.sign(typObject, object(rp, nil)), "invalid_request_object"},
		"changed":             {good[0] + "." + segment(object(rp, map[string]any{"state": "changed"})) + "." + good[2], "invalid_request_object"},
		"no signature":        {good[0] + "." + good[1] + ".", "invalid_request_object"},
		"no JWT":              {"x", "invalid_request_object"},
		"encrypted":           {strings.Join(good, ".") + ".a.b", "invalid_request_object"},
		"no object":           {k.signBytes(signer, []byte(`["first"]`)), "invalid_request_object"},
		"a member twice":      {k.signBytes(signer, []byte(twice)), "invalid_request_object"},
		"typ dpop+jwt":        {k.sign("dpop+jwt", object(rp, nil)), "invalid_request_object"},
		"typ at+jwt":          {k.sign("at+jwt", object(rp, nil)), "invalid_request_object"},
		"no iss":              {claims(map[string]any{"iss": nil}), "invalid_request_object"},
		"iss another":         {claims(map[string]any{"iss": "other"}), "invalid_request_object"},
		"no aud":              {claims(map[string]any{"aud": nil}), "invalid_request_object"},
		"aud another":         {claims(map[string]any{"aud": w.URL + "/"}), "invalid_request_object"},
		"no client_id":        {claims(map[string]any{"client_id": nil}), "invalid_request_object"},
		"client_id another":   {claims(map[string]any{"client_id": "other"}), "invalid_request_object"},
		"an assertion":        {claims(map[string]any{"sub": "first"}), "invalid_request_object"},
		"exp a text":          {claims(map[string]any{"exp": "soon"}), "invalid_request_object"},
		"expired":             {claims(map[string]any{"exp": now.Unix()}), "invalid_request_object"},
		"expired, no nbf":     {claims(map[string]any{"exp": now.Unix(), "nbf": nil}), "invalid_request_object"},
		"to come, no exp":     {claims(map[string]any{"nbf": now.Add(31 * time.Second).Unix(), "exp": nil}), "invalid_request_object"},
		"nbf to come":         {claims(map[string]any{"nbf": now.Add(31 * time.Second).Unix()}), "invalid_request_object"},
		"nbf long ago":        {claims(map[string]any{"nbf": now.Add(-time.Hour - time.Second).Unix()}), "invalid_request_object"},
		"exp long after nbf":  {claims(map[string]any{"exp": now.Add(time.Hour + time.Second).Unix()}), "invalid_request_object"},
		"exp for ever":        {claims(map[string]any{"exp": 1e18}), "invalid_request_object"},
		"request inside":      {claims(map[string]any{"request": strings.Join(good, ".")}), "invalid_request_object"},
		"request_uri inside":  {claims(map[string]any{"request_uri": "https://evil.example"}), "invalid_request_object"},
		"scope a list":        {claims(map[string]any{"scope": []string{"openid"}}), "invalid_request_object"},
		"state a number":      {claims(map[string]any{"state": 1}), "invalid_request_object"},
		"nonce null":          {k.signBytes(signer, []byte(strings.Replace(string(mustDecode(t, good[1])), `"some nonce"`, "null", 1))), "invalid_request_object"},
		"max_age a fraction":  {claims(map[string]any{"max_age": 1.5}), "invalid_request_object"},
		"max_age negative":    {claims(map[string]any{"max_age": -1}), "invalid_request_object"},
		"max_age huge":        {claims(map[string]any{"max_age": 1e30}), "invalid_request_object"},
		"claims a list":       {claims(map[string]any{"claims": []string{"acr"}}), "invalid_request_object"},
		"resource numbers":    {claims(map[string]any{"resource": []int{1}}), "invalid_request_object"},
		"resource unknown":    {claims(map[string]any{"resource": []string{"https://api.example"}}), "invalid_target"},
		"registration inside": {claims(map[string]any{"registration": map[string]any{}}), "registration_not_supported"},
	} {
		t.Run(name, func(t *testing.T) {
			// Before the redirect URI is trusted: on a page.
			at := p.Go(sent(rp, c.object))
			if strings.HasPrefix(p.URL.String(), site) {
				mustBeTold(t, w, p.URL.Query(), c.code) // the object itself was good
				return
			}
			mustSeeError(t, w, at, c.code)
			// A registered one beside it is told, too.
			mustBeTold(t, w, mustArrive(t, p.Go(w.at(parametersOf(rp, url.Values{"request": {c.object}})))), c.code)
			mustSeeError(t, w, p.Go(w.at(parametersOf(rp, url.Values{"request": {c.object}, "redirect_uri": {"https://evil.example/"}}))), c.code)
		})
	}
	mustBeTold(t, w, mustArrive(t, p.Go(w.at(parametersOf(rp, url.Values{"request": {claims(map[string]any{"response_type": "none"})}})))), "invalid_request_object")
	// The redirect URI inside is compared like any other.
	mustSeeError(t, w, p.Go(sent(rp, claims(map[string]any{"redirect_uri": site + "/other"}))), "invalid_request")
	mustSeeError(t, w, p.Go(sent(rp, claims(map[string]any{"redirect_uri": nil}))), "invalid_request")
	mustBeTold(t, w, mustArrive(t, p.Go(w.at(parametersOf(rp, url.Values{"request": {claims(nil), claims(nil)}})))), "invalid_request")
	// A product without keys can't sign.
	w.set(t, "first", func(c *storage.Client) { c.JWKS = nil })
	mustSeeError(t, w, p.Go(sent(rp, claims(nil))), "invalid_request_object")
}

func mustDecode(t testing.TB, segment string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(segment)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// request_object_signing_alg is the only one then.
func TestRFC9101Section10_1Algorithm(t *testing.T) {
	w := start(t, "sqlite", others)
	rp, k, p := w.rp(t, "first"), signedBy(t, w, "first"), w.member(t, ana)
	w.set(t, "first", func(c *storage.Client) { c.RequestObjectAlg = "PS256" })
	mustSeeError(t, w, p.Go(sent(rp, k.sign(typObject, object(rp, nil)))), "invalid_request_object")
	w.set(t, "first", func(c *storage.Client) { c.RequestObjectAlg = "ES256" })
	mustCode(t, p.Go(sent(rp, k.sign(typObject, object(rp, nil)))))
	_, _, doc := rp.Do(mustGet(t, w.URL+"/.well-known/openid-configuration"))
	algs, _ := doc["request_object_signing_alg_values_supported"].([]any)
	if doc["request_parameter_supported"] != true || doc["request_uri_parameter_supported"] != true || doc["require_request_uri_registration"] != true || !slices.Contains(algs, any("ES256")) || slices.Contains(algs, any("none")) || slices.Contains(algs, any("HS256")) {
		t.Errorf("%v %v", doc["request_parameter_supported"], algs)
	}
}

// Section 10.5: whoever must sign, must.
func TestRFC9101Section10_5Required(t *testing.T) {
	both(t, others, func(t *testing.T, w *world) {
		rp, k, p := w.rp(t, "first"), signedBy(t, w, "first"), w.member(t, ana)
		w.set(t, "first", func(c *storage.Client) { c.RequireSignedRequest = true })
		mustBeTold(t, w, mustArrive(t, p.Go(rp.AuthorizeURL(nil))), "invalid_request")
		status, a := rp.Post("/par", parametersOf(rp, nil))
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_request")
		for _, endless := range []map[string]any{{"exp": nil}, {"nbf": nil}} {
			mustSeeError(t, w, p.Go(sent(rp, k.sign(typObject, object(rp, endless)))), "invalid_request_object")
		}
		mustCode(t, p.Go(sent(rp, k.sign(typObject, object(rp, nil)))))
		pushed := url.Values{"request": {k.sign(typObject, object(rp, nil))}}
		status, a = rp.Post("/par", pushed)
		if status != http.StatusCreated {
			t.Fatalf("%d %v", status, a)
		}
		mustCode(t, p.Go(w.byReference("first", a.String("request_uri"))))
	})
}

// RFC 9126 section 3: an object inside of a push, of which nothing beside it
// counts. Once pushed it may expire.
func TestRFC9126Section3RequestObject(t *testing.T) {
	both(t, others, func(t *testing.T, w *world) {
		rp, k, p := w.rp(t, "first"), signedBy(t, w, "first"), w.member(t, ana)
		status, a := rp.Post("/par", url.Values{"request": {k.sign(typObject, object(rp, map[string]any{"exp": w.Clock.Now().Unix() + 10, "scope": "openid"}))}, "scope": {"openid email"}, "state": {"outside"}})
		if status != http.StatusCreated {
			t.Fatalf("%d %v", status, a)
		}
		w.Clock.Advance(30 * time.Second)
		q := mustArrive(t, p.Go(w.byReference("first", a.String("request_uri"))))
		if q.Get("state") != "some state" {
			t.Errorf("%v", q)
		}
		_, tokens := rp.Exchange(q.Get("code"), nil)
		if tokens.String("scope") != "openid" {
			t.Errorf("%v", tokens)
		}
		for _, wrong := range []map[string]any{{"aud": "https://else.example"}, {"exp": 1}, {"client_id": "other"}, {"request_uri": "urn:x"}} {
			status, a := rp.Post("/par", url.Values{"request": {k.sign(typObject, object(rp, wrong))}})
			mustRefuse(t, status, a, http.StatusBadRequest, "invalid_request_object")
		}
		status, a = rp.Post("/par", url.Values{"request": {k.sign(typObject, object(rp, map[string]any{"redirect_uri": "https://evil.example"}))}})
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_request")
	})
}

// An object that is too long for a query comes by POST and is kept.
func TestRFC9101Section5LongObject(t *testing.T) {
	w := start(t, "sqlite", others)
	rp, k, p := w.rp(t, "first"), signedBy(t, w, "first"), w.member(t, ana)
	w.set(t, "first", func(c *storage.Client) { c.RequireSignedRequest = true })
	long := k.sign(typObject, object(rp, map[string]any{"ignored": strings.Repeat("x", 20<<10)}))
	mustCode(t, p.Post(w.URL+"/authorize", url.Values{"client_id": {"first"}, "request": {long}}))
	mustSeeError(t, w, p.Post(w.URL+"/authorize", url.Values{"client_id": {"first"}, "request": {long + "x"}}), "invalid_request_object")
}

// FuzzRFC9101RequestObject: whatever an object says, signed or not, nobody is
// led anywhere but to a registered address, and the server answers.
func FuzzRFC9101RequestObject(f *testing.F) {
	w := start(f, "sqlite", others)
	rp, k := w.rp(f, "first"), signedBy(f, w, "first")
	p := w.member(f, ana)
	good := object(rp, nil)
	for _, more := range []map[string]any{
		nil, {"redirect_uri": "https://evil.example/"}, {"redirect_uri": callback + "\r\nLocation: https://evil.example"}, {"claims": map[string]any{"id_token": nil}},
		{"max_age": json.RawMessage("-0.0")}, {"aud": []any{1, nil}}, {"exp": 1e400 / 1e300}, {"state": "\x00\xff"}, {"response_mode": "form_post.jwt"}, {"resource": []any{}}, {"prompt": "none"},
	} {
		claims := maps.Clone(good)
		maps.Copy(claims, more)
		body, err := json.Marshal(claims)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(body), "", true)
		f.Add(string(body), k.sign(typObject, claims), false)
	}
	for _, seed := range []string{"", "{}", "[]", "null", "1", `{"iss":{}}`, `{"exp":"1"}`, `{"client_id":"first","client_id":"first"}`, strings.Repeat("[", 5000)} {
		f.Add(seed, seed, true)
		f.Add(seed, seed+"."+seed+".", false)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: k.alg, Key: k.key}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, claims, raw string, sign bool) {
		if len(claims)+len(raw) > 30<<10 {
			return
		}
		token := raw
		if sign {
			token = (&objectKey{t: t}).signBytes(signer, []byte(claims))
		}
		resp, err := p.Client().PostForm(w.URL+"/authorize", url.Values{"client_id": {"first"}, "request": {token}})
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		to := resp.Header.Get("Location")
		switch {
		case resp.StatusCode >= 500:
			t.Fatalf("%s for %q", resp.Status, claims)
		case to != "" && !strings.HasPrefix(to, callback+"?") && !strings.HasPrefix(to, callback+"#") && !strings.HasPrefix(to, "/"):
			t.Fatalf("led to %s by %q", to, claims)
		}
	})
}

// FuzzRedirectURIs: whatever redirect_uri a request names, a browser is led to
// none that isn't registered, by a redirect or by a form.
func FuzzRedirectURIs(f *testing.F) {
	w := start(f, "sqlite", `
products:
  - {id: phone, name: Phone, first_party: true, auth_method: none, native: true, redirect_uris: ["http://127.0.0.1/cb", "http://[::1]/cb", "com.example.app:/cb"]}
`)
	p := w.member(f, ana)
	for _, uri := range []string{
		callback, callback + "?", callback + "#", callback + "/", callback + "/../evil", "HTTPS://rp.example/callback", "https://rp.example:443/callback",
		"https://rp.example\\@evil.example/callback", "https://rp.example%2fcallback", "//evil.example", "javascript:alert(1)", "", " " + callback, callback + "\n",
		"http://127.0.0.1:1/cb", "http://127.0.0.1:99999/cb", "http://127.0.0.1:1@evil.example/cb", "http://127.0.0.1:/cb", "http://[::1]:65535/cb", "http://127.0.0.1.evil.example/cb",
		"http://127.0.0.1:80:80/cb", "http://127.0.0.1:1/cb?x", "com.example.app:/cb", "com.example.app://evil/cb", "http://localhost/cb", "http://127.0.0.1:1/%63b",
	} {
		for _, mode := range []string{"", "form_post", "fragment", "query.jwt", uri} {
			f.Add("first", uri, mode)
			f.Add("phone", uri, mode)
		}
	}
	registered := map[string]func(string) bool{
		"first": func(uri string) bool { return uri == callback },
		"phone": func(uri string) bool {
			u, err := url.Parse(uri)
			loopback := err == nil && u.Scheme == "http" && u.User == nil && (u.Hostname() == "127.0.0.1" || u.Hostname() == "::1") && u.Path == "/cb" && u.RawPath == "" && u.RawQuery == "" && u.Fragment == ""
			return loopback || uri == "com.example.app:/cb"
		},
	}
	browser := &http.Client{Jar: p.Client().Jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	f.Fuzz(func(t *testing.T, client, uri, mode string) {
		is, known := registered[client]
		q := url.Values{"client_id": {client}, "redirect_uri": {uri}, "response_mode": {mode}, "response_type": {"code"}, "scope": {"openid"}, "state": {"x"},
			"code_challenge": {strings.Repeat("A", 43)}, "code_challenge_method": {"S256"}}
		resp, err := browser.Get(w.at(q))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode >= 500 {
			t.Fatalf("%s for %q", resp.Status, uri)
		}
		answered := resp.StatusCode != http.StatusBadRequest
		if answered && !(known && is(uri)) || !answered && client == "first" && uri == callback {
			t.Fatalf("%q of %s: %s, to %s", uri, client, resp.Status, resp.Header.Get("Location"))
		}
		if to := resp.Header.Get("Location"); to != "" && !strings.HasPrefix(to, uri) {
			t.Fatalf("%q: to %s", uri, to)
		}
	})
}
