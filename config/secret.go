package config

import "log/slog"

const redacted = "[redacted]"

// Secret is a text that no log, error or printed configuration shows: whatever formats it prints [redacted]. Only
// Reveal gives the text. The zero Secret is an empty one.
type Secret struct {
	// A pointer, because fmt can't call methods on what lies in somebody's unexported field, and doesn't call String for
	// verbs like %d: it would print a string found there, but not what a pointer leads to.
	text *string
}

// NewSecret makes a secret of the text.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// Reveal returns the text. Its callers are the places to look at in a review.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero tells whether the secret is empty.
func (s Secret) IsZero() bool { return s.text == nil }

// String returns [redacted].
func (s Secret) String() string { return redacted }

// GoString returns [redacted], for %#v.
func (s Secret) GoString() string { return redacted }

// LogValue is [redacted] in structured logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText writes [redacted], so a Secret can be written but not read back.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// MarshalJSON writes "[redacted]".
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
