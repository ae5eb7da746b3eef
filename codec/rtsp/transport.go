package rtsp

import (
	"strconv"
	"strings"

	"streampump/codec/http1"
)

// transport is one way to carry a track's packets, as a peer asks for it or answers with
// it (RFC 2326, 12.39).
type transport struct {
	// interleaved says that the packets go between the messages of the connection.
	interleaved bool
	// channels are those that the peer names for the packets and for the reports about
	// them, if it names any.
	channels [2]uint8
	named    bool
	// odd says that the peer names what cannot be channels.
	odd bool
	// datagrams says that the packets go by UDP, to the peer's ports for the packets and
	// for the reports about them.
	datagrams bool
	ports     [2]uint16
	// apart says that the packets go by UDP from one to one, whether ports are named or not;
	// from are the server's, 0 if it names none, and source the address that it gives for
	// them, as it stands.
	apart  bool
	from   [2]uint16
	source string
	// record says that the packets go to the server.
	record bool
}

// transportOf finds the first of the transports that a message offers, in its order, that
// can be had; ok is false if there is none. datagrams says whether those by UDP can, and
// record whether the packets are to come to us.
func transportOf(f http1.Fields, datagrams, record bool) (t transport, ok bool) {
	for list := range f.All("Transport") {
		for list != "" {
			var spec string
			spec, list = cutSpec(list)
			if t = parseTransport(spec); t.interleaved || t.datagrams && datagrams && (record || !t.record) {
				return t, true
			}
		}
	}
	return transport{}, false
}

// cutSpec takes the first transport off a list that commas separate; those in quotes
// separate nothing.
func cutSpec(list string) (spec, rest string) {
	quoted := false
	for i := range len(list) {
		switch c := list[i]; {
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			return list[:i], list[i+1:]
		}
	}
	return list, ""
}

// parseTransport reads one transport. What is not understood is passed over, so are the
// addresses that a peer wants packets sent to: they go to nobody but the connection's peer.
func parseTransport(spec string) (t transport) {
	name, rest, _ := strings.Cut(spec, ";")
	name = strings.TrimSpace(name)
	plain := strings.EqualFold(name, "RTP/AVP")
	t.interleaved = strings.EqualFold(name, "RTP/AVP/TCP")
	multicast, named := false, false
	for rest != "" {
		var one string
		one, rest, _ = strings.Cut(rest, ";")
		key, value, _ := strings.Cut(one, "=")
		value = strings.Trim(value, " \t\"")
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "interleaved":
			t.channels, t.named = parseChannels(value)
			t.odd = !t.named
			// Some cameras leave out that it is TCP (Escam).
			t.interleaved = t.interleaved || plain
		case "client_port":
			t.ports, named = parsePorts(value)
		case "server_port":
			t.from, _ = parsePorts(value)
		case "source":
			t.source = value
		case "multicast":
			multicast = true
		case "mode":
			t.record = strings.Contains(strings.ToLower(value), "record")
		}
	}
	t.apart = (plain || strings.EqualFold(name, "RTP/AVP/UDP")) && !t.interleaved && !multicast
	t.datagrams = t.apart && named
	return t
}

// leastPort is the first port to which packets go. Those below are of services of the
// whole machine, which none of its users may have packets sent to.
const leastPort = 1024

// parsePorts reads "5000-5001", or "5000", whose reports have the next port.
func parsePorts(s string) (p [2]uint16, ok bool) {
	a, b, ok := parsePair(s, 16)
	if !ok || a < leastPort || b < leastPort || a == b {
		return p, false
	}
	return [2]uint16{uint16(a), uint16(b)}, true
}

// parseChannels reads "0-1", or "0", whose reports have the next number.
func parseChannels(s string) (c [2]uint8, ok bool) {
	a, b, ok := parsePair(s, 8)
	if !ok {
		return c, false
	}
	return [2]uint8{uint8(a), uint8(b)}, true
}

// parsePair reads two numbers of so many bits; a second that is not there is the next.
func parsePair(s string, bits int) (a, b uint64, ok bool) {
	first, second, both := strings.Cut(s, "-")
	a, err := strconv.ParseUint(strings.TrimSpace(first), 10, bits)
	if err != nil {
		return 0, 0, false
	}
	b = a + 1
	if both {
		if b, err = strconv.ParseUint(strings.TrimSpace(second), 10, bits); err != nil {
			return 0, 0, false
		}
	}
	return a, b, b < 1<<bits
}

// appendChannels appends the transport that an answer names: ffmpeg takes no more than
// one.
func appendChannels(dst []byte, c [2]uint8) []byte {
	dst = append(dst, "Transport: RTP/AVP/TCP;unicast;interleaved="...)
	dst = strconv.AppendUint(dst, uint64(c[0]), 10)
	dst = append(dst, '-')
	return strconv.AppendUint(dst, uint64(c[1]), 10)
}

// appendClient appends the transport of packets that go by UDP to a client's ports.
func appendClient(dst []byte, ports [2]uint16) []byte {
	dst = append(dst, "Transport: RTP/AVP;unicast;client_port="...)
	dst = strconv.AppendUint(dst, uint64(ports[0]), 10)
	dst = append(dst, '-')
	return strconv.AppendUint(dst, uint64(ports[1]), 10)
}

// appendPorts does the same for an answer, with the first of our own ports.
func appendPorts(dst []byte, theirs [2]uint16, ours uint16) []byte {
	dst = append(appendClient(dst, theirs), ";server_port="...)
	dst = strconv.AppendUint(dst, uint64(ours), 10)
	dst = append(dst, '-')
	return strconv.AppendUint(dst, uint64(ours)+1, 10)
}
