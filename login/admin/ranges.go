package admin

import (
	"net/netip"
	"strings"

	"github.com/sallyport-id/sallyport/login/page"
)

// ranges reads networks, one a line; what follows # is a comment, which isn't
// kept. wrong is what is wrong with the first line that is no network.
func ranges(text string) (all []netip.Prefix, wrong *page.Text) {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		prefix, problem := oneRange(line)
		if problem != nil {
			return nil, problem
		}
		all = append(all, prefix)
	}
	return all, nil
}

func oneRange(line string) (netip.Prefix, *page.Text) {
	if addr, err := netip.ParseAddr(line); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	prefix, err := netip.ParsePrefix(line)
	switch {
	case err != nil || prefix.Addr().Is4In6():
		t := page.Say("problem.range_format", "Range", line)
		return prefix, &t
	case prefix != prefix.Masked():
		// Whether the network or the one address was meant is not ours to guess.
		t := page.Say("problem.range_within", "Range", line, "Address", prefix.Addr(), "Network", prefix.Masked())
		return prefix, &t
	}
	return prefix, nil
}

// rangeLines writes networks as ranges reads them.
func rangeLines(all []netip.Prefix) string { return strings.Join(rangeWords(all), "\n") }

func rangeWords(all []netip.Prefix) (words []string) {
	for _, p := range all {
		if p.IsSingleIP() {
			words = append(words, p.Addr().String())
		} else {
			words = append(words, p.String())
		}
	}
	return words
}
