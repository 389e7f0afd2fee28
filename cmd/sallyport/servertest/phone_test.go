package servertest_test

import (
	"os"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/cmd/sallyport/servertest"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestMain(m *testing.M) { os.Exit(storagetest.Main(m)) }

const number = "+41791234567"

// queue is what the flow does to send a text message or a mail.
func queue(t *testing.T, i *servertest.Instance, kind string, message any) {
	t.Helper()
	err := i.DB.Write(t.Context(), func(tx *storage.Tx) error {
		return tx.Queue(t.Context(), kind, "somebody", message, i.Clock.Now())
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPhoneTakes(t *testing.T) {
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			i := servertest.Start(t, engine)
			// More than one round takes up.
			for range 20 {
				queue(t, i, storage.OutgoingText, notify.Text{To: "+41790000000", Body: "000000"})
			}
			queue(t, i, storage.OutgoingText, notify.Text{To: number, Body: "111111"})
			i.Clock.Advance(time.Millisecond)
			queue(t, i, storage.OutgoingText, notify.Text{To: number, Body: "482913 is your code"})
			if got := i.Phone.Code(t, number); got != "482913" {
				t.Errorf("code %s", got)
			}
			if n := len(i.Phone.All()); n != 22 {
				t.Errorf("%d texts", n)
			}
			queue(t, i, storage.OutgoingMail, notify.Mail{To: "ana@acme.example", Body: "Code: 731904."})
			if got := i.CodeTo(t, "ana@acme.example"); got != "731904" {
				t.Errorf("code %s", got)
			}
		})
	}
}

func TestPhoneRefusesForATime(t *testing.T) {
	i := servertest.Start(t, "sqlite")
	i.Phone.Fail(503)
	queue(t, i, storage.OutgoingText, notify.Text{To: number, Body: "482913"})
	for failed := false; !failed; { // the server's own round may be the one that tries
		if _, err := i.Server.DeliverMessages(t.Context()); err != nil {
			t.Fatal(err)
		}
		outbox, err := i.DB.Outbox(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		failed = outbox[0].LastError != ""
	}
	if got := i.Phone.All(); len(got) != 0 {
		t.Errorf("taken %v", got)
	}
	i.Phone.Fail(0)
	i.Clock.Advance(2 * time.Second)
	i.Delivered()
	if got := i.Phone.All(); len(got) != 1 || got[0].Body != "482913" {
		t.Errorf("taken %v", got)
	}
}

func TestPhoneHangs(t *testing.T) {
	i := servertest.Start(t, "sqlite")
	rang, release := i.Phone.Hang()
	queue(t, i, storage.OutgoingText, notify.Text{To: number, Body: "482913"})
	<-rang // the server's own round brings it
	if got := i.Phone.All(); len(got) != 0 {
		t.Errorf("taken %v", got)
	}
	release()
	i.Delivered()
	if got := i.Phone.All(); len(got) != 1 {
		t.Errorf("taken %v", got)
	}
}

func TestPhoneSends(t *testing.T) {
	i := servertest.Start(t, "sqlite")
	for from, want := range map[string]int{number: 204, "Ana": 400} {
		if got := i.Phone.Send(t, i, from, "ABCD-EFGH"); got != want {
			t.Errorf("from %s: %d, want %d", from, got, want)
		}
	}
	// The provider goes by its own clock, and so does what is sent to it.
	i.Clock.Advance(24 * time.Hour)
	if got := i.Phone.Send(t, i, number, "ABCD-EFGH"); got != 204 {
		t.Errorf("a day later: %d", got)
	}
	other := servertest.Start(t, "sqlite")
	if got := other.Phone.Send(t, i, number, "ABCD-EFGH"); got != 403 {
		t.Errorf("another provider's phone: %d", got)
	}
}
