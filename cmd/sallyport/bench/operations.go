package main

import (
	"github.com/sallyport-id/sallyport/cmd/sallyport/bench/load"
)

// operation is something to measure. prepare gives one worker what it repeats.
type operation struct {
	name    string
	prepare func(at *site, w *worker) (func() error, error)
}

// operations in the order of the table.
var operations = []operation{
	{"reauthorize-es256", func(at *site, w *worker) (func() error, error) { return reauthorize(at, w, at.company.es256) }},
	{"reauthorize-rs256", func(at *site, w *worker) (func() error, error) { return reauthorize(at, w, at.company.rs256) }},
	{"refresh", refresh},
	{"client-credentials", func(at *site, w *worker) (func() error, error) {
		return func() error { return at.machine.ByItself(w.send) }, nil
	}},
	{"userinfo", func(at *site, w *worker) (func() error, error) {
		p := at.company.es256
		t, err := tokens(at, w, p)
		return func() error { return p.Userinfo(w.send, t.Access) }, err
	}},
	{"introspect", func(at *site, w *worker) (func() error, error) {
		p := at.company.es256
		t, err := tokens(at, w, p)
		return func() error { return p.Introspect(w.send, t.Access) }, err
	}},
	{"discovery", func(_ *site, w *worker) (func() error, error) {
		return func() error { return load.Discovery(w.send) }, nil
	}},
	{"keys", func(_ *site, w *worker) (func() error, error) { return func() error { return load.Keys(w.send) }, nil }},
	{"sign-in", signIn},
}

func names() []string {
	var all []string
	for _, op := range operations {
		all = append(all, op.name)
	}
	return all
}

// site is a running provider with its people, some of them signed in already.
type site struct {
	*company
	address  string
	browsers []*load.Browser
}

// browser is the signed-in browser of the i-th worker, the same in every
// measurement: a session is made by a password, which takes long.
func (at *site) browser(i int, s load.Sender) (*load.Browser, error) {
	for len(at.browsers) <= i {
		b := new(load.Browser)
		code, err := b.SignIn(s, at.es256, email(len(at.browsers)), password)
		if err == nil {
			_, err = at.es256.Exchange(s, code)
		}
		if err != nil {
			return nil, err
		}
		at.browsers = append(at.browsers, b)
	}
	return at.browsers[i], nil
}

// reauthorize is a sign-in with a running session: no page, a code, tokens.
func reauthorize(at *site, w *worker, p *load.Product) (func() error, error) {
	b, err := at.browser(w.number, w.send)
	return func() error {
		code, err := p.Authorize(w.send, b)
		if err == nil {
			_, err = p.Exchange(w.send, code)
		}
		return err
	}, err
}

func tokens(at *site, w *worker, p *load.Product) (load.Tokens, error) {
	b, err := at.browser(w.number, w.send)
	if err != nil {
		return load.Tokens{}, err
	}
	code, err := p.Authorize(w.send, b)
	if err != nil {
		return load.Tokens{}, err
	}
	return p.Exchange(w.send, code)
}

// refresh rotates one chain per worker.
func refresh(at *site, w *worker) (func() error, error) {
	p := at.company.refreshing
	t, err := tokens(at, w, p)
	return func() error {
		next, err := p.Refresh(w.send, t.Refresh)
		if err == nil {
			t = next
		}
		return err
	}, err
}

// signIn is the first sign-in of a browser by password, with the pages and
// redirects in between: six requests and the exchange of the code. The people
// of one worker are nobody else's, so that their tries are never counted
// together.
func signIn(at *site, w *worker) (func() error, error) {
	next := w.number
	return func() error {
		who := next
		if next += w.of; next >= at.people {
			next = w.number
		}
		code, err := new(load.Browser).SignIn(w.send, at.es256, email(who), password)
		if err == nil {
			_, err = at.es256.Exchange(w.send, code)
		}
		return err
	}, nil
}
