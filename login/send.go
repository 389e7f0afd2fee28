package login

import (
	"errors"

	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// sendFirst sends a code on the first visit to its page in a sign-in; loading
// the page again sends nothing.
func (l *Login) sendFirst(v *visit, f factor.Sent) (*page.Problem, error) {
	_, err := l.DB.SentCode(v.ctx(), boundTo(v), string(f.Kind))
	if !errors.Is(err, storage.ErrNotFound) {
		return nil, err
	}
	return l.send(v, f)
}

// send sends a new code in place of the one before, or says why not.
func (l *Login) send(v *visit, f factor.Sent) (*page.Problem, error) {
	ctx := v.ctx()
	target, err := f.Target(ctx, l.DB.Reader, &v.person.User)
	if err != nil {
		return nil, err
	}
	var id string
	err = l.DB.Write(ctx, func(tx *storage.Tx) (err error) {
		id, err = f.Send(ctx, tx, factor.Request{User: &v.person.User, BoundTo: boundTo(v), Target: target, From: session.OriginOf(ctx).Addr, Validity: v.facts.Company.Rules.CodeValidity, At: l.Now()})
		return err
	})
	if until, tooMany := factor.IsTooMany(err); tooMany {
		return problem("", "problem.send_limit", "Until", until), nil
	}
	if err != nil {
		return nil, err
	}
	return nil, f.Deliver(ctx, id)
}

// progress is where the newest code went, masked, and how far it is.
func (l *Login) progress(v *visit, f factor.Sent) (target string, sent *page.Sent, err error) {
	if target, err = f.Target(v.ctx(), l.DB.Reader, &v.person.User); err != nil {
		return "", nil, err
	}
	code, err := l.DB.SentCode(v.ctx(), boundTo(v), string(f.Kind))
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return "", nil, err
	}
	if err != nil {
		return f.Mask(target), &page.Sent{None: true}, nil
	}
	return f.Mask(target), factor.Progress(code, l.Now()), nil
}
