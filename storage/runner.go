package storage

import (
	"context"
	"database/sql"
	"sync"
)

// pool runs reads outside of transactions. On SQLite it keeps each statement
// prepared; pgx does that by itself.
type pool struct {
	db       *DB
	sql      *sql.DB
	prepared sync.Map // query → *sql.Stmt
}

func newPool(db *DB, s *sql.DB) *pool { return &pool{db: db, sql: s} }

func (p *pool) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s, ok := p.prepared.Load(query); ok {
		return s.(*sql.Stmt), nil
	}
	s, err := p.sql.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if was, loaded := p.prepared.LoadOrStore(query, s); loaded {
		s.Close()
		return was.(*sql.Stmt), nil
	}
	return s, nil
}

func (p *pool) exec(ctx context.Context, query string, args ...any) (int64, error) {
	p.db.statements.Add(1)
	return affected(p.sql.ExecContext(ctx, query, args...))
}

func (p *pool) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	p.db.statements.Add(1)
	if p.db.dialect.prepare {
		if s, err := p.stmt(ctx, query); err == nil {
			return s.QueryContext(ctx, args...)
		}
	}
	return p.sql.QueryContext(ctx, query, args...)
}

func (p *pool) queryRow(ctx context.Context, query string, args ...any) *sql.Row {
	p.db.statements.Add(1)
	if p.db.dialect.prepare {
		if s, err := p.stmt(ctx, query); err == nil {
			return s.QueryRowContext(ctx, args...)
		}
	}
	return p.sql.QueryRowContext(ctx, query, args...)
}

// txRunner runs statements in a PostgreSQL transaction.
type txRunner struct {
	db *DB
	tx *sql.Tx
}

func (r txRunner) exec(ctx context.Context, query string, args ...any) (int64, error) {
	r.db.statements.Add(1)
	return affected(r.tx.ExecContext(ctx, query, args...))
}

func (r txRunner) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	r.db.statements.Add(1)
	return r.tx.QueryContext(ctx, query, args...)
}

func (r txRunner) queryRow(ctx context.Context, query string, args ...any) *sql.Row {
	r.db.statements.Add(1)
	return r.tx.QueryRowContext(ctx, query, args...)
}

func affected(res sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}
