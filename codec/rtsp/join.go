package rtsp

import (
	"encoding/binary"

	"streampump/codec"
	"streampump/codec/rtp"
)

// farHole is how many packets of the backlog left out may be so many numbers of a track
// that ffmpeg drops the packet behind them (RFC 3550 A.1): each has one, and up to maxHeld
// that were held for it. What the source itself has lost is not counted.
const farHole = maxHole / (1 + maxHeld)

// AppendJoin implements [codec.Programme]: a report on each of the viewer's tracks, of
// the moment of the packet that it goes on with. Without them, ffmpeg lets the sound jump
// when the first one comes; with those of another moment, its time begins before 0 or
// behind it.
//
// Behind a far hole there is a packet to be dropped, too: see [media.appendBlank].
func (g *programme) AppendJoin(dst []byte, f codec.Form, first []byte, left uint64) []byte {
	kept := g.joins.Load()
	if kept == nil {
		return dst
	}
	m := g.now.Load()
	track, packet := firstPacket(first)
	ntp, known := m.timeOf(*kept, track, packet)
	for i, sr := range *kept {
		if sr.SSRC == 0 || !m.inForm(f, i) {
			continue // no packet of the track has come; the report comes with the first
		}
		if known {
			sr = m.list[i].reportAt(sr, ntp)
		}
		dst = appendReportFrame(dst, i, sr)
	}
	if left >= farHole && track != none && track == m.lead && m.inForm(f, track) {
		dst = m.appendBlank(dst, packet)
	}
	return dst
}

// firstPacket is the first RTP packet in frames; track is none if there is none.
func firstPacket(frames []byte) (track int, packet []byte) {
	for len(frames) >= frameHead+rtp.HeaderSize {
		channel, size := frames[1], frameHead+int(binary.BigEndian.Uint16(frames[2:]))
		size = min(size, len(frames))
		if track = int(channel / 2); channel == packetChannel(track) {
			return track, frames[frameHead:size]
		}
		frames = frames[size:]
	}
	return none, nil
}

// timeOf is the NTP time of a track's packet; known is false if there is none, or nothing
// has been reported on its track.
func (m *media) timeOf(kept []rtp.SenderReport, track int, packet []byte) (ntp uint64, known bool) {
	if track == none {
		return 0, false
	}
	sr := &kept[track]
	ahead := int64(int32(binary.BigEndian.Uint32(packet[4:]) - sr.Time))
	c := timing{clock: int64(m.list[track].clock)}
	return sr.NTP + c.ntp(ahead), sr.SSRC != 0
}

// appendBlank appends a packet in front of the lead's first, with the number before, that
// belongs to the same access unit and says nothing. Who drops it, as ffmpeg does, has the
// access unit whole; who takes it has one that begins with a delimiter, or with a second
// one. Nothing is appended where the first packet says nothing itself, or where the format
// has no such payload. Other tracks lose a packet, which is not heard.
//
// If none of the packets that were left out was the lead's, its number is that of one that
// has come, and it is taken for a packet that came twice.
func (m *media) appendBlank(dst, first []byte) []byte {
	t := &m.list[m.lead]
	p, err := rtp.Parse(first)
	if err != nil || p.Type != t.typ || len(t.blank) == 0 || rtp.SaysNothing(p.Payload, t.blank) {
		return dst
	}
	p.Seq, p.Marker, p.Payload = p.Seq-1, false, t.blank
	start := len(dst)
	dst = p.Append(appendFrame(dst, packetChannel(m.lead), nil))
	setFrame(dst[start:])
	return dst
}

// reportAt is a report moved to another moment.
func (t *track) reportAt(sr rtp.SenderReport, ntp uint64) rtp.SenderReport {
	by := int64(ntp - sr.NTP)
	clock := int64(t.clock)
	sr.Time += uint32(by>>32*clock + ((by&(1<<32-1))*clock+1<<31)>>32)
	sr.NTP = ntp
	return sr
}
