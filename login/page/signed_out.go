package page

import "html/template"

// SignedOut says that a session is over and lets the browser tell the products
// it reached, each in a frame that nobody sees (OpenID Connect Front-Channel
// Logout 1.0); then it goes on, by itself after a few seconds, by a script as
// soon as all have answered, and by the link at once.
type SignedOut struct {
	// Products are those that are told now.
	Products []Told
	// Next is where it goes on, a registered address or one of our own; empty:
	// the person stays here. Back says that this is the product.
	Next string
	Back bool
	// SignIn leads to a new sign-in; empty: no such link.
	SignIn string
}

// Told is a product and the address that signs out of it.
type Told struct{ Product, Frame string }

func (SignedOut) template() string { return "signed_out" }

// frames are what the page may frame.
func (p SignedOut) frames() (all []string) {
	for _, told := range p.Products {
		all = append(all, told.Frame)
	}
	return all
}

// Address is Next: it was registered, also where its scheme is an app's own.
func (p SignedOut) Address() template.URL { return template.URL(p.Next) }

// Refresh is what a meta element makes of it.
func (p SignedOut) Refresh() string { return "5;url=" + p.Next }
