package apply_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

const twoOwners = `
companies: [{id: acme, name: Acme}]
people:
- {email: ana@acme.example, company: acme, role: owner}
- {email: bo@acme.example, company: acme, role: owner}
`

// during runs change in a transaction, starts meanwhile before it commits, and
// lets it commit once meanwhile has ended or waits for it. It returns what
// became of both.
func during(f *fixture, change func(*storage.Tx) error, meanwhile func() error) (changed, other error) {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), time.Minute)
	defer cancel()
	look, err := sql.Open("pgx", f.url)
	if err != nil {
		f.Fatal(err)
	}
	defer look.Close()
	ended := make(chan error, 1)
	changed = f.db.Write(ctx, func(tx *storage.Tx) error {
		if err := change(tx); err != nil {
			return err
		}
		go func() { ended <- meanwhile() }()
		for {
			var waiting bool
			if err := look.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&waiting); err != nil || waiting {
				return err
			}
			select {
			case err := <-ended:
				ended <- err
				return nil
			default:
			}
		}
	})
	return changed, <-ended
}

// What somebody else changes of a person while a file is applied is not undone.
func TestApplyUndoesNothing(t *testing.T) {
	f := fixtureOf(t, "postgres")
	f.apply(twoOwners)
	ana := f.user("ana@acme.example")
	changed, applied := during(f, func(tx *storage.Tx) error {
		return tx.SetPhone(t.Context(), ana.ID, "+41791234567", now)
	}, func() error {
		_, err := f.try("people: [{email: ana@acme.example, kind: client}]")
		return err
	})
	if changed != nil || applied != nil {
		t.Fatal(changed, applied)
	}
	if u := f.user("ana@acme.example"); u.Phone != "+41791234567" || u.Kind != "client" {
		t.Errorf("phone %q, kind %s", u.Phone, u.Kind)
	}
}

// Nor is what somebody else changes of a product.
func TestApplyUndoesNothingOfProducts(t *testing.T) {
	f := fixtureOf(t, "postgres")
	f.apply(product())
	file, err := apply.Parse(strings.NewReader("products: [{id: board, redirect_uris: [https://elsewhere.example/cb]}]"), "setup.yaml")
	if err != nil {
		t.Fatal(err)
	}
	first, second := during(f, func(tx *storage.Tx) error {
		_, err := apply.In(t.Context(), tx, file, f.opts)
		return err
	}, func() error {
		_, err := f.try("products: [{id: board, name: Noticeboard}]")
		return err
	})
	if first != nil || second != nil {
		t.Fatal(first, second)
	}
	if c := f.client("board"); c.Name != "Noticeboard" || c.RedirectURIs[0] != "https://elsewhere.example/cb" {
		t.Errorf("%s, %v", c.Name, c.RedirectURIs)
	}
}

// Two who each make one of two owners a member at the same moment don't leave
// the company without one.
func TestApplyLeavesAnOwner(t *testing.T) {
	f := fixtureOf(t, "postgres")
	f.apply(twoOwners)
	demote := func(email string) *apply.File {
		file, err := apply.Parse(strings.NewReader("people: [{email: "+email+", role: member}]"), "setup.yaml")
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	first, second := during(f, func(tx *storage.Tx) error {
		_, err := apply.In(t.Context(), tx, demote("ana@acme.example"), f.opts)
		return err
	}, func() error {
		_, err := apply.Apply(t.Context(), f.db, demote("bo@acme.example"), f.opts)
		return err
	})
	problems, refused := errors.AsType[*apply.Problems](second)
	if first != nil || !refused || problems.List[0].Code != apply.CodeLastOwner {
		t.Fatalf("first: %v, second: %v", first, second)
	}
	if bo := f.user("bo@acme.example"); bo.Role != "owner" {
		t.Errorf("Bo is %s", bo.Role)
	}
}

// Roles that go with a product's are taken from people as they are then.
func TestDroppedRolesUndoNothing(t *testing.T) {
	f := fixtureOf(t, "postgres")
	f.apply(twoOwners + `
- {email: eva@acme.example, company: acme, roles: {board: [editor]}}
products: [{id: board, name: Board, auth_method: none, redirect_uris: ["https://board.example/cb"]}]`)
	eva := f.user("eva@acme.example")
	changed, applied := during(f, func(tx *storage.Tx) error {
		return tx.SetPhone(t.Context(), eva.ID, "+41791234567", now)
	}, func() error {
		_, err := f.try("products: [{id: board, delete: true}]")
		return err
	})
	if changed != nil || applied != nil {
		t.Fatal(changed, applied)
	}
	if u := f.user("eva@acme.example"); u.Phone != "+41791234567" || len(u.Roles) != 0 {
		t.Errorf("phone %q, roles %v", u.Phone, u.Roles)
	}
}

// Who names the same people in another order doesn't wait in a circle.
func TestApplyInAnyOrder(t *testing.T) {
	f := fixtureOf(t, "postgres")
	f.apply(twoOwners)
	files := []string{
		"companies: [{id: acme, name: %}]\npeople: [{email: ana@acme.example, name: %}, {email: bo@acme.example, name: %}]",
		"people: [{email: bo@acme.example, name: %}, {email: ana@acme.example, name: %}]\ncompanies: [{id: acme, name: %}]",
	}
	errs := make(chan error)
	for i, text := range files {
		go func() {
			var all error
			for n := range 20 {
				_, err := f.try(strings.ReplaceAll(text, "%", string(rune('a'+i))+string(rune('a'+n))))
				all = errors.Join(all, err)
			}
			errs <- all
		}()
	}
	for range files {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

// The audit says who did it and from where.
func TestApplyAuditsItsOrigin(t *testing.T) {
	for _, engine := range storagetest.Engines {
		t.Run(engine, func(t *testing.T) {
			f := fixtureOf(t, engine)
			f.opts.Event = storage.Event{Actor: "root", ClientID: "sallyport-console", IP: "192.0.2.1", RequestID: "r1", Event: "x", UserID: "y", OrgID: "z"}
			f.apply(`
companies: [{id: acme, name: Acme}]
people: [{email: ana@acme.example, company: acme, operator: true, set_up_link: true}]
products: [{id: board, name: Board, auth_method: none, redirect_uris: ["https://board.example/cb"]}]`)
			ana := f.user("ana@acme.example")
			if !ana.Operator {
				t.Error("Ana is no operator")
			}
			got := f.rows("SELECT event, org_id, user_id, actor, client_id, ip, request_id FROM audit ORDER BY event")
			want := strings.ReplaceAll(`company.added|acme||root|sallyport-console|192.0.2.1|r1|
link.made|acme|ANA|root|sallyport-console|192.0.2.1|r1|
person.added|acme|ANA|root|sallyport-console|192.0.2.1|r1|
product.added|||root|board|192.0.2.1|r1|
`, "ANA", ana.ID)
			if got != want {
				t.Errorf("%s\nwant\n%s", got, want)
			}
			if out := f.apply("people: [{email: ana@acme.example, operator: false}]"); !strings.Contains(out, "operator true → false") || f.user("ana@acme.example").Operator {
				t.Error(out)
			}
		})
	}
}

// Pages word a problem by its code and field.
func TestProblemsHaveCodes(t *testing.T) {
	f := fixtureOf(t, "sqlite")
	f.apply(twoOwners)
	for text, want := range map[string]string{
		"people: [{email: eva@acme.example}]":                                                                      "missing company",
		"people: [{email: eva@acme.example, company: nowhere}]":                                                    "unknown company",
		"people: [{email: eva, company: acme}]":                                                                    "form email",
		"people: [{email: eva@acme.example, company: acme, role: emperor}]":                                        "not_allowed role",
		"people: [{email: eva@acme.example, company: acme, nmae: Eva}]":                                            "unknown nmae",
		"people: [{email: eva@acme.example, company: acme, phone: '1'}]":                                           "form phone",
		"people: [{email: eva@acme.example, company: acme, phone_verified: true}]":                                 "conflict phone_verified",
		"people: [{email: eva@acme.example, company: acme, name: " + strings.Repeat("a", 501) + "}]":               "too_long name",
		"people: [{email: eva@acme.example, company: acme}, {email: EVA@acme.example, company: acme}]":             "twice email",
		"people: [{email: eva@acme.example, company: acme, address: {country: " + strings.Repeat("a", 501) + "}}]": "too_long address.country",
		"companies: [{id: acme, delete: true}]":                                                                    "in_use delete",
		"people: [{email: ana@acme.example, role: member}, {email: bo@acme.example, delete: true}]":                "last_owner ",
	} {
		_, err := f.try(text)
		problems, ok := errors.AsType[*apply.Problems](err)
		if !ok {
			t.Errorf("%.80s: %v", text, err)
			continue
		}
		if p := problems.List[0]; string(p.Code)+" "+p.Field != want {
			t.Errorf("%.80s: %s %s, want %s", text, p.Code, p.Field, want)
		}
	}
	f.opts.OnlyNew = true
	if _, err := f.try("people: [{email: ana@acme.example, company: acme}]"); err == nil || err.(*apply.Problems).List[0].Code != apply.CodeTaken {
		t.Error(err)
	}
}

// What somebody changes of a product isn't undone by what it forgets of another
// that goes at this moment.
func TestForgettingUndoesNothing(t *testing.T) {
	f := fixtureOf(t, "postgres")
	f.apply(relying)
	parse := func(text string) *apply.File {
		t.Helper()
		file, err := apply.Parse(strings.NewReader(text), "setup.yaml")
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	renamed, gone := parse("products: [{id: bank, name: Bank of Acme}]"), parse("products: [{id: orders, delete: true}]")
	changed, other := during(f, func(tx *storage.Tx) error {
		_, err := apply.In(t.Context(), tx, renamed, f.opts)
		return err
	}, func() error {
		_, err := apply.Apply(t.Context(), f.db, gone, f.opts)
		return err
	})
	if changed != nil || other != nil {
		t.Fatalf("%v, %v", changed, other)
	}
	if c := f.client("bank"); c.Name != "Bank of Acme" || len(c.Resources) > 0 || len(c.Exchange.Impersonate) > 0 {
		t.Errorf("%s %v %v", c.Name, c.Resources, c.Exchange)
	}
}
