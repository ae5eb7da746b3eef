package rtmp

import (
	"bytes"
	"encoding/binary"

	"streampump/codec"
)

// AppendJoin implements [codec.Programme]: the preamble that is valid at the packet with
// which the viewer goes on, without what that packet itself begins with. Where packets were
// left out for it, and it has the only one that there ever was, it gets nothing; otherwise
// the headers have the packet's time, because no player likes to be sent back.
func (g *programme) AppendJoin(dst []byte, _ codec.Form, first []byte, left uint64) []byte {
	hs := *g.heads.Load()
	if len(first) == 0 || left > 0 && hs.newest().number == 0 {
		return dst
	}
	k, time := firstMessage(first)
	h := hs.at(k, time)
	if left == 0 {
		time = 0
	}
	return h.set.append(dst, time, first)
}

// firstMessage is the kind and the time of the first message in a packet that has a time:
// metadata, which has none, goes before another.
func firstMessage(packet []byte) (k kind, time uint32) {
	for {
		m, rest := cut(packet)
		if k, _ = kindOf(m.typ); m.typ != typeData || len(rest) == 0 {
			return k, m.time
		}
		packet = rest
	}
}

// leads reports whether a packet begins with a message, ahead of that for which it was made.
func leads(packet []byte, typ uint8, body []byte) bool {
	for {
		m, rest := cut(packet)
		if len(rest) == 0 {
			return false
		}
		if m.typ == typ && bytes.Equal(m.body, body) {
			return true
		}
		packet = rest
	}
}

// cut takes the first message off a packet, without its body if that has several chunks.
func cut(packet []byte) (m message, rest []byte) {
	if len(packet) < headSize {
		return message{}, nil
	}
	size, head := int(u24(packet[4:])), headSize
	m.typ, m.time = packet[7], u24(packet[1:])
	if m.time == longTime && len(packet) >= headSize+4 {
		m.time, head = binary.BigEndian.Uint32(packet[headSize:]), headSize+4
	}
	whole := messageSize(m.time, size)
	if whole > len(packet) {
		return m, nil
	}
	if size <= ourChunk {
		m.body = packet[head:whole]
	}
	return m, packet[whole:]
}
