package govern

import (
	"errors"
	"strings"
	"testing"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// The whole of who may do what: in their own company and in another one, by
// role. yes; fresh: with a second factor proved just now; no: refused; -: not
// told that there is such a thing. A person in the console has all scopes.
const whoMay = `
                                                own company                                  another company
action                                          operator owner administrator member machine | operator owner administrator member machine
see people                                      yes      yes   yes           no     yes     | yes      -     -             -      -
change people                                   yes      yes   yes           no     yes     | yes      -     -             -      -
change somebody's role                          fresh    fresh no            no     no      | fresh    -     -             -      -
change somebody's address                       fresh    fresh fresh         no     no      | fresh    -     -             -      -
turn off or reset somebody's second factors     fresh    fresh fresh         no     no      | fresh    -     -             -      -
issue a recovery code                           no       fresh no            no     no      | no       -     -             -      -
allow changes after This wasn't me              fresh    fresh fresh         no     no      | fresh    -     -             -      -
see requirements                                yes      yes   yes           no     yes     | yes      -     -             -      -
change requirements                             yes      yes   yes           no     no      | yes      -     -             -      -
see the company's products                      yes      yes   yes           no     yes     | yes      -     -             -      -
see API clients                                 yes      yes   yes           no     yes     | yes      -     -             -      -
change API clients                              fresh    fresh no            no     no      | fresh    -     -             -      -
see the audit                                   yes      yes   yes           no     yes     | yes      -     -             -      -
`

// With the instance itself, which nobody's company is.
const whoMayWithTheInstance = `
action                                          operator owner administrator member machine operator-machine
see companies                                   yes      no    no            no     no      yes
change companies                                yes      no    no            no     no      yes
see all products                                yes      no    no            no     no      yes
change products                                 yes      no    no            no     no      yes
see keys                                        yes      no    no            no     no      yes
change keys                                     fresh    no    no            no     no      yes
see what is on its way                          yes      no    no            no     no      yes
change what is on its way                       yes      no    no            no     no      yes
see the whole audit                             yes      no    no            no     no      yes
`

// actors have all that they could have; the operator is a member of acme.
var actors = map[string]Actor{
	"operator":         {UserID: "olaf", OrgID: "acme", role: policy.Member, operator: true, Unlimited: true, Vouches: true},
	"owner":            {UserID: "olga", OrgID: "acme", role: policy.Owner, Unlimited: true, Vouches: true},
	"administrator":    {UserID: "adam", OrgID: "acme", role: policy.Administrator, Unlimited: true, Vouches: true},
	"member":           {UserID: "mia", OrgID: "acme", role: policy.Member, Unlimited: true, Vouches: true},
	"machine":          {ClientID: "robot", OrgID: "acme", role: policy.Administrator, Unlimited: true},
	"operator-machine": {ClientID: "crane", role: policy.Administrator, operator: true, Unlimited: true},
}

func answer(err error) string {
	_, refused := errors.AsType[*Refused](err)
	switch {
	case err == nil:
		return "yes"
	case errors.Is(err, storage.ErrNotFound):
		return "-"
	case refused:
		return "no"
	case errors.Is(err, ErrNotFresh):
		return "not fresh"
	}
	return err.Error()
}

func TestWhoMayDoWhat(t *testing.T) {
	said := make(map[Action]bool)
	for table, orgs := range map[string][]string{whoMay: {"acme", "globex"}, whoMayWithTheInstance: {""}} {
		lines := strings.Split(strings.TrimSpace(table), "\n")
		if len(orgs) == 2 {
			lines = lines[1:]
		}
		roles := strings.Fields(strings.ReplaceAll(lines[0][len("action"):], "|", " "))
		roles = roles[:len(roles)/len(orgs)]
		for _, line := range lines[1:] {
			do := Action(strings.TrimSpace(line[:48]))
			said[do] = true
			if _, known := rights[do]; !known {
				t.Errorf("%s: no such action", do)
				continue
			}
			cells := strings.Fields(strings.ReplaceAll(line[48:], "|", " "))
			for i, want := range cells {
				role, org := roles[i%len(roles)], orgs[i/len(roles)]
				fresh := actors[role]
				stale := fresh
				stale.Vouches = false
				got := answer(fresh.may(do, org))
				switch want {
				case "fresh":
					if got != "yes" || answer(stale.may(do, org)) != "not fresh" {
						t.Errorf("%s %q in %q: %s, and without a fresh second factor %s", role, do, org, got, answer(stale.may(do, org)))
					}
				default:
					if got != want {
						t.Errorf("%s %q in %q: %s, want %s", role, do, org, got, want)
					}
					if again := answer(stale.may(do, org)); want == "yes" && again != "yes" {
						t.Errorf("%s %q in %q without a fresh second factor: %s", role, do, org, again)
					}
				}
			}
		}
	}
	for do := range rights {
		if !said[do] {
			t.Errorf("no row says who may %s", do)
		}
	}
}

// Who said "This wasn't me" may go on with all but what changes how others sign
// in: it may be somebody else who is signed in as them.
func TestWhoIsLockedVouchesForNobody(t *testing.T) {
	for do, r := range rights {
		for name, actor := range actors {
			for _, org := range []string{"acme", ""} {
				was := answer(actor.may(do, org))
				locked := actor
				locked.locked = true
				want := was
				if was == "yes" && (r.vouch || do == ChangeRules) {
					want = "no"
				}
				if got := answer(locked.may(do, org)); got != want {
					t.Errorf("%s %q in %q: %s, and with changes locked %s", name, do, org, was, got)
				}
			}
		}
	}
	olga := actors["owner"]
	olga.locked, olga.Vouches = true, false
	if refused, ok := errors.AsType[*Refused](olga.may(IssueRecovery, "acme")); !ok || refused.Code != "locked" {
		t.Error("they are asked for a second factor, which leads nowhere")
	}
}

// A token does no more than its scope says, whoever holds it.
func TestScopesLimit(t *testing.T) {
	for do, r := range rights {
		for name, actor := range actors {
			for _, org := range []string{"acme", ""} {
				if answer(actor.may(do, org)) != "yes" {
					continue
				}
				actor.Unlimited, actor.Scopes = false, []string{"openid", "people:nothing"}
				refused, ok := errors.AsType[*Refused](actor.may(do, org))
				if !ok || refused.Code != "scope" || refused.Scope != r.scope {
					t.Errorf("%s without scope may %s: %v", name, do, actor.may(do, org))
				}
				if actor.Scopes = []string{r.scope}; answer(actor.may(do, org)) != "yes" {
					t.Errorf("%s with %s may not %s: %v", name, r.scope, do, actor.may(do, org))
				}
				actor.Unlimited = true
			}
		}
	}
}

// Whom one may do it to, of one's own company.
func TestWhomOneMayDoItTo(t *testing.T) {
	person := func(id, role string, operator bool) *storage.User {
		return &storage.User{ID: id, OrgID: "acme", Role: role, Operator: operator}
	}
	for _, tt := range []struct {
		who  string
		do   Action
		whom *storage.User
		want string
	}{
		{"owner", ChangePeople, person("x", policy.Owner, false), ""},
		{"owner", ChangeFactors, person("x", policy.Owner, false), ""},
		{"owner", ChangeFactors, person("olga", policy.Owner, false), ""},
		{"owner", IssueRecovery, person("olga", policy.Owner, false), "self"},
		{"owner", ChangeRole, person("olga", policy.Owner, false), "self"},
		{"owner", ChangeAddress, person("olga", policy.Owner, false), "self"},
		{"owner", AllowChanges, person("olga", policy.Owner, false), "self"},
		{"owner", AllowChanges, person("x", policy.Owner, false), ""},
		{"administrator", AllowChanges, person("x", policy.Member, false), ""},
		{"administrator", AllowChanges, person("x", policy.Administrator, false), "person_role"},
		{"owner", ChangeFactors, person("x", policy.Member, true), "operator"},
		{"owner", ChangePeople, person("x", policy.Member, true), "operator"},
		{"administrator", ChangePeople, person("x", policy.Member, false), ""},
		{"administrator", ChangeFactors, person("x", policy.Member, false), ""},
		{"administrator", ChangePeople, person("x", policy.Administrator, false), "person_role"},
		{"administrator", ChangeFactors, person("x", policy.Owner, false), "person_role"},
		{"administrator", ChangeAddress, person("x", policy.Owner, false), "person_role"},
		{"administrator", ChangePeople, person("adam", policy.Administrator, false), ""},
		{"administrator", ChangeAddress, person("adam", policy.Administrator, false), "self"},
		{"machine", ChangePeople, person("x", policy.Administrator, false), "person_role"},
		{"machine", ChangePeople, person("x", policy.Member, false), ""},
		{"operator", ChangeFactors, person("x", policy.Owner, false), ""},
		{"operator", ChangePeople, person("x", policy.Owner, true), ""},
		{"operator", ChangeAddress, person("olaf", policy.Member, true), "self"},
	} {
		err := actors[tt.who].mayTo(tt.do, tt.whom)
		refused, _ := errors.AsType[*Refused](err)
		if got := refused; tt.want == "" && err != nil || tt.want != "" && (got == nil || got.Code != tt.want) {
			t.Errorf("%s may %s to %s %s: %v, want %q", tt.who, tt.do, tt.whom.Role, tt.whom.ID, err, tt.want)
		}
	}
}
