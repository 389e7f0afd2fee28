package apply

import (
	"net/url"
	"strings"
)

// sector is the host that stands for the products which know people by the same pairwise subjects (OpenID Connect Core
// section 8.1); empty where there is none or more than one. Where nobody is led back to an address it says nothing: the
// product is a sector of its own then.
func (e *Product) sector() string {
	if e.SectorIdentifierURI != "" {
		return hostOf(e.SectorIdentifierURI)
	}
	if !e.grants(authorizationCode) && !e.grants(implicit) {
		return e.ID
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
