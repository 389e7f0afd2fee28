package config

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// parse reads the text of an option into its field. Lists come as several texts or as one with commas.
func (s setting) parse(texts []string) *mistake {
	if list, ok := s.field.(*[]netip.Prefix); ok {
		return parseNetworks(list, texts)
	}
	if list, ok := s.field.(*[]string); ok {
		*list = splitList(texts)
		return nil
	}
	if len(texts) != 1 {
		return &mistake{"takes one value, not a list", "write a single value"}
	}
	text := texts[0]
	switch field := s.field.(type) {
	case *string:
		*field = text
	case *Secret:
		*field = NewSecret(text)
	case *DatabaseURL:
		if m := checkDatabaseURL(text); m != nil {
			return m
		}
		*field = DatabaseURL{url: NewSecret(text)}
	case *bool:
		return parseBool(field, text)
	case *int:
		return parseCount(field, text)
	case *time.Duration:
		return parseDuration(field, text)
	case *slog.Level:
		return parseLevel(field, text)
	default:
		panic(fmt.Sprintf("config: no way to read a %T", s.field))
	}
	return nil
}

func parseBool(field *bool, text string) *mistake {
	switch text {
	case "true":
		*field = true
	case "false":
		*field = false
	default:
		return &mistake{fmt.Sprintf("is %q", text), "write true or false"}
	}
	return nil
}

func parseCount(field *int, text string) *mistake {
	n, err := strconv.Atoi(text)
	if err != nil {
		return &mistake{fmt.Sprintf("is %q, which is no number", text), "write digits, such as 1000"}
	}
	*field = n
	return nil
}

const day = 24 * time.Hour

// parseDuration takes what Go does, and whole days: 400d.
func parseDuration(field *time.Duration, text string) *mistake {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			*field = time.Duration(n) * day
			return nil
		}
	}
	d, err := time.ParseDuration(text)
	if err == nil {
		*field = d
		return nil
	}
	if _, err := strconv.Atoi(text); err == nil {
		return &mistake{fmt.Sprintf("is %q, without a unit", text), fmt.Sprintf("write %ss, %sm or %sh", text, text, text)}
	}
	return &mistake{fmt.Sprintf("is %q, which is no duration", text), "write one such as 90s, 30m, 1h30m or 400d"}
}

// parseLevel takes the four names only: slog's own would also take INFO+3.
func parseLevel(field *slog.Level, text string) *mistake {
	levels := map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}
	level, ok := levels[text]
	if !ok {
		return &mistake{fmt.Sprintf("is %q", text), "write debug, info, warn or error"}
	}
	*field = level
	return nil
}

func parseNetworks(field *[]netip.Prefix, texts []string) *mistake {
	var networks []netip.Prefix
	for _, part := range splitList(texts) {
		network, m := parseNetwork(part)
		if m != nil {
			return m
		}
		networks = append(networks, network)
	}
	*field = networks
	return nil
}

// splitList takes a list apart, whether it came as several texts or with commas.
func splitList(texts []string) (parts []string) {
	for _, text := range texts {
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part != "" {
				parts = append(parts, part)
			}
		}
	}
	return parts
}

// parseNetwork reads a CIDR range, or a single address. A range with bits set behind its length is refused: one of the
// two numbers isn't what was meant.
func parseNetwork(text string) (netip.Prefix, *mistake) {
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" && !addr.Is4In6() {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	if err != nil || network.Addr().Is4In6() {
		return netip.Prefix{}, &mistake{fmt.Sprintf("has %q, which is no network", text),
			"write networks like 10.0.0.0/8 or 2001:db8::/32"}
	}
	if network != network.Masked() {
		return netip.Prefix{}, &mistake{fmt.Sprintf("has %s, whose address lies inside the network", text),
			fmt.Sprintf("write %s for the network or %s for the address", network.Masked(), network.Addr())}
	}
	return network, nil
}
