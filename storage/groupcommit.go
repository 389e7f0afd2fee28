package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// groupCommit is SQLite's single writer: one goroutine that owns the write
// connection and lets callers who arrive while it is busy share one COMMIT,
// and so one fsync. Each has a savepoint of its own, so that one's failure
// leaves the others' work; all are told only after COMMIT.
type groupCommit struct {
	db       *DB
	conn     *sql.Conn
	jobs     chan *writeJob
	quit     chan struct{}
	once     sync.Once
	stopped  chan struct{}
	prepared map[string]*sql.Stmt
}

type writeJob struct {
	fn      func(*Tx) error
	tx      *Tx
	err     error
	paniced any
	done    chan struct{}
}

// maxGroup bounds how long the first of a group waits for the rest.
const maxGroup = 128

var errClosed = errors.New("storage is closed")

func startGroupCommit(ctx context.Context, db *DB) (*groupCommit, error) {
	conn, err := db.write.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("open the writer: %w", err)
	}
	g := &groupCommit{
		db: db, conn: conn,
		jobs: make(chan *writeJob, maxGroup), quit: make(chan struct{}), stopped: make(chan struct{}),
		prepared: make(map[string]*sql.Stmt),
	}
	go g.loop()
	return g, nil
}

func (g *groupCommit) close() {
	g.once.Do(func() { close(g.quit) })
	<-g.stopped
}

func (g *groupCommit) write(fn func(*Tx) error) error {
	j := &writeJob{fn: fn, done: make(chan struct{})}
	select {
	case g.jobs <- j:
	case <-g.quit:
		return errClosed
	}
	select {
	case <-j.done:
	case <-g.stopped:
		// The loop may have finished the job on its way out.
		select {
		case <-j.done:
		default:
			return errClosed
		}
	}
	if j.paniced != nil {
		panic(j.paniced)
	}
	return j.err
}

func (g *groupCommit) loop() {
	defer close(g.stopped)
	defer g.conn.Close()
	for {
		select {
		case <-g.quit:
			return
		case j := <-g.jobs:
			g.group(j)
		}
	}
}

// group runs first and whoever else is waiting in one transaction.
func (g *groupCommit) group(first *writeJob) {
	batch := []*writeJob{first}
	err := g.control("BEGIN IMMEDIATE")
	if err == nil {
		err = g.runJob(first)
	drain:
		for err == nil && len(batch) < maxGroup {
			select {
			case j := <-g.jobs:
				batch = append(batch, j)
				err = g.runJob(j)
			default:
				break drain
			}
		}
		if err == nil {
			err = g.control("COMMIT")
		}
		if err != nil {
			g.control("ROLLBACK")
		}
	}
	changed := false
	for _, j := range batch {
		if err != nil && j.err == nil {
			j.err = fmt.Errorf("commit: %w", err)
		}
		changed = changed || j.tx != nil && j.tx.changedCached
	}
	if changed {
		g.db.cache.drop()
	}
	for _, j := range batch {
		close(j.done)
	}
}

// runJob runs one caller's work within its savepoint. An error is the group's:
// SQLite gave up the whole transaction (a full disk makes it), and with it what
// the callers before did.
func (g *groupCommit) runJob(j *writeJob) error {
	if err := g.control("SAVEPOINT one"); err != nil {
		return err
	}
	j.tx = &Tx{Reader: Reader{db: g.db, run: g, inTx: true}}
	j.err = func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				j.paniced, err = p, errors.New("panic in a transaction")
			}
		}()
		if err := j.fn(j.tx); err != nil {
			return err
		}
		return j.tx.finish(context.Background())
	}()
	if j.err != nil {
		if err := g.control("ROLLBACK TO one"); err != nil {
			return err
		}
	}
	return g.control("RELEASE one")
}

func (g *groupCommit) control(statement string) error {
	s, err := g.stmt(statement)
	if err == nil {
		_, err = s.Exec()
	}
	return err
}

func (g *groupCommit) stmt(query string) (*sql.Stmt, error) {
	if s, ok := g.prepared[query]; ok {
		return s, nil
	}
	s, err := g.conn.PrepareContext(context.Background(), query)
	if err == nil {
		g.prepared[query] = s
	}
	return s, err
}

// The runner of a grouped transaction ignores its callers' contexts: a caller
// who goes away must not interrupt the connection that others share.

func (g *groupCommit) exec(_ context.Context, query string, args ...any) (int64, error) {
	g.db.statements.Add(1)
	s, err := g.stmt(query)
	if err != nil {
		return 0, err
	}
	return affected(s.Exec(args...))
}

func (g *groupCommit) query(_ context.Context, query string, args ...any) (*sql.Rows, error) {
	g.db.statements.Add(1)
	s, err := g.stmt(query)
	if err != nil {
		return nil, err
	}
	return s.Query(args...)
}

func (g *groupCommit) queryRow(_ context.Context, query string, args ...any) *sql.Row {
	g.db.statements.Add(1)
	s, err := g.stmt(query)
	if err != nil {
		return g.conn.QueryRowContext(context.Background(), query, args...)
	}
	return s.QueryRow(args...)
}
