package session_test

import (
	"context"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

func TestMain(m *testing.M) { os.Exit(storagetest.Main(m)) }

// A session begins in the transaction that it is given, by the rules of the
// person's company, and needs no second connection for them.
func TestPassOnAPoolOfOne(t *testing.T) {
	for engine, pool := range map[string]string{"sqlite": "", "postgres": "&pool_max_conns=1"} {
		t.Run(engine, func(t *testing.T) {
			db := storagetest.Open(t, storagetest.URL(t, engine)+pool, storage.Options{})
			now := time.UnixMilli(1_700_000_000_000)
			s := &session.Sessions{DB: db, Absolute: 12 * time.Hour, Now: func() time.Time { return now }}
			rules, err := json.Marshal(policy.Rules{SessionAbsolute: 3 * time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			// Whoever waits for a connection that never comes is told so.
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			var opened *session.Opened
			err = db.Write(ctx, func(tx *storage.Tx) (err error) {
				if err := tx.PutOrg(ctx, storage.Org{ID: "acme", Name: "Acme", Rules: rules}, now); err != nil {
					return err
				}
				if err := tx.InsertUser(ctx, storage.User{ID: "ana", OrgID: "acme", Email: "ana@acme.example", Kind: "staff"}, now); err != nil {
					return err
				}
				opened, err = s.Pass(ctx, tx, nil, "ana", policy.Proofs{{Method: policy.Password, At: now}})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			all, err := db.Sessions(ctx, "ana", time.Hour, now)
			if err != nil || len(all) != 1 || all[0].ID != opened.ID || !all[0].ExpiresAt.Equal(now.Add(3*time.Hour)) {
				t.Errorf("%v: %+v", err, all)
			}
		})
	}
}
