package protocoltest_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

const (
	exchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange"
	isAccessToken = "urn:ietf:params:oauth:token-type:access_token"
)

// exchangers are products that act by the tokens of web, to which people sign
// in: mask as the person, agent for the person, either in both ways. chain acts
// by the tokens of agent. ledger and archive serve APIs; ledger calls archive.
const exchangers = `
products:
  - id: web
    name: Web
    first_party: true
    secret_hash: ${SECRET_HASH}
    grant_types: [authorization_code, refresh_token]
    scopes: [openid, profile, email, roles, offline_access]
    redirect_uris: ["https://rp.example/callback"]
    resources: ["https://ledger.example", "https://archive.example"]
  - id: mask
    name: Mask
    secret_hash: ${SECRET_HASH}
    grant_types: ["urn:ietf:params:oauth:grant-type:token-exchange", client_credentials]
    scopes: [openid, email, phone, "people:read"]
    token_exchange: { impersonate: [web, agent] }
  - id: agent
    name: Agent
    secret_hash: ${SECRET_HASH}
    grant_types: ["urn:ietf:params:oauth:grant-type:token-exchange", client_credentials]
    scopes: [openid, email, "people:read"]
    resources: ["https://archive.example"]
    token_exchange: { delegate: [web] }
  - id: either
    name: Either
    secret_hash: ${SECRET_HASH}
    grant_types: ["urn:ietf:params:oauth:grant-type:token-exchange", client_credentials]
    scopes: [openid, email, "people:read"]
    token_exchange: { impersonate: [web], delegate: [web] }
  - id: chain
    name: Chain
    secret_hash: ${SECRET_HASH}
    grant_types: ["urn:ietf:params:oauth:grant-type:token-exchange"]
    scopes: [openid, email]
    token_exchange: { delegate: [agent] }
  - id: ledger
    name: Ledger
    secret_hash: ${SECRET_HASH}
    grant_types: ["urn:ietf:params:oauth:grant-type:token-exchange"]
    scopes: [openid]
    resources: ["https://archive.example"]
    token_exchange: { delegate: [web] }
    api: { resource: "https://ledger.example", scopes: [{ id: "ledger:read", name: See the ledger }, { id: "books:read", name: See all books }] }
  - id: archive
    name: Archive
    secret_hash: ${SECRET_HASH}
    redirect_uris: ["https://rp.example/callback"]
    api: { resource: "https://archive.example", scopes: [{ id: "archive:read", name: See the archive }, { id: "books:read", name: See all books }] }
`

// exchange asks for a token in place of another one.
func exchange(rp *servertest.RP, token string, more url.Values) (int, servertest.Answer) {
	form := url.Values{"grant_type": {exchangeGrant}, "subject_token": {token}, "subject_token_type": {isAccessToken}}
	for name, values := range more {
		form[name] = values
		if len(values) == 1 && values[0] == "" {
			form.Del(name)
		}
	}
	return rp.Post("/token", form)
}

// mustExchange fails unless there is a token.
func mustExchange(t testing.TB, rp *servertest.RP, token string, more url.Values) servertest.Answer {
	t.Helper()
	status, a := exchange(rp, token, more)
	if status != http.StatusOK || a.String("access_token") == "" {
		t.Fatalf("%s got no token: %d %v", rp.ClientID, status, a)
	}
	return a
}

// webToken is Ana's token of web.
func (w *world) webToken(t testing.TB, more url.Values) string {
	t.Helper()
	return tokensFor(t, w.member(t, ana), w.rp(t, "web"), more).String("access_token")
}

func acts(of ...string) (act any) {
	for _, sub := range slices.Backward(of) {
		next := map[string]any{"sub": sub}
		if act != nil {
			next["act"] = act
		}
		act = next
	}
	return act
}

func TestRFC8693Section1_1Impersonation(t *testing.T) {
	both(t, exchangers, func(t *testing.T, w *world) {
		old := w.webToken(t, nil)
		was := introspected(t, w.rp(t, "web"), old)
		w.Clock.Advance(time.Minute)
		a := mustExchange(t, w.rp(t, "mask"), old, nil)
		is := introspected(t, w.rp(t, "mask"), a.String("access_token"))
		if is["client_id"] != "mask" || is["aud"] != "mask" || is["act"] != nil || is["active"] != true {
			t.Errorf("%v", is)
		}
		for _, same := range []string{"sub", "sid", "acr", "amr", "amr_times", "auth_time", "username", "exp"} {
			if diff := cmp.Diff(was[same], is[same]); diff != "" || was[same] == nil {
				t.Errorf("%s: %s", same, diff)
			}
		}
		if status, claims := w.rp(t, "mask").Userinfo(a.String("access_token")); status != http.StatusOK || claims.String("email") != ana {
			t.Errorf("userinfo: %d %v", status, claims)
		}
		// The old one is as good as before.
		mustActive(t, w.rp(t, "web"), old, true)
	})
}

func TestRFC8693Section4_1Delegation(t *testing.T) {
	both(t, exchangers, func(t *testing.T, w *world) {
		old := w.webToken(t, nil)
		agent, chain := w.rp(t, "agent"), w.rp(t, "chain")
		first := mustExchange(t, agent, old, nil).String("access_token")
		if diff := cmp.Diff(acts("agent"), introspected(t, agent, first)["act"]); diff != "" {
			t.Error(diff)
		}
		// Who acts by the token of who acts says both, the latest first.
		second := mustExchange(t, chain, first, nil).String("access_token")
		if diff := cmp.Diff(acts("chain", "agent"), introspected(t, chain, second)["act"]); diff != "" {
			t.Error(diff)
		}
		// Impersonation says nothing of itself, and hides nobody.
		masked := mustExchange(t, w.rp(t, "mask"), first, nil).String("access_token")
		if diff := cmp.Diff(acts("agent"), introspected(t, w.rp(t, "mask"), masked)["act"]); diff != "" {
			t.Error(diff)
		}
	})
}

// Registered for both ways, the caller delegates by an actor_token.
func TestRFC8693Section2_1ActorToken(t *testing.T) {
	both(t, exchangers, func(t *testing.T, w *world) {
		old := w.webToken(t, nil)
		either, agent, mask := w.rp(t, "either"), w.rp(t, "agent"), w.rp(t, "mask")
		itself := func(rp *servertest.RP) string {
			t.Helper()
			status, a := byItself(rp, url.Values{})
			if status != http.StatusOK {
				t.Fatalf("%d %v", status, a)
			}
			return a.String("access_token")
		}
		own, others := itself(either), itself(agent)
		with := func(token string) url.Values {
			return url.Values{"actor_token": {token}, "actor_token_type": {isAccessToken}}
		}
		if act := introspected(t, either, mustExchange(t, either, old, nil).String("access_token"))["act"]; act != nil {
			t.Errorf("without an actor_token: %v", act)
		}
		if diff := cmp.Diff(acts("either"), introspected(t, either, mustExchange(t, either, old, with(own)).String("access_token"))["act"]); diff != "" {
			t.Error(diff)
		}
		for name, form := range map[string]url.Values{
			"another's":    with(others),
			"a person's":   with(old),
			"nobody's":     with("no token"),
			"a JWT":        with("a.b.c"),
			"no type":      {"actor_token": {own}},
			"a type only":  {"actor_token_type": {isAccessToken}},
			"a wrong type": {"actor_token": {own}, "actor_token_type": {"urn:ietf:params:oauth:token-type:jwt"}},
		} {
			t.Log(name)
			status, a := exchange(either, old, form)
			mustRefuse(t, status, a, http.StatusBadRequest, "invalid_request")
		}
		// Who isn't registered for delegation doesn't delegate.
		status, a := exchange(mask, old, with(itself(mask)))
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_request")
		// An expired one is none.
		w.Clock.Advance(5 * time.Minute)
		status, a = exchange(either, w.webToken(t, nil), with(own))
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_request")
	})
}

func TestRFC8693Section2_1Request(t *testing.T) {
	both(t, exchangers, func(t *testing.T, w *world) {
		p := w.member(t, ana)
		tokens := tokensFor(t, p, w.rp(t, "web"), url.Values{"scope": {"openid email offline_access"}})
		old, mask := tokens.String("access_token"), w.rp(t, "mask")
		_, machine := byItself(w.rp(t, "agent"), url.Values{})
		for name, c := range map[string]struct {
			token string
			more  url.Values
		}{
			"no token":                    {"", url.Values{"subject_token": {""}}},
			"no type":                     {old, url.Values{"subject_token_type": {""}}},
			"another type":                {old, url.Values{"subject_token_type": {"urn:ietf:params:oauth:token-type:id_token"}}},
			"wants a refresh token":       {old, url.Values{"requested_token_type": {"urn:ietf:params:oauth:token-type:refresh_token"}}},
			"unknown":                     {"unknown", nil},
			"a JWT that isn't ours":       {"a.b.c", nil},
			"an ID token":                 {tokens.String("id_token"), nil},
			"a refresh token":             {tokens.String("refresh_token"), nil},
			"a machine's":                 {machine.String("access_token"), nil},
			"of a product not named":      {tokensFor(t, p, w.rp(t, "first"), nil).String("access_token"), nil},
			"its own, which aren't named": {mustExchange(t, mask, old, nil).String("access_token"), nil},
		} {
			t.Log(name)
			status, a := exchange(mask, c.token, c.more)
			mustRefuse(t, status, a, http.StatusBadRequest, "invalid_request")
		}
		if a := mustExchange(t, mask, old, url.Values{"requested_token_type": {isAccessToken}}); a.String("issued_token_type") != isAccessToken {
			t.Errorf("%v", a)
		}

		// Who isn't registered, and who can't prove who it is.
		status, a := exchange(w.rp(t, "first"), old, nil)
		mustRefuse(t, status, a, http.StatusBadRequest, "unauthorized_client")
		wrong := w.rp(t, "mask")
		wrong.Secret = "another"
		status, a = exchange(wrong, old, nil)
		mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_client")
		w.put(t, "mask", func(c *storage.Client) { c.AuthMethod = storage.AuthNone })
		public := w.rp(t, "mask")
		public.Secret = ""
		status, a = exchange(public, old, nil)
		mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_client")
	})
}

// The new token can do no more than the old one and the caller, and lasts no
// longer.
func TestRFC8693Section2_2_1Response(t *testing.T) {
	both(t, exchangers, func(t *testing.T, w *world) {
		mask := w.rp(t, "mask")
		old := w.webToken(t, url.Values{"scope": {"openid profile email offline_access"}})
		w.Clock.Advance(200 * time.Second)
		a := mustExchange(t, mask, old, nil)
		if a["refresh_token"] != nil || a["id_token"] != nil || a.String("issued_token_type") != isAccessToken || a.String("token_type") != "Bearer" {
			t.Errorf("%v", a)
		}
		if a["expires_in"] != 100.0 || a.String("scope") != "openid email" {
			t.Errorf("expires in %v, scope %q", a["expires_in"], a.String("scope"))
		}
		if got := mustExchange(t, mask, old, url.Values{"scope": {"email"}}).String("scope"); got != "email" {
			t.Errorf("scope %q", got)
		}
		for _, beyond := range []string{"openid profile", "openid phone", "offline_access"} { // of one of them only, or of neither
			status, a := exchange(mask, old, url.Values{"scope": {beyond}})
			mustRefuse(t, status, a, http.StatusBadRequest, "invalid_scope")
		}
		// Exchanged again and again, it doesn't last longer.
		agent := w.rp(t, "agent")
		first := mustExchange(t, agent, old, nil).String("access_token")
		w.Clock.Advance(60 * time.Second)
		if got := mustExchange(t, w.rp(t, "chain"), first, nil); got["expires_in"] != 40.0 {
			t.Errorf("expires in %v", got["expires_in"])
		}
		w.Clock.Advance(40 * time.Second)
		mustActive(t, mask, a.String("access_token"), false)
		status, a := exchange(mask, old, nil)
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_request")
	})
}

// A token for an API: by resource or by audience, as RFC 9068 writes it.
func TestRFC8693Section2_1Target(t *testing.T) {
	both(t, exchangers, func(t *testing.T, w *world) {
		agent, ledger := w.rp(t, "agent"), w.rp(t, "ledger")
		old := w.webToken(t, nil)
		for name, form := range map[string]url.Values{
			"not registered for it":    {"resource": {"https://ledger.example"}},
			"the same by its name":     {"audience": {"ledger"}},
			"nobody serves it":         {"resource": {"https://nobody.example"}},
			"no product":               {"audience": {"nobody"}},
			"a product without an API": {"audience": {"web"}},
			"two of them":              {"audience": {"ledger"}, "resource": {"https://archive.example"}},
		} {
			t.Log(name)
			status, a := exchange(agent, old, form)
			mustRefuse(t, status, a, http.StatusBadRequest, "invalid_target")
		}

		// What web got for the ledger, the ledger exchanges to call the archive, which
		// Ana let web call too.
		forLedger := w.ledgerToken(t, "openid ledger:read books:read", "https://ledger.example", "https://archive.example")
		for _, form := range []url.Values{{"audience": {"archive"}}, {"resource": {"https://archive.example"}}} {
			a := mustExchange(t, ledger, forLedger, form)
			claims := w.read(t, a.String("access_token"), "at+jwt")
			if claims.String("aud") != "https://archive.example" || claims.String("client_id") != "ledger" || claims.String("scope") != "books:read" || a.String("scope") != "books:read" {
				t.Errorf("%v", claims)
			}
			if diff := cmp.Diff(acts("ledger"), claims["act"]); diff != "" {
				t.Error(diff)
			}
			for _, name := range []string{"acr", "amr", "auth_time", "sid", "sub"} {
				if diff := cmp.Diff(w.read(t, forLedger, "at+jwt")[name], claims[name]); diff != "" || claims[name] == nil {
					t.Errorf("%s: %s", name, diff)
				}
			}
			mustActive(t, w.rp(t, "archive"), a.String("access_token"), true)
		}
		// Nobody else exchanges a token that is for the ledger.
		status, a := exchange(agent, forLedger, nil)
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_request")
	})
}

// ledgerToken is Ana's token of web for the ledger, of a sign-in that named
// these resources.
func (w *world) ledgerToken(t testing.TB, scope string, resources ...string) string {
	t.Helper()
	web := w.rp(t, "web")
	code := codeFor(t, w.member(t, ana), web, url.Values{"scope": {scope}, "resource": resources})
	status, a := web.Exchange(code, url.Values{"resource": {"https://ledger.example"}})
	if status != http.StatusOK {
		t.Fatalf("%d %v", status, a)
	}
	return a.String("access_token")
}

// What two APIs call the same are two things: whoever was let do the one may
// not do the other.
func TestRFC8693Section2_1SameScopeOfAnotherAPI(t *testing.T) {
	both(t, exchangers, func(t *testing.T, w *world) {
		ledger, toArchive := w.rp(t, "ledger"), url.Values{"audience": {"archive"}}
		forLedger := w.ledgerToken(t, "openid books:read", "https://ledger.example")
		if a := mustExchange(t, ledger, forLedger, toArchive); a.String("scope") != "" || w.read(t, a.String("access_token"), "at+jwt").String("scope") != "" {
			t.Errorf("scope %q", a.String("scope"))
		}
		status, a := exchange(ledger, forLedger, url.Values{"audience": {"archive"}, "scope": {"books:read"}})
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_scope")

		// Nor is it what this provider calls the same.
		w.put(t, "ledger", func(c *storage.Client) {
			api := *c.API
			api.Scopes = append(slices.Clone(api.Scopes), storage.APIScope{ID: "people:read", Name: "See the people of the ledger"})
			c.API, c.Scopes = &api, []string{"openid", "people:read"}
		})
		forLedger = w.ledgerToken(t, "openid people:read", "https://ledger.example")
		if claims := w.read(t, forLedger, "at+jwt"); claims.String("scope") != "people:read" {
			t.Fatalf("%v", claims)
		}
		if a := mustExchange(t, ledger, forLedger, nil); a.String("scope") != "" {
			t.Errorf("scope %q", a.String("scope"))
		}
		// Through several hands it stays what it was: who was let call both may go on.
		w.put(t, "agent", func(c *storage.Client) { c.Resources = []string{"https://ledger.example", "https://archive.example"} })
		w.put(t, "ledger", func(c *storage.Client) { c.Exchange.Delegate = []string{"web", "agent"} })
		for _, c := range []struct {
			scope     string
			resources []string
		}{
			{"", []string{"https://ledger.example"}},
			{"books:read", []string{"https://ledger.example", "https://archive.example"}},
		} {
			p, web := w.member(t, ana), w.rp(t, "web")
			code := codeFor(t, p, web, url.Values{"scope": {"openid books:read"}, "resource": c.resources})
			form := url.Values{}
			if len(c.resources) == 1 {
				form.Set("resource", c.resources[0])
			}
			_, tokens := web.Exchange(code, form)
			token := tokens.String("access_token")
			if len(c.resources) == 2 { // for this provider
				token = mustExchange(t, w.rp(t, "agent"), token, url.Values{"resource": {"https://ledger.example"}}).String("access_token")
			}
			if got := mustExchange(t, ledger, token, toArchive).String("scope"); got != c.scope {
				t.Errorf("%v: scope %q", c.resources, got)
			}
		}
	})
}

// A token for an API says the roles there, where all who hand it on may learn
// them.
func TestRFC8693Section2_2_1Roles(t *testing.T) {
	both(t, exchangers, func(t *testing.T, w *world) {
		w.change(t, func(tx *storage.Tx) error {
			u, err := tx.UserByEmail(t.Context(), ana)
			if err != nil {
				return err
			}
			u.Roles = map[string][]string{"archive": {"keeper"}, "ledger": {"clerk"}}
			return tx.UpdateUser(t.Context(), *u, w.Clock.Now())
		})
		roles := func(rp *servertest.RP, token string, more url.Values) any {
			t.Helper()
			form := url.Values{"audience": {"archive"}}
			for name, values := range more {
				form[name] = values
			}
			return w.read(t, mustExchange(t, rp, token, form).String("access_token"), "at+jwt")["roles"]
		}
		agent, ledger := w.rp(t, "agent"), w.rp(t, "ledger")
		with, without := w.webToken(t, url.Values{"scope": {"openid roles"}}), w.webToken(t, url.Values{"scope": {"openid"}})
		there := w.ledgerToken(t, "openid roles books:read", "https://ledger.example")
		for _, may := range []bool{false, true} {
			var want any
			if may {
				want = []any{"keeper"}
				for _, id := range []string{"agent", "ledger"} {
					w.put(t, id, func(c *storage.Client) { c.Scopes = append(slices.Clone(c.Scopes), "roles") })
				}
			}
			if diff := cmp.Diff(want, roles(agent, with, nil)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(want, roles(ledger, there, nil)); diff != "" {
				t.Error(diff)
			}
		}
		if got := roles(agent, without, nil); got != nil {
			t.Errorf("not of the old token: %v", got)
		}
		if got := roles(agent, with, url.Values{"scope": {"openid"}}); got != nil {
			t.Errorf("not asked for: %v", got)
		}
	})
}

// The policy has its say about the product that acts, as about any other.
func TestRFC8693Section2_2_2Policy(t *testing.T) {
	both(t, exchangers, func(t *testing.T, w *world) {
		mask, old := w.rp(t, "mask"), w.webToken(t, nil)
		for name, change := range map[string]func(c *storage.Client){
			"closed":                    func(c *storage.Client) { c.Kinds = []string{"client"} },
			"for others":                func(c *storage.Client) { c.Orgs = []string{"globex"} },
			"wants more":                func(c *storage.Client) { c.MinACR = "urn:sallyport:acr:2fa" },
			"wants two factors":         func(c *storage.Client) { c.RequireTwoFactors = true },
			"wants them of the company": func(c *storage.Client) { c.RequireTwoFactors, c.RequireTwoFactorsOf = true, []string{"acme"} },
		} {
			t.Log(name)
			w.put(t, "mask", change)
			status, a := exchange(mask, old, nil)
			mustRefuse(t, status, a, http.StatusBadRequest, "invalid_request")
			w.put(t, "mask", func(c *storage.Client) {
				c.Kinds, c.Orgs, c.MinACR, c.RequireTwoFactors, c.RequireTwoFactorsOf = nil, nil, "", false, nil
			})
		}
		// Closed to her since, the product that she signed in to holds nothing more.
		w.put(t, "web", func(c *storage.Client) { c.Kinds = []string{"client"} })
		status, a := exchange(mask, old, nil)
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_request")
		w.put(t, "web", func(c *storage.Client) { c.Kinds = nil })

		// Where others' people must use two factors, she needs none.
		w.put(t, "mask", func(c *storage.Client) { c.RequireTwoFactors, c.RequireTwoFactorsOf = true, []string{"globex"} })
		mustExchange(t, mask, old, nil)

		// The API that the token is for counts too.
		w.put(t, "archive", func(c *storage.Client) { c.RequireTwoFactors = true })
		status, a = exchange(w.rp(t, "agent"), old, url.Values{"audience": {"archive"}})
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_target")

		// With two factors she gets in.
		w.put(t, "mask", func(c *storage.Client) { c.MinACR, c.RequireTwoFactorsOf = "urn:sallyport:acr:2fa", nil })
		p := w.member(t, ana)
		w.twoFactors(t, p)
		fresh := tokensFor(t, p, w.rp(t, "web"), nil).String("access_token")
		mustExchange(t, mask, fresh, nil)
		mustExchange(t, w.rp(t, "agent"), fresh, url.Values{"audience": {"archive"}})
	})
}

// What ends the old token, its grant or its session ends the new one.
func TestRFC8693Section2_2Ends(t *testing.T) {
	both(t, exchangers, func(t *testing.T, w *world) {
		agent, chain, web := w.rp(t, "agent"), w.rp(t, "chain"), w.rp(t, "web")
		begin := func() (p *servertest.Person, tokens servertest.Answer, both [2]string) {
			t.Helper()
			p = w.member(t, ana)
			tokens = tokensFor(t, p, web, url.Values{"scope": {"openid email offline_access"}})
			both[0] = mustExchange(t, agent, tokens.String("access_token"), nil).String("access_token")
			both[1] = mustExchange(t, chain, both[0], nil).String("access_token")
			mustActive(t, agent, both[0], true)
			mustActive(t, chain, both[1], true)
			return p, tokens, both
		}
		ended := func(both [2]string) {
			t.Helper()
			mustActive(t, agent, both[0], false)
			mustActive(t, chain, both[1], false)
			for _, rp := range []*servertest.RP{chain, w.rp(t, "mask")} {
				status, a := exchange(rp, both[0], nil)
				mustRefuse(t, status, a, http.StatusBadRequest, "invalid_request")
			}
		}
		// The product gives its refresh token back.
		_, tokens, got := begin()
		if status, a := web.Post("/revoke", url.Values{"token": {tokens.String("refresh_token")}}); status != http.StatusOK {
			t.Fatalf("%d %v", status, a)
		}
		ended(got)
		// The product gives back the very token that was exchanged.
		_, tokens, got = begin()
		if status, a := web.Post("/revoke", url.Values{"token": {tokens.String("access_token")}}); status != http.StatusOK {
			t.Fatalf("%d %v", status, a)
		}
		ended(got)
		// The session ends, and the product had nothing for later.
		p := w.member(t, ana)
		old := tokensFor(t, p, web, nil).String("access_token")
		got[0] = mustExchange(t, agent, old, nil).String("access_token")
		got[1] = mustExchange(t, chain, got[0], nil).String("access_token")
		w.signedOut(t, p)
		ended(got)
		// The person is disabled.
		_, _, got = begin()
		w.change(t, func(tx *storage.Tx) error {
			u, err := tx.UserByEmail(t.Context(), ana)
			if err != nil {
				return err
			}
			return tx.DisableUser(t.Context(), u.ID, true, w.Clock.Now())
		})
		ended(got)
	})
}

// Each hand that a token went through can take back what went on from there, and
// no more.
func TestRFC8693Section2_2EndsInBetween(t *testing.T) {
	both(t, exchangers, func(t *testing.T, w *world) {
		agent, mask, chain := w.rp(t, "agent"), w.rp(t, "mask"), w.rp(t, "chain")
		begin := func() (old, first, second, third string) {
			t.Helper()
			old = w.webToken(t, nil)
			first = mustExchange(t, agent, old, nil).String("access_token")
			second, third = mustExchange(t, mask, first, nil).String("access_token"), mustExchange(t, chain, first, nil).String("access_token")
			return old, first, second, third
		}
		for name, end := range map[string]func(first string){
			"revoked": func(first string) { agent.Post("/revoke", url.Values{"token": {first}}) },
			"withdrawn": func(string) {
				w.change(t, func(tx *storage.Tx) error {
					u, err := tx.UserByEmail(t.Context(), ana)
					if err != nil {
						return err
					}
					return tx.Withdraw(t.Context(), u.ID, "agent", w.Clock.Now())
				})
			},
		} {
			t.Log(name)
			old, first, second, third := begin()
			end(first)
			mustActive(t, agent, first, false)
			mustActive(t, mask, second, false)
			mustActive(t, chain, third, false)
			mustActive(t, w.rp(t, "web"), old, true)
		}
		old, _, second, third := begin()
		direct := mustExchange(t, mask, old, nil).String("access_token")
		w.Apply("products: [{id: agent, delete: true}, {id: chain, token_exchange: {delegate: [web]}}, {id: mask, token_exchange: {impersonate: [web]}}]")
		mustActive(t, mask, second, false)
		mustActive(t, chain, third, false)
		mustActive(t, mask, direct, true)
		w.Apply("products: [{id: first, delete: true}, {id: web, delete: true}, {id: either, delete: true}, {id: ledger, delete: true}, {id: chain, delete: true}, {id: mask, token_exchange: {impersonate: [archive]}}]")
		mustActive(t, mask, direct, false)
	})
}

// A token that is bound to another's key is accepted from whom the operator
// trusts with it, and the new one is bound to the caller's own key.
func TestRFC8693Section2_1Bound(t *testing.T) {
	both(t, exchangers, func(t *testing.T, w *world) {
		web, agent := w.prover(t, "web", secret), w.prover(t, "agent", secret)
		code := codeFor(t, w.member(t, ana), web.RP, nil)
		form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "code_verifier": {web.Verifier}}
		status, _, tokens := web.send("/token", form, web.key.proof("/token", nil))
		if status != http.StatusOK || tokens.String("token_type") != "DPoP" {
			t.Fatalf("%d %v", status, tokens)
		}
		asks := url.Values{"grant_type": {exchangeGrant}, "subject_token": {tokens.String("access_token")}, "subject_token_type": {isAccessToken}}
		status, _, a := agent.send("/token", asks, agent.key.proof("/token", nil))
		if status != http.StatusOK || a.String("token_type") != "DPoP" {
			t.Fatalf("%d %v", status, a)
		}
		cnf := introspected(t, agent.RP, a.String("access_token"))["cnf"]
		if diff := cmp.Diff(map[string]any{"jkt": agent.key.thumbprint()}, cnf); diff != "" {
			t.Error(diff)
		}
		// No bearer token comes of it.
		status, _, a = agent.send("/token", asks)
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_request")
	})
}

// The audit says who acted for whom.
func TestRFC8693Section7Audit(t *testing.T) {
	both(t, exchangers, func(t *testing.T, w *world) {
		old := w.webToken(t, nil)
		mustExchange(t, w.rp(t, "mask"), old, nil)
		mustExchange(t, w.rp(t, "agent"), old, nil)
		exchange(w.rp(t, "mask"), old, url.Values{"scope": {"phone"}})
		found := append(w.refused(t, "token.exchanged"), w.refused(t, "token.exchange_refused")...)
		user, err := w.DB.UserByEmail(t.Context(), ana)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range found {
			if e.UserID != user.ID || e.OrgID != user.OrgID {
				t.Errorf("%+v", e)
			}
			got = append(got, e.Event+" "+e.ClientID+" "+e.Result+" "+e.Reason)
		}
		slices.Sort(got)
		want := []string{
			"token.exchange_refused mask refused invalid_scope: scope 'phone' is not one of both the subject_token and mask",
			"token.exchanged agent ok for the person, by a token of web",
			"token.exchanged mask ok as the person, by a token of web",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
