package storage_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

const multitude = 100_000

// seedMultitude puts a hundred thousand people into Acme: names of a few
// hundred, six classes of which one has five people, and one Zebulon.
func seedMultitude(b *testing.B, url string, db *storage.DB) {
	b.Helper()
	first := []string{"Ana", "Bo", "Carla", "Dmitri", "Eva", "Farid", "Grace", "Hugo", "Ines", "Jörg", "Kofi", "Lena", "Mei", "Noor", "Olga", "Pavel"}
	last := []string{"Adams", "Berg", "Costa", "Dubois", "Egli", "Fischer", "García", "Huber", "Ivanov", "Jensen", "Keller", "Lopez", "Meier", "Novak"}
	mustWrite(b, db, func(ctx context.Context, tx *storage.Tx) error {
		return tx.PutOrg(ctx, storage.Org{ID: acme, Name: "Acme"}, noon)
	})
	raw := outside(b, url)
	const batch = 500
	for start := 0; start < multitude; start += batch {
		var rows []string
		for i := start; i < start+batch; i++ {
			given, family := first[i%len(first)], last[i/7%len(last)]
			if i == 77_777 {
				given = "Zebulon"
			}
			kind, factors, verified := "staff", "", i%10 > 0
			if i%3 == 0 {
				kind = "client"
			}
			if i%4 == 0 {
				factors = "totp"
			}
			if i%20_000 == 19_999 {
				factors = "totp webauthn"
			}
			rows = append(rows, fmt.Sprintf(`('u%d', 'acme', 'p%05d@acme.example', 'p%05d@acme.example', %v, '{"name":"%s %s","given_name":"%s","family_name":"%s"}',
				FALSE, '%s', 'member', '{}', '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g', FALSE, FALSE, '%s', 1, 1)`,
				i, i*7919%multitude, i*7919%multitude, verified, given, family, given, family, kind, factors))
		}
		if _, err := raw.Exec(`INSERT INTO users (id, org_id, email, email_key, email_verified, profile, phone_verified, kind, role, roles,
			password_hash, two_step, two_step_required, second_factors, created_at, updated_at) VALUES ` + strings.Join(rows, ",")); err != nil {
			b.Fatal(err)
		}
	}
	if err := db.IndexPeople(b.Context()); err != nil {
		b.Fatal(err)
	}
	// What a database of that age has done by itself.
	for _, s := range map[string][]string{"sqlite": {"ANALYZE"}, "postgres": {"VACUUM ANALYZE users", "VACUUM ANALYZE user_words"}}[db.Engine()] {
		if _, err := raw.Exec(s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPeople(b *testing.B) {
	few := []storage.PersonClass{{Kind: "staff", Role: "member", SecondFactors: "totp webauthn", EmailVerified: true}, {Kind: "client", Role: "member", SecondFactors: "totp webauthn", EmailVerified: true}}
	queries := []struct {
		name string
		q    storage.PeopleQuery
		want int
	}{
		{"first page", storage.PeopleQuery{}, 50},
		{"middle", storage.PeopleQuery{After: "p50000@acme.example"}, 50},
		{"search one", storage.PeopleQuery{Search: "zebul"}, 1},
		{"search one whole address", storage.PeopleQuery{Search: "p54321@acme.example"}, 1},
		{"search many", storage.PeopleQuery{Search: "a"}, 50},
		{"search many in the middle", storage.PeopleQuery{Search: "a", After: "p50000@acme.example"}, 50},
		{"search two words", storage.PeopleQuery{Search: "gra huber"}, 50},
		{"search none", storage.PeopleQuery{Search: "nobodyhere"}, 0},
		{"few of a class", storage.PeopleQuery{Classes: few}, 5},
		{"few of a class, search", storage.PeopleQuery{Classes: few, Search: "p"}, 5},
		{"kind", storage.PeopleQuery{Kind: "client"}, 50},
		{"disabled", storage.PeopleQuery{Disabled: true}, 0},
		{"unconfirmed", storage.PeopleQuery{Unconfirmed: true}, 50},
	}
	for _, engine := range storagetest.Engines {
		b.Run(engine, func(b *testing.B) {
			url := storagetest.URL(b, engine)
			db := storagetest.Open(b, url, storage.Options{})
			seedMultitude(b, url, db)
			for _, query := range queries {
				query.q.OrgID, query.q.Limit = acme, 50
				b.Run(query.name, func(b *testing.B) {
					for b.Loop() {
						if people := must(db.People(b.Context(), query.q))(b); len(people) != query.want {
							b.Fatalf("%d people, want %d", len(people), query.want)
						}
					}
				})
			}
			b.Run("count to 1000", func(b *testing.B) {
				for b.Loop() {
					if n := must(db.CountPeople(b.Context(), storage.PeopleQuery{OrgID: acme, Search: "a", Limit: 1000}))(b); n != 1000 {
						b.Fatal(n)
					}
				}
			})
			b.Run("classes", func(b *testing.B) {
				for b.Loop() {
					sum := 0
					for _, c := range must(db.PeopleClasses(b.Context(), acme))(b) {
						sum += c.Count
					}
					if sum != multitude {
						b.Fatal(errors.New("miscounted"), sum)
					}
				}
			})
		})
	}
}
