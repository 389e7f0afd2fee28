package storage_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestOrg(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		if _, err := db.Org(t.Context(), acme); !errors.Is(err, storage.ErrNotFound) {
			t.Fatalf("a company that isn't there: %v", err)
		}
		o := storage.Org{ID: acme, Name: "Acme", Rules: json.RawMessage(`{"two_factors":"everybody"}`), Plan: json.RawMessage(`["totp"]`)}
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.PutOrg(ctx, o, noon) })
		o.CreatedAt, o.UpdatedAt = noon, noon
		mustEqual(t, must(db.Org(t.Context(), acme))(t), &o)

		later := noon.Add(time.Hour)
		o.Name, o.Rules, o.Plan = "Acme & Söhne", json.RawMessage(`{}`), json.RawMessage(`[]`)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.PutOrg(ctx, o, later) })
		o.UpdatedAt = later
		mustEqual(t, must(db.Org(t.Context(), acme))(t), &o)
	})
}

func TestOrgWithoutRulesAndPlan(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return tx.PutOrg(ctx, storage.Org{ID: acme, Name: "Acme"}, noon)
		})
		if o := must(db.Org(t.Context(), acme))(t); string(o.Rules) != "{}" {
			t.Fatalf("no rules are read as %q", o.Rules)
		} else if string(o.Plan) != "null" {
			t.Fatalf("no plan is read as %q", o.Plan)
		}
	})
}

func TestDeleteOrg(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return tx.PutOrg(ctx, storage.Org{ID: "empty", Name: "Empty"}, noon)
		})
		must(db.Org(t.Context(), "empty"))(t)
		remove := func(id string) func(context.Context, *storage.Tx) error {
			return func(ctx context.Context, tx *storage.Tx) error { return tx.DeleteOrg(ctx, id) }
		}
		mustWrite(t, db, remove("empty"))
		if _, err := db.Org(t.Context(), "empty"); !errors.Is(err, storage.ErrNotFound) {
			t.Fatalf("the deleted company: %v", err)
		}
		mustRefuse(t, db, storage.ErrNotFound, remove("empty"))
		if err := write(t, db, remove(acme)); err == nil {
			t.Fatal("a company with people was deleted")
		}
		must(db.Org(t.Context(), acme))(t)
	})
}
