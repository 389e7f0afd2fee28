package servertest

import (
	"regexp"
	"runtime"
	"testing"

	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/storage"
)

// MailsTo delivers what is queued and returns all that was sent to an address,
// oldest first.
func (i *Instance) MailsTo(t testing.TB, address string) (mails []notify.Mail) {
	t.Helper()
	notices := notify.Notices{DB: i.DB, Mail: i.Mail, Now: i.Clock.Now}
	for {
		if _, err := notices.Deliver(t.Context()); err != nil {
			t.Fatal(err)
		}
		waiting, err := i.DB.Outbox(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		queued := 0
		for _, w := range waiting {
			if w.Kind == storage.OutgoingMail {
				queued = w.Queued
			}
		}
		if queued == 0 {
			break
		}
		runtime.Gosched() // the server's own round has it in hand
	}
	for _, m := range i.Mail.All() {
		if m.To == address {
			mails = append(mails, m)
		}
	}
	return mails
}

// MailTo is the newest mail to an address.
func (i *Instance) MailTo(t testing.TB, address string) notify.Mail {
	t.Helper()
	mails := i.MailsTo(t, address)
	if len(mails) == 0 {
		t.Fatalf("no mail to %s", address)
	}
	return mails[len(mails)-1]
}

// LinkTo is the first link in the newest mail to an address.
func (i *Instance) LinkTo(t testing.TB, address string) string {
	t.Helper()
	m := i.MailTo(t, address)
	link := regexp.MustCompile(regexp.QuoteMeta(i.URL) + `/\S*`).FindString(m.Body)
	if link == "" {
		t.Fatalf("no link to %s in the mail %q:\n%s", i.URL, m.Subject, m.Body)
	}
	return link
}
