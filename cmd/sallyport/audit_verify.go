package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/config"
	"github.com/sallyport-id/sallyport/storage"
)

type auditVerifyCommand struct {
	settings
	answer
	Head string `placeholder:"SEQ:HASH" help:"A head that verify named earlier: it must still be in the chain."`
}

// verifiedAudit is what audit verify answers.
type verifiedAudit struct {
	Intact bool `json:"intact"`
	// Head is the newest batch that was found sound, as --head takes it.
	Head    string            `json:"head,omitempty"`
	Newest  storage.AuditHead `json:"newest_batch,omitzero"`
	Batches int64             `json:"batches"`
	Events  int64             `json:"events"`
	// Dropped batches lost their events to audit.retention.
	Dropped  int64       `json:"dropped_batches"`
	Unsealed int64       `json:"unsealed"`
	Oldest   time.Time   `json:"oldest_unsealed,omitzero"`
	Break    *auditBreak `json:"break,omitempty"`
}

type auditBreak struct {
	Batch int64     `json:"batch,omitempty"`
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`
	Wrong string    `json:"wrong"`
}

// Run walks through the chain and fails where it is broken.
func (c *auditVerifyCommand) Run(ctx context.Context, p *process) error {
	known, err := parseHead(c.Head)
	if err != nil {
		return err
	}
	return c.withDatabase(ctx, p, func(conf config.Config, db *storage.DB) error {
		report, err := db.VerifyAudit(ctx, known, present())
		broken, isBreak := errors.AsType[*storage.AuditBreak](err)
		if err != nil && !isBreak {
			return err
		}
		v := verifiedAudit{
			Intact: !isBreak, Newest: report.Head, Batches: report.Batches, Events: report.Events, Dropped: report.Dropped,
			Unsealed: report.Unsealed, Oldest: report.Oldest,
		}
		if report.Head.Seq > 0 {
			v.Head = fmt.Sprintf("%d:%s", report.Head.Seq, report.Head.Hash)
		}
		if !isBreak {
			return c.print(p, v, v.words())
		}
		v.Break = &auditBreak{Batch: broken.Seq, From: broken.From, Until: broken.Until, Wrong: broken.Wrong}
		if err := c.print(p, v, ""); err != nil {
			return err
		}
		advice := v.advice()
		if broken.Waiting {
			advice = "Start the server. If it runs, its log says why it doesn't seal; a full pipe behind audit.stream is one reason."
		}
		return fmt.Errorf("%w\n  %s", broken, advice)
	})
}

func parseHead(text string) (storage.AuditHead, error) {
	if text == "" {
		return storage.AuditHead{}, nil
	}
	number, hash, ok := strings.Cut(text, ":")
	seq, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || seq < 1 || hash == "" {
		return storage.AuditHead{}, usageError{fmt.Errorf("--head %s: write a head as audit verify prints it, such as 42:q8Zx…", text)}
	}
	return storage.AuditHead{Seq: seq, Hash: hash}, nil
}

func (v verifiedAudit) words() string {
	var b strings.Builder
	if v.Batches == 0 {
		b.WriteString("Nothing was sealed yet: a running server seals within a second.\n")
	} else {
		fmt.Fprintf(&b, "The audit is as it was sealed: %s in %s", counted(v.Events, "event", "events"), counted(v.Batches, "batch", "batches"))
		if v.Dropped > 0 {
			fmt.Fprintf(&b, ", %d of them emptied by audit.retention", v.Dropped)
		}
		b.WriteString(".\n")
	}
	if v.Unsealed > 0 {
		fmt.Fprintf(&b, "%s not sealed yet, the oldest from %s.\n", counted(v.Unsealed, "event is", "events are"), moment(v.Oldest))
	}
	if v.Head != "" {
		fmt.Fprintf(&b, "Head, to be noted elsewhere and checked with --head the next time:\n  %s\n", v.Head)
	}
	return b.String()
}

// advice says what a break means, and what to do.
func (v verifiedAudit) advice() string {
	sound := "no batch was found sound before it"
	if v.Head != "" {
		sound = "sound up to " + v.Head
	}
	compare := "Compare with what your log shipper has, or with a backup."
	if b := v.Break; !b.From.IsZero() {
		compare = fmt.Sprintf("Compare these times with what your log shipper has, or with a backup:\n  sallyport audit export --since %s --until %s",
			b.From.Format(time.RFC3339), b.Until.Add(time.Second).Format(time.RFC3339))
	}
	return "Something else than Sallyport wrote to the database, or it was restored from an older copy (" + sound + ").\n" +
		"  Keep a copy of the database as it is now. " + compare
}

func counted(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
