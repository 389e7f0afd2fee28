package admin

import (
	"time"

	"github.com/sallyport-id/sallyport/storage"
)

func (a *API) sendActivation(c *call) (answer, error) {
	until, err := a.Govern.SendActivation(c.ctx(), c.by, c.company(), c.id("person"))
	if err != nil {
		return answer{}, err
	}
	return shown(struct {
		// Until is when the link stops working.
		Until time.Time `json:"until"`
	}{until})
}

func (a *API) sendReminder(c *call) (answer, error) {
	if err := a.Govern.SendReminder(c.ctx(), c.by, c.company(), c.id("person")); err != nil {
		return answer{}, err
	}
	return noContent()
}

func (a *API) unlockPerson(c *call) (answer, error) {
	locked, err := a.Govern.UnlockPerson(c.ctx(), c.by, c.company(), c.id("person"))
	if err != nil {
		return answer{}, err
	}
	return shown(struct {
		// ChangesWereLocked: the person had said "This wasn't me".
		ChangesWereLocked bool `json:"changes_were_locked"`
	}{locked})
}

// ended is how many of something there were.
type ended struct {
	Ended int `json:"ended"`
}

func (a *API) endSessions(c *call) (answer, error) {
	n, err := a.Govern.EndSessions(c.ctx(), c.by, c.company(), c.id("person"), "")
	if err != nil {
		return answer{}, err
	}
	return shown(ended{n})
}

func (a *API) endSession(c *call) (answer, error) {
	n, err := a.Govern.EndSessions(c.ctx(), c.by, c.company(), c.id("person"), c.id("session"))
	if err == nil && n == 0 {
		err = storage.ErrNotFound
	}
	if err != nil {
		return answer{}, err
	}
	return noContent()
}

func (a *API) turnOffTwoStep(c *call) (answer, error) {
	if err := a.Govern.TurnOffTwoStep(c.ctx(), c.by, c.company(), c.id("person")); err != nil {
		return answer{}, err
	}
	return noContent()
}

func (a *API) resetFactors(c *call) (answer, error) {
	n, err := a.Govern.ResetFactors(c.ctx(), c.by, c.company(), c.id("person"))
	if err != nil {
		return answer{}, err
	}
	return shown(struct {
		Removed int64 `json:"removed"`
	}{n})
}

// issueRecoveryCode shows the code, which the owner passes on.
func (a *API) issueRecoveryCode(c *call) (answer, error) {
	r, err := a.Govern.IssueRecoveryCode(c.ctx(), c.by, c.company(), c.id("person"))
	if err != nil {
		return answer{}, err
	}
	return createdAt(struct {
		Code  string    `json:"code"`
		Until time.Time `json:"until"`
	}{r.Code, r.Until})
}
