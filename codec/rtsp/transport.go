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
	// record says that the packets go to the server.
	record bool
}

// interleavedTransport finds the first of the transports that a message offers, in its
// order, whose packets go between the messages; ok is false if there is none.
func interleavedTransport(f http1.Fields) (t transport, ok bool) {
	for list := range f.All("Transport") {
		for list != "" {
			var spec string
			spec, list = cutSpec(list)
			if t = parseTransport(spec); t.interleaved {
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

// parseTransport reads one transport. What is not understood is passed over, so are
// addresses: packets go to nobody but the connection's peer.
func parseTransport(spec string) (t transport) {
	name, rest, _ := strings.Cut(spec, ";")
	name = strings.TrimSpace(name)
	t.interleaved = strings.EqualFold(name, "RTP/AVP/TCP")
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
			t.interleaved = t.interleaved || strings.EqualFold(name, "RTP/AVP")
		case "mode":
			t.record = strings.Contains(strings.ToLower(value), "record")
		}
	}
	return t
}

// parseChannels reads "0-1", or "0", whose reports have the next number.
func parseChannels(s string) (c [2]uint8, ok bool) {
	first, second, both := strings.Cut(s, "-")
	a, err := strconv.ParseUint(strings.TrimSpace(first), 10, 8)
	if err != nil {
		return c, false
	}
	b := a + 1
	if both {
		if b, err = strconv.ParseUint(strings.TrimSpace(second), 10, 8); err != nil {
			return c, false
		}
	}
	return [2]uint8{uint8(a), uint8(b)}, b <= 255
}

// appendChannels appends the transport that an answer names: ffmpeg takes no more than
// one.
func appendChannels(dst []byte, c [2]uint8) []byte {
	dst = append(dst, "Transport: RTP/AVP/TCP;unicast;interleaved="...)
	dst = strconv.AppendUint(dst, uint64(c[0]), 10)
	dst = append(dst, '-')
	return strconv.AppendUint(dst, uint64(c[1]), 10)
}
