package page

import (
	"net/url"
	"strings"
)

// Consent asks whether a product may see what it asks for. Form: allow=1 or
// deny=1, which is the page's Cancel: leave Frame.Cancel out.
type Consent struct {
	// Scopes are names; known ones have a message scope.NAME.
	Scopes []string
	// Named are the scopes of a product's API, in the words that it gave them.
	Named map[string]string
	// LogoURI is drawn by the browser, from https only: nothing of it is fetched
	// by us. ClientURI is the product's own site, Contacts whom to write to.
	LogoURI, ClientURI string
	Contacts           []string
	PolicyURI, TermURI string
	// BackTo is the host that the answer goes to; empty where that is an app.
	BackTo string
	// SelfRegistered marks what nobody here has checked: the page says so, and
	// shows the logo, the site and the contacts only where they are of BackTo.
	// Otherwise anybody could have us say whose product it is.
	SelfRegistered bool
}

func (Consent) template() string { return "consent" }

// Logo is the logo's address where it may be drawn.
func (p Consent) Logo() string {
	u, err := url.Parse(p.LogoURI)
	if origin := WebOrigin(p.LogoURI); err != nil || !strings.HasPrefix(origin, "https://") || !p.shows(u.Host) {
		return ""
	}
	return p.LogoURI
}

// pictures are what the page may draw beside our own.
func (p Consent) pictures() []string { return []string{p.Logo()} }

// Site is the host of the product's own site, by which people know who made
// it.
func (p Consent) Site() string {
	u, err := url.Parse(p.ClientURI)
	if err != nil || WebOrigin(p.ClientURI) == "" || !p.shows(u.Host) {
		return ""
	}
	return u.Host
}

// Reach are the contacts that may be shown.
func (p Consent) Reach() (shown []string) {
	for _, c := range p.Contacts {
		if _, host, _ := strings.Cut(c, "@"); p.shows(host) {
			shown = append(shown, c)
		}
	}
	return shown
}

// shows says whether the page may repeat what a product says of a host.
func (p Consent) shows(host string) bool {
	return !p.SelfRegistered || p.BackTo != "" && strings.EqualFold(host, p.BackTo)
}
