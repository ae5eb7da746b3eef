package settings

import (
	"net/netip"
	"testing"
)

// The policy of addresses knows IPv4 in all its forms.
func TestDatagramsReach(t *testing.T) {
	for address, want := range map[string]bool{
		"127.1.2.3": true, "10.0.0.1": true, "172.31.0.1": true, "192.168.0.1": true, "169.254.0.1": true, "fe80::1%eth0": true, "fc00::1": true, "::1": true,
		"172.32.0.1": false, "100.64.0.1": false, "224.0.0.1": false, "255.255.255.255": false, "0.0.0.0": false, "::": false, "ff02::1": false, "2001:db8::1": false,
	} {
		if got := (Datagrams{}).Reach(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s is near: %v", address, got)
		}
		if !(Datagrams{Anyone: true}).Reach(netip.MustParseAddr(address)) {
			t.Errorf("%s is not anyone", address)
		}
	}
}
