package account

import (
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// signalKeys is what the browser is told about the passkeys that still work,
// so that it stops offering others. The overview says it every time: it is
// where every change leads to, and a key may have been removed elsewhere, such
// as by an operator.
func (a *Account) signalKeys(v *visit, factors []*storage.Factor) (*page.SignalKeys, error) {
	if a.Factors.Keys == nil {
		return nil, nil
	}
	ids, err := factor.CredentialIDs(factors)
	if err != nil {
		return nil, err
	}
	return &page.SignalKeys{RPID: a.Factors.Keys.RPID(), UserID: factor.UserHandle(v.In.User.ID), Credentials: ids}, nil
}
