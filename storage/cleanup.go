package storage

import (
	"context"
	"time"
)

// Lease takes or keeps a named task for one replica until a moment, and says
// whether holder has it.
func (tx *Tx) Lease(ctx context.Context, name, holder string, until, now time.Time) (bool, error) {
	n, err := tx.run.exec(ctx, `
		INSERT INTO leases AS l (name, holder, until) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
		WHERE l.holder = excluded.holder OR l.until <= $4`, name, holder, stamp(until), stamp(now))
	return n == 1, wrap(err, "lease "+name)
}

// clockGrace is how long what guards against replays outlives its end: a replica
// whose clock is behind would take again what another one has forgotten.
const clockGrace = 5 * time.Minute

// cleanups delete what nobody can use or ask about any more, in bounded steps.
// What a replay must still be recognised by is kept until the grant's end.
var cleanups = []struct {
	statement string
	keep      time.Duration
}{
	{`DELETE FROM auth_requests WHERE id IN (SELECT id FROM auth_requests WHERE expires_at < $1 LIMIT $2)`, time.Hour},
	{`DELETE FROM enrolments WHERE (bound_to, kind) IN (SELECT bound_to, kind FROM enrolments WHERE expires_at < $1 LIMIT $2)`, 0},
	{`DELETE FROM sent_codes WHERE id IN (SELECT id FROM sent_codes WHERE expires_at < $1 LIMIT $2)`, time.Hour},
	{`DELETE FROM ceremonies WHERE (bound_to, kind) IN (SELECT bound_to, kind FROM ceremonies WHERE expires_at < $1 LIMIT $2)`, 0},
	{`DELETE FROM quotas WHERE id IN (SELECT id FROM quotas WHERE expires_at < $1 LIMIT $2)`, 0},
	{`DELETE FROM inbound_messages WHERE id IN (SELECT id FROM inbound_messages WHERE received_at < $1 LIMIT $2)`, 24 * time.Hour},
	{`DELETE FROM tokens WHERE hash IN (SELECT hash FROM tokens WHERE expires_at < $1 LIMIT $2)`, 24 * time.Hour},
	{`DELETE FROM machine_tokens WHERE hash IN (SELECT hash FROM machine_tokens WHERE expires_at < $1 LIMIT $2)`, 24 * time.Hour},
	{`DELETE FROM used_ids WHERE id IN (SELECT id FROM used_ids WHERE expires_at < $1 LIMIT $2)`, clockGrace},
	{`DELETE FROM pushed_requests WHERE hash IN (SELECT hash FROM pushed_requests WHERE expires_at < $1 LIMIT $2)`, 5 * time.Minute},
	{`DELETE FROM device_codes WHERE hash IN (SELECT hash FROM device_codes WHERE expires_at < $1 LIMIT $2)`, time.Hour},
	{`DELETE FROM initial_access_tokens WHERE hash IN (SELECT hash FROM initial_access_tokens WHERE expires_at < $1 LIMIT $2)`, 0},
	{`DELETE FROM grants WHERE id IN (SELECT id FROM grants WHERE expires_at < $1 LIMIT $2)`, 24 * time.Hour},
	{`DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < $1 LIMIT $2)`, 24 * time.Hour},
	{`DELETE FROM links WHERE hash IN (SELECT hash FROM links WHERE expires_at < $1 LIMIT $2)`, 7 * 24 * time.Hour},
	{`DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE done_at < $1 LIMIT $2)`, 7 * 24 * time.Hour},
	{`DELETE FROM idempotency WHERE id IN (SELECT id FROM idempotency WHERE expires_at < $1 LIMIT $2)`, 0},
	{`DELETE FROM tasks WHERE id IN (SELECT id FROM tasks WHERE finished_at < $1 LIMIT $2)`, 30 * 24 * time.Hour},
	{`DELETE FROM attempts WHERE id IN (SELECT id FROM attempts WHERE updated_at < $1 AND NOT locked LIMIT $2)`, 48 * time.Hour},
}

// cleanStep bounds one step of Clean, so that nobody waits long for it.
const cleanStep = 500

// Clean deletes expired rows, if holder can get the lease for it, and says how
// many.
func (db *DB) Clean(ctx context.Context, holder string, now time.Time) (deleted int64, err error) {
	var mine bool
	err = db.Write(ctx, func(tx *Tx) (err error) {
		mine, err = tx.Lease(ctx, "clean", holder, now.Add(5*time.Minute), now)
		return err
	})
	if err != nil || !mine {
		return 0, err
	}
	for _, c := range cleanups {
		for n := int64(cleanStep); n == cleanStep; deleted += n {
			err = db.Write(ctx, func(tx *Tx) (err error) {
				n, err = tx.run.exec(ctx, c.statement, stamp(now.Add(-c.keep)), cleanStep)
				return wrap(err, "clean up")
			})
			if err != nil {
				return deleted, err
			}
		}
	}
	return deleted, nil
}
