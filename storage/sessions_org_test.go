package storage_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// The running sessions of a company come person by person, all of one person's
// on one page, and none of other companies' people.
func TestOrgSessions(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			stranger := person("stranger")
			stranger.OrgID = "globex"
			all := []error{tx.PutOrg(ctx, storage.Org{ID: "globex", Name: "Globex"}, noon), tx.InsertUser(ctx, stranger, noon)}
			for _, id := range []string{"bob", "carl", "dora"} {
				all = append(all, tx.InsertUser(ctx, person(id), noon))
			}
			begin := func(id, user string, seen, ends time.Time) {
				all = append(all, tx.InsertSession(ctx, storage.Session{ID: id, SecretHash: storage.Hash(id), UserID: user, CreatedAt: noon, LastSeenAt: seen, ExpiresAt: ends}))
			}
			later := noon.Add(time.Hour)
			for _, user := range []string{ada, "bob", "dora", "stranger"} {
				begin(user+"1", user, noon, later)
				begin(user+"2", user, noon, later)
			}
			begin("idle", "carl", noon.Add(-time.Hour), later)
			begin("expired", "carl", noon, noon.Add(-time.Second))
			begin("ended", "bob", noon, later)
			_, err := tx.EndSessions(ctx, storage.Ending{UserID: "bob", Session: "ended"}, noon)
			return errors.Join(append(all, err)...)
		})
		var got []string
		for after := ""; ; {
			page := must(db.OrgSessions(t.Context(), acme, board, after, 30*time.Minute, noon, 2))(t)
			if len(page) == 0 {
				break
			}
			for _, in := range page {
				got, after = append(got, fmt.Sprintf("%s of %s", in.Session.ID, in.User.Email)), in.User.Email
			}
			got = append(got, "-")
		}
		want := []string{"ada1 of ada@acme.example", "ada2 of ada@acme.example", "bob1 of bob@acme.example", "bob2 of bob@acme.example", "-", "dora1 of dora@acme.example", "dora2 of dora@acme.example", "-"}
		if !slices.Equal(got, want) {
			t.Errorf("%v\nwant %v", got, want)
		}
	})
}
