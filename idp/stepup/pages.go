package stepup

import (
	"net/http"
	"net/url"
	"time"
)

// Pages connects RequireMFA with the way a product signs people in.
type Pages struct {
	// Need is what the pages behind it ask for. Without an ACR in it, ACR2FA.
	Need Need
	// Session returns the claims of the verified ID token that the request's
	// session holds, and false where nobody is signed in. It must not return what
	// merely was asked for, nor claims of UserInfo.
	Session func(*http.Request) (Claims, bool)
	// StepUp sends the browser to the provider, by the product's own way of
	// signing in, with these parameters added to the authorization request. It
	// remembers under the request's state what the person wanted.
	//
	// Where the browser comes back to, the product keeps the new ID token's claims
	// in its session and asks Need.Check once more before it leads on: a
	// provider that doesn't know what was asked for would otherwise send the
	// browser in circles.
	StepUp func(w http.ResponseWriter, r *http.Request, ask url.Values)
	// Voluntary lets the person say [Not now]; see Need.Wish. Otherwise the
	// provider answers unmet_authentication_requirements, as Need.Demand says.
	Voluntary bool
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// RequireMFA lets those requests through to a handler whose session shows what
// is needed, at this moment, and gives all others to StepUp. It panics where
// Session or StepUp is missing, or the ACR is unknown.
//
// Ask before it whether the person may do at all what they want: nobody should
// set up an authenticator to learn that their role doesn't allow it.
func RequireMFA(p Pages) func(http.Handler) http.Handler {
	if p.Session == nil || p.StepUp == nil {
		panic("stepup: RequireMFA needs Session and StepUp")
	}
	if p.Need.ACR == "" {
		p.Need.ACR = ACR2FA
	}
	p.Need.must()
	if p.Now == nil {
		p.Now = time.Now
	}
	ask := p.Need.Demand
	if p.Voluntary {
		ask = p.Need.Wish
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			claims, in := p.Session(r)
			if !in || p.Need.Check(claims, p.Now()) != nil {
				p.StepUp(w, r, ask())
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}
