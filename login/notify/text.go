package notify

import "context"

// Text is one text message.
type Text struct {
	// ID stays the same however often the message is tried, so that a gateway can tell a second try from a second
	// message. Without one, every try is a message of its own.
	ID string `json:"id,omitempty"`
	// To is a number in E.164, such as +41791234567.
	To   string `json:"to"`
	Body string `json:"body"`
}

// TextSender hands text messages over to whatever carries them. A nil error means that the carrier has accepted the
// message, not that it has arrived.
type TextSender interface {
	SendText(ctx context.Context, t Text) error
}
