package apply

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// Product is a relying application as a file declares it.
type Product struct {
	// ID is its key and its client_id: small letters, digits and hyphens. Those that begin with sallyport- are the
	// provider's own.
	ID string `yaml:"id" json:"id"`
	// Name is what people read: "Sign in to NAME". A new product needs one.
	Name string `yaml:"name" json:"name"`
	// AuthMethod is how it authenticates: none for what can keep no secret (apps, pages); client_secret_basic (default) or
	// client_secret_post by a secret, client_secret_jwt by what the secret signs; private_key_jwt by what a key of jwks
	// signs; tls_client_auth by a certificate of the subject in tls_client, self_signed_tls_client_auth by one in jwks.
	AuthMethod string `yaml:"auth_method" json:"auth_method"`
	// SecretHash is the SHA-256 of its secret in base64url without padding; or SecretFile names a file that holds the
	// secret itself, relative to this one. Either replaces the secret before.
	SecretHash Secret `yaml:"secret_hash" show:"never" json:"-"`
	SecretFile string `yaml:"secret_file" show:"-" json:"-"`
	// SecretText is the secret itself, which client_secret_jwt needs: it is read from SecretFile, or set beside SecretHash
	// by a program.
	SecretText Secret `yaml:"-" json:"-"`
	// RedirectURIs are where people come back to, compared character by character.
	RedirectURIs           []string `yaml:"redirect_uris" json:"redirect_uris"`
	PostLogoutRedirectURIs []string `yaml:"post_logout_redirect_uris" json:"post_logout_redirect_uris,omitempty"`
	// BackchannelLogoutURI is told when a session ends.
	BackchannelLogoutURI string `yaml:"backchannel_logout_uri" json:"backchannel_logout_uri,omitempty"`
	// GrantTypes are authorization_code (default), refresh_token, client_credentials for what acts for itself: an API
	// client, which needs no redirect_uris where it has this one alone; implicit for response types with an id_token, and
	// those of devices (RFC 8628) and of token exchange (RFC 8693), which are called by their URNs.
	GrantTypes []string `yaml:"grant_types" json:"grant_types"`
	// Scopes are those it may ask for, of this provider and of the APIs in resources; openid, profile, email, roles where
	// nothing is said, and none of an API client.
	Scopes []string `yaml:"scopes" json:"scopes"`
	// Company is the id of the one an API client acts for, as an administrator of that company; none: for the operator.
	Company string `yaml:"company" json:"company,omitempty"`
	// IDTokenAlg is RS256 (default), PS256, EdDSA or ES256, which is 25 times cheaper to sign than those of RSA.
	IDTokenAlg string `yaml:"id_token_signed_response_alg" json:"id_token_signed_response_alg"`
	// PKCE is required (default) or, for products with a secret, optional.
	PKCE string `yaml:"pkce" json:"pkce"`
	// Native is an app on a person's device: custom schemes, and any port of a loopback address.
	Native bool `yaml:"native" json:"native,omitempty"`
	// FirstParty is the operator's own: people aren't asked for consent.
	FirstParty bool `yaml:"first_party" json:"first_party,omitempty"`
	// RequireTwoFactors to enter: of everybody, or of the people of these companies.
	RequireTwoFactors   bool     `yaml:"require_two_factors" json:"require_two_factors,omitempty"`
	RequireTwoFactorsOf []string `yaml:"require_two_factors_of" json:"require_two_factors_of,omitempty"`
	// MinACR is the least acr to enter with.
	MinACR string `yaml:"min_acr" json:"min_acr,omitempty"`
	// Companies and Kinds may use it; none: everybody.
	Companies []string `yaml:"companies" json:"companies,omitempty"`
	Kinds     []string `yaml:"kinds" json:"kinds,omitempty"`
	// People are the addresses of the only ones who may use it; none: all whom companies and kinds let in.
	People []string `yaml:"people" show:"operator" json:"people,omitempty"`
	// Roles are those that people can be given in it; none: any. Dropping one drops it from the people who have it.
	Roles Roles `yaml:"roles" json:"roles,omitempty"`
	// PolicyURI and TermsURI are shown where people are asked for consent.
	PolicyURI string `yaml:"policy_uri" json:"policy_uri,omitempty"`
	TermsURI  string `yaml:"tos_uri" json:"tos_uri,omitempty"`
	Protocol  `yaml:",inline"`
	// Delete removes the product with all it holds.
	Delete bool `yaml:"delete" show:"-" json:"-"`

	source
}

// Only says that an entry made by a program mentions these fields and no others, by their names in the file.
func (e Product) Only(fields ...string) Product {
	e.said = only(fields)
	return e
}

// What a product may be registered for; a test holds it against what discovery says.
var (
	authMethods = []string{
		authNone, storage.ClientSecretBasic, storage.ClientSecretPost, storage.ClientSecretJWT, storage.PrivateKeyJWT, storage.TLSClientAuth, storage.SelfSignedTLS,
	}
	grantTypes = []string{authorizationCode, refreshToken, session.ClientCredentials, implicit, deviceCode, tokenExchange}
	scopes     = slices.Concat(session.SignInScopes(), session.AdminScopes())
	algorithms = []string{"RS256", "ES256", "PS256", "EdDSA"}
	kinds      = []string{policy.Staff, policy.Client}
)

const (
	authNone          = storage.AuthNone
	authorizationCode = "authorization_code"
	refreshToken      = "refresh_token"
	implicit          = "implicit"
	deviceCode        = "urn:ietf:params:oauth:grant-type:device_code"
	tokenExchange     = "urn:ietf:params:oauth:grant-type:token-exchange"
	offlineAccess     = "offline_access"
	pkceRequired      = "required"
	pkceOptional      = "optional"
	internalPrefix    = "sallyport-"
)

// NewProduct returns the defaults.
func NewProduct() Product {
	return Product{
		AuthMethod: "client_secret_basic", GrantTypes: []string{authorizationCode}, Scopes: []string{"openid", "profile", "email", "roles"},
		IDTokenAlg: "RS256", PKCE: pkceRequired, Protocol: Protocol{SubjectType: subjectPublic},
	}
}

func (e *Product) checkForm(c checker) {
	c.id("id", e.ID)
	if strings.HasPrefix(e.ID, internalPrefix) {
		c.refuse("id", fmt.Sprintf("is %q", e.ID), "choose another beginning: "+internalPrefix+" is for the provider's own pages")
	}
	c.text("name", e.Name)
	oneOf(c, "auth_method", e.AuthMethod, authMethods...)
	oneOf(c, "id_token_signed_response_alg", e.IDTokenAlg, algorithms...)
	oneOf(c, "pkce", e.PKCE, pkceRequired, pkceOptional)
	each(c, "grant_types", e.GrantTypes, grantTypes)
	once(c, "scopes", e.Scopes)
	each(c, "kinds", e.Kinds, kinds)
	e.checkPeople(c)
	e.Roles.checkForm(c)
	if e.SecretHash != "" && !isHash(string(e.SecretHash)) {
		c.refuse("secret_hash", "is no SHA-256 in base64url", "name the secret's own file in secret_file, or run "+
			"openssl dgst -sha256 -binary < FILE | basenc --base64url | tr -d =")
	}
	if _, known := policy.ParseACR(e.MinACR); !known && e.MinACR != "" {
		c.refuse("min_acr", fmt.Sprintf("is %q", e.MinACR), "write "+either(levels()))
	}
	c.uris("redirect_uris", e.RedirectURIs)
	c.uris("post_logout_redirect_uris", e.PostLogoutRedirectURIs)
	if e.BackchannelLogoutURI != "" {
		c.uri("backchannel_logout_uri", e.BackchannelLogoutURI)
		c.onlyWeb("backchannel_logout_uri", []string{e.BackchannelLogoutURI})
	}
	c.page("policy_uri", e.PolicyURI)
	c.page("tos_uri", e.TermsURI)
	e.checkProtocolForm(c)
}

// levels are the canonical acr values.
func levels() (all []string) {
	for l := policy.OneFactor; l <= policy.HardwareKey; l++ {
		all = append(all, l.ACR())
	}
	return all
}

// isHash says whether text could come from storage.Hash, of anything but nothing.
func isHash(text string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && len(b) == 32 && text != storage.Hash("")
}

// each checks a list against the allowed values.
func each(c checker, field string, values, allowed []string) {
	for i, v := range values {
		oneOf(c, fmt.Sprintf("%s[%d]", field, i), v, allowed...)
	}
	once(c, field, values)
}

// once refuses what is in a list a second time.
func once(c checker, field string, values []string) {
	for i, v := range values {
		if slices.Contains(values[:i], v) {
			c.refuseAs(CodeTwice, fmt.Sprintf("%s[%d]", field, i), fmt.Sprintf("is %q again", v), "write it once")
		}
	}
}

// checkWhole checks a product together with what was there before; companies are those there will be.
func (e *Product) checkWhole(c checker, companies map[string]*storage.Org) {
	public := e.AuthMethod == authNone
	switch {
	case e.Name == "":
		c.refuseAs(CodeMissing, "name", "is missing", "write what people call the product")
	case !e.HasSecret() && e.SecretHash != "" && slices.Contains(authMethods, e.AuthMethod):
		c.refuseAs(CodeConflict, "secret_hash", "is set though auth_method is "+e.AuthMethod, "leave out the secret, or set auth_method: client_secret_basic")
	case e.HasSecret() && e.SecretHash == "":
		c.refuseAs(CodeMissing, "secret_hash", "is missing", "write secret_hash or secret_file; or auth_method: none for what can keep no secret")
	}
	if public && e.PKCE == pkceOptional {
		c.refuseAs(CodeConflict, "pkce", "is optional though auth_method is none", "write pkce: required: without a secret, it alone protects the code")
	}
	refresh := e.grants(refreshToken)
	if e.machineOnly() {
		e.checkMachineOnly(c)
	} else {
		if !e.signsIn() {
			c.refuseAs(CodeMissing, "grant_types", "has no "+authorizationCode, "add it: people sign in by it")
		}
		if !slices.Contains(e.Scopes, "openid") {
			c.refuseAs(CodeMissing, "scopes", "has no openid", "add it: without it there is no sign-in")
		}
	}
	e.checkMachine(c, companies)
	if slices.Contains(e.Scopes, offlineAccess) && !refresh {
		c.refuseAs(CodeConflict, "scopes", "has offline_access without the grant for it", "add refresh_token to grant_types")
	}
	if (e.grants(authorizationCode) || e.grants(implicit)) && len(e.RedirectURIs) == 0 {
		c.refuseAs(CodeMissing, "redirect_uris", "is missing", "name the address that people come back to, such as https://dashboard.example.com/callback")
	}
	if !e.Native {
		c.onlyWeb("redirect_uris", e.RedirectURIs)
		c.onlyWeb("post_logout_redirect_uris", e.PostLogoutRedirectURIs)
	}
	e.checkProtocol(c)
	if len(e.RequireTwoFactorsOf) > 0 && !e.RequireTwoFactors {
		c.refuseAs(CodeConflict, "require_two_factors_of", "names companies though require_two_factors is false", "write require_two_factors: true as well")
	}
	for field, list := range map[string][]string{"companies": e.Companies, "require_two_factors_of": e.RequireTwoFactorsOf} {
		for i, id := range list {
			c.company(fmt.Sprintf("%s[%d]", field, i), id, companies)
		}
	}
}

// company refuses a company that there won't be.
func (c checker) company(field, id string, companies map[string]*storage.Org) {
	if companies[id] == nil {
		c.refuseAs(CodeUnknown, field, fmt.Sprintf("is %q, and there is no such company", id), "add it to companies, or write the id of one that is there")
	}
}

const minSecret = 32

// readSecret reads the file that holds the secret.
func (e *Product) readSecret(c checker, dir string) {
	if e.SecretFile == "" {
		return
	}
	if e.SecretHash != "" {
		c.refuseAs(CodeConflict, "secret_file", "is set beside secret_hash", "keep one of them")
		return
	}
	path := e.SecretFile
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		var inner *fs.PathError
		if errors.As(err, &inner) {
			err = inner.Err
		}
		c.refuse("secret_file", fmt.Sprintf("is %q, which can't be read: %v", e.SecretFile, err), "name a file beside this one")
		return
	}
	secret := strings.TrimRight(string(text), "\r\n")
	if len(secret) < minSecret || strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > 0x7e }) {
		c.refuse("secret_file", fmt.Sprintf("is %q, which doesn't hold one word of at least %d characters", e.SecretFile, minSecret),
			"make a secret with openssl rand -base64 32")
		return
	}
	e.SecretHash, e.SecretText = Secret(storage.Hash(secret)), Secret(secret)
	if e.said != nil {
		e.said["secret_hash"] = true
	}
}

// productOf is a row as a file would declare it, but for its people, whose addresses are theirs.
func productOf(c *storage.Client) Product {
	e := Product{
		ID: c.ID, Name: c.Name, AuthMethod: c.AuthMethod, SecretHash: Secret(c.SecretHash),
		RedirectURIs: c.RedirectURIs, PostLogoutRedirectURIs: c.PostLogoutRedirectURIs, BackchannelLogoutURI: c.BackchannelLogoutURI,
		GrantTypes: c.GrantTypes, Scopes: c.Scopes, IDTokenAlg: c.IDTokenAlg, PKCE: pkceRequired, Native: c.Native, FirstParty: c.FirstParty,
		RequireTwoFactors: c.RequireTwoFactors, RequireTwoFactorsOf: c.RequireTwoFactorsOf, MinACR: c.MinACR,
		Companies: c.Orgs, Kinds: c.Kinds, Company: c.Org, Roles: c.Roles, PolicyURI: c.PolicyURI, TermsURI: c.TermsURI,
	}
	if c.PKCEOptional {
		e.PKCE = pkceOptional
	}
	e.Protocol = protocolOf(c)
	return e
}

// client is the row that an entry wants, in place of was. Its people are those of was; see planAccess.
func (e *Product) client(was *storage.Client, now time.Time) storage.Client {
	c := storage.Client{
		ID: e.ID, Name: e.Name, AuthMethod: e.AuthMethod, SecretHash: string(e.SecretHash),
		RedirectURIs: e.RedirectURIs, PostLogoutRedirectURIs: e.PostLogoutRedirectURIs, BackchannelLogoutURI: e.BackchannelLogoutURI,
		GrantTypes: e.GrantTypes, Scopes: e.Scopes, IDTokenAlg: e.IDTokenAlg, PKCEOptional: e.PKCE == pkceOptional,
		Native: e.Native, FirstParty: e.FirstParty,
		RequireTwoFactors: e.RequireTwoFactors, RequireTwoFactorsOf: e.RequireTwoFactorsOf, MinACR: e.MinACR,
		Orgs: e.Companies, Kinds: e.Kinds, Org: e.Company, Roles: e.Roles, PolicyURI: e.PolicyURI, TermsURI: e.TermsURI, Origins: origins(e.RedirectURIs),
		ClientProtocol: e.row(), CreatedAt: now,
	}
	if was != nil {
		c.CreatedAt, c.People = was.CreatedAt, was.People
	}
	e.keepSecrets(&c, was)
	return c
}

// origins are those of the addresses that browsers come back to.
func origins(uris []string) []string {
	var all []string
	for _, text := range uris {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" {
			continue
		}
		if origin := u.Scheme + "://" + u.Host; !slices.Contains(all, origin) {
			all = append(all, origin)
		}
	}
	return all
}
