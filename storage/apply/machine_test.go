package apply_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// machine is a sound API client of Acme's with another line.
func machine(lines ...string) string {
	return "companies: [{id: acme, name: Acme}]\nproducts:\n- id: import\n  name: Import\n  company: acme\n  secret_hash: " + storage.Hash("s") +
		"\n  grant_types: [client_credentials]\n  scopes: ['people:read', 'people:write']\n  " + strings.Join(lines, "\n  ") + "\n"
}

func TestMachine(t *testing.T) {
	each(t, func(f *fixture) {
		f.apply(machine())
		c := f.client("import")
		if c.Org != "acme" || !slices.Equal(c.Scopes, []string{"people:read", "people:write"}) || len(c.RedirectURIs) != 0 || !slices.Equal(c.GrantTypes, []string{"client_credentials"}) {
			t.Errorf("%+v", c)
		}
		if out := f.apply(machine()); out != "Nothing to change.\n" {
			t.Error(out)
		}
		if got := f.rows("SELECT org_id FROM audit WHERE event = 'api_client.added'"); got != "acme|\n" {
			t.Errorf("audit of %q", got)
		}
		// One of the operator's, which is given no scope of people's unasked.
		f.apply("products: [{id: ops, name: Ops, secret_hash: " + storage.Hash("s") + ", grant_types: [client_credentials]}]")
		if c := f.client("ops"); c.Org != "" || len(c.Scopes) != 0 {
			t.Errorf("%+v", c)
		}
		// What people sign in to may act for itself as well.
		f.apply(product("grant_types: [authorization_code, client_credentials]", "scopes: [openid, 'keys:read']"))
	})
}

func TestMachineMistakes(t *testing.T) {
	for name, test := range map[string]struct{ yaml, want string }{
		"public":           {"products: [{id: p, name: P, auth_method: none, grant_types: [client_credentials]}]", "products[0].grant_types has client_credentials though auth_method is none; give it a secret"},
		"no secret":        {"products: [{id: p, name: P, grant_types: [client_credentials]}]", "products[0].secret_hash is missing"},
		"people's scope":   {strings.Replace(machine(), "'people:write'", "openid", 1), `products[0].scopes[1] is "openid", which is for people; leave it out`},
		"operator's scope": {strings.Replace(machine(), "people:write", "companies:read", 1), `products[0].scopes[1] is "companies:read", which is the operator's`},
		"operator's keys":  {strings.Replace(machine(), "people:write", "keys:write", 1), `"keys:write", which is the operator's`},
		"operator's mail":  {strings.Replace(machine(), "people:write", "delivery:read", 1), `"delivery:read", which is the operator's`},
		"redirects":        {machine("redirect_uris: [https://import.example/cb]"), "products[0].redirect_uris is set though nobody signs in"},
		"refreshing":       {strings.Replace(machine(), "[client_credentials]", "[client_credentials, refresh_token]", 1), "grant_types has no authorization_code"},
		"which company":    {strings.Replace(machine(), "company: acme", "company: nowhere", 1), `products[0].company is "nowhere", and there is no such company`},
		"company of none":  {"companies: [{id: acme, name: Acme}]\n" + product("company: acme"), "products[0].company is set though the product never acts for itself; add client_credentials"},
		"a colon unquoted": {"products: [{id: p, scopes: [people:read]}]", "scopes[0] is no single value; write one value, in quotes where it has a colon"},
		"role id":          {product("roles: [{id: a b}]"), `products[0].roles[0].id is "a b"; write up to 64 letters`},
		"role without id":  {product("roles: [{name: Reader}]"), "products[0].roles[0].id is missing"},
		"role twice":       {product("roles: [{id: a}, {id: a}]"), `products[0].roles[1].id is "a" again; write it once`},
		"role's kind":      {product("roles: [{id: a, kinds: [guest]}]"), `products[0].roles[0].kinds[0] is "guest"; write staff or client`},
		"role's name":      {product(`roles: [{id: a, name: "A\a"}]`), "products[0].roles[0].name has control characters"},
		"people: address":  {product("people: [ana]"), `products[0].people[0] is "ana"; write an e-mail address`},
		"people: who":      {product("people: [ana@acme.example]"), `products[0].people[0] is "ana@acme.example", and there is no such person; add them to people`},
		"people: twice":    {product("people: [ana@acme.example, ANA@acme.example]"), `products[0].people[1] is "ANA@acme.example" again`},
	} {
		t.Run(name, func(t *testing.T) { fixtureOf(t, "sqlite").refuse(test.yaml, test.want) })
	}
}

func TestACompanyStaysWhileAMachineActsForIt(t *testing.T) {
	each(t, func(f *fixture) {
		f.apply(machine())
		f.refuse("companies: [{id: acme, delete: true}]", "companies[0].delete can't be done while product import acts for it; delete that product as well")
		f.apply("companies: [{id: acme, delete: true}]\nproducts: [{id: import, delete: true}]")
	})
}

func TestPeopleOfAProduct(t *testing.T) {
	each(t, func(f *fixture) {
		f.apply(house)
		ana, carl := f.sign("ana@acme.example", "board", "shop"), f.sign("carl@other.example", "board", "shop")
		// One who is there, in other letters, and one of the same file.
		const some = "products: [{id: board, people: [bo@acme.example, ANA@acme.example]}]\npeople: [{email: bo@acme.example, company: acme}]"
		if out, want := f.apply(some), "~ product board: people [ana@acme.example, bo@acme.example]\n+ person bo@acme.example\n"; out != want {
			t.Errorf("%s, want %s", out, want)
		}
		if got, want := f.client("board").People, []string{f.user("bo@acme.example").ID, f.user("ana@acme.example").ID}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		if got := f.stands(ana, "board", "shop"); got != "session board shop" {
			t.Errorf("Ana has %q", got)
		}
		if got := f.stands(carl, "board", "shop"); got != "session shop" {
			t.Errorf("Carl has %q", got)
		}
		if got := f.told(); got != "board" {
			t.Errorf("told %q", got)
		}
		if out := f.apply(some); out != "Nothing to change.\n" {
			t.Errorf("a second time: %s", out)
		}
		if out := f.apply("products: [{id: board, people: [ana@acme.example, bo@acme.example]}]"); out != "Nothing to change.\n" {
			t.Errorf("in another order: %s", out)
		}
		if got := f.rows("SELECT reason FROM audit WHERE event = 'product.changed'"); got != "people|\n" {
			t.Errorf("the audit names people: %s", got)
		}
		// Who goes leaves the product closed; who isn't mentioned stays.
		f.refuse("products: [{id: board, people: [bo@acme.example]}]\npeople: [{email: bo@acme.example, delete: true}]", "and there is no such person")
		f.apply("people: [{email: bo@acme.example, delete: true}, {email: ana@acme.example, delete: true}]")
		f.apply("products: [{id: board, name: Board of Acme}]")
		if got := f.client("board").People; len(got) != 2 {
			t.Errorf("open to everybody: %v", got)
		}
		if out := f.apply("products: [{id: board, people: []}]"); !strings.HasPrefix(out, "~ product board: people ") || !strings.HasSuffix(out, " removed\n") {
			t.Error(out)
		}
		if got := f.client("board").People; len(got) != 0 {
			t.Errorf("%v", got)
		}
	})
}

func TestDefinedRoles(t *testing.T) {
	each(t, func(f *fixture) {
		f.apply(house)
		const two = "products: [{id: board, roles: [{id: admin, name: Board admin}, {id: viewer, kinds: [staff, client]}]}]\n"
		if out, want := f.apply(two), "~ product board: roles admin (Board admin), viewer (staff, client)\n"; out != want {
			t.Errorf("%s, want %s", out, want)
		}
		if out := f.apply(two); out != "Nothing to change.\n" {
			t.Errorf("a second time: %s", out)
		}
		f.refuse("people: [{email: carl@other.example, roles: {board: [viewer, boss], shop: [boss]}}]",
			`people[0].roles.board[1] is "boss", which the product doesn't define; write admin or viewer`)
		// A name alone is a change, and takes no role away.
		out := f.apply("products: [{id: board, roles: [{id: admin}, {id: viewer, kinds: [staff, client]}]}]")
		if want := "~ product board: roles admin (Board admin), viewer (staff, client) → admin, viewer (staff, client)\n"; out != want {
			t.Errorf("%s, want %s", out, want)
		}
		// A role that goes goes from those who have it, and the report says so; other products' stay.
		const one = "products: [{id: board, roles: [{id: viewer}]}]\n"
		f.refuse(one+"people: [{email: ana@acme.example, roles: {board: [admin], shop: [buyer]}}]", `roles.board[0] is "admin", which the product doesn't define; write viewer`)
		out = f.apply(one)
		if want := "~ product board: roles admin, viewer (staff, client) → viewer\n~ person ana@acme.example: roles board: [admin], shop: [buyer] → shop: [buyer]\n"; out != want {
			t.Errorf("%s, want %s", out, want)
		}
		if roles := f.user("ana@acme.example").Roles; len(roles["board"]) != 0 || !slices.Equal(roles["shop"], []string{"buyer"}) {
			t.Errorf("Ana has %v", roles)
		}
		if roles := f.user("carl@other.example").Roles; !slices.Equal(roles["board"], []string{"viewer"}) {
			t.Errorf("Carl has %v", roles)
		}
		if got := f.rows("SELECT event, org_id, reason FROM audit WHERE reason LIKE 'roles board%'"); got != "person.roles_changed|acme|roles board: [admin], shop: [buyer] → shop: [buyer]|\n" {
			t.Errorf("audit:\n%s", got)
		}
		// Who has an empty list of roles there has nothing to lose.
		f.apply("people: [{email: ana@acme.example, roles: {board: [], shop: [buyer]}}]")
		if out := f.apply("products: [{id: board, roles: [{id: viewer, name: Viewer}]}]"); out != "~ product board: roles viewer → viewer (Viewer)\n" {
			t.Error(out)
		}
		// Somebody who changes for another reason loses theirs in the same step.
		out = f.apply("products: [{id: board, roles: [{id: admin}]}]\npeople: [{email: carl@other.example, name: Carl}]")
		if !strings.Contains(out, "~ person carl@other.example: name Carl, roles board: [viewer] removed\n") {
			t.Error(out)
		}
		// None defined: any role again.
		f.apply("products: [{id: board, roles: []}]\npeople: [{email: carl@other.example, roles: {board: [boss]}}]")
	})
}

// A new secret ends the one before, whatever was promised it, and what was
// fetched by it; other changes leave both alone.
func TestASecretInAFileEndsTheOverlap(t *testing.T) {
	each(t, func(f *fixture) {
		f.apply(machine())
		until := now.Add(time.Hour)
		err := f.db.Write(t.Context(), func(tx *storage.Tx) error {
			if err := tx.RotateSecret(t.Context(), "import", "t", until, now); err != nil {
				return err
			}
			return tx.InsertMachineToken(t.Context(), storage.MachineToken{Hash: "h", Kind: storage.AccessToken, ClientID: "import", CreatedAt: now, ExpiresAt: until})
		})
		if err != nil {
			t.Fatal(err)
		}
		f.apply("products: [{id: import, name: Import of people}]")
		if c := f.client("import"); c.OldSecretHash != storage.Hash("s") || !c.OldSecretUntil.Equal(until) {
			t.Errorf("%+v", c)
		}
		if _, err := f.db.MachineToken(t.Context(), storage.AccessToken, "h", now); err != nil {
			t.Error(err)
		}
		p := apply.NewProduct()
		p.ID, p.SecretHash = "import", apply.Secret(storage.Hash("u"))
		if _, err := apply.Apply(t.Context(), f.db, &apply.File{Products: []apply.Product{p.Only("secret_hash")}}, f.opts); err != nil {
			t.Fatal(err)
		}
		if c := f.client("import"); c.SecretHash != storage.Hash("u") || c.OldSecretHash != "" || !c.OldSecretUntil.IsZero() {
			t.Errorf("%+v", c)
		}
		if _, err := f.db.MachineToken(t.Context(), storage.AccessToken, "h", now); err == nil {
			t.Error("a token by the old secret lives")
		}
	})
}
