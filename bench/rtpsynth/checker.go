package rtpsynth

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"streampump/bench/payload"
)

// Counts are what a checker has seen.
type Counts struct {
	// Packets are RTP packets, by track; Newest is the number of the newest, in Run.
	Packets [2]int
	Newest  [2]uint32
	Run     [2]uint32
	// Gaps are holes in the numbers, and Missing the packets in them, by track.
	Gaps, Missing [2]int
	// Reports and Byes are of RTCP, by track.
	Reports, Byes [2]int
	// Cut are pictures that had not ended when a hole came.
	Cut int
	// OffKey are holes behind which pictures go on and cannot be decoded. Only a Loose
	// checker counts them: otherwise they are an error.
	OffKey int
	// Decodes says that pictures can be decoded since some packet, or there are none.
	Decodes bool
	// Splices are changes from one run to the next, by track. At the newest of them the
	// times went on by Steps, and the beginning of the new run is by Shifts later than
	// that of the old one; if these differ, the tracks are not together any more.
	Splices       [2]int
	Steps, Shifts [2]time.Duration
}

// All is the number of RTP packets of both tracks.
func (c Counts) All() int { return c.Packets[0] + c.Packets[1] }

// Checker judges what a viewer gets. Its rules:
//
//   - a packet is the source's to the last byte, but for its sequence number, time and
//     SSRC, which are the server's;
//   - the SSRC of a track stays; the sequence numbers go on as those of the source do, and
//     from run to run without a hole; times go on as the source's do;
//   - pictures begin at a key frame, and go on at one after a hole; sound that comes with
//     pictures waits for them;
//   - in front of that key frame there may be a delimiter that is not the source's;
//   - a report of each track comes before its first packet;
//   - nothing comes after the end of a track.
//
// It is used by one goroutine.
type Checker struct {
	// Tracks are those that are set up, in the order of the description.
	Tracks []Track
	// Headless: the viewer began where there was no key frame for too long.
	Headless bool
	// Loose is for servers other than the pump: a viewer may begin anywhere and without
	// reports, pictures may go on anywhere after a hole, and the types of payloads and what
	// else comes in RTCP are the server's own.
	Loose bool
	// AnyRun takes a run that is not known for one of the first source.
	AnyRun  bool
	runs    *payload.Runs[Spec]
	counts  Counts
	track   [2]trackState
	started bool
}

// trackState is what a checker knows of one track.
type trackState struct {
	ssrc uint32
	seq  uint16
	time uint32
	n    uint32
	spec *Spec
	// report is the newest report's clock and time.
	reported   bool
	reportNTP  uint64
	reportTime uint32
	// filler is the packet that the server has made and whose follower has not come.
	filler []byte
}

// isFiller reports whether a payload is not the source's but a delimiter (RFC 6184, 1.3;
// ISO 14496-10, 7.3.2.4): a server may put one in front of the key frame that it goes on
// with behind a hole, for those who lose the first packet there.
func (c *Checker) isFiller(t Track, b []byte) bool {
	return t == Video && c.track[t].spec != nil && bytes.Equal(b, []byte{0x09, 0xF0})
}

// filled checks that a packet is the one that a filler comes before, with its numbers, and
// that packets are missing there.
func (s *trackState) filled(b []byte) error {
	f := s.filler
	s.filler = nil
	switch seq := binary.BigEndian.Uint16(b[2:]); {
	case f == nil:
		return nil
	case seq-s.seq == 1:
		return errors.New("a delimiter that is not the source's comes before it, and no packet is missing")
	case binary.BigEndian.Uint16(f[2:]) != seq-1 || !bytes.Equal(f[4:HeaderSize], b[4:HeaderSize]) || f[1]&0x80 != 0:
		return fmt.Errorf("the delimiter before it has % x for a head, and it has % x", f[:HeaderSize], b[:HeaderSize])
	}
	return nil
}

// NewChecker makes a checker for viewers that have set up some tracks of sources.
func NewChecker(tracks []Track, sources ...Spec) *Checker {
	return &Checker{Tracks: tracks, runs: payload.NewRuns(sources, func(s *Spec) *uint32 { return &s.Run })}
}

// Counts are the counts so far.
func (c *Checker) Counts() Counts { return c.counts }

// SSRC is that of a track, once something of it has come.
func (c *Checker) SSRC(t Track) uint32 { return c.track[t].ssrc }

// Newest is the sequence number and the time of a track's newest packet.
func (c *Checker) Newest(t Track) (seq uint16, time uint32) { return c.track[t].seq, c.track[t].time }

// RTP judges an RTP packet of a track.
func (c *Checker) RTP(t Track, b []byte) error {
	s := &c.track[t]
	if c.counts.Byes[t] > 0 {
		return errors.New("a packet comes after the end of its track")
	}
	media, err := payloadOf(b)
	if err != nil {
		return err
	}
	if c.isFiller(t, media) {
		s.filler = bytes.Clone(b)
		return nil
	}
	run, of, n, err := identity(media)
	if err != nil {
		return err
	}
	spec := c.runs.Of(run, c.AnyRun)
	if spec == nil || of != t {
		return fmt.Errorf("on track %d comes packet %d of track %d of run %d", t, n, of, run)
	}
	if err := c.bytes(spec, t, n, b); err != nil {
		return err
	}
	if err := errors.Join(s.filled(b), c.follows(s, spec, t, n, b)); err != nil {
		return fmt.Errorf("track %d, packet %d of run %d: %w", t, n, run, err)
	}
	s.seq, s.time, s.n, s.spec = binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint32(b[4:]), n, spec
	s.ssrc = binary.BigEndian.Uint32(b[8:])
	c.started = true
	c.counts.Packets[t]++
	c.counts.Newest[t], c.counts.Run[t] = n, run
	c.counts.Decodes = c.counts.Decodes || spec.decodes(t, n)
	return nil
}

// bytes checks what the server must leave as it is.
func (c *Checker) bytes(spec *Spec, t Track, n uint32, b []byte) error {
	want := spec.packet(t, n)
	if len(b) != len(want) {
		return fmt.Errorf("packet %d of track %d has %d bytes, and left with %d", n, t, len(b), len(want))
	}
	if b[0] != want[0] || b[1] != want[1] && !c.Loose {
		return fmt.Errorf("packet %d of track %d begins with % x, and left with % x", n, t, b[:2], want[:2])
	}
	if !bytes.Equal(b[HeaderSize:], want[HeaderSize:]) {
		return fmt.Errorf("the bytes of packet %d of track %d are others than they were", n, t)
	}
	return nil
}

// follows checks a packet's place behind the one before.
func (c *Checker) follows(s *trackState, spec *Spec, t Track, n uint32, b []byte) error {
	ssrc := binary.BigEndian.Uint32(b[8:])
	if s.ssrc != 0 && ssrc != s.ssrc {
		return fmt.Errorf("the SSRC was %08x and is %08x", s.ssrc, ssrc)
	}
	if s.spec == nil {
		return c.begins(s, spec, t, n)
	}
	seq, stamp := binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint32(b[4:])
	if spec != s.spec {
		return c.splices(s, spec, t, n, seq, stamp)
	}
	if n <= s.n {
		return fmt.Errorf("it comes behind packet %d", s.n)
	}
	hole := n - s.n - 1
	if step := seq - s.seq; step != uint16(hole+1) { //nolint:gosec // it wraps
		return fmt.Errorf("%d packets are missing before it, and the sequence numbers step by %d", hole, step)
	}
	if step, want := stamp-s.time, uint32(spec.ticks(t, n)-spec.ticks(t, s.n)); step != want {
		return fmt.Errorf("the times step by %d and not by %d", step, want)
	}
	if hole > 0 {
		c.counts.Gaps[t]++
		c.counts.Missing[t] += int(hole)
		if t == Video && !spec.place(s.n).last {
			c.counts.Cut++
		}
		switch {
		case t != Video || spec.startsKey(t, n):
		case !c.Loose:
			return fmt.Errorf("%d packets are missing before it, and it begins no key frame", hole)
		case !spec.decodes(t, n):
			c.counts.OffKey++
		}
	}
	return nil
}

// begins checks the first packet of a track.
func (c *Checker) begins(s *trackState, spec *Spec, t Track, n uint32) error {
	if c.Loose {
		return nil
	}
	if !s.reported {
		return errors.New("it comes before the first report")
	}
	if c.Headless {
		return nil
	}
	if t == Video && !spec.startsKey(t, n) {
		return errors.New("the pictures do not begin with a key frame")
	}
	if !c.started && t == Audio && slices.Contains(c.Tracks, Video) {
		return errors.New("the sound begins before the pictures")
	}
	return nil
}

// splices checks the first packet of another run.
func (c *Checker) splices(s *trackState, spec *Spec, t Track, n uint32, seq uint16, stamp uint32) error {
	if step := seq - s.seq; step != 1 {
		return fmt.Errorf("a new run goes on %d sequence numbers on", step)
	}
	if t == Video && !c.Headless && !spec.startsKey(t, n) {
		return errors.New("a new run does not begin with a key frame")
	}
	step := int32(stamp - s.time)
	if step < 0 {
		return fmt.Errorf("a new run goes back by %d in time", -step)
	}
	c.counts.Splices[t]++
	c.counts.Steps[t] = time.Duration(step) * time.Second / time.Duration(spec.clock(t))
	c.counts.Shifts[t] = s.spec.due(t, s.n) + c.counts.Steps[t] - spec.due(t, n)
	return nil
}

// payloadOf finds the payload in an RTP packet (RFC 3550, 5.1).
func payloadOf(b []byte) ([]byte, error) {
	if len(b) < HeaderSize || b[0]>>6 != 2 {
		return nil, fmt.Errorf("% x is no RTP packet", b[:min(len(b), HeaderSize)])
	}
	at := HeaderSize + 4*int(b[0]&0x0F)
	if b[0]&0x10 != 0 && at+4 <= len(b) {
		at += 4 + 4*int(binary.BigEndian.Uint16(b[at+2:]))
	}
	end := len(b)
	if b[0]&0x20 != 0 {
		end -= int(b[end-1])
	}
	if at > end {
		return nil, errors.New("the head of a packet is longer than the packet")
	}
	return b[at:end], nil
}
