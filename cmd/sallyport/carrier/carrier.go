// Package carrier makes, of the configuration, what carries mails and text messages. The server and `sallyport
// send-test` both ask here, so that a test message goes the way of a real one.
package carrier

import (
	"net/netip"
	"net/url"

	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/idp"
	"github.com/sallyport-id/sallyport/login/notify"
)

// Mail returns what sends mails, or nil if no mail server is configured.
func Mail(c config.Config) (notify.Sender, error) {
	m := c.Mail
	if m.Server == "" {
		return nil, nil
	}
	return notify.NewSMTP(notify.SMTPOptions{
		Server: m.Server, TLS: m.TLS, Username: m.Username, Password: m.Password.Reveal(), From: m.From, Hello: hello(c.Issuer),
	})
}

// hello is the name to introduce ourselves by: the one people know, unless it says nothing to others.
func hello(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil || u.Hostname() == "localhost" {
		return ""
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return ""
	}
	return u.Hostname()
}

// Text returns what sends text messages, or nil if neither a gateway nor Twilio is configured. Its calls obey
// outbound.allow_private.
func Text(c config.Config) notify.TextSender {
	t := c.Text
	switch {
	case t.WebhookURL != "":
		return notify.NewWebhook(t.WebhookURL, t.WebhookSecret.Reveal(), idp.NewOutbound(c.Outbound.AllowPrivate))
	case t.TwilioAccount != "":
		return notify.NewTwilio(notify.TwilioOptions{Account: t.TwilioAccount, Token: t.TwilioToken.Reveal(), From: t.From},
			idp.NewOutbound(c.Outbound.AllowPrivate))
	}
	return nil
}

// Inbound returns what reads messages that people send to text.number, or nil if there is no such number.
func Inbound(c config.Config) notify.InboundReader {
	t := c.Text
	switch {
	case t.Number == "":
	case t.WebhookURL != "":
		return notify.NewWebhookInbound(t.WebhookSecret.Reveal())
	case t.TwilioAccount != "":
		return notify.NewTwilioInbound(t.TwilioToken.Reveal(), c.Issuer)
	}
	return nil
}
