package account

import (
	"slices"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/login/factor"
	"github.com/sallyport-id/sallyport/login/page"
	"github.com/sallyport-id/sallyport/storage"
)

// signalKeys is what the browser is told about the passkeys that still work,
// so that it stops offering others. The overview says it every time: it is
// where every change leads to, and a key may have been removed elsewhere, such
// as by an operator.
func (a *Account) signalKeys(v *visit, factors []*storage.Factor) (*page.SignalKeys, error) {
	ids, err := factor.CredentialIDs(factors)
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 && !slices.Contains(a.Sessions.Offered, policy.WebAuthn) {
		return nil, nil
	}
	return &page.SignalKeys{RPID: a.Factors.Keys.RPID(), UserID: factor.UserHandle(v.in.User.ID), Credentials: ids}, nil
}
