package storage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Org is a company.
type Org struct {
	ID, Name string
	// Rules are the company's settings about signing in, as idp/policy
	// understands them.
	Rules json.RawMessage
	// Plan is the second factors that the company may choose from, as a JSON
	// list; null: all.
	Plan                 json.RawMessage
	CreatedAt, UpdatedAt time.Time
}

// Org returns a company, from the cache unless in a transaction. ErrNotFound
// where there is none. The caller must not change it.
func (r Reader) Org(ctx context.Context, id string) (*Org, error) {
	return cached(r, "org:"+id, func() (*Org, error) { return r.org(ctx, id) })
}

func (r Reader) org(ctx context.Context, id string) (*Org, error) {
	return scanOrg(r.run.queryRow(ctx, `SELECT `+orgColumns+` FROM orgs WHERE id = $1`, id))
}

const orgColumns = `id, name, rules, plan, created_at, updated_at`

func scanOrg(row interface{ Scan(...any) error }) (*Org, error) {
	var o Org
	err := row.Scan(&o.ID, &o.Name, document{&o.Rules}, document{&o.Plan}, into(&o.CreatedAt), into(&o.UpdatedAt))
	return found(&o, err, "company")
}

// PutOrg inserts or replaces a company.
func (tx *Tx) PutOrg(ctx context.Context, o Org, now time.Time) error {
	tx.changedCached = true
	_, err := tx.run.exec(ctx, `
		INSERT INTO orgs (id, name, rules, plan, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, rules = excluded.rules, plan = excluded.plan, updated_at = excluded.updated_at`,
		o.ID, o.Name, object(o.Rules), planText(o.Plan), stamp(now), stamp(now))
	return wrap(err, "save company")
}

func planText(plan json.RawMessage) string {
	if plan == nil {
		return "null"
	}
	return string(plan)
}

// found turns sql.ErrNoRows into ErrNotFound.
func found[T any](v *T, err error, noun string) (*T, error) {
	switch {
	case err == nil:
		return v, nil
	case errors.Is(err, sql.ErrNoRows), isNoText(err):
		return nil, fmt.Errorf("%s: %w", noun, ErrNotFound)
	}
	return nil, fmt.Errorf("read %s: %w", noun, err)
}

func wrap(err error, doing string) error {
	switch {
	case err == nil:
		return nil
	case isUnique(err):
		return fmt.Errorf("%s: %w", doing, ErrTaken)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// spent turns "no row was touched" into ErrSpent.
func spent(rows int64, err error, doing string) error {
	if err == nil && rows == 0 {
		return fmt.Errorf("%s: %w", doing, ErrSpent)
	}
	return wrap(err, doing)
}
