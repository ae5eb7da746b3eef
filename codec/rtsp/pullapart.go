package rtsp

import (
	"fmt"
	"net/netip"
	"time"

	"streampump/codec"
	"streampump/codec/http1"
	"streampump/codec/rtp"
)

// A source is asked to send over the connection. One that refuses that for its first track
// (461) is asked to send by UDP, if the engine has ports for it:
//
//	SETUP, TCP  ► 461 ► Setup     ports of ours
//	SETUP, UDP  ► 200, the source's ports … for each track
//	            ► Publish         the engine joins the ports of both
//	PLAY        ► 200; packets come to our ports, all else over the connection

// byUDP is what a pull knows of packets that come by UDP.
type byUDP struct {
	on    bool        // they do
	offer codec.Offer // for us
	ports codec.Ports // those that are wanted, and then the source's
}

var _ codec.Knocking = (*pull)(nil)

// askApart is the event of a source that does not send over TCP.
func (p *pull) askApart(r *http1.Response) codec.Event {
	for c := range 2 * len(p.tracks) {
		p.apart.ports[c] = 1
	}
	return codec.Event{Kind: codec.Setup, Ports: &p.apart.ports,
		Err: fmt.Errorf("the source answered %s to %s: it does not send over TCP", r.Said(), p.theSetup())}
}

// offered begins to set the tracks up anew, with ports of ours.
func (p *pull) offered(o *codec.Offer) {
	p.apart = byUDP{on: true, offer: *o}
	p.setUpNext(0)
}

// appendWay appends the transport that a track is asked for.
func (p *pull) appendWay(dst []byte, track int) []byte {
	a, b := packetChannel(track), reportChannel(track)
	if ours := &p.apart.offer.Ports; p.apart.on {
		return appendClient(dst, [2]uint16{ours[a], ours[b]})
	}
	return appendChannels(dst, [2]uint8{a, b})
}

// setUpApart takes the answer to a SETUP by UDP, which names the ports that the source
// sends from.
func (p *pull) setUpApart(f http1.Fields) error {
	said := f.Get("Transport")
	spec, _ := cutSpec(said)
	t := parseTransport(spec)
	switch {
	case !t.apart:
		return fmt.Errorf("the source does not send track %d by UDP from its address to ours, although it does not send over TCP either: its Transport is %q", p.track+1, http1.Clip(said))
	case t.from == [2]uint16{}:
		return fmt.Errorf("the source does not say from which ports, %d and above, it sends track %d: its Transport is %q", leastPort, p.track+1, http1.Clip(said))
	case !isFrom(t.source, p.apart.offer.Peer):
		return fmt.Errorf("the source would send track %d from %q, and nothing is heard but what comes from its connection's address, %s", p.track+1, http1.Clip(t.source), p.apart.offer.Peer)
	}
	p.apart.ports[packetChannel(p.track)], p.apart.ports[reportChannel(p.track)] = t.from[0], t.from[1]
	p.from.setUp |= 1 << p.track
	return nil
}

// isFrom reports whether packets that are to come from source, as an answer has it, come
// from peer. What is no address of anybody names nobody else.
func isFrom(source string, peer netip.Addr) bool {
	a, err := netip.ParseAddr(source)
	a = a.Unmap().WithZone("")
	return err != nil || a.IsUnspecified() || a == peer
}

// playApart asks for the packets of all tracks, once the engine has joined their ports.
func (p *pull) playApart() codec.Event {
	p.from.order = &order{}
	ev := p.play()
	ev.Kind, ev.Ports = codec.Publish, &p.apart.ports
	return ev
}

// mixes is the operator's sentence for a source that refuses a track over TCP and cannot be
// asked for it by UDP.
func (p *pull) mixes(said string) error {
	what := p.theSetup()
	switch {
	case p.track == 0:
		return fmt.Errorf("the source answered %s to %s: it sends neither over TCP nor over UDP", said, what)
	case p.apart.on:
		return fmt.Errorf("the source answered %s to %s: it sends the track before it over UDP, and all must come the same way", said, what)
	}
	return fmt.Errorf("the source answered %s to %s: it sends the track before it over TCP, and all must come the same way", said, what)
}

// Hear implements [codec.Hearing].
func (p *pull) Hear(channel uint8, b []byte, now time.Time) (ev codec.Event, more bool) {
	if !p.hears() {
		return codec.Event{}, false
	}
	ev, more = p.from.hear(channel, b, now)
	if ev.Kind == codec.Finish {
		p.stage = stageOver
		return ev, false
	}
	return ev, more
}

// Due implements [codec.Hearing].
func (p *pull) Due() (at time.Time, ok bool) {
	if !p.hears() {
		return at, false
	}
	return p.from.order.due()
}

// hears reports whether packets come by UDP, now or soon.
func (p *pull) hears() bool {
	return p.from.order != nil && (p.stage == stagePlay || p.stage == stagePlaying)
}

// AppendKnock implements [codec.Knocking]. What goes to a source is what players send that
// have nothing to say: a packet without a payload, and a report about nobody.
func (p *pull) AppendKnock(dst []byte, channel uint8) []byte {
	if channel&1 == 1 {
		return rtp.AppendEmptyReport(dst, 0)
	}
	return (&rtp.Packet{}).Append(dst)
}
