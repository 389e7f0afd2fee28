package policy

import (
	"net/netip"
	"testing"
)

func TestMachineMayEnter(t *testing.T) {
	machines := func(ranges ...string) fact {
		return func(f *Facts) { f.Company.Rules.MachineFrom = prefixes(ranges) }
	}
	for _, tt := range []struct {
		situation string
		facts     Facts
		want      ReasonCode
	}{
		{"Acme requires nothing", facts(), NoReason},
		{"two factors are optional", facts(staff(Optional)), NoReason},
		{"required, and no networks", facts(staff(Required)), MachineNetworks},
		{"required of clients alone", facts(clients(Required)), MachineNetworks},
		{"required of administrators alone", facts(admins(Required)), MachineNetworks},
		{"required, from one of the networks", facts(staff(Required), machines("198.51.100.0/24", "203.0.113.0/24")), NoReason},
		{"written as IPv6", facts(staff(Required), machines("203.0.113.0/24"), from("::ffff:203.0.113.7")), NoReason},
		{"required, from elsewhere", facts(staff(Required), machines("198.51.100.0/24")), OutsideMachines},
		{"networks hold where nothing is required, too", facts(machines("198.51.100.0/24")), OutsideMachines},
		{"from nowhere", facts(machines("0.0.0.0/0"), func(f *Facts) { f.Network.Addr = netip.Addr{} }), OutsideMachines},
	} {
		reason, ok := MachineMayEnter(tt.facts.Company, tt.facts.Network.Addr)
		if reason.Code != tt.want || ok != (tt.want == NoReason) {
			t.Errorf("%s: %v %q, want %q", tt.situation, ok, reason.Code, tt.want)
		}
	}
}
