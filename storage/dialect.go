package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
)

// dialect is all that differs between the two engines.
type dialect struct {
	name         string
	goose        goose.Dialect
	singleWriter bool   // writers share one connection and group their commits
	prepare      bool   // keep statements prepared ourselves
	skipLocked   string // ends a SELECT of rows that another replica may be taking
	notify       string // tells other processes of a new generation at once
	listen       func(ctx context.Context, heard func()) error
	close        func() // what sql.DB.Close leaves open
}

const generationChannel = "sallyport_generation"

func openEngine(ctx context.Context, dbURL string) (d dialect, read, write *sql.DB, err error) {
	switch {
	case strings.HasPrefix(dbURL, "sqlite:"):
		return openSQLite(ctx, strings.TrimPrefix(dbURL, "sqlite:"))
	case strings.HasPrefix(dbURL, "postgres://"), strings.HasPrefix(dbURL, "postgresql://"):
		return openPostgres(ctx, dbURL)
	}
	return d, nil, nil, errors.New("database URL: expected sqlite:PATH or postgres://…")
}

func openSQLite(ctx context.Context, path string) (d dialect, read, write *sql.DB, err error) {
	d = dialect{name: "sqlite", goose: goose.DialectSQLite3, singleWriter: true, prepare: true, close: func() {}}
	if path == "" {
		return d, nil, nil, errors.New("database URL: sqlite: needs a path")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return d, nil, nil, fmt.Errorf("database folder: %w", err)
	}
	// The file before SQLite makes it, for its owner alone; those beside it
	// take its mode.
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return d, nil, nil, fmt.Errorf("open SQLite database: %w", err)
	}
	file.Close()
	// FULL, because with NORMAL a power cut can undo a committed code redemption.
	pragmas := []string{"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(10000)", "foreign_keys(1)", "cache_size(-4000)", "temp_store(MEMORY)"}
	open := func(more ...string) (*sql.DB, error) {
		q := url.Values{"_txlock": {"immediate"}, "_pragma": append(more, pragmas...)}
		return sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+q.Encode())
	}
	if write, err = open(); err != nil {
		return d, nil, nil, err
	}
	write.SetMaxOpenConns(1)
	if err := write.PingContext(ctx); err != nil {
		return d, nil, nil, errors.Join(fmt.Errorf("open SQLite database %s: %w", path, err), write.Close())
	}
	if read, err = open("query_only(1)"); err != nil {
		return d, nil, nil, errors.Join(err, write.Close())
	}
	read.SetMaxOpenConns(8)
	read.SetMaxIdleConns(8)
	return d, read, write, nil
}

func openPostgres(ctx context.Context, dbURL string) (d dialect, read, write *sql.DB, err error) {
	cfg, err := pgxpool.ParseConfig(dbURL)
	if err != nil {
		return d, nil, nil, fmt.Errorf("database URL: %w", err)
	}
	if cfg.ConnConfig.RuntimeParams["application_name"] == "" {
		cfg.ConnConfig.RuntimeParams["application_name"] = "sallyport"
	}
	if u, err := url.Parse(dbURL); err != nil || !u.Query().Has("pool_max_conns") {
		cfg.MaxConns = max(cfg.MaxConns, 16)
	}
	p, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return d, nil, nil, fmt.Errorf("open PostgreSQL: %w", err)
	}
	if err := p.Ping(ctx); err != nil {
		p.Close()
		return d, nil, nil, fmt.Errorf("reach PostgreSQL: %w", err)
	}
	db := stdlib.OpenDBFromPool(p)
	db.SetMaxIdleConns(0) // the pool keeps them
	d = dialect{
		name: "postgres", goose: goose.DialectPostgres, close: p.Close,
		skipLocked: " FOR UPDATE SKIP LOCKED",
		notify:     "NOTIFY " + generationChannel,
		listen: func(ctx context.Context, heard func()) error {
			// A connection of its own: it would be missing in a small pool.
			c, err := pgx.ConnectConfig(ctx, p.Config().ConnConfig)
			if err != nil {
				return err
			}
			defer c.Close(context.WithoutCancel(ctx))
			if _, err := c.Exec(ctx, "LISTEN "+generationChannel); err != nil {
				return err
			}
			for {
				if _, err := c.WaitForNotification(ctx); err != nil {
					return err
				}
				heard()
			}
		},
	}
	return d, db, db, nil
}

// isUnique says whether err is a violation of a unique constraint.
func isUnique(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "23505"
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		const constraintUnique, constraintPrimaryKey = 2067, 1555
		return lite.Code() == constraintUnique || lite.Code() == constraintPrimaryKey
	}
	return false
}

// isNoText says whether PostgreSQL refused a value as no text: bytes that are
// no UTF-8, or a zero. No row can have it; SQLite just finds none.
func isNoText(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "22021"
}
