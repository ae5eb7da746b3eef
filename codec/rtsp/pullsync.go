package rtsp

import (
	"encoding/binary"
	"errors"
)

// resync lets an inlet take what a source sends, and skips what is neither a packet nor
// a message. Some cameras lose bytes within packets when their connection is slow
// (live555 before 2017), so that the middle of the next packet comes where its beginning
// should be.
type resync struct {
	ahead    [16]byte // the beginning of something, of which it is not known yet what
	have     int      // bytes of ahead
	skipping bool     // what comes belongs to nothing, until something begins
	skipped  int      // bytes since then
	times    int      // how often that was, in the packets of late
	calm     int      // packets since then
	noted    bool     // the operator has been told
}

const (
	// maxSkips is how often a source may lose its place before it is given up.
	maxSkips = 16
	// maxSkipped is how many bytes may be skipped until something begins: more than the
	// longest packet has.
	maxSkipped = 128 << 10
	// calmPackets is after how many packets without skipping the past is forgotten.
	calmPackets = 10000
)

// next is [inlet.next] for a source whose packets go to from.
func (s *resync) next(in *inlet, from *intake, b []byte) (n int, found part, err error) {
	for n < len(b) && found == nothing && err == nil {
		k := 0
		switch {
		case in.begun() || in.have == frameHead:
			k, found, err = in.next(b[n:], 0)
		case in.have > 0: // one without bytes ends with its head
			k, _, err = in.next(b[n:min(len(b), n+frameHead-int(in.have))], 0)
		case s.have == 0 && !s.skipping && b[n] == frameMark:
			k, _, err = in.next(b[n:n+1], 0)
		case s.have == 0 && !s.skipping && (b[n] == '\r' || b[n] == '\n'):
			k = 1
		default:
			k, err = 1, s.look(in, from, b[n])
		}
		n += k
	}
	if err != nil {
		return n, nothing, err
	}
	if found == aPacket {
		if s.calm++; s.calm == calmPackets {
			s.calm, s.times = 0, 0
		}
	}
	return n, found, nil
}

// look takes one byte of what may be a beginning. If it is one, the inlet gets all of
// it.
func (s *resync) look(in *inlet, from *intake, c byte) error {
	s.ahead[s.have] = c
	s.have++
	for s.have > 0 {
		switch beginning(s.ahead[:s.have], from) {
		case maybe:
			return nil
		case yes:
			begun := s.ahead[:s.have]
			s.have, s.skipping, s.skipped = 0, false, 0
			_, _, err := in.next(begun, 0)
			return err
		}
		if err := s.skip(); err != nil {
			return err
		}
	}
	return nil
}

// errLost says that a source is given up for what it sends.
var errLost = errors.New("the source sends bytes that belong to no packet, again and again or very many")

// skip takes the first byte for nothing.
func (s *resync) skip() error {
	if !s.skipping {
		s.skipping, s.calm = true, 0
		s.times++
	}
	s.skipped++
	if s.times > maxSkips || s.skipped > maxSkipped {
		return errLost
	}
	s.have = copy(s.ahead[:], s.ahead[1:s.have])
	return nil
}

// errSkipped is what the operator is told of one that is not given up.
var errSkipped = errors.New("the source has sent bytes between its packets that belong to none; they are left out, and so may be packets next to them")

// note is what is to be said about bytes that were skipped, once for each connection.
func (s *resync) note() error {
	if s.times == 0 || s.noted {
		return nil
	}
	s.noted = true
	return errSkipped
}

// guess is what is known of whether something begins.
type guess uint8

const (
	no guess = iota
	maybe
	yes
)

// minPacket is the shortest packet that is believed in a strange place: an empty report.
const minPacket = 8

// beginning guesses whether a message, or a packet that was set up, begins with b. Chance
// makes a packet of one in some million bytes.
func beginning(b []byte, from *intake) guess {
	if b[0] == frameMark {
		return beginningOfPacket(b[1:], from)
	}
	for i, name := range verbs {
		if name += " "; i == 0 {
			name = "RTSP/1."
		}
		switch n := min(len(b), len(name)); {
		case string(b[:n]) != name[:n]:
		case n == len(name):
			return yes
		default:
			return maybe
		}
	}
	return no
}

// beginningOfPacket guesses by what follows the '$': a channel, a length, and the version of
// RTP (RFC 3550, 5.1, 6.4).
func beginningOfPacket(b []byte, from *intake) guess {
	switch {
	case len(b) >= 1 && from.channels[b[0]] == 0:
		return no
	case len(b) >= 3 && binary.BigEndian.Uint16(b[1:]) < minPacket:
		return no
	case len(b) < 4:
		return maybe
	case b[3]>>6 != 2:
		return no
	}
	return yes
}
