package stepup_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"time"

	"github.com/sallyport-id/sallyport/idp/stepup"
)

// A product with one action that needs a second factor proved within a quarter
// of an hour. How it signs people in is its own business; here sessions and the
// way to the provider are as small as can be.
func ExampleRequireMFA() {
	need := stepup.Need{ACR: stepup.ACR2FA, MFAAge: 15 * time.Minute}
	sessions := map[string]stepup.Claims{ // by cookie, from verified ID tokens
		"ana": {ACR: stepup.ACR1FA, AuthTime: time.Now().Unix()},
		"olga": {ACR: stepup.ACR2FA, AuthTime: time.Now().Add(-time.Hour).Unix(),
			MFATime: time.Now().Add(-5 * time.Minute).Unix()},
	}
	guard := stepup.RequireMFA(stepup.Pages{
		Need: need,
		Session: func(r *http.Request) (stepup.Claims, bool) {
			cookie, err := r.Cookie("session")
			if err != nil {
				return stepup.Claims{}, false
			}
			claims, in := sessions[cookie.Value]
			return claims, in
		},
		StepUp: func(w http.ResponseWriter, r *http.Request, ask url.Values) {
			// With golang.org/x/oauth2: an oauth2.SetAuthURLParam for each of ask, and
			// state, nonce and verifier as at any sign-in. Note under state where
			// to lead afterwards.
			http.Redirect(w, r, "https://login.example.com/authorize?"+ask.Encode(), http.StatusSeeOther)
		},
	})
	start := guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "The remote session starts.")
	}))

	for _, who := range []string{"olga", "ana"} {
		r := httptest.NewRequest("POST", "/machines/front-desk/start", nil)
		r.AddCookie(&http.Cookie{Name: "session", Value: who})
		w := httptest.NewRecorder()
		start.ServeHTTP(w, r)
		if to, err := w.Result().Location(); err == nil {
			fmt.Println(who, "is asked:", to.Query().Get("claims"))
		} else {
			fmt.Println(who, w.Code, w.Body)
		}
	}

	// On the way back, with the claims of the new ID token:
	if err := need.Check(stepup.Claims{ACR: stepup.ACR1FA}, time.Now()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// olga 200 The remote session starts.
	// ana is asked: {"id_token":{"acr":{"essential":true,"value":"urn:sallyport:acr:2fa"},"mfa_time":{"essential":true,"max_age":900}}}
	// insufficient user authentication: urn:sallyport:acr:2fa or better is needed, and the sign-in is worth urn:sallyport:acr:1fa
}

// An API with one call that needs two factors, and one that any token of its
// audience may make.
func ExampleRequireBearer() {
	v := &stepup.Verifier{
		Issuer:   "https://login.example.com",
		Audience: []string{"https://control.example.com/api"},
		ClientID: "control-api", ClientSecret: os.Getenv("CONTROL_API_SECRET"),
	}
	twoFactors := stepup.Need{ACR: stepup.ACR2FA, MFAAge: 15 * time.Minute}
	mux := http.NewServeMux()
	mux.Handle("GET /api/machines", stepup.RequireBearer(v, "", stepup.Need{})(
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintln(w, "machines for", stepup.FromContext(r.Context()).Subject)
		})))
	mux.Handle("POST /api/machines/{name}/sessions", stepup.RequireBearer(v, "sessions:start", twoFactors)(
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintln(w, stepup.FromContext(r.Context()).Subject, "starts a session on", r.PathValue("name"))
		})))

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("POST", "/api/machines/front-desk/sessions", nil))
	fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
	// Output: 401 Bearer
}

// The product's front calls an API, which wants a second factor.
func ExampleParseChallenge() {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_user_authentication", acr_values="urn:sallyport:acr:2fa", max_age="900"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer api.Close()

	answer, err := http.Post(api.URL, "", nil) // with the access token, of course
	if err != nil {
		fmt.Println(err)
		return
	}
	defer answer.Body.Close()
	if challenge, ok := stepup.ParseChallenge(answer.Header); ok {
		if ask, ok := challenge.StepUp(); ok {
			fmt.Println("https://login.example.com/authorize?" + ask.Encode())
		}
	}
	// Output: https://login.example.com/authorize?acr_values=urn%3Asallyport%3Aacr%3A2fa&max_age=900
}

func ExampleAtLeast() {
	fmt.Println(stepup.AtLeast("phr", stepup.ACR2FA))
	fmt.Println(stepup.AtLeast(stepup.ACR2SV, stepup.ACR2FA))
	fmt.Println(stepup.AtLeast("gold", stepup.ACR1FA))
	// Output:
	// true
	// false
	// false
}
