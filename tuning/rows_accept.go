package tuning

import "fmt"

// queue is how many connections may wait to be accepted. After a loss in the network
// all viewers come back at once: 5,000 that joined within a fifth of a second were
// taken in within that time, so this many are more than half a second's.
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
			When:   "machines that open connections by the ten thousand: those that run pump-bench (doctor --generator), or pull that many streams",
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
