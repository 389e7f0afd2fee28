package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Outgoing is a message on its way out, written in the transaction that causes
// it and delivered afterwards, with retries, by whichever replica leases it.
type Outgoing struct {
	ID string
	// Kind is "logout" or "mail".
	Kind string
	// Target is the client id or the mail address.
	Target string
	// Body is sealed at rest and erased once delivered.
	Body      []byte
	CreatedAt time.Time
	Tries     int
}

const (
	OutgoingLogout = "logout"
	OutgoingMail   = "mail"
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
	plain, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("queue %s: %w", kind, err)
	}
	id := NewID()
	_, err = tx.run.exec(ctx, `
		INSERT INTO outbox (id, kind, target, body, created_at, next_at, tries, lease_until, failed, last_error) VALUES ($1, $2, $3, $4, $5, $5, 0, 0, FALSE, '')`,
		id, kind, target, tx.db.sealer.seal(plain, "outbox:"+id), stamp(now))
	return wrap(err, "queue "+kind)
}

// Messages are leased in small batches, for longer than sending a batch takes.
const (
	outboxBatch = 16
	outboxLease = 2 * time.Minute
	outboxNote  = 10 * time.Second
)

// Deliver sends what is due of a kind, and says how many messages it took up.
// What fails is tried again after 2, 4, 8 … 128 seconds, until it is older
// than giveUp. Several replicas may call it at once; no transaction is open
// while send runs.
func (db *DB) Deliver(ctx context.Context, kind string, giveUp time.Duration, now func() time.Time, send func(context.Context, *Outgoing) error) (int, error) {
	if due, err := db.outgoingDue(ctx, kind, now()); err != nil || !due {
		return 0, err
	}
	var leased []*Outgoing
	err := db.Write(ctx, func(tx *Tx) (err error) {
		leased, err = tx.leaseOutgoing(ctx, kind, now())
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, m := range leased {
		sendErr := send(ctx, m)
		if sendErr != nil {
			db.log.WarnContext(ctx, "message not delivered", "kind", kind, "id", m.ID, "try", m.Tries, "error", sendErr)
		}
		if err := db.noteDelivery(ctx, m, sendErr, giveUp, now()); err != nil {
			return len(leased), err
		}
	}
	return len(leased), nil
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
		_, err := tx.run.exec(ctx, `UPDATE outbox SET done_at = $2, body = NULL, lease_until = 0 WHERE id = $1`, m.ID, stamp(now))
		return wrap(err, "end message")
	}
	next := now.Add(time.Second << min(m.Tries, 7))
	if next.Sub(m.CreatedAt) > giveUp {
		_, err := tx.run.exec(ctx, `UPDATE outbox SET failed = TRUE, done_at = $2, body = NULL, lease_until = 0, last_error = $3 WHERE id = $1`, m.ID, stamp(now), sendErr.Error())
		return wrap(err, "give message up")
	}
	_, err := tx.run.exec(ctx, `UPDATE outbox SET next_at = $2, lease_until = 0, last_error = $3 WHERE id = $1`, m.ID, stamp(next), sendErr.Error())
	return wrap(err, "put message back")
}

func (tx *Tx) leaseOutgoing(ctx context.Context, kind string, now time.Time) ([]*Outgoing, error) {
	return list(tx.run, ctx, "due messages", func(row scanner) (*Outgoing, error) {
		m := Outgoing{Kind: kind}
		err := row.Scan(&m.ID, &m.Target, &m.Body, into(&m.CreatedAt), &m.Tries)
		if err == nil {
			m.Body, err = tx.db.sealer.open(m.Body, "outbox:"+m.ID)
		}
		return found(&m, err, "message")
	}, `
		UPDATE outbox SET lease_until = $4, tries = tries + 1
		WHERE lease_until <= $2 AND done_at IS NULL AND id IN (
			SELECT id FROM outbox WHERE kind = $1 AND done_at IS NULL AND next_at <= $2 AND lease_until <= $2 ORDER BY next_at LIMIT $3`+tx.db.dialect.skipLocked+`)
		RETURNING id, target, body, created_at, tries`, kind, stamp(now), outboxBatch, stamp(now.Add(outboxLease)))
}

func (db *DB) outgoingDue(ctx context.Context, kind string, now time.Time) (due bool, err error) {
	// Asked every second by every replica: not a statement of anybody's request.
	err = db.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM outbox WHERE kind = $1 AND done_at IS NULL AND next_at <= $2 AND lease_until <= $2)`, kind, stamp(now)).Scan(&due)
	return due, wrap(err, "look into the outbox")
}
