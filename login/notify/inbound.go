package notify

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Inbound is one text message that a person sent to the system's number.
type Inbound struct {
	// ID is the carrier's name for the message. Whoever acts on a message makes sure that no ID is acted on twice.
	ID string
	// From is the person's number in E.164, To what they wrote to.
	From, To string
	Body     string
	// At is when the message was handed to us.
	At time.Time
}

var (
	// ErrBadSignature says that a message doesn't come from the gateway.
	ErrBadSignature = errors.New("the signature is not the gateway's")
	// ErrStale says that a message is signed but not of now: somebody plays an old one again, or a clock is wrong.
	ErrStale = errors.New("the message was not signed within the last 5 minutes")
	// ErrBadInbound says that a message comes from the gateway but is not one of a person's.
	ErrBadInbound = errors.New("the message is incomplete")
)

// InboundReader checks where an inbound message comes from and reads it. The body is the request's, read whole already.
// The error is ErrBadSignature, ErrStale or ErrBadInbound.
type InboundReader interface {
	ReadInbound(r *http.Request, body []byte, now time.Time) (Inbound, error)
}

// maxID is how long a carrier's name for a message may be.
const maxID = 128

// checked refuses what lacks something that its reader relies on.
func (in Inbound) checked() (Inbound, error) {
	number, err := CheckNumber(in.From, nil)
	if err != nil || in.ID == "" || len(in.ID) > maxID {
		return Inbound{}, ErrBadInbound
	}
	in.From = number
	return in, nil
}

// WebhookInbound reads messages from the operator's gateway: JSON {"id","from","to","body"} with the same signature, by
// the same secret, as messages to it.
type WebhookInbound struct{ secret string }

// NewWebhookInbound believes whoever has the secret.
func NewWebhookInbound(secret string) *WebhookInbound { return &WebhookInbound{secret} }

// String hides the secret from whatever formats the value.
func (w *WebhookInbound) String() string { return "text gateway" }

// ReadInbound implements [InboundReader].
func (w *WebhookInbound) ReadInbound(r *http.Request, body []byte, now time.Time) (Inbound, error) {
	at, err := verify(w.secret, r.Header.Get(signatureHeader), body, now)
	if err != nil {
		return Inbound{}, err
	}
	var message struct {
		ID   string `json:"id"`
		From string `json:"from"`
		To   string `json:"to"`
		Body string `json:"body"`
	}
	if err := json.Unmarshal(body, &message); err != nil {
		return Inbound{}, ErrBadInbound // the cause may quote the body
	}
	return Inbound{ID: message.ID, From: message.From, To: message.To, Body: message.Body, At: at}.checked()
}

// TwilioInbound reads messages from Twilio. Its requests have no date, so a recorded one can be sent again at any time:
// that each ID counts once is what keeps such a message from doing anything.
type TwilioInbound struct{ token, origin string }

// NewTwilioInbound believes whoever has the account's auth token. The origin is the one people and Twilio reach us at:
// what a request says about its host is not believed.
func NewTwilioInbound(token, origin string) *TwilioInbound {
	return &TwilioInbound{token: token, origin: strings.TrimSuffix(origin, "/")}
}

// String hides the token from whatever formats the value.
func (t *TwilioInbound) String() string { return "Twilio" }

// ReadInbound implements [InboundReader].
func (t *TwilioInbound) ReadInbound(r *http.Request, body []byte, now time.Time) (Inbound, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil || !t.signed(r, form) {
		return Inbound{}, ErrBadSignature
	}
	return Inbound{
		ID: form.Get("MessageSid"), From: form.Get("From"), To: form.Get("To"), Body: form.Get("Body"), At: now,
	}.checked()
}

// signed tells whether the request has Twilio's signature: over the URL and the sorted parameters.
func (t *TwilioInbound) signed(r *http.Request, form url.Values) bool {
	got, err := base64.StdEncoding.Strict().DecodeString(r.Header.Get("X-Twilio-Signature"))
	if err != nil || t.token == "" {
		return false
	}
	var parameters strings.Builder
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		// A value that is sent twice is signed once.
		values := slices.Clone(form[name])
		slices.Sort(values)
		for _, value := range slices.Compact(values) {
			parameters.WriteString(name + value)
		}
	}
	for _, origin := range withAndWithoutPort(t.origin) {
		h := hmac.New(sha1.New, []byte(t.token))
		h.Write([]byte(origin + r.URL.RequestURI() + parameters.String()))
		if hmac.Equal(got, h.Sum(nil)) {
			return true
		}
	}
	return false
}

// withAndWithoutPort has both ways to write the origin: for some requests Twilio signs the URL with its port, for others
// without.
func withAndWithoutPort(origin string) []string {
	u, err := url.Parse(origin)
	if err != nil {
		return nil
	}
	other := *u
	switch {
	case u.Port() != "":
		other.Host = strings.TrimSuffix(u.Host, ":"+u.Port())
	case u.Scheme == "https":
		other.Host += ":443"
	default:
		other.Host += ":80"
	}
	return []string{origin, other.String()}
}
