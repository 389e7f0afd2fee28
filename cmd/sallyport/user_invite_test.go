package main

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/storage"
)

// An invitation is mailed with a link that works for a week and voids the one
// before; nothing is printed that helps to sign in.
func TestInvite(t *testing.T) {
	o, ctx, now := newOperator(t), t.Context(), present()
	o.environ = append(o.environ, "SALLYPORT_MAIL_SERVER=mail.acme.example:587", "SALLYPORT_MAIL_FROM=sallyport@acme.example", "SALLYPORT_ISSUER=https://id.acme.example")
	o.run("", "user", "invite", "ANA@acme.example")
	o.run("", "user", "invite", "ana@acme.example")
	o.run("", "user", "create", "bo@acme.example", "--company", "acme", "--name", "Bo Example", "--invite")

	var mails []notify.Mail
	_, err := o.db.Deliver(ctx, storage.OutgoingMail, time.Hour, func() time.Time { return now.Add(time.Minute) }, func(_ context.Context, m *storage.Outgoing) error {
		var mail notify.Mail
		err := json.Unmarshal(m.Body, &mail)
		mails = append(mails, mail)
		return err
	})
	if err != nil || len(mails) != 3 {
		t.Fatalf("%d mails, %v", len(mails), err)
	}
	alive := 0
	for _, m := range mails {
		if m.Subject != "Acme has an account for you" || m.To == "bo@acme.example" && !strings.Contains(m.Body, "Hello Bo Example") {
			t.Errorf("%+v", m)
		}
		link := regexp.MustCompile(`https://id\.acme\.example/set-up\?token=(\S+)`).FindStringSubmatch(m.Body)
		if link == nil {
			t.Fatalf("no link: %s", m.Body)
		}
		l, err := o.db.Link(ctx, storage.Hash(link[1]))
		switch {
		case errors.Is(err, storage.ErrNotFound):
		case err != nil || l.Purpose != notify.LinkInvite || l.Data != m.To || l.ExpiresAt.Sub(l.CreatedAt) != 7*24*time.Hour:
			t.Errorf("%+v, %v", l, err)
		default:
			alive++
		}
	}
	if alive != 2 {
		t.Errorf("%d links work, want the newest of each person", alive)
	}
	if got := o.events(); !slices.Equal(got, []string{"person.added", "invitation.sent", "invitation.sent"}) {
		t.Errorf("audit: %s", got)
	}
}
