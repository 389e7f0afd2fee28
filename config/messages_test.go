package config_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/config"
)

// A mail server, a gateway and an account at Twilio with which nothing is wrong.
const (
	mailServer = "SALLYPORT_MAIL_SERVER=smtp.example.com:587 SALLYPORT_MAIL_FROM=no-reply@example.com"
	gateway    = "SALLYPORT_TEXT_WEBHOOK_URL=https://sms.example.com/send SALLYPORT_TEXT_WEBHOOK_SECRET=hidden-0123456789abcdef0123456789"
	twilio     = "SALLYPORT_TEXT_TWILIO_ACCOUNT=AC0123456789abcdef0123456789abcdef SALLYPORT_TEXT_TWILIO_TOKEN=hidden SALLYPORT_TEXT_FROM=+41445551212"
)

// environ puts variables together, of which later ones win over earlier ones of the same name; NAME= unsets.
func environ(texts ...string) (all []string) {
	for _, text := range texts {
		for _, entry := range strings.Fields(text) {
			name, _, _ := strings.Cut(entry, "=")
			all = slices.DeleteFunc(all, func(e string) bool { return strings.HasPrefix(e, name+"=") })
			all = append(all, entry)
		}
	}
	return all
}

func TestMessagesThatCanBeSent(t *testing.T) {
	for name, env := range map[string][]string{
		"mail":                     environ(mailServer),
		"mail with a password":     environ(mailServer, "SALLYPORT_MAIL_USERNAME=u SALLYPORT_MAIL_PASSWORD=hidden"),
		"mail by TLS":              environ(mailServer, "SALLYPORT_MAIL_SERVER=smtp.example.com:465 SALLYPORT_MAIL_TLS=tls"),
		"mail without TLS":         environ(mailServer, "SALLYPORT_MAIL_TLS=none"),
		"mail on this machine":     environ(mailServer, "SALLYPORT_MAIL_SERVER=localhost:25 SALLYPORT_MAIL_TLS=none SALLYPORT_MAIL_USERNAME=u SALLYPORT_MAIL_PASSWORD=hidden"),
		"gateway":                  environ(gateway, "SALLYPORT_TEXT_NUMBER=+41445551212 SALLYPORT_TEXT_COUNTRIES=+41,+1604"),
		"gateway at home":          environ(gateway, "SALLYPORT_TEXT_WEBHOOK_URL=http://10.0.0.1:8000/send SALLYPORT_OUTBOUND_ALLOW_PRIVATE=true"),
		"Twilio":                   environ(twilio),
		"Twilio's short code":      environ(twilio, "SALLYPORT_TEXT_FROM=20100"),
		"Twilio with a name":       environ(twilio, "SALLYPORT_TEXT_FROM=2Sallyport"),
		"Twilio's service":         environ(twilio, "SALLYPORT_TEXT_FROM=MG0123456789abcdef0123456789abcdef"),
		"codes of half a minute":   environ("SALLYPORT_CODES_VALIDITY=30s"),
		"codes of five minutes":    environ("SALLYPORT_CODES_VALIDITY=5m"),
		"a single message per day": environ("SALLYPORT_CODES_COMPANY_DAILY=1"),
		"metadata":                 environ("SALLYPORT_WEBAUTHN_METADATA_FILE=" + MustWrite(t, "blob.jwt", "x")),
	} {
		t.Run(name, func(t *testing.T) { MustLoad(t, config.Sources{Environ: env}) })
	}
}

// Each row has one mistake; want are parts of the one problem that names it.
func TestMistakesAboutMessages(t *testing.T) {
	for name, test := range map[string]struct {
		env  []string
		file string
		want []string
	}{
		"mail server without port":      {env: environ(mailServer, "SALLYPORT_MAIL_SERVER=smtp.example.com"), want: []string{"mail.server (SALLYPORT_MAIL_SERVER)", "smtp.example.com:587"}},
		"mail server without host":      {env: environ(mailServer, "SALLYPORT_MAIL_SERVER=:587"), want: []string{"mail.server", "HOST:PORT"}},
		"mail server on port 0":         {env: environ(mailServer, "SALLYPORT_MAIL_SERVER=a:0"), want: []string{"mail.server", "HOST:PORT"}},
		"mail TLS of no kind":           {env: environ(mailServer, "SALLYPORT_MAIL_TLS=ssl"), want: []string{"mail.tls", `"ssl"`, "starttls, tls or none"}},
		"STARTTLS on the port of TLS":   {env: environ(mailServer, "SALLYPORT_MAIL_SERVER=a.example:465"), want: []string{"mail.tls (default)", "465", "write tls"}},
		"mail without sender":           {env: environ(mailServer, "SALLYPORT_MAIL_FROM="), want: []string{"mail.from", "needed with mail.server"}},
		"sender no address":             {env: environ(mailServer, "SALLYPORT_MAIL_FROM=Acme"), want: []string{"mail.from", "no address", "<no-reply@example.com>"}},
		"sender without server":         {env: environ("SALLYPORT_MAIL_FROM=a@b.example"), want: []string{"mail.from", "without mail.server"}},
		"password without server":       {env: environ("SALLYPORT_MAIL_PASSWORD=hidden"), want: []string{"mail.password (SALLYPORT_MAIL_PASSWORD)", "without mail.server"}},
		"user without password":         {env: environ(mailServer, "SALLYPORT_MAIL_USERNAME=u"), want: []string{"mail.password", "SALLYPORT_MAIL_PASSWORD_FILE"}},
		"password without user":         {env: environ(mailServer, "SALLYPORT_MAIL_PASSWORD=hidden"), want: []string{"mail.username", "needed"}},
		"password for all to read":      {env: environ(mailServer, "SALLYPORT_MAIL_TLS=none SALLYPORT_MAIL_USERNAME=u SALLYPORT_MAIL_PASSWORD=hidden"), want: []string{"mail.tls", "readable on the way"}},
		"password file missing":         {env: environ(mailServer, "SALLYPORT_MAIL_USERNAME=u SALLYPORT_MAIL_PASSWORD_FILE=/nowhere/p"), want: []string{"mail.password (SALLYPORT_MAIL_PASSWORD_FILE)", "/nowhere/p"}},
		"gateway no URL":                {env: environ(gateway, "SALLYPORT_TEXT_WEBHOOK_URL=sms.example.com/hidden"), want: []string{"text.webhook_url", "no URL"}},
		"gateway with a password":       {env: environ(gateway, "SALLYPORT_TEXT_WEBHOOK_URL=https://u:hidden@sms.example.com/"), want: []string{"text.webhook_url", "user name"}},
		"gateway without TLS":           {env: environ(gateway, "SALLYPORT_TEXT_WEBHOOK_URL=http://sms.example.com/hidden"), want: []string{"text.webhook_url", "write https", "outbound.allow_private"}},
		"gateway without secret":        {env: environ(gateway, "SALLYPORT_TEXT_WEBHOOK_SECRET="), want: []string{"text.webhook_secret", "openssl rand -base64 32", "SALLYPORT_TEXT_WEBHOOK_SECRET_FILE"}},
		"gateway's secret short":        {env: environ(gateway, "SALLYPORT_TEXT_WEBHOOK_SECRET=hidden"), want: []string{"text.webhook_secret", "too short"}},
		"secret without gateway":        {env: environ("SALLYPORT_TEXT_WEBHOOK_SECRET=hidden"), want: []string{"text.webhook_secret", "without text.webhook_url"}},
		"two carriers":                  {env: environ(gateway, twilio), want: []string{"text.twilio_account", "together with text.webhook_url (SALLYPORT_TEXT_WEBHOOK_URL)"}},
		"account no SID":                {env: environ(twilio, "SALLYPORT_TEXT_TWILIO_ACCOUNT=acme"), want: []string{"text.twilio_account", "AC and 32"}},
		"account without token":         {env: environ(twilio, "SALLYPORT_TEXT_TWILIO_TOKEN="), want: []string{"text.twilio_token", "SALLYPORT_TEXT_TWILIO_TOKEN_FILE"}},
		"account without sender":        {env: environ(twilio, "SALLYPORT_TEXT_FROM="), want: []string{"text.from", "needed with text.twilio_account"}},
		"sender with spaces":            {env: append(environ(twilio, "SALLYPORT_TEXT_FROM="), "SALLYPORT_TEXT_FROM=+41 44 555 12 12"), want: []string{"text.from", "+41445551212"}},
		"sender with a long name":       {env: environ(twilio, "SALLYPORT_TEXT_FROM=AcmeRocketsAG"), want: []string{"text.from", "11 letters"}},
		"token without account":         {env: environ("SALLYPORT_TEXT_TWILIO_TOKEN=hidden"), want: []string{"text.twilio_token", "without text.twilio_account"}},
		"sender of a gateway":           {env: environ(gateway, "SALLYPORT_TEXT_FROM=Acme"), want: []string{"text.from", "without text.twilio_account"}},
		"number with spaces":            {env: append(environ(gateway), "SALLYPORT_TEXT_NUMBER=044 555 12 12"), want: []string{"text.number", "+41445551212"}},
		"number without carrier":        {env: environ("SALLYPORT_TEXT_NUMBER=+41445551212"), want: []string{"text.number", "without text.webhook_url or text.twilio_account"}},
		"countries without carrier":     {env: environ("SALLYPORT_TEXT_COUNTRIES=+41"), want: []string{"text.countries", "without text.webhook_url or text.twilio_account"}},
		"country without plus":          {env: environ(gateway, "SALLYPORT_TEXT_COUNTRIES=+49,41"), want: []string{"text.countries", `"41"`, "+41,+49"}},
		"country by letters":            {env: environ(gateway, "SALLYPORT_TEXT_COUNTRIES=CH"), want: []string{"text.countries", `"CH"`}},
		"validity short":                {env: environ("SALLYPORT_CODES_VALIDITY=29s"), want: []string{"codes.validity", "is 29s", "30s to 5m"}},
		"validity long":                 {env: environ("SALLYPORT_CODES_VALIDITY=5m1s"), want: []string{"codes.validity", "5m1s"}},
		"validity no duration":          {env: environ("SALLYPORT_CODES_VALIDITY=soon"), want: []string{"codes.validity", "no duration"}},
		"no text messages a day":        {env: environ("SALLYPORT_CODES_COMPANY_DAILY=0"), want: []string{"codes.company_daily", "at least 1"}},
		"some text messages":            {env: environ("SALLYPORT_CODES_COMPANY_DAILY=some"), want: []string{"codes.company_daily", `"some"`, "digits"}},
		"metadata missing":              {env: environ("SALLYPORT_WEBAUTHN_METADATA_FILE=/nowhere/blob.jwt"), want: []string{"webauthn.metadata_file", "/nowhere/blob.jwt", "no such file", "mds3.fidoalliance.org"}},
		"metadata a folder":             {env: environ("SALLYPORT_WEBAUTHN_METADATA_FILE=/"), want: []string{"webauthn.metadata_file", "is no file"}},
		"password in another shape":     {env: environ(mailServer, "SALLYPORT_MAIL_USERNAME=u"), file: "mail:\n  password: {a: hidden}\n", want: []string{"mail.password", "sallyport.yaml:2", "another shape"}},
		"list of servers":               {file: "mail:\n  server: [a.example:25, hidden.example:25]\n", want: []string{"mail.server", "not a list"}},
		"gateway in another shape":      {env: environ("SALLYPORT_TEXT_NUMBER=+41445551212"), file: "text:\n  webhook_url: {a: hidden}\n", want: []string{"text.webhook_url", "another shape"}},
		"number of texts in words":      {file: "codes:\n  company_daily: 1e3\n", want: []string{"codes.company_daily", "sallyport.yaml:2", "no number"}},
		"a list of lists of countries":  {env: environ(gateway), file: "text:\n  countries: [[+41]]\n", want: []string{"text.countries", "another shape"}},
		"unknown key in a group's name": {file: "mail:\n  host: hidden\n", want: []string{"mail.host", "did you mean mail."}},
	} {
		t.Run(name, func(t *testing.T) {
			s := config.Sources{Environ: test.env}
			if test.file != "" {
				s.File = MustWrite(t, "sallyport.yaml", test.file)
			}
			_, err := config.Load(s)
			problems, ok := errors.AsType[config.Problems](err)
			if !ok || len(problems) != 1 || !containsAll(err.Error(), test.want) || problems[0].Remedy == "" {
				t.Errorf("got %v\nwant one problem with %q and a remedy", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "hidden") {
				t.Errorf("a secret is in the problem: %v", err)
			}
		})
	}
}

// What must not be seen among a command's arguments has no flag.
func TestSecretsHaveNoFlag(t *testing.T) {
	for _, o := range config.Options() {
		secret := slices.Contains([]string{"master_key", "mail.password", "text.webhook_secret", "text.twilio_token"}, o.Name)
		if secret != (o.Flag == "") {
			t.Errorf("%s: flag %q", o.Name, o.Flag)
		}
	}
}
