package govern_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

func newProduct() apply.Product {
	entry := apply.NewProduct()
	entry.ID, entry.Name, entry.RedirectURIs = "dashboard", "Dashboard", []string{"https://dashboard.example/callback"}
	return entry
}

func TestCreateProduct(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		made, err := w.CreateProduct(ctx, w.as(otto), newProduct())
		w.must(err)
		stored, err := w.db.Client(ctx, "dashboard")
		w.must(err)
		if made.Secret == "" || stored.SecretHash != storage.Hash(made.Secret) {
			t.Errorf("secret %q, stored %q", made.Secret, stored.SecretHash)
		}
		// What is shown of a product later holds no secret.
		p, err := w.Product(ctx, w.as(otto), "dashboard")
		w.must(err)
		text, err := json.Marshal(p)
		w.must(err)
		if p.SecretHash != "" || strings.Contains(string(text), stored.SecretHash) || !strings.Contains(string(text), `"redirect_uris":["https://dashboard.example/callback"]`) {
			t.Errorf("%s", text)
		}

		// A secret is made here: none can be brought along.
		own := newProduct()
		own.ID, own.SecretHash = "own", apply.Secret(storage.Hash("password"))
		brought, err := w.CreateProduct(ctx, w.as(otto), own)
		w.must(err)
		if c, err := w.db.Client(ctx, "own"); err != nil || c.SecretHash != storage.Hash(brought.Secret) {
			t.Errorf("%v, %v", c, err)
		}
		public := newProduct()
		public.ID, public.AuthMethod = "public", "none"
		if made, err := w.CreateProduct(ctx, w.as(otto), public); err != nil || made.Secret != "" {
			t.Errorf("%q, %v", made.Secret, err)
		}

		_, err = w.CreateProduct(ctx, w.as(otto), newProduct())
		w.mistakes(err, " taken")
		bad := newProduct()
		bad.ID, bad.RedirectURIs, bad.Companies = "bad", []string{"http://dashboard.example/callback"}, []string{"nowhere"}
		_, err = w.CreateProduct(ctx, w.as(otto), bad)
		w.mistakes(err, "companies[0] unknown", "redirect_uris[0] form")
		bad.ID = "sallyport-mine"
		if _, err = w.CreateProduct(ctx, w.as(otto), bad); err == nil {
			t.Error("one of the provider's own ids was taken")
		}
		_, err = w.CreateProduct(ctx, w.as(olga), newProduct())
		w.refused(err, "role")
	})
}

func TestProducts(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		w.write(func(tx *storage.Tx) error {
			return tx.Audit(ctx, storage.Event{At: w.now, Event: "token.issued", Result: storage.OK, ClientID: "board"})
		})
		page, err := w.Products(ctx, w.as(otto), govern.ProductsFilter{})
		w.must(err)
		var ids []string
		for _, p := range page.Products {
			ids = append(ids, p.ID)
		}
		// The provider's own pages aren't anybody's products.
		if !slices.Equal(ids, []string{"board", "sealed"}) || page.Total != 2 {
			t.Errorf("%v of %d", ids, page.Total)
		}
		if !page.Products[0].LastUsedAt.Equal(w.now) || !page.Products[1].LastUsedAt.IsZero() {
			t.Errorf("used %v and %v", page.Products[0].LastUsedAt, page.Products[1].LastUsedAt)
		}
		page, err = w.Products(ctx, w.as(otto), govern.ProductsFilter{Search: "SEAL"})
		w.must(err)
		if len(page.Products) != 1 || page.Products[0].ID != "sealed" {
			t.Errorf("%+v", page)
		}
		_, err = w.Product(ctx, w.as(otto), "sallyport-account")
		w.hidden(err)
		w.hidden(w.DeleteProduct(ctx, w.as(otto), "sallyport-account"))
		_, err = w.Products(ctx, w.as(olga), govern.ProductsFilter{})
		w.refused(err, "role")
		_, err = w.Product(ctx, w.as(olga), "board")
		w.refused(err, "role")
	})
}

func TestChangeProduct(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		w.must(w.GiveRoles(ctx, w.as(adam), "acme", w.user(ana).ID, map[string][]string{"board": {"viewer", "editor"}}))
		entry := apply.NewProduct()
		entry.ID, entry.People, entry.Roles = "board", []string{ana}, apply.Roles{{ID: "viewer"}}
		made, err := w.ChangeProduct(ctx, w.as(otto), entry, "people", "roles")
		w.must(err)
		if made.Secret != "" || made.Name != "Board" || !slices.Equal(made.People, []string{ana}) || made.RolePeople["viewer"] != 1 {
			t.Errorf("%+v", made)
		}
		if got := w.user(ana).Roles["board"]; !slices.Equal(got, []string{"viewer"}) {
			t.Errorf("ana is %v still", got)
		}
		// Whose only person is gone is open to nobody, and says so.
		gone := w.user(ana).ID
		w.must(w.DeletePerson(ctx, w.as(olga), "acme", gone))
		p, err := w.Product(ctx, w.as(otto), "board")
		w.must(err)
		if !slices.Equal(p.People, []string{gone}) {
			t.Errorf("open to %v", p.People)
		}
		// What comes to have a secret gets one.
		entry.AuthMethod = "client_secret_basic"
		made, err = w.ChangeProduct(ctx, w.as(otto), entry, "auth_method")
		w.must(err)
		c, err := w.db.Client(ctx, "board")
		w.must(err)
		if made.Secret == "" || c.SecretHash != storage.Hash(made.Secret) {
			t.Errorf("secret %q", made.Secret)
		}
		// The same again makes no other, and none can be brought along.
		entry.SecretHash = apply.Secret(storage.Hash("password"))
		if made, err = w.ChangeProduct(ctx, w.as(otto), entry, "auth_method", "secret_hash"); err != nil || made.Secret != "" {
			t.Errorf("%q, %v", made.Secret, err)
		}
		if now, err := w.db.Client(ctx, "board"); err != nil || now.SecretHash != c.SecretHash {
			t.Errorf("the secret was changed: %v", err)
		}
		entry.RedirectURIs = nil
		_, err = w.ChangeProduct(ctx, w.as(otto), entry, "redirect_uris")
		w.mistakes(err, "redirect_uris missing")
		entry.ID = "nowhere"
		_, err = w.ChangeProduct(ctx, w.as(otto), entry, "name")
		w.hidden(err)
		_, err = w.ChangeProduct(ctx, w.as(olga), entry, "name")
		w.refused(err, "role")
	})
}

func TestRotateSecret(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		first, err := w.CreateProduct(ctx, w.as(otto), newProduct())
		w.must(err)
		second, err := w.RotateSecret(ctx, w.as(otto), "dashboard", 24*time.Hour)
		w.must(err)
		c, err := w.db.Client(ctx, "dashboard")
		w.must(err)
		if c.SecretHash != storage.Hash(second.Secret) || c.OldSecretHash != storage.Hash(first.Secret) || !second.OldSecretUntil.Equal(w.now.Add(24*time.Hour)) {
			t.Errorf("%+v", second)
		}
		if p, err := w.Product(ctx, w.as(otto), "dashboard"); err != nil || !p.OldSecretUntil.Equal(second.OldSecretUntil) {
			t.Errorf("%v, %v", p.OldSecretUntil, err)
		}
		if _, err := w.RotateSecret(ctx, w.as(otto), "dashboard", 31*24*time.Hour); !errors.Is(err, storage.ErrLongOverlap) {
			t.Errorf("for a month and more: %v", err)
		}
		if _, err := w.RotateSecret(ctx, w.as(otto), "dashboard", -time.Hour); err == nil {
			t.Error("a negative overlap")
		}
		if _, err := w.RotateSecret(ctx, w.as(otto), "board", 0); !errors.Is(err, storage.ErrNoSecret) {
			t.Errorf("without a secret: %v", err)
		}
		third, err := w.RotateSecret(ctx, w.as(otto), "dashboard", 0)
		w.must(err)
		if c, err := w.db.Client(ctx, "dashboard"); err != nil || c.OldSecretHash != "" || !third.OldSecretUntil.IsZero() {
			t.Errorf("%+v, %v", c, err)
		}
		_, err = w.RotateSecret(ctx, w.as(olga), "dashboard", 0)
		w.refused(err, "role")
		_, err = w.RotateSecret(ctx, w.as(otto), "sallyport-account", 0)
		w.hidden(err)
		page, err := w.Audit(ctx, w.as(otto), "", govern.AuditFilter{Event: "product.secret_rotated"})
		w.must(err)
		if len(page.Events) != 2 || page.Events[0].Actor != w.user(otto).ID || page.Events[0].ClientID != "dashboard" {
			t.Errorf("audited %+v", page.Events)
		}
	})
}

// A secret that signs is as long as its algorithm wants, however it is come by:
// a product can't lock itself out by another one.
func TestSecretsThatSignAreLongEnough(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		signs := func(secret string) {
			t.Helper()
			c, err := w.db.Client(ctx, "dashboard")
			w.must(err)
			if len(secret) < 64 || c.Secret != secret || c.AuthSigningAlg != "HS512" {
				t.Errorf("%s with a secret of %d characters; kept: %v", c.AuthSigningAlg, len(secret), c.Secret == secret)
			}
		}
		entry := newProduct()
		entry.AuthMethod, entry.AuthSigningAlg = storage.ClientSecretJWT, "HS512"
		first, err := w.CreateProduct(ctx, w.as(otto), entry)
		w.must(err)
		signs(first.Secret)
		second, err := w.RotateSecret(ctx, w.as(otto), "dashboard", time.Hour)
		w.must(err)
		signs(second.Secret)

		entry.AuthMethod, entry.AuthSigningAlg = storage.ClientSecretBasic, ""
		_, err = w.ChangeProduct(ctx, w.as(otto), entry, "auth_method", "token_endpoint_auth_signing_alg")
		w.must(err)
		entry.AuthMethod, entry.AuthSigningAlg = storage.ClientSecretJWT, "HS512"
		third, err := w.ChangeProduct(ctx, w.as(otto), entry, "auth_method", "token_endpoint_auth_signing_alg")
		w.must(err)
		signs(third.Secret)
	})
}

func TestDeleteProduct(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		w.must(w.GiveRoles(ctx, w.as(adam), "acme", w.user(ana).ID, map[string][]string{"board": {"viewer"}}))
		w.refused(w.DeleteProduct(ctx, w.as(olga), "board"), "role")
		w.must(w.DeleteProduct(ctx, w.as(otto), "board"))
		w.hidden(w.DeleteProduct(ctx, w.as(otto), "board"))
		if roles := w.user(ana).Roles; len(roles) != 0 {
			t.Errorf("ana keeps %v", roles)
		}
	})
}

// A token doesn't become stronger by what it registers, changes or gives a
// secret to.
func TestTokensLendNoMoreThanTheyHave(t *testing.T) {
	each(t, func(w *world) {
		ctx := t.Context()
		strong := apply.NewProduct()
		strong.ID, strong.Name, strong.RedirectURIs, strong.Scopes = "strong", "Strong", []string{"https://strong.example/callback"}, []string{"openid", "keys:write"}
		weak := w.machine("weak", "", "products:write", "people:read")
		_, err := w.CreateProduct(ctx, weak, strong)
		w.refused(err, "scope")
		if _, err := w.db.Client(ctx, "strong"); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("it was registered: %v", err)
		}
		_, err = w.CreateProduct(ctx, w.as(otto), strong)
		w.must(err)
		_, err = w.RotateSecret(ctx, weak, "strong", 0)
		w.refused(err, "scope")
		strong.AuthMethod = "client_secret_post"
		_, err = w.ChangeProduct(ctx, weak, strong, "auth_method")
		w.refused(err, "scope")
		strong.ID, strong.Scopes = "equal", []string{"openid", "people:read"}
		_, err = w.CreateProduct(ctx, weak, strong)
		w.must(err)
		strong.Scopes = []string{"openid", "people:read", "keys:write"}
		_, err = w.ChangeProduct(ctx, weak, strong, "scopes")
		w.refused(err, "scope")
		_, err = w.RotateSecret(ctx, weak, "equal", 0)
		w.must(err)
	})
}
