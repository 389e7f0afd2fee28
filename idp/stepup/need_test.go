package stepup_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	. "github.com/sallyport-id/sallyport/idp/stepup"
)

var nine = time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC)

func ago(d time.Duration) int64 { return nine.Add(-d).Unix() }

func TestCheck(t *testing.T) {
	const quarter = 15 * time.Minute
	both := Need{ACR: ACR2FA, MFAAge: quarter}
	for name, test := range map[string]struct {
		need   Need
		claims Claims
		reason string // "" if it is enough
	}{
		"nothing asked, nothing there": {Need{}, Claims{}, ""},
		"level":                        {Need{ACR: ACR2FA}, Claims{ACR: ACR2FA}, ""},
		"stronger":                     {Need{ACR: ACR2FA}, Claims{ACR: ACRPHRH}, ""},
		"weaker":                       {Need{ACR: ACR2FA}, Claims{ACR: ACR2SV}, "urn:sallyport:acr:2fa or better is needed, and the sign-in is worth urn:sallyport:acr:2sv"},
		"no acr":                       {Need{ACR: ACR1FA}, Claims{AMR: []string{"pwd", "otp", "mfa"}}, "urn:sallyport:acr:1fa or better is needed, and the sign-in is worth nothing that it names"},

		"mfa_time now":                  {both, Claims{ACR: ACR2FA, MFATime: ago(0)}, ""},
		"mfa_time at its last second":   {both, Claims{ACR: ACR2FA, MFATime: ago(quarter)}, ""},
		"mfa_time one second too old":   {both, Claims{ACR: ACR2FA, MFATime: ago(quarter + time.Second)}, "the second factor must have been proved at most 15m0s ago"},
		"mfa_time missing":              {both, Claims{ACR: ACR2FA}, "no second factor was proved"},
		"mfa_time as far ahead as may":  {both, Claims{ACR: ACR2FA, MFATime: ago(-10 * time.Second)}, ""},
		"mfa_time in the future":        {both, Claims{ACR: ACR2FA, MFATime: ago(-11 * time.Second)}, "the second factor must have been proved at most 15m0s ago"},
		"mfa_time below zero":           {both, Claims{ACR: ACR2FA, MFATime: -1}, "the second factor must have been proved at most 15m0s ago"},
		"mfa_time doesn't make a level": {both, Claims{ACR: ACR1FA, MFATime: ago(0)}, "urn:sallyport:acr:2fa or better is needed, and the sign-in is worth urn:sallyport:acr:1fa"},
		"an age without a level":        {Need{MFAAge: quarter}, Claims{MFATime: ago(quarter)}, ""},
		"auth_time is no mfa_time":      {Need{MFAAge: quarter}, Claims{AuthTime: ago(0)}, "no second factor was proved"},

		"auth_time at its last second": {Need{AuthAge: time.Hour}, Claims{AuthTime: ago(time.Hour)}, ""},
		"auth_time one second too old": {Need{AuthAge: time.Hour}, Claims{AuthTime: ago(time.Hour + time.Second)}, "the sign-in must be at most 1h0m0s old"},
		"auth_time missing":            {Need{AuthAge: time.Hour}, Claims{MFATime: ago(0)}, "the token doesn't say when the sign-in was"},
		"auth_time in the future":      {Need{AuthAge: time.Hour}, Claims{AuthTime: ago(-11 * time.Second)}, "the sign-in must be at most 1h0m0s old"},
		"mfa_time is no auth_time":     {Need{AuthAge: time.Hour, MFAAge: quarter}, Claims{AuthTime: ago(2 * time.Hour), MFATime: ago(0)}, "the sign-in must be at most 1h0m0s old"},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.need.Check(test.claims, nine)
			var short *Insufficient
			switch {
			case test.reason == "" && err != nil:
				t.Error(err)
			case test.reason != "" && (!errors.As(err, &short) || short.Reason != test.reason):
				t.Errorf("%v, want %s", err, test.reason)
			}
		})
	}
}

func TestWhatIsAskedFor(t *testing.T) {
	for _, test := range []struct {
		need         Need
		demand, wish url.Values
	}{
		{Need{}, url.Values{}, url.Values{}},
		{
			Need{ACR: ACR2FA},
			url.Values{"claims": {`{"id_token":{"acr":{"essential":true,"value":"urn:sallyport:acr:2fa"}}}`}},
			url.Values{"acr_values": {"urn:sallyport:acr:2fa"}},
		},
		{
			Need{ACR: ACRPHR, MFAAge: 15 * time.Minute},
			url.Values{"claims": {`{"id_token":{"acr":{"essential":true,"value":"phr"},"mfa_time":{"essential":true,"max_age":900}}}`}},
			url.Values{"acr_values": {"phr"}, "claims": {`{"id_token":{"mfa_time":{"max_age":900}}}`}},
		},
		{Need{AuthAge: time.Hour}, url.Values{"max_age": {"3600"}}, url.Values{"max_age": {"3600"}}},
		{Need{AuthAge: time.Millisecond}, url.Values{"max_age": {"1"}}, url.Values{"max_age": {"1"}}},
	} {
		for what, pair := range map[string][2]url.Values{"demand": {test.need.Demand(), test.demand}, "wish": {test.need.Wish(), test.wish}} {
			if pair[0].Encode() != pair[1].Encode() {
				t.Errorf("%s of %+v: %v, want %v", what, test.need, pair[0], pair[1])
			}
		}
	}
}

func TestRequireMFA(t *testing.T) {
	for name, test := range map[string]struct {
		need      Need
		voluntary bool
		session   *Claims
		ask       string // "" if the request goes through
	}{
		"signed out":         {Need{}, false, nil, `{"id_token":{"acr":{"essential":true,"value":"urn:sallyport:acr:2fa"}}}`},
		"password":           {Need{}, false, &Claims{ACR: ACR1FA}, `{"id_token":{"acr":{"essential":true,"value":"urn:sallyport:acr:2fa"}}}`},
		"no claims":          {Need{}, false, &Claims{}, `{"id_token":{"acr":{"essential":true,"value":"urn:sallyport:acr:2fa"}}}`},
		"two factors":        {Need{}, false, &Claims{ACR: ACR2FA}, ""},
		"by another name":    {Need{}, false, &Claims{ACR: "https://refeds.org/profile/mfa"}, ""},
		"age met":            {Need{MFAAge: time.Minute}, false, &Claims{ACR: ACRPHR, MFATime: ago(time.Minute)}, ""},
		"age passed":         {Need{MFAAge: time.Minute}, false, &Claims{ACR: ACRPHR, MFATime: ago(61 * time.Second)}, `{"id_token":{"acr":{"essential":true,"value":"urn:sallyport:acr:2fa"},"mfa_time":{"essential":true,"max_age":60}}}`},
		"weak, may say no":   {Need{MFAAge: time.Minute}, true, &Claims{ACR: ACR1FA}, `{"id_token":{"mfa_time":{"max_age":60}}}`},
		"a level is enough":  {Need{ACR: ACR1FA}, false, &Claims{ACR: ACR2SV}, ""},
		"a level isn't":      {Need{ACR: ACRPHR}, false, &Claims{ACR: ACR2FA}, `{"id_token":{"acr":{"essential":true,"value":"phr"}}}`},
		"signed out, 0 need": {Need{ACR: ACR1FA}, false, nil, `{"id_token":{"acr":{"essential":true,"value":"urn:sallyport:acr:1fa"}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			var asked url.Values
			guard := RequireMFA(Pages{
				Need: test.need, Voluntary: test.voluntary, Now: func() time.Time { return nine },
				Session: func(*http.Request) (Claims, bool) {
					if test.session == nil {
						return Claims{ACR: ACRPHRH}, false // of whoever was here before
					}
					return *test.session, true
				},
				StepUp: func(w http.ResponseWriter, _ *http.Request, ask url.Values) {
					asked = ask
					w.WriteHeader(http.StatusSeeOther)
				},
			})
			through := false
			answer := httptest.NewRecorder()
			guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { through = true })).ServeHTTP(answer, httptest.NewRequest("GET", "/", nil))
			if through != (test.ask == "") || asked.Get("claims") != test.ask || asked.Has("acr_values") != test.voluntary {
				t.Errorf("through: %t, asked %v", through, asked)
			}
		})
	}
}

func TestSlipsAreFoundAtTheStart(t *testing.T) {
	session := func(*http.Request) (Claims, bool) { return Claims{}, true }
	stepUp := func(http.ResponseWriter, *http.Request, url.Values) {}
	for name, slip := range map[string]func(){
		"no Session":           func() { RequireMFA(Pages{StepUp: stepUp}) },
		"no StepUp":            func() { RequireMFA(Pages{Session: session}) },
		"unknown level":        func() { RequireMFA(Pages{Session: session, StepUp: stepUp, Need: Need{ACR: "2fa"}}) },
		"unknown level, API":   func() { RequireBearer(&Verifier{}, "", Need{ACR: "2fa"}) },
		"nothing wrong at all": nil,
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if found := recover() != nil; found != (slip != nil) {
					t.Errorf("panics: %t", found)
				}
			}()
			if slip == nil {
				RequireMFA(Pages{Session: session, StepUp: stepUp})
				RequireBearer(&Verifier{}, "", Need{ACR: ACR2FA})
				return
			}
			slip()
		})
	}
}
