package page

import "time"

// ConsoleKeys lists the keys that sign tokens. New ones are made at
// /console/keys/rotate, at once and instead of the old ones at
// /console/keys/leaked; both are pages that ask first, in the words
// keys_rotate. and keys_leaked. (heading, body, button).
type ConsoleKeys struct {
	Console
	Keys []SigningKey
}

// SigningKey is a key without what signs.
type SigningKey struct {
	// ID is the kid, Alg RS256 or ES256.
	ID, Alg string
	// State is "next" (published, so that products know it in time), "signing"
	// or "retired" (published until the last token it signed has expired).
	State string
	// SignsFrom, and Until when; zero: no end is known.
	SignsFrom, Until time.Time
}

func (ConsoleKeys) template() string { return "console_keys" }
