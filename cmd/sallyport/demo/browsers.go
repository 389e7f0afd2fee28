package demo

import (
	"crypto/rand"
	"sync"
	"time"
)

// Limits of what is remembered, so that a product left running for weeks, or
// visited by a robot without cookies, stays small.
const (
	attemptLife  = time.Hour      // enrolling a second factor takes a person a while
	sessionLife  = 8 * time.Hour  // a working day
	browserLife  = 12 * time.Hour // since it was last seen
	maxAttempts  = 16             // tabs of one browser that are signing in
	maxBrowsers  = 10_000
	signedOutBy  = "You were signed out by Sallyport."
	signedOutOf  = "You are signed out of this product."
	signedOutAll = "You are signed out of this product and of Sallyport."
)

// attempt is one sign-in on its way: what the answer of the provider must fit,
// and what the person wanted.
type attempt struct {
	nonce    string
	verifier string // PKCE
	goal     string // the product's own note of what to do afterwards
	began    time.Time
}

// browser is what a product remembers under one cookie.
type browser struct {
	// owner names this browser for as long as it is known; the cookie's value
	// changes at each sign-in, so that a cookie planted beforehand is worth nothing.
	owner       string
	formToken   string
	attempts    map[string]attempt // by state
	session     *session           // nil when signed out; never changed, only replaced
	notice      string             // why there is no session, shown until the next sign-in
	logoutState string             // sent along with the latest sign-out
	seen        time.Time
}

// visitor is a copy of what handlers may know about a browser. The zero visitor
// is one never seen before.
type visitor struct {
	Owner     string
	FormToken string
	Session   *session
	Notice    string
}

// browsers keeps all browsers of one product, by the value of their cookie.
type browsers struct {
	now func() time.Time

	mu    sync.Mutex
	byKey map[string]*browser
}

func newBrowsers(now func() time.Time) *browsers {
	return &browsers{now: now, byKey: make(map[string]*browser)}
}

// get finds a browser that is still remembered. The caller holds mu.
func (bs *browsers) get(key string) *browser {
	b := bs.byKey[key]
	if b == nil {
		return nil
	}
	now := bs.now()
	if now.Sub(b.seen) > browserLife {
		delete(bs.byKey, key)
		return nil
	}
	b.seen = now
	if b.session != nil && now.Sub(b.session.Since) > sessionLife {
		b.session, b.notice = nil, "Your session here ran out. Please sign in again."
	}
	return b
}

// visitor tells what is known under a cookie.
func (bs *browsers) visitor(key string) visitor {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	b := bs.get(key)
	if b == nil {
		return visitor{}
	}
	return visitor{Owner: b.owner, FormToken: b.formToken, Session: b.session, Notice: b.notice}
}

// begin remembers an attempt under its state and returns the cookie to set: the
// given one if it is known, else a new one.
func (bs *browsers) begin(key, state string, a attempt) string {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	b := bs.get(key)
	if b == nil {
		bs.makeRoom()
		key = rand.Text()
		b = &browser{owner: rand.Text(), formToken: rand.Text(), attempts: make(map[string]attempt), seen: bs.now()}
		bs.byKey[key] = b
	}
	a.began = bs.now()
	if len(b.attempts) >= maxAttempts {
		delete(b.attempts, oldest(b.attempts, func(a attempt) time.Time { return a.began }))
	}
	b.attempts[state] = a
	return key
}

// take hands out the attempt with this state once, to the browser that began
// it, and to nobody else.
func (bs *browsers) take(key, state string) (attempt, bool) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	b := bs.get(key)
	if b == nil {
		return attempt{}, false
	}
	a, ok := b.attempts[state]
	delete(b.attempts, state)
	return a, ok && bs.now().Sub(a.began) <= attemptLife
}

// signIn gives the browser a session under a new cookie, which it returns
// together with the session that was there before (nil: none).
func (bs *browsers) signIn(key string, s *session) (newKey string, before *session) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	b := bs.get(key)
	if b == nil { // forgotten while the provider was asked for tokens
		b = &browser{owner: rand.Text(), attempts: make(map[string]attempt), seen: bs.now()}
	}
	delete(bs.byKey, key)
	before = b.session
	if before == nil || before.Subject != s.Subject {
		// Pages of the same person in other tabs keep working after a step-up;
		// nobody else's form token is worth anything from here on.
		b.formToken = rand.Text()
	}
	b.session, b.notice, b.logoutState = s, "", ""
	newKey = rand.Text()
	bs.byKey[newKey] = b
	return newKey, before
}

// signOut ends the session of one browser because its person asked for it.
// state is what the provider is to bring back.
func (bs *browsers) signOut(key, state string) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	if b := bs.get(key); b != nil {
		b.session, b.notice, b.logoutState = nil, signedOutOf, state
	}
}

// returned notes that the provider sent the browser back after a sign-out. A
// state that wasn't sent, or came before, changes nothing.
func (bs *browsers) returned(key, state string) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	if b := bs.get(key); b != nil && b.logoutState != "" && b.logoutState == state {
		b.logoutState = ""
		if b.session == nil {
			b.notice = signedOutAll
		}
	}
}

// end ends all sessions that match, in any browser, and returns their owners.
// Attempts under way stay: the person may be signing in anew at this moment.
func (bs *browsers) end(match func(*session) bool) (owners []string) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	for _, b := range bs.byKey {
		if b.session != nil && match(b.session) {
			b.session, b.notice = nil, signedOutBy
			owners = append(owners, b.owner)
		}
	}
	return owners
}

// makeRoom forgets browsers not seen for long, and if all were seen lately the
// one seen longest ago. The caller holds mu.
func (bs *browsers) makeRoom() {
	if len(bs.byKey) < maxBrowsers {
		return
	}
	now := bs.now()
	for key, b := range bs.byKey {
		if now.Sub(b.seen) > browserLife {
			delete(bs.byKey, key)
		}
	}
	if len(bs.byKey) >= maxBrowsers {
		delete(bs.byKey, oldest(bs.byKey, func(b *browser) time.Time { return b.seen }))
	}
}

// oldest is the key of the entry with the earliest time.
func oldest[V any](entries map[string]V, at func(V) time.Time) (key string) {
	var first time.Time
	for k, v := range entries {
		if t := at(v); key == "" || t.Before(first) {
			key, first = k, t
		}
	}
	return key
}
