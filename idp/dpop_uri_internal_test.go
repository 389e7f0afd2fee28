package idp

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// RFC 9449 section 4.3, RFC 3986 sections 6.2.2 and 6.2.3.
func TestNormalURI(t *testing.T) {
	for raw, want := range map[string]string{
		"https://id.example/token":                   "https://id.example/token",
		"HTTPS://ID.Example/token":                   "https://id.example/token",
		"https://id.example:443/token":               "https://id.example/token",
		"https://id.example:/token":                  "https://id.example/token",
		"http://id.example:80/token":                 "http://id.example/token",
		"https://id.example:80/token":                "https://id.example:80/token",
		"http://id.example:443/token":                "http://id.example:443/token",
		"https://id.example:8443/token":              "https://id.example:8443/token",
		"https://id.example/token?a=b":               "https://id.example/token",
		"https://id.example/token#a":                 "https://id.example/token",
		"https://id.example/token?a=b#c":             "https://id.example/token",
		"https://id.example/Token":                   "https://id.example/Token",
		"https://id.example/token/":                  "https://id.example/token/",
		"https://id.example//token":                  "https://id.example//token",
		"https://id.example":                         "https://id.example/",
		"https://id.example/":                        "https://id.example/",
		"https://id.example?a=b":                     "https://id.example/",
		"https://id.example/%74oken":                 "https://id.example/token",
		"https://id.example/%7Eana":                  "https://id.example/~ana",
		"https://id.example/a%2fb":                   "https://id.example/a%2Fb",
		"https://id.example/a%2Fb":                   "https://id.example/a%2Fb",
		"https://id.example/a/b":                     "https://id.example/a/b",
		"https://id.example/ana%40acme.example":      "https://id.example/ana%40acme.example",
		"https://id.example/%252e":                   "https://id.example/%252e",
		"https://id.example/a/./b/../token":          "https://id.example/a/token",
		"https://id.example/%2e%2E/token":            "https://id.example/token",
		"https://id.example/../../token":             "https://id.example/token",
		"http://[::1]:8080/token":                    "http://[::1]:8080/token",
		"http://[2001:DB8::1]:80/token":              "http://[2001:db8::1]/token",
		"https://id.example/t%C3%B6ken":              "https://id.example/t%C3%B6ken",
		"":                                           "",
		"token":                                      "",
		"/token":                                     "",
		"//id.example/token":                         "",
		"https:/token":                               "",
		"https:///token":                             "",
		"https:id.example/token":                     "",
		"https://:443/token":                         "",
		"ftp://id.example/token":                     "",
		"javascript:alert(1)":                        "",
		"https://ana@id.example/token":               "",
		"https://id.example@evil.example/token":      "",
		"https://id.example/%zz":                     "",
		"https://id.example:port/token":              "",
		" https://id.example/token":                  "",
		"https://id.example/token\n":                 "",
		"https://id.example\\@evil.example/token":    "",
		"https://id.example/token%":                  "",
		"http://[::1/token":                          "",
		"https://id.example:443:443/token":           "",
		"https://id.example%2f.evil.example/token":   "",
		"https://id.example.evil.example/token":      "https://id.example.evil.example/token",
		"https://id.example/token;a=b":               "https://id.example/token;a=b",
		"https://id.example/token?":                  "https://id.example/token",
		"https://id.example/a%20b":                   "https://id.example/a%20b",
		"https://id.example/a+b":                     "https://id.example/a+b",
		"https://id.example/%2E/.%2e/token":          "https://id.example/token",
		"https://id.example/token/..":                "https://id.example/",
		"https://id.example/token/.":                 "https://id.example/token/",
		"https://id.example./token":                  "https://id.example./token",
		"https://xn--d1acufc.example/token":          "https://xn--d1acufc.example/token",
		"https://id.example/token?htu=https://a/b#c": "https://id.example/token",
	} {
		got, ok := normalURI(raw)
		if got != want || ok != (want != "") {
			t.Errorf("%q: %q %v, not %q", raw, got, ok, want)
		}
		if again, _ := normalURI(got); ok && again != got {
			t.Errorf("%q: normal is %q, and of that %q", raw, got, again)
		}
	}
}

// A request is where the world knows it to be: at the issuer, or where clients
// are asked for certificates.
func TestIsHere(t *testing.T) {
	plain := &Provider{Issuer: "https://id.example"}
	mutual := &Provider{Issuer: "https://id.example", MTLS: &MTLS{URL: "https://mtls.id.example:8443"}}
	r := httptest.NewRequest(http.MethodPost, "http://10.0.0.7:8080/api/v1/people/ana%40acme.example?limit=1", nil)
	for htu, want := range map[string]struct{ plain, mutual bool }{
		"https://id.example/api/v1/people/ana%40acme.example":                {true, true},
		"https://id.example:443/api/v1/people/ana%40acme.example?limit=2":    {true, true},
		"https://mtls.id.example:8443/api/v1/people/ana%40acme.example":      {false, true},
		"https://mtls.id.example/api/v1/people/ana%40acme.example":           {false, false},
		"http://10.0.0.7:8080/api/v1/people/ana%40acme.example":              {false, false},
		"https://id.example/api/v1/people/ben%40acme.example":                {false, false},
		"https://id.example.evil.example/api/v1/people/ana%40acme.example":   {false, false},
		"https://id.example/api/v1/people/x/../ana%40acme.example":           {true, true},
		"https://id.example/api/v1/people":                                   {false, false},
		"https://evil.example/?https://id.example/api/v1/people/ana%40a.com": {false, false},
	} {
		if got := plain.isHere(htu, r); got != want.plain {
			t.Errorf("%s: %v", htu, got)
		}
		if got := mutual.isHere(htu, r); got != want.mutual {
			t.Errorf("%s, with certificates: %v", htu, got)
		}
	}
}

func FuzzNormalURI(f *testing.F) {
	for _, seed := range []string{"https://id.example/token", "http://[::1]:80/%2e%2E/a%2fb?c#d", "https://a@b:443", "//x", "%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		once, ok := normalURI(raw)
		if twice, still := normalURI(once); ok && (!still || twice != once) {
			t.Errorf("%q: normal is %q, and of that %q", raw, once, twice)
		}
	})
}
