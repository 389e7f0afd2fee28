package policy

import "net/netip"

// MachineMayEnter says whether a company's API client may call from an
// address. A machine proves no second factor: where the company requires one
// of people, the networks it calls from stand in for that, and without such
// networks no machine gets in.
func MachineMayEnter(c Company, from netip.Addr) (Reason, bool) {
	switch networks := c.Rules.MachineFrom; {
	case len(networks) == 0 && c.Rules.Requires():
		return Reason{Code: MachineNetworks, Who: c.Name}, false
	case len(networks) > 0 && !within(networks, from):
		return Reason{Code: OutsideMachines, Who: c.Name}, false
	}
	return Reason{}, true
}
