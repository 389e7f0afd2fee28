package server_test

import (
	"encoding/base32"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/server"
	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// After every second factor and every way back in was used and misused, no
// code, word, link or number is in the log, in the audit or anywhere in the
// database. (Not parallel: libraries log to the one default logger.)
func TestFactorsLeaveNoSecrets(t *testing.T) {
	before := slog.Default()
	defer slog.SetDefault(before)
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			databaseURL := storagetest.URL(t, engine)
			others := new(servertest.Log) // what storage and libraries log
			slog.SetDefault(server.NewLogger(others, slog.LevelDebug, "text"))
			d := open(t, databaseURL)
			secrets := useEverything(t, d)
			if len(secrets) < 30 {
				t.Fatalf("only %d secrets to look for", len(secrets))
			}
			d.Delivered()
			database := dump(t, engine, databaseURL)
			for _, there := range []string{"sms.enrolled", "recovery_code.used", "two_step.reset_by_code", "sms.failed", "network.confirmed", ana} {
				if !strings.Contains(database, there) {
					t.Errorf("%q isn't found: the dump is not whole, or the story isn't", there)
				}
			}
			log := d.Log.String() + others.String()
			if !strings.Contains(log, "message not delivered") {
				t.Error("the log lacks what failed")
			}
			for name, s := range secrets {
				forms := writings(s)
				if sixDigits.MatchString(s) {
					forms = forms[:1] // the encodings of so little are found by chance
				}
				for _, written := range forms {
					mustLack(t, "the log", log, name, written)
					mustLack(t, "the database", database, name, written)
				}
			}
		})
	}
}

var sixDigits = regexp.MustCompile(`^\d{6}$`)

// mustLack fails where a text has a secret. Six digits are looked for as a
// number of their own: times and ids are full of digits.
func mustLack(t *testing.T, where, text, name, secret string) {
	t.Helper()
	found := strings.Contains(text, secret)
	if sixDigits.MatchString(secret) {
		found = regexp.MustCompile(`(^|[^0-9A-Za-z_.-])` + secret + `($|[^0-9A-Za-z_.-])`).MatchString(text)
	}
	if found {
		t.Errorf("%s has %s (%s)", where, name, secret)
	}
}

// useEverything goes through all ways to set up, sign in and come back, right
// and wrong, and returns what was secret in it.
func useEverything(t *testing.T, d *servertest.Demo) map[string]string {
	t.Helper()
	secrets := map[string]string{"Ana's number": anaPhone, "Ben's number": benPhone, "the number, as typed": "+41 79 222 22 22"}
	keep := func(name, s string) string {
		secrets[fmt.Sprintf("%s, the %dth", name, len(secrets))] = s
		return s
	}
	r := rp(t, d, first)
	rule(t, d, "staff: {mode: required}, email_code_fulfils: true, new_network_check: true, backup_codes: 1, backup_code_resets: true")
	mail := func() string { return keep("e-mail code", newest(t, d, ana, aCode)) }
	text := func(number string) string { return keep("text code", d.Phone.Code(t, number)) }
	begin := func() *servertest.Person {
		d.Clock.Advance(time.Minute)
		return signIn(visitor(t).Go(r.AuthorizeURL(nil)), ana)
	}

	// A network is confirmed; the number comes by a text message.
	p := begin().MustBeAt("/login/email-code")
	code := mail()
	enter(p, keep("wrong e-mail code", wrong(code)))
	answered(t, enter(p, code))
	change(t, d, ana, func(tx *storage.Tx, id string) error { return tx.SetTwoStep(t.Context(), id, true, d.Clock.Now()) })
	p = begin().MustBeAt("/login/why").Submit(map[string]string{"set_up": "1"}).Submit(map[string]string{"method": "sms"}).Submit(map[string]string{"text_us": "1"})
	word := keep("word", p.MustBeAt("/login/set-up/phone/text").All("code")[0])
	keep("word without hyphen", strings.ReplaceAll(word, "-", ""))
	d.Phone.Send(t, d.Instance, anaPhone, keep("wrong word", "zzzz-zzzz"))
	d.Phone.Send(t, d.Instance, anaPhone, word)
	d.Phone.Send(t, d.Instance, anaPhone, word)
	code = text(anaPhone)
	reload(p)
	enter(p, wrong(code))
	enter(p, code)
	backup := keep("backup code", saved(t, p)[0])

	// Signing in by text message, while the gateway is in trouble.
	d.Phone.Fail(503)
	d.Clock.Advance(time.Minute)
	signIn(p, ana).MustBeAt("/login/text-message")
	d.Clock.Advance(30 * time.Second)
	d.Phone.Fail(0)
	answered(t, enter(p, text(anaPhone)))
	d.Phone.Fail(400)
	begin().MustBeAt("/login/text-message")
	d.Delivered()
	d.Phone.Fail(0)

	// The account: another number, an app, e-mail codes.
	d.Clock.Advance(time.Minute)
	h := visitor(t).Go(d.URL + "/account/text-messages/phone")
	signIn(h, ana).MustBeAt("/login/text-message")
	enter(h, text(anaPhone))
	h.Submit(map[string]string{"phone": "+41 79 222 22 22"})
	enter(h, text(benPhone))
	h.Go(d.URL + "/account/authenticator").Submit(map[string]string{"method": "totp"})
	key := keep("app's key", strings.ReplaceAll(h.All("#key")[0], " ", ""))
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	keep("app's key, raw", string(raw))
	h.Follow("/code")
	enter(h, keep("app code", servertest.Code(t, key, d.Clock.Now())))
	h.Go(d.URL + "/account/email-codes").Submit(map[string]string{"method": "email"})
	enter(h, mail())
	// A link for the account, and what is in the notices.
	link := mailLink(t, d, idOf(t, d, ben), kind{purpose: "two-step", path: "/account/two-step/link", lifetime: time.Hour})
	h.Go(link)
	_, token, _ := strings.Cut(link, "?token=")
	keep("link", token)

	// The ways back in.
	p = begin()
	recovery := keep("recovery code", recoveryCode(t, d, ana))
	choose(p, "/login/backup-code").Follow("/login/recovery-code")
	enter(p, keep("wrong recovery code", "abcd-efgh-jkmn-pqrs"))
	enter(p, recovery).MustBeAt("/login/why").Submit(map[string]string{"later": "1"})
	answered(t, p)
	p = begin()
	enter(choose(p, "/login/backup-code"), keep("wrong backup code", "dcba-hgfe-nmkj-srqp"))
	enter(p, backup).MustBeAt("/login/why").Submit(map[string]string{"set_up": "1"}).Submit(map[string]string{"method": "sms"})
	byText(t, d, p, anaPhone)
	text(anaPhone)
	keep("new backup code", saved(t, p)[0])
	for _, m := range d.MailsTo(t, ana) {
		for _, link := range aLink.FindAllString(m.Body, -1) {
			if u, err := url.Parse(link); err == nil && u.Query().Get("token") != "" {
				keep("link in "+m.Subject, u.Query().Get("token"))
			}
		}
	}
	for _, c := range p.Cookies(d.URL) {
		keep("cookie "+c.Name, c.Value)
	}
	// Right once, anywhere it doesn't belong.
	for _, s := range []string{code, word, backup, recovery, token} {
		p.Go(d.URL + "/link?token=" + url.QueryEscape(s))
		p.Go(d.URL + "/set-up?token=" + url.QueryEscape(s))
		p.Go(d.URL + "/login?r=" + url.QueryEscape(s))
	}
	return secrets
}
