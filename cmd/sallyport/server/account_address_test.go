package server_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/storage"
)

func TestAskForAnotherAddress(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		h := inAccount(t, d, ana)
		posted(t, d)
		h.at("/account/email").MustRead(ana)
		for _, c := range []struct{ email, words string }{
			{"  ", "Enter the new e-mail address"},
			{"ana", "such as"},
			{"Ana <ana@home.example>", "such as"},
			{strings.Repeat("a", 250) + "@home.example", "such as"},
			{"ANA@acme.example", "already"},
		} {
			h.Submit(map[string]string{"email": c.email}).MustRead(c.words)
			if h.Status != 422 {
				t.Errorf("%q: %d", c.email, h.Status)
			}
		}
		mustPost(t, d)

		h.Submit(map[string]string{"email": " ana@home.example "})
		answer := h.Text()
		h.mustLog("address.change_asked")
		body := mustPost(t, d, ana+": A new address was asked for your account", "ana@home.example: Confirm your new e-mail address")
		body = body[strings.LastIndex(body, "/link?token=")+1:] // of the mail to the new address
		_, token, found := strings.Cut(body, "link?token=")
		token, _, _ = strings.Cut(token, "\n")
		link, err := d.DB.Link(t.Context(), storage.Hash(strings.TrimSpace(token)))
		if !found || err != nil || link.Purpose != notify.LinkChangeAddress || link.UserID != h.person().User.ID || link.Data != "ana@home.example" ||
			!link.ExpiresAt.Equal(d.Clock.Now().Add(notify.LinkAddressLifetime)) {
			t.Errorf("link %+v, %v in %s", link, err, body)
		}
		if u := h.person().User; u.Email != ana || !u.EmailVerified {
			t.Errorf("changed before the link was opened: %+v", u)
		}
		h.at("/account").MustRead("ana@home.example")

		// Another one at once is too many; half a minute later it isn't.
		h.at("/account/email").Submit(map[string]string{"email": "ana@home.example"}).MustRead("sent too often")
		mustPost(t, d)
		d.Clock.Advance(30 * time.Second)

		// The address of somebody else: the same answer, the same overview, and
		// no mail to it.
		h.at("/account/email").Submit(map[string]string{"email": "BEN@acme.example"})
		if got := strings.ReplaceAll(h.Text(), "BEN@acme.example", "ana@home.example"); got != answer || h.Status != 200 {
			t.Errorf("%d %q, for a free one %q", h.Status, got, answer)
		}
		h.mustLog("address.change_asked")
		h.at("/account").MustRead("BEN@acme.example")
		mustPost(t, d, ana+": A new address was asked for your account")
		if _, err := d.DB.Link(t.Context(), link.Hash); err == nil {
			t.Error("the link before it works on")
		}
	})
}

func TestAddressLinksAreLimited(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		h := inAccount(t, d, ana)
		posted(t, d)
		sent := 0
		for i := range 12 {
			d.Clock.Advance(30 * time.Second)
			if h.at("/account/email"); h.URL.Path != "/account/email" {
				signIn(h.Person, ana) // the proof was too long ago
			}
			h.Submit(map[string]string{"email": "ana" + string(rune('a'+i)) + "@home.example"})
			mails, _ := posted(t, d)
			sent += len(mails)
		}
		// One to the new address and one to the present one, each time.
		if sent != 20 {
			t.Errorf("%d mails in an hour, want 20", sent)
		}
	})
}

func TestConfirmOwnAddress(t *testing.T) {
	inQuiet(t, func(t *testing.T, d *servertest.Demo) {
		h := inAccount(t, d, ana)
		posted(t, d)
		h.send("/account/email/confirm").MustBeAt("/account") // it is confirmed
		mustPost(t, d)
		u := h.person().User
		u.EmailVerified = false
		change(t, d, ana, func(tx *storage.Tx, _ string) error { return tx.UpdateUser(t.Context(), u, d.Clock.Now()) })
		h.at("/account").SubmitTo("/account/email/confirm")
		body := mustPost(t, d, ana+": Confirm your e-mail address")
		if !strings.Contains(body, d.URL+"/link?token=") {
			t.Error(body)
		}
		h.send("/account/email/confirm").MustRead("sent too often")
		mustPost(t, d)
		if h.person().User.EmailVerified {
			t.Error("confirmed without the link")
		}
	})
}
