package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// DeviceCode is a device that waits for a person, who answers in a browser
// elsewhere (RFC 8628).
type DeviceCode struct {
	// Hash is Hash of the device code, UserCodeHash KeyedHash of the code that
	// the person types: that one is short enough to be guessed.
	Hash, UserCodeHash string
	ClientID           string
	// Params are what the device asked for, as idp understands it.
	Params json.RawMessage
	// IP and UserAgent are the device's.
	IP, UserAgent string
	CreatedAt     time.Time
	ExpiresAt     time.Time
	// Every is how long the device must wait between two polls; PolledAt is
	// the last one.
	Every    time.Duration
	PolledAt time.Time
	// GrantID is set once the person allowed it, DeniedAt once they refused,
	// RedeemedAt once the device fetched its tokens.
	GrantID    string
	DeniedAt   time.Time
	RedeemedAt time.Time
}

// slowDown is by how much polling too fast lengthens the wait, for good (RFC
// 8628 section 3.5).
const slowDown = 5 * time.Second

const deviceColumns = `hash, user_code_hash, client_id, params, ip, user_agent, created_at, expires_at, every, polled_at, grant_id, denied_at, redeemed_at`

func scanDevice(row scanner) (*DeviceCode, error) {
	var d DeviceCode
	var every int64
	err := row.Scan(&d.Hash, &d.UserCodeHash, &d.ClientID, document{&d.Params}, &d.IP, &d.UserAgent, into(&d.CreatedAt), into(&d.ExpiresAt),
		&every, into(&d.PolledAt), &d.GrantID, into(&d.DeniedAt), into(&d.RedeemedAt))
	d.Every = time.Duration(every) * time.Millisecond
	return found(&d, err, "device code")
}

// InsertDeviceCode keeps a new pair of codes. ErrTaken where the user code is
// in use: the caller makes another.
func (tx *Tx) InsertDeviceCode(ctx context.Context, d DeviceCode) error {
	n, err := tx.run.exec(ctx, `
		INSERT INTO device_codes (hash, user_code_hash, client_id, params, ip, user_agent, created_at, expires_at, every)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (user_code_hash) DO NOTHING`,
		d.Hash, d.UserCodeHash, d.ClientID, object(d.Params), d.IP, d.UserAgent, stamp(d.CreatedAt), stamp(d.ExpiresAt), d.Every.Milliseconds())
	if err == nil && n == 0 {
		return fmt.Errorf("keep device code: %w", ErrTaken)
	}
	return wrap(err, "keep device code")
}

// DeviceCode returns a device code in whatever state. ErrNotFound where there
// is none (any more).
func (r Reader) DeviceCode(ctx context.Context, hash string) (*DeviceCode, error) {
	return scanDevice(r.run.queryRow(ctx, `SELECT `+deviceColumns+` FROM device_codes WHERE hash = $1`, hash))
}

// WaitingDevice returns the device that shows a user code and still waits for
// an answer. ErrNotFound where none does.
func (r Reader) WaitingDevice(ctx context.Context, userCodeHash string, now time.Time) (*DeviceCode, error) {
	return scanDevice(r.run.queryRow(ctx, `SELECT `+deviceColumns+` FROM device_codes
		WHERE user_code_hash = $1 AND expires_at > $2 AND grant_id = '' AND denied_at IS NULL`, userCodeHash, stamp(now)))
}

// AllowDevice notes that a person allowed a device what a grant says. ErrSpent
// where it was answered before or has expired.
func (tx *Tx) AllowDevice(ctx context.Context, hash, grantID string, now time.Time) error {
	n, err := tx.run.exec(ctx, `UPDATE device_codes SET grant_id = $2
		WHERE hash = $1 AND expires_at > $3 AND grant_id = '' AND denied_at IS NULL`, hash, grantID, stamp(now))
	return spent(n, err, "allow device")
}

// DenyDevice notes that a person refused a device. ErrSpent where it was
// answered before or has expired.
func (tx *Tx) DenyDevice(ctx context.Context, hash string, now time.Time) error {
	n, err := tx.run.exec(ctx, `UPDATE device_codes SET denied_at = $2
		WHERE hash = $1 AND expires_at > $2 AND grant_id = '' AND denied_at IS NULL`, hash, stamp(now))
	return spent(n, err, "refuse device")
}

// PollDevice notes that a client asked after its device code, and says how that
// stands. Where it asked too soon, tooFast is true and Every has grown. Each is
// one conditional statement, so that of polls at once only one is in time.
// ErrNotFound where the client has no such code.
func (tx *Tx) PollDevice(ctx context.Context, hash, clientID string, now time.Time) (d *DeviceCode, tooFast bool, err error) {
	d, err = scanDevice(tx.run.queryRow(ctx, `UPDATE device_codes SET polled_at = $3
		WHERE hash = $1 AND client_id = $2 AND (polled_at IS NULL OR polled_at + every <= $3) RETURNING `+deviceColumns, hash, clientID, stamp(now)))
	if !errors.Is(err, ErrNotFound) {
		return d, false, err
	}
	d, err = scanDevice(tx.run.queryRow(ctx, `UPDATE device_codes SET polled_at = $3, every = every + $4
		WHERE hash = $1 AND client_id = $2 RETURNING `+deviceColumns, hash, clientID, stamp(now), slowDown.Milliseconds()))
	return d, true, err
}

// RedeemDevice uses up a device code that was allowed and returns the grant's
// id. ErrSpent where it wasn't allowed, is another client's, has expired or was
// used.
func (tx *Tx) RedeemDevice(ctx context.Context, hash, clientID string, now time.Time) (grantID string, err error) {
	err = tx.run.queryRow(ctx, `UPDATE device_codes SET redeemed_at = $3
		WHERE hash = $1 AND client_id = $2 AND grant_id <> '' AND redeemed_at IS NULL AND expires_at > $3
		RETURNING grant_id`, hash, clientID, stamp(now)).Scan(&grantID)
	if err := foundOrSpent(err, "redeem device code"); err != nil {
		return "", err
	}
	// From here on the product holds something, and is told of a sign-out.
	_, err = tx.run.exec(ctx, `UPDATE grants SET code_used_at = $2 WHERE id = $1`, grantID, stamp(now))
	return grantID, wrap(err, "redeem device code")
}
