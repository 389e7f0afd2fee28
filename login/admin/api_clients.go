package admin

import (
	"context"
	"errors"

	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// apiClients lists the API clients of a company.
func (a *Admin) apiClients(v *visit) error {
	found, err := a.Govern.APIClients(v.Ctx(), v.by, v.company)
	if err != nil {
		return err
	}
	shell, err := a.shell(v, "api-clients")
	if err != nil {
		return err
	}
	p := page.ConsoleAPIClients{Console: shell, ReadOnly: !v.rights.May(govern.ChangeMachine, v.company)}
	if found.ShutOut {
		p.NetworksURL = v.to("networks")
	}
	for _, c := range found.APIClients {
		p.Clients = append(p.Clients, page.APIClient{ID: c.ID, Name: c.Name, Scopes: c.Scopes, LastUse: c.LastUsedAt, OldSecretUntil: c.OldSecretUntil})
	}
	f := a.Door().Frame(v.Visit, nil)
	if v.R.URL.Query().Get("done") == "deleted" {
		f.Notice = deletedNotice(v.R.URL.Query().Get("id"))
	}
	a.Pages.Write(v.W, f, p)
	return nil
}

func (a *Admin) newAPIClientPage(v *visit) error {
	if err := a.Govern.Ask(v.Ctx(), v.by, govern.ChangeMachine, v.company, ""); err != nil {
		return err
	}
	return a.showAPIClientForm(v, page.ConsoleAPIClientForm{}, nil)
}

func (a *Admin) newAPIClientPost(v *visit) error {
	form := page.ConsoleAPIClientForm{Name: v.R.PostFormValue("name"), Scopes: v.R.PostForm["scopes"]}
	var id string
	err := a.Govern.Within(v.Ctx(), func(ctx context.Context, tx *storage.Tx) error {
		made, err := a.Govern.CreateAPIClient(ctx, v.by, v.company, form.Name, form.Scopes)
		if err != nil {
			return err
		}
		id = made.ID
		return a.keepSecret(ctx, tx, v, govern.Rotated{ClientID: made.ID, Secret: made.Secret})
	})
	if errors.Is(err, govern.ErrNotFresh) {
		return a.showAPIClientForm(v, form, map[string]page.Text{"": page.Say(notFresh)})
	}
	if wrong := apiClientProblems(err); wrong != nil {
		return a.showAPIClientForm(v, form, wrong)
	}
	if err != nil {
		return err
	}
	return v.Redirect(v.to("api-clients", id, "secret"))
}

// apiClientProblems words what is wrong with an API client, by the fields of
// its form.
func apiClientProblems(err error) map[string]page.Text {
	all := problems(err)
	for field, text := range all {
		switch {
		case field == "scopes", field == "name" && text.ID != "field_problem.taken":
			all[field] = page.Say("problem.api_client." + field)
		case field != "name":
			delete(all, field)
			all[""] = text
		}
	}
	return all
}

func (a *Admin) showAPIClientForm(v *visit, form page.ConsoleAPIClientForm, wrong map[string]page.Text) (err error) {
	if form.Console, err = a.shell(v, "api-clients"); err != nil {
		return err
	}
	form.Offered = govern.MachineScopes()
	a.Pages.Write(v.W, a.form(v, wrong), form)
	return nil
}

// apiClientSecret shows the secret that was made for an API client, once;
// without one there is nothing here but the way back.
func (a *Admin) apiClientSecret(v *visit) error {
	c, err := a.Govern.APIClient(v.Ctx(), v.by, v.company, v.id("client"))
	if err != nil {
		return err
	}
	made, err := a.freshSecret(v, c.ID)
	if err != nil {
		return err
	}
	if made.Secret == "" {
		return v.Redirect(v.to("api-clients"))
	}
	shell, err := a.shell(v, "api-clients")
	if err != nil {
		return err
	}
	return a.show(v, page.ConsoleAPIClientCreated{
		Console: shell, ID: c.ID, Name: c.Name, Secret: made.Secret, OldSecretUntil: made.OldSecretUntil,
		Example: page.APIClientExample(a.Issuer, c.ID, v.company, c.Scopes),
	}, nil)
}

// rotateAPIClientPost gives an API client another secret.
func (a *Admin) rotateAPIClientPost(v *visit) error {
	id := v.id("client")
	overlap, offered := overlaps[v.R.PostFormValue("overlap")]
	if !offered {
		return v.Redirect(v.to("api-clients"))
	}
	err := a.makingSecret(v, id, func(ctx context.Context) (govern.Rotated, error) {
		return a.Govern.RotateAPIClient(ctx, v.by, v.company, id, overlap)
	})
	if err != nil {
		return err
	}
	return v.Redirect(v.to("api-clients", id, "secret"))
}

func (a *Admin) deleteAPIClientPage(v *visit) error {
	if err := a.Govern.Ask(v.Ctx(), v.by, govern.ChangeMachine, v.company, ""); err != nil {
		return err
	}
	c, err := a.Govern.APIClient(v.Ctx(), v.by, v.company, v.id("client"))
	if err != nil {
		return err
	}
	return a.confirm(v, "api-clients", "delete_api_client", v.to("api-clients"), nil, "Name", c.Name)
}

func (a *Admin) deleteAPIClientPost(v *visit) error {
	id := v.id("client")
	if err := a.Govern.DeleteAPIClient(v.Ctx(), v.by, v.company, id); err != nil {
		return err
	}
	return v.Redirect(v.to("api-clients") + "?done=deleted&id=" + id)
}
