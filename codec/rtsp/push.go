package rtsp

import (
	"strings"

	"streampump/codec"
)

// push is an encoder's side of a session.
//
//	ANNOUNCE   the description
//	SETUP      for each track: on which channels its packets come, or from which ports
//	RECORD     they follow, with reports and further requests between them
type push struct {
	key   uint64 // of the engine's session
	name  string // of the stream, as the encoder spelled it
	token string // that the encoder came with; empty if there was none
	intake

	apart uint16      // tracks that are set up and come by UDP
	ports codec.Ports // the encoder's for those; the engine reads them while it records
}

// trackAt is the track whose control address a SETUP names, as the encoder announced it
// or joined it to its address; if that tells nothing, the first that is not set up.
func (p *push) trackAt(address string) (track int, ok bool) {
	track = p.announced(address)
	for i := 0; i < len(p.media.tracks()) && track == wholeStream; i++ {
		if p.setUp&(1<<i) == 0 {
			track = i
		}
	}
	return track, track != wholeStream
}

// announced is the track whose control address an address is, or ends with, before its
// query or behind it; wholeStream if it is none's.
func (p *push) announced(address string) int {
	if track := p.named(address); track != wholeStream {
		return track
	}
	path, _, _ := strings.Cut(address, "?")
	return p.named(path)
}

func (p *push) named(address string) int {
	track, longest := wholeStream, 0
	for i, t := range p.media.tracks() {
		control := strings.TrimRight(t.control, "/")
		if len(control) > longest && endsWith(strings.TrimRight(address, "/"), control) {
			track, longest = i, len(control)
		}
	}
	return track
}

// endsWith reports whether an address is a control address, or ends with it behind a
// slash.
func endsWith(address, control string) bool {
	rest, ok := strings.CutSuffix(address, control)
	return ok && (rest == "" || strings.HasSuffix(rest, "/") || strings.HasPrefix(control, "/"))
}

// narrow leaves the tracks that are not set up out of what was announced: their packets
// will not come, and players would wait for them.
func (p *push) narrow() error {
	if p.setUp == allTracks(p.media) {
		return nil
	}
	d, n := *p.media.d, uint8(0)
	var ports codec.Ports
	var moved [maxTracks]uint8
	d.Media = nil
	for i := range p.media.d.Media {
		if p.setUp&(1<<i) != 0 {
			d.Media = append(d.Media, p.media.d.Media[i])
			moved[i] = n
			copy(ports[2*n:2*n+2], p.ports[2*i:])
			n++
		}
	}
	m, err := newMedia(&d)
	if err != nil {
		return err
	}
	for c, at := range p.channels {
		if at > 0 {
			p.channels[c] = 2*moved[(at-1)/2] + (at-1)%2 + 1
		}
	}
	p.media, p.setUp, p.ports = m, allTracks(m), ports
	if p.apart != 0 { // then all of them were
		p.apart = p.setUp
	}
	return nil
}
