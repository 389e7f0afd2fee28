package server_test

import (
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/idp"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// A client authenticates by the method it is registered for, and by no other.
func TestTokenClientAuthentication(t *testing.T) {
	d := start(t)
	basic := func(id, secret string) func(*http.Request, url.Values) {
		return func(r *http.Request, _ url.Values) { r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret)) }
	}
	form := func(id, secret string) func(*http.Request, url.Values) {
		return func(_ *http.Request, f url.Values) { f.Set("client_id", id); f.Set("client_secret", secret) }
	}
	bare := func(id string) func(*http.Request, url.Values) {
		return func(_ *http.Request, f url.Values) { f.Set("client_id", id) }
	}
	for _, c := range []struct {
		name   string
		with   func(*http.Request, url.Values)
		status int
		code   string
	}{
		{"none used none", bare(public), 200, ""},
		{"none used basic", basic(public, secret), 401, "invalid_client"},
		{"none used basic, empty", basic(public, ""), 401, "invalid_client"},
		{"none used post", form(public, secret), 401, "invalid_client"},
		{"basic used none", bare(first), 401, "invalid_client"},
		{"basic used basic", basic(first, secret), 200, ""},
		{"basic used post", form(first, secret), 401, "invalid_client"},
		{"post used none", bare(poster), 401, "invalid_client"},
		{"post used basic", basic(poster, secret), 401, "invalid_client"},
		{"post used post", form(poster, secret), 200, ""},
		{"wrong secret by basic", basic(first, secret+"x"), 401, "invalid_client"},
		{"wrong secret by post", form(poster, secret+"x"), 401, "invalid_client"},
		{"hash as secret", basic(first, storage.Hash(secret)), 401, "invalid_client"},
		{"empty secret by basic", basic(first, ""), 401, "invalid_client"},
		{"empty secret by post", form(poster, ""), 401, "invalid_client"},
		{"unknown client", basic("nobody", secret), 401, "invalid_client"},
		{"no text", basic("\x00\xff", secret), 401, "invalid_client"},
		{"internal client", bare("sallyport-account"), 401, "invalid_client"},
		{"nobody", func(*http.Request, url.Values) {}, 401, "invalid_client"},
		{"both at once", func(r *http.Request, f url.Values) { basic(first, secret)(r, f); form(first, secret)(r, f) }, 400, "invalid_request"},
		{"basic, and another client_id", func(r *http.Request, f url.Values) { basic(first, secret)(r, f); f.Set("client_id", third) }, 400, "invalid_request"},
		{"basic, and the same client_id", func(r *http.Request, f url.Values) { basic(first, secret)(r, f); f.Set("client_id", first) }, 200, ""},
		{"a header that is no basic, and post", func(r *http.Request, f url.Values) {
			r.Header.Set("Authorization", "Bearer x")
			form(first, secret)(r, f)
		}, 401, "invalid_client"},
		{"a header that is no basic", func(r *http.Request, f url.Values) { r.Header.Set("Authorization", "Basic !"); bare(public)(r, f) }, 401, "invalid_client"},
	} {
		for path, form := range map[string]url.Values{
			"/revoke":     {"token": {"x"}},
			"/introspect": {"token": {"x"}},
			"/token":      {"grant_type": {"refresh_token"}, "refresh_token": {"x"}},
		} {
			t.Run(c.name+" "+path, func(t *testing.T) {
				f := url.Values{}
				for name, values := range form {
					f[name] = values
				}
				req, err := http.NewRequest(http.MethodPost, d.URL+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				c.with(req, f)
				post, err := http.NewRequest(http.MethodPost, d.URL+path, strings.NewReader(f.Encode()))
				if err != nil {
					t.Fatal(err)
				}
				post.Header = req.Header
				post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				status, _, a := rp(t, d, first).Do(post)
				wantStatus, want := c.status, c.code
				switch {
				case path == "/introspect" && c.name == "none used none":
					wantStatus, want = 401, "invalid_client" // introspection needs a secret
				case path == "/token" && status == 400 && c.status == 200:
					wantStatus, want = 400, "invalid_grant" // authenticated, and the token is wrong
				}
				if status != wantStatus || a.String("error") != want {
					t.Errorf("want %d %q, got %d %v", wantStatus, want, status, a)
				}
			})
		}
	}
}

func TestTokenCode(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		p, r := member(t, d, ana), rp(t, d, first)
		code := codeFor(t, p, r, nil)
		// Another client can't redeem it, and doesn't spend it.
		other := *rp(t, d, elliptic)
		other.Verifier = r.Verifier
		status, a := other.Exchange(code, nil)
		mustRefuse(t, status, a, 400, "invalid_grant")
		status, a = r.Exchange(code, nil)
		if status != 200 || a["token_type"] != "Bearer" || a["expires_in"] != float64(300) || a["scope"] != "openid profile email" || a["refresh_token"] == nil {
			t.Errorf("%d %v", status, a)
		}
		sum := sha256.Sum256([]byte(a.String("access_token")))
		claims := servertest.Claims(t, a.String("id_token"))
		if claims["at_hash"] != base64.RawURLEncoding.EncodeToString(sum[:16]) || claims["aud"] != first || claims["iss"] != d.URL || claims["nonce"] != "some nonce" {
			t.Errorf("%v", claims)
		}
		// It lives for a minute.
		code, late := codeFor(t, p, r, nil), codeFor(t, p, r, nil)
		d.Clock.Advance(59 * time.Second)
		if status, a := r.Exchange(code, nil); status != 200 {
			t.Errorf("after 59 s: %d %v", status, a)
		}
		d.Clock.Advance(time.Second)
		status, a = r.Exchange(late, nil)
		mustRefuse(t, status, a, 400, "invalid_grant")
		for _, missing := range []string{"code", "redirect_uri"} {
			status, a = r.Exchange(codeFor(t, p, r, nil), url.Values{missing: {""}})
			mustRefuse(t, status, a, 400, "invalid_request")
		}
		status, a = r.Exchange("unknown", nil)
		mustRefuse(t, status, a, 400, "invalid_grant")
		// A client that isn't registered for refresh tokens has none.
		short := rp(t, d, brief)
		if _, a = short.Exchange(codeFor(t, p, short, nil), nil); a["access_token"] == nil || a["refresh_token"] != nil {
			t.Errorf("%v", a)
		}
		status, a = short.Refresh("x", nil)
		mustRefuse(t, status, a, 400, "unauthorized_client")

		// What ends between the code and its redemption ends the code.
		code = codeFor(t, p, r, nil)
		change(t, d, ana, func(tx *storage.Tx, id string) error { return tx.DisableUser(t.Context(), id, true, d.Clock.Now()) })
		status, a = r.Exchange(code, nil)
		mustRefuse(t, status, a, 400, "invalid_grant")
		change(t, d, ana, func(tx *storage.Tx, id string) error { return tx.DisableUser(t.Context(), id, false, d.Clock.Now()) })
		code = codeFor(t, p, r, nil)
		signOut(t, d, p)
		status, a = r.Exchange(code, nil)
		mustRefuse(t, status, a, 400, "invalid_grant")
	})
}

// signOut presses the button of the provider's own page.
func signOut(t testing.TB, d *servertest.Demo, p *servertest.Person) {
	t.Helper()
	p.Go(d.URL + "/logout").Submit(map[string]string{"logout": "1"}).MustRead("signed out")
}

// What tokens say of the sign-in stays as it was when the code was issued: a
// later step-up raises new ones, never old ones.
func TestTokenRefreshKeepsTheSignIn(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		_, key, _ := twoFactors(t, d, ana)
		change(t, d, ana, func(tx *storage.Tx, id string) error { return tx.SetTwoStep(t.Context(), id, false, d.Clock.Now()) })
		p, r := member(t, d, ana), rp(t, d, first)
		low := tokensFor(t, p, r, nil)
		d.Clock.Advance(2 * time.Minute)
		p.Go(r.AuthorizeURL(url.Values{"acr_values": {aliasMFA}})).MustBeAt("/login/totp").
			Submit(map[string]string{"code": servertest.Code(t, key, d.Clock.Now())})
		_, high := r.Exchange(answered(t, p).Get("code"), nil)
		said := func(a servertest.Answer) string {
			c := servertest.Claims(t, a.String("id_token"))
			return fmt.Sprint(c["acr"], c["amr"], c["auth_time"], c["mfa_time"], c["amr_times"], c["sid"], c["nonce"], c["sub"])
		}
		introspected := func(a servertest.Answer) string {
			_, i := r.Post("/introspect", url.Values{"token": {a.String("access_token")}})
			return fmt.Sprint(i["acr"], i["amr"], i["auth_time"], i["mfa_time"], i["amr_times"], i["sid"], "some nonce", i["sub"])
		}
		wasLow, wasHigh := said(low), said(high)
		if !strings.Contains(wasLow, acr1FA+"[pwd]") || !strings.Contains(wasHigh, aliasMFA+"[pwd otp mfa]") {
			t.Fatalf("%s\n%s", wasLow, wasHigh)
		}
		for range 3 {
			d.Clock.Advance(time.Minute)
			_, low = r.Refresh(low.String("refresh_token"), nil)
			_, high = r.Refresh(high.String("refresh_token"), nil)
			for was, now := range map[string]servertest.Answer{wasLow: low, wasHigh: high} {
				if said(now) != was || introspected(now) != was {
					t.Errorf("was %s\nnow %s\nand %s", was, said(now), introspected(now))
				}
				if iat := servertest.Claims(t, now.String("id_token"))["iat"]; iat != float64(d.Clock.Now().Unix()) {
					t.Errorf("iat %v", iat)
				}
			}
		}
	})
}

func TestTokenRefreshScope(t *testing.T) {
	d := start(t)
	r := rp(t, d, first)
	tokens := tokensFor(t, member(t, d, mia), r, url.Values{"scope": {"openid email phone roles"}})
	status, a := r.Refresh(tokens.String("refresh_token"), url.Values{"scope": {"openid profile"}})
	mustRefuse(t, status, a, 400, "invalid_scope")
	// That cost nothing.
	status, narrow := r.Refresh(tokens.String("refresh_token"), url.Values{"scope": {"email"}})
	if status != 200 || narrow["scope"] != "openid email" {
		t.Fatalf("%d %v", status, narrow)
	}
	_, who := r.Userinfo(narrow.String("access_token"))
	if who["email"] != mia || who["phone_number"] != nil || who["roles"] != nil {
		t.Errorf("%v", who)
	}
	if roles := servertest.Claims(t, narrow.String("id_token"))["roles"]; roles != nil {
		t.Errorf("roles in the ID token: %v", roles)
	}
	// The next one may have all again (RFC 6749 section 6).
	if _, wide := r.Refresh(narrow.String("refresh_token"), nil); wide["scope"] != "openid email phone roles" {
		t.Errorf("%v", wide)
	}
}

// docs/decisions/0002.
func TestTokenRefreshRetry(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		p, r := member(t, d, ana), rp(t, d, first)
		alive := func(a servertest.Answer) bool {
			status, _ := r.Userinfo(a.String("access_token"))
			return status == 200
		}
		good := func(token string) servertest.Answer {
			t.Helper()
			status, a := r.Refresh(token, nil)
			if status != 200 {
				t.Fatalf("%d %v", status, a)
			}
			return a
		}
		bad := func(a servertest.Answer) {
			t.Helper()
			status, b := r.Refresh(a.String("refresh_token"), nil)
			mustRefuse(t, status, b, 400, "invalid_grant")
		}
		begin := func() (one, two servertest.Answer) {
			one = tokensFor(t, p, r, nil)
			return one, good(one.String("refresh_token"))
		}

		// Two calls at once: one is refused, and nothing is revoked.
		one, two := begin()
		d.Clock.Advance(999 * time.Millisecond)
		bad(one)
		three := good(two.String("refresh_token"))
		if !alive(three) {
			t.Error("revoked for two calls at once")
		}

		// A lost response, once.
		one, two = begin()
		d.Clock.Advance(time.Second)
		three = good(one.String("refresh_token"))
		if alive(two) || !alive(three) {
			t.Error("the successor that was lost stands, or the new one doesn't")
		}
		bad(two) // and doesn't harm the new one
		if !alive(three) {
			t.Error("the lost successor revoked the new one")
		}
		bad(one)
		if alive(three) {
			t.Error("presented a third time, and the grant stands")
		}
		bad(three)

		// Its successor was used: theft.
		one, two = begin()
		three = good(two.String("refresh_token"))
		d.Clock.Advance(2 * time.Second)
		bad(one)
		if alive(three) {
			t.Error("reused after its successor was used, and the grant stands")
		}

		// Too late.
		one, two = begin()
		d.Clock.Advance(10 * time.Second)
		bad(one)
		if alive(two) {
			t.Error("reused after ten seconds, and the grant stands")
		}

		// In another client's hands.
		one = tokensFor(t, p, r, nil)
		status, a := rp(t, d, elliptic).Refresh(one.String("refresh_token"), nil)
		mustRefuse(t, status, a, 400, "invalid_grant")
		if alive(one) {
			t.Error("another client has it, and the grant stands")
		}
	})
}

// A session that has ended counts even where its grants were not revoked: a
// code that was being issued at that moment escapes the statement that revokes.
func TestTokenOfEndedSession(t *testing.T) {
	databaseURL := storagetest.URL(t, "sqlite")
	d := quiet(t, databaseURL, nil)
	p, r := member(t, d, ana), rp(t, d, first)
	tokens, code := tokensFor(t, p, r, nil), codeFor(t, p, r, nil)
	db, err := sql.Open("sqlite", strings.TrimPrefix(databaseURL, "sqlite:")+"?_pragma=busy_timeout(10000)")
	if err == nil {
		_, err = db.Exec(`UPDATE sessions SET ended_at = 1`)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	status, a := r.Exchange(code, nil)
	mustRefuse(t, status, a, 400, "invalid_grant")
	status, a = r.Userinfo(tokens.String("access_token"))
	mustRefuse(t, status, a, 401, "invalid_token")
	if _, a := r.Post("/introspect", url.Values{"token": {tokens.String("access_token")}}); a["active"] != false {
		t.Errorf("%v", a)
	}
	status, a = r.Refresh(tokens.String("refresh_token"), nil)
	mustRefuse(t, status, a, 400, "invalid_grant")
}

// Without offline_access everything ends with the session, at once; with it,
// a sign-out is survived, and nothing else.
func TestTokenEnds(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		r := rp(t, d, first)
		offline := url.Values{"scope": {"openid offline_access"}}
		mustStand := func(what string, a servertest.Answer, want bool) servertest.Answer {
			t.Helper()
			status, _ := r.Userinfo(a.String("access_token"))
			_, i := r.Post("/introspect", url.Values{"token": {a.String("access_token")}})
			again, b := r.Refresh(a.String("refresh_token"), nil)
			if status == 200 != want || i["active"] != want || again == 200 != want {
				t.Errorf("%s: stands %v: userinfo %d, introspection %v, refresh %d %v", what, !want, status, i, again, b)
			}
			if !want {
				mustRefuse(t, again, b, 400, "invalid_grant")
			}
			return b
		}
		p := member(t, d, ana)
		online, kept := tokensFor(t, p, r, nil), tokensFor(t, p, r, offline)
		signOut(t, d, p)
		mustStand("signed out", online, false)
		kept = mustStand("signed out, offline", kept, true)
		d.Clock.Advance(13 * time.Hour)
		_, kept = r.Refresh(kept.String("refresh_token"), nil)

		// Disabled: by an administrator's hand alone, without anything being ended.
		disable := func(disabled bool) {
			change(t, d, ana, func(tx *storage.Tx, id string) error { return tx.DisableUser(t.Context(), id, disabled, d.Clock.Now()) })
		}
		p = member(t, d, ana)
		online = tokensFor(t, p, r, nil)
		disable(true)
		mustStand("disabled", online, false)
		mustStand("disabled, offline", kept, false)
		disable(false)

		// A factor is reset.
		p = member(t, d, ana)
		online, kept = tokensFor(t, p, r, nil), tokensFor(t, p, r, offline)
		change(t, d, ana, func(tx *storage.Tx, id string) error {
			_, err := tx.EndSessions(t.Context(), storage.Ending{UserID: id, Offline: true}, d.Clock.Now())
			return err
		})
		mustStand("factor reset", online, false)
		mustStand("factor reset, offline", kept, false)

		// A product that was closed to the person, or wants more than was proved.
		p = member(t, d, ana)
		kept = tokensFor(t, p, r, offline)
		d.Apply(`products: [{ id: first, min_acr: "` + acr2FA + `" }]`)
		mustStand("min_acr raised", kept, false)
		d.Apply(`products: [{ id: first, min_acr: "" }]`)
		kept = tokensFor(t, p, r, offline)
		d.Apply(`products: [{ id: first, companies: [globex] }]`)
		mustStand("closed", kept, false)
		d.Apply(`products: [{ id: first, companies: [] }]`)

		// By themselves: the session after 12 hours, a refresh token after 30 days.
		p = member(t, d, ana)
		online, kept = tokensFor(t, p, r, nil), tokensFor(t, p, r, offline)
		d.Clock.Advance(12*time.Hour - time.Second)
		_, online = r.Refresh(online.String("refresh_token"), nil)
		if online["access_token"] == nil || online["expires_in"] != float64(1) {
			t.Errorf("in the last second of the session: %v", online)
		}
		d.Clock.Advance(time.Second)
		mustStand("the session is over", online, false)
		d.Clock.Advance(30*24*time.Hour - 12*time.Hour - time.Second)
		_, kept = r.Refresh(kept.String("refresh_token"), nil)
		if kept["access_token"] == nil {
			t.Errorf("in the last second of 30 days: %v", kept)
		}
		d.Clock.Advance(time.Second)
		mustStand("30 days", kept, false)
	})
}

func TestTokenUserinfo(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		p, r := member(t, d, mia), rp(t, d, first)
		u, err := d.DB.UserByEmail(t.Context(), mia)
		if err != nil {
			t.Fatal(err)
		}
		sub := map[string]any{"sub": u.ID}
		with := func(maps ...map[string]any) servertest.Answer {
			all := servertest.Answer{}
			for _, m := range maps {
				for name, value := range m {
					all[name] = value
				}
			}
			return all
		}
		profile := map[string]any{
			"name": "Mia Maria Meier", "given_name": "Mia", "middle_name": "Maria", "family_name": "Meier", "nickname": "mi", "preferred_username": "mia",
			"profile": "https://acme.example/mia", "picture": "https://acme.example/mia.png", "website": "https://mia.example", "gender": "female",
			"birthdate": "1990-12-31", "zoneinfo": "Europe/Zurich", "locale": "en", "updated_at": float64(u.UpdatedAt.Unix()),
		}
		email := map[string]any{"email": mia, "email_verified": true}
		phone := map[string]any{"phone_number": "+41790000000", "phone_number_verified": true}
		address := map[string]any{"address": map[string]any{"formatted": "Gasse 1, 8000 Zürich", "street_address": "Gasse 1", "locality": "Zürich",
			"region": "ZH", "postal_code": "8000", "country": "CH"}}
		roles := map[string]any{"roles": []any{"reader", "writer"}}
		for _, c := range []struct {
			more url.Values
			want servertest.Answer
		}{
			{url.Values{"scope": {"openid"}}, with(sub)},
			{url.Values{"scope": {"openid profile"}}, with(sub, profile)},
			{url.Values{"scope": {"openid email"}}, with(sub, email)},
			{url.Values{"scope": {"openid phone"}}, with(sub, phone)},
			{url.Values{"scope": {"openid address"}}, with(sub, address)},
			{url.Values{"scope": {"openid roles"}}, with(sub, roles)},
			{url.Values{"scope": {"openid profile email phone address roles offline_access"}}, with(sub, profile, email, phone, address, roles)},
			// A claim asked for by name is sent where a scope of the product covers
			// it, and none beside it.
			{url.Values{"scope": {"openid email"}, "claims": {`{"userinfo":{"email":null,"phone_number":{"essential":true},"roles":null,"sub":null}}`}}, with(sub, email, map[string]any{"phone_number": "+41790000000"}, roles)},
		} {
			if _, got := r.Userinfo(tokensFor(t, p, r, c.more).String("access_token")); cmp.Diff(c.want, got) != "" {
				t.Errorf("%v (-want +got):\n%s", c.more, cmp.Diff(c.want, got))
			}
		}
		tokens := tokensFor(t, p, r, url.Values{"scope": {"openid email roles"}, "claims": {`{"id_token":{"email":null,"phone_number":null,"sub":null,"exp":null}}`}})
		claims := servertest.Claims(t, tokens.String("id_token"))
		if claims["email"] != mia || claims["phone_number"] != "+41790000000" || claims["phone_number_verified"] != nil || fmt.Sprint(claims["roles"]) != "[reader writer]" || claims["exp"] != float64(d.Clock.Now().Unix()+300) {
			t.Errorf("claims by name in the ID token: %v", claims)
		}
		// What somebody doesn't have isn't sent; roles are, though empty.
		b := member(t, d, ben)
		_, got := r.Userinfo(tokensFor(t, b, r, url.Values{"scope": {"openid phone address roles email"}}).String("access_token"))
		if _, has := got["phone_number"]; has || got["address"] != nil || fmt.Sprint(got["roles"]) != "[]" || got["email"] != ben {
			t.Errorf("%v", got)
		}
	})
}

// RFC 6750 section 2: by the header or by a form, never in the query.
func TestTokenUserinfoRequest(t *testing.T) {
	d := start(t)
	r := rp(t, d, first)
	access := tokensFor(t, member(t, d, ana), r, nil).String("access_token")
	for name, c := range map[string]struct {
		method, query, header, media, body string
		status                             int
	}{
		"header":             {"GET", "", "Bearer " + access, "", "", 200},
		"header, small":      {"GET", "", "bearer " + access, "", "", 200},
		"header and POST":    {"POST", "", "Bearer " + access, "", "", 200},
		"form":               {"POST", "", "", "application/x-www-form-urlencoded", "access_token=" + access, 200},
		"query":              {"GET", "?access_token=" + access, "", "", "", 400},
		"query by POST":      {"POST", "?access_token=" + access, "", "application/x-www-form-urlencoded", "x=y", 400},
		"header and query":   {"GET", "?access_token=" + access, "Bearer " + access, "", "", 400},
		"form, twice":        {"POST", "", "", "application/x-www-form-urlencoded", "access_token=" + access + "&access_token=" + access, 400},
		"JSON":               {"POST", "", "", "application/json", `{"access_token":"` + access + `"}`, 400},
		"none":               {"GET", "", "", "", "", 401},
		"another scheme":     {"GET", "", "DPoP " + access, "", "", 401},
		"basic":              {"GET", "", "Basic " + access, "", "", 401},
		"wrong":              {"GET", "", "Bearer x", "", "", 401},
		"empty":              {"GET", "", "Bearer ", "", "", 401},
		"another method":     {"PUT", "", "Bearer " + access, "", "", 405},
		"header beside form": {"POST", "", "Bearer " + access, "application/x-www-form-urlencoded", "access_token=" + access, 400},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequest(c.method, d.URL+"/userinfo"+c.query, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if c.header != "" {
				req.Header.Set("Authorization", c.header)
			}
			if c.media != "" {
				req.Header.Set("Content-Type", c.media)
			}
			if status, _, a := r.Do(req); status != c.status {
				t.Errorf("%d %v, not %d", status, a, c.status)
			}
		})
	}
	d.Clock.Advance(300 * time.Second)
	status, a := r.Userinfo(access)
	mustRefuse(t, status, a, 401, "invalid_token")
}

func TestTokenIntrospection(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		p := member(t, d, ana)
		r := rp(t, d, first)
		p.Go(rp(t, d, third).AuthorizeURL(nil)).Submit(map[string]string{"allow": "1"})
		thirds := tokensFor(t, p, rp(t, d, third), nil)
		own := tokensFor(t, p, r, nil)
		_, got := r.Post("/introspect", url.Values{"token": {own.String("access_token")}, "token_type_hint": {"refresh_token"}})
		claims, now := servertest.Claims(t, own.String("id_token")), float64(d.Clock.Now().Unix())
		want := servertest.Answer{"active": true, "iss": d.URL, "sub": claims["sub"], "aud": first, "client_id": first, "username": ana,
			"scope": "openid profile email", "token_type": "Bearer", "iat": now, "exp": now + 300, "sid": claims["sid"],
			"acr": acr1FA, "amr": []any{"pwd"}, "auth_time": now, "amr_times": map[string]any{"pwd": now}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		inactive := servertest.Answer{"active": false}
		for name, c := range map[string]struct {
			caller, token string
			active        bool
		}{
			"first-party of a third-party's": {first, thirds.String("access_token"), true},
			"third-party of another's":       {third, own.String("access_token"), false},
			"third-party of its own":         {third, thirds.String("access_token"), true},
			"junk":                           {first, "junk", false},
		} {
			_, a := rp(t, d, c.caller).Post("/introspect", url.Values{"token": {c.token}})
			if a["active"] != c.active || !c.active && cmp.Diff(inactive, a) != "" {
				t.Errorf("%s: %v", name, a)
			}
		}
		status, a := r.Post("/introspect", url.Values{})
		mustRefuse(t, status, a, 400, "invalid_request")
		d.Clock.Advance(300 * time.Second)
		if _, a := r.Post("/introspect", url.Values{"token": {own.String("access_token")}}); cmp.Diff(inactive, a) != "" {
			t.Errorf("expired: %v", a)
		}
	})
}

// RFC 7009: an access token goes alone, a refresh token takes all of its
// grant, and nobody can revoke what isn't theirs.
func TestTokenRevocation(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		p, r, other := member(t, d, ana), rp(t, d, first), rp(t, d, elliptic)
		status := func(a servertest.Answer) int { s, _ := r.Userinfo(a.String("access_token")); return s }
		revoke := func(rp *servertest.RP, token string) {
			t.Helper()
			if s, a := rp.Post("/revoke", url.Values{"token": {token}}); s != 200 {
				t.Errorf("revoke: %d %v", s, a)
			}
		}
		one, two := tokensFor(t, p, r, nil), tokensFor(t, p, r, nil)
		for _, token := range []string{one.String("access_token"), one.String("refresh_token"), "junk"} {
			revoke(other, token)
		}
		if status(one) != 200 {
			t.Error("another client revoked it")
		}
		revoke(r, one.String("access_token"))
		if status(one) != 401 {
			t.Error("revoked, and stands")
		}
		s, next := r.Refresh(one.String("refresh_token"), nil)
		if s != 200 || status(next) != 200 {
			t.Errorf("the refresh token went too: %d %v", s, next)
		}
		revoke(r, next.String("refresh_token"))
		s, a := r.Refresh(next.String("refresh_token"), nil)
		mustRefuse(t, s, a, 400, "invalid_grant")
		if status(next) != 401 || status(two) != 200 {
			t.Errorf("%d, and of another grant %d", status(next), status(two))
		}
		s, a = r.Post("/revoke", url.Values{})
		mustRefuse(t, s, a, 400, "invalid_request")
	})
}

// Each client's ID tokens are signed as it is registered, by a key that is
// published.
func TestTokenSignature(t *testing.T) {
	d := start(t)
	p := member(t, d, ana)
	for id, alg := range map[string]jose.SignatureAlgorithm{first: jose.RS256, elliptic: jose.ES256} {
		token := tokensFor(t, p, rp(t, d, id), nil).String("id_token")
		signature := mustParse(t, token)
		if got := signature.Signatures[0].Header; got.Algorithm != string(alg) || got.ExtraHeaders[jose.HeaderType] != "JWT" {
			t.Errorf("%s: %v", id, got)
		}
		mustVerify(t, published(t, d), token)
	}
	for _, k := range published(t, d).Keys {
		if !k.IsPublic() || k.Use != "sig" || k.KeyID == "" || k.Algorithm == "" {
			t.Errorf("%v", k)
		}
	}
}

func mustParse(t testing.TB, token string) *jose.JSONWebSignature {
	t.Helper()
	s, err := jose.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256, jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustVerify(t testing.TB, keys jose.JSONWebKeySet, token string) {
	t.Helper()
	s := mustParse(t, token)
	for _, k := range keys.Key(s.Signatures[0].Header.KeyID) {
		if k.Algorithm != s.Signatures[0].Header.Algorithm {
			continue
		}
		if _, err := s.Verify(k); err == nil {
			return
		}
	}
	t.Fatalf("not verified by %d keys: %s", len(keys.Keys), s.Signatures[0].Header.KeyID)
}

// published fetches the JWKS.
func published(t testing.TB, d *servertest.Demo) (set jose.JSONWebKeySet) {
	t.Helper()
	resp, err := http.Get(d.URL + "/keys")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&set); err != nil {
		t.Fatal(err)
	}
	return set
}

// A product that fetched the keys up to an hour ago verifies every token that
// has not expired, before, during and after a rotation.
func TestTokenKeyRotation(t *testing.T) {
	both(t, func(t *testing.T, d *servertest.Demo) {
		p := member(t, d, ana)
		type issued struct {
			token string
			until time.Time
		}
		const step = 2 * time.Minute
		var fetched []jose.JSONWebKeySet // one each step
		var alive []issued
		kids := map[string]bool{}
		holders := map[string]servertest.Answer{}
		for _, id := range []string{first, elliptic} {
			holders[id] = tokensFor(t, p, rp(t, d, id), url.Values{"scope": {"openid offline_access"}})
		}
		for n := range 120 { // four hours, with two rotations
			if n == 10 || n == 70 {
				if err := idp.RotateKeys(t.Context(), d.DB, d.Clock.Now(), false); err != nil {
					t.Fatal(err)
				}
			}
			fetched = append(fetched, published(t, d))
			for id := range holders {
				_, holders[id] = rp(t, d, id).Refresh(holders[id].String("refresh_token"), nil)
				token := holders[id].String("id_token")
				kids[mustParse(t, token).Signatures[0].Header.KeyID] = true
				alive = append(alive, issued{token, d.Clock.Now().Add(5 * time.Minute)})
			}
			for _, a := range alive {
				if !d.Clock.Now().Before(a.until) {
					continue
				}
				for _, keys := range fetched[max(0, len(fetched)-29):] { // up to 56 minutes ago
					// Fetched after the token was signed or before: both know its key.
					mustVerify(t, keys, a.token)
				}
			}
			d.Clock.Advance(step)
		}
		if len(kids) != 6 {
			t.Errorf("%d keys signed; three of each algorithm should have", len(kids))
		}
		if n := len(published(t, d).Keys); n > 4 {
			t.Errorf("%d keys are published; those of before should be gone", n)
		}

		// A key that leaked: gone at once, and a token by it isn't taken for ours.
		old := holders[first].String("id_token")
		if err := idp.RotateKeys(t.Context(), d.DB, d.Clock.Now(), true); err != nil {
			t.Fatal(err)
		}
		_, holders[first] = rp(t, d, first).Refresh(holders[first].String("refresh_token"), nil)
		keys := published(t, d)
		mustVerify(t, keys, holders[first].String("id_token"))
		if len(keys.Keys) != 2 || len(keys.Key(mustParse(t, old).Signatures[0].Header.KeyID)) > 0 {
			t.Errorf("published after a leak: %v", keys)
		}
		p = member(t, d, ana)
		mustError(t, d, answered(t, p.Go(rp(t, d, first).AuthorizeURL(url.Values{"id_token_hint": {old}}))), "invalid_request")
	})
}
