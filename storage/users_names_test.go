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

func TestNames(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		ben := person("ben")
		ben.Profile.Name = "Ben Example"
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertUser(ctx, ben, noon) })
		ids := []string{"gone", "ben", ada}
		for n := range 600 { // more than one statement takes
			ids = append(ids, fmt.Sprint("nobody", n))
		}
		mustEqual(t, must(db.Names(t.Context(), ids))(t), map[string]storage.Named{
			"ben": {OrgID: acme, Name: "Ben Example", Email: "ben@acme.example"}, ada: {OrgID: acme, Email: "ada@acme.example"},
		})
		if names := must(db.Names(t.Context(), nil))(t); len(names) != 0 {
			t.Errorf("%v", names)
		}
	})
}

func TestRolesHeldAndOrgSizes(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			err := tx.PutOrg(ctx, storage.Org{ID: "globex", Name: "Globex"}, noon)
			for id, roles := range map[string]map[string][]string{
				"ben": {board: {"viewer"}}, "cleo": {board: {"viewer"}}, "dan": {board: {"viewer", "editor"}, "mail": {}}, "gus": {board: {"editor"}},
			} {
				u := person(id)
				u.Roles, u.Role = roles, "owner"
				switch id {
				case "gus":
					u.OrgID = "globex"
				case "cleo":
					u.DisabledAt = noon
				}
				err = errors.Join(err, tx.InsertUser(ctx, u, noon))
			}
			return err
		})
		ctx := t.Context()
		mustEqual(t, must(db.RolesHeld(ctx, acme))(t), map[string]map[string]int{board: {"viewer": 3, "editor": 1}})
		mustEqual(t, must(db.RolesHeld(ctx, ""))(t), map[string]map[string]int{board: {"viewer": 3, "editor": 2}})
		mustEqual(t, must(db.RoleHolders(ctx, acme))(t), map[string]int{board: 3})
		mustEqual(t, must(db.OrgSizes(ctx, []string{acme, "globex", "gone"}))(t), map[string]storage.OrgSize{acme: {People: 4, Owners: 2}, "globex": {People: 1, Owners: 1}})
		mustEqual(t, must(db.OrgSizes(ctx, nil))(t), map[string]storage.OrgSize{})
	})
}

func TestLastUse(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			at := func(event, result string, minutes int) storage.Event {
				return storage.Event{At: noon.Add(time.Duration(minutes) * time.Minute), Event: event, Result: result, ClientID: board}
			}
			return errors.Join(tx.PutClient(ctx, storage.Client{ID: "unused"}, noon), tx.Audit(ctx,
				at("token.issued", storage.OK, 1), at("token.refreshed", storage.OK, 2), at("token.refused", storage.Refused, 3), at("product.changed", storage.OK, 4)))
		})
		mustEqual(t, must(db.LastUse(t.Context(), board, "unused"))(t), map[string]time.Time{board: noon.Add(2 * time.Minute)})
		mustEqual(t, must(db.LastUse(t.Context(), "unused"))(t), map[string]time.Time{})
		mustEqual(t, must(db.LastUse(t.Context()))(t), map[string]time.Time{})
	})
}

func TestAuditSealed(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		write := func(minutes int) {
			mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
				return tx.Audit(ctx, storage.Event{At: noon.Add(time.Duration(minutes) * time.Minute), Event: "session.ended"})
			})
		}
		upTo, waiting, err := db.AuditSealed(t.Context())
		if err != nil || !upTo.IsZero() || waiting != 0 {
			t.Fatalf("at first: %v, %d, %v", upTo, waiting, err)
		}
		write(1)
		write(2)
		if _, err := db.SealAudit(t.Context(), "me", noon.Add(time.Hour), nil); err != nil {
			t.Fatal(err)
		}
		write(3)
		upTo, waiting, err = db.AuditSealed(t.Context())
		if err != nil || !upTo.Equal(noon.Add(2*time.Minute)) || waiting != 1 {
			t.Errorf("then: %v, %d, %v", upTo, waiting, err)
		}
	})
}

func TestAuditSearchByEvents(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			for i, name := range []string{"totp.added", "totp.removed", "session.ended", "totp.added"} {
				if err := tx.Audit(ctx, storage.Event{At: noon.Add(time.Duration(i) * time.Minute), Event: name, OrgID: acme, UserID: ada}); err != nil {
					return err
				}
			}
			return nil
		})
		for _, user := range []string{"", ada} {
			events := must(db.AuditSearch(t.Context(), storage.AuditQuery{OrgID: acme, UserID: user, Events: []string{"totp.added", "session.ended"}, From: noon.Add(time.Second)}))(t)
			if len(events) != 2 || events[0].Event != "totp.added" || events[1].Event != "session.ended" {
				t.Errorf("of %q: %v", user, events)
			}
		}
	})
}
