// Package stepup is the second door of a product: it asks for two-step
// verification where an action needs it, and believes only what came back. It is
// for products of any kind, and imports nothing of the provider.
//
// # Pages
//
// A product that signs people in with any OpenID Connect library keeps the
// claims of the verified ID token in its session ([Claims]). [RequireMFA] lets
// a request through whose session shows enough, and sends everybody else to
// prove what is missing:
//
//	guard := stepup.RequireMFA(stepup.Pages{
//		Need:    stepup.Need{ACR: stepup.ACR2FA, MFAAge: 15 * time.Minute},
//		Session: func(r *http.Request) (stepup.Claims, bool) { … },
//		StepUp:  func(w http.ResponseWriter, r *http.Request, ask url.Values) { … },
//	})
//	mux.Handle("POST /machines/{name}/start", guard(start))
//
// Session tells who is signed in, and StepUp goes the product's own way to the
// provider with the parameters in ask. On the way back the product replaces the
// claims in its session by those of the new ID token, asks [Need.Check], and leads on.
// That something was asked for proves nothing: acr_values is a wish, and a second
// factor that was good an hour ago may be too old by now.
//
// # APIs
//
// [RequireBearer] takes access tokens: JWTs (RFC 9068), which it verifies with the
// provider's keys, and opaque ones, which it asks the provider about at each call
// (RFC 7662). It checks whom they are meant for, their scope, and how and when the
// person behind them signed in, and says what is missing (RFC 9470):
//
//	v := &stepup.Verifier{
//		Issuer:   "https://login.example.com",
//		Audience: []string{"https://control.example.com/api"},
//		ClientID: "control-api", ClientSecret: secret,
//	}
//	guard := stepup.RequireBearer(v, "sessions:start", stepup.Need{ACR: stepup.ACR2FA, MFAAge: 15 * time.Minute})
//	mux.Handle("POST /api/machines/{name}/sessions", guard(start))
//
// Behind it, [FromContext] has the token. Whoever calls such an API reads the
// refusal with [ParseChallenge], sends the person to the provider with
// [Challenge.StepUp], and repeats the call with the new token.
//
// A token that is bound to a key is never taken for a bearer token. With
// Verifier.BaseURL set, proofs of possession are verified (DPoP, RFC 9449); tokens
// bound to certificates are refused.
//
// # What it doesn't do
//
// It signs nobody in, keeps no sessions, and decides nothing about roles: ask
// those first, so that nobody sets up an authenticator to be told no. It reads
// the clock of its machine, which must be right to within ten seconds.
package stepup
