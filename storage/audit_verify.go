package storage

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// AuditHead is the newest batch of the chain. Noted elsewhere, it proves later
// that nothing up to it was taken away.
type AuditHead struct {
	Seq    int64     `json:"seq"`
	Hash   string    `json:"hash"`
	Events int64     `json:"events"`
	LastAt time.Time `json:"last_at"`
}

// AuditReport is what VerifyAudit walked through.
type AuditReport struct {
	// Head is the last batch that was found sound; zero where there is none.
	Head AuditHead
	// Batches and Events are how many were checked; Dropped batches have no
	// events any more.
	Batches, Events, Dropped int64
	// Unsealed is how many rows are in no batch yet, the first from Oldest.
	Unsealed int64
	Oldest   time.Time
}

// AuditBreak is where the audit is not as it was sealed.
type AuditBreak struct {
	// Seq is the batch, From and Until its times, as far as they are known.
	Seq         int64
	From, Until time.Time
	// Wrong says what is wrong with it.
	Wrong string
	// Waiting says that nothing else is wrong than that nobody seals.
	Waiting bool
}

func (b *AuditBreak) Error() string {
	switch {
	case b.Waiting:
		return "the audit is not sealed: " + b.Wrong
	case b.Wrong == keyMissing, b.Wrong == keyOther:
		return "the audit is not as it was sealed: " + b.Wrong
	}
	at := ""
	if !b.From.IsZero() {
		at = fmt.Sprintf(" (events from %s to %s)", b.From.Format(auditTime), b.Until.Format(auditTime))
	}
	return fmt.Sprintf("the audit is not as it was sealed: batch %d%s %s", b.Seq, at, b.Wrong)
}

// What a break is.
const (
	batchChanged = "was itself changed: its seal does not fit"
	batchMissing = "is missing"
	batchCut     = "does not follow the batch before it"
	batchForged  = "is marked as deleted by retention, and was not"
	rowsInside   = "has rows, though retention deleted them"
	rowChanged   = "has a row that was changed or replaced"
	headMissing  = "was noted as sealed and is not there: the newest batches were taken away"
	headChanged  = "is not the one that was noted: the chain was begun anew or replaced"
	noBatch      = "has rows, but no such batch was sealed"
	keyMissing   = "the chain's key is missing"
	keyOther     = "the chain's key does not open: it was replaced, or the master key is another one"
	notSealed    = "rows have waited for their seal since %s: no server seals them, or their time was set back"
)

// AuditSealedWithin is how long a row may be in no batch before that is a break.
const AuditSealedWithin = 10 * time.Minute

// verifyPage is how many batches are read at once.
const verifyPage = 200

// VerifyAudit walks through the whole chain and returns what it found and, as
// an *AuditBreak, the first place where the audit is not as it was sealed.
// known, unless zero, is a head noted earlier, which must be in the chain. A
// server may go on sealing and dropping meanwhile.
//
// It proves that nothing was changed since it was sealed. Who can write to the
// database can still change a row in the second before that, take away the
// newest batches together with their rows (known tells), and write rows of
// their own, which are then sealed like any other.
func (db *DB) VerifyAudit(ctx context.Context, known AuditHead, now time.Time) (AuditReport, error) {
	v := verification{db: db, known: known}
	if err := v.walk(ctx); err != nil {
		return v.report, err
	}
	if known.Seq > v.report.Head.Seq {
		return v.report, &AuditBreak{Seq: known.Seq, Wrong: headMissing}
	}
	return v.report, v.unsealed(ctx, now)
}

type verification struct {
	db     *DB
	known  AuditHead
	key    []byte
	report AuditReport
}

func (v *verification) walk(ctx context.Context) (err error) {
	v.key, err = v.db.auditKey(ctx)
	switch {
	case errors.Is(err, errNoAuditKey):
		return v.neverSealed(ctx)
	case errors.Is(err, errSealed):
		return &AuditBreak{Wrong: keyOther}
	case err != nil:
		return err
	}
	for {
		page, err := list(v.db.run, ctx, "batches of the audit", scanAuditBatch,
			`SELECT `+auditBatchColumns+` FROM audit_batches WHERE seq > $1 ORDER BY seq LIMIT $2`, v.report.Head.Seq, verifyPage)
		if err != nil {
			return err
		}
		for _, b := range page {
			if err := v.batch(ctx, b); err != nil {
				return err
			}
		}
		if len(page) == verifyPage {
			continue
		}
		more, err := v.beyond(ctx)
		if err != nil || !more {
			return err
		}
	}
}

// neverSealed holds where there is no key: then there is nothing it sealed.
func (v *verification) neverSealed(ctx context.Context) error {
	var batches, rows int64
	if err := v.db.run.queryRow(ctx, `SELECT COUNT(*) FROM audit_batches`).Scan(&batches); err != nil {
		return fmt.Errorf("count batches: %w", err)
	}
	if err := v.db.run.queryRow(ctx, `SELECT COUNT(*) FROM audit WHERE batch IS NOT NULL`).Scan(&rows); err != nil {
		return fmt.Errorf("count sealed rows: %w", err)
	}
	if batches+rows > 0 {
		return &AuditBreak{Wrong: keyMissing}
	}
	return nil
}

// batch checks one batch, the next after the head.
func (v *verification) batch(ctx context.Context, b *auditBatch) error {
	head := &v.report.Head
	if b.seq != head.Seq+1 {
		return &AuditBreak{Seq: head.Seq + 1, Wrong: batchMissing}
	}
	if wrong := v.link(b); wrong != "" {
		return b.wrong(wrong)
	}
	events, wrong, err := v.rows(ctx, b)
	if err != nil {
		return err
	}
	if wrong != "" {
		// Retention may have come by after the batch was read.
		if again, err := v.db.auditBatch(ctx, b.seq); err == nil && b.droppedAt.IsZero() && !again.droppedAt.IsZero() {
			return v.batch(ctx, again)
		}
		return b.wrong(wrong)
	}
	*head = AuditHead{Seq: b.seq, Hash: b.hash, Events: b.events, LastAt: b.lastAt}
	v.report.Batches++
	v.report.Events += events
	if !b.droppedAt.IsZero() {
		v.report.Dropped++
	}
	return nil
}

// link says what is wrong with the batch itself, if anything.
func (v *verification) link(b *auditBatch) string {
	switch {
	case b.hash != b.chained(v.key):
		return batchChanged
	case b.previous != v.report.Head.Hash:
		return batchCut
	case b.seq == v.known.Seq && b.hash != v.known.Hash:
		return headChanged
	case !b.droppedAt.IsZero() && b.dropped != b.droppedMark(v.key):
		return batchForged
	}
	return ""
}

// rows counts the rows of a batch and says what is wrong with them, if
// anything.
func (v *verification) rows(ctx context.Context, b *auditBatch) (n int64, wrong string, err error) {
	expected := b.events
	if !b.droppedAt.IsZero() {
		expected = 0
	}
	// One more than there should be is enough to know, however many there are.
	events, err := list(v.db.run, ctx, "audit", scanEvent, `SELECT `+auditColumns+` FROM audit WHERE batch = $1 LIMIT $2`, b.seq, expected+1)
	if err != nil {
		return 0, "", err
	}
	n = int64(len(events))
	switch {
	case n > 0 && expected == 0:
		return n, rowsInside, nil
	case n > expected:
		return n, fmt.Sprintf("has more than its %d rows: some were added", expected), nil
	case n < expected:
		return n, fmt.Sprintf("has %d of its %d rows: %d are missing", n, expected, expected-n), nil
	case n == 0:
		return 0, "", nil
	}
	sortForDigest(events)
	digest, err := auditDigest(events)
	if err == nil && digest != b.digest {
		wrong = rowChanged
	}
	return n, wrong, err
}

// beyond looks for rows in batches outside the chain, and says whether the
// chain has grown meanwhile.
func (v *verification) beyond(ctx context.Context) (more bool, err error) {
	strays, err := list(v.db.run, ctx, "audit", func(row scanner) (seq int64, err error) { return seq, row.Scan(&seq) },
		`SELECT batch FROM (SELECT batch FROM audit WHERE batch < 1 ORDER BY batch LIMIT 1) AS below
		UNION ALL SELECT batch FROM (SELECT batch FROM audit WHERE batch > $1 ORDER BY batch LIMIT 1) AS above`, v.report.Head.Seq)
	if err != nil || len(strays) == 0 {
		return false, err
	}
	for _, seq := range strays {
		_, err := v.db.auditBatch(ctx, seq)
		if seq < 1 || errors.Is(err, ErrNotFound) {
			return false, &AuditBreak{Seq: seq, Wrong: noBatch}
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

func (v *verification) unsealed(ctx context.Context, now time.Time) error {
	r := &v.report
	if err := v.db.run.queryRow(ctx, `SELECT COUNT(*), MIN(at) FROM audit WHERE batch IS NULL`).Scan(&r.Unsealed, into(&r.Oldest)); err != nil {
		return fmt.Errorf("count unsealed rows: %w", err)
	}
	if r.Unsealed > 0 && r.Oldest.Before(now.Add(-AuditSealedWithin)) {
		return &AuditBreak{Wrong: fmt.Sprintf("%d "+notSealed, r.Unsealed, r.Oldest.Format(auditTime)), Waiting: true}
	}
	return nil
}

func (b *auditBatch) wrong(what string) error {
	return &AuditBreak{Seq: b.seq, From: b.firstAt, Until: b.lastAt, Wrong: what}
}

func (r Reader) auditBatch(ctx context.Context, seq int64) (*auditBatch, error) {
	return scanAuditBatch(r.run.queryRow(ctx, `SELECT `+auditBatchColumns+` FROM audit_batches WHERE seq = $1`, seq))
}
