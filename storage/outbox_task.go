package storage

import "context"

// TaskDelivery says how many of a task's messages are on their way, were
// handed over, and were given up. They are counted as long as the outbox keeps
// them, a week after the end of each.
func (r Reader) TaskDelivery(ctx context.Context, taskID string) (queued, sent, failed int, err error) {
	err = r.run.queryRow(ctx, `
		SELECT COALESCE(SUM(CASE WHEN done_at IS NULL THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN done_at IS NOT NULL AND NOT failed THEN 1 ELSE 0 END), 0),
			COALESCE(SUM(CASE WHEN failed THEN 1 ELSE 0 END), 0)
		FROM outbox WHERE task_id = $1 AND task_id <> ''`, taskID).Scan(&queued, &sent, &failed)
	return queued, sent, failed, wrap(err, "count a task's messages")
}
