package main

import (
	"context"
	"fmt"

	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

type userDisableCommand struct {
	settings
	answer
	Email string `arg:"" help:"The person's address."`
}

// Run keeps a person out. What they are signed in to ends in the same transaction, and products are told.
func (c *userDisableCommand) Run(ctx context.Context, p *process) error {
	return c.setDisabled(ctx, p, c.answer, c.Email, true, "%s can't sign in any more; their sessions and tokens ended.\n")
}

type userEnableCommand struct {
	settings
	answer
	Email string `arg:"" help:"The person's address."`
}

// Run lets a person in again.
func (c *userEnableCommand) Run(ctx context.Context, p *process) error {
	return c.setDisabled(ctx, p, c.answer, c.Email, false, "%s can sign in again.\n")
}

func (s *settings) setDisabled(ctx context.Context, p *process, a answer, email string, disabled bool, words string) error {
	return s.withDatabase(ctx, p, func(_ config.Config, db *storage.DB) error {
		person := apply.NewPerson()
		person.Email, person.Disabled = email, disabled
		file := &apply.File{People: []apply.Person{person.Only("disabled")}}
		report, err := apply.Apply(ctx, db, file, apply.Options{Now: present(), Actor: byCommand, OnlyThere: true})
		if err != nil {
			return err
		}
		if !report.Changed() {
			words = "That was so already: " + words
		}
		return a.print(p, map[string]any{"email": email, "disabled": disabled, "changed": report.Changed()}, fmt.Sprintf(words, email))
	})
}
