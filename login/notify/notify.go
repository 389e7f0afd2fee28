// Package notify writes mails into the outbox, in the transaction they tell
// of, and delivers them afterwards. Words come from login/page.
package notify

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// Mail is one message on its way.
type Mail struct {
	To      string `json:"to"`
	Subject string `json:"subject"`
	Body    string `json:"body"`
}

// Sender hands mails over to whatever carries them.
type Sender interface {
	Send(ctx context.Context, m Mail) error
}

// LogSender writes mails into the log: what `sallyport serve` does as long as
// no mail server is configured. It carries no secrets, for notices have none.
type LogSender struct{ Log *slog.Logger }

// Send implements [Sender].
func (s LogSender) Send(ctx context.Context, m Mail) error {
	s.Log.InfoContext(ctx, "mail (no mail server is configured)", "to", m.To, "subject", m.Subject)
	return nil
}

// giveUp is how long a mail is tried.
const giveUp = 24 * time.Hour

// Notices queues and delivers mails to people about their own security.
type Notices struct {
	DB     *storage.DB
	Pages  *page.Renderer
	Sender Sender
	// Issuer is the host people know the provider by.
	Issuer string
	Now    func() time.Time
}

// Tell queues a mail to a person about an event, e.g. "totp.enrolled": the
// messages mail.EVENT.subject and mail.EVENT.body.
func (n *Notices) Tell(ctx context.Context, tx *storage.Tx, u *storage.User, event, from string) error {
	name := u.Profile.Name
	if name == "" {
		name = u.Email
	}
	lang := n.Pages.Language(nil, u.Profile.Locale, "")
	with := []any{"Name", name, "Issuer", n.Issuer, "When", n.Now(), "From", from}
	return tx.Queue(ctx, storage.OutgoingMail, u.Email, Mail{
		To:      u.Email,
		Subject: n.Pages.Text(lang, page.Say("mail."+event+".subject", with...)),
		Body:    n.Pages.Text(lang, page.Say("mail."+event+".body", with...)),
	}, n.Now())
}

// Deliver sends what is due and says how many mails it took up.
func (n *Notices) Deliver(ctx context.Context) (int, error) {
	return n.DB.Deliver(ctx, storage.OutgoingMail, giveUp, n.Now, func(ctx context.Context, m *storage.Outgoing) error {
		var mail Mail
		if err := json.Unmarshal(m.Body, &mail); err != nil {
			return err
		}
		return n.Sender.Send(ctx, mail)
	})
}
