// Package storage keeps everything Sallyport remembers, in one schema and one
// set of queries, on SQLite (the embedded default) and on PostgreSQL (several
// replicas).
//
// It guarantees that a thing of single use is spent by one conditional
// statement, that everything inside one [DB.Write] happens or doesn't, and
// that it is durable when Write returns. Secrets are sealed before they are
// written. It decides nothing: rules and proofs are JSON to it, which
// idp/policy and idp/session understand.
//
// Only this package imports database drivers; what differs between the two
// engines is in dialect.go.
package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"
)

var (
	// ErrNotFound says that no such row exists (any more).
	ErrNotFound = errors.New("not found")
	// ErrSpent says that a thing of single use was used, has expired or was
	// replaced: the conditional statement touched no row.
	ErrSpent = errors.New("already used or expired")
	// ErrTaken says that a unique name (an e-mail address, an id) is in use.
	ErrTaken = errors.New("already taken")
)

// Options are what a DB needs beside its URL.
type Options struct {
	// MasterKey seals secrets at rest: 32 bytes, kept outside the database.
	MasterKey []byte
	// Log receives what goes wrong in the background; nil: slog.Default().
	Log *slog.Logger
	// Watch is how often to look for changes made by other processes to what
	// is cached (1 s in production; 0: never, for tests that count statements).
	Watch time.Duration
}

// DB is one open database. It is safe for concurrent use.
type DB struct {
	Reader
	dialect    dialect
	read       *sql.DB
	write      *sql.DB // the same as read on PostgreSQL
	group      *groupCommit
	sealer     *sealer
	cache      cache
	log        *slog.Logger
	statements atomic.Int64
	stop       context.CancelFunc
	watching   chan struct{}
}

// Reader is what can be asked inside a transaction as well as outside.
type Reader struct {
	db  *DB
	run runner
	// inTx reads past the cache: it must not hold what may yet be rolled back,
	// and a transaction must see what it wrote itself.
	inTx bool
}

// Tx is one transaction of [DB.Write].
type Tx struct {
	Reader
	changedCached bool
}

// runner executes statements and counts them.
type runner interface {
	exec(ctx context.Context, query string, args ...any) (rows int64, err error)
	query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	queryRow(ctx context.Context, query string, args ...any) *sql.Row
}

// Open opens the database at url (sqlite:PATH or postgres://…), and refuses
// one whose schema isn't exactly this program's; see [Migrate].
func Open(ctx context.Context, url string, o Options) (*DB, error) {
	db, err := connect(ctx, url, o)
	if err != nil {
		return nil, err
	}
	if err := db.checkSchema(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if o.Watch > 0 {
		db.watch(o.Watch)
	}
	return db, nil
}

func connect(ctx context.Context, url string, o Options) (*DB, error) {
	sealer, err := newSealer(o.MasterKey)
	if err != nil {
		return nil, err
	}
	d, read, write, err := openEngine(ctx, url)
	if err != nil {
		return nil, err
	}
	db := &DB{dialect: d, read: read, write: write, sealer: sealer, log: o.Log}
	if db.log == nil {
		db.log = slog.Default()
	}
	if d.singleWriter {
		db.group, err = startGroupCommit(ctx, db)
		if err != nil {
			return nil, errors.Join(err, read.Close(), write.Close())
		}
	}
	db.Reader = Reader{db: db, run: newPool(db, read)}
	return db, nil
}

// Close ends background work and closes all connections.
func (db *DB) Close() error {
	if db.stop != nil {
		db.stop()
		<-db.watching
	}
	if db.group != nil {
		db.group.close()
	}
	err := db.read.Close()
	if db.write != db.read {
		err = errors.Join(err, db.write.Close())
	}
	db.dialect.close()
	return err
}

// Write runs fn in a transaction and returns when it is durable. An error of
// fn rolls everything back and is returned as it is.
//
// fn must not call Write, talk to the network or compute for long: on SQLite
// all writers wait for it. It may run after ctx was cancelled, because on
// SQLite several callers share one commit.
func (db *DB) Write(ctx context.Context, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if db.group != nil {
		return db.group.write(fn)
	}
	tx, err := db.write.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() // after Commit this does nothing
	t := &Tx{Reader: Reader{db: db, run: txRunner{db: db, tx: tx}, inTx: true}}
	if err := fn(t); err != nil {
		return err
	}
	if err := t.finish(ctx); err != nil {
		return err
	}
	err = tx.Commit()
	if t.changedCached {
		db.cache.drop() // a COMMIT without an answer may have happened
	}
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// finish counts up the generation where cached rows were changed.
func (tx *Tx) finish(ctx context.Context) error {
	if !tx.changedCached {
		return nil
	}
	_, err := tx.run.exec(ctx, `UPDATE generation SET value = value + 1 WHERE id = 1`)
	if err == nil && tx.db.dialect.notify != "" {
		_, err = tx.run.exec(ctx, tx.db.dialect.notify)
	}
	return err
}

// Statements says how many SQL statements ran so far; BEGIN, COMMIT and
// savepoints are not counted. Tests hold the hot paths to their budgets by it.
func (db *DB) Statements() int64 { return db.statements.Load() }

// Ping says whether the database answers, for health checks.
func (db *DB) Ping(ctx context.Context) error { return db.read.PingContext(ctx) }

// Engine is "sqlite" or "postgres".
func (db *DB) Engine() string { return db.dialect.name }
