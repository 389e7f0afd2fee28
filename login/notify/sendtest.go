package notify

import (
	"context"
	"time"

	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// testLifetime is how long a test is worth sending.
const testLifetime = time.Hour

// MailTest queues a mail that says it is a test, in a language, and returns the
// masked address.
func (n *Notices) MailTest(ctx context.Context, tx *storage.Tx, address, lang string) (target string, err error) {
	m := Mail{To: address, Subject: n.testWords(lang, "test_mail.subject"), Body: n.testWords(lang, "test_mail.body")}
	return n.queueTest(ctx, tx, storage.OutgoingMail, MaskEmail(address), m)
}

// TextTest queues a text message that says it is a test, and returns the
// masked number. The number may be written as people do; the error is
// CheckNumber's where it is none.
func (n *Notices) TextTest(ctx context.Context, tx *storage.Tx, number, lang string) (target string, err error) {
	if number, err = CheckNumber(number, nil); err != nil {
		return "", err
	}
	return n.queueTest(ctx, tx, storage.OutgoingText, MaskNumber(number), Text{To: number, Body: n.testWords(lang, "test_text.body")})
}

func (n *Notices) testWords(lang, id string) string {
	return n.Pages.Text(lang, page.Say(id, "Issuer", n.Issuer))
}

func (n *Notices) queueTest(ctx context.Context, tx *storage.Tx, kind, target string, body any) (string, error) {
	_, err := tx.QueueMessage(ctx, storage.Outgoing{Kind: kind, Target: target, CreatedAt: n.Now(), ExpiresAt: n.Now().Add(testLifetime)}, body)
	return target, err
}
