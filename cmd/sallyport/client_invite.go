package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/storage"
)

// longestInvite bounds how long a forgotten token lets products in.
const longestInvite = 365 * 24 * time.Hour

type clientInviteCommand struct {
	settings
	answer
	Name  string        `arg:"" help:"Whom the token is for: shown in lists and in the audit."`
	Uses  int           `default:"1" placeholder:"COUNT" help:"How many products may be registered with it. Default: 1."`
	Valid time.Duration `default:"24h" placeholder:"DURATION" help:"How long it works. Default: 24h."`
}

// madeInvite is an initial access token as RFC 7591 section 3 uses it.
type madeInvite struct {
	Name      string    `json:"name"`
	Token     string    `json:"initial_access_token"`
	Endpoint  string    `json:"registration_endpoint"`
	UsesLeft  int       `json:"uses_left"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Run makes a token by which products register themselves.
func (c *clientInviteCommand) Run(ctx context.Context, p *process) error {
	return c.withDatabase(ctx, p, func(conf config.Config, db *storage.DB) error {
		switch {
		case !conf.Registration.Enabled:
			return errors.New("registration is off, so the token would be of no use: set registration.enabled to true first, and restart the server")
		case c.Name == "":
			return usageError{errors.New("the name is empty: write whom the token is for")}
		case c.Uses < 1 || c.Uses > 10_000:
			return usageError{fmt.Errorf("--uses is %d; write 1 to 10000", c.Uses)}
		case c.Valid <= 0 || c.Valid > longestInvite:
			return usageError{fmt.Errorf("--valid is %s; write up to 8760h, a year", c.Valid)}
		}
		now, token := present(), storage.NewSecret()
		made := madeInvite{Name: c.Name, Token: token, Endpoint: conf.Issuer + "/register", UsesLeft: c.Uses, ExpiresAt: now.Add(c.Valid)}
		err := db.Write(ctx, func(tx *storage.Tx) error {
			err := tx.InsertInitialAccessToken(ctx, storage.InitialAccessToken{
				Hash: storage.Hash(token), Name: c.Name, UsesLeft: c.Uses, CreatedAt: now, ExpiresAt: made.ExpiresAt,
			})
			if err != nil {
				return err
			}
			return tx.Audit(ctx, storage.Event{At: now, Event: "registration.invited", Result: storage.OK, Actor: byCommand, Reason: c.Name})
		})
		if err != nil {
			return err
		}
		return c.print(p, made, fmt.Sprintf("Products can register at %s until %s, %s.\n  initial_access_token  %s\nIt isn't shown again.\n",
			made.Endpoint, moment(made.ExpiresAt), times(c.Uses), token))
	})
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return strconv.Itoa(n) + " times"
}

type clientInvitesCommand struct {
	settings
	answer
}

// listedInvite is a token that can still be used, without the token.
type listedInvite struct {
	Name      string    `json:"name"`
	UsesLeft  int       `json:"uses_left"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Run lists the tokens that can still be used.
func (c *clientInvitesCommand) Run(ctx context.Context, p *process) error {
	return c.withDatabase(ctx, p, func(_ config.Config, db *storage.DB) error {
		tokens, err := db.InitialAccessTokens(ctx, present())
		if err != nil {
			return err
		}
		listed := []listedInvite{}
		rows := [][]string{{"NAME", "USES LEFT", "UNTIL"}}
		for _, t := range tokens {
			listed = append(listed, listedInvite{Name: t.Name, UsesLeft: t.UsesLeft, CreatedAt: t.CreatedAt, ExpiresAt: t.ExpiresAt})
			rows = append(rows, []string{t.Name, strconv.Itoa(t.UsesLeft), moment(t.ExpiresAt)})
		}
		words := table(rows)
		if len(listed) == 0 {
			words = "Nobody can register a product: make a token with sallyport client invite.\n"
		}
		return c.print(p, listed, words)
	})
}

type clientUninviteCommand struct {
	settings
	answer
	Name string `arg:"" help:"Whom the token was for."`
}

// Run takes back tokens; what was registered with them stays.
func (c *clientUninviteCommand) Run(ctx context.Context, p *process) error {
	return c.withDatabase(ctx, p, func(_ config.Config, db *storage.DB) error {
		err := db.Write(ctx, func(tx *storage.Tx) error {
			if err := tx.DeleteInitialAccessTokens(ctx, c.Name); err != nil {
				return err
			}
			return tx.Audit(ctx, storage.Event{At: present(), Event: "registration.uninvited", Result: storage.OK, Actor: byCommand, Reason: c.Name})
		})
		if notFound(err) {
			return fmt.Errorf("there is no token for %s; sallyport client invites shows those there are", c.Name)
		}
		if err != nil {
			return err
		}
		return c.print(p, map[string]string{"uninvited": c.Name}, fmt.Sprintf("The tokens for %s no longer work. What was registered with them stays: see sallyport client list.\n", c.Name))
	})
}
