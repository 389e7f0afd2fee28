package storage_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func link(hash, purpose, user string) storage.Link {
	return storage.Link{Hash: hash, Purpose: purpose, UserID: user, CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)}
}

func spendLink(hash string, now time.Time) func(context.Context, *storage.Tx) error {
	return func(ctx context.Context, tx *storage.Tx) error { return tx.SpendLink(ctx, hash, now) }
}

func insertLink(l storage.Link) func(context.Context, *storage.Tx) error {
	return func(ctx context.Context, tx *storage.Tx) error { return tx.InsertLink(ctx, l) }
}

func TestLink(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		hers, first := link("a", "set-up", ada), link("b", "first-owner", "")
		mustWrite(t, db, insertLink(hers))
		mustWrite(t, db, insertLink(first))
		mustEqual(t, must(db.Link(t.Context(), "a"))(t), &hers)
		mustEqual(t, must(db.Link(t.Context(), "b"))(t), &first)
		if _, err := db.Link(t.Context(), "c"); !errors.Is(err, storage.ErrNotFound) {
			t.Fatalf("a link that isn't there: %v", err)
		}

		mustRefuse(t, db, storage.ErrSpent, spendLink("c", noon))
		mustRefuse(t, db, storage.ErrSpent, spendLink("a", hers.ExpiresAt))
		mustWrite(t, db, spendLink("a", noon.Add(time.Minute)))
		mustRefuse(t, db, storage.ErrSpent, spendLink("a", noon))
		hers.UsedAt = noon.Add(time.Minute)
		mustEqual(t, must(db.Link(t.Context(), "a"))(t), &hers)
	})
}

func TestLinkReplacesEarlier(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertUser(ctx, person("grace"), noon) })
		for _, l := range []storage.Link{
			link("used", "set-up", ada), link("hers", "set-up", "grace"), link("other", "recover", ada), link("nobody", "set-up", ""),
			link("old", "set-up", ada), link("new", "set-up", ada),
		} {
			mustWrite(t, db, insertLink(l))
			if l.Hash == "used" {
				mustWrite(t, db, spendLink("used", noon))
			}
		}
		mustRefuse(t, db, storage.ErrSpent, spendLink("old", noon))
		for _, hash := range []string{"new", "hers", "other", "nobody"} {
			mustWrite(t, db, spendLink(hash, noon))
		}
		if l := must(db.Link(t.Context(), "used"))(t); l.UsedAt.IsZero() {
			t.Error("a used link is forgotten: it could be told from an unknown one before")
		}
	})
}

// Of links made at once for one person, one lives.
func TestLinkMadeTwiceAtOnce(t *testing.T) {
	eachURL(t, func(t *testing.T, db *storage.DB, url string) {
		seed(t, db)
		raw := outside(t, url)
		for round := range 20 {
			for _, err := range atOnce(8, func(i int) error { return write(t, db, insertLink(link(fmt.Sprint(round, "-", i), "set-up", ada))) }) {
				if err != nil {
					t.Fatal(err)
				}
			}
			if n := count(t, raw, "links WHERE used_at IS NULL"); n != 1 {
				t.Fatalf("%d links live", n)
			}
		}
	})
}

func TestHasLink(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		alive := func(purpose, user string, now time.Time) bool {
			t.Helper()
			return must(db.HasLink(t.Context(), purpose, user, now))(t)
		}
		if alive("set-up", ada, noon) {
			t.Fatal("a link that isn't there")
		}
		mustWrite(t, db, insertLink(link("a", "set-up", ada)))
		if !alive("set-up", ada, noon) || alive("set-up", ada, noon.Add(time.Hour)) || alive("recover", ada, noon) || alive("set-up", "grace", noon) {
			t.Fatal("purpose, person or time is not looked at")
		}
		mustWrite(t, db, spendLink("a", noon))
		if alive("set-up", ada, noon) {
			t.Fatal("a used link counts")
		}
	})
}
