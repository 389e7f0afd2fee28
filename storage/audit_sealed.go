package storage

import (
	"context"
	"time"
)

// AuditSealed says up to when the audit is sealed (zero: not at all yet) and
// how many rows wait to be.
func (r Reader) AuditSealed(ctx context.Context) (upTo time.Time, waiting int, err error) {
	err = r.run.queryRow(ctx, `SELECT (SELECT last_at FROM audit_batches ORDER BY seq DESC LIMIT 1), (SELECT COUNT(*) FROM audit WHERE batch IS NULL)`).Scan(into(&upTo), &waiting)
	return upTo, waiting, wrap(err, "see how far the audit is sealed")
}
