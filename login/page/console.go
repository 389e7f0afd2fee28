package page

import (
	"net/url"
	"strings"
)

// Console is what surrounds the pages of administration: whose company, where
// one is, and what else may be visited. It is embedded in each of their types.
// Frame.Person is the person's e-mail; signing out is always offered.
type Console struct {
	// Company and CompanyID are empty on pages of the instance as a whole.
	Company, CompanyID string
	// Current is the item that the page belongs to: "people", "requirements",
	// "networks", "products", "api-clients" or "audit" of a company; of the
	// instance "companies", "all-products", "keys", "delivery" or "all-audit".
	Current string
	// Items says which of these are shown. Those of a company take a CompanyID.
	Items map[string]bool
	// Role is what the person is here: "administrator", "owner" or "operator".
	Role string
}

// shell is how the layout learns that a page is one of the console.
func (c Console) shell() *Console { return &c }

// Path is the address of something of the company: /console/companies/ID and
// the parts after it, each escaped. Parts that are empty are left out.
func (c Console) Path(parts ...string) string {
	return consolePath(append([]string{"companies", c.CompanyID}, parts...)...)
}

// Instance is the address of something of the instance: /console and the parts
// after it, each escaped.
func (c Console) Instance(parts ...string) string { return consolePath(parts...) }

func consolePath(parts ...string) string {
	var b strings.Builder
	b.WriteString("/console")
	for _, part := range parts {
		if part != "" {
			b.WriteString("/" + url.PathEscape(part))
		}
	}
	return b.String()
}

// Item is one line of the navigation.
type Item struct {
	// Name is that of Console.Current; the message nav.NAME is what it says.
	Name, URL string
	Current   bool
}

// Own are the company's items that are shown, in order.
func (c Console) Own() []Item {
	if c.CompanyID == "" {
		return nil
	}
	return c.items(c.Path, "people", "requirements", "networks", "products", "api-clients", "audit")
}

// Whole are the instance's items that are shown, in order.
func (c Console) Whole() []Item {
	whole := func(parts ...string) string { return c.Instance(strings.TrimPrefix(parts[0], "all-")) }
	return c.items(whole, "companies", "all-products", "keys", "delivery", "all-audit")
}

func (c Console) items(at func(...string) string, names ...string) []Item {
	var shown []Item
	for _, name := range names {
		if c.Items[name] {
			shown = append(shown, Item{Name: name, URL: at(name), Current: c.Current == name})
		}
	}
	return shown
}
