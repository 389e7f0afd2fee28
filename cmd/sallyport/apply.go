package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

type applyCommand struct {
	settings
	answer
	File    string `arg:"" placeholder:"FILE" help:"YAML file with companies, people and products; - for standard input."`
	DryRun  bool   `name:"dry-run" help:"Say what would change, and change nothing."`
	Verbose bool   `short:"v" help:"Name what stays the same too."`
}

// Run brings companies, people and products to the state that the file declares.
func (c *applyCommand) Run(ctx context.Context, p *process) error {
	return c.withDatabase(ctx, p, func(conf config.Config, db *storage.DB) error {
		file, err := c.read(p)
		if err != nil {
			return err
		}
		passwords := factor.NewPasswords()
		report, err := apply.Apply(ctx, db, file, apply.Options{
			DryRun: c.DryRun, Now: present(), Actor: byCommand, HashOK: passwords.KnownHash, SetUpLink: setUpLink(conf.Issuer),
		})
		if err != nil {
			return err
		}
		var words strings.Builder
		if err := report.Write(&words, c.Verbose); err != nil {
			return err
		}
		return c.print(p, report, words.String())
	})
}

func (c *applyCommand) read(p *process) (*apply.File, error) {
	var from io.Reader = p.stdin
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return nil, fmt.Errorf("%w; name the YAML file, or - for standard input", err)
		}
		defer f.Close()
		from = f
	}
	return apply.Parse(from, c.File)
}
