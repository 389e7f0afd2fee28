package storage

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// auditBatch is one link of the chain: up to AuditBatchSize rows of the audit,
// their digest, and a keyed hash over it and the link before.
//
// The key is the chain's own, kept sealed with the master key: who can only
// write to the database can't make a hash that fits, and replacing the master
// key changes none.
type auditBatch struct {
	seq             int64
	events          int64
	firstAt, lastAt time.Time
	digest          string
	previous        string
	hash            string
	sealedAt        time.Time
	droppedAt       time.Time
	dropped         string
}

const auditBatchColumns = `seq, events, first_at, last_at, digest, previous, hash, sealed_at, dropped_at, dropped`

func scanAuditBatch(row scanner) (*auditBatch, error) {
	var b auditBatch
	err := row.Scan(&b.seq, &b.events, into(&b.firstAt), into(&b.lastAt), &b.digest, &b.previous, &b.hash, into(&b.sealedAt), into(&b.droppedAt), &b.dropped)
	return found(&b, err, "batch of the audit")
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// chained is what hash must be.
func (b *auditBatch) chained(key []byte) string {
	return auditMAC(key, "batch", strconv.FormatInt(b.seq, 10), b.previous, b.digest, strconv.FormatInt(b.events, 10),
		millis(b.firstAt), millis(b.lastAt), millis(b.sealedAt))
}

// droppedMark is what dropped must be once retention deleted the rows: without
// the key nobody can pass a deletion off as that.
func (b *auditBatch) droppedMark(key []byte) string {
	return auditMAC(key, "dropped", strconv.FormatInt(b.seq, 10), b.hash, millis(b.droppedAt))
}

func auditMAC(key []byte, parts ...string) string {
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		fmt.Fprintf(mac, "%d:%s", len(part), part)
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// auditDigest is over the lines as they are streamed and exported, in the order
// of time and id.
func auditDigest(events []*Event) (string, error) {
	lines, err := AuditJSON(events)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(lines)
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}

// auditKeyID is the row of the chain's key.
const auditKeyID = "chain"

// errNoAuditKey: nothing was ever sealed, or somebody took the key away.
var errNoAuditKey = fmt.Errorf("key of the audit's chain: %w", ErrNotFound)

func (r Reader) auditKey(ctx context.Context) ([]byte, error) {
	var sealed []byte
	err := r.run.queryRow(ctx, `SELECT key FROM audit_keys WHERE id = $1`, auditKeyID).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNoAuditKey
	}
	if err != nil {
		return nil, fmt.Errorf("read key of the audit's chain: %w", err)
	}
	key, err := r.db.sealer.open(sealed, auditKeyRow)
	if err != nil {
		return nil, fmt.Errorf("key of the audit's chain: %w", err)
	}
	return key, nil
}

// auditKeyRow is the key's identity to the sealer.
const auditKeyRow = "audit_keys:" + auditKeyID

// makeAuditKey begins a chain.
func (tx *Tx) makeAuditKey(ctx context.Context, now time.Time) ([]byte, error) {
	key := make([]byte, sha256.Size)
	rand.Read(key) // never fails: crypto/rand
	_, err := tx.run.exec(ctx, `INSERT INTO audit_keys (id, key, created_at) VALUES ($1, $2, $3)`, auditKeyID, tx.db.sealer.seal(key, auditKeyRow), stamp(now))
	return key, wrap(err, "save key of the audit's chain")
}
