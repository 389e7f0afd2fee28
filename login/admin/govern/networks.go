package govern

import (
	"context"
	"net/netip"
	"slices"

	"github.com/sallyport-id/sallyport/idp/policy"
	"github.com/sallyport-id/sallyport/storage"
)

// NetworkTest is what can be done from an address.
type NetworkTest struct {
	// SignIn and Machines: people may sign in, API clients may call.
	SignIn   bool `json:"sign_in"`
	Machines bool `json:"machines"`
	// Asked: some people are asked for a second factor because of the address.
	Asked bool `json:"asked"`
}

// TestNetwork says what the rules of a company, as they are, let be done from
// an address.
func (g *Govern) TestNetwork(ctx context.Context, by Actor, org string, from netip.Addr) (t NetworkTest, err error) {
	err = g.read(ctx, by, SeeRules, org, func(r storage.Reader) error {
		c, err := g.company(ctx, r, org)
		t = testNetwork(c, g, from)
		return err
	})
	return t, err
}

func testNetwork(c policy.Company, g *Govern, from netip.Addr) (t NetworkTest) {
	for _, who := range []policy.Person{{Kind: policy.Staff}, {Kind: policy.Client}, {Kind: policy.Staff, Role: policy.Administrator}} {
		f := policy.Facts{
			Now: g.Now(), Known: true, Person: who, Company: c, Network: policy.Network{Addr: from}, Proofs: policy.Proofs{{Method: policy.Password, At: g.Now()}},
		}
		d := policy.Decide(f)
		t.SignIn = d.Reason.Code != policy.OutsideNetworks
		t.Asked = t.Asked || slices.ContainsFunc(d.Demands, func(d policy.Demand) bool { return d.Reason.Code == policy.ByNetwork })
	}
	_, t.Machines = policy.MachineMayEnter(c, from)
	return t
}

// StoppedMachines are the API clients of a company that its rules refuse as
// they are, wherever they call from.
func (g *Govern) StoppedMachines(ctx context.Context, by Actor, org string) (all []Machine, err error) {
	err = g.read(ctx, by, SeeRules, org, func(r storage.Reader) error {
		c, err := g.company(ctx, r, org)
		if err != nil {
			return err
		}
		all, err = stopped(ctx, r, org, c)
		return err
	})
	return all, err
}
