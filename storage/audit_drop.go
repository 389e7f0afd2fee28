package storage

import (
	"context"
	"time"
)

// DropAudit deletes the rows of sealed batches whose last row is from before a
// moment, if holder can get the lease for it, and says how many rows. The
// batches stay, marked, so that the chain holds without them. A batch goes as a
// whole, by a transaction of its own; what is not sealed stays. A batch that was
// changed is an [AuditBreak], and nothing after it is deleted.
func (db *DB) DropAudit(ctx context.Context, holder string, before, now time.Time) (deleted int64, err error) {
	for {
		old, err := list(db.run, ctx, "old batches of the audit", scanAuditBatch,
			`SELECT `+auditBatchColumns+` FROM audit_batches WHERE dropped_at IS NULL AND last_at < $1 ORDER BY last_at LIMIT 100`, stamp(before))
		if err != nil || len(old) == 0 {
			return deleted, err
		}
		for _, b := range old {
			n, mine, err := db.dropBatch(ctx, holder, b, now)
			deleted += n
			if err != nil || !mine {
				return deleted, err
			}
		}
	}
}

func (db *DB) dropBatch(ctx context.Context, holder string, b *auditBatch, now time.Time) (deleted int64, mine bool, err error) {
	err = db.Write(ctx, func(tx *Tx) error {
		mine, err = tx.Lease(ctx, "drop audit", holder, now.Add(auditLease), now)
		if err != nil || !mine {
			return err
		}
		key, err := tx.auditKey(ctx)
		if err != nil {
			return err
		}
		if b.hash != b.chained(key) {
			// Else a batch made to look old would be deleted in our name.
			return &AuditBreak{Seq: b.seq, From: b.firstAt, Until: b.lastAt, Wrong: batchChanged}
		}
		b.droppedAt = now
		n, err := tx.run.exec(ctx, `UPDATE audit_batches SET dropped_at = $1, dropped = $2 WHERE seq = $3 AND dropped_at IS NULL`, stamp(now), b.droppedMark(key), b.seq)
		if err != nil || n == 0 {
			return wrap(err, "drop audit")
		}
		deleted, err = tx.run.exec(ctx, `DELETE FROM audit WHERE batch = $1`, b.seq)
		return wrap(err, "drop audit")
	})
	if err != nil {
		return 0, mine, err
	}
	return deleted, mine, nil
}
