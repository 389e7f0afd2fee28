package servertest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/login/notify"
)

// Number is the provider's own, in E.164: what people text to.
const Number = "+41780000042"

// Phone is everybody's telephone: a gateway that takes the provider's text
// messages over HTTP and sends people's to it, signed in both directions. Its
// clock is the real one, as the provider's sender's is.
type Phone struct {
	url, secret string
	// deliver hands over what is queued for the phone.
	deliver func(testing.TB)

	mu     sync.Mutex
	texts  []notify.Text
	status int // what the next messages are answered; 0: they are taken
	hang   *hang
}

// hang is a time in which nothing is answered; nil: all is.
type hang struct {
	rang, over chan struct{}
	once       sync.Once
}

// newPhone runs a gateway until the end of the test.
func newPhone(t testing.TB) *Phone {
	t.Helper()
	p := &Phone{secret: rand.Text() + rand.Text()}
	p.url = Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			err = notify.VerifyRequest(r, p.secret, body, time.Now())
		}
		if err != nil {
			t.Errorf("the gateway was sent a bad message: %v", err)
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		p.wait(r)
		w.WriteHeader(p.take(t, body))
	})) + "/send"
	return p
}

// wait is until the phone answers again, or nobody listens any more.
func (p *Phone) wait(r *http.Request) {
	p.mu.Lock()
	h := p.hang
	p.mu.Unlock()
	if h == nil {
		return
	}
	h.once.Do(func() { close(h.rang) })
	select {
	case <-h.over:
	case <-r.Context().Done():
	}
}

// take keeps a message, once however often it comes, and returns the answer.
func (p *Phone) take(t testing.TB, body []byte) (status int) {
	var text notify.Text
	if err := json.Unmarshal(body, &text); err != nil || text.ID == "" || text.To == "" {
		t.Errorf("the gateway was sent %s: %v", body, err)
		return http.StatusBadRequest
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.status != 0 {
		return p.status
	}
	if !slices.ContainsFunc(p.texts, func(kept notify.Text) bool { return kept.ID == text.ID }) {
		p.texts = append(p.texts, text)
	}
	return http.StatusAccepted
}

// Fail answers all messages with a status from now on, and keeps none; 0: they
// are taken again. What was answered 5xx waits for its next try, 2 s later by
// the instance's clock.
func (p *Phone) Fail(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = status
}

// Hang leaves messages unanswered until release is called, which must be once;
// rang is closed when the first of them has come. The provider gives up after
// 5 s.
func (p *Phone) Hang() (rang <-chan struct{}, release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := &hang{rang: make(chan struct{}), over: make(chan struct{})}
	p.hang = h
	return h.rang, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.hang = nil
		close(h.over)
	}
}

// All is what was taken so far, oldest first. It delivers nothing.
func (p *Phone) All() []notify.Text {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.texts)
}

// Newest is the newest text message to a number, once all that is queued is
// delivered.
func (p *Phone) Newest(t testing.TB, number string) notify.Text {
	t.Helper()
	p.deliver(t)
	all := p.All()
	for _, text := range slices.Backward(all) {
		if text.To == number {
			return text
		}
	}
	t.Fatalf("no text message to %s among %v", number, all)
	return notify.Text{}
}

// Code is the code in the newest text message to a number.
func (p *Phone) Code(t testing.TB, number string) string {
	t.Helper()
	return codeIn(t, p.Newest(t, number).Body)
}

func codeIn(t testing.TB, body string) string {
	t.Helper()
	code := regexp.MustCompile(`\b[0-9]{6}\b`).FindString(body)
	if code == "" {
		t.Fatalf("no code in %q", body)
	}
	return code
}

// Send is somebody texting the provider: the gateway hands the message on to
// an instance, signed at that one's time and with a fresh id, and Send returns
// the status of the answer.
func (p *Phone) Send(t testing.TB, i *Instance, from, body string) (status int) {
	t.Helper()
	message, err := json.Marshal(map[string]string{"id": rand.Text(), "from": from, "to": Number, "body": body})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, i.URL+"/texts/inbound", bytes.NewReader(message))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	notify.SignRequest(r, p.secret, i.Clock.Now(), message)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}
