package idp

import (
	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// codeStands asks the same of a code, which doesn't outlive its session even
// where what it is exchanged for does: one that was issued at the moment its
// session was ended is worth nothing.
func (p *Provider) codeStands(client *storage.Client, st *storage.Standing, d details) error {
	asked := *st
	asked.Grant.Offline = false
	return p.stands(client, &asked, d)
}

// stands asks the policy whether a grant still stands: nil, or invalid_grant.
func (p *Provider) stands(client *storage.Client, st *storage.Standing, d details) error {
	decision := policy.Stands(p.held(client, st, d))
	if decision.Do != policy.Pass {
		return decided(invalidGrant, decision.Reason)
	}
	return nil
}

// held is what decides whether a grant is still good for a product.
func (p *Provider) held(client *storage.Client, st *storage.Standing, d details) policy.Held {
	return policy.Held{
		PersonDisabled: !st.User.DisabledAt.IsZero(),
		SessionEnded:   st.SessionEnded,
		Offline:        st.Grant.Offline,
		Revoked:        !st.Grant.RevokedAt.IsZero() || !st.Grant.ExpiresAt.After(p.Now()),
		ProductClosed:  session.ProductClosed(client, &st.User),
		ProductName:    client.Name,
		Level:          d.Assurance.Level,
		MinLevel:       session.MinLevel(client),
	}
}
