package config

// Registration says whether products may register themselves.
type Registration struct {
	// Enabled alone lets nobody in: it takes an initial access token too, which sallyport client invite makes.
	Enabled bool `name:"enabled" type:"option" preset:"false" help:"Let whoever holds an initial access token (sallyport client invite) register products by RFC 7591."`
}
