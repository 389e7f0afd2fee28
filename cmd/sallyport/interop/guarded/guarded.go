// Package guarded has two doors to one action, a page and an API, and both take a second factor of the last 15 minutes.
package guarded

import (
	"net/http"
	"net/url"
	"time"

	"github.com/sallyport-id/sallyport/idp/stepup"
)

// Need is what the action asks of a sign-in. Ask for it again where the browser comes back to: Need.Check(claims, now).
var Need = stepup.Need{ACR: stepup.ACR2FA, MFAAge: 15 * time.Minute}

// Product is your own: it keeps sessions and signs people in, by any library.
type Product interface {
	// Claims are those of the verified ID token in the request's session; false: nobody is signed in.
	Claims(*http.Request) (stepup.Claims, bool)
	// SignIn sends the browser to Sallyport, with more parameters than usual.
	SignIn(w http.ResponseWriter, r *http.Request, more url.Values)
}

// Handler serves an action on a page, to people, and in an API, to programs with an access token.
func Handler(p Product, v *stepup.Verifier, action http.Handler) http.Handler {
	page := stepup.RequireMFA(stepup.Pages{Need: Need, Session: p.Claims, StepUp: p.SignIn})
	call := stepup.RequireBearer(v, "", Need) // a scope could stand here, such as sessions:start
	mux := http.NewServeMux()
	mux.Handle("POST /machines/{name}/start", page(action))
	mux.Handle("POST /api/machines/{name}/sessions", call(action))
	return mux
}
