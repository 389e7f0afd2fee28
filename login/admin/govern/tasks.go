package govern

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// Kinds of tasks. Those of bulk actions are called like the action.
const (
	taskRequirements = "requirements"
	taskInvite       = "invite"
	taskEndSessions  = "end_sessions"
)

// stepSize is how many people a step of a task looks at.
const stepSize = 100

// taskParams say whom a task is about and who asked for it. The rights of the
// latter are looked up anew at each step.
type taskParams struct {
	// IDs are the people; else those of the Filter.
	IDs    []string     `json:"ids,omitempty"`
	Filter PeopleFilter `json:"filter,omitzero"`
	By     taskActor    `json:"by"`
}

// taskActor is an Actor without what may have changed by the next step.
type taskActor struct {
	UserID, OrgID, ClientID string
	Scopes                  []string
	Unlimited, CommandLine  bool
	Address, RequestID      string
}

func (a taskActor) actor() Actor {
	return Actor{UserID: a.UserID, OrgID: a.OrgID, ClientID: a.ClientID, Scopes: a.Scopes, Unlimited: a.Unlimited, CommandLine: a.CommandLine, Address: a.Address, RequestID: a.RequestID}
}

// begin queues a task about people of a company.
func (g *Govern) begin(ctx context.Context, tx *storage.Tx, by Actor, org, kind string, p taskParams) (id string, err error) {
	p.By = taskActor{by.UserID, by.OrgID, by.ClientID, by.Scopes, by.Unlimited, by.CommandLine, by.Address, by.RequestID}
	t := storage.Task{ID: storage.NewID(), OrgID: org, Kind: kind, CreatedBy: by.name()}
	job, err := jobOf(kind)
	if err != nil {
		return "", err
	}
	if t.Total, err = job.total(ctx, g, tx.Reader, by, org, p); err != nil {
		return "", err
	}
	if t.Params, err = json.Marshal(p); err != nil {
		return "", err
	}
	if err := tx.InsertTask(ctx, t, g.Now()); err != nil {
		return "", err
	}
	return t.ID, tx.Audit(ctx, g.taskEvent("task.started", by, &t))
}

func (g *Govern) taskEvent(name string, by Actor, t *storage.Task) storage.Event {
	e := by.event(t.OrgID, "", g.Now())
	e.Event, e.Reason = name, fmt.Sprintf("%s %s", t.Kind, t.ID)
	return e
}

// WorkTasks takes steps of tasks until none is due, and says how many it took.
func (g *Govern) WorkTasks(ctx context.Context) (steps int, err error) {
	for ctx.Err() == nil {
		worked, err := g.DB.WorkTask(ctx, g.Now, g.Step)
		if err != nil || !worked {
			return steps, err
		}
		steps++
	}
	return steps, ctx.Err()
}

// Step takes the next step of a task, as the actor who began it: what they may
// no longer do ends it with an error.
func (g *Govern) Step(ctx context.Context, tx *storage.Tx, t *storage.Task) (finished bool, err error) {
	job, err := jobOf(t.Kind)
	if err != nil {
		return false, err
	}
	var p taskParams
	if err := json.Unmarshal(t.Params, &p); err != nil {
		return false, fmt.Errorf("read task %s: %w", t.ID, err)
	}
	by, err := p.By.actor().now(ctx, tx.Reader)
	if err != nil {
		return false, err
	}
	if err := by.may(job.needs(), t.OrgID); err != nil {
		return false, err
	}
	mailing := *g
	mailing.Notices = g.Notices.ForTask(t.ID)
	if finished, err = job.step(ctx, &mailing, tx, by, t, p); err != nil || !finished {
		return false, err
	}
	return true, tx.Audit(ctx, g.taskEvent("task.finished", by, t))
}

// job is how a kind of task works.
type job interface {
	// needs is what one must be allowed to do, at each step.
	needs() Action
	// total is how many there are to work on.
	total(ctx context.Context, g *Govern, r storage.Reader, by Actor, org string, p taskParams) (int, error)
	step(ctx context.Context, g *Govern, tx *storage.Tx, by Actor, t *storage.Task, p taskParams) (finished bool, err error)
}

func jobOf(kind string) (job, error) {
	switch kind {
	case taskEndSessions:
		return endingSessions{}, nil
	case taskRequirements:
		return peopleJob{Remind, ChangeRules}, nil
	case taskInvite:
		return peopleJob{Confirm, ChangePeople}, nil
	}
	if action := BulkAction(kind); action.known() {
		return peopleJob{action, ChangePeople}, nil
	}
	return nil, fmt.Errorf("no task is of kind %q", kind)
}

// TaskView is how far a task is.
type TaskView struct {
	ID   string `json:"id"`
	Kind string `json:"kind"`
	// State is running, done, cancelled or failed. While mails are on their way
	// it runs.
	State string `json:"state"`
	// Total is how many there are to work on; of these Done are through, in vain
	// for Failed.
	Total  int `json:"total"`
	Done   int `json:"done"`
	Failed int `json:"failed"`
	// CreatedBy is a person's id, and CreatedByEmail their address as long as
	// they are there.
	CreatedBy      string    `json:"created_by"`
	CreatedByEmail string    `json:"created_by_email,omitempty"`
	CreatedAt      time.Time `json:"created_at"`
	FinishedAt     time.Time `json:"finished_at,omitzero"`
	// Error is why it failed.
	Error string `json:"error,omitempty"`
}

// States of tasks.
const (
	TaskRunning   = "running"
	TaskDone      = "done"
	TaskCancelled = "cancelled"
	TaskFailed    = "failed"
)

// Mails says whether the task sends mails: Done are those that were delivered
// or given up.
func (t TaskView) Mails() bool {
	switch t.Kind {
	case taskEndSessions, string(Require), string(Lift):
		return false
	}
	return true
}

// Task shows how far a task of a company is.
func (g *Govern) Task(ctx context.Context, by Actor, org, id string) (v TaskView, err error) {
	err = g.read(ctx, by, SeePeople, org, func(r storage.Reader) error {
		t, err := taskIn(ctx, r, org, id)
		if err != nil {
			return err
		}
		v, err = g.taskView(ctx, r, t)
		return err
	})
	return v, err
}

// Tasks lists the newest tasks of a company.
func (g *Govern) Tasks(ctx context.Context, by Actor, org string, limit int) (all []TaskView, err error) {
	all = []TaskView{}
	err = g.read(ctx, by, SeePeople, org, func(r storage.Reader) error {
		tasks, err := r.Tasks(ctx, org, pageLimit(limit))
		for _, t := range tasks {
			v, err := g.taskView(ctx, r, t)
			if err != nil {
				return err
			}
			all = append(all, v)
		}
		return err
	})
	return all, err
}

func taskIn(ctx context.Context, r storage.Reader, org, id string) (*storage.Task, error) {
	t, err := r.Task(ctx, id)
	if err == nil && t.OrgID != org {
		err = notFound("task")
	}
	return t, err
}

func (g *Govern) taskView(ctx context.Context, r storage.Reader, t *storage.Task) (TaskView, error) {
	v := TaskView{ID: t.ID, Kind: t.Kind, State: TaskRunning, Total: t.Total, Done: t.Done, Failed: t.Failed, CreatedBy: t.CreatedBy, CreatedAt: t.CreatedAt, FinishedAt: t.FinishedAt}
	if u, err := r.User(ctx, t.CreatedBy); err == nil && u.OrgID == t.OrgID {
		v.CreatedByEmail = u.Email
	}
	queued := 0
	if v.Mails() {
		var sent, failed int
		var err error
		if queued, sent, failed, err = r.TaskDelivery(ctx, t.ID); err != nil {
			return v, err
		}
		// The outbox forgets after a week; all of them have ended by then.
		if queued+sent+failed > 0 {
			v.Done, v.Failed = t.Failed+sent+failed, t.Failed+failed
		}
	}
	switch {
	case t.Error == storage.TaskCancelled:
		v.State = TaskCancelled
	case t.Error != "":
		v.State, v.Error = TaskFailed, t.Error
	case !t.FinishedAt.IsZero() && queued == 0:
		v.State = TaskDone
	}
	if v.State == TaskRunning {
		v.FinishedAt = time.Time{}
	}
	return v, nil
}

// CancelTask ends a task after the step it is at; what that did stays done.
// storage.ErrSpent where it has ended.
func (g *Govern) CancelTask(ctx context.Context, by Actor, org, id string) error {
	return g.write(ctx, by, ChangePeople, org, func(tx *storage.Tx, by Actor) error {
		t, err := taskIn(ctx, tx.Reader, org, id)
		if err != nil {
			return err
		}
		if err := tx.CancelTask(ctx, t.ID, g.Now()); err != nil {
			return err
		}
		return tx.Audit(ctx, g.taskEvent("task.cancelled", by, t))
	})
}

// endingSessions ends the sessions of a company that don't meet its rules.
type endingSessions struct{}

func (endingSessions) needs() Action { return ChangeRules }

func (endingSessions) total(ctx context.Context, g *Govern, r storage.Reader, _ Actor, org string, _ taskParams) (int, error) {
	c, err := g.company(ctx, r, org)
	if err != nil {
		return 0, err
	}
	var p RulesPreview
	err = g.countShort(ctx, r, org, c, &p)
	return p.SessionsShort, err
}

func (endingSessions) step(ctx context.Context, g *Govern, tx *storage.Tx, by Actor, t *storage.Task, _ taskParams) (bool, error) {
	c, err := g.company(ctx, tx.Reader, t.OrgID)
	if err != nil {
		return false, err
	}
	sessions, err := tx.OrgSessions(ctx, t.OrgID, ownPages, t.Cursor, g.idle(c), g.Now(), stepSize)
	if err != nil {
		return false, err
	}
	var people []string
	for _, in := range sessions {
		people = append(people, in.User.ID)
	}
	if err := hold(ctx, tx, people); err != nil {
		return false, err
	}
	for _, in := range sessions {
		short, err := g.fallsShort(in, c)
		if err != nil {
			return false, err
		}
		if t.Cursor = in.User.Email; !short {
			continue
		}
		if _, err := tx.EndSessions(ctx, storage.Ending{UserID: in.User.ID, Session: in.Session.ID}, g.Now()); err != nil {
			return false, err
		}
		if err := tx.Audit(ctx, by.did("session.ended", &in.User, g.Now())); err != nil {
			return false, err
		}
		t.Done++
	}
	t.Total = max(t.Total, t.Done)
	if len(sessions) > 0 {
		return false, nil
	}
	t.Total = t.Done // some may have ended by themselves
	return true, nil
}

// idle is how long a session of a company may go unused.
func (g *Govern) idle(c policy.Company) time.Duration {
	return policy.ShorterOf(c.Rules.SessionIdle, g.Sessions.Idle)
}
