package apply

// What a product may be registered for, for the test that asks discovery.
var (
	AuthMethods = authMethods
	GrantTypes  = grantTypes
	Scopes      = scopes
	Algorithms  = algorithms
)
