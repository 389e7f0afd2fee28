package stepup

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// skew is how far the provider's clock may run ahead of ours.
const skew = 10 * time.Second

// Claims is what a token says of a sign-in. The names are those of an ID token,
// of an access token (RFC 9068) and of introspection, so a verified one decodes
// into it.
type Claims struct {
	// ACR is how much the sign-in is worth.
	ACR string `json:"acr,omitempty"`
	// AMR is what was proved, for show: decide by ACR.
	AMR []string `json:"amr,omitempty"`
	// AuthTime is when the latest full sign-in was, in Unix seconds; 0: not said.
	AuthTime int64 `json:"auth_time,omitempty"`
	// MFATime is when a second factor was last proved, in Unix seconds; 0: never.
	MFATime int64 `json:"mfa_time,omitempty"`
}

// Need is what an action asks of the sign-in. The zero Need asks for nothing.
type Need struct {
	// ACR is the least that will do, one of the constants of this package; a
	// stronger one will do too.
	ACR string
	// MFAAge is how long ago the second factor may have been proved; 0: whenever.
	// It is asked for without a new password.
	MFAAge time.Duration
	// AuthAge is how long ago the full sign-in may have been, password and all;
	// 0: whenever.
	AuthAge time.Duration
}

// Insufficient is why a sign-in isn't enough.
type Insufficient struct {
	Need   Need
	Claims Claims
	// Reason is for a developer, in one line.
	Reason string
	// fullSignIn is set where a second factor alone wouldn't mend it.
	fullSignIn bool
}

func (e *Insufficient) Error() string { return "insufficient user authentication: " + e.Reason }

// Check is nil if a sign-in is enough now, else an *Insufficient. The claims
// must be those of a verified token. That a level was asked for proves nothing:
// check what came back, whenever it is about to be relied upon.
//
// An age is enough up to and including its last second. A time that lies in the
// future by more than clocks may differ counts as never.
func (n Need) Check(c Claims, now time.Time) error {
	short := func(full bool, format string, args ...any) error {
		return &Insufficient{Need: n, Claims: c, Reason: fmt.Sprintf(format, args...), fullSignIn: full}
	}
	switch {
	case n.AuthAge > 0 && c.AuthTime == 0:
		return short(true, "the token doesn't say when the sign-in was")
	case n.AuthAge > 0 && !within(c.AuthTime, n.AuthAge, now):
		return short(true, "the sign-in must be at most %s old", n.AuthAge)
	case n.ACR != "" && !AtLeast(c.ACR, n.ACR):
		return short(false, "%s or better is needed, and the sign-in is worth %s", n.ACR, orNothing(c.ACR))
	case n.MFAAge > 0 && c.MFATime == 0:
		return short(false, "no second factor was proved")
	case n.MFAAge > 0 && !within(c.MFATime, n.MFAAge, now):
		return short(false, "the second factor must have been proved at most %s ago", n.MFAAge)
	}
	return nil
}

func within(at int64, age time.Duration, now time.Time) bool {
	t := time.Unix(at, 0)
	return !t.After(now.Add(skew)) && !now.After(t.Add(age))
}

func orNothing(acr string) string {
	if acr == "" {
		return "nothing that it names"
	}
	return acr
}

// Demand is what to add to an authorization request (OpenID Connect Core
// section 5.5) so that the person comes back with what is needed or not at all:
// the answer is then the error unmet_authentication_requirements.
func (n Need) Demand() url.Values {
	return n.parameters(func(idToken map[string]map[string]any, _ url.Values) {
		if n.ACR != "" {
			idToken["acr"] = map[string]any{"essential": true, "value": n.ACR}
		}
		if n.MFAAge > 0 {
			idToken["mfa_time"] = map[string]any{"essential": true, "max_age": seconds(n.MFAAge)}
		}
	})
}

// Wish is what to add to an authorization request so that the person is asked
// for what is needed, and may say [Not now]: the answer is then a token that
// shows less.
func (n Need) Wish() url.Values {
	return n.parameters(func(idToken map[string]map[string]any, q url.Values) {
		if n.ACR != "" {
			q.Set("acr_values", n.ACR)
		}
		if n.MFAAge > 0 {
			idToken["mfa_time"] = map[string]any{"max_age": seconds(n.MFAAge)}
		}
	})
}

func (n Need) parameters(add func(idToken map[string]map[string]any, q url.Values)) url.Values {
	q, idToken := url.Values{}, make(map[string]map[string]any)
	add(idToken, q)
	if len(idToken) > 0 {
		claims, err := json.Marshal(map[string]any{"id_token": idToken})
		if err != nil {
			panic(err) // plain maps always encode
		}
		q.Set("claims", string(claims))
	}
	if n.AuthAge > 0 {
		q.Set("max_age", strconv.FormatInt(seconds(n.AuthAge), 10))
	}
	return q
}

// seconds rounds up: an age below a second must not become 0, which would ask
// for a proof at every request.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// must panics where a need can never be met because its ACR isn't known: that is
// a slip of the pen, better found when the product starts.
func (n Need) must() {
	if n.ACR != "" && rung(n.ACR) < 0 {
		panic(fmt.Sprintf("stepup: %q is no acr value of Sallyport's", n.ACR))
	}
}
