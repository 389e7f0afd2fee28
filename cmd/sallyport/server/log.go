package server

import (
	"io"
	"log/slog"
	"slices"
	"strings"
)

// secretKeys are never logged with their values, whoever logs them: libraries
// log state and more.
var secretKeys = []string{
	"state", "code", "nonce", "password", "secret", "client_secret", "token", "access_token", "refresh_token", "id_token", "id_token_hint",
	"code_verifier", "authorization", "cookie", "session_state", "otp",
}

// NewLogger writes to w in a format ("text" or "json"), without secrets.
func NewLogger(w io.Writer, level slog.Leveler, format string) *slog.Logger {
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: redact}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

func redact(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() != slog.KindGroup && slices.Contains(secretKeys, strings.ToLower(a.Key)) {
		return slog.String(a.Key, "[redacted]")
	}
	return a
}
