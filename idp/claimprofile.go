package idp

import (
	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// profileOf are the words in which a client wants amr and acr.
func profileOf(c *storage.Client) policy.ClaimProfile { return policy.ClaimProfile(c.ClaimProfile) }

// inWordsOf is what an ID token says of a sign-in to a client: the same thing
// in the client's words, and never more. An acr that is left out is empty.
func inWordsOf(c *storage.Client, a policy.Assurance) policy.Assurance { return profileOf(c).Say(a) }
