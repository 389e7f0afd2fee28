package protocoltest_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// registering lets products register themselves.
const registering = "registration-enabled=true"

// invite makes an initial access token.
func (w *world) invite(t testing.TB, uses int) string {
	t.Helper()
	token, now := storage.NewSecret(), w.Clock.Now()
	w.change(t, func(tx *storage.Tx) error {
		return tx.InsertInitialAccessToken(t.Context(), storage.InitialAccessToken{
			Hash: storage.Hash(token), Name: "a test", UsesLeft: uses, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
		})
	})
	return token
}

// registration sends metadata, which may be text, with a token.
func (w *world) registration(t testing.TB, method, address, token string, metadata any) (int, http.Header, servertest.Answer) {
	t.Helper()
	body, isText := metadata.(string)
	if !isText && metadata != nil {
		text, err := json.Marshal(metadata)
		if err != nil {
			t.Fatal(err)
		}
		body = string(text)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return w.rp(t, "first").Do(req)
}

type metadata map[string]any

// basic is as little as a product can say.
func basic() metadata { return metadata{"redirect_uris": []string{callback}} }

// registered is a product that registered itself.
func (w *world) registered(t testing.TB, m metadata) servertest.Answer {
	t.Helper()
	status, _, a := w.registration(t, http.MethodPost, w.URL+"/register", w.invite(t, 1), m)
	if status != http.StatusCreated {
		t.Fatalf("register: %d %v", status, a)
	}
	return a
}

func TestRFC7591Section3_1OffByDefault(t *testing.T) {
	w := start(t, "sqlite", "")
	resp, err := http.Post(w.URL+"/register", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("answered %s", resp.Status)
	}
}

// Section 3.2.1: the answer holds everything, with the defaults that were
// chosen, and the product works at once: with consent, as it is nobody's own.
func TestRFC7591Section3_2_1Registered(t *testing.T) {
	both(t, "", func(t *testing.T, w *world) {
		status, header, a := w.registration(t, http.MethodPost, w.URL+"/register", w.invite(t, 1), metadata{
			"redirect_uris": []string{callback}, "client_name": "Partner", "client_uri": "https://rp.example", "logo_uri": "https://rp.example/logo.png",
			"policy_uri": "https://rp.example/policy", "tos_uri": "https://rp.example/tos", "contacts": []string{"dev@rp.example"},
			"grant_types": []string{"authorization_code", "refresh_token"}, "initiate_login_uri": "https://rp.example/login",
			"default_max_age": 3600, "something_else": map[string]any{"is": "ignored"},
		})
		if status != http.StatusCreated || header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%d %v %v", status, header, a)
		}
		for name, want := range map[string]any{
			"client_name": "Partner", "token_endpoint_auth_method": "client_secret_basic", "application_type": "web", "subject_type": "public",
			"id_token_signed_response_alg": "RS256", "client_secret_expires_at": 0.0, "logo_uri": "https://rp.example/logo.png",
			"scope": "openid profile email phone address roles offline_access", "initiate_login_uri": "https://rp.example/login", "default_max_age": 3600.0,
			"client_id_issued_at": float64(w.Clock.Now().Unix()), "registration_client_uri": w.URL + "/register/" + a.String("client_id"),
		} {
			if a[name] != want {
				t.Errorf("%s is %v, not %v", name, a[name], want)
			}
		}
		if _, there := a["something_else"]; there {
			t.Error("says what it ignored")
		}
		rp := servertest.NewRP(t, w.Instance, a.String("client_id"), a.String("client_secret"), callback)
		p := w.member(t, ana)
		p.Go(rp.AuthorizeURL(url.Values{"code_challenge": {""}, "code_challenge_method": {""}}))
		if p.URL.Path != "/login/consent" || !strings.Contains(p.Text(), "Partner") {
			t.Fatalf("not asked for consent, but at %s", p.URL)
		}
		p.Submit(map[string]string{"allow": "1"})
		status, tokens := rp.Exchange(p.URL.Query().Get("code"), url.Values{"code_verifier": {""}})
		if status != http.StatusOK || tokens.String("refresh_token") == "" {
			t.Errorf("%d %v", status, tokens)
		}
	}, registering)
}

func TestRFC7591Section3InitialAccessToken(t *testing.T) {
	both(t, "", func(t *testing.T, w *world) {
		token := w.invite(t, 1)
		at := w.URL + "/register"
		for name, bad := range map[string]string{"none": "", "unknown": "x"} {
			status, header, a := w.registration(t, http.MethodPost, at, bad, basic())
			if mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_token"); !strings.HasPrefix(header.Get("WWW-Authenticate"), "Bearer ") {
				t.Errorf("%s: %v", name, header)
			}
		}
		// A mistake costs nothing.
		status, _, a := w.registration(t, http.MethodPost, at, token, metadata{})
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_redirect_uri")
		if status, _, a := w.registration(t, http.MethodPost, at, token, basic()); status != http.StatusCreated {
			t.Fatalf("%d %v", status, a)
		}
		status, _, a = w.registration(t, http.MethodPost, at, token, basic())
		mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_token")
		late := w.invite(t, 5)
		w.Clock.Advance(time.Hour)
		status, _, a = w.registration(t, http.MethodPost, at, late, basic())
		mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_token")
	}, registering)
}

// Section 3.2.2: what is wrong, by the member's own name.
func TestRFC7591Section3_2_2Errors(t *testing.T) {
	w := start(t, "sqlite", "", registering)
	for name, c := range map[string]struct {
		with        any
		code, names string
	}{
		"no JSON":               {"{", "invalid_client_metadata", "JSON"},
		"wrong type":            {`{"redirect_uris": "https://rp.example"}`, "invalid_client_metadata", "redirect_uris"},
		"no redirect":           {metadata{}, "invalid_redirect_uri", "redirect_uris"},
		"redirect with a query": {metadata{"redirect_uris": []string{"https://rp.example/#x"}}, "invalid_redirect_uri", "redirect_uris[0]"},
		"redirect without TLS":  {metadata{"redirect_uris": []string{"http://rp.example/"}}, "invalid_redirect_uri", "TLS"},
		"method":                {with("token_endpoint_auth_method", "magic"), "invalid_client_metadata", "token_endpoint_auth_method"},
		"no keys":               {with("token_endpoint_auth_method", "private_key_jwt"), "invalid_client_metadata", "jwks"},
		"algorithm":             {with("id_token_signed_response_alg", "none"), "invalid_client_metadata", "id_token_signed_response_alg"},
		"application type":      {with("application_type", "fridge"), "invalid_client_metadata", "application_type"},
		"machine":               {with("grant_types", []string{"client_credentials"}), "invalid_client_metadata", "client_credentials"},
		"exchange":              {with("grant_types", []string{"authorization_code", "urn:ietf:params:oauth:grant-type:token-exchange"}), "invalid_client_metadata", "token-exchange"},
		"administration":        {with("scope", "openid people:write"), "invalid_client_metadata", "people:write"},
		"subject type":          {with("subject_type", "secret"), "invalid_client_metadata", "subject_type"},
		"our own address":       {metadata{"redirect_uris": []string{w.URL + "/logout"}}, "invalid_redirect_uri", "address of this provider"},
		"sector of nobody":      {metadata{"grant_types": []string{deviceGrant}, "subject_type": "pairwise", "sector_identifier_uri": "https://bank.example/"}, "invalid_client_metadata", "sector_identifier_uri"},
		"logo without TLS":      {with("logo_uri", "http://rp.example/logo.png"), "invalid_client_metadata", "logo_uri"},
	} {
		status, _, a := w.registration(t, http.MethodPost, w.URL+"/register", w.invite(t, 1), c.with)
		if mustRefuse(t, status, a, http.StatusBadRequest, c.code); !strings.Contains(a.String("error_description"), c.names) {
			t.Errorf("%s: %v", name, a)
		}
	}
}

func with(name string, value any) metadata {
	m := basic()
	m[name] = value
	return m
}

// RFC 8252 section 6: an app has to use PKCE, whatever it says of secrets; and
// a device without redirects is nobody's sector.
func TestRFC7591Section2WhatCantBeChosen(t *testing.T) {
	w := start(t, "sqlite", "", registering)
	app := w.registered(t, metadata{"application_type": "native", "redirect_uris": []string{"com.example.app:/cb"}})
	device := w.registered(t, metadata{"grant_types": []string{deviceGrant}, "redirect_uris": []string{"https://bank.example/cb"}, "subject_type": "pairwise"})
	for _, c := range []struct {
		of   servertest.Answer
		want func(*storage.Client) bool
	}{
		{app, func(c *storage.Client) bool { return !c.PKCEOptional }},
		{device, func(c *storage.Client) bool { return c.Sector == c.ID }},
	} {
		client, err := w.DB.Client(t.Context(), c.of.String("client_id"))
		if err != nil || !c.want(client) {
			t.Errorf("%+v %v", client, err)
		}
	}
}

// RFC 7592 section 2: a product reads, changes and removes its registration,
// and nobody else does.
func TestRFC7592Section2Management(t *testing.T) {
	both(t, "", func(t *testing.T, w *world) {
		a, other := w.registered(t, basic()), w.registered(t, basic())
		at, token := a.String("registration_client_uri"), a.String("registration_access_token")
		for name, c := range map[string]struct{ at, token string }{
			"no token": {at, ""}, "another's": {at, other.String("registration_access_token")}, "its secret": {at, a.String("client_secret")},
			"an operator's product": {w.URL + "/register/first", token}, "nobody": {w.URL + "/register/nobody", token},
		} {
			for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
				status, _, answer := w.registration(t, method, c.at, c.token, metadata{"client_id": a["client_id"], "redirect_uris": []string{callback}})
				if status != http.StatusUnauthorized || answer.String("error") != "invalid_token" {
					t.Errorf("%s, %s: %d %v", name, method, status, answer)
				}
			}
		}
		status, _, read := w.registration(t, http.MethodGet, at, token, nil)
		if status != http.StatusOK || read["client_id"] != a["client_id"] || read["client_secret"] != nil || read["registration_access_token"] != token {
			t.Fatalf("read: %d %v", status, read)
		}
		for name, m := range map[string]metadata{
			"another id":     {"client_id": other["client_id"], "redirect_uris": []string{callback}},
			"no id":          basic(),
			"another secret": {"client_id": a["client_id"], "client_secret": "x", "redirect_uris": []string{callback}},
		} {
			status, _, answer := w.registration(t, http.MethodPut, at, token, m)
			if status != http.StatusBadRequest {
				t.Errorf("%s: %d %v", name, status, answer)
			}
		}
		status, _, changed := w.registration(t, http.MethodPut, at, token, metadata{
			"client_id": a["client_id"], "client_secret": a["client_secret"], "redirect_uris": []string{site + "/other"}, "client_name": "New",
		})
		if status != http.StatusOK || changed["client_name"] != "New" || !slices.Equal(changed["redirect_uris"].([]any), []any{site + "/other"}) {
			t.Fatalf("change: %d %v", status, changed)
		}
		rp := servertest.NewRP(t, w.Instance, a.String("client_id"), a.String("client_secret"), site+"/other")
		if status, answer := rp.Exchange("x", nil); answer.String("error") != "invalid_grant" {
			t.Errorf("its secret no longer works: %d %v", status, answer)
		}
		status, _, public := w.registration(t, http.MethodPut, at, token, metadata{
			"client_id": a["client_id"], "redirect_uris": []string{callback}, "token_endpoint_auth_method": "none",
		})
		if status != http.StatusOK || public["client_secret"] != nil {
			t.Fatalf("to public: %d %v", status, public)
		}
		status, _, again := w.registration(t, http.MethodPut, at, token, metadata{"client_id": a["client_id"], "redirect_uris": []string{callback}})
		if status != http.StatusOK || again.String("client_secret") == "" || again["client_secret"] == a["client_secret"] {
			t.Fatalf("back to a secret: %d %v", status, again)
		}
		if status, _, _ := w.registration(t, http.MethodDelete, at, token, nil); status != http.StatusNoContent {
			t.Fatalf("delete: %d", status)
		}
		status, _, answer := w.registration(t, http.MethodGet, at, token, nil)
		mustRefuse(t, status, answer, http.StatusUnauthorized, "invalid_token")
	}, registering)
}

// From the operator's first change, or new secret, the registration is the
// operator's: nothing that was decided can be undone with the old token, nor an
// old secret brought back.
func TestRFC7592Section2_2TakenOver(t *testing.T) {
	both(t, "", func(t *testing.T, w *world) {
		for name, takeOver := range map[string]func(id string){
			"narrowed": func(id string) { w.Apply("products: [{id: " + id + ", companies: [acme], scopes: [openid]}]") },
			"secret rotated": func(id string) {
				w.change(t, func(tx *storage.Tx) error {
					return tx.RotateSecret(t.Context(), id, "another", time.Time{}, w.Clock.Now())
				})
			},
		} {
			a := w.registered(t, basic())
			id, at, token := a.String("client_id"), a.String("registration_client_uri"), a.String("registration_access_token")
			takeOver(id)
			before, err := w.DB.Client(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
				status, _, answer := w.registration(t, method, at, token, metadata{"client_id": id, "redirect_uris": []string{callback}})
				if status != http.StatusUnauthorized || answer.String("error") != "invalid_token" {
					t.Errorf("%s, %s: %d %v", name, method, status, answer)
				}
			}
			if after, err := w.DB.Client(t.Context(), id); err != nil || after.SecretHash != before.SecretHash || !slices.Equal(after.Scopes, before.Scopes) {
				t.Errorf("%s: %+v %v", name, after, err)
			}
		}
	}, registering)
}

// A change that is under way while the operator takes over is refused too.
func TestRFC7592Section2_2TakenOverMeanwhile(t *testing.T) {
	both(t, "", func(t *testing.T, w *world) {
		var id string
		sector := servertest.Serve(t, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			if id != "" { // the change is looking at this while the secret is replaced
				w.change(t, func(tx *storage.Tx) error {
					return tx.RotateSecret(t.Context(), id, "another", time.Time{}, w.Clock.Now())
				})
			}
			rw.Write([]byte(`["https://rp.example/callback"]`))
		}))
		m := metadata{"redirect_uris": []string{callback}, "subject_type": "pairwise", "sector_identifier_uri": sector}
		a := w.registered(t, m)
		id = a.String("client_id")
		m["client_id"] = id
		status, _, answer := w.registration(t, http.MethodPut, a.String("registration_client_uri"), a.String("registration_access_token"), m)
		if mustRefuse(t, status, answer, http.StatusUnauthorized, "invalid_token"); !strings.Contains(answer.String("error_description"), "operator") {
			t.Errorf("%v", answer)
		}
		if c, err := w.DB.Client(t.Context(), id); err != nil || c.SecretHash != storage.Hash("another") {
			t.Errorf("the old secret is back: %+v %v", c, err)
		}
	}, registering)
}

// OpenID Connect Registration section 5: the sector's document must list the
// redirect URIs, and nothing is fetched for strangers.
func TestRegistrationSection5SectorIdentifier(t *testing.T) {
	w := start(t, "sqlite", "", registering)
	asked, list := 0, `["https://rp.example/callback"]`
	sector := servertest.Serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked++
		if r.URL.Path == "/away" {
			http.Redirect(rw, r, "/", http.StatusFound)
			return
		}
		rw.Write([]byte(list))
	}))
	pairwise := metadata{"redirect_uris": []string{callback}, "subject_type": "pairwise", "sector_identifier_uri": sector + "/"}
	status, _, a := w.registration(t, http.MethodPost, w.URL+"/register", "x", pairwise)
	if mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_token"); asked != 0 {
		t.Error("fetched for a stranger")
	}
	first, second := w.registered(t, pairwise), w.registered(t, pairwise)
	if asked != 2 || first["subject_type"] != "pairwise" || second["sector_identifier_uri"] != sector+"/" {
		t.Errorf("asked %d times: %v", asked, first)
	}
	for name, change := range map[string]func(){
		"not listed": func() { list = `["https://rp.example/other"]` },
		"no list":    func() { list = `{}` },
		"redirect":   func() { pairwise["sector_identifier_uri"] = sector + "/away" },
	} {
		change()
		status, _, a := w.registration(t, http.MethodPost, w.URL+"/register", w.invite(t, 1), pairwise)
		if mustRefuse(t, status, a, http.StatusBadRequest, "invalid_client_metadata"); !strings.Contains(a.String("error_description"), "sector_identifier_uri") {
			t.Errorf("%s: %v", name, a)
		}
	}
}

// OpenID Connect Core section 4: a sign-in that was answered already leads back
// to where the product begins another.
func TestCoreSection4InitiateLogin(t *testing.T) {
	w := start(t, "sqlite", "", registering)
	m := basic()
	started := make(chan url.Values, 1)
	product := servertest.Serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { started <- r.URL.Query() }))
	m["initiate_login_uri"] = product + "/login?from=there"
	a := w.registered(t, m)
	rp, p := servertest.NewRP(t, w.Instance, a.String("client_id"), a.String("client_secret"), callback), w.member(t, ana)
	p.Go(rp.AuthorizeURL(nil))
	consent := p.URL.String()
	p.Submit(map[string]string{"allow": "1"})
	p.Go(consent).Follow(product)
	if q := <-started; q.Get("iss") != w.URL || q.Get("from") != "there" {
		t.Errorf("started with %v", q)
	}
}
