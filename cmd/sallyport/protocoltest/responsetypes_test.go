package protocoltest_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

// mustVerify verifies a JWT with the provider's published keys and returns its
// claims.
func (w *world) mustVerify(t testing.TB, token string) servertest.Answer {
	t.Helper()
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.PS256, jose.EdDSA})
	if err != nil {
		t.Fatalf("%v: %q", err, token)
	}
	_, _, doc := w.rp(t, "first").Do(mustGet(t, w.URL+"/keys"))
	for _, k := range doc["keys"].([]any) {
		k := k.(map[string]any)
		if k["kid"] != parsed.Headers[0].KeyID || k["alg"] != parsed.Headers[0].Algorithm {
			continue
		}
		var key jose.JSONWebKey
		mustDecodeJSON(t, k, &key)
		claims := servertest.Answer{}
		if err := parsed.Claims(key.Key, &claims); err != nil {
			t.Fatal(err)
		}
		return claims
	}
	t.Fatalf("no key %q for %s", parsed.Headers[0].KeyID, parsed.Headers[0].Algorithm)
	return nil
}

// fragment is what the product was sent behind #.
func fragment(t testing.TB, p *servertest.Person) url.Values {
	t.Helper()
	q, err := url.ParseQuery(p.URL.Fragment)
	if !strings.HasPrefix(p.URL.String(), callback+"#") || err != nil {
		t.Fatalf("no answer in the fragment: at %s (%d)\n%s", p.URL, p.Status, p.Text())
	}
	return q
}

// registerTypes registers a product for response types.
func registerTypes(t testing.TB, w *world, id string, types ...string) {
	t.Helper()
	w.set(t, id, func(c *storage.Client) { c.ResponseTypes = types })
}

func half(value string) string {
	sum := sha256.Sum256([]byte(value))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// OpenID Connect Core section 3.2: an ID token alone, for clients registered for
// it.
func TestCoreSection3_2IDToken(t *testing.T) {
	both(t, others, func(t *testing.T, w *world) {
		rp, p := w.rp(t, "first"), w.member(t, ana)
		registerTypes(t, w, "first", "id_token")
		w.Clock.Advance(time.Second) // since she signed in
		asked := url.Values{"response_type": {"id_token"}, "scope": {"openid email offline_access"}, "code_challenge": {""}, "code_challenge_method": {""}}
		q := fragment(t, p.Go(rp.AuthorizeURL(asked)))
		if q.Get("state") != "some state" || q.Get("iss") != w.URL || q.Has("code") || q.Has("access_token") {
			t.Errorf("%v", q)
		}
		claims := w.mustVerify(t, q.Get("id_token"))
		// Section 5.4: there is no access token to ask with, so the claims are here.
		if claims["nonce"] != "some nonce" || claims["aud"] != "first" || claims["email"] != ana || claims["email_verified"] != true || claims["name"] != nil ||
			claims["at_hash"] != nil || claims["c_hash"] != nil || claims["acr"] != "urn:sallyport:acr:1fa" {
			t.Errorf("%v", claims)
		}
		activity, err := w.DB.Activity(t.Context(), userID(t, w, ana), 10)
		entered := slices.ContainsFunc(activity, func(e *storage.Event) bool {
			return e.Event == "product.entered" && e.ClientID == "first" && e.Reason == claims["acr"] && e.At.Equal(w.Clock.Now())
		})
		if err != nil || !entered {
			t.Errorf("it isn't in the audit: %v", err)
		}
		// A code isn't among what it is registered for.
		mustBeTold(t, w, mustArrive(t, p.Go(rp.AuthorizeURL(nil))), "unsupported_response_type")

		for name, c := range map[string]struct {
			more url.Values
			code string
		}{
			"no nonce":   {url.Values{"nonce": {""}}, "invalid_request"},
			"query":      {url.Values{"response_mode": {"query"}}, "invalid_request"},
			"query.jwt":  {url.Values{"response_mode": {"query.jwt"}}, "invalid_request"},
			"no openid":  {url.Values{"scope": {"email"}}, "invalid_scope"},
			"no session": {url.Values{"prompt": {"none"}, "max_age": {"0"}}, "login_required"},
		} {
			t.Run(name, func(t *testing.T) {
				more := url.Values{}
				for _, v := range []url.Values{asked, c.more} {
					for key, value := range v {
						more[key] = value
					}
				}
				mustBeTold(t, w, fragment(t, p.Go(rp.AuthorizeURL(more))), c.code)
			})
		}
	})
}

// Section 3.3: an ID token beside a code, with c_hash.
func TestCoreSection3_3Hybrid(t *testing.T) {
	both(t, others, func(t *testing.T, w *world) {
		rp, p := w.rp(t, "first"), w.member(t, ana)
		registerTypes(t, w, "first", "code", "id_token code")
		for _, kind := range []string{"code id_token", "id_token code"} {
			q := fragment(t, p.Go(rp.AuthorizeURL(url.Values{"response_type": {kind}})))
			code := q.Get("code")
			claims := w.mustVerify(t, q.Get("id_token"))
			if q.Get("state") != "some state" || q.Has("access_token") || claims["c_hash"] != half(code) || claims["nonce"] != "some nonce" || claims["email"] != nil {
				t.Errorf("%v %v", q, claims)
			}
			status, tokens := rp.Exchange(code, nil)
			if status != http.StatusOK {
				t.Fatalf("%d %v", status, tokens)
			}
			if later := w.mustVerify(t, tokens.String("id_token")); later["sub"] != claims["sub"] || later["iss"] != claims["iss"] {
				t.Errorf("%v, then %v", claims, later)
			}
		}
		// The code flow alone stays in the query, and PKCE stays required.
		mustCode(t, p.Go(rp.AuthorizeURL(nil)))
		mustBeTold(t, w, fragment(t, p.Go(rp.AuthorizeURL(url.Values{"response_type": {"code id_token"}, "code_challenge": {""}, "code_challenge_method": {""}}))), "invalid_request")
		mustBeTold(t, w, fragment(t, p.Go(rp.AuthorizeURL(url.Values{"response_type": {"code id_token"}, "nonce": {""}}))), "invalid_request")
	})
}

// Off unless registered, and no access token from here for anybody.
func TestCoreSection3ResponseTypesAreOff(t *testing.T) {
	w := start(t, "sqlite", others)
	p := w.member(t, ana)
	registerTypes(t, w, "other", "code", "id_token", "code id_token", "token", "code token", "id_token token", "code id_token token", "none")
	for _, kind := range []string{"token", "id_token token", "code token", "code id_token token", "none", "code code", "code ", "CODE"} {
		for _, id := range []string{"first", "other"} {
			p.Go(w.rp(t, id).AuthorizeURL(url.Values{"response_type": {kind}}))
			q := p.URL.Query()
			if p.URL.Fragment != "" {
				q = fragment(t, p)
			}
			mustBeTold(t, w, q, "unsupported_response_type")
		}
	}
	for _, kind := range []string{"id_token", "code id_token"} {
		p.Go(w.rp(t, "first").AuthorizeURL(url.Values{"response_type": {kind}}))
		mustBeTold(t, w, fragment(t, p), "unsupported_response_type")
	}
	_, _, doc := w.rp(t, "first").Do(mustGet(t, w.URL+"/.well-known/openid-configuration"))
	for _, kind := range doc["response_types_supported"].([]any) {
		if slices.Contains(strings.Fields(kind.(string)), "token") {
			t.Errorf("%v", kind)
		}
	}
}

// The policy is asked as for a code: through login, a second factor, a closed
// product, a cancelled sign-in.
func TestCoreSection3_2IsDecidedLikeACode(t *testing.T) {
	both(t, others, func(t *testing.T, w *world) {
		rp := w.rp(t, "first")
		registerTypes(t, w, "first", "id_token")
		ask := rp.AuthorizeURL(url.Values{"response_type": {"id_token"}})
		p := signIn(w.visitor(t).Go(ask).MustBeAt("/login/password"), ana)
		if claims := w.mustVerify(t, fragment(t, p).Get("id_token")); claims["auth_time"] != float64(w.Clock.Now().Unix()) {
			t.Errorf("%v", claims)
		}
		unmet := url.Values{"response_type": {"id_token"}, "prompt": {"none"}, "claims": {`{"id_token":{"acr":{"essential":true,"value":"urn:none"}}}`}}
		mustBeTold(t, w, fragment(t, p.Go(rp.AuthorizeURL(unmet))), "unmet_authentication_requirements")
		w.set(t, "first", func(c *storage.Client) { c.MinACR = "urn:sallyport:acr:2fa" })
		if p.Go(ask); strings.HasPrefix(p.URL.String(), site) {
			t.Errorf("one factor was enough: %s", p.URL)
		}
		w.set(t, "first", func(c *storage.Client) { c.MinACR, c.People = "", []string{"nobody"} })
		mustBeTold(t, w, fragment(t, p.Go(rp.AuthorizeURL(url.Values{"response_type": {"id_token"}, "prompt": {"none"}}))), "access_denied")
	})
}

// A sign-out is told to a product that got an ID token alone, too; and the
// grant that remembers it can't be redeemed by anything the product was given.
func TestBackChannelLogoutAfterIDTokenAlone(t *testing.T) {
	w := start(t, "sqlite", others)
	told := make(chan string, 1)
	address := servertest.Serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { told <- r.PostFormValue("logout_token") }))
	w.set(t, "first", func(c *storage.Client) { c.ResponseTypes, c.BackchannelLogoutURI = []string{"id_token"}, address })
	rp := w.rp(t, "first")
	p := signIn(w.visitor(t).Go(rp.AuthorizeURL(url.Values{"response_type": {"id_token"}})), ana)
	claims := w.mustVerify(t, fragment(t, p).Get("id_token"))
	w.change(t, func(tx *storage.Tx) error {
		_, err := tx.EndSessions(t.Context(), storage.Ending{UserID: claims.String("sub"), Session: claims.String("sid")}, w.Clock.Now())
		return err
	})
	w.Delivered()
	select {
	case token := <-told:
		if logout := w.mustVerify(t, token); logout["sid"] != claims["sid"] {
			t.Errorf("%v", logout)
		}
	default:
		t.Error("nobody was told")
	}
}

// default_max_age and default_acr_values hold where a request says nothing.
func TestRegistrationSection2Defaults(t *testing.T) {
	both(t, others, func(t *testing.T, w *world) {
		rp, p := w.rp(t, "first"), w.member(t, ana)
		seconds := int64(60)
		w.set(t, "first", func(c *storage.Client) {
			c.DefaultMaxAge, c.DefaultACRValues = &seconds, []string{"https://refeds.org/profile/sfa"}
		})
		if claims := w.mustVerify(t, tokensFor(t, p, rp, nil).String("id_token")); claims["acr"] != "https://refeds.org/profile/sfa" {
			t.Errorf("%v", claims)
		}
		for _, asked := range []url.Values{{"acr_values": {"urn:sallyport:acr:1fa"}}, {"claims": {`{"id_token":{"acr":{"value":"urn:sallyport:acr:1fa"}}}`}}} {
			if claims := w.mustVerify(t, tokensFor(t, p, rp, asked).String("id_token")); claims["acr"] != "urn:sallyport:acr:1fa" {
				t.Errorf("%v: %v", asked, claims)
			}
		}
		w.Clock.Advance(61 * time.Second)
		mustCode(t, p.Go(rp.AuthorizeURL(url.Values{"max_age": {"3600"}})))
		p.Go(rp.AuthorizeURL(nil)).MustBeAt("/login/password")
	})
}

// Section 8: a pairwise client knows people by subjects of its own, in hints
// too.
func TestCoreSection8PairwiseHints(t *testing.T) {
	both(t, others, func(t *testing.T, w *world) {
		for _, id := range []string{"first", "other"} {
			w.set(t, id, func(c *storage.Client) { c.Pairwise, c.Sector = true, id+".example" })
		}
		rp, p := w.rp(t, "first"), w.member(t, ana)
		token := tokensFor(t, p, rp, nil).String("id_token")
		sub := w.mustVerify(t, token).String("sub")
		theirs := w.mustVerify(t, tokensFor(t, p, w.rp(t, "other"), nil).String("id_token")).String("sub")
		if sub == theirs {
			t.Fatal("both know her by one sub")
		}
		bySub := func(sub string) url.Values {
			return url.Values{"prompt": {"none"}, "claims": {`{"id_token":{"sub":{"value":"` + sub + `"}}}`}}
		}
		mustCode(t, p.Go(rp.AuthorizeURL(url.Values{"prompt": {"none"}, "id_token_hint": {token}})))
		mustCode(t, p.Go(rp.AuthorizeURL(bySub(sub))))
		mustBeTold(t, w, mustArrive(t, p.Go(rp.AuthorizeURL(bySub(theirs)))), "login_required")
		mustBeTold(t, w, mustArrive(t, p.Go(w.rp(t, "other").AuthorizeURL(url.Values{"prompt": {"none"}, "id_token_hint": {token}}))), "login_required")
		mustBeTold(t, w, mustArrive(t, p.Go(rp.AuthorizeURL(bySub(userID(t, w, ana))))), "login_required")
		// Through login as well.
		hinted := w.visitor(t).Go(rp.AuthorizeURL(url.Values{"id_token_hint": {token}}))
		mustCode(t, signIn(hinted, ana))
		wrong := w.visitor(t).Go(rp.AuthorizeURL(url.Values{"claims": {`{"id_token":{"sub":{"value":"` + theirs + `"}}}`}}))
		mustBeTold(t, w, mustArrive(t, signIn(wrong, ana)), "login_required")
	})
}

func userID(t testing.TB, w *world, email string) string {
	t.Helper()
	u, err := w.DB.UserByEmail(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	return u.ID
}

func mustDecodeJSON(t testing.TB, from map[string]any, into any) {
	t.Helper()
	text, err := json.Marshal(from)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}
