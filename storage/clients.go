package storage

import (
	"context"
	"fmt"
	"time"
)

// Client is a product (a relying application) as it is registered.
type Client struct {
	ID   string `json:"-"`
	Name string `json:"-"`
	// SecretHash is Hash of the client secret; empty for public clients.
	SecretHash string `json:"-"`
	// Secret is the secret itself, only where AuthMethod is client_secret_jwt,
	// whose signatures can't be checked by a hash; OldSecret likewise. Both are
	// sealed at rest.
	Secret    string `json:"-"`
	OldSecret string `json:"-"`
	// OldSecretHash is that of the secret before, which works until
	// OldSecretUntil; see RotateSecret.
	OldSecretHash  string    `json:"-"`
	OldSecretUntil time.Time `json:"-"`
	// RegistrationHash is Hash of the token by which a client that registered
	// itself changes its registration (RFC 7592); empty for all others.
	RegistrationHash string `json:"-"`
	// AuthMethod is how the client authenticates: none, client_secret_basic,
	// client_secret_post, client_secret_jwt, private_key_jwt, tls_client_auth or
	// self_signed_tls_client_auth.
	AuthMethod string `json:"token_endpoint_auth_method"`
	ClientProtocol
	// RedirectURIs are compared as strings. For a Native client the port of a
	// loopback address may differ (RFC 8252 section 7.3).
	RedirectURIs           []string `json:"redirect_uris"`
	PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris,omitempty"`
	BackchannelLogoutURI   string   `json:"backchannel_logout_uri,omitempty"`
	GrantTypes             []string `json:"grant_types"`
	// Scopes are those it may ask for.
	Scopes []string `json:"scopes"`
	// IDTokenAlg is RS256, ES256, PS256 or EdDSA.
	IDTokenAlg string `json:"id_token_signed_response_alg"`
	// PKCEOptional frees a confidential client from sending a code_challenge.
	PKCEOptional bool `json:"pkce_optional,omitempty"`
	Native       bool `json:"native,omitempty"`
	// FirstParty skips the consent page.
	FirstParty bool `json:"first_party,omitempty"`
	// Internal is the account pages or the console: it gets no code and no
	// token, only the way back (response_type=none).
	Internal bool `json:"internal,omitempty"`
	// RequireTwoFactors demands two factors to enter, of everybody or of the
	// people of RequireTwoFactorsOf.
	RequireTwoFactors   bool     `json:"require_two_factors,omitempty"`
	RequireTwoFactorsOf []string `json:"require_two_factors_of,omitempty"`
	// MinACR is the least acr to enter with.
	MinACR string `json:"min_acr,omitempty"`
	// Orgs and Kinds say who may use it; empty: everybody.
	Orgs  []string `json:"companies,omitempty"`
	Kinds []string `json:"kinds,omitempty"`
	// People are the ids of the only people who may use it; empty: everybody
	// whom Orgs and Kinds let in.
	People []string `json:"people,omitempty"`
	// Org is the company that an API client (grant client_credentials) acts
	// for; empty: the operator.
	Org string `json:"company,omitempty"`
	// Roles are those that people can be given in it; none: any.
	Roles     []ProductRole `json:"roles,omitempty"`
	PolicyURI string        `json:"policy_uri,omitempty"`
	TermsURI  string        `json:"tos_uri,omitempty"`
	// Origins may call the token and userinfo endpoints from a browser; they
	// are derived from RedirectURIs when the client is saved.
	Origins              []string  `json:"origins,omitempty"`
	CreatedAt, UpdatedAt time.Time `json:"-"`
}

// ProductRole is a role that a product defines.
type ProductRole struct {
	ID   string `json:"id" yaml:"id"`
	Name string `json:"name,omitempty" yaml:"name"`
	// Kinds of people have it without being given it.
	Kinds []string `json:"kinds,omitempty" yaml:"kinds"`
}

const clientColumns = `id, name, secret_hash, old_secret_hash, old_secret_until, secret, old_secret, registration_hash, settings, created_at, updated_at`

func (r Reader) scanClient(row scanner) (*Client, error) {
	var c Client
	var secret, old []byte
	err := row.Scan(&c.ID, &c.Name, &c.SecretHash, &c.OldSecretHash, into(&c.OldSecretUntil), &secret, &old, &c.RegistrationHash,
		document{&c}, into(&c.CreatedAt), into(&c.UpdatedAt))
	if err == nil {
		c.Secret, err = r.openSecret(secret, c.ID)
	}
	if err == nil {
		c.OldSecret, err = r.openSecret(old, c.ID)
	}
	return found(&c, err, "product")
}

func (r Reader) openSecret(sealed []byte, clientID string) (string, error) {
	if len(sealed) == 0 {
		return "", nil
	}
	plain, err := r.db.sealer.open(sealed, "clients:"+clientID)
	return string(plain), err
}

func (tx *Tx) sealSecret(secret, clientID string) []byte {
	if secret == "" {
		return nil
	}
	return tx.db.sealer.seal([]byte(secret), "clients:"+clientID)
}

// Client returns a product, from the cache unless in a transaction. ErrNotFound
// where there is none. The caller must not change it.
func (r Reader) Client(ctx context.Context, id string) (*Client, error) {
	return cached(r, "client:"+id, func() (*Client, error) {
		return r.scanClient(r.run.queryRow(ctx, `SELECT `+clientColumns+` FROM clients WHERE id = $1`, id))
	})
}

// Clients lists all products by id, from the cache unless in a transaction.
func (r Reader) Clients(ctx context.Context) ([]*Client, error) {
	return cached(r, "clients", func() ([]*Client, error) {
		return list(r.run, ctx, "products", r.scanClient,
			`SELECT `+clientColumns+` FROM clients ORDER BY id`)
	})
}

// PutClient inserts or replaces a product.
func (tx *Tx) PutClient(ctx context.Context, c Client, now time.Time) error {
	tx.changedCached = true
	_, err := tx.run.exec(ctx, `
		INSERT INTO clients (id, name, secret_hash, old_secret_hash, old_secret_until, secret, old_secret, registration_hash, settings, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, secret_hash = excluded.secret_hash,
			old_secret_hash = excluded.old_secret_hash, old_secret_until = excluded.old_secret_until,
			secret = excluded.secret, old_secret = excluded.old_secret, registration_hash = excluded.registration_hash,
			settings = excluded.settings, updated_at = excluded.updated_at`,
		c.ID, c.Name, c.SecretHash, c.OldSecretHash, stamp(c.OldSecretUntil), tx.sealSecret(c.Secret, c.ID), tx.sealSecret(c.OldSecret, c.ID),
		c.RegistrationHash, encode(c), stamp(now), stamp(now))
	return wrap(err, "save product")
}

// PutClientSettings is PutClient for a product that is there and keeps its
// secret: one that is rotated at this moment isn't undone. ErrNotFound where
// there is no such product.
func (tx *Tx) PutClientSettings(ctx context.Context, c Client, now time.Time) error {
	tx.changedCached = true
	n, err := tx.run.exec(ctx, `UPDATE clients SET name = $2, settings = $3, updated_at = $4, registration_hash = $5 WHERE id = $1`,
		c.ID, c.Name, encode(c), stamp(now), c.RegistrationHash)
	if err == nil && n == 0 {
		return fmt.Errorf("product %q: %w", c.ID, ErrNotFound)
	}
	return wrap(err, "save product")
}

// DeleteClient removes a product with its grants and consents, and ends what
// other products exchanged its tokens for.
func (tx *Tx) DeleteClient(ctx context.Context, id string, now time.Time) error {
	tx.changedCached = true
	if _, err := tx.run.exec(ctx, `UPDATE grants SET revoked_at = $2 WHERE client_id = $1 AND revoked_at IS NULL`, id, stamp(now)); err != nil {
		return wrap(err, "end grants")
	}
	if err := tx.endExchanged(ctx, `SELECT id FROM grants WHERE parent <> '' AND parent IN (SELECT id FROM grants WHERE client_id = $2)`, now, id); err != nil {
		return err
	}
	n, err := tx.run.exec(ctx, `DELETE FROM clients WHERE id = $1`, id)
	if err == nil && n == 0 {
		return fmt.Errorf("product %q: %w", id, ErrNotFound)
	}
	return wrap(err, "delete product")
}

type scanner interface{ Scan(...any) error }

// list collects the rows of a query.
func list[T any](run runner, ctx context.Context, noun string, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := run.query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", noun, err)
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", noun, err)
		}
		all = append(all, v)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list %s: %w", noun, err)
	}
	return all, nil
}
