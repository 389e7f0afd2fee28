package govern

import (
	"cmp"
	"context"
	"net/netip"
	"slices"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/idp/session"
	"github.com/sallyport-id/sallyport/storage"
)

// SignInTest is how a sign-in would go.
type SignInTest struct {
	Verdict SignInVerdict
	// Refusal is why it is refused. Its code is policy.ByRecovery where only a
	// recovery code would let the person in.
	Refusal policy.Reason
	// Decision is the first one after the password, Demands are all who want
	// more than that, and whether what the person would have shown by the end
	// meets it.
	Decision policy.Decision
	Demands  []policy.Demand
}

// SignInVerdict sums a sign-in up.
type SignInVerdict string

// The verdicts.
const (
	SignInAsked    SignInVerdict = "asked"
	SignInNotAsked SignInVerdict = "not_asked"
	// SignInSetUp: a second factor must be set up; SignInMaySetUp: that can be
	// put off.
	SignInSetUp    SignInVerdict = "set_up"
	SignInMaySetUp SignInVerdict = "may_set_up"
	SignInRefused  SignInVerdict = "refused"
)

// TestSignIn says how a person would sign in to a product ("": their own
// account) from an address, by the rules as they are: with their password,
// then with what they have. storage.ErrNotFound where the company has no such
// person, or there is no such product.
func (g *Govern) TestSignIn(ctx context.Context, by Actor, org, email, productID string, from netip.Addr) (t SignInTest, err error) {
	err = g.read(ctx, by, SeeRules, org, func(r storage.Reader) error {
		u, err := r.UserByEmail(ctx, email)
		if err == nil && u.OrgID != org {
			err = notFound("person")
		}
		if err != nil {
			return err
		}
		if productID == "" {
			productID = ownPages
		}
		client, err := r.Client(ctx, productID)
		if err != nil {
			return err
		}
		if productID != ownPages {
			if _, open, err := openToCompany(ctx, r, client, org); err != nil || !open {
				return cmp.Or(err, notFound("product"))
			}
		}
		in, err := r.Person(ctx, u.ID, client.ID)
		if err != nil {
			return err
		}
		origin := session.OriginOf(ctx)
		origin.Addr = from
		f, err := g.Sessions.Facts(session.WithOrigin(ctx, origin), session.Asked{Client: client, Person: in, Began: g.Now()})
		f.AskConsent = false
		t = signIn(f)
		return err
	})
	return t, err
}

// signIn goes through a sign-in, with whatever is asked for and there.
func signIn(f policy.Facts) (t SignInTest) {
	f.Proofs = policy.Proofs{{Method: policy.Password, At: f.Now}}
	t.Verdict, t.Decision = SignInNotAsked, policy.Decide(f)
	for d := t.Decision; ; d = policy.Decide(f) {
		t.Demands = d.Demands
		next, asked := d.Methods, d.Do == policy.Prove || d.Do == policy.Confirm
		switch {
		case d.Do == policy.Refuse:
			t.Verdict, t.Refusal = SignInRefused, d.Reason
		case asked && slices.Contains(next, policy.RecoveryCode):
			t.Verdict, t.Refusal = SignInRefused, policy.Reason{Code: policy.ByRecovery, Who: f.Company.Name}
		case d.Do == policy.Enrol && d.Later:
			t.Verdict = SignInMaySetUp
		case d.Do == policy.Enrol:
			t.Verdict = SignInSetUp
		case asked && !f.Proofs.Has(next[0]):
			t.Verdict = SignInAsked
			f.Proofs = f.Proofs.With(shown(next[0], f))
			continue
		}
		return t
	}
}

// shown is what the person proves with one of their methods.
func shown(m policy.Method, f policy.Facts) policy.Proof {
	p := policy.Proof{Method: m, At: f.Now, UserVerified: m == policy.WebAuthn}
	if m == policy.WebAuthn && f.Person.HardwareKey {
		p.Key = policy.KeyHardware
	}
	return p
}
