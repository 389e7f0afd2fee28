package idp

import "net/url"

// Anybody may send an authorization request, and it is kept before it is known
// who they are: so it is kept short. mostWord bounds what is the product's own to
// choose and comes back to it, mostKept the sum.
const (
	mostWord = 2 << 10
	mostKept = 8 << 10
)

// tooLong refuses a request of which more would be kept than any product needs.
// What is ignored isn't kept, and doesn't count.
func tooLong(q url.Values) error {
	for _, name := range []string{"state", "nonce", "login_hint"} {
		if len(q.Get(name)) > mostWord {
			return oauth(invalidRequest, "%s is too long: %d bytes at most", name, mostWord)
		}
	}
	sum := 0
	for _, name := range parameters {
		for _, value := range q[name] {
			sum += len(value)
		}
	}
	if sum > mostKept {
		return oauth(invalidRequest, "the parameters are too long: %d bytes in sum at most", mostKept)
	}
	return nil
}
