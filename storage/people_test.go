package storage_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// crowd puts people of several names and classes into Acme, and one into
// another company.
func crowd(t *testing.T, db *storage.DB) {
	t.Helper()
	named := func(id, name string, more func(*storage.User)) storage.User {
		u := person(id)
		u.Profile.Name = name
		if more != nil {
			more(&u)
		}
		return u
	}
	mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
		err := errors.Join(tx.PutOrg(ctx, storage.Org{ID: acme, Name: "Acme"}, noon), tx.PutOrg(ctx, storage.Org{ID: "other", Name: "Other"}, noon))
		for _, u := range []storage.User{
			named("zoe", "Zoë Müller-Lüdenscheidt", func(u *storage.User) { u.Role = "owner"; u.EmailVerified = true }),
			named("oneill", "Shane O'Neill", func(u *storage.User) { u.Kind = "client"; u.TwoStepRequired = true }),
			named("strauss", "Franz Strauß", func(u *storage.User) { u.DisabledAt = noon; u.TwoStep = true }),
			named("olga.petrova", "Ольга Петрова", func(u *storage.User) { u.EmailVerified = true }),
			named("bare", "", nil),
			named("spy", "Zoë Spy", func(u *storage.User) { u.OrgID = "other"; u.Email = "zoe@other.example" }),
		} {
			err = errors.Join(err, tx.InsertUser(ctx, u, noon))
		}
		return err
	})
}

func found(t *testing.T, db *storage.DB, q storage.PeopleQuery) string {
	t.Helper()
	if q.OrgID == "" {
		q.OrgID = acme
	}
	if q.Limit == 0 {
		q.Limit = 100
	}
	var ids []string
	people := must(db.People(t.Context(), q))(t)
	for _, u := range people {
		ids = append(ids, u.ID)
	}
	if n := must(db.CountPeople(t.Context(), q))(t); q.After == "" && n != len(people) {
		t.Errorf("%+v: counted %d of %d", q, n, len(people))
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

func TestSearchPeople(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		crowd(t, db)
		for search, want := range map[string]string{
			"":                           "bare olga.petrova oneill strauss zoe",
			"   ":                        "bare olga.petrova oneill strauss zoe",
			"zoe":                        "zoe",
			"ZOË":                        "zoe",
			"mull":                       "zoe",
			"müller-l":                   "zoe",
			"ludenscheidt, zoe":          "zoe",
			"lüdenscheidt ada":           "",
			"ller":                       "",
			"o'ne":                       "oneill",
			"neill sh":                   "oneill",
			"strauss":                    "strauss",
			"strauß":                     "strauss",
			"ольга":                      "olga.petrova",
			"petrova":                    "olga.petrova",
			"olga.petrova@":              "olga.petrova",
			"Olga.Petrova@Acme.example":  "olga.petrova",
			"acme.ex":                    "bare olga.petrova oneill strauss zoe",
			"@acme.example":              "bare olga.petrova oneill strauss zoe",
			"acme acme o":                "olga.petrova oneill",
			"%":                          "",
			"'; DROP TABLE users; --":    "",
			strings.Repeat("ab", 10_000): "",
			"o o o o o o o o zoe":        "olga.petrova oneill",
		} {
			if got := found(t, db, storage.PeopleQuery{Search: search}); got != want {
				t.Errorf("%.40q finds %q, want %q", search, got, want)
			}
		}
		if got := found(t, db, storage.PeopleQuery{OrgID: "other", Search: "zoe"}); got != "spy" {
			t.Errorf("the other company finds %q", got)
		}
	})
}

// The words follow what they come from.
func TestSearchFollowsChanges(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		crowd(t, db)
		finds := func(search, want string) {
			t.Helper()
			if got := found(t, db, storage.PeopleQuery{Search: search}); got != want {
				t.Errorf("%q finds %q, want %q", search, got, want)
			}
		}
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return tx.SetProfile(ctx, "bare", storage.Profile{GivenName: "Grace", FamilyName: "Hopper"}, noon)
		})
		finds("hop gra", "bare")
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return tx.SetEmail(ctx, "bare", "bare@acme.example", "admiral@navy.example", noon)
		})
		finds("admiral", "bare")
		finds("navy", "bare")
		finds("bare", "")
		u := *must(db.User(t.Context(), "bare"))(t)
		u.Profile.FamilyName, u.Email = "Murray", "murray@acme.example"
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.UpdateUser(ctx, u, noon) })
		finds("murray", "bare")
		finds("hopper", "")
		finds("admiral", "")
		u.OrgID = "other"
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.UpdateUser(ctx, u, noon) })
		finds("murray", "")
		if got := found(t, db, storage.PeopleQuery{OrgID: "other", Search: "murray"}); got != "bare" {
			t.Errorf("in the new company: %q", got)
		}
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.DeleteUser(ctx, "bare") })
		if got := found(t, db, storage.PeopleQuery{OrgID: "other", Search: "murray"}); got != "" {
			t.Errorf("after deletion: %q", got)
		}
	})
}

// People of before are found after Migrate, which may run in several replicas.
func TestIndexPeople(t *testing.T) {
	eachURL(t, func(t *testing.T, db *storage.DB, url string) {
		crowd(t, db)
		raw := outside(t, url)
		for _, s := range []string{`DELETE FROM user_words`, `UPDATE users SET indexed = FALSE`} {
			if _, err := raw.Exec(s); err != nil {
				t.Fatal(err)
			}
		}
		if got := found(t, db, storage.PeopleQuery{Search: "zoe"}); got != "" {
			t.Fatalf("finds %q without words", got)
		}
		if err := errors.Join(atOnce(4, func(int) error { _, err := storage.Migrate(t.Context(), url, options); return err })...); err != nil {
			t.Fatal(err)
		}
		if got := found(t, db, storage.PeopleQuery{Search: "zoe"}); got != "zoe" {
			t.Errorf("finds %q", got)
		}
		if n := count(t, raw, "users WHERE NOT indexed"); n != 0 {
			t.Errorf("%d are left", n)
		}
	})
}

func TestPeopleClassesAndFilters(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		crowd(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			f := factor("f", "totp")
			f.UserID = "oneill"
			return tx.InsertFactor(ctx, f, 1, noon)
		})
		counts := must(db.PeopleClasses(t.Context(), acme))(t)
		member := storage.PersonClass{Kind: "staff", Role: "member"}
		confirmed, owner, strauss := member, member, member
		confirmed.EmailVerified, owner.EmailVerified, owner.Role, strauss.TwoStep = true, true, "owner", true
		client := storage.PersonClass{Kind: "client", Role: "member", TwoStepRequired: true, SecondFactors: "totp"}
		mustEqual(t, counts, []storage.ClassCount{
			{PersonClass: client, Count: 1}, {PersonClass: member, Count: 1}, {PersonClass: confirmed, Count: 1},
			{PersonClass: strauss, Disabled: true, Count: 1}, {PersonClass: owner, Count: 1},
		})
		if n := len(must(db.PeopleClasses(t.Context(), "nobody"))(t)); n != 0 {
			t.Errorf("%d classes of no company", n)
		}

		many := []storage.PersonClass{client, owner, client}
		for i := range 300 { // more than are looked up one by one
			many = append(many, storage.PersonClass{Kind: fmt.Sprint(i)})
		}
		for _, test := range []struct {
			q    storage.PeopleQuery
			want string
		}{
			{storage.PeopleQuery{Classes: []storage.PersonClass{}}, ""},
			{storage.PeopleQuery{Classes: []storage.PersonClass{client}}, "oneill"},
			{storage.PeopleQuery{Classes: []storage.PersonClass{client, owner, member}}, "bare oneill zoe"},
			{storage.PeopleQuery{Classes: many}, "oneill zoe"},
			{storage.PeopleQuery{Classes: many[:200]}, "oneill zoe"},
			{storage.PeopleQuery{Classes: []storage.PersonClass{client, owner}, Search: "zo"}, "zoe"},
			{storage.PeopleQuery{Classes: []storage.PersonClass{client, owner}, Kind: "client"}, "oneill"},
			{storage.PeopleQuery{Classes: []storage.PersonClass{client}, Kind: "staff"}, ""},
			{storage.PeopleQuery{Kind: "staff"}, "bare olga.petrova strauss zoe"},
			{storage.PeopleQuery{Role: "owner"}, "zoe"},
			{storage.PeopleQuery{Role: "emperor"}, ""},
			{storage.PeopleQuery{Unconfirmed: true}, "bare oneill strauss"},
			{storage.PeopleQuery{Unconfirmed: true, Enabled: true}, "bare oneill"},
			{storage.PeopleQuery{Disabled: true}, "strauss"},
			{storage.PeopleQuery{Disabled: true, Search: "franz"}, "strauss"},
			{storage.PeopleQuery{Disabled: true, Search: "zoe"}, ""},
			{storage.PeopleQuery{Enabled: true}, "bare olga.petrova oneill zoe"},
			{storage.PeopleQuery{Enabled: true, Disabled: true}, ""},
		} {
			if got := found(t, db, test.q); got != test.want {
				t.Errorf("%.200s: %q, want %q", fmt.Sprintf("%+v", test.q), got, test.want)
			}
		}
		for _, q := range []storage.PeopleQuery{{Limit: 5}, {Search: "zoe", Limit: 5}} {
			if _, err := db.People(t.Context(), q); !errors.Is(err, storage.ErrNoCompany) {
				t.Errorf("without a company: %v", err)
			}
			if _, err := db.CountPeople(t.Context(), q); !errors.Is(err, storage.ErrNoCompany) {
				t.Errorf("counted without a company: %v", err)
			}
		}
	})
}

// Page by page, everybody comes once and in order, whatever the query begins
// with: a rare word, a common one, classes or addresses.
func TestPeoplePages(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		const people = 1200 // more than a rare word has
		seed(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) (err error) {
			for i := range people {
				u := person(fmt.Sprintf("p%04d", i))
				u.Profile.Name = "Common"
				if i%20 == 0 {
					u.Profile.Name = "Common Rare"
				}
				u.EmailVerified, u.TwoStep = i%2 == 0, i%3 == 0
				err = errors.Join(err, tx.InsertUser(ctx, u, noon))
			}
			return err
		})
		var classes []storage.PersonClass
		for _, c := range must(db.PeopleClasses(t.Context(), acme))(t) {
			if c.TwoStep {
				classes = append(classes, c.PersonClass)
			}
		}
		for name, test := range map[string]struct {
			q    storage.PeopleQuery
			want int
		}{
			"all":                     {storage.PeopleQuery{}, people + 1},
			"common":                  {storage.PeopleQuery{Search: "common"}, people},
			"rare":                    {storage.PeopleQuery{Search: "rare"}, people / 20},
			"classes":                 {storage.PeopleQuery{Classes: classes}, people / 3},
			"common word, of classes": {storage.PeopleQuery{Search: "common", Classes: classes}, people / 3},
			"rare word, of classes":   {storage.PeopleQuery{Search: "rare common", Classes: classes}, people / 60},
		} {
			q := test.q
			q.OrgID, q.Limit = acme, 37
			var all []string
			for {
				page := must(db.People(t.Context(), q))(t)
				for _, u := range page {
					all = append(all, u.Email)
				}
				if len(page) < q.Limit {
					break
				}
				q.After = page[len(page)-1].Email
			}
			if len(all) != test.want || !slices.IsSorted(all) || len(slices.Compact(slices.Clone(all))) != len(all) {
				t.Errorf("%s: %d people, want %d, sorted: %v", name, len(all), test.want, slices.IsSorted(all))
			}
			if n := must(db.CountPeople(t.Context(), q))(t); n != min(q.Limit, test.want) {
				t.Errorf("%s: counted %d of %d, up to %d", name, n, test.want, q.Limit)
			}
		}
	})
}

func TestOperator(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		u := person("root")
		u.Operator = true
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertUser(ctx, u, noon) })
		if !must(db.User(t.Context(), "root"))(t).Operator || must(db.User(t.Context(), ada))(t).Operator {
			t.Error("not who was made operator is")
		}
		u.Operator = false
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.UpdateUser(ctx, u, noon) })
		if must(db.User(t.Context(), "root"))(t).Operator {
			t.Error("still operator")
		}
	})
}
