package setup

import (
	"errors"
	"slices"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// byStrength is the order in which methods are offered.
var byStrength = []policy.Method{policy.WebAuthn, policy.TOTP, policy.SMS, policy.Email}

func isGone(err error) bool { return errors.Is(err, storage.ErrNotFound) }

// choosePage is step 1: which kind.
func (s *Setup) choosePage(p *Place) error {
	if len(p.Methods) == 1 {
		switch p.Methods[0] {
		case policy.SMS:
			return p.redirect("/phone")
		case policy.WebAuthn:
			return p.redirect("/key")
		}
	}
	return s.showChoice(p, nil)
}

func (s *Setup) showChoice(p *Place, problem *page.Problem) error {
	choose := page.SetUpChoose{BackURL: p.BackURL}
	for _, m := range byStrength {
		if slices.Contains(p.Methods, m) {
			way := page.Way{Method: string(m)}
			if m == policy.Email {
				way.Target = s.Factors.Mail.Mask(p.User.Email)
			}
			choose.Ways = append(choose.Ways, way)
		}
	}
	return p.Show(choose, problem)
}

// choosePost begins setting up what was chosen.
func (s *Setup) choosePost(p *Place) error {
	m := policy.Method(p.R.PostFormValue("method"))
	if !slices.Contains(p.Methods, m) {
		return s.showChoice(p, problem("", "problem.method_missing"))
	}
	switch m {
	case policy.SMS:
		return p.redirect("/phone")
	case policy.WebAuthn:
		return p.redirect("/key")
	case policy.Email:
		return s.beginSent(p, s.Factors.Mail, p.User.Email, func(problem *page.Problem) error { return s.showChoice(p, problem) })
	}
	err := s.DB.Write(p.ctx(), func(tx *storage.Tx) error {
		return s.Factors.TOTP.Begin(p.ctx(), tx, p.BoundTo, p.User.ID, s.Now())
	})
	if err != nil {
		return err
	}
	return p.redirect("/scan")
}
