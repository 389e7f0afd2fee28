package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/sallyport-id/sallyport/config"
)

type configCommand struct {
	Check configCheckCommand `cmd:"" help:"Report every mistake in the configuration."`
	Print configPrintCommand `cmd:"" help:"Show the configuration and where each value came from, without secrets."`
}

type configCheckCommand struct{ settings }

// Run checks all that serve would stumble over, the master key's file included, and changes nothing.
func (c *configCheckCommand) Run(p *process) error {
	loaded, err := c.load(p)
	if err != nil {
		return err
	}
	_, err = config.LoadMasterKey(loaded, false, nil)
	_, isSQLite := loaded.DatabaseURL.SQLitePath()
	keyToCome := isSQLite && errors.Is(err, fs.ErrNotExist)
	if err != nil && !keyToCome {
		return err
	}
	fmt.Fprintf(p.stdout, "The configuration is sound: %s, listening on %s, database %s.\n",
		loaded.Issuer, loaded.Listen, loaded.DatabaseURL)
	if keyToCome {
		fmt.Fprintf(p.stdout, "The first start will write a new master key to %s.\n", loaded.MasterKeyFile)
	}
	return nil
}

type configPrintCommand struct{ settings }

// Run prints the configuration as YAML.
func (c *configPrintCommand) Run(p *process) error {
	loaded, err := c.load(p)
	if err != nil {
		return err
	}
	return loaded.Print(p.stdout)
}
