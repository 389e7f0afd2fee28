package notify

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// Webhook hands text messages to a gateway of the operator's: a POST of {"id","to","body"} as JSON, signed. Any answer
// of 2xx means that the gateway has the message; whatever it says beside that is not read.
type Webhook struct {
	// Now is the clock that signatures are dated by.
	Now func() time.Time

	url, secret string
	client      *http.Client
}

// NewWebhook sends to the URL with the client, which decides whom it may call; redirects are not followed whatever it
// says, and no call takes longer than 5 s.
func NewWebhook(url string, secret string, client *http.Client) *Webhook {
	return &Webhook{Now: time.Now, url: url, secret: secret, client: straight(client)}
}

// String names the gateway's host: its path may hold a secret.
func (w *Webhook) String() string {
	if u, err := url.Parse(w.url); err == nil && u.Host != "" {
		return "text gateway " + u.Host
	}
	return "text gateway"
}

// SendText implements [TextSender]. Its errors are [*Failure].
func (w *Webhook) SendText(ctx context.Context, t Text) error {
	if t.ID == "" {
		t.ID = rand.Text()
	}
	body, err := json.Marshal(t)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return unreached(ctx, w.String(), err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(signatureHeader, sign(w.secret, w.Now(), body))
	answer, err := exchange(w.client, r, w.String())
	if err != nil || answer.accepted() {
		return err
	}
	return answer.failure(w.String(), "", w.secret, w.url)
}
