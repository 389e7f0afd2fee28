package setup

import (
	"html/template"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// pendingApp is the app being set up; where none is (any more), the person is
// sent to step 1.
func (s *Setup) pendingApp(p *Place) (pending factor.Pending, ok bool, err error) {
	pending, err = s.Factors.TOTP.Pending(p.ctx(), s.DB.Reader, p.BoundTo, p.User.ID, s.Now())
	if isGone(err) {
		return pending, false, p.redirect("")
	}
	return pending, err == nil, err
}

// scanPage is step 2: the seed, as a picture and to type.
func (s *Setup) scanPage(p *Place) error {
	pending, ok, err := s.pendingApp(p)
	if err != nil || !ok {
		return err
	}
	uri := s.Factors.TOTP.URI(pending, p.User.Email)
	qr, err := factor.QR(uri)
	if err != nil {
		return err
	}
	return p.Show(page.SetUpScan{QR: template.HTML(qr), Key: factor.Grouped(pending.Key()), URI: template.URL(uri), NextURL: p.Path("/code")}, nil)
}

// appCodePage is step 3: the first code.
func (s *Setup) appCodePage(p *Place) error {
	if _, ok, err := s.pendingApp(p); err != nil || !ok {
		return err
	}
	return p.Show(page.SetUpCode{BackURL: p.Path("/scan")}, nil)
}

func (s *Setup) appCodePost(p *Place) error {
	if _, ok, err := s.pendingApp(p); err != nil || !ok {
		return err
	}
	again := func(triesLeft int, problem *page.Problem) error {
		return p.Show(page.SetUpCode{BackURL: p.Path("/scan"), TriesLeft: triesLeft}, problem)
	}
	code := factor.Clean(p.R.PostFormValue("code"))
	if problem := factor.FormatProblem(policy.TOTP, code); problem != nil {
		return again(0, problem)
	}
	ctx, now := p.ctx(), s.Now()
	a := Activation{Method: policy.TOTP, Proof: policy.Proof{Method: policy.TOTP, At: now}, TwoStep: true}
	var verdict factor.Verdict
	err := s.DB.Write(ctx, func(tx *storage.Tx) (err error) {
		if verdict, err = s.Factors.TOTP.Finish(ctx, tx, p.entry(code, now), "", p.Lost(policy.TOTP)); err != nil {
			return err
		}
		return p.tried(tx, a, verdict)
	})
	return p.settle(a, verdict, err, again)
}

// tried notes in the transaction what came of a code.
func (p *Place) tried(tx *storage.Tx, a Activation, verdict factor.Verdict) error {
	if verdict.Outcome != factor.Accepted {
		return p.Refused(p.ctx(), tx, a.Method, verdict)
	}
	return p.Activated(p.ctx(), tx, a)
}
