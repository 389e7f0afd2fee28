package storage_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/storagetest"
)

// errand is a task of Acme's with ten to do.
func errand(id string) storage.Task {
	return storage.Task{ID: id, OrgID: acme, Kind: "errand", Params: json.RawMessage(`{"to":"all"}`), CreatedBy: ada, Total: 10}
}

func at(moment time.Time) func() time.Time { return func() time.Time { return moment } }

func mustWork(t *testing.T, db *storage.DB, moment time.Time, step storage.Step) bool {
	t.Helper()
	return must(db.WorkTask(t.Context(), at(moment), step))(t)
}

func addTask(t *testing.T, db *storage.DB, task storage.Task, now time.Time) {
	t.Helper()
	mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertTask(ctx, task, now) })
}

func TestTask(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		never := func(context.Context, *storage.Tx, *storage.Task) (bool, error) {
			t.Error("a step of nothing")
			return true, nil
		}
		if mustWork(t, db, noon, never) {
			t.Fatal("worked on nothing")
		}
		addTask(t, db, errand("first"), noon)
		addTask(t, db, errand("second"), noon.Add(time.Minute))
		mustRefuse(t, db, storage.ErrTaken, func(ctx context.Context, tx *storage.Tx) error { return tx.InsertTask(ctx, errand("first"), noon) })

		want := errand("first")
		want.CreatedAt = noon
		equalTask(t, must(db.Task(t.Context(), "first"))(t), &want)
		if _, err := db.Task(t.Context(), "third"); !errors.Is(err, storage.ErrNotFound) {
			t.Fatalf("a task that isn't there: %v", err)
		}
		var ids []string
		for _, task := range must(db.Tasks(t.Context(), acme, 10))(t) {
			ids = append(ids, task.ID)
		}
		mustEqual(t, ids, []string{"second", "first"})
		if n := len(must(db.Tasks(t.Context(), acme, 1))(t)); n != 1 {
			t.Errorf("%d tasks, want the newest alone", n)
		}
		if n := len(must(db.Tasks(t.Context(), "other", 10))(t)); n != 0 {
			t.Errorf("another company sees %d", n)
		}

		step := func(_ context.Context, _ *storage.Tx, task *storage.Task) (bool, error) {
			task.Done, task.Failed, task.Cursor = task.Done+5, task.Failed+1, task.ID+" "+fmt.Sprint(task.Done)
			return task.Done == task.Total, nil
		}
		for i := range 2 {
			if !mustWork(t, db, noon.Add(time.Duration(i)*time.Second), step) {
				t.Fatal("did nothing")
			}
		}
		want.Done, want.Failed, want.Cursor, want.FinishedAt = 10, 2, "first 5", noon.Add(time.Second)
		equalTask(t, must(db.Task(t.Context(), "first"))(t), &want)
		if mustWork(t, db, noon.Add(time.Second), never) {
			t.Fatal("worked on what is not due, or finished")
		}
	})
}

func equalTask(t *testing.T, got, want *storage.Task) {
	t.Helper()
	mustEqual(t, string(must(json.Marshal(got))(t)), string(must(json.Marshal(want))(t)))
}

// A step is kept whole or not at all, and tried again later each time, until
// the task is given up.
func TestTaskStepFails(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		seed(t, db)
		addTask(t, db, errand("bad"), noon)
		tries, moment := 0, noon
		fails := func(ctx context.Context, tx *storage.Tx, task *storage.Task) (bool, error) {
			tries++
			task.Done, task.Cursor = 5, "5"
			return false, errors.Join(tx.SetTwoStep(ctx, ada, true, noon), errors.New("no luck"))
		}
		for _, wait := range []time.Duration{2, 4, 8, 16, 32} {
			if !mustWork(t, db, moment, fails) || mustWork(t, db, moment.Add(wait*time.Second-1), fails) {
				t.Fatalf("not put off by %d s", wait)
			}
			if task := must(db.Task(t.Context(), "bad"))(t); task.Done != 0 || task.Cursor != "" || !task.FinishedAt.IsZero() || task.Error != "" {
				t.Fatalf("after a failure: %+v", task)
			}
			moment = moment.Add(wait * time.Second)
		}
		mustWork(t, db, moment, fails)
		if task := must(db.Task(t.Context(), "bad"))(t); task.Error != "no luck" || !task.FinishedAt.Equal(moment) || tries != 6 {
			t.Fatalf("after %d tries: %+v", tries, task)
		}
		if must(db.User(t.Context(), ada))(t).TwoStep {
			t.Error("what a failed step wrote was kept")
		}

		// One success, and the count begins anew.
		addTask(t, db, errand("good"), noon)
		failing := true
		step := func(context.Context, *storage.Tx, *storage.Task) (bool, error) {
			if failing = !failing; !failing {
				return false, errors.New("no luck")
			}
			return false, nil
		}
		for range 8 {
			if !mustWork(t, db, moment, step) {
				t.Fatal("did nothing")
			}
			moment = moment.Add(2 * time.Second)
		}
		if task := must(db.Task(t.Context(), "good"))(t); !task.FinishedAt.IsZero() {
			t.Fatalf("given up: %+v", task)
		}
	})
}

func TestCancelTask(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		addTask(t, db, errand("unwanted"), noon)
		cancel := func(ctx context.Context, tx *storage.Tx) error { return tx.CancelTask(ctx, "unwanted", noon) }
		mustWrite(t, db, cancel)
		if task := must(db.Task(t.Context(), "unwanted"))(t); task.Error != storage.TaskCancelled || !task.FinishedAt.Equal(noon) {
			t.Fatalf("%+v", task)
		}
		if mustWork(t, db, noon.Add(time.Hour), func(context.Context, *storage.Tx, *storage.Task) (bool, error) { return false, nil }) {
			t.Error("went on")
		}
		mustRefuse(t, db, storage.ErrSpent, cancel)
	})
}

// No step is taken twice, however many are at it.
func TestWorkTaskAtOnce(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		const tasks, steps, workers = 4, 25, 8
		for i := range tasks {
			addTask(t, db, errand(fmt.Sprint(i)), noon)
		}
		var begun, ended atomic.Int64
		kept := make([]atomic.Int64, tasks*steps)
		step := func(ctx context.Context, tx *storage.Tx, task *storage.Task) (bool, error) {
			n := begun.Add(1)
			var which int
			if _, err := fmt.Sscan(task.ID, &which); err != nil {
				return false, err
			}
			at := which*steps + task.Done
			task.Done++
			// What the step writes is kept once: its id is taken afterwards.
			if err := tx.InsertTask(ctx, storage.Task{ID: fmt.Sprintf("made by %d", at), OrgID: "made"}, noon.Add(time.Hour)); err != nil {
				return false, err
			}
			if n%10 == 0 {
				return false, errors.New("now and then one fails")
			}
			kept[at].Add(1)
			return task.Done == steps, nil
		}
		// Time goes by with what is done, so that what was put off comes again.
		clock := func() time.Time { return noon.Add(time.Duration(ended.Load()) * 100 * time.Millisecond) }
		errs := atOnce(workers, func(int) error {
			for {
				if _, err := db.WorkTask(t.Context(), clock, step); err != nil {
					return err
				}
				if ended.Add(1); clock().After(noon.Add(30 * time.Minute)) {
					return errors.New("never done")
				}
				left, err := db.Tasks(t.Context(), acme, tasks)
				if err != nil || !slices.ContainsFunc(left, func(t *storage.Task) bool { return t.FinishedAt.IsZero() }) {
					return err
				}
			}
		})
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		for i := range kept {
			if n := kept[i].Load(); n != 1 {
				t.Errorf("step %d was kept %d times", i, n)
			}
		}
		for _, task := range must(db.Tasks(t.Context(), acme, tasks))(t) {
			if task.Done != steps || task.Error != "" {
				t.Errorf("%+v", task)
			}
		}
		if n := len(must(db.Tasks(t.Context(), "made", 1000))(t)); n != tasks*steps {
			t.Errorf("the steps wrote %d rows, want %d", n, tasks*steps)
		}
	})
}

// A replica that is at a step leaves the other tasks to others, and its own to
// them when it dies.
func TestHeldTaskIsPassedOver(t *testing.T) {
	url := storagetest.URL(t, "postgres")
	db := storagetest.Open(t, url, storage.Options{})
	addTask(t, db, errand("held"), noon)
	addTask(t, db, errand("free"), noon.Add(time.Second))
	other := must(outside(t, url).Begin())(t)
	defer other.Rollback()
	if _, err := other.Exec(`SELECT id FROM tasks WHERE id = 'held' FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	taken := func(want string) {
		t.Helper()
		if _, err := db.WorkTask(ctx, at(noon.Add(time.Minute)), func(_ context.Context, _ *storage.Tx, task *storage.Task) (bool, error) {
			if task.ID != want {
				t.Errorf("took %s, want %s", task.ID, want)
			}
			return true, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	taken("free")
	if worked, err := db.WorkTask(ctx, at(noon.Add(time.Minute)), nil); worked || err != nil {
		t.Fatalf("worked %v: %v", worked, err)
	}
	if err := other.Rollback(); err != nil {
		t.Fatal(err)
	}
	taken("held")
}

func TestTaskDelivery(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, db *storage.DB) {
		mustWrite(t, db, func(ctx context.Context, tx *storage.Tx) error {
			for i, task := range []string{"invite", "invite", "invite", "invite", "other", ""} {
				if _, err := tx.QueueMessage(ctx, storage.Outgoing{Kind: storage.OutgoingMail, Target: fmt.Sprint(i), CreatedAt: noon, TaskID: task}, "hello"); err != nil {
					return err
				}
			}
			return nil
		})
		deliverAt(t, db, noon, func(m *storage.Outgoing) error {
			switch m.Target {
			case "0":
				return nil
			case "1":
				return storage.ErrUndeliverable
			case "4", "5":
				if (m.Target == "4") != (m.TaskID == "other") {
					t.Errorf("message %s is of task %q", m.Target, m.TaskID)
				}
			}
			return errors.New("not now")
		})
		for task, want := range map[string][3]int{"invite": {2, 1, 1}, "other": {1, 0, 0}, "": {}, "unknown": {}} {
			queued, sent, failed, err := db.TaskDelivery(t.Context(), task)
			if got := [3]int{queued, sent, failed}; err != nil || got != want {
				t.Errorf("%q: %v, want %v (%v)", task, got, want, err)
			}
		}
	})
}
