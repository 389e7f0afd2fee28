package config

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Text says who carries text messages: a gateway of the operator's or Twilio, at most one of them. Without, nobody can
// use text messages as a second factor.
type Text struct {
	// WebhookURL is called as Outbound allows.
	WebhookURL string `name:"webhook-url" type:"option" placeholder:"URL" help:"Gateway of yours that sends text messages; it gets {\"id\",\"to\",\"body\"} as JSON, signed."`

	// WebhookSecret signs in both directions: messages to the gateway and messages from it.
	WebhookSecret Secret `name:"webhook-secret" kong:"-" help:"Secret that signs what is sent to and comes from text.webhook_url; at least 32 characters."`

	TwilioAccount string `name:"twilio-account" type:"option" placeholder:"SID" help:"Account at Twilio (AC…) that sends text messages, instead of text.webhook_url."`
	TwilioToken   Secret `name:"twilio-token" kong:"-" help:"Auth token of text.twilio_account."`

	// From is for Twilio alone: a gateway knows itself whom its messages come from.
	From string `name:"from" type:"option" placeholder:"NUMBER" help:"Number (+41…), name, or messaging service (MG…) that Twilio sends from."`

	// Number is E.164.
	Number string `name:"number" type:"option" placeholder:"NUMBER" help:"Number (+41…) that people can text a code to, where messages to them don't arrive. Without it: that isn't offered."`

	// Countries are beginnings of numbers, each with a +. What isn't served can't be made to cost money.
	Countries []string `name:"countries" type:"option" placeholder:"+CODE,..." help:"Calling codes of the countries that text messages are sent to, such as +41,+49. Without it: all."`
}

var (
	e164Number    = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	callingCode   = regexp.MustCompile(`^\+[1-9][0-9]{0,6}$`)
	twilioAccount = regexp.MustCompile(`^AC[0-9a-f]{32}$`)
	// twilioSender is a number, a short code, a messaging service, or a name of up to 11 characters.
	twilioSender = regexp.MustCompile(`^(\+[1-9][0-9]{6,14}|[0-9]{3,8}|MG[0-9a-f]{32}|[0-9 ]*[A-Za-z][A-Za-z0-9 ]*)$`)
)

// leastSecret is how long a signing secret must be, in characters: 128 bits even in hex.
const leastSecret = 32

func (l *loading) checkText() {
	t := l.config.Text
	l.checkWebhook()
	l.checkTwilio()
	if t.WebhookURL != "" && t.TwilioAccount != "" {
		l.report("text.twilio_account", &mistake{"is set together with text.webhook_url (" + l.config.origin["text.webhook_url"] + ")",
			"keep one of the two"})
	}
	if t.Number != "" && !e164Number.MatchString(t.Number) {
		l.report("text.number", &mistake{fmt.Sprintf("is %q, which is no phone number", t.Number), "write it with its country and without spaces, such as +41445551212"})
	}
	if t.WebhookURL == "" && t.TwilioAccount == "" && !l.refused["text.webhook_url"] && !l.refused["text.twilio_account"] {
		l.refuseWithout("text.webhook_url or text.twilio_account", map[string]bool{"text.number": t.Number != "", "text.countries": len(t.Countries) > 0})
	}
	for _, country := range t.Countries {
		if !callingCode.MatchString(country) {
			l.report("text.countries", &mistake{fmt.Sprintf("has %q, which is no calling code", country), "write codes with a plus, such as +41,+49"})
		}
	}
}

func (l *loading) checkWebhook() {
	t := l.config.Text
	if t.WebhookURL == "" {
		l.refuseWithout("text.webhook_url", map[string]bool{"text.webhook_secret": !t.WebhookSecret.IsZero()})
		return
	}
	// The address may hold a key, so no mistake quotes it.
	u, err := url.Parse(t.WebhookURL)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		l.report("text.webhook_url", &mistake{"is no URL", "write one such as https://sms.example.com/send"})
	case u.User != nil:
		l.report("text.webhook_url", &mistake{"has a user name", "leave it out: the gateway knows us by the signature"})
	case u.Scheme == "http" && !l.config.Outbound.AllowPrivate:
		l.report("text.webhook_url", &mistake{"is without TLS: the codes in messages would be readable on the way",
			"write https, or set outbound.allow_private for a gateway in your own network"})
	}
	switch length := len(t.WebhookSecret.Reveal()); {
	case l.refused["text.webhook_secret"]:
	case length == 0:
		l.report("text.webhook_secret", &mistake{"is needed with text.webhook_url", "run openssl rand -base64 32, and give the gateway " +
			"and SALLYPORT_TEXT_WEBHOOK_SECRET the result, or a file with it to SALLYPORT_TEXT_WEBHOOK_SECRET_FILE"})
	case length < leastSecret:
		l.report("text.webhook_secret", &mistake{"is too short", "make one with openssl rand -base64 32"})
	}
}

func (l *loading) checkTwilio() {
	t := l.config.Text
	if t.TwilioAccount == "" {
		l.refuseWithout("text.twilio_account", map[string]bool{"text.twilio_token": !t.TwilioToken.IsZero(), "text.from": t.From != ""})
		return
	}
	if !twilioAccount.MatchString(t.TwilioAccount) {
		l.report("text.twilio_account", &mistake{fmt.Sprintf("is %q, which is no account's SID", t.TwilioAccount),
			"copy the Account SID from Twilio's console: AC and 32 digits"})
	}
	if t.TwilioToken.IsZero() && !l.refused["text.twilio_token"] {
		l.report("text.twilio_token", &mistake{"is needed with text.twilio_account",
			"set SALLYPORT_TEXT_TWILIO_TOKEN, or SALLYPORT_TEXT_TWILIO_TOKEN_FILE to a file that holds it"})
	}
	if isName := !strings.HasPrefix(t.From, "MG") && !strings.HasPrefix(t.From, "+"); !twilioSender.MatchString(t.From) || isName && len(t.From) > 11 {
		wrong := fmt.Sprintf("is %q, which Twilio can't send from", t.From)
		if t.From == "" {
			wrong = "is needed with text.twilio_account"
		}
		l.report("text.from", &mistake{wrong, "write a number such as +41445551212, a messaging service (MG and 32 digits) or a name of up to 11 letters"})
	}
}
