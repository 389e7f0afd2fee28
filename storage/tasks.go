package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Task is long work on many people, done in steps after the request that asked
// for it, by whichever replica is free.
type Task struct {
	ID string
	// OrgID is the company it is about; empty: the instance.
	OrgID string
	// Kind and Params say what to do; they mean something to whoever made it.
	Kind   string
	Params json.RawMessage
	// CreatedBy is the id of the person who asked for it.
	CreatedBy string
	// Total is how many there are to work on, Done how many were, Failed how
	// many of those in vain. Cursor is where the next step begins.
	Total, Done, Failed int
	Cursor              string
	// FinishedAt is zero as long as there is something left to do. Error says
	// why it ended before that; empty: it didn't.
	CreatedAt, FinishedAt time.Time
	Error                 string

	tries int
}

// TaskCancelled is the Error of a task that was cancelled.
const TaskCancelled = "cancelled"

// taskRetries is how often a step that fails is tried again: after 2, 4, 8, 16
// and 32 seconds.
const taskRetries = 5

const taskColumns = `id, org_id, kind, params, created_by, total, done, failed, cursor, tries, created_at, finished_at, error`

func scanTask(row scanner) (*Task, error) {
	var t Task
	err := row.Scan(&t.ID, &t.OrgID, &t.Kind, document{&t.Params}, &t.CreatedBy, &t.Total, &t.Done, &t.Failed, &t.Cursor, &t.tries,
		into(&t.CreatedAt), into(&t.FinishedAt), &t.Error)
	return found(&t, err, "task")
}

// InsertTask queues a task; the caller gives it an id.
func (tx *Tx) InsertTask(ctx context.Context, t Task, now time.Time) error {
	_, err := tx.run.exec(ctx, `
		INSERT INTO tasks (id, org_id, kind, params, created_by, total, done, failed, cursor, tries, next_at, created_at, error)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11, '')`,
		t.ID, t.OrgID, t.Kind, object(t.Params), t.CreatedBy, t.Total, t.Done, t.Failed, t.Cursor, stamp(now), stamp(now))
	return wrap(err, "add task")
}

// Task returns a task. ErrNotFound where there is none.
func (r Reader) Task(ctx context.Context, id string) (*Task, error) {
	return scanTask(r.run.queryRow(ctx, `SELECT `+taskColumns+` FROM tasks WHERE id = $1`, id))
}

// Tasks lists the tasks of a company, newest first: at most limit.
func (r Reader) Tasks(ctx context.Context, orgID string, limit int) ([]*Task, error) {
	return list(r.run, ctx, "tasks", scanTask, `SELECT `+taskColumns+` FROM tasks WHERE org_id = $1 ORDER BY created_at DESC, id LIMIT $2`, orgID, limit)
}

// CancelTask ends a task after the step it is at. ErrSpent where it has ended.
func (tx *Tx) CancelTask(ctx context.Context, id string, now time.Time) error {
	n, err := tx.run.exec(ctx, `UPDATE tasks SET finished_at = $2, error = $3 WHERE id = $1 AND finished_at IS NULL`, id, stamp(now), TaskCancelled)
	return spent(n, err, "cancel task")
}

// Step does a part of a task and says whether that was the last. It changes
// Total, Done, Failed and Cursor of t, which are kept if and only if what it
// wrote is. It must be short, for all writers may wait for it; see [DB.Write].
type Step func(ctx context.Context, tx *Tx, t *Task) (finished bool, err error)

// WorkTask takes one step of one task, the one that waits longest, and says
// whether there was any. Several replicas may call it at once: the row is held
// for the transaction of the step, so that no two take the same one, and a
// replica that dies leaves the task to the others with its last whole step. A
// step that fails is tried again after a while; in the end the task is given
// up, with its error.
func (db *DB) WorkTask(ctx context.Context, now func() time.Time, step Step) (worked bool, err error) {
	if due, err := db.taskDue(ctx, now()); err != nil || !due {
		return false, err
	}
	var task *Task
	err = db.Write(ctx, func(tx *Tx) (err error) {
		task, err = tx.holdTask(ctx, now())
		if err != nil {
			return err
		}
		finished, err := step(ctx, tx, task)
		if err != nil {
			return stepFailed{err}
		}
		return tx.saveTask(ctx, task, finished, now())
	})
	failure, failed := errors.AsType[stepFailed](err)
	switch {
	case failed:
		db.log.WarnContext(ctx, "step of a task failed", "task", task.ID, "kind", task.Kind, "try", task.tries+1, "error", failure.error)
		return true, db.noteStepFailed(ctx, task, failure.error, now())
	case errors.Is(err, errNoTask):
		return false, nil // another replica was faster
	}
	return err == nil, err
}

var errNoTask = errors.New("no task is due")

// stepFailed tells the step's own errors from those of the database around it.
type stepFailed struct{ error }

func (s stepFailed) Unwrap() error { return s.error }

// holdTask takes a task that is due out of others' reach until this transaction
// ends.
func (tx *Tx) holdTask(ctx context.Context, now time.Time) (*Task, error) {
	t, err := scanTask(tx.run.queryRow(ctx, `SELECT `+taskColumns+` FROM tasks WHERE finished_at IS NULL AND next_at <= $1 ORDER BY next_at, id LIMIT 1`+tx.db.dialect.skipLocked, stamp(now)))
	if errors.Is(err, ErrNotFound) {
		return nil, errNoTask
	}
	return t, err
}

// saveTask keeps what a step has come to, and lets other tasks go first.
func (tx *Tx) saveTask(ctx context.Context, t *Task, finished bool, now time.Time) error {
	end := time.Time{}
	if finished {
		end = now
	}
	_, err := tx.run.exec(ctx, `UPDATE tasks SET total = $2, done = $3, failed = $4, cursor = $5, tries = 0, next_at = $6, finished_at = $7 WHERE id = $1`,
		t.ID, t.Total, t.Done, t.Failed, t.Cursor, stamp(now), stamp(end))
	return wrap(err, "save task")
}

// noteStepFailed puts a task off, or gives it up, also when ctx has ended
// meanwhile.
func (db *DB) noteStepFailed(ctx context.Context, t *Task, cause error, now time.Time) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), outboxNote)
	defer cancel()
	tries := t.tries + 1
	return db.Write(ctx, func(tx *Tx) error {
		var err error
		// Only if nobody has taken the step meanwhile.
		if tries > taskRetries {
			_, err = tx.run.exec(ctx, `UPDATE tasks SET finished_at = $3, error = $4 WHERE id = $1 AND tries = $2 AND finished_at IS NULL`, t.ID, t.tries, stamp(now), cause.Error())
		} else {
			_, err = tx.run.exec(ctx, `UPDATE tasks SET tries = $3, next_at = $4 WHERE id = $1 AND tries = $2 AND finished_at IS NULL`,
				t.ID, t.tries, tries, stamp(now.Add(time.Second<<tries)))
		}
		return wrap(err, fmt.Sprintf("put task %s off", t.ID))
	})
}

func (db *DB) taskDue(ctx context.Context, now time.Time) (due bool, err error) {
	// Asked every second by every replica: not a statement of anybody's request.
	err = db.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM tasks WHERE finished_at IS NULL AND next_at <= $1)`, stamp(now)).Scan(&due)
	return due, wrap(err, "look for tasks")
}
