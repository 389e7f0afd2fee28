package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/storage"
)

type auditExportCommand struct {
	settings
	Company string `placeholder:"ID" help:"Only what concerns this company."`
	Person  string `placeholder:"EMAIL" help:"Only what concerns this person, or what they did to others. Of somebody deleted: their id."`
	Product string `placeholder:"ID" help:"Only what concerns this product."`
	Event   string `placeholder:"NAME" help:"Only this event, such as session.started, or those that begin so: password."`
	Since   string `placeholder:"TIME" help:"From then on: 2026-01-31 or 2026-01-31T08:00:00Z."`
	Until   string `placeholder:"TIME" help:"Before then."`
	Format  string `default:"json" enum:"json,csv" placeholder:"FORMAT" help:"json (one event a line) or csv. Default: json."`
}

// exportPage is how many events are in memory at once.
const exportPage = 1000

// Run writes all events there are, page after page.
func (c *auditExportCommand) Run(ctx context.Context, p *process) error {
	q := storage.AuditQuery{OrgID: c.Company, Everywhere: true, ClientID: c.Product, Event: c.Event, Limit: exportPage}
	var err error
	if q.From, err = parseMoment("--since", c.Since); err != nil {
		return err
	}
	if q.Until, err = parseMoment("--until", c.Until); err != nil {
		return err
	}
	return c.withDatabase(ctx, p, func(_ config.Config, db *storage.DB) error {
		q.UserID = c.Person
		if strings.Contains(c.Person, "@") {
			user, err := findUser(ctx, db, c.Person)
			if err != nil {
				return err
			}
			q.UserID = user.ID
		}
		if c.Format == "csv" {
			return db.AuditEach(ctx, q, storage.NewAuditCSV(p.stdout).Write)
		}
		return db.AuditEach(ctx, q, func(events []*storage.Event) error {
			lines, err := storage.AuditJSON(events)
			if err == nil {
				_, err = p.stdout.Write(lines)
			}
			return err
		})
	})
}

// parseMoment reads a moment, or a day, which begins in UTC.
func parseMoment(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, usageError{fmt.Errorf("%s %s: write a day such as 2026-01-31, or a moment such as 2026-01-31T08:00:00Z", flag, text)}
}
