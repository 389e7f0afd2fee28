package storage_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// fullClient has every field set, so that one forgotten in the column of
// settings is missed.
var fullClient = storage.Client{
	ID: board, Name: "Dashboard", SecretHash: storage.Hash("secret"), AuthMethod: "client_secret_basic",
	OldSecretHash: storage.Hash("secret before"), OldSecretUntil: noon.Add(time.Hour),
	RedirectURIs:           []string{"https://board.example/callback", "https://board.example/other%2F"},
	PostLogoutRedirectURIs: []string{"https://board.example/bye"}, BackchannelLogoutURI: "https://board.example/logout",
	GrantTypes: []string{"authorization_code", "refresh_token"}, Scopes: []string{"openid", "email"}, IDTokenAlg: "ES256",
	PKCEOptional: true, Native: true, FirstParty: true, Internal: true,
	RequireTwoFactors: true, RequireTwoFactorsOf: []string{"staff"}, MinACR: "urn:example:two",
	Orgs: []string{acme}, Kinds: []string{"staff"}, People: []string{ada}, Org: acme,
	Roles:     []storage.ProductRole{{ID: "reader", Name: "Reader", Kinds: []string{"client"}}, {ID: "writer"}},
	PolicyURI: "https://board.example/privacy", TermsURI: "https://board.example/terms",
	Origins: []string{"https://board.example"},
}

func TestClient(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		if _, err := db.Client(t.Context(), board); !errors.Is(err, storage.ErrNotFound) {
			t.Fatalf("a product that isn't there: %v", err)
		}
		c := fullClient
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.PutClient(ctx, c, noon) })
		c.CreatedAt, c.UpdatedAt = noon, noon
		mustEqual(t, must(db.Client(t.Context(), board))(t), &c)

		bare, later := storage.Client{ID: board}, noon.Add(time.Hour)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.PutClient(ctx, bare, later) })
		bare.CreatedAt, bare.UpdatedAt = noon, later
		mustEqual(t, must(db.Client(t.Context(), board))(t), &bare)
	})
}

// Who changes something else doesn't bring a rotated secret back.
func TestClientSettingsLeaveTheSecret(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		later := noon.Add(time.Hour)
		want := fullClient
		stale := fullClient
		stale.Name, stale.SecretHash, stale.OldSecretHash, stale.OldSecretUntil, stale.Scopes = "Board", "stale", "staler", later, []string{"openid"}
		mustRefuse(t, db, storage.ErrNotFound, func(ctx context.Context, tx *storage.Tx) error { return tx.PutClientSettings(ctx, stale, noon) })
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.PutClient(ctx, want, noon) })
		must(db.Client(t.Context(), board))(t) // into the cache
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.PutClientSettings(ctx, stale, later) })
		want.Name, want.Scopes, want.CreatedAt, want.UpdatedAt = "Board", []string{"openid"}, noon, later
		mustEqual(t, must(db.Client(t.Context(), board))(t), &want)
	})
}

func TestClients(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		if all := must(db.Clients(t.Context()))(t); len(all) != 0 {
			t.Fatalf("a new database has %d products", len(all))
		}
		for _, id := range []string{"b", "c", "a"} {
			mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
				return tx.PutClient(ctx, storage.Client{ID: id}, noon)
			})
		}
		var ids []string
		for _, c := range must(db.Clients(t.Context()))(t) {
			ids = append(ids, c.ID)
		}
		mustEqual(t, ids, []string{"a", "b", "c"})
	})
}

func TestDeleteClient(t *testing.T) {
	eachURL(t, func(t *testing.T, db *storage.DB, url string) {
		seed(t, db)
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			return errors.Join(
				tx.InsertGrant(ctx, grant("g", "s")),
				tx.InsertTokens(ctx, refresh("r", "g", "")),
				tx.InsertMachineToken(ctx, machineToken("m", board)),
				tx.PutConsent(ctx, ada, board, "openid", noon),
				tx.InsertAuthRequest(ctx, request("r")),
			)
		})
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.DeleteClient(ctx, board, noon) })
		if _, err := db.Client(t.Context(), board); !errors.Is(err, storage.ErrNotFound) {
			t.Fatalf("the deleted product: %v", err)
		}
		for _, table := range []string{"grants", "tokens", "machine_tokens", "consents", "auth_requests"} {
			if n := count(t, outside(t, url), table); n != 0 {
				t.Errorf("%d rows left in %s", n, table)
			}
		}
		mustRefuse(t, db, storage.ErrNotFound, func(ctx context.Context, tx *storage.Tx) error { return tx.DeleteClient(ctx, board, noon) })
	})
}

// The list that is compared with what an operator declares is never stale,
// even where nobody looks for others' changes.
func TestListsPastTheCache(t *testing.T) {
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			url := storagetest.URL(t, engine)
			here, there := storagetest.Open(t, url, storage.Options{}), storagetest.Open(t, url, storage.Options{})
			seed(t, here)
			must(there.Clients(t.Context()))(t)
			mustWrite(t, here, func(ctx context.Context, tx *storage.Tx) error {
				return errors.Join(tx.PutClient(ctx, storage.Client{ID: "a"}, noon), tx.PutOrg(ctx, storage.Org{ID: "a", Name: "A"}, noon))
			})
			var clients, orgs []string
			for _, c := range must(there.ClientsNow(t.Context()))(t) {
				clients = append(clients, c.ID)
			}
			for _, o := range must(there.OrgsNow(t.Context()))(t) {
				orgs = append(orgs, o.ID)
			}
			mustEqual(t, clients, []string{"a", board})
			mustEqual(t, orgs, []string{"a", acme})
		})
	}
}
