package tuning

import "strconv"

// The memory that a viewer's socket takes of the kernel, for sizing tcp_mem
// and what a box can carry.
const (
	// StalledShare is the part of all viewers that is counted as stalled at
	// any time: what our tests of stalls use, and more than a healthy day has.
	StalledShare = 0.05
	// StalledBytes is what a stalled viewer's socket holds: 0.27 MB were
	// measured with a TCP_NOTSENT_LOWAT of 64 KiB, and the default is 64 KiB more.
	StalledBytes = 336 << 10
	// FlightBytes is what the socket of a viewer that keeps up holds: what is
	// sent and not yet acknowledged, a tenth of a second of 1 Mbit/s with the
	// kernel's own structures around it.
	FlightBytes = 24 << 10
)

// SocketBytes is the kernel's memory for the data of a number of viewers.
func SocketBytes(viewers int) int64 {
	return int64(float64(viewers) * (StalledShare*StalledBytes + (1-StalledShare)*FlightBytes))
}

// PageSize is the unit of net.ipv4.tcp_mem on every machine we build for.
const PageSize = 4096

// tcpMemShare is the most of the machine's memory that a wish for TCP may be.
const tcpMemShare = 4

// tcpPages is the wanted pressure threshold of tcp_mem.
func tcpPages(b *Box) string {
	viewers := b.Use.Viewers
	if viewers == 0 {
		viewers = usualViewers
	}
	pages := SocketBytes(viewers) / PageSize
	if most := b.Machine.Memory / tcpMemShare / PageSize; most > 0 {
		pages = min(pages, most)
	}
	return strconv.FormatInt(pages, 10)
}

// usualViewers is how many a box is thought to carry where nobody says: what
// was held from one process when it was measured.
const usualViewers = 20_000
