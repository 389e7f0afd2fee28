package govern_test

import (
	"testing"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/admin/govern"
)

var allOfAcme = govern.Chosen{All: true}

// What an administrator does to everybody leaves owners and other
// administrators alone, and says so before.
func TestBulkByAdministrator(t *testing.T) {
	each(t, func(w *world) {
		adam := w.as("adam@acme.example")
		p, err := w.PreviewBulk(t.Context(), adam, "acme", govern.Require, allOfAcme)
		w.must(err)
		// Ana, Clara and Adam himself.
		if p.Touched != 3 || p.Cannot[govern.HindranceRole] != 1 || p.CannotFirst[govern.HindranceRole][0].Email != "olga@acme.example" {
			t.Errorf("%+v", p)
		}
		done, err := w.Bulk(t.Context(), adam, "acme", govern.Require, allOfAcme)
		w.must(err)
		if done.Done != p.Touched || done.TaskID != "" {
			t.Errorf("%+v, %d were foretold", done, p.Touched)
		}
		for email, want := range map[string]bool{"olga@acme.example": false, "ana@acme.example": true, "clara@client.example": true, "gwen@globex.example": false} {
			if got := w.user(email).TwoStepRequired; got != want {
				t.Errorf("%s: %v", email, got)
			}
		}
		// By name as well: what the page doesn't offer isn't done either.
		olga, gwen := w.user("olga@acme.example").ID, w.user("gwen@globex.example").ID
		done, err = w.Bulk(t.Context(), adam, "acme", govern.Require, govern.Chosen{IDs: []string{olga, gwen, "nobody"}})
		w.must(err)
		if done.Done != 0 || w.user("olga@acme.example").TwoStepRequired || w.user("gwen@globex.example").TwoStepRequired {
			t.Errorf("by name: %+v", done)
		}
		p, err = w.PreviewBulk(t.Context(), adam, "acme", govern.Require, govern.Chosen{IDs: []string{olga, gwen, "nobody"}})
		w.must(err)
		if p.Touched != 0 || p.Cannot[govern.HindranceRole] != 1 || len(p.First) != 0 {
			t.Errorf("by name, foretold: %+v", p)
		}
		p, err = w.PreviewBulk(t.Context(), adam, "acme", govern.Require, allOfAcme)
		w.must(err)
		if p.Touched != 0 || p.Already != 3 {
			t.Errorf("again: %+v", p)
		}
	})
}

// Taking a demand back turns nobody's own off.
func TestBulkLiftKeepsTheirOwn(t *testing.T) {
	each(t, func(w *world) {
		w.enrol("ana@acme.example")
		w.apply(`companies: [{id: acme, rules: {clients: {mode: required}}}]`)
		olga := w.as("olga@acme.example")
		_, err := w.Bulk(t.Context(), olga, "acme", govern.Require, allOfAcme)
		w.must(err)
		p, err := w.PreviewBulk(t.Context(), olga, "acme", govern.Lift, allOfAcme)
		w.must(err)
		if p.Still != 1 || p.StillFirst[0].Email != "clara@client.example" {
			t.Errorf("of whom the company requires it: %+v", p)
		}
		done, err := w.Bulk(t.Context(), olga, "acme", govern.Lift, allOfAcme)
		w.must(err)
		ana, err := w.Person(t.Context(), olga, "acme", w.user("ana@acme.example").ID)
		w.must(err)
		// What is required of Olga herself she doesn't take back.
		if done.Done != 3 || !w.user("olga@acme.example").TwoStepRequired || ana.RequireTwoStep || ana.TwoFactor != policy.StateOn {
			t.Errorf("%+v, Ana %+v", done, ana.Person)
		}
	})
}

// Mails go to whom there is something to say, at an address of theirs.
func TestBulkMails(t *testing.T) {
	each(t, func(w *world) {
		w.apply(`companies: [{id: acme, rules: {staff: {mode: required}, clients: {mode: required}}}]
people: [{email: dis@acme.example, company: acme, disabled: true, email_verified: true}]`)
		w.enrol("olga@acme.example")
		olga := w.as("olga@acme.example")
		// Ana and Adam; Clara's address isn't confirmed, Olga has what it takes.
		for _, do := range []govern.BulkAction{govern.Remind, govern.Confirm} {
			before := w.mailed()
			p, err := w.PreviewBulk(t.Context(), olga, "acme", do, allOfAcme)
			w.must(err)
			done, err := w.Bulk(t.Context(), olga, "acme", do, allOfAcme)
			w.must(err)
			if done.Done != p.Touched || w.mailed()-before != p.Touched {
				t.Errorf("%s: %d foretold, %d done, %d mails", do, p.Touched, done.Done, w.mailed()-before)
			}
			if p.Cannot[govern.HindranceDisabled] != 1 {
				t.Errorf("%s: %+v", do, p.Cannot)
			}
			switch do {
			case govern.Remind:
				if p.Touched != 2 || p.Already != 1 || p.Cannot[govern.HindranceUnconfirmed] != 1 {
					t.Errorf("remind: %+v", p)
				}
			case govern.Confirm: // Olga, Adam and Clara have no password yet
				if p.Touched != 3 || p.Already != 1 {
					t.Errorf("confirm: %+v", p)
				}
			}
		}
		w.MailGoesOut = false
		_, err := w.Bulk(t.Context(), olga, "acme", govern.Remind, allOfAcme)
		w.refused(err, "no_mail")
	})
}

// A filter chooses who is touched.
func TestBulkOfFilter(t *testing.T) {
	each(t, func(w *world) {
		who := govern.Chosen{All: true, Filter: govern.PeopleFilter{Kind: policy.Client}}
		done, err := w.Bulk(t.Context(), w.as("olga@acme.example"), "acme", govern.Require, who)
		w.must(err)
		if done.Done != 1 || !w.user("clara@client.example").TwoStepRequired || w.user("ana@acme.example").TwoStepRequired {
			t.Errorf("%+v", done)
		}
	})
}
