package rtpsynth

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Types of RTCP packets (RFC 3550, 12.1).
const (
	senderReport   = 200
	receiverReport = 201
	bye            = 203
)

// RTCP judges a compound RTCP packet of a track: its parts are whole, and reports and ends
// are of the track's SSRC.
func (c *Checker) RTCP(t Track, b []byte) error {
	for len(b) > 0 {
		if len(b) < 8 || b[0]>>6 != 2 {
			return fmt.Errorf("% x is no RTCP packet", b[:min(len(b), 8)])
		}
		n := 4 + 4*int(binary.BigEndian.Uint16(b[2:]))
		if n > len(b) {
			return fmt.Errorf("an RTCP packet of %d bytes is cut at %d", n, len(b))
		}
		if err := c.part(t, b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// part judges one RTCP packet.
func (c *Checker) part(t Track, b []byte) error {
	s, ssrc := &c.track[t], binary.BigEndian.Uint32(b[4:])
	switch typ := b[1]; {
	case typ == senderReport && len(b) < 28:
		return fmt.Errorf("a sender report has %d bytes", len(b))
	case (typ == senderReport || typ == bye) && s.ssrc != 0 && ssrc != s.ssrc:
		return fmt.Errorf("on track %d, whose SSRC is %08x, comes RTCP of %08x", t, s.ssrc, ssrc)
	case typ == senderReport:
		if c.counts.Byes[t] > 0 {
			return errors.New("a report comes after the end of its track")
		}
		s.ssrc, s.reported = ssrc, true
		s.reportNTP, s.reportTime = binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint32(b[16:])
		c.counts.Reports[t]++
	case typ == bye:
		if b[0]&0x1F != 1 {
			return fmt.Errorf("an end names %d sources", b[0]&0x1F)
		}
		c.counts.Byes[t]++
	case typ != receiverReport && !c.Loose:
		return fmt.Errorf("RTCP of type %d comes, and sources send none here", typ)
	}
	return nil
}

// ZeroClock is what the wall clock was, by the newest report of a track, when the run of
// its newest packet began; ok is false before both have come. It is the same for all
// tracks, or players show pictures and sound apart.
func (c *Checker) ZeroClock(t Track) (at time.Time, ok bool) {
	s := &c.track[t]
	if s.spec == nil || !s.reported {
		return at, false
	}
	behind := time.Duration(int32(s.reportTime-s.time)) * time.Second / time.Duration(s.spec.clock(t))
	return fromNTP(s.reportNTP).Add(-behind - s.spec.due(t, s.n)), true
}
