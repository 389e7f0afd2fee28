package storage_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// fullUser has everything a person can have.
var fullUser = storage.User{
	ID: "grace", OrgID: acme, Email: "Grace.Hopper@Acme.example", EmailVerified: true,
	Profile: storage.Profile{
		Name: "Grace Hopper", GivenName: "Grace", FamilyName: "Hopper", MiddleName: "Brewster", Nickname: "Amazing", PreferredUsername: "grace",
		Profile: "https://acme.example/grace", Picture: "https://acme.example/grace.png", Website: "https://grace.example", Gender: "female",
		Birthdate: "1906-12-09", Zoneinfo: "America/New_York", Locale: "en-US",
		Address: &storage.Address{Formatted: "1 Yard St", StreetAddress: "1 Yard St", Locality: "Arlington", Region: "VA", PostalCode: "22201", Country: "US"},
	},
	Phone: "+12025550123", PhoneVerified: true, Kind: "client", Role: "owner", Roles: map[string][]string{board: {"editor", "viewer"}},
	PasswordHash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA", TwoStep: true, TwoStepRequired: true, DisabledAt: noon.Add(-time.Hour),
}

func TestUser(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		for _, u := range []storage.User{fullUser, person("bare")} {
			mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertUser(ctx, u, noon) })
			u.CreatedAt, u.UpdatedAt = noon, noon
			if u.Roles == nil {
				u.Roles = map[string][]string{}
			}
			mustEqual(t, must(db.User(t.Context(), u.ID))(t), &u)
			mustEqual(t, must(db.UserByEmail(t.Context(), "  "+u.Email+" "))(t), &u)
		}
		if u := must(db.UserByEmail(t.Context(), "gRACE.hopper@ACME.EXAMPLE"))(t); u.ID != "grace" {
			t.Fatalf("an address in other case is %s's", u.ID)
		}
		if _, err := db.User(t.Context(), "nobody"); !errors.Is(err, storage.ErrNotFound) {
			t.Fatalf("a person who isn't there: %v", err)
		}
		if _, err := db.UserByEmail(t.Context(), "nobody@acme.example"); !errors.Is(err, storage.ErrNotFound) {
			t.Fatalf("an address that isn't there: %v", err)
		}
	})
}

func TestUserAddressIsUnique(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		again := person("again")
		again.Email = "ADA@acme.example"
		mustRefuse(t, db, storage.ErrTaken, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertUser(ctx, again, noon) })
		again.Email = "again@acme.example"
		again.ID = ada
		mustRefuse(t, db, storage.ErrTaken, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertUser(ctx, again, noon) })
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertUser(ctx, person("grace"), noon) })
		taken := person("grace")
		taken.Email = "Ada@Acme.Example"
		mustRefuse(t, db, storage.ErrTaken, func(ctx context.Context, tx *storage.Tx) error { return tx.UpdateUser(ctx, taken, noon) })
	})
}

func TestUpdateUser(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		u := fullUser
		u.ID = ada
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.UpdateUser(ctx, u, noon.Add(time.Hour)) })
		// Password and two-step switch are the person's own.
		u.PasswordHash, u.TwoStep = "", false
		u.CreatedAt, u.UpdatedAt = noon, noon.Add(time.Hour)
		mustEqual(t, must(db.User(t.Context(), ada))(t), &u)

		bare := person(ada)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.UpdateUser(ctx, bare, noon) })
		bare.Roles, bare.CreatedAt, bare.UpdatedAt = map[string][]string{}, noon, noon
		mustEqual(t, must(db.User(t.Context(), ada))(t), &bare)

		mustRefuse(t, db, storage.ErrNotFound, func(ctx context.Context, tx *storage.Tx) error { return tx.UpdateUser(ctx, person("nobody"), noon) })
	})
}

func TestUsersPages(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			other := person("zoe")
			other.OrgID = "other"
			return errors.Join(
				tx.PutOrg(ctx, storage.Org{ID: "other", Name: "Other"}, noon),
				tx.InsertUser(ctx, person("carl"), noon), tx.InsertUser(ctx, person("bob"), noon), tx.InsertUser(ctx, other, noon),
			)
		})
		for _, page := range []struct {
			org, after string
			limit      int
			want       []string
		}{
			{acme, "", 10, []string{ada, "bob", "carl"}},
			{acme, "", 2, []string{ada, "bob"}},
			{acme, "BOB@acme.example", 2, []string{"carl"}},
			{acme, "carl@acme.example", 2, nil},
			{"", "", 10, []string{ada, "bob", "carl", "zoe"}},
			{"other", "", 10, []string{"zoe"}},
			{"nowhere", "", 10, nil},
		} {
			var ids []string
			for _, u := range must(db.Users(t.Context(), page.org, page.after, page.limit))(t) {
				ids = append(ids, u.ID)
			}
			mustEqual(t, ids, page.want)
		}
	})
}

func TestHasOwner(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		if must(db.HasOwner(t.Context()))(t) {
			t.Fatal("a member is taken for an owner")
		}
		owner := person(ada)
		owner.Role = "owner"
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.UpdateUser(ctx, owner, noon) })
		if !must(db.HasOwner(t.Context()))(t) {
			t.Fatal("the owner isn't seen")
		}
	})
}

func TestSetPasswordHash(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		set := func(was, hash string) func(context.Context, *storage.Tx) error {
			return func(ctx context.Context, tx *storage.Tx) error { return tx.SetPasswordHash(ctx, ada, was, hash, noon) }
		}
		mustWrite(t, db, set("", "first"))
		mustWrite(t, db, set("first", "second"))
		mustRefuse(t, db, storage.ErrSpent, set("first", "upgrade of the first"))
		if u := must(db.User(t.Context(), ada))(t); u.PasswordHash != "second" {
			t.Fatalf("the hash is %q", u.PasswordHash)
		}
	})
}

func TestUserSwitches(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		want := person(ada)
		want.Roles, want.CreatedAt = map[string][]string{}, noon
		later := noon.Add(time.Hour)
		for _, step := range []struct {
			write func(context.Context, *storage.Tx) error
			want  func()
		}{
			{func(ctx context.Context, tx *storage.Tx) error { return tx.SetTwoStep(ctx, ada, true, later) },
				func() { want.TwoStep, want.UpdatedAt = true, later }},
			{func(ctx context.Context, tx *storage.Tx) error { return tx.SetTwoStep(ctx, ada, false, later) },
				func() { want.TwoStep = false }},
			{func(ctx context.Context, tx *storage.Tx) error { return tx.SetLastSignIn(ctx, ada, later) },
				func() { want.LastSignInAt = later }},
			{func(ctx context.Context, tx *storage.Tx) error { return tx.DisableUser(ctx, ada, true, later) },
				func() { want.DisabledAt = later }},
			{func(ctx context.Context, tx *storage.Tx) error { return tx.DisableUser(ctx, ada, false, later) },
				func() { want.DisabledAt = time.Time{} }},
		} {
			mustWrite(t, db, step.write)
			step.want()
			mustEqual(t, must(db.User(t.Context(), ada))(t), &want)
		}
	})
}
