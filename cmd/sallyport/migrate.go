package main

import (
	"context"
	"fmt"

	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/storage"
)

type migrateCommand struct {
	settings
	answer
}

// Run brings the database to this version's schema; it makes a SQLite database and its master key where there is none.
func (c *migrateCommand) Run(ctx context.Context, p *process) error {
	conf, err := c.load(p)
	if err != nil {
		return err
	}
	key, err := config.LoadMasterKey(conf, true, func(s string) { fmt.Fprintln(p.stderr, s) })
	if err != nil {
		return err
	}
	steps, err := storage.Migrate(ctx, conf.DatabaseURL.Reveal(), storage.Options{MasterKey: key})
	if err != nil {
		return err
	}
	words := fmt.Sprintf("The database was migrated: %d step(s).\n", steps)
	if steps == 0 {
		words = "The database has this version's schema already.\n"
	}
	return c.print(p, map[string]int{"steps": steps}, words)
}
