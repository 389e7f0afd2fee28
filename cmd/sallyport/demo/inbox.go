package demo

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"
)

// maxMessages is how many the inbox keeps.
const maxMessages = 500

// Message is a mail or a text message the provider sent.
type Message struct {
	// ID is what the provider calls it, however often it is sent; empty for mails.
	ID      string    `json:"id,omitempty"`
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"` // mail or sms
	To      string    `json:"to"`
	From    string    `json:"from"`
	Subject string    `json:"subject"` // empty for sms
	Body    string    `json:"body"`    // plain text
}

// Inbox keeps what the provider sends, newest first, at most 500 messages, and
// shows it at "/" and, for scripts, at "/messages.json". It stands in for
// everybody's mailbox and telephone, so it must be reachable for whoever tries
// the demo and nobody else.
type Inbox struct {
	pages   *pages
	mux     *http.ServeMux
	handler http.Handler
	gateway *Gateway // nil: no text messages

	mu     sync.RWMutex
	newest []Message
}

// NewInbox makes an empty inbox.
func NewInbox() *Inbox {
	in := &Inbox{pages: newPages(Product{}, "Inbox", "inbox"), mux: http.NewServeMux()}
	in.mux.HandleFunc("GET /{$}", in.list)
	in.mux.HandleFunc("GET /messages.json", in.json)
	in.mux.Handle("GET /static/", in.pages.static())
	in.handler = http.NewCrossOriginProtection().Handler(in.mux)
	return in
}

// Add puts a message on top, unless one with its ID is there. It may be called
// from anywhere at any time.
func (in *Inbox) Add(m Message) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if m.ID != "" && slices.ContainsFunc(in.newest, func(n Message) bool { return n.ID == m.ID }) {
		return
	}
	in.newest = slices.Insert(in.newest, 0, m)
	if len(in.newest) > maxMessages {
		clear(in.newest[maxMessages:])
		in.newest = in.newest[:maxMessages]
	}
}

// messages is a copy of all messages, newest first, never nil.
func (in *Inbox) messages() []Message {
	in.mu.RLock()
	defer in.mu.RUnlock()
	return append([]Message{}, in.newest...)
}

// ServeHTTP serves the list and the JSON.
func (in *Inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) { in.handler.ServeHTTP(w, r) }

// listing is the page's content.
type listing struct {
	Messages []shownMessage
	Form     *textForm
}

// shownMessage is a message as the list shows it: the addresses in it can be
// followed, and a code stands out.
type shownMessage struct {
	Message
	Code  string
	Parts []bodyPart
}

// bodyPart is a stretch of text, or an address.
type bodyPart struct{ Text, Link string }

func (in *Inbox) list(w http.ResponseWriter, r *http.Request) {
	address := regexp.MustCompile(`https?://[^\s<>"]*[^\s<>".,;:!?)]`)
	code := regexp.MustCompile(`\b[0-9]{6}\b`)
	content := listing{Form: in.form(r)}
	for _, m := range in.messages() {
		shown := shownMessage{Message: m, Parts: splitLinks(address, m.Body)}
		for _, part := range shown.Parts {
			if part.Link == "" && shown.Code == "" {
				shown.Code = code.FindString(part.Text)
			}
		}
		content.Messages = append(content.Messages, shown)
	}
	if err := in.pages.render(w, "inbox", http.StatusOK, view{Title: "Messages", Content: content}); err != nil {
		http.Error(w, "the list could not be shown", http.StatusInternalServerError)
	}
}

// splitLinks cuts a body at its addresses.
func splitLinks(address *regexp.Regexp, body string) (parts []bodyPart) {
	from := 0
	for _, at := range address.FindAllStringIndex(body, -1) {
		parts = append(parts, bodyPart{Text: body[from:at[0]]}, bodyPart{Text: body[at[0]:at[1]], Link: body[at[0]:at[1]]})
		from = at[1]
	}
	return append(parts, bodyPart{Text: body[from:]})
}

func (in *Inbox) json(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_ = json.NewEncoder(w).Encode(in.messages())
}
