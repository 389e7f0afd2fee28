package admin

import (
	"errors"
	"net/url"
	"strings"

	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
	"github.com/sallyport-id/sallyport/storage/apply"
)

// delivery shows how messages are delivered.
func (a *Admin) delivery(v *visit) error {
	f := a.Door().Frame(v.Visit, nil)
	switch v.R.URL.Query().Get("done") {
	case "retried":
		f.Notice = say("instance_done.retried")
	case "dropped":
		f.Notice = say("instance_done.dropped")
	case "test_sent":
		f.Notice = testNotice(v.R.URL.Query().Get("to"))
	}
	return a.showDelivery(v, f, page.ConsoleDelivery{TestTo: v.In.User.Email})
}

func (a *Admin) showDelivery(v *visit, f page.Frame, p page.ConsoleDelivery) (err error) {
	kinds, err := a.Govern.Delivery(v.Ctx(), v.by)
	if err != nil {
		return err
	}
	query := v.R.URL.Query()
	failed, err := a.Govern.GivenUp(v.Ctx(), v.by, query.Get("after"), 0)
	if err != nil {
		return err
	}
	if p.Console, err = a.shell(v, "delivery"); err != nil {
		return err
	}
	p.List = page.List{Query: query, Next: failed.Next}
	for _, k := range kinds {
		p.Kinds = append(p.Kinds, page.DeliveryKind{
			Kind: k.Kind, Configured: k.Configured, Via: k.Via, Waiting: k.Waiting, Failed: k.Failed, Oldest: k.Oldest, LastError: k.LastError,
		})
	}
	for _, m := range failed.Messages {
		p.Failed = append(p.Failed, page.FailedDelivery{ID: m.ID, Kind: m.Kind, To: m.To, Queued: m.CreatedAt, LastTry: m.LastTryAt, Tries: m.Tries, Error: m.Error})
	}
	a.Pages.Write(v.W, f, p)
	return nil
}

// testNotice says where a test went, if that is an address or a number: anybody
// can write a link.
func testNotice(to string) *page.Text {
	if _, err := notify.CheckNumber(to, nil); err != nil && apply.CheckEmail("to", to) != nil {
		return nil
	}
	return say("instance_done.test_sent", "To", to)
}

func (a *Admin) retryPost(v *visit) error {
	err := a.Govern.RetryMessage(v.Ctx(), v.by, v.id("message"))
	if storage.IsSpent(err) {
		f := a.Door().Frame(v.Visit, &page.Problem{Text: page.Say("problem.delivery_not_kept")})
		return a.showDelivery(v, f, page.ConsoleDelivery{TestTo: v.In.User.Email})
	}
	return a.deliveryDone(v, err, "retried")
}

func (a *Admin) dropPost(v *visit) error {
	return a.deliveryDone(v, a.Govern.DropMessage(v.Ctx(), v.by, v.id("message")), "dropped")
}

// deliveryDone leads back to the list, also where the message is gone already.
func (a *Admin) deliveryDone(v *visit, err error, what string) error {
	if errors.Is(err, storage.ErrNotFound) {
		return v.Redirect("/console/delivery")
	}
	if err != nil {
		return err
	}
	return v.done("/console/delivery", what)
}

func (a *Admin) sendTestPost(v *visit) error {
	kind, to := v.R.PostFormValue("kind"), strings.TrimSpace(v.R.PostFormValue("to"))
	err := a.Govern.SendTest(v.Ctx(), v.by, kind, to, a.Door().Lang(v.R, v.In))
	if wrong := problems(err); wrong != nil {
		if _, at := wrong["to"]; at {
			wrong["to"] = page.Say("problem.delivery.to")
		}
		f := a.Door().Frame(v.Visit, nil)
		f.Problems = wrong
		return a.showDelivery(v, f, page.ConsoleDelivery{TestKind: kind, TestTo: to})
	}
	if err != nil {
		return err
	}
	return v.Redirect("/console/delivery?done=test_sent&to=" + url.QueryEscape(to))
}
