package storage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// AuditBatchSize is how many rows a batch of the chain has at most.
	AuditBatchSize = 1000

	// auditStep is how many rows one statement of sealing takes, so that its
	// text is always the same.
	auditStep = 100

	auditLeaseName = "seal audit"
	auditLease     = time.Minute
)

// errOvertaken: another process sealed the same rows first.
var errOvertaken = errors.New("sealed by another process")

// SealAudit seals up to AuditBatchSize rows of the audit that are in no batch
// yet, the oldest first, and says how many. Of several replicas one does it,
// the holder of a lease; the others, and who finds nothing to seal, write
// nothing.
//
// emit, if any, gets the rows beforehand, in the order of time and id. What it
// refuses isn't sealed and comes again; so does what it had when another
// replica took over or the commit failed. It may take its time: no transaction
// waits for it.
func (db *DB) SealAudit(ctx context.Context, holder string, now time.Time, emit func([]*Event) error) (sealed int, err error) {
	// Ordered by batch, which is the same for all, because the index begins with
	// it: without an order PostgreSQL may think reading the table cheaper.
	waiting, err := list(db.run, ctx, "rows to seal", func(row scanner) (id string, err error) { return id, row.Scan(&id) },
		`SELECT id FROM audit WHERE batch IS NULL ORDER BY audit.batch, at LIMIT 1`)
	if err != nil || len(waiting) == 0 {
		return 0, err
	}
	if mine, err := db.holdAudit(ctx, holder, now); err != nil || !mine {
		return 0, err
	}
	events, err := list(db.run, ctx, "rows to seal", scanEvent,
		`SELECT `+auditColumns+` FROM audit WHERE batch IS NULL ORDER BY audit.batch, at LIMIT $1`, AuditBatchSize)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	sortForDigest(events)
	if emit != nil {
		if err := emit(events); err != nil {
			return 0, fmt.Errorf("stream audit: %w", err)
		}
	}
	digest, err := auditDigest(events)
	if err != nil {
		return 0, err
	}
	err = db.Write(ctx, func(tx *Tx) error {
		if mine, err := tx.Lease(ctx, auditLeaseName, holder, now.Add(auditLease), now); err != nil || !mine {
			return cmp.Or(err, errOvertaken)
		}
		return tx.sealBatch(ctx, events, digest, now)
	})
	if errors.Is(err, errOvertaken) {
		return 0, nil
	}
	return len(events), err
}

// sortForDigest does not leave the order to the database, whose collation may
// change.
func sortForDigest(events []*Event) {
	slices.SortFunc(events, func(a, b *Event) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.ID, b.ID)) })
}

// holdAudit says whether holder has the lease, and takes it where nobody else
// does. While it lasts, that writes nothing.
func (db *DB) holdAudit(ctx context.Context, holder string, now time.Time) (mine bool, err error) {
	running, err := list(db.run, ctx, "leases", func(row scanner) (by string, err error) { return by, row.Scan(&by) },
		`SELECT holder FROM leases WHERE name = $1 AND until > $2`, auditLeaseName, stamp(now))
	if err != nil || len(running) > 0 {
		return len(running) > 0 && running[0] == holder, err
	}
	err = db.Write(ctx, func(tx *Tx) (err error) {
		mine, err = tx.Lease(ctx, auditLeaseName, holder, now.Add(auditLease), now)
		return err
	})
	return mine, err
}

// sealBatch puts the rows in the next batch. Whoever else seals waits for the
// row of the lease, which the caller has written.
func (tx *Tx) sealBatch(ctx context.Context, events []*Event, digest string, now time.Time) error {
	b := auditBatch{seq: 1, events: int64(len(events)), firstAt: events[0].At, lastAt: events[len(events)-1].At, digest: digest, sealedAt: now}
	last, err := list(tx.run, ctx, "batches of the audit", scanAuditBatch, `SELECT `+auditBatchColumns+` FROM audit_batches ORDER BY seq DESC LIMIT 1`)
	if err != nil {
		return err
	}
	key, err := tx.auditKey(ctx)
	if errors.Is(err, errNoAuditKey) && len(last) == 0 {
		key, err = tx.makeAuditKey(ctx, now)
	}
	if err != nil {
		return err
	}
	if len(last) > 0 {
		b.seq, b.previous = last[0].seq+1, last[0].hash
	}
	b.hash = b.chained(key)
	for step := range slices.Chunk(events, auditStep) {
		args := make([]any, 0, 1+auditStep)
		args = append(args, b.seq)
		for _, e := range step {
			args = append(args, e.ID)
		}
		for len(args) < cap(args) {
			args = append(args, args[1])
		}
		n, err := tx.run.exec(ctx, sealAuditRows, args...)
		if err != nil {
			return wrap(err, "seal audit")
		}
		if n != int64(len(step)) {
			return errOvertaken
		}
	}
	_, err = tx.run.exec(ctx, `INSERT INTO audit_batches (seq, events, first_at, last_at, digest, previous, hash, sealed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		b.seq, b.events, stamp(b.firstAt), stamp(b.lastAt), b.digest, b.previous, b.hash, stamp(b.sealedAt))
	return wrap(err, "seal audit")
}

// sealAuditRows is the only statement that changes a row of the audit.
var sealAuditRows = `UPDATE audit SET batch = $1 WHERE batch IS NULL AND id IN ` + placeholders(1, auditStep)
