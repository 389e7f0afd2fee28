package storage

import (
	"context"
	"time"
)

// endExchanged ends the grants that a query selects, and all that was exchanged
// for their tokens, however often. args begin with $2.
//
// Whoever exchanges a token at this moment holds its grant, so that this waits
// and then doesn't see what was made of it: it looks again until nothing is
// left to end.
func (tx *Tx) endExchanged(ctx context.Context, first string, now time.Time, args ...any) error {
	for {
		n, err := tx.run.exec(ctx, `UPDATE grants SET revoked_at = $1 WHERE revoked_at IS NULL AND id IN (
			WITH RECURSIVE ended (id) AS (`+first+`
				UNION SELECT g.id FROM grants g JOIN ended e ON g.parent = e.id WHERE g.parent <> '')
			SELECT id FROM ended)`, append([]any{stamp(now)}, args...)...)
		if err != nil || n == 0 {
			return wrap(err, "end what tokens were exchanged for")
		}
	}
}
