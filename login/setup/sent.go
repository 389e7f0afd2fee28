package setup

import (
	"context"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// Codes that are sent: the steps that text messages and e-mail share.

// codePath is the page on which the code of a method is entered.
func codePath(m policy.Method) string {
	if m == policy.SMS {
		return "/phone/code"
	}
	return "/email/code"
}

// beginSent starts setting up a target and sends the first code there; again
// draws the step before with a problem.
func (s *Setup) beginSent(p *Place, f factor.Sent, target string, again func(*page.Problem) error) error {
	return s.send(p, f, again, func(ctx context.Context, tx *storage.Tx) (string, error) {
		return f.Begin(ctx, tx, p.wish(target, s.Now()))
	})
}

// send makes a code, hands it over, and leads to the page where it is entered.
func (s *Setup) send(p *Place, f factor.Sent, again func(*page.Problem) error, make func(context.Context, *storage.Tx) (messageID string, err error)) error {
	ctx := p.ctx()
	var id string
	err := s.DB.Write(ctx, func(tx *storage.Tx) (err error) { id, err = make(ctx, tx); return err })
	if until, tooMany := factor.IsTooMany(err); tooMany {
		return again(problem("", "problem.send_limit", "Until", until))
	}
	if err != nil {
		return err
	}
	if err := f.Deliver(ctx, id); err != nil {
		return err
	}
	return p.redirect(codePath(f.Kind))
}

// pendingTarget is what is being set up; where nothing is, or its number isn't
// known yet, the person is sent to where that is settled.
func (s *Setup) pendingTarget(p *Place, f factor.Sent) (pending factor.PendingTarget, ok bool, err error) {
	pending, err = f.Pending(p.ctx(), s.DB.Reader, p.BoundTo, p.User.ID, s.Now())
	switch {
	case isGone(err):
		return pending, false, p.redirect("")
	case err == nil && pending.Target == "":
		return pending, false, p.redirect("/phone/text")
	}
	return pending, err == nil, err
}

func (s *Setup) sentCodePage(f factor.Sent) func(*Place) error {
	return func(p *Place) error {
		pending, ok, err := s.pendingTarget(p, f)
		if err != nil || !ok {
			return err
		}
		return s.showSentCode(p, f, pending, 0, nil)
	}
}

func (s *Setup) showSentCode(p *Place, f factor.Sent, pending factor.PendingTarget, triesLeft int, problem *page.Problem) error {
	code, err := f.SentForEnrolment(p.ctx(), s.DB.Reader, p.BoundTo)
	if err != nil && !isGone(err) {
		return err
	}
	return p.Show(page.SetUpCode{
		Method: string(f.Kind), Target: f.Mask(pending.Target), Sent: factor.Progress(code, s.Now()), TriesLeft: triesLeft, BackURL: p.Path(""),
	}, problem)
}

func (s *Setup) sentCodePost(f factor.Sent) func(*Place) error {
	return func(p *Place) error {
		pending, ok, err := s.pendingTarget(p, f)
		if err != nil || !ok {
			return err
		}
		again := func(triesLeft int, problem *page.Problem) error {
			return s.showSentCode(p, f, pending, triesLeft, problem)
		}
		if p.R.PostFormValue("resend") == "1" {
			return s.send(p, f, func(problem *page.Problem) error { return again(0, problem) }, func(ctx context.Context, tx *storage.Tx) (string, error) {
				return f.Resend(ctx, tx, p.wish(pending.Target, s.Now()))
			})
		}
		code := factor.Clean(p.R.PostFormValue("code"))
		if problem := factor.FormatProblem(f.Kind, code); problem != nil {
			return again(0, problem)
		}
		ctx, now := p.ctx(), s.Now()
		a := Activation{Method: f.Kind, Proof: policy.Proof{Method: f.Kind, At: now}, TwoStep: true}
		var verdict factor.Verdict
		err = s.DB.Write(ctx, func(tx *storage.Tx) (err error) {
			if verdict, err = f.Finish(ctx, tx, p.entry(code, now), p.Lost(f.Kind)); err != nil {
				return err
			}
			return p.tried(tx, a, verdict)
		})
		return p.settle(a, verdict, err, again)
	}
}
