package admin

import "github.com/sallyport-id/sallyport/login/admin/govern"

func (a *API) apiClientRoutes() []route {
	const all, one = "/companies/{company}/api-clients", "/companies/{company}/api-clients/{client}"
	return []route{
		{method: "GET", path: all, serve: a.apiClients},
		{method: "POST", path: all, serve: a.createAPIClient, creates: true},
		{method: "GET", path: one, serve: a.apiClient},
		{method: "DELETE", path: one, serve: a.deleteAPIClient},
		{method: "POST", path: one + "/secret", serve: a.rotateAPIClient, creates: true},
	}
}

func (a *API) apiClients(c *call) (answer, error) {
	all, err := a.Govern.APIClients(c.ctx(), c.by, c.company())
	if err != nil {
		return answer{}, err
	}
	return shown(struct {
		listed[govern.APIClient]
		// ShutOut: none gets in, for want of networks.
		ShutOut bool `json:"shut_out"`
	}{listed[govern.APIClient]{Items: all.APIClients}, all.ShutOut})
}

func (a *API) createAPIClient(c *call) (answer, error) {
	var w struct {
		Name   string   `json:"name"`
		Scopes []string `json:"scopes"`
	}
	if _, err := c.decode(&w); err != nil {
		return answer{}, err
	}
	made, err := a.Govern.CreateAPIClient(c.ctx(), c.by, c.company(), w.Name, w.Scopes)
	if err != nil {
		return answer{}, err
	}
	return createdAt(made, "companies", c.company(), "api-clients", made.ID)
}

func (a *API) apiClient(c *call) (answer, error) {
	found, err := a.Govern.APIClient(c.ctx(), c.by, c.company(), c.id("client"))
	if err != nil {
		return answer{}, err
	}
	return shown(found)
}

func (a *API) deleteAPIClient(c *call) (answer, error) {
	if err := a.Govern.DeleteAPIClient(c.ctx(), c.by, c.company(), c.id("client")); err != nil {
		return answer{}, err
	}
	return noContent()
}

func (a *API) rotateAPIClient(c *call) (answer, error) {
	overlap, err := c.overlap()
	if err != nil {
		return answer{}, err
	}
	made, err := a.Govern.RotateAPIClient(c.ctx(), c.by, c.company(), c.id("client"), overlap)
	if err != nil {
		return answer{}, err
	}
	return createdAt(made)
}
