package main

import (
	"context"
	"strconv"
	"time"

	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/storage"
)

// outboxCommand shows how mails, text messages and logouts are faring.
type outboxCommand struct {
	settings
	answer
}

// waitingMessages is how one kind of message stands.
type waitingMessages struct {
	Kind   string `json:"kind"`
	Queued int    `json:"queued"`
	// Oldest of those that are queued.
	Oldest time.Time `json:"oldest,omitzero"`
	// Failed counts those given up within the last seven days.
	Failed    int    `json:"failed"`
	LastError string `json:"last_error,omitempty"`
}

// Run shows the outbox.
func (c *outboxCommand) Run(ctx context.Context, p *process) error {
	return c.withDatabase(ctx, p, func(_ config.Config, db *storage.DB) error {
		kinds, err := db.Outbox(ctx)
		if err != nil {
			return err
		}
		listed := []waitingMessages{}
		rows := [][]string{{"KIND", "QUEUED", "OLDEST", "GIVEN UP", "LAST ERROR"}}
		for _, k := range kinds {
			listed = append(listed, waitingMessages{Kind: k.Kind, Queued: k.Queued, Oldest: k.OldestQueued, Failed: k.Failed, LastError: k.LastError})
			rows = append(rows, []string{k.Kind, strconv.Itoa(k.Queued), moment(k.OldestQueued), strconv.Itoa(k.Failed), orDash(k.LastError)})
		}
		words := table(rows)
		if len(listed) == 0 {
			words = "Nothing was sent within the last seven days.\n"
		}
		return c.print(p, listed, words)
	})
}
