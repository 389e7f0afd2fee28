package govern_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

func required() policy.Requirement { return policy.Requirement{Mode: policy.Required} }

func prefixes(all ...string) (ps []netip.Prefix) {
	for _, p := range all {
		ps = append(ps, netip.MustParsePrefix(p))
	}
	return ps
}

// rules are those of Acme as they are now.
func (w *world) rules() govern.RulesView {
	w.t.Helper()
	v, err := w.Rules(w.t.Context(), w.as("olga@acme.example"), "acme")
	w.must(err)
	return v
}

// pending is how many people of Acme must set up a second factor.
func (w *world) pending() int {
	w.t.Helper()
	n, err := w.PeopleCounts(w.t.Context(), w.as("olga@acme.example"), "acme")
	w.must(err)
	return n.TwoFactor[policy.StatePending]
}

// session gives somebody a session with proofs.
func (w *world) session(email string, ip string, methods ...policy.Method) (id string) {
	w.t.Helper()
	id = storage.NewID()
	proofs := policy.Proofs{{Method: policy.Password, At: w.now}}
	for _, m := range methods {
		proofs = proofs.With(policy.Proof{Method: m, At: w.now})
	}
	w.write(func(tx *storage.Tx) error {
		return tx.InsertSession(w.t.Context(), storage.Session{
			ID: id, SecretHash: storage.NewSecret(), UserID: w.user(email).ID, Proofs: session.Encode(proofs), IP: ip,
			CreatedAt: w.now, LastSeenAt: w.now, ExpiresAt: w.now.Add(12 * time.Hour),
		})
	})
	return id
}

// running are the sessions of somebody that haven't ended.
func (w *world) running(email string) (ids []string) {
	w.t.Helper()
	all, err := w.db.Sessions(w.t.Context(), w.user(email).ID, time.Hour, w.now)
	w.must(err)
	for _, s := range all {
		ids = append(ids, s.ID)
	}
	return ids
}

// finish works all tasks to their end.
func (w *world) finish() {
	w.t.Helper()
	_, err := w.WorkTasks(w.t.Context())
	w.must(err)
}

// What the preview says is what happens.
func TestPreviewIsWhatHappens(t *testing.T) {
	each(t, func(w *world) {
		w.enrol("olga@acme.example")
		w.enrol("adam@acme.example")
		w.apply(`people: [{email: una@acme.example, company: acme, name: Una}, {email: dis@acme.example, company: acme, disabled: true}]`)
		short := w.session("ana@acme.example", "203.0.113.9")
		full := w.session("olga@acme.example", "203.0.113.9", policy.TOTP)
		client := w.session("clara@client.example", "203.0.113.9")
		olga := w.as("olga@acme.example")
		rules := policy.Rules{Staff: required()}

		p, err := w.PreviewRules(t.Context(), olga, "acme", rules, govern.Requirements)
		w.must(err)
		if p.MustEnrol != 2 || p.Unconfirmed != 1 || p.Mail != 1 || p.AlreadyOn != 2 || p.SessionsShort != 1 || p.LockedOut != nil || p.Lifts {
			t.Errorf("%+v", p)
		}
		if len(p.Changes) != 1 || p.Changes[0].String() != "rules.staff.mode required" {
			t.Errorf("changes %v", p.Changes)
		}
		if w.pending() != 0 || w.rules().Rules.Requires() || w.mailed() != 0 {
			w.t.Fatal("a preview changed something")
		}

		tasks, err := w.SaveRules(t.Context(), olga, "acme", rules, govern.SaveRulesOptions{Part: govern.Requirements, MailAll: true, EndSessions: true})
		w.must(err)
		if got := w.pending(); got != p.MustEnrol {
			t.Errorf("%d are pending, %d were foretold", got, p.MustEnrol)
		}
		w.finish()
		if got := w.mailed(); got != p.Mail {
			t.Errorf("%d mails, %d were foretold", got, p.Mail)
		}
		if slices.Contains(w.running("ana@acme.example"), short) || !slices.Contains(w.running("olga@acme.example"), full) || !slices.Contains(w.running("clara@client.example"), client) {
			t.Error("other sessions ended than the one that falls short")
		}
		done, err := w.Task(t.Context(), olga, "acme", tasks[1])
		w.must(err)
		if done.State != govern.TaskDone || done.Done != 1 || done.Total != 1 {
			t.Errorf("%+v", done)
		}

		p, err = w.PreviewRules(t.Context(), olga, "acme", policy.Rules{}, govern.Requirements)
		w.must(err)
		if !p.Lifts || p.NoLonger != 2 || p.MustEnrol != 0 || p.Mail != 0 {
			t.Errorf("lifting: %+v", p)
		}
	})
}

// A change is in the audit, with what it changed.
func TestRulesAreAudited(t *testing.T) {
	each(t, func(w *world) {
		rules := policy.Rules{Staff: required(), SignInFrom: prefixes("203.0.113.0/24")}
		_, err := w.SaveRules(t.Context(), w.as("olga@acme.example"), "acme", rules, govern.SaveRulesOptions{})
		w.must(err)
		events, err := w.db.AuditSearch(t.Context(), storage.AuditQuery{OrgID: "acme", Limit: 100})
		w.must(err)
		said := make(map[string]string)
		for _, e := range events {
			said[e.Event] = e.Reason
		}
		if said["rules.changed"] != "rules.staff.mode required" || said["networks.changed"] != "rules.sign_in_from [203.0.113.0/24]" || said["company.changed"] != "" {
			t.Errorf("%v", said)
		}
	})
}

// Nobody saves rules that would keep themselves out; an operator of another
// company may.
func TestAuthorIsNotLockedOut(t *testing.T) {
	each(t, func(w *world) {
		w.enrol("olga@acme.example")
		olga := w.as("olga@acme.example") // from 203.0.113.7
		for name, rules := range map[string]policy.Rules{
			"network":            {SignInFrom: prefixes("198.51.100.0/24")},
			"method":             {Staff: required(), Methods: []policy.Method{policy.Email}},
			"method, from a day": {Staff: policy.Requirement{Mode: policy.Required, From: w.now.Add(48 * time.Hour), Grace: 24 * time.Hour}, Methods: []policy.Method{policy.Email}},
		} {
			p, err := w.PreviewRules(t.Context(), olga, "acme", rules, govern.AllRules)
			w.must(err)
			if p.LockedOut == nil {
				t.Errorf("%s: the preview doesn't say so", name)
			}
			_, err = w.SaveRules(t.Context(), olga, "acme", rules, govern.SaveRulesOptions{})
			w.refused(err, "lockout")
		}
		if r := w.rules().Rules; r.Requires() || len(r.SignInFrom) > 0 {
			t.Errorf("saved: %+v", r)
		}
		_, err := w.SaveRules(t.Context(), w.as("otto@globex.example"), "acme", policy.Rules{SignInFrom: prefixes("198.51.100.0/24")}, govern.SaveRulesOptions{})
		w.must(err)
	})
}

// Who may neither see nor change rules.
func TestRulesOfOthers(t *testing.T) {
	each(t, func(w *world) {
		_, err := w.Rules(t.Context(), w.as("ana@acme.example"), "acme")
		w.refused(err, "role")
		_, err = w.Rules(t.Context(), w.as("gwen@globex.example"), "acme")
		w.hidden(err)
		_, err = w.SaveRules(t.Context(), w.as("gwen@globex.example"), "acme", policy.Rules{Staff: required()}, govern.SaveRulesOptions{})
		w.hidden(err)
		machine := w.machine("robot", "acme", "rules:read", "rules:write")
		_, err = w.Rules(t.Context(), machine, "acme")
		w.must(err)
		_, err = w.SaveRules(t.Context(), machine, "acme", policy.Rules{Staff: required()}, govern.SaveRulesOptions{})
		w.refused(err, "machine")
	})
}

// A plan without second factors leaves nothing to require.
func TestPlanWithoutSecondFactors(t *testing.T) {
	each(t, func(w *world) {
		w.apply(`companies: [{id: acme, plan: [none]}]`)
		olga := w.as("olga@acme.example")
		_, err := w.PreviewRules(t.Context(), olga, "acme", policy.Rules{Staff: required()}, govern.Requirements)
		wrong, ok := errors.AsType[*apply.Problems](err)
		if !ok || wrong.List[0].Field != "rules.methods" {
			t.Errorf("preview: %v", err)
		}
		if _, err = w.SaveRules(t.Context(), olga, "acme", policy.Rules{Staff: required()}, govern.SaveRulesOptions{}); !errors.As(err, &wrong) {
			t.Errorf("save: %v", err)
		}
	})
}

// API clients that stop working are named as long as no network is.
func TestMachinesThatStop(t *testing.T) {
	each(t, func(w *world) {
		w.apply(`products: [{id: robot, name: Robot, company: acme, grant_types: [client_credentials], scopes: ["people:read"], secret_hash: ` + storage.Hash("s") + `}]`)
		olga := w.as("olga@acme.example")
		p, err := w.PreviewRules(t.Context(), olga, "acme", policy.Rules{Staff: required()}, govern.AllRules)
		w.must(err)
		if len(p.Machines) != 1 || p.Machines[0].Name != "Robot" {
			t.Errorf("%+v", p.Machines)
		}
		p, err = w.PreviewRules(t.Context(), olga, "acme", policy.Rules{Staff: required(), MachineFrom: prefixes("198.51.100.0/24")}, govern.AllRules)
		w.must(err)
		if len(p.Machines) != 0 {
			t.Errorf("with networks: %+v", p.Machines)
		}
	})
}

// Two who edit at once: the second learns of it, and the two pages don't undo
// each other.
func TestTwoEditors(t *testing.T) {
	each(t, func(w *world) {
		olga, adam := w.as("olga@acme.example"), w.as("adam@acme.example")
		seen := w.rules().Versions
		_, err := w.SaveRules(t.Context(), adam, "acme", policy.Rules{Clients: required()}, govern.SaveRulesOptions{Part: govern.Requirements, IfUnchanged: seen[govern.Requirements]})
		w.must(err)
		_, err = w.SaveRules(t.Context(), olga, "acme", policy.Rules{Staff: required()}, govern.SaveRulesOptions{Part: govern.Requirements, IfUnchanged: seen[govern.Requirements]})
		if !errors.Is(err, govern.ErrStale) {
			t.Errorf("%v, want stale", err)
		}
		// The networks are another part, and unchanged.
		_, err = w.SaveRules(t.Context(), olga, "acme", policy.Rules{SignInFrom: prefixes("203.0.113.0/24")}, govern.SaveRulesOptions{Part: govern.Networks, IfUnchanged: seen[govern.Networks]})
		w.must(err)
		if r := w.rules().Rules; r.Clients.Mode != policy.Required || r.Staff.Mode == policy.Required || len(r.SignInFrom) != 1 {
			t.Errorf("%+v", r)
		}
		_, err = w.SaveRules(t.Context(), olga, "acme", policy.Rules{Staff: required()}, govern.SaveRulesOptions{Part: govern.Requirements})
		w.must(err)
		if r := w.rules().Rules; r.Clients.Mode == policy.Required || r.Staff.Mode != policy.Required || len(r.SignInFrom) != 1 {
			t.Errorf("%+v", r)
		}
	})
}

// The test box says how a sign-in would go, of people of the company alone.
func TestSignInBox(t *testing.T) {
	each(t, func(w *world) {
		w.enrol("olga@acme.example")
		w.apply(`companies: [{id: acme, rules: {staff: {mode: required}, methods: [totp], sign_in_from: [203.0.113.0/24, 198.51.100.0/24], network: {mode: only_from, ranges: [198.51.100.0/24]}}}]`)
		for _, c := range []struct {
			who, product, from string
			want               govern.SignInVerdict
			demands            int
		}{
			{"olga@acme.example", "board", "203.0.113.5", govern.SignInAsked, 2}, // her own wish, too
			{"ana@acme.example", "", "203.0.113.5", govern.SignInSetUp, 1},
			{"clara@client.example", "board", "203.0.113.5", govern.SignInNotAsked, 0},
			{"clara@client.example", "board", "198.51.100.5", govern.SignInSetUp, 1},
			{"clara@client.example", "board", "192.0.2.1", govern.SignInRefused, 0},
		} {
			got, err := w.TestSignIn(t.Context(), w.as("adam@acme.example"), "acme", c.who, c.product, netip.MustParseAddr(c.from))
			w.must(err)
			if got.Verdict != c.want || len(got.Demands) != c.demands {
				t.Errorf("%s to %q from %s: %s with %d demands, want %s with %d", c.who, c.product, c.from, got.Verdict, len(got.Demands), c.want, c.demands)
			}
			if c.want == govern.SignInAsked && slices.ContainsFunc(got.Demands, func(d policy.Demand) bool { return !d.Met }) {
				t.Errorf("%s: what was asked for doesn't count: %+v", c.who, got.Demands)
			}
		}
		_, err := w.TestSignIn(t.Context(), w.as("adam@acme.example"), "acme", "gwen@globex.example", "", netip.MustParseAddr("203.0.113.5"))
		w.hidden(err)

		for from, want := range map[string]govern.NetworkTest{
			"203.0.113.5": {SignIn: true}, "198.51.100.5": {SignIn: true, Asked: true}, "192.0.2.1": {},
		} {
			got, err := w.TestNetwork(t.Context(), w.as("adam@acme.example"), "acme", netip.MustParseAddr(from))
			w.must(err)
			if got != want {
				t.Errorf("%s: %+v, want %+v", from, got, want)
			}
		}
	})
}

// many declares people of Acme with confirmed addresses.
func (w *world) many(n int) {
	w.t.Helper()
	var b strings.Builder
	b.WriteString("people:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - {email: m%03d@acme.example, company: acme, name: Member %d, email_verified: true}\n", i, i)
	}
	w.apply(b.String())
}
