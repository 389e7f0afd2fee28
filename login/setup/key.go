package setup

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// MaxName is how long the name of a key or app may be, in characters.
const MaxName = 60

// keyPage is the step for passkeys and security keys: the browser makes one.
func (s *Setup) keyPage(p *Place) error { return s.showKey(p, nil) }

func (s *Setup) showKey(p *Place, problem *page.Problem) error {
	return p.Show(page.SetUpKey{
		Passkey: page.Passkey{Options: p.Path("/key/options"), Action: p.Path("/key")}, BackURL: p.back(), TwoStep: p.MayStayOff,
	}, problem)
}

// keyOptions begins a ceremony: it answers with what the browser needs.
func (s *Setup) keyOptions(p *Place) error {
	var options json.RawMessage
	err := s.DB.Write(p.ctx(), func(tx *storage.Tx) (err error) {
		options, err = s.Factors.Keys.BeginEnrolment(p.ctx(), tx, p.BoundTo, p.User, s.Now())
		return err
	})
	if err != nil {
		return err
	}
	return page.WriteOptions(p.W, options)
}

func (s *Setup) keyPost(p *Place) error {
	name := strings.TrimSpace(p.R.PostFormValue("name"))
	if utf8.RuneCountInString(name) > MaxName {
		return s.showKey(p, problem("name", "problem.name_long"))
	}
	ctx, now := p.ctx(), s.Now()
	a := Activation{Method: policy.WebAuthn, TwoStep: !p.MayStayOff || p.R.PostFormValue("two_step") == "1"}
	var verdict factor.Verdict
	err := s.DB.Write(ctx, func(tx *storage.Tx) error {
		made, err := s.Factors.Keys.Enrol(ctx, tx, p.BoundTo, p.User, name, []byte(p.R.PostFormValue("credential")), now)
		if err != nil {
			return err
		}
		a.Proof, verdict.Outcome = made.Proof, made.Outcome
		if verdict.Outcome == factor.Accepted {
			if err := factor.Enrolled(ctx, tx, p.User.ID, policy.WebAuthn, p.Lost(policy.WebAuthn)); err != nil {
				return err
			}
		}
		return p.tried(tx, a, verdict)
	})
	switch {
	case errors.Is(err, storage.ErrTaken):
		return s.showKey(p, problem("", "problem.key_taken"))
	case err == nil && verdict.Outcome != factor.Accepted:
		return s.showKey(p, verdict.Problem(policy.WebAuthn))
	}
	return p.settle(a, verdict, err, nil)
}
