package config

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// Print writes the configuration as YAML, each value with a comment that tells where it came from. Secrets are
// [redacted]; without any, Load reads the output back to the same values.
func (c Config) Print(w io.Writer) error {
	var out bytes.Buffer
	group := ""
	for _, s := range settingsOf(&c) {
		key := s.Name
		if before, after, ok := strings.Cut(s.Name, "."); ok {
			if before != group {
				group = before
				fmt.Fprintf(&out, "%s:\n", group)
			}
			key = "  " + after
		}
		value, err := yaml.MarshalWithOptions(s.show(), yaml.Flow(true))
		if err != nil {
			return fmt.Errorf("print %s: %w", s.Name, err)
		}
		fmt.Fprintf(&out, "%s: %s # %s\n", key, bytes.TrimSpace(value), oneLine(c.origin[s.Name]))
	}
	_, err := out.WriteTo(w)
	return err
}

// show returns the value as it is written in a file, secrets redacted.
func (s setting) show() any {
	switch field := s.field.(type) {
	case *Secret:
		if field.IsZero() {
			return ""
		}
		return field.String()
	case *DatabaseURL:
		return field.String()
	case *time.Duration:
		return brief(*field)
	case *slog.Level:
		return strings.ToLower(field.String())
	case *[]netip.Prefix:
		texts := []string{}
		for _, network := range *field {
			texts = append(texts, network.String())
		}
		return texts
	case *[]string:
		return append([]string{}, *field...)
	case *int:
		return *field
	case *bool:
		return *field
	case *string:
		return *field
	}
	panic(fmt.Sprintf("config: no way to show a %T", s.field))
}

// brief writes 1h rather than 1h0m0s, and from a month on days.
func brief(d time.Duration) string {
	if d >= leastRetention && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// oneLine keeps a path with a line break in it from ending the comment.
func oneLine(text string) string {
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}
