package govern_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/storage"
)

// letters counts mails by address.
type letters map[string]int

func (l letters) Send(_ context.Context, m notify.Mail) error {
	l[m.To]++
	return nil
}

// delivered sends what is queued, and says what was sent so far.
func (w *world) delivered(box letters) letters {
	w.t.Helper()
	w.Notices.Mail = box
	for {
		n, err := w.Notices.Deliver(w.t.Context())
		w.must(err)
		if n == 0 {
			return box
		}
	}
}

// step takes one step of a task.
func (w *world) step(step storage.Step) {
	w.t.Helper()
	worked, err := w.db.WorkTask(w.t.Context(), w.Now, step)
	w.must(err)
	if !worked {
		w.t.Fatal("no step was due")
	}
}

// A task that is interrupted in the middle of a step goes on where the last
// whole step ended: everybody gets one mail. Who has set up meanwhile gets none.
func TestRemindersInterrupted(t *testing.T) {
	each(t, func(w *world) {
		w.many(250)
		w.apply(`companies: [{id: acme, rules: {staff: {mode: required}}}]`)
		olga := w.as("olga@acme.example")
		done, err := w.Bulk(t.Context(), olga, "acme", govern.Remind, allOfAcme)
		w.must(err)
		state := func() govern.TaskView {
			v, err := w.Task(t.Context(), olga, "acme", done.TaskID)
			w.must(err)
			return v
		}
		// 250, and Olga, Adam and Ana.
		if v := state(); v.State != govern.TaskRunning || v.Total != 253 || v.Done != 0 || v.CreatedByEmail != "olga@acme.example" {
			t.Errorf("at first: %+v", v)
		}
		w.step(w.Step)
		power := errors.New("power cut")
		w.step(func(ctx context.Context, tx *storage.Tx, task *storage.Task) (bool, error) {
			if _, err := w.Step(ctx, tx, task); err != nil {
				return false, err
			}
			return false, power
		})
		w.enrol("m249@acme.example")
		box := w.delivered(make(letters))
		if v := state(); v.State != govern.TaskRunning || v.Done != 100 {
			t.Errorf("in the middle: %+v", v)
		}
		w.now = w.now.Add(10 * time.Second)
		w.finish()
		if v := state(); v.State != govern.TaskRunning {
			t.Errorf("with mails on their way: %+v", v)
		}
		w.delivered(box)
		for email, n := range box {
			if n != 1 || email == "m249@acme.example" {
				t.Errorf("%d mails to %s", n, email)
			}
		}
		if v := state(); len(box) != 252 || v.State != govern.TaskDone || v.Done != 252 || v.Total != 252 || v.Failed != 0 {
			t.Errorf("%d mails; %+v", len(box), v)
		}
	})
}

// Who may no longer do it doesn't go on doing it by a task.
func TestTaskOfDemotedAdministrator(t *testing.T) {
	each(t, func(w *world) {
		w.many(250)
		done, err := w.Bulk(t.Context(), w.as("adam@acme.example"), "acme", govern.Require, allOfAcme)
		w.must(err)
		w.step(w.Step)
		w.apply(`people: [{email: adam@acme.example, role: member}]`)
		for range 10 { // it is tried again a few times
			w.finish()
			w.now = w.now.Add(2 * time.Minute)
		}
		v, err := w.Task(t.Context(), w.as("olga@acme.example"), "acme", done.TaskID)
		w.must(err)
		n := 0
		all, err := w.db.PeopleClasses(t.Context(), "acme")
		w.must(err)
		for _, c := range all {
			if c.TwoStepRequired {
				n += c.Count
			}
		}
		if v.State != govern.TaskFailed || v.Error == "" || n != v.Done || n > 100 {
			t.Errorf("%+v; it is required of %d", v, n)
		}
	})
}

// A task of many goes through all of them, and leaves owners alone.
func TestRequireOfMany(t *testing.T) {
	each(t, func(w *world) {
		w.many(250)
		done, err := w.Bulk(t.Context(), w.as("adam@acme.example"), "acme", govern.Require, allOfAcme)
		w.must(err)
		w.finish()
		v, err := w.Task(t.Context(), w.as("adam@acme.example"), "acme", done.TaskID)
		w.must(err)
		// 250, Adam, Ana and Clara.
		if v.State != govern.TaskDone || v.Done != 253 || w.user("olga@acme.example").TwoStepRequired || !w.user("m249@acme.example").TwoStepRequired {
			t.Errorf("%+v", v)
		}
	})
}

// A task that is cancelled stops; others' tasks can't be seen.
func TestCancelTask(t *testing.T) {
	each(t, func(w *world) {
		w.many(250)
		olga := w.as("olga@acme.example")
		done, err := w.Bulk(t.Context(), olga, "acme", govern.Require, allOfAcme)
		w.must(err)
		gwen := w.as("gwen@globex.example")
		_, err = w.Task(t.Context(), gwen, "globex", done.TaskID)
		w.hidden(err)
		w.hidden(w.CancelTask(t.Context(), gwen, "globex", done.TaskID))
		w.step(w.Step)
		w.must(w.CancelTask(t.Context(), olga, "acme", done.TaskID))
		w.finish()
		v, err := w.Task(t.Context(), olga, "acme", done.TaskID)
		w.must(err)
		if v.State != govern.TaskCancelled || v.Done != 99 && v.Done != 100 || w.user("m249@acme.example").TwoStepRequired {
			t.Errorf("%+v", v)
		}
		if err := w.CancelTask(t.Context(), olga, "acme", done.TaskID); !errors.Is(err, storage.ErrSpent) {
			t.Errorf("again: %v", err)
		}
		list, err := w.Tasks(t.Context(), olga, "acme", 0)
		w.must(err)
		if len(list) != 1 || list[0].ID != done.TaskID {
			t.Errorf("%+v", list)
		}
	})
}

// Sessions end only where the rules demand more now: not those with what they
// demand, and not while it can be put off.
func TestEndSessionsThatFallShort(t *testing.T) {
	each(t, func(w *world) {
		w.many(120)
		for _, email := range []string{"m000@acme.example", "m050@acme.example", "m119@acme.example"} {
			w.session(email, "203.0.113.9")
		}
		twice := w.session("m119@acme.example", "203.0.113.9", policy.WebAuthn)
		recovered := w.session("m050@acme.example", "203.0.113.9", policy.RecoveryCode)
		inside := w.session("clara@client.example", "198.51.100.9")
		w.session("clara@client.example", "203.0.113.9")
		olga := w.as("olga@acme.example")
		grace := policy.Rules{Staff: policy.Requirement{Mode: policy.Required, From: w.now.Add(-time.Hour), Grace: 48 * time.Hour}}
		p, err := w.PreviewRules(t.Context(), olga, "acme", grace, govern.AllRules)
		w.must(err)
		if p.SessionsShort != 0 {
			t.Errorf("in grace: %d", p.SessionsShort)
		}
		rules := policy.Rules{Staff: required(), Network: policy.NetworkRule{Mode: policy.EverywhereExcept, Ranges: prefixes("198.51.100.0/24")}}
		p, err = w.PreviewRules(t.Context(), olga, "acme", rules, govern.AllRules)
		w.must(err)
		if p.SessionsShort != 4 {
			t.Errorf("%d, want 4", p.SessionsShort)
		}
		_, err = w.SaveRules(t.Context(), olga, "acme", rules, govern.SaveRulesOptions{EndSessions: true})
		w.must(err)
		w.finish()
		for email, want := range map[string]string{"m000@acme.example": "", "m050@acme.example": recovered, "m119@acme.example": twice, "clara@client.example": inside} {
			got := w.running(email)
			if want == "" && len(got) != 0 || want != "" && (len(got) != 1 || got[0] != want) {
				t.Errorf("%s: %v, want %q", email, got, want)
			}
		}
	})
}
