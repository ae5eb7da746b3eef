package tuning

import (
	"fmt"
	"strconv"
)

// queue is how many connections may wait to be accepted. After a loss in the
// network all viewers come back at once: 5,000 that joined within a fifth of a
// second were taken in as long, so that this many is more than half a second's.
const queue = "16384"

// manyPulls is where the ports of the kernel's default range begin to matter.
const manyPulls = 10_000

// acceptRows are about connections that begin.
func acceptRows() []Row {
	return []Row{
		{
			Name: "net.core.somaxconn", Value: queue, Unit: "connections",
			Reason: "How many complete connections wait for the pump to accept them. When the network comes back, all viewers do at once.",
			Source: "listen(2); Linux, Documentation/admin-guide/sysctl/net.rst: somaxconn",
			When:   "always",
			Cost:   "In a storm of joins, the rest wait for TCP to try again: 1, 3, 7 seconds. Of 1,000 that joined a server with a short queue at once, 787 played after 12 seconds.",
			File:   Written, holds: atLeast,
		},
		{
			Name: "net.ipv4.tcp_max_syn_backlog", Value: queue, Unit: "connections",
			Reason: "How many connections may be half open. It goes with somaxconn: each complete connection was half open for one round trip.",
			Source: "tcp(7); Linux, Documentation/networking/ip-sysctl.rst: tcp_max_syn_backlog",
			When:   "always",
			Cost:   "In a storm of joins the kernel answers with SYN cookies, which lose TCP options, or drops them where cookies are off.",
			File:   Written, holds: atLeast,
		},
		{
			Name: "net.ipv4.ip_local_port_range", Value: "10240 65535", Unit: "ports",
			Reason: "A connection that is opened here takes one of these ports, for each address it goes to and comes from.",
			Source: "ip(7); Linux, Documentation/networking/ip-sysctl.rst: ip_local_port_range",
			When:   "machines that open connections by the ten thousand: those that run pump-bench (doctor --generator), or fetch so many streams",
			Cost:   "Further connections fail with \"cannot assign requested address\".",
			File:   Offered, holds: span,
			away: func(b *Box) string {
				if b.Use.Generator || b.Use.Pulls >= manyPulls {
					return ""
				}
				return fmt.Sprintf("this box fetches %s and opens few connections of its own; --generator looks at it as one that makes load",
					count(b.Use.Pulls, "stream"))
			},
		},
	}
}

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
