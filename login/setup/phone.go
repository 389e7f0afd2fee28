package setup

import (
	"errors"
	"html/template"
	"strings"

	"github.com/sallyport-id/sallyport/login/notify"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// phonePage is step 2 for text messages: the number, typed or learnt from a
// message the person sends.
func (s *Setup) phonePage(p *Place) error { return s.showPhone(p, "", nil) }

func (s *Setup) showPhone(p *Place, typed string, problem *page.Problem) error {
	return p.Show(page.SetUpPhone{Phone: typed, Inbound: s.TextNumber != "", Countries: s.Countries, BackURL: p.back()}, problem)
}

// back leads to step 1, or out of the set-up where there was nothing to choose.
func (p *Place) back() string {
	if len(p.Methods) > 1 {
		return p.Path("")
	}
	return p.BackURL
}

func (s *Setup) phonePost(p *Place) error {
	if s.TextNumber != "" && p.R.PostFormValue("text_us") == "1" {
		err := s.DB.Write(p.ctx(), func(tx *storage.Tx) error {
			return s.Factors.Text.Await(p.ctx(), tx, p.BoundTo, p.User.ID, s.Now())
		})
		if err != nil {
			return err
		}
		return p.redirect("/phone/text")
	}
	typed := strings.TrimSpace(p.R.PostFormValue("phone"))
	again := func(problem *page.Problem) error { return s.showPhone(p, typed, problem) }
	number, err := notify.CheckNumber(typed, s.Countries)
	switch {
	case typed == "":
		return again(problem("phone", "problem.phone_missing"))
	case errors.Is(err, notify.ErrNumberCountry):
		return again(problem("phone", "problem.phone_country", "Countries", strings.Join(s.Countries, ", ")))
	case err != nil:
		return again(problem("phone", "problem.phone_format"))
	}
	return s.beginSent(p, s.Factors.Text, number, again)
}

// textPage shows what to text where, until that has come in.
func (s *Setup) textPage(p *Place) error { return s.showText(p, nil) }

func (s *Setup) showText(p *Place, problem *page.Problem) error {
	pending, err := s.Factors.Text.Pending(p.ctx(), s.DB.Reader, p.BoundTo, p.User.ID, s.Now())
	switch {
	case isGone(err):
		return p.redirect("/phone")
	case err != nil:
		return err
	case pending.Target != "":
		return p.redirect("/phone/code")
	}
	return p.Show(page.SetUpText{
		Number: s.TextNumber, Word: pending.Word, Until: pending.Until, BackURL: p.Path("/phone"),
		SMS: template.URL("sms:" + s.TextNumber + "?&body=" + pending.Word), // a number and a word of ours
	}, problem)
}

// textPost looks whether the message has come, for browsers that don't look by
// themselves.
func (s *Setup) textPost(p *Place) error { return s.showText(p, problem("", "problem.text_not_yet")) }
