package notify_test

import (
	"errors"
	"testing"

	"github.com/sallyport-id/sallyport/login/notify"
)

func TestCheckNumber(t *testing.T) {
	for typed, want := range map[string]string{
		"+41791234567":                           "+41791234567",
		"+41 79 123 45 67":                       "+41791234567",
		" +41 79 123 45 67\n":                    "+41791234567",
		"0041 79 123 45 67":                      "+41791234567",
		"00 41 79 123 45 67":                     "+41791234567",
		"+41 (0)79 123 45 67":                    "+41791234567",
		"+41 (0) 79 123 45 67":                   "+41791234567",
		"+49-170/123.45.67":                      "+491701234567",
		"+1 (555) 010-9999":                      "+15550109999",
		"(+1) 555 010 9999":                      "",
		"\u202a+41\u00a079\u2009123‑45–67\u202c": "+41791234567",
		"+6834002":                               "+6834002", // Niue
		"+123456789012345":                       "+123456789012345",
		"+1234567890123456":                      "",
		"+123456":                                "",
		"079 123 45 67":                          "", // of which country?
		"41791234567":                            "",
		"":                                       "",
		"+":                                      "",
		"00":                                     "",
		"+0041791234567":                         "",
		"000041791234567":                        "",
		"++41791234567":                          "",
		"+41 79 123 45 67 ext. 4":                "",
		"+41 79 CALL ME":                         "",
		"+41791234567;+41791234568":              "",
		"+٤١٧٩١٢٣٤٥٦٧":                           "",
		"olga@acme.example":                      "",
	} {
		got, err := notify.CheckNumber(typed, nil)
		if got != want || errors.Is(err, notify.ErrNumberFormat) != (want == "") {
			t.Errorf("%q: %q, %v; want %q", typed, got, err, want)
		}
	}
}

func TestCheckNumberOfServedCountries(t *testing.T) {
	for _, test := range []struct {
		typed     string
		countries []string
		want      error
	}{
		{"+41791234567", []string{"+41", "+49"}, nil},
		{"0049 170 1234567", []string{"+41", "+49"}, nil},
		{"+33612345678", []string{"+41", "+49"}, notify.ErrNumberCountry},
		{"+4412345678", []string{"+41", "+49"}, notify.ErrNumberCountry},
		{"+16045550123", []string{"+1604"}, nil},
		{"+18765550123", []string{"+1604"}, notify.ErrNumberCountry},
		{"079 123 45 67", []string{"+41"}, notify.ErrNumberFormat},
	} {
		if _, err := notify.CheckNumber(test.typed, test.countries); !errors.Is(err, test.want) {
			t.Errorf("%s among %v: %v, want %v", test.typed, test.countries, err, test.want)
		}
	}
}

func TestMasks(t *testing.T) {
	for e164, want := range map[string]string{"+41791234542": "•••• 42", "+6834002": "•••• 02", "42": "••••", "": "••••"} {
		if got := notify.MaskNumber(e164); got != want {
			t.Errorf("%q: %q, want %q", e164, got, want)
		}
	}
	for address, want := range map[string]string{
		"ana@example.com": "a•••@example.com", "a@example.com": "a•••@example.com", "élise@example.com": "é•••@example.com",
		`"x@y"@example.com`: `"•••@example.com`, "@example.com": "•••", "nobody": "•••", "": "•••",
	} {
		if got := notify.MaskEmail(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}
