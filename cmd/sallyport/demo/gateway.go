package demo

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/login/notify"
)

// Gateway makes an inbox carry text messages as an operator's gateway would:
// over HTTP and signed, in both directions.
type Gateway struct {
	// Secret is the provider's text.webhook_secret.
	Secret string
	// Number is the provider's text.number, in E.164: what people text to.
	Number string
	// Inbound is the address at which the provider takes what people text.
	Inbound string
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// maxText bounds what is read of a text message.
const maxText = 64 << 10

// anasNumber is who texts, unless somebody else is chosen: it is in demo.yaml.
const anasNumber = "+41791234567"

// Carry makes the inbox a gateway too. It takes the provider's messages at
// POST /gateway, and sends messages to the provider from a form on its page or,
// for scripts, POST /texts with JSON {"from","body"}. Call it before serving,
// once.
func (in *Inbox) Carry(g Gateway) {
	if g.Now == nil {
		g.Now = time.Now
	}
	in.gateway = &g
	in.mux.HandleFunc("POST /gateway", in.takeText)
	in.mux.HandleFunc("POST /texts", in.sendText)
}

// takeText takes a message of the provider's to a person.
func (in *Inbox) takeText(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxText))
	if err != nil {
		http.Error(w, "the body can't be read", http.StatusBadRequest)
		return
	}
	now := in.gateway.Now()
	if err := notify.VerifyRequest(r, in.gateway.Secret, body, now); err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	var t notify.Text
	if err := json.Unmarshal(body, &t); err != nil || t.ID == "" || t.To == "" {
		http.Error(w, `the body is not {"id","to","body"}`, http.StatusBadRequest)
		return
	}
	in.Add(Message{ID: t.ID, At: now, Kind: "sms", To: t.To, From: in.gateway.Number, Body: t.Body})
}

// sendText sends a message of a person's to the provider, and says what the
// provider answered.
func (in *Inbox) sendText(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxText)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if kind != "application/json" {
		from := strings.TrimSpace(r.PostFormValue("from"))
		status, _ := in.gateway.send(r, from, r.PostFormValue("body"))
		answer := url.Values{"from": {from}, "answer": {strconv.Itoa(status)}}
		http.Redirect(w, r, "/?"+answer.Encode(), http.StatusSeeOther)
		return
	}
	var t struct{ From, Body string }
	if err := json.NewDecoder(r.Body).Decode(&t); err != nil {
		http.Error(w, `the body is not {"from","body"}`, http.StatusBadRequest)
		return
	}
	if _, err := in.gateway.send(r, t.From, t.Body); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// send hands a message over and returns the status of the answer, 0 where none
// came. The error says why the message wasn't accepted.
func (g *Gateway) send(r *http.Request, from, text string) (status int, err error) {
	body, err := json.Marshal(map[string]string{"id": rand.Text(), "from": from, "to": g.Number, "body": text})
	if err != nil {
		return 0, err
	}
	out, err := http.NewRequestWithContext(r.Context(), http.MethodPost, g.Inbound, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	out.Header.Set("Content-Type", "application/json")
	notify.SignRequest(out, g.Secret, g.Now(), body)
	client := http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(out)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 1000))
	if resp.StatusCode/100 != 2 {
		return resp.StatusCode, fmt.Errorf("the provider answered %s: %s", resp.Status, bytes.TrimSpace(said))
	}
	return resp.StatusCode, nil
}

// textForm is the form to send a message with, and what came of the one before.
type textForm struct {
	Number, From string
	Note         string
	Accepted     bool
}

// form is the page's form; nil where the inbox carries no text messages.
func (in *Inbox) form(r *http.Request) *textForm {
	if in.gateway == nil {
		return nil
	}
	q := r.URL.Query()
	f := &textForm{Number: in.gateway.Number, From: cmp.Or(q.Get("from"), anasNumber)}
	status, err := strconv.Atoi(q.Get("answer"))
	switch {
	case err != nil:
	case status/100 == 2:
		f.Note, f.Accepted = "Accepted: the provider has the message.", true
	case status == http.StatusBadRequest:
		f.Note = "Not accepted: write the number with its country, such as " + anasNumber + "."
	case status == 0:
		f.Note = "Not accepted: the provider didn't answer."
	default:
		f.Note = fmt.Sprintf("Not accepted: the provider answered %d.", status)
	}
	return f
}
