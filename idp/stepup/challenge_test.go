package stepup_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	. "github.com/sallyport-id/sallyport/idp/stepup"
)

func TestParseChallenge(t *testing.T) {
	for name, test := range map[string]struct {
		lines []string
		want  Challenge // no scheme: nothing is found
	}{
		"none":           {nil, Challenge{}},
		"not ours":       {[]string{`Basic realm="x"`}, Challenge{}},
		"bare":           {[]string{`Bearer`}, Challenge{"Bearer", map[string]string{}}},
		"RFC 9470":       {[]string{`Bearer error="insufficient_user_authentication", error_description="A different authentication level is required", acr_values="myACR"`}, Challenge{"Bearer", map[string]string{"error": "insufficient_user_authentication", "error_description": "A different authentication level is required", "acr_values": "myACR"}}},
		"tokens":         {[]string{`bearer error=invalid_token,max_age=5`}, Challenge{"bearer", map[string]string{"error": "invalid_token", "max_age": "5"}}},
		"spaces":         {[]string{"Bearer  Error = \"a\"\t,, max_age\t=\t5 ,"}, Challenge{"Bearer", map[string]string{"error": "a", "max_age": "5"}}},
		"quoted":         {[]string{`Bearer error="a\"b\\c, DPoP error=\"x\"", scope="s"`}, Challenge{"Bearer", map[string]string{"error": `a"b\c, DPoP error="x"`, "scope": "s"}}},
		"several in one": {[]string{`Basic realm="a, b", DPoP algs="ES256", Bearer error="x"`}, Challenge{"Bearer", map[string]string{"error": "x"}}},
		"several lines":  {[]string{`Bearer`, `DPoP error="invalid_dpop_proof", algs="ES256"`}, Challenge{"DPoP", map[string]string{"error": "invalid_dpop_proof", "algs": "ES256"}}},
		"first error":    {[]string{`DPoP error="a"`, `Bearer error="b"`}, Challenge{"DPoP", map[string]string{"error": "a"}}},
		"said twice":     {[]string{`Bearer error="a", error="b"`}, Challenge{"Bearer", map[string]string{"error": "a"}}},
		"never closed":   {[]string{`Bearer error="a", scope="b`}, Challenge{"Bearer", map[string]string{"error": "a"}}},
		"no value":       {[]string{`Bearer error=, scope="b"`}, Challenge{"Bearer", map[string]string{}}},
		"garbage":        {[]string{`=,"`, "\x00Bearer"}, Challenge{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := ParseChallenge(http.Header{"Www-Authenticate": test.lines})
			if diff := cmp.Diff(test.want, got); diff != "" || ok != (test.want.Scheme != "") {
				t.Errorf("%t %s", ok, diff)
			}
		})
	}
}

func TestStepUpParameters(t *testing.T) {
	const insufficient = `Bearer error="insufficient_user_authentication", `
	for challenge, want := range map[string]string{
		`Bearer error="invalid_token", acr_values="x"`:                           "",
		`Bearer error="insufficient_scope", scope="x"`:                           "",
		`Bearer acr_values="x"`:                                                  "",
		insufficient + `error_description="x"`:                                   "",
		insufficient + `acr_values="phr urn:sallyport:acr:2fa"`:                  "acr_values=phr+urn%3Asallyport%3Aacr%3A2fa",
		insufficient + `max_age="5"`:                                             "max_age=5",
		insufficient + `max_age=0`:                                               "max_age=0",
		insufficient + `max_age="-5", acr_values="a"`:                            "acr_values=a",
		insufficient + `max_age="5&prompt=none", acr_values="a&prompt=none"`:     "acr_values=a%26prompt%3Dnone",
		insufficient + `acr_values="a", max_age="900", mfa_max_age="900"`:        "acr_values=a&claims=%7B%22id_token%22%3A%7B%22mfa_time%22%3A%7B%22max_age%22%3A900%7D%7D%7D",
		insufficient + `acr_values="a", max_age="900", mfa_max_age="900}}}, {{"`: "acr_values=a&max_age=900",
	} {
		c, _ := ParseChallenge(http.Header{"Www-Authenticate": {challenge}})
		q, ok := c.StepUp()
		if q.Encode() != want || ok != (want != "") {
			t.Errorf("%s: %t %s", challenge, ok, q.Encode())
		}
	}
}

// What an API says is what its caller reads.
func TestChallengeThereAndBack(t *testing.T) {
	p := newProvider(t)
	w, _ := call(p.verifier(), "", start, with(p.jwt(func(c object) { c["acr"] = `"weird", acr_values="phr` }))...)
	c, ok := ParseChallenge(w.Header())
	if !ok || c.Parameters["acr_values"] != ACR2FA || !strings.HasSuffix(c.Parameters["error_description"], "'weird', acr_values='phr") {
		t.Errorf("%t %v", ok, c)
	}
	q, ok := c.StepUp()
	if want := start.Wish(); !ok || q.Encode() != want.Encode() {
		t.Errorf("%v, want %v", q, want)
	}
}

// Whatever an API answers, reading it ends, and what is asked of the provider is
// of the form it must have.
func FuzzParseChallenge(f *testing.F) {
	f.Add(`Bearer error="insufficient_user_authentication", acr_values="phr", max_age="5"`)
	f.Add(`Basic realm="a\"", DPoP algs="ES256 PS256", Bearer error=x`)
	f.Fuzz(func(t *testing.T, line string) {
		c, ok := ParseChallenge(http.Header{"Www-Authenticate": {line}})
		if ok != (c.Scheme != "") {
			t.Fatalf("%t %v", ok, c)
		}
		q, _ := c.StepUp()
		for name := range q {
			if name != "acr_values" && name != "max_age" && name != "claims" {
				t.Errorf("asks for %s", name)
			}
		}
		if age := q.Get("max_age"); age != "" {
			if d, err := time.ParseDuration(age + "s"); err != nil || d < 0 {
				t.Errorf("max_age=%s", age)
			}
		}
	})
}
