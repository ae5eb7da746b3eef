package rtsp

import (
	"encoding/binary"
	"strings"

	"streampump/codec"
	"streampump/codec/rtp"
)

// push is an encoder's side of a session.
//
//	ANNOUNCE   the description
//	SETUP      for each track: on which channels its packets come
//	RECORD     they follow, with reports and further requests between them
//
// A stream is taken over by its header, so that is given only before the first packet
// that has something of the stream in it: an encoder that sends nothing takes nothing.
type push struct {
	key   uint64 // of the engine's session
	name  string // of the stream, as the encoder spelled it
	token string // that the encoder came with; empty if there was none
	media *media
	// channels are the tracks that the connection's channels belong to: 0 is none, else 1
	// more than [codec.Event.Channel] says.
	channels [256]uint8
	setUp    uint16 // tracks, by their bit
	ended    uint16 // tracks that have said goodbye
	heard    uint16 // tracks with a packet: ssrc is known
	ssrc     [maxTracks]uint32
	headed   bool // the header has been given
	// early are the newest reports of tracks, from before the header: an encoder sends
	// them first (ffmpeg), and they tell how its tracks belong together.
	early [maxTracks][]byte
}

// maxEarly is the most bytes of a report that is kept.
const maxEarly = 1500

// packet is the event of a packet on a channel. again says that it comes after the
// event, and is to be given once more.
func (p *push) packet(channel uint8, b []byte) (ev codec.Event, again bool) {
	at := p.channels[channel]
	if at == 0 {
		return codec.Event{}, false // nobody has set it up
	}
	track := (at - 1) / 2
	if rtp.IsReport(b) {
		return p.report(track, b), false
	}
	if !p.headed {
		if _, err := rtp.Parse(b); err != nil {
			return codec.Event{}, false
		}
		p.headed = true
		return codec.Event{Kind: codec.Header, Media: p.media}, true
	}
	if len(b) >= rtp.HeaderSize {
		p.ssrc[track] = binary.BigEndian.Uint32(b[8:])
		p.heard |= 1 << track
		p.ended &^= 1 << track
	}
	return codec.Event{Kind: codec.Packet, Channel: 2 * track, Data: b}, false
}

// report is the event of what an encoder says about a track, on either channel.
func (p *push) report(track uint8, b []byte) codec.Event {
	r, _ := rtp.ParseReport(b) // what is readable of it counts
	if r.Bye && (p.heard&(1<<track) == 0 || r.Ends(p.ssrc[track])) {
		return p.end(int(track))
	}
	switch {
	case p.headed:
		return codec.Event{Kind: codec.Packet, Channel: 2*track + 1, Data: b}
	case r.HasSender && len(b) <= maxEarly:
		p.early[track] = append(p.early[track][:0], b...)
	}
	return codec.Event{}
}

// end is the event of the end of a track: that of the last ends the stream.
func (p *push) end(track int) codec.Event {
	if p.ended |= 1 << track; p.ended == allTracks(p.media) {
		return codec.Event{Kind: codec.Finish}
	}
	return codec.Event{}
}

// waiting is the event of a report that came before the header.
func (p *push) waiting() (ev codec.Event, ok bool) {
	if !p.headed {
		return ev, false
	}
	for track, b := range p.early {
		if b != nil {
			p.early[track] = nil
			return codec.Event{Kind: codec.Packet, Channel: 2*uint8(track) + 1, Data: b}, true
		}
	}
	return ev, false
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
	var moved [maxTracks]uint8
	d.Media = nil
	for i := range p.media.d.Media {
		if p.setUp&(1<<i) != 0 {
			d.Media = append(d.Media, p.media.d.Media[i])
			moved[i] = n
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
	p.media, p.setUp = m, allTracks(m)
	return nil
}

// connect makes the packets of a track come on the channels that a transport names, or
// on those of its place; ok is false if another track has them.
func (p *push) connect(track int, t transport) (channels [2]uint8, ok bool) {
	at := uint8(2 * track)
	if channels = t.channels; !t.named {
		channels = [2]uint8{at, at + 1}
	}
	for _, c := range channels {
		if was := p.channels[c]; was != 0 && (was-1)/2 != uint8(track) {
			return channels, false
		}
	}
	for c, was := range p.channels {
		if was != 0 && (was-1)/2 == uint8(track) {
			p.channels[c] = 0
		}
	}
	p.channels[channels[1]] = at + 2
	p.channels[channels[0]] = at + 1
	p.setUp |= 1 << track
	return channels, true
}
