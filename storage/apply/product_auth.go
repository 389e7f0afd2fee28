package apply

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/sallyport-id/sallyport/storage"
)

// What signs client assertions: keys of the client (RFC 7523), or its secret.
var (
	keyAlgorithms    = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
	secretAlgorithms = []string{"HS256", "HS384", "HS512"}
)

// checkAuth checks that a product has what its way of authenticating needs, and nothing of another.
func (e *Product) checkAuth(c checker, was *storage.Client) {
	if e.signsUnknown(was) {
		c.refuseAs(CodeConflict, "secret_hash", "isn't enough for client_secret_jwt, whose signatures no hash can check",
			"name the file with the secret itself in secret_file; it is sealed in the database. Or let it sign with a key of its own: auth_method: private_key_jwt")
	}
	if e.JWKS != "" && e.JWKSURI != "" {
		c.refuseAs(CodeConflict, "jwks", "is set beside jwks_uri", "keep one of them: "+`jwks: "" takes the keys away`)
	}
	if keys := e.JWKS != "" || e.JWKSURI != ""; !keys && e.authenticatesByKey() {
		c.refuseAs(CodeMissing, "jwks", "is missing though auth_method is "+e.AuthMethod, "write its public keys in jwks, or where they are fetched in jwks_uri")
	} else if !keys && (e.RequireSignedRequest || e.RequestObjectAlg != "") {
		c.refuseAs(CodeMissing, "jwks", "is missing though its request objects are signed", "write its public keys in jwks, or where they are fetched in jwks_uri")
	}
	e.checkTLSClient(c)
	if e.AuthSigningAlg == "" {
		return
	}
	const field = "token_endpoint_auth_signing_alg"
	switch e.AuthMethod {
	case storage.PrivateKeyJWT:
		oneOf(c, field, e.AuthSigningAlg, keyAlgorithms...)
	case storage.ClientSecretJWT:
		oneOf(c, field, e.AuthSigningAlg, secretAlgorithms...)
		e.checkSecretSize(c, field, was)
	default:
		c.refuseAs(CodeConflict, field, "is set though auth_method is "+e.AuthMethod, "leave it out: only private_key_jwt and client_secret_jwt sign assertions")
	}
}

// checkSecretSize refuses a secret that is shorter than the hash it keys (RFC 7518 section 3.2).
func (e *Product) checkSecretSize(c checker, field string, was *storage.Client) {
	secret := string(e.SecretText)
	if secret == "" && was != nil {
		secret = was.Secret
	}
	if least := map[string]int{"HS384": 48, "HS512": 64}[e.AuthSigningAlg]; len(secret) < least {
		c.refuseAs(CodeConflict, field, fmt.Sprintf("is %q, which needs a secret of %d bytes", e.AuthSigningAlg, least), "write HS256, or name a longer secret in secret_file")
	}
}

// named are the fields of a certificate's subject that are set.
func (t TLSClient) named() (fields []string) {
	for _, f := range []struct{ name, value string }{
		{"subject_dn", t.SubjectDN}, {"san_dns", t.SANDNS}, {"san_uri", t.SANURI}, {"san_ip", t.SANIP}, {"san_email", t.SANEmail},
	} {
		if f.value != "" {
			fields = append(fields, f.name)
		}
	}
	return fields
}

func (e *Product) checkTLSClient(c checker) {
	named, wanted := e.TLSClient.named(), e.AuthMethod == storage.TLSClientAuth
	switch {
	case wanted && len(named) == 0:
		c.refuseAs(CodeMissing, "tls_client", "is missing though auth_method is tls_client_auth", "write the subject of its certificate: subject_dn, san_dns, san_uri, san_ip or san_email")
	case wanted && len(named) > 1:
		c.refuseAs(CodeConflict, "tls_client", fmt.Sprintf("has %s and %s", named[0], named[1]), "keep one: a certificate is known by one name")
	case !wanted && len(named) > 0:
		c.refuseAs(CodeConflict, "tls_client", "is set though auth_method is "+e.AuthMethod, "leave it out, or set auth_method: tls_client_auth")
	}
	for field, value := range map[string]string{
		"subject_dn": e.TLSClient.SubjectDN, "san_dns": e.TLSClient.SANDNS, "san_uri": e.TLSClient.SANURI, "san_email": e.TLSClient.SANEmail,
	} {
		c.text("tls_client."+field, value)
	}
	if ip := e.TLSClient.SANIP; ip != "" {
		if _, err := netip.ParseAddr(ip); err != nil {
			c.refuse("tls_client.san_ip", fmt.Sprintf("is %q", ip), "write an address such as 192.0.2.7 or 2001:db8::7")
		}
	}
}

// confidential says whether a product can prove who it is.
func (e *Product) confidential() bool {
	return e.AuthMethod != authNone && slices.Contains(authMethods, e.AuthMethod)
}
