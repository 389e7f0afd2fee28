package admin

import "github.com/sallyport-id/sallyport/login/admin/govern"

const tasksPath = "/companies/{company}/tasks"

func (a *API) taskRoutes() []route {
	return []route{
		{method: "GET", path: tasksPath, serve: a.tasks, query: []string{"limit"}},
		{method: "GET", path: tasksPath + "/{task}", serve: a.task},
		{method: "POST", path: tasksPath + "/{task}/cancel", serve: a.cancelTask},
	}
}

// tasks lists the newest; older ones are of no interest any more.
func (a *API) tasks(c *call) (answer, error) {
	_, limit, err := c.page()
	if err != nil {
		return answer{}, err
	}
	all, err := a.Govern.Tasks(c.ctx(), c.by, c.company(), limit)
	if err != nil {
		return answer{}, err
	}
	return shown(listed[govern.TaskView]{Items: all})
}

func (a *API) task(c *call) (answer, error) {
	t, err := a.Govern.Task(c.ctx(), c.by, c.company(), c.id("task"))
	if err != nil {
		return answer{}, err
	}
	return shown(t)
}

func (a *API) cancelTask(c *call) (answer, error) {
	if err := a.Govern.CancelTask(c.ctx(), c.by, c.company(), c.id("task")); err != nil {
		return answer{}, err
	}
	return noContent()
}
