package apply

import (
	"slices"

	"github.com/sallyport-id/sallyport/storage"
)

// HasSecret says whether a product authenticates by a secret.
func (e *Product) HasSecret() bool {
	return slices.Contains([]string{storage.ClientSecretBasic, storage.ClientSecretPost, storage.ClientSecretJWT}, e.AuthMethod)
}

// keepSecrets fills in what a row keeps of its secrets. A secret that stays keeps the one before it for as long as that
// works; the secrets themselves are kept only of who signs by them.
func (e *Product) keepSecrets(c, was *storage.Client) {
	signs := e.AuthMethod == storage.ClientSecretJWT
	if signs && e.SecretText != "" {
		c.Secret = string(e.SecretText)
	}
	if was == nil || c.SecretHash != was.SecretHash {
		return
	}
	c.OldSecretHash, c.OldSecretUntil = was.OldSecretHash, was.OldSecretUntil
	if !signs {
		return
	}
	c.OldSecret = was.OldSecret
	if c.Secret == "" {
		c.Secret = was.Secret
	}
}

// signsUnknown says whether a product signs by a secret of which only the hash would be known.
func (e *Product) signsUnknown(was *storage.Client) bool {
	if e.AuthMethod != storage.ClientSecretJWT || e.SecretHash == "" || e.SecretText != "" {
		return false
	}
	return was == nil || was.Secret == "" || storage.Hash(was.Secret) != string(e.SecretHash)
}

// dropOld takes away what belonged to the way of authenticating that there was, unless the entry says it itself.
func (e *Product) dropOld(was Product, s source) {
	drop := func(field string, unused bool, take func()) {
		if unused && !s.mentions(field) {
			take()
		}
	}
	another := e.AuthMethod != was.AuthMethod
	drop("secret_hash", !e.HasSecret(), func() { e.SecretHash = "" })
	drop("tls_client", e.AuthMethod != storage.TLSClientAuth, func() { e.TLSClient = TLSClient{} })
	drop("token_endpoint_auth_signing_alg", another, func() { e.AuthSigningAlg = "" })
	// Keys may be there for request objects as well.
	keys := another && was.authenticatesByKey() && !e.authenticatesByKey() && !e.RequireSignedRequest && e.RequestObjectAlg == ""
	drop("jwks", keys || e.JWKSURI != "" && s.mentions("jwks_uri"), func() { e.JWKS = "" })
	drop("jwks_uri", keys || e.JWKS != "" && s.mentions("jwks"), func() { e.JWKSURI = "" })
}

// authenticatesByKey says whether the keys of a product authenticate it.
func (e *Product) authenticatesByKey() bool {
	return e.AuthMethod == storage.PrivateKeyJWT || e.AuthMethod == storage.SelfSignedTLS
}
