package protocoltest_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
)

const pairwiseProducts = `
products:
  - id: api
    name: API
    secret_hash: ${SECRET_HASH}
    redirect_uris: ["https://rp.example/callback"]
    api: { resource: "https://api.example", scopes: [{ id: read, name: Read }] }
  - id: left
    name: Left
    first_party: true
    secret_hash: ${SECRET_HASH}
    scopes: [openid, profile, email]
    redirect_uris: ["https://rp.example/callback"]
    resources: ["https://api.example"]
  - id: right
    name: Right
    first_party: true
    secret_hash: ${SECRET_HASH}
    scopes: [openid, profile, email]
    redirect_uris: ["https://rp.example/callback"]
    resources: ["https://api.example"]
`

// OpenID Connect Core section 8.1: clients of one sector share a subject that
// others don't know, and it is the same wherever a client is told of the person.
func TestCoreSection8_1PairwiseSubjects(t *testing.T) {
	both(t, pairwiseProducts, func(t *testing.T, w *world) {
		put := func(id, sector string) {
			w.put(t, id, func(c *storage.Client) { c.Pairwise, c.Sector = sector != "", sector })
		}
		put("left", "rp.example")
		put("right", "rp.example")
		p := w.member(t, ana)
		subject := func(id string) string {
			t.Helper()
			return w.subjectEverywhere(t, p, w.rp(t, id))
		}
		public := subject("first")
		left, right := subject("left"), subject("right")
		if left != right || left == public || len(left) < 22 {
			t.Errorf("one sector: %s, %s; public: %s", left, right, public)
		}
		put("right", "other.example")
		if other := subject("right"); other == left || other == public {
			t.Errorf("another sector: %s, %s", left, other)
		}
		// Each person has one of their own; and it stays.
		if ben := w.subjectEverywhere(t, w.member(t, "ben@acme.example"), w.rp(t, "left")); ben == left {
			t.Errorf("two people: %s", ben)
		}
		if again := subject("left"); again != left {
			t.Errorf("it was %s and is %s", left, again)
		}
		put("left", "")
		if now := subject("left"); now != public {
			t.Errorf("public: %s, %s", now, public)
		}
	})
}

// A logout token has the subject that the client knows (OpenID Connect
// Back-Channel Logout 1.0 section 2.4), and the client names the person by it in
// a hint.
func TestCoreSection8_1PairwiseSubjectsComeAndGo(t *testing.T) {
	both(t, pairwiseProducts, func(t *testing.T, w *world) {
		told := make(chan string, 1)
		at := servertest.Serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { told <- r.PostFormValue("logout_token") }))
		w.put(t, "left", func(c *storage.Client) { c.Pairwise, c.Sector, c.BackchannelLogoutURI = true, "rp.example", at })
		p, rp := w.member(t, ana), w.rp(t, "left")
		hers := tokensFor(t, p, rp, nil).String("id_token")
		his := tokensFor(t, w.member(t, "ben@acme.example"), rp, nil).String("id_token")
		for hint, want := range map[string]string{hers: "", his: "login_required"} {
			q := p.Go(rp.AuthorizeURL(url.Values{"prompt": {"none"}, "id_token_hint": {hint}})).URL.Query()
			if q.Get("error") != want || q.Has("code") != (want == "") {
				t.Errorf("want %q: %v", want, q)
			}
		}
		w.signedOut(t, p)
		w.Delivered()
		c := w.read(t, <-told, "logout+jwt")
		if want := w.read(t, hers, "JWT"); c["sub"] != want["sub"] || c["sid"] != want["sid"] || c["aud"] != "left" {
			t.Errorf("%v, and the ID token said %v", c, want)
		}
	})
}

// subjectEverywhere is a person's subject at a client, which must be the same
// in the ID token, in userinfo, in introspection and in a JWT access token.
func (w *world) subjectEverywhere(t testing.TB, p *servertest.Person, rp *servertest.RP) string {
	t.Helper()
	tokens := tokensFor(t, p, rp, nil)
	sub := w.read(t, tokens.String("id_token"), "JWT").String("sub")
	_, claims := rp.Userinfo(tokens.String("access_token"))
	found := map[string]string{"userinfo": claims.String("sub"), "introspection": introspected(t, rp, tokens.String("access_token")).String("sub")}
	if rp.ClientID != "first" {
		a := tokensFor(t, p, rp, url.Values{"resource": {"https://api.example"}, "scope": {"openid read"}})
		found["access token"] = w.read(t, a.String("access_token"), "at+jwt").String("sub")
		found["introspection by the API"] = introspected(t, w.rp(t, "api"), a.String("access_token")).String("sub")
	}
	for where, got := range found {
		if got != sub || sub == "" {
			t.Errorf("%s: %s says %q, the ID token %q", rp.ClientID, where, got, sub)
		}
	}
	return sub
}
