package config

// Protocol says what is asked of every product.
type Protocol struct {
	// RequirePAR holds for products that aren't registered for it too, as FAPI 2.0 has it.
	RequirePAR bool `name:"require-pushed-authorization-requests" type:"option" preset:"false" help:"Refuse authorization requests of products that didn't push them first (RFC 9126)."`

	// RequireDPoPNonce costs a client a second try now and then, and proves that no DPoP proof was made ahead of its time.
	RequireDPoPNonce bool `name:"require-dpop-nonce" type:"option" preset:"false" help:"Refuse DPoP proofs without a recent nonce of this server (RFC 9449 section 8). Products' libraries fetch it by themselves."`
}
