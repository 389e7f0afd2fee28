package storage

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// Event is one line of the audit: who did what to whom, from where, and what
// came of it. No secret and no code is ever in it.
//
// In JSON it has the form of [Event.MarshalJSON], everywhere.
type Event struct {
	// ID is made when the event is written.
	ID string
	At time.Time
	// Event is what happened: "password.failed", "totp.enrolled", "code.issued".
	Event string
	// Result is "ok", "refused" or "failed".
	Result string
	OrgID  string
	// UserID is whom it concerns; Actor is who did it ("" for the person,
	// somebody else's id, or "command line" for an operator).
	UserID, Actor string
	ClientID      string
	// Factor is the method used, if any.
	Factor string
	IP     string
	// Reason says why, in a decision's words for operators; Decision is that
	// reason's code in idp/policy, for pages that word it in another language.
	Reason, Decision string
	RequestID        string
	// Batch is where in the chain it is sealed; 0: not yet.
	Batch int64
}

// Results of an Event.
const (
	OK      = "ok"
	Refused = "refused"
	Failed  = "failed"
)

// Audit writes events in the transaction they tell of, by one statement.
func (tx *Tx) Audit(ctx context.Context, events ...Event) error {
	if len(events) == 0 {
		return nil
	}
	var q strings.Builder
	q.WriteString(`INSERT INTO audit (id, at, event, result, org_id, user_id, actor, client_id, factor, ip, reason, decision, request_id) VALUES `)
	var args []any
	for i, e := range events {
		if i > 0 {
			q.WriteString(", ")
		}
		q.WriteString(placeholders(len(args), 13))
		args = append(args, NewID(), stamp(e.At), e.Event, e.Result, e.OrgID, e.UserID, e.Actor, e.ClientID, e.Factor, e.IP, e.Reason, e.Decision, e.RequestID)
	}
	_, err := tx.run.exec(ctx, q.String(), args...)
	return wrap(err, "write audit")
}

// Activity lists a person's latest events, newest first, without the tokens
// that products fetch on their own and the single proofs of a sign-in.
func (r Reader) Activity(ctx context.Context, userID string, limit int) ([]*Event, error) {
	return list(r.run, ctx, "activity", func(row scanner) (*Event, error) {
		var e Event
		err := row.Scan(into(&e.At), &e.Event, &e.Result, &e.ClientID, &e.Factor, &e.IP, &e.Reason, &e.Decision)
		return found(&e, err, "event")
	}, `SELECT at, event, result, client_id, factor, ip, reason, decision FROM audit WHERE user_id = $1 AND event NOT LIKE 'token.%' AND event NOT LIKE 'proof.%' ORDER BY at DESC, id LIMIT $2`, userID, limit)
}

// placeholders is ($n+1, …, $n+k).
func placeholders(n, k int) string {
	b := make([]byte, 0, 5*k)
	b = append(b, '(')
	for i := 1; i <= k; i++ {
		if i > 1 {
			b = append(b, ", "...)
		}
		b = append(b, '$')
		b = strconv.AppendInt(b, int64(n+i), 10)
	}
	return string(append(b, ')'))
}
