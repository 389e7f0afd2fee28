package protocoltest_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// provers are products that send DPoP proofs: bank must, and the others may.
// app is public.
const provers = `
products:
  - id: bank
    name: Bank
    first_party: true
    secret_hash: ${SECRET_HASH}
    dpop_bound_access_tokens: true
    grant_types: [authorization_code, refresh_token]
    scopes: [openid, profile, email, offline_access]
    redirect_uris: ["https://rp.example/callback"]
  - id: app
    name: App
    first_party: true
    auth_method: none
    grant_types: [authorization_code, refresh_token]
    scopes: [openid, profile, email, offline_access]
    redirect_uris: ["https://rp.example/callback"]
`

// A token request with a proof gives tokens that are bound to its key, and says
// so.
func TestRFC9449Section5TokenRequest(t *testing.T) {
	both(t, provers, func(t *testing.T, w *world) {
		person := w.member(t, ana)
		for id, s := range map[string]string{"bank": secret, "app": "", "first": secret} {
			rp := w.prover(t, id, s)
			tokens := rp.redeem(person, nil)
			if tokens.String("token_type") != "DPoP" {
				t.Errorf("%s: token_type is %q", id, tokens.String("token_type"))
			}
			if status, claims := rp.userinfo(tokens.String("access_token")); status != http.StatusOK || claims.String("email") != ana {
				t.Errorf("%s: userinfo: %d %v", id, status, claims)
			}
			// Another key is nobody.
			status, a := rp.with(w.newProofKey(t)).userinfo(tokens.String("access_token"))
			mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_token")
		}
		// Whoever needn't send a proof gets a bearer token without one.
		plain := tokensFor(t, person, w.rp(t, "first"), nil)
		if plain.String("token_type") != "Bearer" {
			t.Errorf("without a proof: %v", plain)
		}
	})
}

// Section 5.2: who is registered for bound tokens gets no others.
func TestRFC9449Section5_2Registered(t *testing.T) {
	both(t, provers, func(t *testing.T, w *world) {
		rp, person := w.prover(t, "bank", secret), w.member(t, ana)
		form := rp.codeForm(codeFor(t, person, rp.RP, nil))
		status, _, a := rp.send("/token", form)
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_request")
		// The code was not spent by it.
		status, _, tokens := rp.send("/token", form, rp.key.proof("/token", nil))
		if status != http.StatusOK {
			t.Fatalf("after a proof was forgotten: %d %v", status, tokens)
		}
		status, _, a = rp.send("/token", refreshForm(tokens.String("refresh_token")))
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_request")
	})
}

// The refresh token of a public client is bound to its key: it comes back as it
// is, is good again and again, and to nobody else.
func TestRFC9449Section5PublicClientRefresh(t *testing.T) {
	both(t, provers, func(t *testing.T, w *world) {
		rp := w.prover(t, "app", "")
		refresh := rp.redeem(w.member(t, ana), nil).String("refresh_token")

		thief := rp.with(w.newProofKey(t))
		status, a := thief.refresh(refresh)
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_grant")
		status, _, a = rp.send("/token", refreshForm(refresh))
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_request")
		if rows := w.refused(t, "token.refused"); len(rows) != 2 || rows[0].ClientID != "app" {
			t.Errorf("audit: %+v", rows)
		}
		for range 3 {
			status, a := rp.refresh(refresh)
			if status != http.StatusOK || a.String("refresh_token") != refresh || a.String("token_type") != "DPoP" {
				t.Fatalf("refresh: %d %v", status, a)
			}
			if status, claims := rp.userinfo(a.String("access_token")); status != http.StatusOK {
				t.Errorf("userinfo: %d %v", status, claims)
			}
			w.Clock.Advance(storage.RetryWithin) // as late as this, a rotated one would be theft
		}
		// Revoked is revoked.
		if status, _, a := rp.send("/revoke", url.Values{"token": {refresh}}); status != http.StatusOK {
			t.Fatalf("revoke: %d %v", status, a)
		}
		status, a = rp.refresh(refresh)
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_grant")
	})
}

// A confidential client's refresh token is bound by its authentication: it may
// change its key, though not do without one.
func TestRFC9449Section5ConfidentialClientChangesKey(t *testing.T) {
	both(t, provers, func(t *testing.T, w *world) {
		for _, id := range []string{"bank", "first"} {
			old := w.prover(t, id, secret)
			before := old.redeem(w.member(t, ana), nil)
			refresh := before.String("refresh_token")
			rp := old.with(w.newProofKey(t))
			status, after := rp.refresh(refresh)
			if status != http.StatusOK || after.String("refresh_token") != refresh {
				t.Fatalf("%s with another key: %d %v", id, status, after)
			}
			// The new token is the new key's, the old one the old key's.
			for _, c := range []struct {
				by     *prover
				token  string
				status int
			}{{rp, after.String("access_token"), 200}, {old, after.String("access_token"), 401}, {old, before.String("access_token"), 200}, {rp, before.String("access_token"), 401}} {
				if status, a := c.by.userinfo(c.token); status != c.status {
					t.Errorf("%s: userinfo: %d, not %d: %v", id, status, c.status, a)
				}
			}
			status, _, a := rp.send("/token", refreshForm(refresh))
			mustRefuse(t, status, a, http.StatusBadRequest, "invalid_request")
			if status, a := old.refresh(refresh); status != http.StatusOK {
				t.Errorf("%s, back to the old key: %d %v", id, status, a)
			}
		}
	})
}

// Who began without a key may come by one: from then on all is bound.
func TestRFC9449Section5UnboundGrantBecomesBound(t *testing.T) {
	both(t, provers, func(t *testing.T, w *world) {
		for id, s := range map[string]string{"first": secret, "app": ""} {
			rp := w.prover(t, id, s)
			status, plain := rp.Exchange(codeFor(t, w.member(t, ana), rp.RP, nil), nil)
			if status != http.StatusOK || plain.String("token_type") != "Bearer" {
				t.Fatalf("%s: %d %v", id, status, plain)
			}
			first := plain.String("refresh_token")
			status, bound := rp.refresh(first)
			next := bound.String("refresh_token")
			if status != http.StatusOK || bound.String("token_type") != "DPoP" || next == "" || next == first {
				t.Fatalf("%s: %d %v", id, status, bound)
			}
			status, _, a := rp.send("/token", refreshForm(next))
			mustRefuse(t, status, a, http.StatusBadRequest, "invalid_request")
			if status, a := rp.refresh(next); status != http.StatusOK || a.String("refresh_token") != next {
				t.Errorf("%s: %d %v", id, status, a)
			}
			// The unbound one was rotated, and its reuse is theft still.
			w.Clock.Advance(storage.RetryWithin + time.Second)
			status, a = rp.refresh(first)
			mustRefuse(t, status, a, http.StatusBadRequest, "invalid_grant")
			status, a = rp.refresh(next)
			mustRefuse(t, status, a, http.StatusBadRequest, "invalid_grant")
		}
	})
}

// Section 6.2: introspection says how a token is presented, and by which key.
func TestRFC9449Section6_2Introspection(t *testing.T) {
	both(t, provers, func(t *testing.T, w *world) {
		rp := w.prover(t, "bank", secret)
		tokens := rp.redeem(w.member(t, ana), nil)
		_, a := rp.Post("/introspect", url.Values{"token": {tokens.String("access_token")}})
		cnf, _ := a["cnf"].(map[string]any)
		if a["active"] != true || a["token_type"] != "DPoP" || cnf["jkt"] != rp.key.thumbprint() || len(cnf) != 1 {
			t.Errorf("introspection: %v", a)
		}
		machine := w.machine(t)
		alone := machine.alone()
		_, a = machine.Post("/introspect", url.Values{"token": {alone}})
		cnf, _ = a["cnf"].(map[string]any)
		if a["active"] != true || a["token_type"] != "DPoP" || cnf["jkt"] != machine.key.thumbprint() {
			t.Errorf("introspection of a machine's: %v", a)
		}
		plain := tokensFor(t, w.member(t, ana), w.rp(t, "first"), nil)
		_, a = w.rp(t, "first").Post("/introspect", url.Values{"token": {plain.String("access_token")}})
		if _, has := a["cnf"]; has || a["token_type"] != "Bearer" {
			t.Errorf("introspection of a bearer token: %v", a)
		}
	})
}

// Section 7.1: a protected resource wants the token's own key, for this token.
func TestRFC9449Section7_1Userinfo(t *testing.T) {
	both(t, provers, func(t *testing.T, w *world) {
		rp, person := w.prover(t, "bank", secret), w.member(t, ana)
		token, other := rp.redeem(person, nil).String("access_token"), rp.redeem(person, nil).String("access_token")
		good := func(with change) string { return rp.key.proofWith(token, http.MethodGet, "/userinfo", with) }
		for _, c := range []struct {
			name, code string
			proofs     []string
		}{
			{"no proof", "invalid_dpop_proof", nil},
			{"two proofs", "invalid_dpop_proof", []string{good(nil), good(nil)}},
			{"no ath", "invalid_dpop_proof", []string{good(change{"ath": nil})}},
			{"ath of another token", "invalid_dpop_proof", []string{good(change{"ath": ath(other)})}},
			{"the token itself as ath", "invalid_dpop_proof", []string{good(change{"ath": token})}},
			{"made for POST", "invalid_dpop_proof", []string{good(change{"htm": "POST"})}},
			{"made for the token endpoint", "invalid_dpop_proof", []string{good(change{"htu": w.URL + "/token"})}},
			{"another key", "invalid_token", []string{w.newProofKey(t).proofWith(token, http.MethodGet, "/userinfo", nil)}},
		} {
			status, header, a := rp.present(http.MethodGet, "/userinfo", "DPoP", token, c.proofs...)
			if status != http.StatusUnauthorized || a.String("error") != c.code || a.String("error_description") == "" {
				t.Errorf("%s: %d %v", c.name, status, a)
			}
			challenge := header.Get("WWW-Authenticate")
			if !strings.HasPrefix(challenge, `DPoP algs="ES256 PS256 EdDSA", error="`+c.code+`"`) {
				t.Errorf("%s: challenge %q", c.name, challenge)
			}
		}
		for _, scheme := range []string{"DPoP", "dpop", "DPOP"} {
			if status, _, a := rp.present(http.MethodGet, "/userinfo", scheme, token, good(nil)); status != http.StatusOK {
				t.Errorf("%s: %d %v", scheme, status, a)
			}
		}
		if status, _, a := rp.present(http.MethodPost, "/userinfo", "DPoP", token, rp.key.proofWith(token, http.MethodPost, "/userinfo", nil)); status != http.StatusOK {
			t.Errorf("POST: %d %v", status, a)
		}
		status, _, a := rp.present(http.MethodGet, "/userinfo", "DPoP", "unknown", rp.key.proofWith("unknown", http.MethodGet, "/userinfo", nil))
		mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_token")
	})
}

// Section 7.2: a bound token that was stolen is no bearer token, and a proof
// makes nothing of one that isn't bound.
func TestRFC9449Section7_2Schemes(t *testing.T) {
	both(t, provers, func(t *testing.T, w *world) {
		rp, person := w.prover(t, "first", secret), w.member(t, ana)
		bound := rp.redeem(person, nil).String("access_token")
		plain := tokensFor(t, person, w.rp(t, "first"), nil).String("access_token")
		proof := func(token string) string { return rp.key.proofWith(token, http.MethodGet, "/userinfo", nil) }
		for _, c := range []struct {
			scheme, token string
			proofs        []string
			status        int
		}{
			{"Bearer", bound, nil, 401},
			{"Bearer", bound, []string{proof(bound)}, 401},
			{"DPoP", plain, []string{proof(plain)}, 401},
			{"DPoP", plain, nil, 401},
			{"Bearer", plain, nil, 200},
			{"DPoP", bound, []string{proof(bound)}, 200},
		} {
			status, header, a := rp.present(http.MethodGet, "/userinfo", c.scheme, c.token, c.proofs...)
			if status != c.status {
				t.Errorf("%s, %d proofs: %d %v", c.scheme, len(c.proofs), status, a)
			}
			challenge := header.Get("WWW-Authenticate")
			if status == 401 && (!strings.HasPrefix(challenge, c.scheme) || !strings.Contains(challenge, `error="invalid_token"`)) {
				t.Errorf("%s: challenge %q", c.scheme, challenge)
			}
		}
		// Nor in a form.
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+"/userinfo", strings.NewReader("access_token="+bound))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("DPoP", rp.key.proofWith(bound, http.MethodPost, "/userinfo", nil))
		status, _, a := rp.Do(req)
		mustRefuse(t, status, a, http.StatusUnauthorized, "invalid_token")
		// Who brings nothing learns of both schemes.
		req, err = http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL+"/userinfo", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, header, _ := rp.Do(req)
		if got := header.Get("WWW-Authenticate"); got != `Bearer realm="sallyport", DPoP algs="ES256 PS256 EdDSA"` {
			t.Errorf("challenge %q", got)
		}
	})
}

// The administration API asks for the same.
func TestRFC9449Section7AdministrationAPI(t *testing.T) {
	both(t, provers, func(t *testing.T, w *world) {
		machine := w.machine(t)
		token := machine.alone()
		const path = "/api/v1/companies/acme/people"
		good := func(with change) string { return machine.key.proofWith(token, http.MethodGet, path, with) }
		used := good(nil)
		for _, c := range []struct {
			name, scheme string
			proofs       []string
			status       int
			kind, error  string
		}{
			{"a proof", "DPoP", []string{used}, 200, "", ""},
			{"the proof again", "DPoP", []string{used}, 401, "token_proof", "invalid_dpop_proof"},
			{"a query, which htu leaves out", "DPoP", []string{good(nil)}, 200, "", ""},
			{"as a bearer token", "Bearer", nil, 401, "token_invalid", "invalid_token"},
			{"as a bearer token with a proof", "Bearer", []string{good(nil)}, 401, "token_invalid", "invalid_token"},
			{"no proof", "DPoP", nil, 401, "token_proof", "invalid_dpop_proof"},
			{"no ath", "DPoP", []string{good(change{"ath": nil})}, 401, "token_proof", "invalid_dpop_proof"},
			{"another key", "DPoP", []string{w.newProofKey(t).proofWith(token, http.MethodGet, path, nil)}, 401, "token_invalid", "invalid_token"},
			{"another address", "DPoP", []string{good(change{"htu": w.URL + "/api/v1/me"})}, 401, "token_proof", "invalid_dpop_proof"},
		} {
			at := path
			if strings.HasPrefix(c.name, "a query") {
				at += "?limit=1"
			}
			status, header, a := machine.present(http.MethodGet, at, c.scheme, token, c.proofs...)
			if status != c.status || !strings.HasSuffix(a.String("type"), c.kind) {
				t.Errorf("%s: %d %v", c.name, status, a)
			}
			challenges := header.Values("WWW-Authenticate")
			if c.error != "" && (len(challenges) != 2 || !strings.HasPrefix(challenges[0], c.scheme+" ") || !strings.Contains(challenges[0], `error="`+c.error+`"`)) {
				t.Errorf("%s: challenges %q", c.name, challenges)
			}
		}
		// A person's is no other: of bound tokens whose proofs hold it is asked next
		// how the person signed in.
		w.RegisterTool()
		tool := &prover{RP: servertest.NewRP(t, w.Instance, servertest.Tool, servertest.APISecret, servertest.ToolSite+"/callback"), key: machine.key, t: t}
		person := signIn(servertest.NewPerson(t, servertest.ToolSite).Go(tool.AuthorizeURL(url.Values{"scope": {"openid people:read"}})), "olga@acme.example")
		status, _, hers := tool.send("/token", tool.codeForm(person.URL.Query().Get("code")), tool.key.proof("/token", nil))
		if status != http.StatusOK {
			t.Fatalf("tool: %d %v", status, hers)
		}
		token = hers.String("access_token")
		for scheme, kind := range map[string]string{"DPoP": "two_factors", "Bearer": "token_invalid"} {
			status, header, a := tool.present(http.MethodGet, path, scheme, token, good(nil))
			if status != 401 || !strings.HasSuffix(a.String("type"), kind) || !strings.HasPrefix(header.Get("WWW-Authenticate"), scheme+" ") {
				t.Errorf("a person's token by %s: %d %v %v", scheme, status, a, header)
			}
		}
		// A token that isn't bound proves nothing.
		_, a := machine.Post("/token", url.Values{"grant_type": {"client_credentials"}})
		plain := a.String("access_token")
		if status, _, a := machine.present(http.MethodGet, path, "DPoP", plain, machine.key.proofWith(plain, http.MethodGet, path, nil)); status != 401 {
			t.Errorf("an unbound token by DPoP: %d %v", status, a)
		}
		if status, _, a := machine.present(http.MethodGet, path, "Bearer", plain); status != 200 {
			t.Errorf("an unbound token: %d %v", status, a)
		}
	})
}

// Sections 8 and 9: where the operator demands a nonce, a client gets it by
// being refused, and the next one before it needs it.
func TestRFC9449Section8Nonce(t *testing.T) {
	both(t, provers, func(t *testing.T, w *world) {
		rp, person := w.prover(t, "bank", secret), w.member(t, ana)
		form := rp.codeForm(codeFor(t, person, rp.RP, nil))
		status, header, a := rp.send("/token", form, rp.key.proof("/token", nil))
		mustRefuse(t, status, a, http.StatusBadRequest, "use_dpop_nonce")
		nonce := header.Get("DPoP-Nonce")
		if nonce == "" {
			t.Fatalf("no nonce: %v", header)
		}
		for _, wrong := range []any{"", nonce + "x", nonce[1:], "made up"} {
			status, _, a := rp.send("/token", form, rp.key.proof("/token", change{"nonce": wrong}))
			mustRefuse(t, status, a, http.StatusBadRequest, "use_dpop_nonce")
		}
		status, header, tokens := rp.send("/token", form, rp.key.proof("/token", change{"nonce": nonce}))
		if status != http.StatusOK || header.Get("DPoP-Nonce") != nonce {
			t.Fatalf("with the nonce: %d %v, next nonce %q", status, tokens, header.Get("DPoP-Nonce"))
		}
		token := tokens.String("access_token")
		get := func(with change) (int, http.Header, servertest.Answer) {
			return rp.present(http.MethodGet, "/userinfo", "DPoP", token, rp.key.proofWith(token, http.MethodGet, "/userinfo", with))
		}
		status, header, a = get(nil)
		if status != 401 || a.String("error") != "use_dpop_nonce" || !strings.Contains(header.Get("WWW-Authenticate"), `DPoP algs="ES256 PS256 EdDSA", error="use_dpop_nonce"`) || header.Get("DPoP-Nonce") != nonce {
			t.Errorf("userinfo without: %d %v %v", status, header, a)
		}
		// A nonce says when a proof was made, whatever the client's clock says.
		if status, _, a := get(change{"nonce": nonce, "iat": w.Clock.Now().Add(-time.Hour).Unix()}); status != http.StatusOK {
			t.Errorf("with a wrong clock: %d %v", status, a)
		}
		used := change{"nonce": nonce, "jti": "used"}
		if status, _, a := get(used); status != http.StatusOK {
			t.Errorf("userinfo: %d %v", status, a)
		}
		// It is good for one step more, and the answer brings the next.
		w.Clock.Advance(2 * time.Minute)
		status, header, a = get(change{"nonce": nonce})
		next := header.Get("DPoP-Nonce")
		if status != http.StatusOK || next == nonce || next == "" {
			t.Errorf("a step later: %d %v, next nonce %q", status, a, next)
		}
		if status, _, a := get(used); status != 401 || a.String("error") != "invalid_dpop_proof" {
			t.Errorf("a replay a step later: %d %v", status, a)
		}
		w.Clock.Advance(2 * time.Minute)
		if status, _, a := get(change{"nonce": nonce}); status != 401 || a.String("error") != "use_dpop_nonce" {
			t.Errorf("two steps later: %d %v", status, a)
		}
		if status, _, a := get(change{"nonce": next}); status != http.StatusOK {
			t.Errorf("with the next: %d %v", status, a)
		}
		// The administration API answers alike, and where requests are pushed.
		machine := w.machine(t)
		status, _, a = machine.send("/token", url.Values{"grant_type": {"client_credentials"}}, machine.key.proof("/token", change{"nonce": next}))
		if status != http.StatusOK {
			t.Fatalf("%d %v", status, a)
		}
		alone := a.String("access_token")
		status, header, a = machine.present(http.MethodGet, "/api/v1/me", "DPoP", alone, machine.key.proofWith(alone, http.MethodGet, "/api/v1/me", nil))
		if status != 401 || header.Get("DPoP-Nonce") == "" || !strings.Contains(header.Get("WWW-Authenticate"), `error="use_dpop_nonce"`) {
			t.Errorf("API: %d %v %v", status, header, a)
		}
	}, "protocol-require-dpop-nonce=true")
}

// Without that option no nonce is asked for, and none given out.
func TestRFC9449Section8NoNonce(t *testing.T) {
	both(t, provers, func(t *testing.T, w *world) {
		rp := w.prover(t, "bank", secret)
		_, header, _ := rp.send("/token", rp.codeForm("no code"), rp.key.proof("/token", change{"nonce": "anything"}))
		if got := header.Get("DPoP-Nonce"); got != "" {
			t.Errorf("DPoP-Nonce: %q", got)
		}
	})
}

// Section 10: a code is bound to the key that the authorization request names.
func TestRFC9449Section10AuthorizationCode(t *testing.T) {
	both(t, provers, func(t *testing.T, w *world) {
		person := w.member(t, ana)
		for id, s := range map[string]string{"first": secret, "app": ""} {
			rp := w.prover(t, id, s)
			named := url.Values{"dpop_jkt": {rp.key.thumbprint()}}
			for name, proofs := range map[string][]string{
				"another key": {w.newProofKey(t).proof("/token", nil)},
				"no proof":    nil,
			} {
				form := rp.codeForm(codeFor(t, person, rp.RP, named))
				status, _, a := rp.send("/token", form, proofs...)
				if status != http.StatusBadRequest || a.String("error") != "invalid_grant" {
					t.Errorf("%s, %s: %d %v", id, name, status, a)
				}
				// It is spent, whoever comes next.
				status, _, a = rp.send("/token", form, rp.key.proof("/token", nil))
				mustRefuse(t, status, a, http.StatusBadRequest, "invalid_grant")
			}
			if tokens := rp.redeem(person, named); tokens.String("token_type") != "DPoP" {
				t.Errorf("%s: %v", id, tokens)
			}
		}
	})
}

// Section 10.1: a pushed request is bound by dpop_jkt, or by the proof that
// comes with it.
func TestRFC9449Section10_1Pushed(t *testing.T) {
	both(t, provers, func(t *testing.T, w *world) {
		rp, person := w.prover(t, "bank", secret), w.member(t, ana)
		asked, err := url.Parse(rp.AuthorizeURL(nil))
		if err != nil {
			t.Fatal(err)
		}
		push := func(jkt string, proofs ...string) (int, servertest.Answer) {
			form := asked.Query()
			if jkt != "" {
				form.Set("dpop_jkt", jkt)
			}
			status, _, a := rp.send("/par", form, proofs...)
			return status, a
		}
		code := func(a servertest.Answer) string {
			person.Go(w.URL + "/authorize?" + url.Values{"client_id": {"bank"}, "request_uri": {a.String("request_uri")}}.Encode())
			return person.URL.Query().Get("code")
		}
		other := w.newProofKey(t)
		status, a := push(other.thumbprint(), rp.key.proof("/par", nil))
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_dpop_proof")
		status, a = push("", rp.key.proof("/token", nil))
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_dpop_proof")

		for name, p := range map[string]struct {
			jkt    string
			proofs []string
		}{
			"by a proof":  {"", []string{rp.key.proof("/par", nil)}},
			"by dpop_jkt": {rp.key.thumbprint(), nil},
			"by both":     {rp.key.thumbprint(), []string{rp.key.proof("/par", nil)}},
		} {
			for _, good := range []bool{true, false} {
				if len(p.proofs) > 0 {
					p.proofs = []string{rp.key.proof("/par", nil)}
				}
				status, a := push(p.jkt, p.proofs...)
				if status != http.StatusCreated {
					t.Fatalf("%s: push: %d %v", name, status, a)
				}
				key, want := rp.key, http.StatusOK
				if !good {
					key, want = other, http.StatusBadRequest
				}
				status, _, a = rp.send("/token", rp.codeForm(code(a)), key.proof("/token", nil))
				if status != want || !good && a.String("error") != "invalid_grant" {
					t.Errorf("%s, by the key %v: %d %v", name, good, status, a)
				}
			}
		}
	})
}

// Section 11.1: a proof is good once, however many try at the same moment.
func TestRFC9449Section11_1Replay(t *testing.T) {
	both(t, provers, func(t *testing.T, w *world) {
		rp := w.prover(t, "bank", secret)
		token := rp.redeem(w.member(t, ana), nil).String("access_token")
		proof := rp.key.proofWith(token, http.MethodGet, "/userinfo", nil)
		results := make([]int, 50)
		var all sync.WaitGroup
		for i := range results {
			all.Go(func() {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.URL+"/userinfo", nil)
				if err != nil {
					t.Error(err)
					return
				}
				req.Header.Set("Authorization", "DPoP "+token)
				req.Header.Set("DPoP", proof)
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				resp.Body.Close()
				results[i] = resp.StatusCode
			})
		}
		all.Wait()
		slices.Sort(results)
		if results[0] != http.StatusOK || results[1] != http.StatusUnauthorized || results[49] != http.StatusUnauthorized {
			t.Errorf("%v", results)
		}
		// Another key may have the same jti: nobody's ids are used up by others.
		same := change{"jti": "the same"}
		for _, key := range []*proofKey{rp.key, w.newProofKey(t)} {
			status, _, a := rp.send("/token", rp.codeForm("no code"), key.proof("/token", same))
			mustRefuse(t, status, a, http.StatusBadRequest, "invalid_grant")
			status, _, a = rp.send("/token", rp.codeForm("no code"), key.proof("/token", same))
			mustRefuse(t, status, a, http.StatusBadRequest, "invalid_dpop_proof")
		}
		// What isn't good doesn't use up its jti.
		wrong := change{"jti": "kept", "htm": "PUT"}
		rp.send("/token", rp.codeForm("no code"), rp.key.proof("/token", wrong))
		status, _, a := rp.send("/token", rp.codeForm("no code"), rp.key.proof("/token", change{"jti": "kept"}))
		mustRefuse(t, status, a, http.StatusBadRequest, "invalid_grant")
		// As long as its iat is accepted, its jti is remembered.
		late := change{"jti": "late", "iat": w.Clock.Now().Add(15 * time.Second).Unix()}
		rp.send("/token", rp.codeForm("no code"), rp.key.proof("/token", late))
		w.Clock.Advance(74 * time.Second)
		status, _, a = rp.send("/token", rp.codeForm("no code"), rp.key.proof("/token", late))
		if mustRefuse(t, status, a, http.StatusBadRequest, "invalid_dpop_proof"); !strings.Contains(a.String("error_description"), "used before") {
			t.Errorf("%v", a)
		}
	})
}

// A proof costs one statement more than a bearer token does. Others count
// statements too, in the background: it is the least of some.
func TestRFC9449StatementBudget(t *testing.T) {
	w := start(t, "sqlite", provers)
	rp := w.prover(t, "bank", secret)
	tokens := rp.redeem(w.member(t, ana), nil)
	token, refresh := tokens.String("access_token"), tokens.String("refresh_token")
	for _, step := range []struct {
		name   string
		budget int64
		do     func() int
	}{
		{"refresh", 5, func() int { status, _ := rp.refresh(refresh); return status }},
		{"userinfo", 2, func() int { status, _ := rp.userinfo(token); return status }},
		{"introspection", 1, func() int { status, _ := rp.Post("/introspect", url.Values{"token": {token}}); return status }},
	} {
		least := step.budget + 1
		for range 20 {
			before := w.DB.Statements()
			if status := step.do(); status != http.StatusOK {
				t.Fatalf("%s: %d", step.name, status)
			}
			least = min(least, w.DB.Statements()-before)
		}
		if least > step.budget {
			t.Errorf("%s: %d statements, %d over budget", step.name, least, least-step.budget)
		}
	}
}

// machine is a product that acts for itself, with a key.
func (w *world) machine(t testing.TB) *prover {
	return w.prover(t, w.MachineID(t, "acme", "people:read"), servertest.APISecret)
}

// alone is a bound access token for itself.
func (p *prover) alone() string {
	p.t.Helper()
	status, _, a := p.send("/token", url.Values{"grant_type": {"client_credentials"}}, p.key.proof("/token", nil))
	if status != http.StatusOK || a.String("token_type") != "DPoP" {
		p.t.Fatalf("client credentials: %d %v", status, a)
	}
	return a.String("access_token")
}

// refused are the refusals of a name in the audit, newest first.
func (w *world) refused(t testing.TB, event string) []*storage.Event {
	t.Helper()
	all, err := w.DB.AuditSearch(t.Context(), storage.AuditQuery{Everywhere: true, Event: event, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
