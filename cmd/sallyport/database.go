package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/storage"
)

// byCommand is the actor of what operators do by commands, in the audit.
const byCommand = "command line"

// openDatabase opens the configured database for one command, beside the server that may be running on it. Unlike serve
// it makes nothing: neither a database nor a key. Its errors name the command that helps.
func openDatabase(ctx context.Context, c config.Config) (*storage.DB, error) {
	if path, ok := c.DatabaseURL.SQLitePath(); ok {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no database at %s: run 'sallyport migrate' to make one, or name yours with --database-url", path)
		}
	}
	key, err := config.LoadMasterKey(c, false, nil)
	if err != nil {
		return nil, err
	}
	return storage.Open(ctx, c.DatabaseURL.Reveal(), storage.Options{MasterKey: key})
}

// withDatabase loads the configuration, opens the database, and closes it after use.
func (s *settings) withDatabase(ctx context.Context, p *process, use func(config.Config, *storage.DB) error) (err error) {
	conf, err := s.load(p)
	if err != nil {
		return err
	}
	db, err := openDatabase(ctx, conf)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return use(conf, db)
}

// present is the time as it is stored.
func present() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

// setUpLink makes set-up links for apply; none as long as an earlier one works.
func setUpLink(issuer string) func(context.Context, *storage.Tx, string, time.Time) (string, error) {
	return func(ctx context.Context, tx *storage.Tx, userID string, now time.Time) (string, error) {
		if alive, err := tx.HasLink(ctx, notify.LinkSetUp, userID, now); alive || err != nil {
			return "", err
		}
		link, _, err := notify.NewLink(ctx, tx, issuer, notify.LinkSetUp, userID, "", notify.LinkSetUpLifetime, now)
		return link, err
	}
}
