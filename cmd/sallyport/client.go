package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

type clientCommand struct {
	Create       clientCreateCommand       `cmd:"" help:"Register a product; prints its secret once."`
	List         clientListCommand         `cmd:"" help:"List products."`
	RotateSecret clientRotateSecretCommand `cmd:"" help:"Give a product a new secret; the old one stops working at once, or after --overlap."`
	Invite       clientInviteCommand       `cmd:"" help:"Make a token by which products register themselves (RFC 7591); prints it once."`
	Invites      clientInvitesCommand      `cmd:"" help:"List the tokens by which products can register themselves."`
	Uninvite     clientUninviteCommand     `cmd:"" help:"Take such tokens back."`
	Delete       clientDeleteCommand       `cmd:"" help:"Remove a product and all it holds."`
}

type clientCreateCommand struct {
	settings
	answer
	ID                    string   `arg:"" help:"Its client_id: small letters, digits and hyphens."`
	Name                  string   `help:"What people read. Without it: the id."`
	RedirectURI           []string `name:"redirect-uri" placeholder:"URI" help:"Where people come back to; may be repeated. Needed for authorization_code."`
	PostLogoutRedirectURI []string `name:"post-logout-redirect-uri" placeholder:"URI" help:"Where people may come back to after signing out; may be repeated."`
	BackchannelLogoutURI  string   `name:"backchannel-logout-uri" placeholder:"URI" help:"Where to tell it that a session ended."`
	AuthMethod            string   `default:"client_secret_basic" placeholder:"METHOD" help:"none (for what can keep no secret), client_secret_basic, client_secret_post, client_secret_jwt, or with keys: private_key_jwt, self_signed_tls_client_auth. Default: client_secret_basic."`
	JWKS                  string   `name:"jwks" placeholder:"FILE" help:"File with its public keys: a JWK Set, a JWK, or PEM."`
	JWKSURI               string   `name:"jwks-uri" placeholder:"URI" help:"Where its public keys are fetched instead."`
	GrantType             []string `default:"authorization_code" placeholder:"GRANT" help:"authorization_code, refresh_token, client_credentials, or the URNs of devices and token exchange; may be repeated. Default: authorization_code."`
	Scope                 []string `placeholder:"SCOPE" help:"Scopes it may ask for. Default: openid,profile,email,roles; none where it acts for itself alone."`
	Alg                   string   `default:"ES256" placeholder:"ALG" help:"What its ID tokens are signed with: ES256, PS256, EdDSA, or RS256 where its library knows nothing else. Default: ES256."`
	Native                bool     `help:"It is an app on a person's device."`
	FirstParty            bool     `help:"It is our own: people aren't asked for consent."`
	RequireTwoFactors     bool     `help:"Nobody enters it without two factors."`
	MinACR                string   `name:"min-acr" placeholder:"ACR" help:"The least acr to enter it with."`
	Company               []string `placeholder:"ID" help:"Only people of this company may use it; may be repeated."`
	Kind                  []string `placeholder:"KIND" help:"Only staff, or only clients, may use it."`
	Person                []string `placeholder:"EMAIL" help:"Only this person may use it; may be repeated."`
	For                   string   `placeholder:"ID" help:"The company it acts for by client_credentials. Without it: the operator."`
}

// createdClient is what a product needs to know of itself, by the names of RFC 7591.
type createdClient struct {
	ClientID     string   `json:"client_id"`
	ClientSecret string   `json:"client_secret,omitempty"`
	Name         string   `json:"client_name"`
	RedirectURIs []string `json:"redirect_uris"`
	AuthMethod   string   `json:"token_endpoint_auth_method"`
	Alg          string   `json:"id_token_signed_response_alg"`
	Issuer       string   `json:"issuer"`
}

// Run registers a product.
func (c *clientCreateCommand) Run(ctx context.Context, p *process) error {
	return c.withDatabase(ctx, p, func(conf config.Config, db *storage.DB) error {
		product := apply.NewProduct()
		product.ID, product.Name, product.AuthMethod, product.IDTokenAlg = c.ID, c.Name, c.AuthMethod, c.Alg
		product.RedirectURIs, product.PostLogoutRedirectURIs, product.BackchannelLogoutURI = c.RedirectURI, c.PostLogoutRedirectURI, c.BackchannelLogoutURI
		product.GrantTypes, product.Scopes, product.Native, product.FirstParty = c.GrantType, c.scopes(product.Scopes), c.Native, c.FirstParty
		product.RequireTwoFactors, product.MinACR, product.Companies, product.Kinds = c.RequireTwoFactors, c.MinACR, c.Company, c.Kind
		product.People, product.Company = c.Person, c.For
		if product.Name == "" {
			product.Name = c.ID
		}
		product.JWKSURI = c.JWKSURI
		if c.JWKS != "" {
			text, err := os.ReadFile(c.JWKS)
			if err != nil {
				return err
			}
			if product.JWKS, err = apply.ParseKeySet(string(text)); err != nil {
				return fmt.Errorf("--jwks %s: %w", c.JWKS, err)
			}
		}
		secret := ""
		if product.HasSecret() {
			secret = storage.NewClientSecret(product.AuthMethod)
			product.SecretHash, product.SecretText = apply.Secret(storage.Hash(secret)), apply.Secret(secret)
		}
		if _, err := apply.Apply(ctx, db, &apply.File{Products: []apply.Product{product}}, apply.Options{Now: present(), Actor: byCommand, OnlyNew: true}); err != nil {
			return err
		}
		words := fmt.Sprintf("Product %s is registered.\n  issuer         %s\n  client_id      %s\n", c.ID, conf.Issuer, c.ID)
		if secret != "" {
			words += fmt.Sprintf("  client_secret  %s\nThe secret isn't shown again.\n", secret)
		}
		return c.print(p, createdClient{
			ClientID: c.ID, ClientSecret: secret, Name: product.Name, RedirectURIs: c.RedirectURI, AuthMethod: c.AuthMethod, Alg: c.Alg, Issuer: conf.Issuer,
		}, words)
	})
}

// scopes are those it is registered for: those said, else the usual ones of what people sign in to.
func (c *clientCreateCommand) scopes(usual []string) []string {
	if len(c.Scope) == 0 && slices.Contains(c.GrantType, session.ClientCredentials) && !slices.Contains(c.GrantType, "authorization_code") {
		return nil
	}
	if len(c.Scope) == 0 {
		return usual
	}
	return c.Scope
}

type clientListCommand struct {
	settings
	answer
}

// listedClient is a product with its settings by their registered names.
type listedClient struct {
	ID   string `json:"client_id"`
	Name string `json:"client_name"`
	*storage.Client
}

// Run lists products, without the provider's own pages.
func (c *clientListCommand) Run(ctx context.Context, p *process) error {
	return c.withDatabase(ctx, p, func(_ config.Config, db *storage.DB) error {
		clients, err := db.Clients(ctx)
		if err != nil {
			return err
		}
		listed := []listedClient{}
		rows := [][]string{{"CLIENT_ID", "NAME", "AUTHENTICATES BY", "SIGNED WITH", "WHO", "REDIRECT URIS"}}
		for _, client := range clients {
			if client.Internal {
				continue
			}
			listed = append(listed, listedClient{client.ID, client.Name, client})
			rows = append(rows, []string{client.ID, client.Name, client.AuthMethod, client.IDTokenAlg, mayUse(client), strings.Join(client.RedirectURIs, " ")})
		}
		words := table(rows)
		if len(listed) == 0 {
			words = "There are no products: register one with sallyport client create.\n"
		}
		return c.print(p, listed, words)
	})
}

// mayUse says in words who may use a product.
func mayUse(c *storage.Client) string {
	who := append(slices.Clone(c.Kinds), c.Orgs...)
	if n := len(c.People); n == 1 {
		who = append(who, "1 person")
	} else if n > 1 {
		who = append(who, fmt.Sprintf("%d people", n))
	}
	switch {
	case session.MachineOnly(c) && c.Org == "":
		return "itself, for the operator"
	case session.MachineOnly(c):
		return "itself, for " + c.Org
	case len(who) == 0:
		return "everybody"
	}
	return strings.Join(who, ",")
}

type clientDeleteCommand struct {
	settings
	answer
	ID  string `arg:"" help:"Its client_id."`
	Yes bool   `help:"Really do it."`
}

// Run removes a product.
func (c *clientDeleteCommand) Run(ctx context.Context, p *process) error {
	return c.withDatabase(ctx, p, func(_ config.Config, db *storage.DB) error {
		client, err := findClient(ctx, db, c.ID)
		if err != nil {
			return err
		}
		holders, err := db.Holders(ctx, c.ID, present())
		if err != nil {
			return err
		}
		if !c.Yes {
			return fmt.Errorf("product %s (%s) would go for good, with the tokens it holds of %d people and everybody's roles in it; "+
				"add --yes to do it", c.ID, client.Name, len(holders))
		}
		product := apply.NewProduct()
		product.ID, product.Delete = c.ID, true
		if _, err := apply.Apply(ctx, db, &apply.File{Products: []apply.Product{product}}, apply.Options{Now: present(), Actor: byCommand, OnlyThere: true}); err != nil {
			return err
		}
		return c.print(p, map[string]string{"deleted": c.ID}, fmt.Sprintf("Product %s is gone.\n", c.ID))
	})
}

// findClient returns a product that operators may change.
func findClient(ctx context.Context, db *storage.DB, id string) (*storage.Client, error) {
	client, err := db.Client(ctx, id)
	switch {
	case notFound(err):
		return nil, fmt.Errorf("there is no product %s; sallyport client list shows those there are", id)
	case err != nil:
		return nil, err
	case client.Internal:
		return nil, fmt.Errorf("%s is one of the provider's own pages, and can't be changed", id)
	}
	return client, nil
}
