package rtsp

import (
	"encoding/binary"

	"streampump/codec"
	"streampump/codec/rtp"
)

// AppendJoin implements [codec.Programme]: a report on each of the viewer's tracks, of
// the moment of the packet that it goes on with. Without them, ffmpeg lets the sound jump
// when the first one comes; with those of another moment, its time begins before 0 or
// behind it.
func (g *programme) AppendJoin(dst []byte, f codec.Form, first []byte) []byte {
	kept := g.joins.Load()
	if kept == nil {
		return dst
	}
	m := g.now.Load()
	ntp, known := m.timeOf(*kept, first)
	for i, sr := range *kept {
		if sr.SSRC == 0 || !m.inForm(f, i) {
			continue // no packet of the track has come; the report comes with the first
		}
		if known {
			sr = m.list[i].reportAt(sr, ntp)
		}
		dst = appendReportFrame(dst, i, sr)
	}
	return dst
}

// timeOf is the NTP time of the first RTP packet in frames; known is false if there is
// none, or nothing has been reported on its track.
func (m *media) timeOf(kept []rtp.SenderReport, frames []byte) (ntp uint64, known bool) {
	for len(frames) >= frameHead+rtp.HeaderSize {
		channel, size := frames[1], frameHead+int(binary.BigEndian.Uint16(frames[2:]))
		if track := int(channel / 2); channel == packetChannel(track) {
			sr := &kept[track]
			ahead := int64(int32(binary.BigEndian.Uint32(frames[frameHead+4:]) - sr.Time))
			c := timing{clock: int64(m.list[track].clock)}
			return sr.NTP + c.ntp(ahead), sr.SSRC != 0
		}
		frames = frames[min(size, len(frames)):]
	}
	return 0, false
}

// reportAt is a report moved to another moment.
func (t *track) reportAt(sr rtp.SenderReport, ntp uint64) rtp.SenderReport {
	by := int64(ntp - sr.NTP)
	clock := int64(t.clock)
	sr.Time += uint32(by>>32*clock + ((by&(1<<32-1))*clock+1<<31)>>32)
	sr.NTP = ntp
	return sr
}
