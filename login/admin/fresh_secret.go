package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/storage"
)

// A secret that was just made is shown by the page that the answer to the form
// leads to, once. On the way it is kept, sealed and bound to the session, so
// that loading either page again makes no other.

// secretKept is how long a secret waits for its page.
const secretKept = 10 * time.Minute

func secretKind(clientID string) string { return "console_secret:" + clientID }

func boundTo(v *visit) string { return "session:" + v.In.Session.ID }

// makingSecret runs make, which makes a product's secret, unless one made for
// it a moment ago waits to be shown: a form that is sent twice makes one.
func (a *Admin) makingSecret(v *visit, clientID string, make func(context.Context) (govern.Rotated, error)) error {
	return a.Govern.Within(v.Ctx(), func(ctx context.Context, tx *storage.Tx) error {
		if err := tx.HoldUser(ctx, v.In.User.ID); err != nil {
			return err
		}
		_, err := tx.Enrolment(ctx, boundTo(v), secretKind(clientID), a.Now())
		if err == nil || !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		made, err := make(ctx)
		if err != nil {
			return err
		}
		return a.keepSecret(ctx, tx, v, made)
	})
}

// keepSecret keeps a secret for the page that shows it.
func (a *Admin) keepSecret(ctx context.Context, tx *storage.Tx, v *visit, made govern.Rotated) error {
	if made.Secret == "" {
		return nil
	}
	kept, err := json.Marshal(made)
	if err != nil {
		return err
	}
	return tx.PutEnrolment(ctx, storage.Enrolment{
		BoundTo: boundTo(v), Kind: secretKind(made.ClientID), UserID: v.In.User.ID, Secret: kept, ExpiresAt: a.Now().Add(secretKept),
	})
}

// freshSecret is the secret that was made for a product just now, this one
// time; the zero value where none was.
func (a *Admin) freshSecret(v *visit, clientID string) (made govern.Rotated, err error) {
	if v.R.Method != http.MethodGet {
		return made, nil // HEAD: nobody would see it
	}
	kept, err := a.DB.Enrolment(v.Ctx(), boundTo(v), secretKind(clientID), a.Now())
	if errors.Is(err, storage.ErrNotFound) {
		return made, nil
	}
	if err != nil {
		return made, err
	}
	err = a.DB.Write(v.Ctx(), func(tx *storage.Tx) error {
		return tx.SpendEnrolment(v.Ctx(), boundTo(v), secretKind(clientID), v.In.User.ID, a.Now())
	})
	if storage.IsSpent(err) {
		return made, nil // another page shows it
	}
	if err != nil {
		return made, err
	}
	return made, json.Unmarshal(kept.Secret, &made)
}

// overlaps are for how long a secret that is replaced may go on working, as
// the form offers them.
var overlaps = map[string]time.Duration{"0": 0, "24": 24 * time.Hour, "168": 7 * 24 * time.Hour}
