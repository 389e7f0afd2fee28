// Package notify writes mails and text messages into the outbox, in the
// transaction they tell of, and delivers them afterwards. Words come from
// login/page.
package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

// Sender hands mails over to whatever carries them. A nil error means that the
// carrier has accepted the mail.
type Sender interface {
	Send(ctx context.Context, m Mail) error
}

// LogSender notes in the log that there would have been a mail: what
// `sallyport serve` does as long as no mail server is configured. It keeps what
// the mail says to itself, for that may be a link.
type LogSender struct{ Log *slog.Logger }

// Send implements [Sender].
func (s LogSender) Send(ctx context.Context, m Mail) error {
	s.Log.InfoContext(ctx, "mail (no mail server is configured)", "to", MaskEmail(m.To), "subject", m.Subject)
	return nil
}

// giveUp is how long a message is tried that has no time of its own.
const giveUp = 24 * time.Hour

// Notices queues and delivers messages to people about their own security.
type Notices struct {
	DB    *storage.DB
	Pages *page.Renderer
	// Mail carries mails; Text carries text messages, nil where there is no
	// gateway.
	Mail Sender
	Text TextSender
	// Issuer is the host people know the provider by, URL its address.
	Issuer, URL string
	Now         func() time.Time

	task string
}

// ForTask is n for mails that belong to a task: they are counted with it.
func (n *Notices) ForTask(id string) *Notices {
	mine := *n
	mine.task = id
	return &mine
}

// Tell queues a mail to a person about something that happened to their
// account, e.g. "totp.enrolled": the messages mail.EVENT.subject and
// mail.EVENT.body. It carries a link for who didn't do that.
func (n *Notices) Tell(ctx context.Context, tx *storage.Tx, u *storage.User, event, from string, more ...any) error {
	return n.TellAt(ctx, tx, u, u.Email, event, from, more...)
}

// TellAt is Tell to another address of the person, such as the one before.
func (n *Notices) TellAt(ctx context.Context, tx *storage.Tx, u *storage.User, address, event, from string, more ...any) error {
	// Each mail has a link of its own: they stay good until they expire.
	notMe, _, err := n.NewLink(ctx, tx, LinkNotMe+":"+storage.NewID(), u.ID, event, LinkNotMeLifetime)
	if err != nil {
		return err
	}
	with := append([]any{"When", n.Now(), "From", from, "NotMe", notMe}, more...)
	return n.mail(ctx, tx, u, address, "mail."+event, with...)
}

// TellOwners queues a mail to each owner of a person's company but the person
// and except: mail.owner.EVENT.
func (n *Notices) TellOwners(ctx context.Context, tx *storage.Tx, u *storage.User, event, from, except string) error {
	owners, err := tx.Owners(ctx, u.OrgID)
	if err != nil {
		return err
	}
	for _, owner := range owners {
		if owner.ID == u.ID || owner.ID == except || !owner.DisabledAt.IsZero() {
			continue
		}
		if err := n.mail(ctx, tx, owner, owner.Email, "mail.owner."+event, "Person", named(u), "Email", u.Email, "When", n.Now(), "From", from); err != nil {
			return err
		}
	}
	return nil
}

// SendLink queues a mail with a link: mail.link.ID. Until is when it stops
// working.
func (n *Notices) SendLink(ctx context.Context, tx *storage.Tx, u *storage.User, address, id, link string, until time.Time, more ...any) error {
	return n.mail(ctx, tx, u, address, "mail.link."+id, append([]any{"Link", link, "Until", until}, more...)...)
}

// Remind queues a mail to a person of whom their company requires two-step
// verification and who hasn't set it up. It leads to the page for that, where
// they sign in: whoever else reads it gains nothing.
func (n *Notices) Remind(ctx context.Context, tx *storage.Tx, u *storage.User, company string) error {
	return n.mail(ctx, tx, u, u.Email, "mail.link.reminder", "Company", company, "Link", n.URL+"/account")
}

// Code is a short code to be sent.
type Code struct {
	// ID is the storage.SentCode's, Code what the person enters.
	ID, Code string
	// Until is when it is too late to send it.
	Until time.Time
	// From is the address of who asked for it.
	From string
}

// MailCode queues a code to a person's address, and returns the message's id.
func (n *Notices) MailCode(ctx context.Context, tx *storage.Tx, u *storage.User, address string, c Code) (id string, err error) {
	m := n.words(u, address, "mail.code", "Code", c.Code, "From", c.From)
	return tx.QueueMessage(ctx, storage.Outgoing{Kind: storage.OutgoingMail, Target: MaskEmail(address), CreatedAt: n.Now(), ExpiresAt: c.Until, CodeID: c.ID}, m)
}

// TextCode queues a code to a number, and returns the message's id. Its last
// line lets browsers fill the code in (WebOTP: "@host #code").
func (n *Notices) TextCode(ctx context.Context, tx *storage.Tx, u *storage.User, number, domain string, c Code) (id string, err error) {
	text := n.Pages.Text(n.lang(u), page.Say("text.code", "Code", c.Code, "Issuer", n.Issuer))
	t := Text{To: number, Body: fmt.Sprintf("%s\n\n@%s #%s", text, domain, c.Code)}
	return tx.QueueMessage(ctx, storage.Outgoing{Kind: storage.OutgoingText, Target: MaskNumber(number), CreatedAt: n.Now(), ExpiresAt: c.Until, CodeID: c.ID}, t)
}

func (n *Notices) mail(ctx context.Context, tx *storage.Tx, u *storage.User, address, id string, with ...any) error {
	_, err := tx.QueueMessage(ctx, storage.Outgoing{Kind: storage.OutgoingMail, Target: MaskEmail(address), CreatedAt: n.Now(), TaskID: n.task}, n.words(u, address, id, with...))
	return err
}

func (n *Notices) words(u *storage.User, address, id string, with ...any) Mail {
	with = append([]any{"Name", named(u), "Issuer", n.Issuer}, with...)
	lang := n.lang(u)
	return Mail{To: address, Subject: n.Pages.Text(lang, page.Say(id+".subject", with...)), Body: n.Pages.Text(lang, page.Say(id+".body", with...))}
}

func (n *Notices) lang(u *storage.User) string { return n.Pages.Language(nil, u.Profile.Locale, "") }

func named(u *storage.User) string {
	if u.Profile.Name != "" {
		return u.Profile.Name
	}
	return u.Email
}

// Deliver sends what is due and says how many messages it took up.
func (n *Notices) Deliver(ctx context.Context) (int, error) {
	mails, err := n.DB.Deliver(ctx, storage.OutgoingMail, giveUp, n.Now, n.sendMail)
	if err != nil || n.Text == nil {
		return mails, err
	}
	texts, err := n.DB.Deliver(ctx, storage.OutgoingText, giveUp, n.Now, n.sendText)
	return mails + texts, err
}

// DeliverNow sends one queued message at once, for a person who waits for it.
// What fails is tried again in the background.
func (n *Notices) DeliverNow(ctx context.Context, kind, id string) error {
	send := n.sendMail
	if kind == storage.OutgoingText {
		send = n.sendText
	}
	return n.DB.DeliverNow(ctx, kind, id, giveUp, n.Now, send)
}

func (n *Notices) sendMail(ctx context.Context, m *storage.Outgoing) error {
	var mail Mail
	if err := json.Unmarshal(m.Body, &mail); err != nil {
		return err
	}
	return forGood(n.Mail.Send(ctx, mail))
}

func (n *Notices) sendText(ctx context.Context, m *storage.Outgoing) error {
	var text Text
	if err := json.Unmarshal(m.Body, &text); err != nil {
		return err
	}
	if n.Text == nil {
		return errors.New("no text message gateway is configured")
	}
	text.ID = m.ID
	return forGood(n.Text.SendText(ctx, text))
}

// forGood tells the outbox when trying again is of no use.
func forGood(err error) error {
	if errors.Is(err, ErrRejected) {
		return fmt.Errorf("%w: %w", storage.ErrUndeliverable, err)
	}
	return err
}
