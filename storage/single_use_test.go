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

// A thing of single use is used once however many come for it at once. This is
// what all of Sallyport's promises about codes and tokens rest on.
func TestSingleUse(t *testing.T) {
	const callers = 50
	rounds := 200
	if raced {
		rounds = 40 // `make test` runs the 200 without the detector
	}
	things := []struct {
		name   string
		insert func(ctx context.Context, tx *storage.Tx, id string) error
		spend  func(ctx context.Context, tx *storage.Tx, id string) error
	}{
		{
			"authorization code",
			func(ctx context.Context, tx *storage.Tx, id string) error { return tx.InsertGrant(ctx, grant(id, "s")) },
			func(ctx context.Context, tx *storage.Tx, id string) error {
				got, err := tx.SpendCode(ctx, storage.Hash(id), board, noon)
				if err == nil && got != id {
					err = fmt.Errorf("the code of %s led to %s", id, got)
				}
				return err
			},
		}, {
			"pushed request",
			func(ctx context.Context, tx *storage.Tx, id string) error {
				return tx.InsertPushedRequest(ctx, storage.PushedRequest{Hash: id, ClientID: board, CreatedAt: noon, ExpiresAt: noon.Add(time.Minute)})
			},
			func(ctx context.Context, tx *storage.Tx, id string) error {
				return tx.UsePushedRequest(ctx, id, board, "a sign-in", noon)
			},
		}, {
			"TOTP step",
			func(ctx context.Context, tx *storage.Tx, id string) error {
				return tx.InsertFactor(ctx, storage.Factor{ID: id, UserID: ada, Kind: "totp"}, 10, noon)
			},
			func(ctx context.Context, tx *storage.Tx, id string) error { return tx.SpendStep(ctx, id, 11, noon) },
		}, {
			"backup code",
			func(ctx context.Context, tx *storage.Tx, id string) error {
				return errors.Join(tx.InsertUser(ctx, person(id), noon), tx.ReplaceBackupCodes(ctx, id, []string{"other", id}, noon))
			},
			func(ctx context.Context, tx *storage.Tx, id string) error {
				return tx.SpendBackupCode(ctx, id, id, noon)
			},
		}, {
			"refresh token",
			func(ctx context.Context, tx *storage.Tx, id string) error {
				return errors.Join(tx.InsertGrant(ctx, grant("of "+id, "s")), tx.InsertTokens(ctx, refresh(id, "of "+id, "")))
			},
			func(ctx context.Context, tx *storage.Tx, id string) error { return spendRefresh(id, noon)(ctx, tx) },
		}, {
			"retry of a refresh token",
			func(ctx context.Context, tx *storage.Tx, id string) error {
				return errors.Join(tx.InsertGrant(ctx, grant("of "+id, "s")),
					tx.InsertTokens(ctx, refresh(id, "of "+id, ""), refresh("after "+id, "of "+id, storage.Hash(id))), spendRefresh(id, noon)(ctx, tx))
			},
			func(ctx context.Context, tx *storage.Tx, id string) error {
				_, err := tx.RetryRefreshToken(ctx, storage.Hash(id), noon.Add(2*time.Second))
				return err
			},
		}, {
			"set-up link",
			func(ctx context.Context, tx *storage.Tx, id string) error {
				return errors.Join(tx.InsertUser(ctx, person("of "+id), noon), tx.InsertLink(ctx, link(id, "set-up", "of "+id)))
			},
			func(ctx context.Context, tx *storage.Tx, id string) error { return tx.SpendLink(ctx, id, noon) },
		}, {
			"enrolment",
			func(ctx context.Context, tx *storage.Tx, id string) error {
				return tx.PutEnrolment(ctx, storage.Enrolment{BoundTo: id, Kind: "totp", UserID: ada, ExpiresAt: noon.Add(time.Minute)})
			},
			func(ctx context.Context, tx *storage.Tx, id string) error {
				return tx.SpendEnrolment(ctx, id, "totp", ada, noon)
			},
		}, {
			"answer to an authorization request",
			func(ctx context.Context, tx *storage.Tx, id string) error {
				return tx.InsertAuthRequest(ctx, request(id))
			},
			func(ctx context.Context, tx *storage.Tx, id string) error { return tx.FinishAuthRequest(ctx, id, noon) },
		}, {
			"replacement of a password",
			func(ctx context.Context, tx *storage.Tx, id string) error {
				return tx.InsertUser(ctx, person("pw "+id), noon)
			},
			func(ctx context.Context, tx *storage.Tx, id string) error {
				return tx.SetPasswordHash(ctx, "pw "+id, "", "new", noon)
			},
		}, {
			"renewal of a session",
			func(ctx context.Context, tx *storage.Tx, id string) error { return tx.InsertSession(ctx, browser(id)) },
			func(ctx context.Context, tx *storage.Tx, id string) error {
				return tx.RenewSession(ctx, id, storage.Hash(id), storage.NewSecret(), nil, noon)
			},
		}, {
			"sent code",
			func(ctx context.Context, tx *storage.Tx, id string) error {
				return tx.PutSentCode(ctx, sentCode(id, id, storage.Hash(id)))
			},
			func(ctx context.Context, tx *storage.Tx, id string) error {
				return spendCode(id, storage.Hash(id), noon)(ctx, tx)
			},
		}, {
			"recovery code",
			func(ctx context.Context, tx *storage.Tx, id string) error {
				return errors.Join(tx.InsertUser(ctx, person(id), noon),
					tx.PutRecoveryCode(ctx, storage.RecoveryCode{UserID: id, Hash: id, IssuedBy: ada, CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)}))
			},
			func(ctx context.Context, tx *storage.Tx, id string) error {
				return tx.SpendRecoveryCode(ctx, id, id, noon)
			},
		}, {
			"word of an enrolment",
			func(ctx context.Context, tx *storage.Tx, id string) error {
				return tx.PutEnrolment(ctx, storage.Enrolment{BoundTo: id, Kind: "sms", UserID: ada, WordHash: storage.Hash(id), ExpiresAt: noon.Add(time.Minute)})
			},
			func(ctx context.Context, tx *storage.Tx, id string) error {
				return fill(storage.Hash(id), storage.NewSecret(), noon)(ctx, tx)
			},
		}, {
			"inbound message",
			func(context.Context, *storage.Tx, string) error { return nil },
			func(ctx context.Context, tx *storage.Tx, id string) error { return tx.ReceiveOnce(ctx, id, noon) },
		}, {
			"device code",
			func(ctx context.Context, tx *storage.Tx, id string) error {
				return errors.Join(tx.InsertDeviceCode(ctx, device(id)), tx.AllowDevice(ctx, storage.Hash(id), "grant "+id, noon))
			},
			func(ctx context.Context, tx *storage.Tx, id string) error {
				got, err := tx.RedeemDevice(ctx, storage.Hash(id), board, noon)
				if err == nil && got != "grant "+id {
					err = fmt.Errorf("the device code of %s led to %s", id, got)
				}
				return err
			},
		}, {
			"answer to a device",
			func(ctx context.Context, tx *storage.Tx, id string) error {
				return tx.InsertDeviceCode(ctx, device(id))
			},
			func(ctx context.Context, tx *storage.Tx, id string) error {
				return tx.AllowDevice(ctx, storage.Hash(id), "grant", noon)
			},
		}, {
			"challenge",
			func(ctx context.Context, tx *storage.Tx, id string) error {
				return tx.PutCeremony(ctx, storage.Ceremony{BoundTo: id, Kind: "get", Data: []byte(id), ExpiresAt: noon.Add(time.Minute)})
			},
			func(ctx context.Context, tx *storage.Tx, id string) error {
				c, err := tx.SpendCeremony(ctx, id, "get", noon)
				if err == nil && string(c.Data) != id {
					err = fmt.Errorf("the challenge of %s was %s", id, c.Data)
				}
				return err
			},
		}, {
			"quota of one",
			func(context.Context, *storage.Tx, string) error { return nil },
			func(ctx context.Context, tx *storage.Tx, id string) error {
				err := take(noon, storage.Quota{ID: id, Max: 1, Window: time.Hour})(ctx, tx)
				if _, full := errors.AsType[*storage.QuotaError](err); full {
					return storage.ErrSpent
				}
				return err
			},
		},
	}
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		for _, thing := range things {
			t.Run(thing.name, func(t *testing.T) {
				ids := make([]string, rounds)
				mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
					for i := range ids {
						ids[i] = fmt.Sprintf("%s %d", thing.name, i)
						if err := thing.insert(ctx, tx, ids[i]); err != nil {
							return err
						}
					}
					return nil
				})
				for round, id := range ids {
					done := 0
					for _, err := range atOnce(callers, func(int) error {
						return write(t, db, func(ctx context.Context, tx *storage.Tx) error { return thing.spend(ctx, tx, id) })
					}) {
						switch {
						case err == nil:
							done++
						case !errors.Is(err, storage.ErrSpent):
							t.Fatal(err)
						}
					}
					if done != 1 {
						t.Fatalf("round %d: %d of %d callers had it", round, done, callers)
					}
				}
			})
		}
	})
}
