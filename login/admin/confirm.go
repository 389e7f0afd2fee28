package admin

import (
	"errors"
	"regexp"

	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// confirm asks before something that can't be undone: the messages
// NAME.heading, .body and .button.
func (a *Admin) confirm(v *visit, current, name, back string, problem *page.Problem, with ...any) error {
	shell, err := a.shell(v, current)
	if err != nil {
		return err
	}
	return a.show(v, page.ConsoleConfirm{
		Console: shell, Heading: page.Say(name+".heading", with...), Body: []page.Text{page.Say(name+".body", with...)}, Button: page.Say(name + ".button"),
		Danger: true, BackURL: back,
	}, problem)
}

func say(id string, pairs ...any) *page.Text {
	t := page.Say(id, pairs...)
	return &t
}

// deletedNotice says that something is deleted, by the id in an address. What
// is no id isn't said: anybody can write a link.
func deletedNotice(id string) *page.Text {
	if !regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`).MatchString(id) {
		return nil
	}
	return say("instance_done.deleted", "Name", id)
}

func ignoreNotFound(err error) error {
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	return err
}
