package rtmp

import (
	"encoding/binary"

	"streampump/codec"
)

// AppendJoin implements [codec.Programme]: the preamble that is valid at the packet with
// which the viewer goes on. Where packets were left out for it, and it has the only one that
// there ever was, it gets nothing; otherwise the headers have the packet's time, because no
// player likes to be sent back.
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
	return h.set.append(dst, time)
}

// firstMessage is the kind and the time of the first message in a packet that has a time:
// metadata, which has none, goes before another.
func firstMessage(packet []byte) (k kind, time uint32) {
	for len(packet) >= headSize {
		size, typ := int(u24(packet[4:])), packet[7]
		head := headSize
		if time = u24(packet[1:]); time == longTime && len(packet) >= headSize+4 {
			time, head = binary.BigEndian.Uint32(packet[headSize:]), headSize+4
		}
		k, _ = kindOf(typ)
		if typ != typeData || head+size >= len(packet) {
			break
		}
		packet = packet[head+size:]
	}
	return k, time
}
