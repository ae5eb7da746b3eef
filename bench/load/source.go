package load

import "net/netip"

const (
	// perSource is how many players of one run have the same address: fewer
	// than what servers allow one address to open at once (256 connections
	// without a request, at the pump), and than ports.
	perSource = 100

	// sources is how many addresses there are at most: 127.1.0.1 to 127.1.255.250.
	sources = 256 * 250
)

// sourceOf is the address that a player connects from, or the zero Addr where
// the system chooses: only on loopback are there addresses to spread over.
func sourceOf(player int, server netip.Addr) netip.Addr {
	if !server.Is4() || !server.IsLoopback() || player < perSource {
		return netip.Addr{}
	}
	k := player / perSource % sources
	return netip.AddrFrom4([4]byte{127, 1, byte(k / 250), byte(1 + k%250)})
}
