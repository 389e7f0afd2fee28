package storage

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// ErrSchemaOld says that the database must be migrated first.
var ErrSchemaOld = errors.New("the database has an older schema: run 'sallyport migrate'")

// ErrSchemaNew says that a newer Sallyport has already migrated the database.
var ErrSchemaNew = errors.New("the database was migrated by a newer Sallyport: run that version, or restore a backup made before the upgrade")

// Migrate brings the database at url to this program's schema, under a lock,
// so that several replicas may start at once, and says how many steps it took.
func Migrate(ctx context.Context, url string, o Options) (steps int, err error) {
	db, err := connect(ctx, url, o)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	p, release, err := db.migrator()
	if err != nil {
		return 0, err
	}
	steps, err = migrateWith(ctx, p)
	release()
	if err != nil {
		return steps, err
	}
	return steps, db.IndexPeople(ctx)
}

func migrateWith(ctx context.Context, p *goose.Provider) (steps int, err error) {
	if err := newerSchema(ctx, p); err != nil {
		return 0, err
	}
	// Nothing to do is the rule; many replicas that start at once needn't wait
	// for each other to find it out.
	if pending, err := p.HasPending(ctx); err == nil && !pending {
		return 0, nil
	}
	for {
		before, _, verr := p.GetVersions(ctx)
		done, err := p.Up(ctx)
		steps += len(done)
		if err == nil {
			return steps, nil
		}
		if partial, ok := errors.AsType[*goose.PartialError](err); ok {
			steps += len(partial.Applied)
		}
		// SQLite has no advisory lock: whoever lost the race for its file lock
		// finds a step done, and goes on with what is left.
		if pending, perr := p.HasPending(ctx); perr == nil && !pending {
			return steps, nil
		}
		now, _, nerr := p.GetVersions(ctx)
		if verr != nil || nerr != nil || now == before {
			return steps, fmt.Errorf("migrate: %w", err)
		}
	}
}

// checkSchema refuses a schema that isn't this program's.
func (db *DB) checkSchema(ctx context.Context) error {
	p, release, err := db.migrator()
	if err != nil {
		return err
	}
	defer release()
	if err := newerSchema(ctx, p); err != nil {
		return err
	}
	pending, err := p.HasPending(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if pending {
		return ErrSchemaOld
	}
	return nil
}

func newerSchema(ctx context.Context, p *goose.Provider) error {
	current, target, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if current > target {
		return ErrSchemaNew
	}
	return nil
}

// migrator runs on a connection of its own where SQLite's writer holds the
// only one; SQLite's own file lock and PostgreSQL's advisory lock keep two
// processes from migrating at once.
func (db *DB) migrator() (*goose.Provider, func(), error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, nil, err
	}
	opts := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	if !db.dialect.singleWriter {
		// Asked for every second, for up to five minutes.
		l, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
		if err != nil {
			return nil, nil, err
		}
		p, err := goose.NewProvider(db.dialect.goose, db.write, files, append(opts, goose.WithSessionLocker(l))...)
		return p, func() {}, err
	}
	db.write.SetMaxOpenConns(2)
	p, err := goose.NewProvider(db.dialect.goose, db.write, files, opts...)
	return p, func() { db.write.SetMaxOpenConns(1) }, err
}
