package admin

import (
	"errors"
	"slices"

	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// task shows how far a long job is.
func (a *Admin) task(v *visit) error {
	t, err := a.Govern.Task(v.Ctx(), v.by, v.company, v.id("task"))
	if err != nil {
		return err
	}
	current, back := "people", v.to("people")
	if slices.Contains([]string{"requirements", "end_sessions"}, t.Kind) {
		current, back = "requirements", v.to("requirements")
	}
	shell, err := a.shell(v, current)
	if err != nil {
		return err
	}
	p := page.ConsoleTask{
		Console: shell, ID: t.ID, Heading: page.Say("task_kind." + t.Kind), State: t.State, Mails: t.Mails(), Total: max(t.Total, t.Done), Sent: t.Done - t.Failed, Failed: t.Failed,
		Started: t.CreatedAt, Finished: t.FinishedAt, By: startedBy(t), BackURL: back,
		May: map[string]bool{"cancel": t.State == govern.TaskRunning && v.rights.May(govern.ChangePeople, v.company)},
	}
	p.Waiting = p.Total - t.Done
	f := a.notice(v, a.Door().Frame(v.Visit, nil), "rules", "imported")
	a.Pages.Write(v.W, f, p)
	return nil
}

// startedBy is who began a task: the address of a person who is still there.
func startedBy(t govern.TaskView) string {
	if t.CreatedByEmail != "" {
		return t.CreatedByEmail
	}
	return t.CreatedBy
}

// cancelTask stops a task after the step it is at. One that has ended by then
// shows that it has.
func (a *Admin) cancelTask(v *visit) error {
	err := a.Govern.CancelTask(v.Ctx(), v.by, v.company, v.id("task"))
	if err != nil && !errors.Is(err, storage.ErrSpent) {
		return err
	}
	return v.Redirect(v.to("tasks", v.id("task")))
}
