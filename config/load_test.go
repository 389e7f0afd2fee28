package config_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"math/big"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport-id/sallyport/config"
)

func MustWrite(t *testing.T, name, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func MustLoad(t *testing.T, s config.Sources) config.Config {
	t.Helper()
	c, err := config.Load(s)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return c
}

// same compares what a Config says, not how it holds secrets or where values came from.
func same() cmp.Options {
	return cmp.Options{
		cmpopts.IgnoreUnexported(config.Config{}),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
		cmp.Comparer(func(a, b config.Secret) bool { return a.Reveal() == b.Reveal() }),
		cmp.Comparer(func(a, b config.DatabaseURL) bool { return a.Reveal() == b.Reveal() }),
	}
}

func database(t *testing.T, text string) config.DatabaseURL {
	t.Helper()
	d, err := config.ParseDatabaseURL(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestNothingSet(t *testing.T) {
	want := config.Config{
		Issuer:        "http://localhost:8080",
		Listen:        "localhost:8080",
		DatabaseURL:   database(t, "sqlite:./data/sallyport.db"),
		MasterKeyFile: "data/master.key",
		LogFormat:     "text",
		Sessions:      config.Sessions{Idle: time.Hour, Absolute: 12 * time.Hour},
		Mail:          config.Mail{TLS: "starttls"},
		Codes:         config.Codes{Validity: 90 * time.Second, CompanyDaily: 1000},
		Keys:          config.Keys{RotateEvery: 90 * 24 * time.Hour},
		ProductName:   "localhost",
	}
	if diff := cmp.Diff(want, MustLoad(t, config.Sources{}), same()); diff != "" {
		t.Error(diff)
	}
}

const complete = `
issuer: https://id.example.com
listen: :9000
database_url: "postgres://sallyport:hidden@db/sallyport?sslpassword=hidden"
trusted_proxies:
  - 10.0.0.0/8
  - 192.0.2.1
master_key: 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
log_level: debug
log_format: json
metrics_listen: localhost:9100
sessions:
  idle: 30m
  absolute: 8h
limits:
  exempt_networks: 198.51.100.0/24
outbound:
  allow_private: true
mail:
  server: smtp.example.com:465
  tls: tls
  username: sallyport
  password: hidden
  from: Acme Sign-in <no-reply@example.com>
text:
  webhook_url: http://sms.internal/send
  webhook_secret: hidden-0123456789abcdef0123456789
  number: +41445551212
  countries: [+41, +49]
codes:
  validity: 3m
  company_daily: 50
audit:
  retention: 400d
  stream: true
keys:
  rotate_every: 60d
product_name: Example
`

func TestEveryOptionInTheFile(t *testing.T) {
	want := config.Config{
		Issuer:         "https://id.example.com",
		Listen:         ":9000",
		DatabaseURL:    database(t, "postgres://sallyport:hidden@db/sallyport?sslpassword=hidden"),
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32")},
		MasterKey:      config.NewSecret("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
		LogLevel:       slog.LevelDebug,
		LogFormat:      "json",
		MetricsListen:  "localhost:9100",
		Sessions:       config.Sessions{Idle: 30 * time.Minute, Absolute: 8 * time.Hour},
		Limits:         config.Limits{ExemptNetworks: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}},
		Outbound:       config.Outbound{AllowPrivate: true},
		Mail: config.Mail{Server: "smtp.example.com:465", TLS: "tls", Username: "sallyport", Password: config.NewSecret("hidden"),
			From: "Acme Sign-in <no-reply@example.com>"},
		Text: config.Text{WebhookURL: "http://sms.internal/send", WebhookSecret: config.NewSecret("hidden-0123456789abcdef0123456789"),
			Number: "+41445551212", Countries: []string{"+41", "+49"}},
		Codes:       config.Codes{Validity: 3 * time.Minute, CompanyDaily: 50},
		Audit:       config.Audit{Retention: 400 * 24 * time.Hour, Stream: true},
		Keys:        config.Keys{RotateEvery: 60 * 24 * time.Hour},
		ProductName: "Example",
	}
	got := MustLoad(t, config.Sources{File: MustWrite(t, "sallyport.yaml", complete)})
	if diff := cmp.Diff(want, got, same()); diff != "" {
		t.Error(diff)
	}
}

func TestLaterSourcesWin(t *testing.T) {
	s := config.Sources{File: MustWrite(t, "sallyport.yaml", "product_name: file\n")}
	if got := MustLoad(t, s).ProductName; got != "file" {
		t.Errorf("file over preset: %q", got)
	}
	s.Environ = []string{"SALLYPORT_PRODUCT_NAME=environment"}
	if got := MustLoad(t, s).ProductName; got != "environment" {
		t.Errorf("environment over file: %q", got)
	}
	s.Flags = map[string]string{"product-name": "flag"}
	if got := MustLoad(t, s).ProductName; got != "flag" {
		t.Errorf("flag over environment: %q", got)
	}
	s.Environ = []string{"SALLYPORT_PRODUCT_NAME="}
	s.Flags = nil
	if got := MustLoad(t, s).ProductName; got != "file" {
		t.Errorf("an empty variable counts: %q", got)
	}
	s.Environ = []string{"SALLYPORT_CONFIG=" + MustWrite(t, "other.yaml", "product_name: other\n")}
	s.File = ""
	if got := MustLoad(t, s).ProductName; got != "other" {
		t.Errorf("SALLYPORT_CONFIG: %q", got)
	}
}

func TestSecretFiles(t *testing.T) {
	c := MustLoad(t, config.Sources{Environ: []string{
		"SALLYPORT_DATABASE_URL_FILE=" + MustWrite(t, "url", "postgres://u:hidden@db/s\n"),
		"SALLYPORT_MASTER_KEY_FILE=/run/secrets/key",
		"SALLYPORT_MAIL_SERVER=smtp.example.com:587", "SALLYPORT_MAIL_FROM=no-reply@example.com", "SALLYPORT_MAIL_USERNAME=sallyport",
		"SALLYPORT_MAIL_PASSWORD_FILE=" + MustWrite(t, "password", "hidden\n"),
		"SALLYPORT_TEXT_TWILIO_ACCOUNT=AC0123456789abcdef0123456789abcdef", "SALLYPORT_TEXT_FROM=Acme",
		"SALLYPORT_TEXT_TWILIO_TOKEN_FILE=" + MustWrite(t, "token", "hidden\n"),
	}})
	if got := c.Mail.Password.Reveal(); got != "hidden" {
		t.Errorf("mail password %q", got)
	}
	if got := c.Text.TwilioToken.Reveal(); got != "hidden" {
		t.Errorf("Twilio's token %q", got)
	}
	if got := c.DatabaseURL.Reveal(); got != "postgres://u:hidden@db/s" {
		t.Errorf("database URL %q", got)
	}
	if c.MasterKeyFile != "/run/secrets/key" {
		t.Errorf("master key file %q", c.MasterKeyFile)
	}
}

func TestKubernetesServiceLinksAreNoOptions(t *testing.T) {
	MustLoad(t, config.Sources{Environ: []string{
		"SALLYPORT_SERVICE_HOST=10.96.0.12", "SALLYPORT_SERVICE_PORT=8080", "SALLYPORT_SERVICE_PORT_HTTP=8080",
		"SALLYPORT_PORT=tcp://10.96.0.12:8080", "SALLYPORT_PORT_8080_TCP=tcp://10.96.0.12:8080",
		"SALLYPORT_PORT_8080_TCP_PROTO=tcp", "SALLYPORT_PORT_8080_TCP_PORT=8080", "SALLYPORT_PORT_8080_TCP_ADDR=10.96.0.12",
		"SALLYPORT_METRICS_SERVICE_HOST=10.96.0.13",
	}})
}

// Each row has one mistake; want are parts of the one problem that names it.
func TestMistakes(t *testing.T) {
	certificate, key := certificatePair(t)
	other, _ := certificatePair(t)
	tests := map[string]struct {
		file  string
		env   []string
		flags map[string]string
		want  []string
	}{
		"issuer no URL":             {env: []string{"SALLYPORT_ISSUER=id.example.com"}, want: []string{"issuer (SALLYPORT_ISSUER)", "no address of a site", "https://id.example.com"}},
		"issuer of another scheme":  {env: []string{"SALLYPORT_ISSUER=ftp://id.example.com"}, want: []string{"no address of a site"}},
		"issuer without TLS":        {env: []string{"SALLYPORT_ISSUER=http://id.example.com"}, want: []string{"without TLS", "write https"}},
		"issuer with slash":         {env: []string{"SALLYPORT_ISSUER=https://id.example.com/"}, want: []string{"slash", "write https://id.example.com"}},
		"issuer with path":          {env: []string{"SALLYPORT_ISSUER=https://example.com/sso"}, want: []string{"path", "write https://example.com"}},
		"issuer with query":         {env: []string{"SALLYPORT_ISSUER=https://example.com?a=b"}, want: []string{"query"}},
		"issuer with empty query":   {env: []string{"SALLYPORT_ISSUER=https://example.com?"}, want: []string{"query"}},
		"issuer with fragment":      {env: []string{"SALLYPORT_ISSUER=https://example.com#"}, want: []string{"fragment"}},
		"issuer with capitals":      {env: []string{"SALLYPORT_ISSUER=https://ID.example.com"}, want: []string{"browsers write otherwise", "write https://id.example.com"}},
		"issuer with default port":  {env: []string{"SALLYPORT_ISSUER=https://id.example.com:443"}, want: []string{"write https://id.example.com"}},
		"issuer beyond ASCII":       {env: []string{"SALLYPORT_ISSUER=https://bücher.example"}, want: []string{"xn--"}},
		"issuer needed":             {env: []string{"SALLYPORT_LISTEN=:8080"}, want: []string{"issuer", "others can connect to listen (:8080)", "set issuer"}},
		"issuer needed for port 0":  {env: []string{"SALLYPORT_LISTEN=localhost:0"}, want: []string{"issuer", "leaves the port"}},
		"issuer http with own TLS":  {env: []string{"SALLYPORT_ISSUER=http://localhost:8080", "SALLYPORT_TLS_CERT_FILE=" + certificate, "SALLYPORT_TLS_KEY_FILE=" + key}, want: []string{"write https://localhost:8080"}},
		"listen without port":       {file: "listen: localhost", want: []string{"listen (", "sallyport.yaml:1)", "no host and port"}},
		"listen only a port":        {file: "listen: 8080", want: []string{`listen (`, `"8080"`, "no host and port"}},
		"listen port too large":     {flags: map[string]string{"listen": "localhost:70000"}, want: []string{"listen (--listen)", "65535"}},
		"metrics on listen":         {env: []string{"SALLYPORT_METRICS_LISTEN=localhost:8080"}, want: []string{"metrics_listen", "same as listen"}},
		"metrics no address":        {env: []string{"SALLYPORT_METRICS_LISTEN=on"}, want: []string{"metrics_listen", "no host and port"}},
		"database of no kind":       {env: []string{"SALLYPORT_DATABASE_URL=mysql://root:hidden@db/x"}, want: []string{"database_url", "sqlite:PATH or postgres://"}},
		"database without path":     {env: []string{"SALLYPORT_DATABASE_URL=sqlite:"}, want: []string{"names no file"}},
		"database like a URL":       {env: []string{"SALLYPORT_DATABASE_URL=sqlite:///data/x.db"}, want: []string{"slashes"}},
		"database in memory":        {env: []string{"SALLYPORT_DATABASE_URL=sqlite::memory:"}, want: []string{"forget"}},
		"database with parameters":  {env: []string{"SALLYPORT_DATABASE_URL=sqlite:x.db?mode=ro"}, want: []string{"parameters"}},
		"password with slash":       {env: []string{"SALLYPORT_DATABASE_URL=postgres://u:1/hidden@db/x"}, want: []string{"no valid URL", "%2F"}},
		"password as argument":      {flags: map[string]string{"database-url": "postgres://u:hidden@db/x"}, env: []string{"SALLYPORT_MASTER_KEY_FILE=k"}, want: []string{"database_url (--database-url)", "arguments", "SALLYPORT_DATABASE_URL_FILE"}},
		"database URL twice":        {env: []string{"SALLYPORT_DATABASE_URL=sqlite:x.db", "SALLYPORT_DATABASE_URL_FILE=x"}, want: []string{"together with SALLYPORT_DATABASE_URL"}},
		"database URL file missing": {env: []string{"SALLYPORT_DATABASE_URL_FILE=/nowhere/url"}, want: []string{"database_url (SALLYPORT_DATABASE_URL_FILE)", "/nowhere/url", "no such file"}},
		"certificate alone":         {env: []string{"SALLYPORT_TLS_CERT_FILE=c.pem"}, want: []string{"tls_cert_file", "without tls_key_file"}},
		"key alone":                 {env: []string{"SALLYPORT_TLS_KEY_FILE=k.pem"}, want: []string{"tls_key_file", "without tls_cert_file"}},
		"certificate of other key":  {env: []string{"SALLYPORT_TLS_CERT_FILE=" + other, "SALLYPORT_TLS_KEY_FILE=" + key}, want: []string{"tls_cert_file", "can't be used"}},
		"proxies everywhere":        {env: []string{"SALLYPORT_TRUSTED_PROXIES=10.0.0.0/8, 0.0.0.0/0"}, want: []string{"trusted_proxies", "everybody"}},
		"proxy inside a network":    {file: "trusted_proxies: [10.0.0.5/8]", want: []string{"10.0.0.0/8 for the network or 10.0.0.5 for the address"}},
		"proxy no network":          {file: "trusted_proxies: [proxy.example.com]", want: []string{`"proxy.example.com"`, "no network"}},
		"key too short":             {env: []string{"SALLYPORT_MASTER_KEY=hidden"}, want: []string{"master_key (SALLYPORT_MASTER_KEY)", "32 bytes", "openssl rand -base64 32"}},
		"key and key file":          {env: []string{"SALLYPORT_MASTER_KEY=hidden", "SALLYPORT_MASTER_KEY_FILE=k"}, want: []string{"master_key", "together with master_key_file (SALLYPORT_MASTER_KEY_FILE)"}},
		"no key with PostgreSQL":    {env: []string{"SALLYPORT_DATABASE_URL=postgres://db/x"}, want: []string{"master_key", "openssl rand -base64 32", "SALLYPORT_MASTER_KEY_FILE"}},
		"log level":                 {env: []string{"SALLYPORT_LOG_LEVEL=INFO+1"}, want: []string{"log_level", "debug, info, warn or error"}},
		"log format":                {env: []string{"SALLYPORT_LOG_FORMAT=xml"}, want: []string{"log_format", "text or json"}},
		"duration without unit":     {file: "sessions:\n  idle: 3600\n", want: []string{"sessions.idle", "sallyport.yaml:2", "without a unit", "3600s"}},
		"duration no duration":      {env: []string{"SALLYPORT_SESSIONS_ABSOLUTE=a day"}, want: []string{"sessions.absolute", "no duration"}},
		"idle too short":            {env: []string{"SALLYPORT_SESSIONS_IDLE=1s"}, want: []string{"sessions.idle", "at least 1m"}},
		"absolute below idle":       {env: []string{"SALLYPORT_SESSIONS_ABSOLUTE=30m"}, want: []string{"is 30m, shorter than sessions.idle (1h)"}},
		"audit kept too short":      {env: []string{"SALLYPORT_AUDIT_RETENTION=29d"}, want: []string{"audit.retention (SALLYPORT_AUDIT_RETENTION)", "is 696h", "at least 30d"}},
		"audit kept less than none": {file: "audit: {retention: -1h}", want: []string{"audit.retention", "at least 30d"}},
		"keys too often":            {env: []string{"SALLYPORT_KEYS_ROTATE_EVERY=23h"}, want: []string{"keys.rotate_every (SALLYPORT_KEYS_ROTATE_EVERY)", "is 23h", "at least 24h"}},
		"keys before today":         {file: "keys: {rotate_every: -1h}", want: []string{"keys.rotate_every", "at least 24h"}},
		"half a day":                {file: "audit: {retention: 40.5d}", want: []string{"audit.retention", "no duration"}},
		"neither true nor false":    {file: "outbound: {allow_private: yes}", want: []string{"outbound.allow_private", `"yes"`, "true or false"}},
		"name with colon":           {env: []string{"SALLYPORT_PRODUCT_NAME=Acme: login"}, want: []string{"product_name", "colon"}},
		"unknown variable":          {env: []string{"SALLYPORT_ISUER=hidden"}, want: []string{"SALLYPORT_ISUER is no option", "SALLYPORT_ISSUER?"}},
		"port as a variable":        {env: []string{"SALLYPORT_PORT=8080"}, want: []string{"SALLYPORT_PORT is no option"}},
		"unknown key":               {file: "listen: :80\nissuer: https://a.example\nlog_leve: hidden\n", want: []string{"log_leve", "sallyport.yaml:3", "did you mean log_level?"}},
		"unknown key in a group":    {file: "sessions:\n  idel: hidden\n", want: []string{"sessions.idel", "sallyport.yaml:2", "did you mean sessions.idle?"}},
		"key with a dot":            {file: "sessions.idle: 1h\n", want: []string{"write idle: below sessions:"}},
		"group with a value":        {file: "sessions: hidden\n", want: []string{"sessions", "no list of options"}},
		"list for a value":          {file: "listen: [a, b]", want: []string{"listen", "not a list"}},
		"mapping for a value":       {file: "listen:\n  host: hidden\n", want: []string{"listen", "another shape"}},
		"alias":                     {file: "product_name: &a hidden\n", want: []string{"product_name", "another shape"}},
		"file no mapping":           {file: "- hidden\n", want: []string{"sallyport.yaml:1", "no list of options"}},
		"file no YAML":              {file: "listen: :80\nissuer: [hidden\n", want: []string{"sallyport.yaml:", "no YAML"}},
		"key twice":                 {file: "log_format: text\nlog_format: json\n", want: []string{"sallyport.yaml:2", "no YAML", "already defined"}},
		"two documents":             {file: "log_format: text\n---\nlog_format: json\n", want: []string{"second document"}},
		"file missing":              {env: []string{"SALLYPORT_CONFIG=/nowhere/sallyport.yaml"}, want: []string{"/nowhere/sallyport.yaml", "no such file"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := config.Sources{Environ: test.env, Flags: test.flags}
			if test.file != "" {
				s.File = MustWrite(t, "sallyport.yaml", test.file)
			}
			_, err := config.Load(s)
			problems, ok := errors.AsType[config.Problems](err)
			if !ok {
				t.Fatalf("got %v, want Problems", err)
			}
			if !slices.ContainsFunc(problems, func(p *config.Problem) bool { return containsAll(p.Error(), test.want) }) || len(problems) != 1 {
				t.Errorf("got %v\nwant one problem with %q", err, test.want)
			}
			if strings.Contains(err.Error(), "hidden") {
				t.Errorf("a secret is in the problem: %v", err)
			}
			if problems[0].Remedy == "" {
				t.Errorf("no remedy: %v", err)
			}
		})
	}
}

func containsAll(text string, parts []string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) })
}

func TestEverythingWrongAtOnce(t *testing.T) {
	file := MustWrite(t, "sallyport.yaml", `issuer: http://id.example.com
listn: :8080
trusted_proxies: [10.0.0.5/8]
sessions:
  idle: soon
  absolute: 0s
limits:
  exempt_networks: [everywhere]
outbound:
  allow_private: maybe
log_format: xml
`)
	_, err := config.Load(config.Sources{
		File: file,
		Environ: []string{
			"PATH=/bin", "SALLYPORT_DATABASE_URL=oracle:hidden", "SALLYPORT_MASTER_KEY=hidden", "SALLYPORT_LOG_LVEL=x",
			"SALLYPORT_TLS_KEY_FILE=k", "SALLYPORT_METRICS_LISTEN=:x", "SALLYPORT_PRODUCT_NAME=a:b",
		},
		Flags: map[string]string{"listen": "nowhere", "log-level": "loud"},
	})
	problems, ok := errors.AsType[config.Problems](err)
	if !ok {
		t.Fatalf("got %v, want Problems", err)
	}
	var got []string
	for _, p := range problems {
		place := strings.Replace(p.Source, file, "FILE", 1)
		got = append(got, strings.TrimSpace(p.Option+" "+place))
		if !strings.Contains(err.Error(), p.Error()) {
			t.Errorf("the text leaves out %v", p)
		}
	}
	slices.Sort(got)
	want := []string{
		"SALLYPORT_LOG_LVEL",
		"database_url SALLYPORT_DATABASE_URL",
		"issuer FILE:1",
		"limits.exempt_networks FILE:8",
		"listen --listen",
		"listn FILE:2",
		"log_format FILE:11",
		"log_level --log-level",
		"metrics_listen SALLYPORT_METRICS_LISTEN",
		"outbound.allow_private FILE:10",
		"product_name SALLYPORT_PRODUCT_NAME",
		"sessions.idle FILE:5",
		"tls_key_file SALLYPORT_TLS_KEY_FILE",
		"trusted_proxies FILE:3",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n%v", diff, err)
	}
	if p, ok := errors.AsType[*config.Problem](err); !ok || p != problems[0] {
		t.Errorf("a single problem is not to be had from %T", err)
	}
}

// Rules over several options skip what could not be read, but not what a later source has put right.
func TestAMistakeOverriddenIsStillAMistakeAndNoMore(t *testing.T) {
	_, err := config.Load(config.Sources{
		File:    MustWrite(t, "sallyport.yaml", "sessions:\n  idle: soon\n"),
		Environ: []string{"SALLYPORT_SESSIONS_IDLE=20h"},
	})
	problems, ok := errors.AsType[config.Problems](err)
	if !ok || len(problems) != 2 || problems[0].Option != "sessions.idle" || problems[1].Option != "sessions.absolute" {
		t.Errorf("got %v, want one problem with idle in the file and one with absolute", err)
	}
	_, err = config.Load(config.Sources{Environ: []string{"SALLYPORT_SESSIONS_IDLE=soon", "SALLYPORT_SESSIONS_ABSOLUTE=30m"}})
	if problems, ok := errors.AsType[config.Problems](err); !ok || len(problems) != 1 {
		t.Errorf("got %v, want one problem with idle: 30m isn't too short for a value that nobody knows", err)
	}
}

func TestAcceptedIssuers(t *testing.T) {
	for _, issuer := range []string{
		"https://id.example.com", "https://id.example.com:8443", "http://localhost", "http://localhost:8080",
		"http://127.0.0.1:8080", "http://[::1]:8080", "https://[2001:db8::1]:8443",
	} {
		if got := MustLoad(t, config.Sources{Flags: map[string]string{"issuer": issuer}}).Issuer; got != issuer {
			t.Errorf("%s became %s", issuer, got)
		}
	}
}

func TestDerivedIssuer(t *testing.T) {
	for listen, want := range map[string]string{
		"localhost:8080": "http://localhost:8080",
		"127.0.0.1:9000": "http://localhost:9000",
		"[::1]:9000":     "http://localhost:9000",
		"localhost:80":   "http://localhost",
	} {
		if got := MustLoad(t, config.Sources{Flags: map[string]string{"listen": listen}}).Issuer; got != want {
			t.Errorf("listen %s: issuer %s, want %s", listen, got, want)
		}
	}
	certificate, key := certificatePair(t)
	c := MustLoad(t, config.Sources{Flags: map[string]string{"tls-cert-file": certificate, "tls-key-file": key}})
	if c.Issuer != "https://localhost:8080" {
		t.Errorf("with a certificate: issuer %s", c.Issuer)
	}
}

func TestDerivedProductName(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://id.example.com:8443": "id.example.com",
		"http://[::1]:8080":           "Sallyport",
	} {
		if got := MustLoad(t, config.Sources{Flags: map[string]string{"issuer": issuer}}).ProductName; got != want {
			t.Errorf("issuer %s: product name %s, want %s", issuer, got, want)
		}
	}
}

func TestFilesThatSayNothing(t *testing.T) {
	want := MustLoad(t, config.Sources{})
	for _, text := range []string{"", "\n", "# nothing yet\n", "---\n", "issuer:\nsessions:\n  # idle: 1h\n", "null\n"} {
		got := MustLoad(t, config.Sources{File: MustWrite(t, "sallyport.yaml", text)})
		if diff := cmp.Diff(want, got, same()); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestPrintedConfigurationHidesSecretsAndNamesSources(t *testing.T) {
	file := MustWrite(t, "sallyport.yaml", complete)
	c := MustLoad(t, config.Sources{File: file, Environ: []string{"SALLYPORT_LOG_LEVEL=warn"},
		Flags: map[string]string{"listen": "localhost:1"}})
	var out bytes.Buffer
	if err := c.Print(&out); err != nil {
		t.Fatal(err)
	}
	want := `issuer: https://id.example.com # FILE:2
listen: "localhost:1" # --listen
database_url: "postgres://sallyport:[redacted]@db/sallyport?sslpassword=[redacted]" # FILE:4
tls_cert_file: "" # default
tls_key_file: "" # default
trusted_proxies: [10.0.0.0/8, 192.0.2.1/32] # FILE:5
master_key: "[redacted]" # FILE:8
master_key_file: "" # default
log_level: warn # SALLYPORT_LOG_LEVEL
log_format: json # FILE:10
metrics_listen: "localhost:9100" # FILE:11
sessions:
  idle: 30m # FILE:13
  absolute: 8h # FILE:14
limits:
  exempt_networks: [198.51.100.0/24] # FILE:16
outbound:
  allow_private: true # FILE:18
mtls:
  url: "" # default
  listen: "" # default
  header: "" # default
  ca_file: "" # default
mail:
  server: "smtp.example.com:465" # FILE:20
  tls: tls # FILE:21
  username: sallyport # FILE:22
  password: "[redacted]" # FILE:23
  from: Acme Sign-in <no-reply@example.com> # FILE:24
text:
  webhook_url: http://sms.internal/send # FILE:26
  webhook_secret: "[redacted]" # FILE:27
  twilio_account: "" # default
  twilio_token: "" # default
  from: "" # default
  number: "+41445551212" # FILE:28
  countries: ["+41", "+49"] # FILE:29
codes:
  validity: 3m # FILE:31
  company_daily: 50 # FILE:32
webauthn:
  metadata_file: "" # default
registration:
  enabled: false # default
protocol:
  require_pushed_authorization_requests: false # default
  require_dpop_nonce: false # default
audit:
  retention: 400d # FILE:34
  stream: true # FILE:35
keys:
  rotate_every: 60d # FILE:37
product_name: Example # FILE:38
`
	if diff := cmp.Diff(want, strings.ReplaceAll(out.String(), file, "FILE")); diff != "" {
		t.Error(diff)
	}
}

func TestKeysByCommandOnly(t *testing.T) {
	for _, never := range []string{"0", "0s", "0d"} {
		if c := MustLoad(t, config.Sources{Flags: map[string]string{"keys-rotate-every": never}}); c.Keys.RotateEvery != 0 {
			t.Errorf("%q: every %s", never, c.Keys.RotateEvery)
		}
	}
}

func TestPrintedConfigurationCanBeLoaded(t *testing.T) {
	for _, name := range []string{"Plain", "# no comment", "it's \"quoted\"", "true", "12", " spaces ", "- dash", "{x}", "@at", "Ünïcode"} {
		c := MustLoad(t, config.Sources{Flags: map[string]string{"product-name": name, "sessions-idle": "90s", "trusted-proxies": "::1,10.0.0.0/8",
			"mail-server": "[2001:db8::1]:25", "mail-tls": "none", "mail-from": "\"" + strings.ReplaceAll(name, `"`, "'") + "\" <no-reply@example.com>"}})
		var out bytes.Buffer
		if err := c.Print(&out); err != nil {
			t.Fatal(err)
		}
		again := MustLoad(t, config.Sources{File: MustWrite(t, "printed.yaml", out.String())})
		if diff := cmp.Diff(c, again, same()); diff != "" {
			t.Errorf("%q: %s", name, diff)
		}
	}
}

func TestEveryOptionIsDocumented(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range config.Options() {
		if o.Help == "" || seen[o.Name] {
			t.Errorf("%+v: without help, or twice", o)
		}
		seen[o.Name] = true
	}
	if !seen["sessions.idle"] || !seen["database_url"] {
		t.Errorf("options: %v", seen)
	}
}

// certificatePair writes a certificate for localhost and its key, and returns the two paths.
func certificatePair(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return MustWrite(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))),
		MustWrite(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})))
}
