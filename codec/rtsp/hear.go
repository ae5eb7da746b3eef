package rtsp

import (
	"time"

	"streampump/codec"
	"streampump/codec/rtp"
)

// order is the packets of a source that sends by UDP, put in order track by track.
type order struct {
	windows [maxTracks]*rtp.Window // of tracks of which something has come
	data    []byte                 // the packet that goes on next; nil: none does
	track   uint8                  // its track
}

var _ codec.Hearing = (*server)(nil)

// Hear implements [codec.Hearing].
func (s *server) Hear(channel uint8, b []byte, now time.Time) (ev codec.Event, more bool) {
	if s.state != recording || s.push.order == nil {
		return codec.Event{}, false
	}
	ev, more = s.push.hear(channel, b, now)
	switch ev.Kind {
	case codec.Finish:
		s.endPush(over)
		return ev, false
	case codec.Bad:
		return s.broken(ev.Err), false
	}
	return ev, more
}

// Due implements [codec.Hearing].
func (s *server) Due() (at time.Time, ok bool) {
	if s.state != recording || s.push.order == nil {
		return at, false
	}
	return s.push.order.due()
}

// hear is the next event of a source that sends by UDP; see [codec.Hearing].
func (in *intake) hear(channel uint8, b []byte, now time.Time) (ev codec.Event, more bool) {
	if b != nil {
		if ev = in.heardOn(channel, b, now); ev.Kind != codec.None {
			return ev, true
		}
	}
	for {
		if ev, ok := in.waiting(); ok {
			return ev, true
		}
		o := in.order
		if o.data == nil && !o.pop(now) {
			return codec.Event{}, false
		}
		ev, again := in.fromTrack(o.track, o.data)
		if !again {
			o.data = nil
		}
		if ev.Kind != codec.None {
			return ev, true
		}
	}
}

// heardOn takes a datagram: reports are of their moment and wait for nothing, packets go
// through the window of their track. What cannot be read has no number to go by, and
// whoever looks at it next says so. On the ports for reports come reports only.
func (in *intake) heardOn(channel uint8, b []byte, now time.Time) codec.Event {
	track := channel / 2
	if int(track) >= len(in.media.tracks()) { // of which all are set up
		return codec.Event{}
	}
	if rtp.IsReport(b) {
		return in.report(track, b)
	}
	if channel == packetChannel(int(track)) {
		in.order.push(track, b, now)
	}
	return codec.Event{}
}

// push takes a packet of a track.
func (o *order) push(track uint8, b []byte, now time.Time) {
	packet, err := rtp.Parse(b)
	if err != nil {
		o.data, o.track = b, track
		return
	}
	w := o.windows[track]
	if w == nil {
		w = rtp.NewWindow()
		o.windows[track] = w
	}
	if w.Push(packet.Seq, b, now) == rtp.InOrder {
		o.data, o.track = b, track
	}
}

// pop makes the next packet that has waited the one that goes on; false if none may yet.
// What is missing before it leaves a hole in the track's numbers, as with a packet that
// the source itself has lost.
func (o *order) pop(now time.Time) bool {
	for track, w := range o.windows {
		if w == nil {
			continue
		}
		if p, ok := w.Pop(now); ok {
			o.data, o.track = p.Data, uint8(track)
			return true
		}
	}
	return false
}

// due is when a packet has waited long enough.
func (o *order) due() (at time.Time, ok bool) {
	for _, w := range o.windows {
		if w == nil {
			continue
		}
		if t, waits := w.Due(); waits && (!ok || t.Before(at)) {
			at, ok = t, true
		}
	}
	return at, ok
}

// connectApart makes the packets of a track come from the ports that a transport names;
// false if another track has them.
func (p *push) connectApart(track int, ports [2]uint16) bool {
	for channel, port := range p.ports {
		if port != 0 && channel/2 != track && (port == ports[0] || port == ports[1]) {
			return false
		}
	}
	p.disconnect(track)
	p.ports[packetChannel(track)], p.ports[reportChannel(track)] = ports[0], ports[1]
	p.apart |= 1 << track
	p.setUp |= 1 << track
	return true
}

// connectHere makes the packets of a track come between the messages, as [intake.connect]
// says.
func (p *push) connectHere(track int, t transport) (channels [2]uint8, ok bool) {
	if channels, ok = p.connect(track, t); ok {
		p.ports[packetChannel(track)], p.ports[reportChannel(track)] = 0, 0
		p.apart &^= 1 << track
	}
	return channels, ok
}

// mixed reports whether the packets of some tracks come by UDP and those of others over
// the connection.
func (p *push) mixed() bool { return p.apart != 0 && p.apart != p.setUp }

// source is where the packets come from; nil: over the connection.
func (p *push) source() *codec.Ports {
	if p.apart == 0 {
		return nil
	}
	return &p.ports
}
