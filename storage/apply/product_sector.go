package apply

import (
	"net/url"
	"strings"
)

// sector is the host that stands for the products which know people by the same pairwise subjects (OpenID Connect Core
// section 8.1); empty where there is none or more than one.
func (e *Product) sector() string {
	if e.SectorIdentifierURI != "" {
		return hostOf(e.SectorIdentifierURI)
	}
	sector := ""
	for i, uri := range e.RedirectURIs {
		host := hostOf(uri)
		if host == "" || i > 0 && host != sector {
			return ""
		}
		sector = host
	}
	return sector
}

func hostOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}
