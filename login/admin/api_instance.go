package admin

import "github.com/sallyport-id/sallyport/login/admin/govern"

func (a *API) keyRoutes() []route {
	return []route{
		{method: "GET", path: "/keys", serve: a.keys},
		{method: "POST", path: "/keys", serve: a.changeKeys},
	}
}

func (a *API) keys(c *call) (answer, error) {
	all, err := a.Govern.Keys(c.ctx(), c.by)
	if err != nil {
		return answer{}, err
	}
	return shown(listed[govern.Key]{Items: all})
}

// changeKeys makes new keys, in an hour's time or at once.
func (a *API) changeKeys(c *call) (answer, error) {
	var w struct {
		AtOnce bool `json:"at_once"`
	}
	if len(c.body) > 0 {
		if _, err := c.decode(&w); err != nil {
			return answer{}, err
		}
	}
	if err := a.Govern.ChangeKeys(c.ctx(), c.by, w.AtOnce); err != nil {
		return answer{}, err
	}
	return noContent()
}

func (a *API) deliveryRoutes() []route {
	return []route{
		{method: "GET", path: "/delivery", serve: a.delivery},
		{method: "POST", path: "/delivery/test", serve: a.testDelivery},
		{method: "GET", path: "/delivery/failed", serve: a.failedDelivery, query: paging},
		{method: "DELETE", path: "/delivery/failed/{message}", serve: a.dropMessage},
		{method: "POST", path: "/delivery/failed/{message}/retry", serve: a.retryMessage},
	}
}

func (a *API) delivery(c *call) (answer, error) {
	all, err := a.Govern.Delivery(c.ctx(), c.by)
	if err != nil {
		return answer{}, err
	}
	return shown(listed[govern.Delivery]{Items: all})
}

func (a *API) testDelivery(c *call) (answer, error) {
	var w struct {
		Kind     string `json:"kind"`
		To       string `json:"to"`
		Language string `json:"language"`
	}
	if _, err := c.decode(&w); err != nil {
		return answer{}, err
	}
	lang := a.Govern.Notices.Pages.Language(nil, w.Language, c.r.Header.Get("Accept-Language"))
	if err := a.Govern.SendTest(c.ctx(), c.by, w.Kind, w.To, lang); err != nil {
		return answer{}, err
	}
	return noContent()
}

func (a *API) failedDelivery(c *call) (answer, error) {
	after, limit, err := c.page()
	if err != nil {
		return answer{}, err
	}
	page, err := a.Govern.GivenUp(c.ctx(), c.by, after, limit)
	if err != nil {
		return answer{}, err
	}
	return shown(listed[govern.GivenUp]{Items: page.Messages, Next: c.next(page.Next)})
}

func (a *API) dropMessage(c *call) (answer, error) {
	if err := a.Govern.DropMessage(c.ctx(), c.by, c.id("message")); err != nil {
		return answer{}, err
	}
	return noContent()
}

func (a *API) retryMessage(c *call) (answer, error) {
	if err := a.Govern.RetryMessage(c.ctx(), c.by, c.id("message")); err != nil {
		return answer{}, err
	}
	return noContent()
}
