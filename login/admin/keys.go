package admin

import (
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/login/page"
)

// keys lists the keys that sign tokens.
func (a *Admin) keys(v *visit) error {
	found, err := a.Govern.Keys(v.Ctx(), v.by)
	if err != nil {
		return err
	}
	shell, err := a.shell(v, "keys")
	if err != nil {
		return err
	}
	p := page.ConsoleKeys{Console: shell}
	for _, k := range found {
		p.Keys = append(p.Keys, page.SigningKey{ID: k.ID, Alg: k.Alg, State: k.State, SignsFrom: k.SignsFrom, Until: k.Until})
	}
	f := a.Door().Frame(v.Visit, nil)
	switch v.R.URL.Query().Get("done") {
	case "rotated":
		f.Notice = say("instance_done.keys_rotated")
	case "leaked":
		f.Notice = say("instance_done.keys_leaked")
	}
	a.Pages.Write(v.W, f, p)
	return nil
}

func (a *Admin) rotateKeysPage(v *visit) error { return a.askKeys(v, "keys_rotate") }
func (a *Admin) dropKeysPage(v *visit) error   { return a.askKeys(v, "keys_leaked") }

func (a *Admin) askKeys(v *visit, what string) error {
	if err := a.Govern.Ask(v.Ctx(), v.by, govern.ChangeKeys, "", ""); err != nil {
		return err
	}
	return a.confirm(v, "keys", what, "/console/keys", nil)
}

func (a *Admin) rotateKeysPost(v *visit) error {
	if err := a.Govern.ChangeKeys(v.Ctx(), v.by, false); err != nil {
		return err
	}
	return v.done("/console/keys", "rotated")
}

func (a *Admin) dropKeysPost(v *visit) error {
	if err := a.Govern.ChangeKeys(v.Ctx(), v.by, true); err != nil {
		return err
	}
	return v.done("/console/keys", "leaked")
}
