package protocoltest_test

import (
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"testing"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// entra speaks to a product in the words of Microsoft Entra's external
// authentication methods.
func entra(c *storage.Client) {
	c.ResponseTypes, c.IDTokenAlg = []string{"id_token"}, "RS256"
	c.ClaimProfile = storage.ClaimProfile{
		ACR: map[string]string{"urn:sallyport:acr:2fa": "possessionorinherence", "phr": "possessionorinherence", "phrh": "possessionorinherence"},
		AMR: map[string]string{"pwd": "", "mfa": "", "user": "", "backup_code": "", "recovery_code": "", "email": "", "pop": "fido", "hwk": "fido", "swk": "fido"},
	}
}

// entraAsks is how it asks: an ID token by a form, essential claims in its own
// words.
func entraAsks(rp *servertest.RP) url.Values {
	return parametersOf(rp, url.Values{
		"response_type": {"id_token"}, "response_mode": {"form_post"}, "scope": {"openid"}, "code_challenge": {""}, "code_challenge_method": {""},
		"claims": {`{"id_token":{"amr":{"essential":true,"values":["face","fido","fpt","hwk","iris","otp","pop","retina","sc","sms","swk","tel","vbm"]},` +
			`"acr":{"essential":true,"values":["possessionorinherence"]}}}`},
	})
}

func TestClaimProfileOfEntra(t *testing.T) {
	both(t, "", func(t *testing.T, w *world) {
		w.set(t, "first", entra)
		rp := w.rp(t, "first")
		// A password is not what it asks for: a factor has to be set up first.
		p := signIn(w.visitor(t).Post(w.URL+"/authorize", entraAsks(rp)), ana)
		p.MustBeAt("/login/why")
		seed := []byte("12345678901234567890")
		key := base32.StdEncoding.EncodeToString(seed)
		w.change(t, func(tx *storage.Tx) error {
			id := userID(t, w, ana)
			app := storage.Factor{ID: "app", UserID: id, Kind: "totp", Name: "Phone", Secret: seed}
			return errors.Join(tx.InsertFactor(t.Context(), app, 0, w.Clock.Now()), tx.SetTwoStep(t.Context(), id, true, w.Clock.Now()))
		})
		p = signIn(w.visitor(t).Post(w.URL+"/authorize", entraAsks(rp)), ana)
		p.MustBeAt("/login/totp").Submit(map[string]string{"code": servertest.Code(t, key, w.Clock.Now())})
		claims := w.mustVerify(t, posted(t, w, p).Get("id_token"))
		if claims["acr"] != "possessionorinherence" || fmt.Sprint(claims["amr"]) != "[otp]" || fmt.Sprint(claims["amr_times"]) == "" || claims["nonce"] != "some nonce" {
			t.Errorf("%v", claims)
		}
		for name := range claims["amr_times"].(map[string]any) {
			if name != "otp" {
				t.Errorf("amr_times tells of %s", name)
			}
		}
		// Who has the session gets the same at once, and other products are told in
		// our own words.
		claims = w.mustVerify(t, posted(t, w, p.Post(w.URL+"/authorize", entraAsks(rp))).Get("id_token"))
		if claims["acr"] != "possessionorinherence" {
			t.Errorf("%v", claims)
		}
		w.set(t, "first", func(c *storage.Client) { c.ClaimProfile, c.ResponseTypes = storage.ClaimProfile{}, nil })
		claims = w.mustVerify(t, tokensFor(t, p, rp, nil).String("id_token"))
		if claims["acr"] != "urn:sallyport:acr:2fa" || fmt.Sprint(claims["amr"]) != "[pwd otp mfa]" {
			t.Errorf("%v", claims)
		}
	})
}

// A profile that got into the database in some other way than by apply, which
// refuses it, doesn't say more than was proved either.
func TestClaimProfileNeverStrengthens(t *testing.T) {
	w := start(t, "sqlite", "")
	wrong := storage.ClaimProfile{ACR: map[string]string{"urn:sallyport:acr:1fa": "phr"}, AMR: map[string]string{"pwd": "hwk"}}
	if problems := policy.ClaimProfile(wrong).Check(); len(problems) != 2 {
		t.Errorf("%v", problems)
	}
	w.set(t, "first", func(c *storage.Client) { c.ClaimProfile = wrong })
	rp, p := w.rp(t, "first"), w.member(t, ana)
	claims := w.mustVerify(t, tokensFor(t, p, rp, nil).String("id_token"))
	if claims["acr"] != nil || len(list(claims["amr"])) != 0 {
		t.Errorf("%v", claims)
	}
	// Nor does its word for a level make that level easier to earn.
	q := mustArrive(t, p.Go(rp.AuthorizeURL(url.Values{"prompt": {"none"}, "claims": {`{"id_token":{"acr":{"essential":true,"value":"phr"}}}`}})))
	mustBeTold(t, w, q, "interaction_required")
}

// caller is registered as docs/integrate/authorization-requests.md says.
const caller = `
products:
  - id: caller
    name: Caller
    auth_method: none
    grant_types: [implicit]
    response_types: [id_token]
    redirect_uris: ["https://rp.example/callback"]
    claim_profile:
      acr: {"urn:sallyport:acr:2fa": possessionorinherence, phr: possessionorinherence, phrh: possessionorinherence}
      amr: {pwd: "", mfa: "", user: "", email: "", backup_code: "", recovery_code: "", pop: fido, hwk: fido, swk: fido}
`

func TestClaimProfileIsDeclared(t *testing.T) {
	both(t, caller, func(t *testing.T, w *world) {
		rp := servertest.NewRP(t, w.Instance, "caller", "", callback)
		p := signIn(w.visitor(t).Go(rp.AuthorizeURL(url.Values{"response_type": {"id_token"}})), ana)
		p.MustBeAt("/login/consent").Submit(map[string]string{"allow": "1"})
		claims := w.mustVerify(t, fragment(t, p).Get("id_token"))
		// What its profile doesn't name is said as it is; what is left out isn't there.
		if claims["acr"] != "urn:sallyport:acr:1fa" || claims["email"] != ana || len(list(claims["amr"])) != 0 {
			t.Errorf("%v", claims)
		}
		mustBeTold(t, w, mustArrive(t, p.Go(rp.AuthorizeURL(nil))), "unsupported_response_type")
	})
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}
