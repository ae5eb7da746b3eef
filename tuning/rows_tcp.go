package tuning

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The bounds within which fanout.notsent_lowat is left alone.
const (
	leastLowat = 32 << 10  // less, and a loop comes back to each viewer for every few packets
	mostLowat  = 256 << 10 // more, and a stalled viewer's old data is kept twice
)

const ipSysctl = "Linux, Documentation/networking/ip-sysctl.rst: "

// tcpRows are about connections that carry a stream.
func tcpRows() []Row {
	return []Row{
		{
			Name: "net.ipv4.tcp_congestion_control", Value: "bbr",
			Reason: "A live stream has to pass its bottleneck steadily. BBR paces what it sends at the rate that gets through; loss-based algorithms fill the bottleneck's queue first, which is delay for everybody behind it, and cut their rate at each random loss.",
			Source: "Cardwell and others, BBR: Congestion-Based Congestion Control, ACM Queue 14(5), 2016; tcp(7). On loopback we measured the same CPU as with reno",
			When:   "always",
			Cost:   "Viewers on radio links or behind full queues stall and are moved forward more often; seconds of delay in the queue before them.",
			File:   Written,
			look:   lookCongestion,
		},
		{
			Name: "net.ipv4.tcp_slow_start_after_idle", Value: "0",
			Reason: "After a pause longer than the retransmission timeout the kernel begins again with ten packets a round trip. A held source, or one of few packets a second, makes such pauses all day.",
			Source: ipSysctl + "tcp_slow_start_after_idle; RFC 5681, 4.1",
			When:   "always",
			Cost:   "After each pause the next key frame takes several round trips more.",
			File:   Written,
		},
		{
			Name: "net.ipv4.tcp_wmem", Value: "4096 16384 4194304", Unit: "bytes: least, first, most",
			Reason: "What may be sent and not yet acknowledged: 4 MiB is 100 Mbit/s at a third of a second. What is not sent yet is bounded by fanout.notsent_lowat instead, so more does no harm.",
			Source: "tcp(7); " + ipSysctl + "tcp_wmem. These are the kernel's defaults",
			When:   "always",
			Cost:   "Far viewers cannot take a stream of some Mbit/s, though their line could.",
			File:   Left, holds: atLeast,
		},
		{
			Name: "net.core.wmem_max", Value: "4194304", Unit: "bytes",
			Reason: "All players of an event loop that have their packets over UDP share its sockets. What goes to one that has vanished from a local network lies there for up to three seconds, 200 KB at most for each, and if there is no room beside it everybody waits. The kernel counts twice the number.",
			Source: "socket(7): SO_SNDBUF. In a network namespace, with the kernel's default five players that vanished held up 275 of 293 sends to another, and none with this",
			When:   "where players over RTSP may have UDP (rtsp_udp), unless the pump starts as root, which may take more by itself",
			Cost:   "A few players that vanish hold up all others over UDP, for seconds.",
			File:   Left, holds: atLeast,
			away: func(b *Box) string {
				if b.Use.Datagrams {
					return ""
				}
				return "no player gets UDP here"
			},
		},
		{
			Name: "net.core.rmem_max", Value: "2097152", Unit: "bytes",
			Reason: "What an encoder or a camera sends over UDP waits in its socket until the pump comes to it, and nothing slows it down: a large key frame comes all at once. The kernel counts twice the number, and for each packet more than it has.",
			Source: "socket(7): SO_RCVBUF. In the kernel's default 180 packets have room, in this 1,800; a key frame of 500 KB has 350",
			When:   "where encoders and cameras over RTSP may send over UDP (rtsp_udp)",
			Cost:   "Parts of key frames are lost, and pictures are damaged until the next.",
			File:   Left, holds: atLeast,
			away: func(b *Box) string {
				if b.Use.Hears {
					return ""
				}
				return "no encoder or camera sends over UDP here"
			},
		},
		{
			Name: "net.ipv4.tcp_rmem", Value: "4096 131072 6291456", Unit: "bytes: least, first, most",
			Reason: "What an encoder or a source may have under way to us. Viewers send next to nothing, and the kernel takes memory only for what arrives.",
			Source: "tcp(7); " + ipSysctl + "tcp_rmem. These are the kernel's defaults",
			When:   "always",
			Cost:   "A far encoder or source cannot send at its full rate.",
			File:   Left, holds: atLeast,
		},
		{
			Name: "net.ipv4.tcp_mem", Value: "computed from the viewers, at most a quarter of the memory", Unit: "pages of 4 KiB, the second number",
			Reason: "Above its second number the kernel shrinks the buffers of all connections, above the third it drops. There should be room for one viewer in twenty that has stalled.",
			Source: fmt.Sprintf("tcp(7). We measured 0.27 MB of kernel memory for a viewer that has stalled, and count %d KiB", StalledBytes>>10),
			When:   "always; without limits.connections or limits.viewers in the configuration, for 20,000 viewers",
			Cost:   "When many viewers stall, those that do not are slowed down too.",
			File:   Left,
			want:   tcpPages,
			look:   lookTCPMemory,
		},
		{
			Name: "fanout.notsent_lowat", Value: strconv.Itoa(NotSentLowat), Unit: "bytes",
			Reason: "How much the kernel takes for a viewer beyond what it has sent. The pump's listeners have it and hand it on to each connection, so the system's own net.ipv4.tcp_notsent_lowat does not matter.",
			Source: "tcp(7): TCP_NOTSENT_LOWAT. We measured 1.0 MB of kernel memory for a stalled viewer without it and 0.27 MB with 64 KiB, at the same CPU within the noise",
			When:   "always",
			Cost:   "Above 256 KiB, a stalled viewer holds up to 4 MB of kernel memory, and old data is sent before it is moved forward. Below 32 KiB, more and shorter writes.",
			look:   lookLowat,
		},
	}
}

func lookCongestion(r *Row, b *Box) []Finding {
	found := lookSysctl(r, b)
	f := &found[0]
	if f.State != Change {
		return found
	}
	have, err := readWords(b.Root, "proc/sys/net/ipv4/tcp_available_congestion_control")
	if err == nil && !slices.Contains(strings.Fields(have), r.Value) {
		f.Note = "the kernel has only " + have + " loaded"
		f.Fix = append([]string{"modprobe tcp_bbr && echo tcp_bbr > /etc/modules-load.d/stream-pump.conf"}, f.Fix...)
	}
	return found
}

func lookTCPMemory(r *Row, b *Box) []Finding {
	want := r.wanted(b)
	is, err := readWords(b.Root, sysctlFile(r.Name))
	if err != nil {
		return []Finding{unread("at least "+want, err)}
	}
	n, ok := numbers(is)
	if !ok || len(n) != 3 {
		return []Finding{unread("at least "+want, fmt.Errorf("%q is not three numbers", is))}
	}
	pages, _ := strconv.ParseUint(want, 10, 64)
	f := Finding{State: OK, Is: strconv.FormatUint(n[1], 10), Want: "at least " + want}
	if n[1] < pages {
		f.State = Change
		f.Fix = []string{setSysctl(r.Name, fmt.Sprintf("%d %d %d", pages/4*3, pages, pages/4*6))} // the kernel's own ratios
	}
	return []Finding{f}
}

func lookLowat(r *Row, b *Box) []Finding {
	bytes := b.Use.NotSentLowat
	if bytes == 0 {
		bytes = NotSentLowat
	}
	f := Finding{State: OK, Is: strconv.Itoa(bytes), Want: fmt.Sprintf("from %d to %d", leastLowat, mostLowat)}
	if bytes < leastLowat || bytes > mostLowat {
		f.State = Change
		f.Fix = []string{`"fanout": {"notsent_lowat": ` + r.Value + `}    # in the configuration`}
	}
	return []Finding{f}
}
