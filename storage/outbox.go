package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Outgoing is a message on its way out, written in the transaction that causes
// it and delivered afterwards, with retries, by whichever replica leases it.
type Outgoing struct {
	ID string
	// Kind is "logout", "mail" or "text".
	Kind string
	// Target is the client id, or a masked address: for operators to read.
	Target string
	// Body is sealed at rest and erased once delivered. What was given up keeps
	// it for [Tx.RetryMessage], unless it is a code or too late.
	Body      []byte
	CreatedAt time.Time
	// ExpiresAt is until when it is worth sending; zero: as long as its kind is.
	ExpiresAt time.Time
	// CodeID is the SentCode it carries, if any: once that is replaced or used
	// the message is not sent any more.
	CodeID string
	// TaskID is the Task it was sent for, if any.
	TaskID string
	Tries  int
}

// leased is a message this process may send; unreadable says why it can't.
type leased struct {
	Outgoing
	unreadable error
}

const (
	OutgoingLogout = "logout"
	OutgoingMail   = "mail"
	OutgoingText   = "text"
)

// Why a message is given up before its time.
var (
	// ErrUndeliverable is for send to wrap: trying again is of no use.
	ErrUndeliverable = errors.New("can't be delivered")
	errOverdue       = fmt.Errorf("%w: it is too late", ErrUndeliverable)
	errUnwanted      = fmt.Errorf("%w: the code it carries was replaced or used", ErrUndeliverable)
)

// LogoutNotice tells a product that a session is over (OpenID Connect
// Back-Channel Logout 1.0).
type LogoutNotice struct {
	ClientID  string `json:"-"`
	UserID    string `json:"sub"`
	SessionID string `json:"sid"`
}

// QueueLogout queues a back-channel logout; products without a logout URI have
// nothing to be told.
func (tx *Tx) QueueLogout(ctx context.Context, n LogoutNotice, now time.Time) error {
	c, err := tx.Client(ctx, n.ClientID)
	if err != nil {
		return err
	}
	if c.BackchannelLogoutURI == "" {
		return nil
	}
	return tx.Queue(ctx, OutgoingLogout, n.ClientID, n, now)
}

// Queue puts a message into the outbox; body is kept as JSON.
func (tx *Tx) Queue(ctx context.Context, kind, target string, body any, now time.Time) error {
	_, err := tx.QueueMessage(ctx, Outgoing{Kind: kind, Target: target, CreatedAt: now}, body)
	return err
}

// QueueMessage puts a message with all it has into the outbox, and returns its
// id; body is kept as JSON.
func (tx *Tx) QueueMessage(ctx context.Context, m Outgoing, body any) (id string, err error) {
	plain, err := json.Marshal(body)
	if err != nil {
		return "", fmt.Errorf("queue %s: %w", m.Kind, err)
	}
	id = NewID()
	_, err = tx.run.exec(ctx, `
		INSERT INTO outbox (id, kind, target, body, created_at, next_at, expires_at, code_id, task_id, tries, lease_until, failed, last_error) VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8, 0, 0, FALSE, '')`,
		id, m.Kind, m.Target, tx.db.sealer.seal(plain, "outbox:"+id), stamp(m.CreatedAt), stamp(m.ExpiresAt), m.CodeID, m.TaskID)
	return id, wrap(err, "queue "+m.Kind)
}

// Messages are leased in small batches, for longer than sending a batch takes,
// and few for any one target: one that hangs leaves room for the others.
const (
	outboxBatch     = 16
	outboxPerTarget = 4
	outboxLease     = 4 * time.Minute
	outboxNote      = 10 * time.Second
)

// Send hands a message over; a nil error means that its carrier accepted it.
type Send func(context.Context, *Outgoing) error

// Deliver sends what is due of a kind, and says how many messages it took up.
// What fails is tried again after 2, 4, 8 … 128 seconds, until it is older
// than giveUp or not worth sending any more. Several replicas may call it at
// once; no transaction is open while send runs.
func (db *DB) Deliver(ctx context.Context, kind string, giveUp time.Duration, now func() time.Time, send Send) (int, error) {
	if due, err := db.outgoingDue(ctx, kind, now()); err != nil || !due {
		return 0, err
	}
	return db.deliver(ctx, kind, "", giveUp, now, send)
}

// DeliverNow sends one message at once, unless somebody else is at it: what a
// person waits for needn't wait for the next round.
func (db *DB) DeliverNow(ctx context.Context, kind, id string, giveUp time.Duration, now func() time.Time, send Send) error {
	_, err := db.deliver(ctx, kind, id, giveUp, now, send)
	return err
}

func (db *DB) deliver(ctx context.Context, kind, id string, giveUp time.Duration, now func() time.Time, send Send) (int, error) {
	mine, err := db.lease(ctx, kind, id, now)
	var unreadable error
	for _, m := range mine {
		unreadable = errors.Join(unreadable, m.unreadable)
		if err := db.deliverOne(ctx, m, giveUp, now, send); err != nil {
			return len(mine), err
		}
	}
	return len(mine), errors.Join(err, unreadable)
}

// DeliverAtOnce is Deliver for messages that have nothing to do with each
// other: a batch is sent at the same time, so that a receiver who hangs holds
// up no other.
func (db *DB) DeliverAtOnce(ctx context.Context, kind string, giveUp time.Duration, now func() time.Time, send Send) (int, error) {
	if due, err := db.outgoingDue(ctx, kind, now()); err != nil || !due {
		return 0, err
	}
	mine, err := db.lease(ctx, kind, "", now)
	failed := make([]error, len(mine))
	var all sync.WaitGroup
	for i, m := range mine {
		all.Go(func() { failed[i] = errors.Join(m.unreadable, db.deliverOne(ctx, m, giveUp, now, send)) })
	}
	all.Wait()
	return len(mine), errors.Join(err, errors.Join(failed...))
}

func (db *DB) lease(ctx context.Context, kind, id string, now func() time.Time) (mine []*leased, err error) {
	err = db.Write(ctx, func(tx *Tx) (err error) {
		mine, err = tx.leaseOutgoing(ctx, kind, id, now())
		return err
	})
	if err != nil {
		return nil, err
	}
	return mine, nil
}

// deliverOne sends a message, and keeps what came of it; it fails where that
// can't be kept.
func (db *DB) deliverOne(ctx context.Context, m *leased, giveUp time.Duration, now func() time.Time, send Send) error {
	sendErr := db.worthSending(ctx, m, now())
	if sendErr == nil {
		sendErr = send(ctx, &m.Outgoing)
	}
	if sendErr != nil {
		db.log.WarnContext(ctx, "message not delivered", "kind", m.Kind, "id", m.ID, "try", m.Tries, "error", sendErr)
	}
	return db.noteDelivery(ctx, &m.Outgoing, sendErr, giveUp, now())
}

// worthSending says why a message should not be sent any more.
func (db *DB) worthSending(ctx context.Context, m *leased, now time.Time) error {
	switch {
	case m.unreadable != nil:
		return m.unreadable
	case !m.ExpiresAt.IsZero() && !m.ExpiresAt.After(now):
		return errOverdue
	case m.CodeID == "":
		return nil
	}
	wanted, err := db.codeWanted(ctx, m.CodeID)
	if err == nil && !wanted {
		err = errUnwanted
	}
	return err
}

// noteDelivery keeps what came of a message, also when ctx has ended meanwhile:
// else one that was sent would be sent again.
func (db *DB) noteDelivery(ctx context.Context, m *Outgoing, sendErr error, giveUp time.Duration, now time.Time) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), outboxNote)
	defer cancel()
	return db.Write(ctx, func(tx *Tx) error { return tx.deliveryEnded(ctx, m, sendErr, giveUp, now) })
}

func (tx *Tx) deliveryEnded(ctx context.Context, m *Outgoing, sendErr error, giveUp time.Duration, now time.Time) error {
	if sendErr == nil {
		if err := tx.codeDelivered(ctx, m.CodeID, true, now); err != nil {
			return err
		}
		_, err := tx.run.exec(ctx, `UPDATE outbox SET done_at = $2, body = NULL, lease_until = 0 WHERE id = $1`, m.ID, stamp(now))
		return wrap(err, "end message")
	}
	next := now.Add(time.Second << min(m.Tries, 7))
	if errors.Is(sendErr, ErrUndeliverable) || next.Sub(m.CreatedAt) > giveUp {
		if err := tx.codeDelivered(ctx, m.CodeID, false, now); err != nil {
			return err
		}
		_, err := tx.run.exec(ctx, `UPDATE outbox SET failed = TRUE, done_at = $2, lease_until = 0, last_error = $3,
			body = CASE WHEN code_id <> '' OR expires_at <= $4 THEN NULL ELSE body END WHERE id = $1`, m.ID, stamp(now), sendErr.Error(), stamp(now))
		return wrap(err, "give message up")
	}
	_, err := tx.run.exec(ctx, `UPDATE outbox SET next_at = $2, lease_until = 0, last_error = $3 WHERE id = $1`, m.ID, stamp(next), sendErr.Error())
	return wrap(err, "put message back")
}

// leaseOutgoing leases what is due of a kind, or only the message id. What was
// never tried comes first, and the targets take turns.
func (tx *Tx) leaseOutgoing(ctx context.Context, kind, id string, now time.Time) ([]*leased, error) {
	return list(tx.run, ctx, "due messages", func(row scanner) (*leased, error) {
		m := leased{Outgoing: Outgoing{Kind: kind}}
		err := row.Scan(&m.ID, &m.Target, &m.Body, into(&m.CreatedAt), into(&m.ExpiresAt), &m.CodeID, &m.TaskID, &m.Tries)
		if err == nil {
			// One that doesn't open must not hold up the others.
			m.Body, m.unreadable = tx.db.sealer.open(m.Body, "outbox:"+m.ID)
		}
		return found(&m, err, "message")
	}, `
		UPDATE outbox SET lease_until = $4, tries = tries + 1
		WHERE lease_until <= $2 AND done_at IS NULL AND id IN (
			WITH due AS (
				SELECT id, ROW_NUMBER() OVER (PARTITION BY target ORDER BY tries > 0, next_at, id) AS turn FROM outbox
				WHERE kind = $1 AND done_at IS NULL AND next_at <= $2 AND lease_until <= $2 AND ($5 = '' OR id = $6))
			SELECT o.id FROM outbox o JOIN due ON due.id = o.id WHERE due.turn <= $7
			ORDER BY o.tries > 0, due.turn, o.next_at LIMIT $3`+tx.db.dialect.skipLocked+`)
		RETURNING id, target, body, created_at, expires_at, code_id, task_id, tries`,
		kind, stamp(now), outboxBatch, stamp(now.Add(outboxLease)), id, id, outboxPerTarget)
}

// Waiting is how many messages of a kind are on their way and how many were
// given up, with what went wrong last.
type Waiting struct {
	Kind           string
	Queued, Failed int
	LastError      string
	OldestQueued   time.Time
}

// Outbox says how delivery stands, by kind.
func (r Reader) Outbox(ctx context.Context) ([]*Waiting, error) {
	return list(r.run, ctx, "outbox", func(row scanner) (*Waiting, error) {
		var w Waiting
		err := row.Scan(&w.Kind, &w.Queued, &w.Failed, &w.LastError, into(&w.OldestQueued))
		return found(&w, err, "outbox")
	}, `
		SELECT o.kind, SUM(CASE WHEN o.done_at IS NULL THEN 1 ELSE 0 END), SUM(CASE WHEN o.failed THEN 1 ELSE 0 END),
			COALESCE((SELECT l.last_error FROM outbox l WHERE l.kind = o.kind AND l.last_error <> '' ORDER BY l.next_at DESC, l.id LIMIT 1), ''),
			MIN(CASE WHEN o.done_at IS NULL THEN o.created_at END)
		FROM outbox o GROUP BY o.kind ORDER BY o.kind`)
}

func (db *DB) outgoingDue(ctx context.Context, kind string, now time.Time) (due bool, err error) {
	// Asked every second by every replica: not a statement of anybody's request.
	err = db.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM outbox WHERE kind = $1 AND done_at IS NULL AND next_at <= $2 AND lease_until <= $2)`, kind, stamp(now)).Scan(&due)
	return due, wrap(err, "look into the outbox")
}
