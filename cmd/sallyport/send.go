package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sallyport-id/sallyport/cmd/sallyport/carrier"
	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/idp"
	"github.com/sallyport-id/sallyport/login/notify"
)

type sendTestCommand struct {
	Mail sendTestMailCommand `cmd:"" help:"Send a test mail."`
	Text sendTestTextCommand `cmd:"" help:"Send a test text message."`
}

type sendTestMailCommand struct {
	settings
	Address string `arg:"" help:"Whom to send it to."`
}

// Run sends a mail right away, past the outbox, so that neither a database nor a server is needed.
func (c *sendTestMailCommand) Run(ctx context.Context, p *process) error {
	loaded, err := c.load(p)
	if err != nil {
		return err
	}
	sender, err := carrier.Mail(loaded)
	if err != nil {
		return err
	}
	if sender == nil {
		return errors.New("no mail server is configured: set mail.server and mail.from")
	}
	err = sender.Send(ctx, notify.Mail{
		To: c.Address, Subject: "Test mail from " + loaded.ProductName,
		Body: "Somebody wants to know whether mails from " + loaded.Issuer + " arrive. This one has; there is nothing to do.\n",
	})
	if err != nil {
		return undelivered(err, loaded)
	}
	_, err = fmt.Fprintf(p.stdout, "The %s took a test mail for %s. Look for it there, among the spam too.\n", sender, c.Address)
	return err
}

type sendTestTextCommand struct {
	settings
	Number string `arg:"" help:"Whom to send it to: a number such as +41791234567."`
}

// Run sends a text message right away.
func (c *sendTestTextCommand) Run(ctx context.Context, p *process) error {
	loaded, err := c.load(p)
	if err != nil {
		return err
	}
	sender := carrier.Text(loaded)
	if sender == nil {
		return errors.New("nothing that sends text messages is configured: set text.webhook_url and text.webhook_secret, " +
			"or text.twilio_account, text.twilio_token and text.from")
	}
	number, err := notify.CheckNumber(c.Number, loaded.Text.Countries)
	switch {
	case errors.Is(err, notify.ErrNumberFormat):
		return fmt.Errorf("%q is no phone number with its country; write one such as +41791234567", c.Number)
	case err != nil:
		return fmt.Errorf("%s is in none of the countries that text messages are sent to (%s); add its calling code to text.countries",
			number, strings.Join(loaded.Text.Countries, ", "))
	}
	err = sender.SendText(ctx, notify.Text{To: number, Body: "Test message from " + loaded.ProductName + ". There is nothing to do."})
	if err != nil {
		return undelivered(err, loaded)
	}
	_, err = fmt.Fprintf(p.stdout, "%s took a test message for %s.\n", capital(fmt.Sprint(sender)), number)
	return err
}

// capital begins a sentence.
func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }

// undelivered adds what the far end said, which is no secret in a test message, and where to look.
func undelivered(err error, c config.Config) error {
	f, ok := errors.AsType[*notify.Failure](err)
	if !ok {
		return err
	}
	more := ""
	if said := f.Said(); said != "" {
		more += "\n  It said: " + said
	}
	return fmt.Errorf("%w%s\n  Look at: %s", err, more, remedy(f, c))
}

// remedy names the options that a failure at this step comes from, as a rule.
func remedy(f *notify.Failure, c config.Config) string {
	byMail := strings.HasPrefix(f.Carrier, "mail server")
	switch {
	case errors.Is(f, idp.ErrPrivateAddress):
		return "outbound.allow_private, if the gateway is in your own network"
	case byMail:
		return mailRemedies[f.Step]
	case c.Text.TwilioAccount != "":
		return twilioRemedies[f.Step]
	}
	return gatewayRemedies[f.Step]
}

var mailRemedies = map[notify.Step]string{
	notify.StepConnect:   "mail.server, mail.tls (starttls on port 587, tls on port 465), and firewalls between",
	notify.StepTLS:       "mail.tls, and mail.server, which must be the name in the server's certificate",
	notify.StepSignIn:    "mail.username and mail.password",
	notify.StepSender:    "mail.from: the server must be willing to send for it, perhaps only with mail.username and mail.password",
	notify.StepRecipient: "the address; or, if the server sends to nobody outside, mail.username and mail.password",
	notify.StepHandOver:  "what the server said, and whether it may send for the domain of mail.from (SPF, DKIM)",
}

var gatewayRemedies = map[notify.Step]string{
	notify.StepConnect:  "text.webhook_url, and firewalls between",
	notify.StepSignIn:   "text.webhook_secret, which the gateway must know, and the gateway's clock",
	notify.StepHandOver: "text.webhook_url, and the gateway's own log",
}

var twilioRemedies = map[notify.Step]string{
	notify.StepConnect:  "the way from this machine to https://api.twilio.com",
	notify.StepSignIn:   "text.twilio_account and text.twilio_token",
	notify.StepHandOver: "text.from, and Twilio's error at https://www.twilio.com/docs/api/errors",
}
