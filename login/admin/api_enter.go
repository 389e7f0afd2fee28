package admin

import (
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/login/admin/govern"
	"github.com/sallyport-id/sallyport/storage"
)

// tokenForm is b64token of RFC 6750 section 2.1.
var tokenForm = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// enter finds out who calls, and whether they may: by a token in the header
// alone, never in an address or a form, where logs and histories keep it.
func (a *API) enter(c *call) error {
	if err := c.present(); err != nil {
		return err
	}
	b, err := a.Bearer(c.ctx(), c.presented)
	if errors.Is(err, session.ErrNoBearer) {
		return problem{Code: codeBadToken, challenge: []string{quoted("error", "invalid_token")}}
	}
	if wrong, ok := errors.AsType[*session.ProofError](err); ok {
		// RFC 9449 sections 7.1 and 9.
		return problem{Code: codeBadProof, Detail: wrong.Description, challenge: []string{quoted("error", wrong.Code)}}
	}
	if err != nil {
		return err
	}
	from := session.OriginOf(c.ctx())
	c.bearer = b
	c.by = govern.Actor{OrgID: b.OrgID, ClientID: b.ClientID, Scopes: b.Scope, Address: from.Addr.String(), RequestID: from.RequestID}
	if b.User != nil {
		c.by.UserID, c.by.Vouches = b.User.ID, !b.MFATime.Before(a.now().Add(-policy.FreshFor))
	}
	if wait := takeCall(&a.calls, b, a.now()); wait > 0 {
		return problem{Code: codeTooMany, wait: wait}
	}
	if b.User == nil {
		return a.machineMayEnter(c)
	}
	return personMayEnter(b)
}

// present reads the access token, by the scheme Bearer or DPoP.
func (c *call) present() error {
	c.presented.Request, c.presented.Answer = c.r, c.w.Header()
	sent := c.r.Header.Values("Authorization")
	if len(sent) == 0 {
		return problem{Code: codeNoToken}
	}
	scheme, token, _ := strings.Cut(sent[0], " ")
	token = strings.TrimSpace(token)
	c.presented.DPoP = strings.EqualFold(scheme, "DPoP")
	switch {
	case !c.presented.DPoP && !strings.EqualFold(scheme, "Bearer") && len(sent) == 1:
		return problem{Code: codeNoToken}
	case len(sent) > 1, !tokenForm.MatchString(token):
		return problem{Code: codeBadRequest, challenge: []string{quoted("error", "invalid_request")}}
	}
	c.presented.Secret = token
	return nil
}

// personMayEnter asks of a person's token what the console asks of a session.
func personMayEnter(b *session.Bearer) error {
	if b.Level >= policy.TwoFactors {
		return nil
	}
	// RFC 9470 section 3.
	return problem{Code: codeTwoFactors, challenge: []string{
		quoted("error", "insufficient_user_authentication"), quoted("error_description", "two factors are needed here"),
		quoted("acr_values", policy.TwoFactors.ACR()),
	}}
}

// refusedEvery is how often the audit says that a machine called in vain.
const refusedEvery = time.Minute

// machineMayEnter asks the company that a machine acts for, at every call: the
// rules may have changed since the token was given out, and the address too.
func (a *API) machineMayEnter(c *call) error {
	b := c.bearer
	if b.OrgID == "" {
		return nil
	}
	company, err := a.Govern.Sessions.Company(c.ctx(), b.OrgID)
	if err != nil {
		return err
	}
	from := session.OriginOf(c.ctx())
	reason, may := policy.MachineMayEnter(company, from.Addr)
	if may {
		return nil
	}
	if a.refused.due(b.ClientID, a.now(), refusedEvery) {
		err = a.Govern.DB.Write(c.ctx(), func(tx *storage.Tx) error {
			return tx.Audit(c.ctx(), storage.Event{
				At: a.now(), Event: "api.refused", Result: storage.Refused, OrgID: b.OrgID, ClientID: b.ClientID, Actor: "product:" + b.ClientID,
				IP: from.Addr.String(), Reason: reason.String(), Decision: string(reason.Code), RequestID: from.RequestID,
			})
		})
		if err != nil {
			return err
		}
	}
	return problem{Code: codeNetwork, Detail: reason.String() + ": an administrator of " + company.Name + " names this client's addresses under Networks, Machine access."}
}
