package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/config"
)

// holder keeps secrets where fmt can't call their methods.
type holder struct {
	secret   config.Secret
	database config.DatabaseURL
}

func TestNoFormatShowsASecret(t *testing.T) {
	secret, url := config.NewSecret("hidden"), database(t, "postgres://u:hidden@db/s")
	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%p"} {
		for _, value := range []any{secret, &secret, url, &url, []any{secret, url}, holder{secret, url}} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
	}
	for _, log := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(log).Info("message", "secret", secret, "url", url, "both", []any{secret, url})
	}
	encoded, err := json.Marshal([]any{secret, url, map[string]any{"a": secret}})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(encoded)
	for _, written := range []string{"hidden", fmt.Sprintf("%x", "hidden"), fmt.Sprintf("%X", "hidden")} {
		if strings.Contains(out.String(), written) {
			t.Errorf("%s in:\n%s", written, out.String())
		}
	}
	if !strings.Contains(out.String(), `"secret":"[redacted]"`) {
		t.Errorf("not marked as redacted:\n%s", out.String())
	}
	if secret.Reveal() != "hidden" || secret.IsZero() {
		t.Errorf("Reveal: %q", secret.Reveal())
	}
	if empty := config.NewSecret(""); !empty.IsZero() || empty.Reveal() != "" {
		t.Error("an empty secret isn't zero")
	}
}

func TestDatabaseURLHidesPasswords(t *testing.T) {
	for text, want := range map[string]string{
		"sqlite:a/b.db":                               "sqlite:a/b.db",
		"postgres://db/s":                             "postgres://db/s",
		"postgres://u@db/s":                           "postgres://u@db/s",
		"postgres://u:hidden@db/s":                    "postgres://u:[redacted]@db/s",
		"postgres://u:hid@hidden@db/s":                "postgres://u:[redacted]@db/s",
		"postgresql://u:hidden@a:1,b:2/s":             "postgresql://u:[redacted]@a:1,b:2/s",
		"postgres:///s?host=/run&password=hidden":     "postgres:///s?host=/run&password=[redacted]",
		"postgres://db/s?pass%77ord=hidden&sslmode=x": "postgres://db/s?pass%77ord=[redacted]&sslmode=x",
		"postgres://db/s?sslpassword=hidden":          "postgres://db/s?sslpassword=[redacted]",
	} {
		d := database(t, text)
		if d.String() != want {
			t.Errorf("%s prints %s, want %s", text, d, want)
		}
		if d.HasPassword() != (text != want) {
			t.Errorf("%s: HasPassword %v", text, d.HasPassword())
		}
		if d.Reveal() != text {
			t.Errorf("%s: Reveal %s", text, d.Reveal())
		}
	}
}

func TestDatabaseURLRefusesWithoutQuoting(t *testing.T) {
	for _, text := range []string{
		"", "hidden", "postgres://u:1/hidden@db/s", "postgres://u:1?hidden@db/s", "postgres://u:1#hidden@db/s",
		"postgres://u:%zzhidden@db/s", "postgres://db:hidden/s", "postgres://db/s?password=%zzhidden",
	} {
		_, err := config.ParseDatabaseURL(text)
		if err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v", text, err)
		}
		if errors.Unwrap(err) != nil {
			t.Errorf("%s: the cause %v may quote the text", text, errors.Unwrap(err))
		}
	}
}

func TestSQLitePath(t *testing.T) {
	if path, ok := database(t, "sqlite:/data/x.db").SQLitePath(); !ok || path != "/data/x.db" {
		t.Errorf("%q, %v", path, ok)
	}
	if _, ok := database(t, "postgres://db/x").SQLitePath(); ok {
		t.Error("PostgreSQL has a path")
	}
}
