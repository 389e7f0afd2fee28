package apply_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/storage"
)

// house has people who use two products.
const house = `
companies:
- { id: acme, name: Acme }
- { id: other, name: Other }
people:
- { email: olga@acme.example, company: acme, role: owner }
- { email: ana@acme.example, company: acme, roles: {board: [admin], shop: [buyer]} }
- { email: carl@other.example, company: other, kind: client, roles: {board: [viewer]} }
products:
- { id: board, name: Board, auth_method: none, redirect_uris: [https://board.example/cb], backchannel_logout_uri: https://board.example/logout }
- { id: shop, name: Shop, auth_method: none, redirect_uris: [https://shop.example/cb], backchannel_logout_uri: https://shop.example/logout }
`

func TestDisabledPeopleLoseEverythingAtOnce(t *testing.T) {
	each(t, func(f *fixture) {
		f.apply(house)
		ana, carl := f.sign("ana@acme.example", "board", "shop"), f.sign("carl@other.example", "board")
		if got := f.stands(ana, "board", "shop"); got != "session board shop" {
			t.Fatalf("at first: %q", got)
		}
		f.apply("people: [{email: ana@acme.example, disabled: true}]")
		if got := f.stands(ana, "board", "shop"); got != "" {
			t.Errorf("disabled, and still: %q", got)
		}
		if got := f.stands(carl, "board"); got != "session board" {
			t.Errorf("somebody else: %q", got)
		}
		if got := f.told(); got != "board shop" && got != "shop board" {
			t.Errorf("told: %q", got)
		}
		// Once: a second time there is nothing to end, and enabling ends nothing.
		session := f.sign("ana@acme.example", "board")
		f.apply("people: [{email: ana@acme.example, disabled: true}]")
		f.apply("people: [{email: ana@acme.example, disabled: false}]")
		if got := f.stands(session, "board"); got != "session board" {
			t.Errorf("enabled: %q", got)
		}
		if u := f.user("ana@acme.example"); !u.DisabledAt.IsZero() {
			t.Error("still disabled")
		}
	})
}

func TestWithdrawnAccessEndsAtOnce(t *testing.T) {
	tests := map[string]struct{ yaml, ana, carl, told string }{
		"a product for others":        {"products: [{id: board, companies: [other]}]", "session shop", "session board shop", "board"},
		"a product for nobody yet":    {"products: [{id: board, kinds: [client], companies: [acme]}]", "session shop", "session shop", "board board"},
		"a product for staff":         {"products: [{id: shop, kinds: [staff]}]", "session board shop", "session board", "shop"},
		"a product for both":          {"products: [{id: shop, companies: [acme, other]}]", "session board shop", "session board shop", ""},
		"a person of another kind":    {"products: [{id: shop, kinds: [staff, client]}]\npeople: [{email: ana@acme.example, kind: client}]", "session board shop", "session board shop", ""},
		"both at once":                {"products: [{id: shop, kinds: [staff]}]\npeople: [{email: ana@acme.example, kind: client}, {email: carl@other.example, kind: staff}]", "session board", "session board shop", "shop"},
		"a person of another company": {"people: [{email: ana@acme.example, company: other}]", "", "session board shop", "board shop"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			each(t, func(f *fixture) {
				f.apply(house)
				ana, carl := f.sign("ana@acme.example", "board", "shop"), f.sign("carl@other.example", "board", "shop")
				f.apply(test.yaml)
				if got := f.stands(ana, "board", "shop"); got != test.ana {
					t.Errorf("Ana has %q, want %q", got, test.ana)
				}
				if got := f.stands(carl, "board", "shop"); got != test.carl {
					t.Errorf("Carl has %q, want %q", got, test.carl)
				}
				told := strings.Fields(f.told())
				if len(told) != len(strings.Fields(test.told)) || len(told) > 0 && !strings.Contains(test.told, told[0]) {
					t.Errorf("told %q, want %q", told, test.told)
				}
			})
		})
	}
}

// Who holds something of a product is read only where the product may have
// become closed to them: there may be very many.
func TestOnlyFewerWhoMayUseEndsAnything(t *testing.T) {
	each(t, func(f *fixture) {
		f.apply(house)
		carl := f.sign("carl@other.example", "shop")
		f.write(func(tx *storage.Tx) error {
			c := *f.client("shop") // as no file leaves it: Carl's access would have ended
			c.Kinds = []string{"staff"}
			return tx.PutClient(f.Context(), c, now)
		})
		f.apply("products: [{id: shop, name: Shop 2}]")
		if got := f.stands(carl, "shop"); got != "session shop" {
			t.Errorf("another name: %q", got)
		}
		f.apply("products: [{id: shop, companies: [acme, other]}]")
		if got := f.stands(carl, "shop"); got != "session" {
			t.Errorf("other companies: %q", got)
		}
	})
}

// The joiners that some scripts can't be written without are no disguise.
func TestNamesMayHaveJoiners(t *testing.T) {
	each(t, func(f *fixture) {
		const name = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \u0915\u094d\u200d\u0937"
		f.apply(house + `- {id: names, name: "` + name + `", auth_method: none, redirect_uris: [https://names.example/cb]}` + "\n")
		if c := f.client("names"); c.Name != name {
			t.Errorf("%q", c.Name)
		}
	})
}

func TestAPersonOfAnotherKindLosesProducts(t *testing.T) {
	each(t, func(f *fixture) {
		f.apply(house + "- { id: tools, name: Tools, auth_method: none, redirect_uris: [https://tools.example/cb], kinds: [staff] }\n")
		ana := f.sign("ana@acme.example", "board", "tools")
		f.apply("people: [{email: ana@acme.example, kind: client}]")
		if got := f.stands(ana, "board", "tools"); got != "session board" {
			t.Errorf("%q", got)
		}
	})
}

func TestDelete(t *testing.T) {
	each(t, func(f *fixture) {
		f.apply(house)
		ana := f.sign("ana@acme.example", "board", "shop")
		id := f.user("ana@acme.example").ID
		if out := f.apply("people: [{email: ana@acme.example, delete: true}]"); out != "- person ana@acme.example\n" {
			t.Error(out)
		}
		if _, err := f.db.User(t.Context(), id); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("deleted, and still there: %v", err)
		}
		if got := f.stands(ana, "board", "shop"); got != "" {
			t.Errorf("deleted, and still: %q", got)
		}
		if got := f.told(); len(got) != len("board shop") {
			t.Errorf("told %q", got)
		}
		if got := f.rows("SELECT event, org_id FROM audit WHERE user_id = '" + id + "' ORDER BY event"); got != "person.added|acme|\nperson.deleted|acme|\n" {
			t.Errorf("audit:\n%s", got)
		}
		// Who is gone can go again; a product goes with the roles in it.
		if out := f.apply("people: [{email: ana@acme.example, delete: true}]\nproducts: [{id: board, delete: true}, {id: nothing, delete: true}]"); out != "- product board\n" {
			t.Error(out)
		}
		if _, err := f.db.Client(t.Context(), "board"); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("deleted, and still there: %v", err)
		}
		if roles := f.user("carl@other.example").Roles; len(roles) != 0 {
			t.Errorf("Carl has %v", roles)
		}
	})
}

func TestRolesGoWithTheirProduct(t *testing.T) {
	each(t, func(f *fixture) {
		f.apply(house)
		// Carl is not mentioned, Ana is, with something else.
		out := f.apply("products: [{id: board, delete: true}]\npeople: [{email: ana@acme.example, name: Ana}]")
		if want := "- product board\n~ person ana@acme.example: name Ana, roles board: [admin], shop: [buyer] → shop: [buyer]\n"; out != want {
			t.Errorf("%s, want %s", out, want)
		}
		if roles := f.user("ana@acme.example").Roles; len(roles) != 1 || roles["shop"][0] != "buyer" {
			t.Errorf("Ana has %v", roles)
		}
		if roles := f.user("carl@other.example").Roles; len(roles) != 0 {
			t.Errorf("Carl has %v", roles)
		}
		f.refuse("products: [{id: shop, delete: true}]\npeople: [{email: ana@acme.example, roles: {shop: [buyer]}}]", "people[0].roles.shop is for a product that isn't there")
	})
}

func TestACompanyGoesWhenNobodyNeedsIt(t *testing.T) {
	each(t, func(f *fixture) {
		f.apply(house + "- { id: tools, name: Tools, auth_method: none, redirect_uris: [https://tools.example/cb], companies: [other] }\n")
		f.refuse("companies: [{id: other, delete: true}]",
			"companies[0].delete can't be done while 1 of its people are there; delete them, or move them", "can't be done while product tools names it")
		f.refuse("companies: [{id: other, delete: true}]\npeople: [{email: carl@other.example, delete: true}]\nproducts: [{id: tools, companies: [acme, other]}]",
			`products[0].companies[1] is "other", and there is no such company`)
		f.refuse("companies: [{id: other, delete: true}]\npeople: [{email: bo@other.example, company: other}]", `people[0].company is "other", and there is no such company`)
		out := f.apply("companies: [{id: other, delete: true}]\npeople: [{email: carl@other.example, company: acme}]\nproducts: [{id: tools, delete: true}]")
		if want := "- company other\n- product tools\n~ person carl@other.example: company other → acme\n"; out != want {
			t.Errorf("%s, want %s", out, want)
		}
		if _, err := f.db.Org(t.Context(), "other"); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("still there: %v", err)
		}
	})
}

func TestTheLastOwnerStays(t *testing.T) {
	each(t, func(f *fixture) {
		f.apply(house)
		for name, entry := range map[string]string{
			"a lesser role": "role: administrator", "disabled": "disabled: true", "deleted": "delete: true", "in another company": "company: other",
		} {
			f.Run(name, func(t *testing.T) {
				inner := *f
				inner.T = t
				inner.refuse("people: [{email: olga@acme.example, "+entry+"}]", "people[0] olga@acme.example is the only owner of company acme; make somebody else its owner first")
				inner.refuse("people: [{email: olga@acme.example, "+entry+"}, {email: ana@acme.example, role: owner, disabled: true}]", "is the only owner")
				inner.refuse("people: [{email: olga@acme.example, "+entry+"}, {email: carl@other.example, role: owner}]", "is the only owner")
			})
		}
		// Somebody follows in the same file, be it somebody new.
		f.apply("people: [{email: olga@acme.example, role: member}, {email: ana@acme.example, role: owner}]")
		f.apply("people: [{email: ana@acme.example, delete: true}, {email: bo@acme.example, company: acme, role: owner}]")
		// Two of them may not go at once, but one may.
		f.apply("people: [{email: olga@acme.example, role: owner}]")
		f.refuse("people: [{email: olga@acme.example, role: member}, {email: bo@acme.example, delete: true}]", "people[0] olga@acme.example is the only", "people[1] bo@acme.example is the only")
		f.apply("people: [{email: olga@acme.example, role: member}]")
		// The company goes with its owner.
		f.apply("companies: [{id: acme, delete: true}]\npeople: [{email: bo@acme.example, delete: true}, {email: olga@acme.example, delete: true}]")
	})
}
