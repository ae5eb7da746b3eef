package rtsp

import (
	"encoding/binary"
	"fmt"

	"streampump/codec"
	"streampump/codec/rtp"
)

// intake is what comes from a source: an encoder that pushes to us, or a server that we
// pull. It turns the packets of its channels into events.
//
// A stream is taken over by its header, so that is given only before the first packet
// that has something of the stream in it: a source that sends nothing takes nothing.
type intake struct {
	media *media
	// channels are the tracks that the connection's channels belong to: 0 is none, else 1
	// more than [codec.Event.Channel] says.
	channels [256]uint8
	setUp    uint16 // tracks, by their bit
	ended    uint16 // tracks that have said goodbye
	heard    uint16 // tracks with a packet: ssrc is known
	ssrc     [maxTracks]uint32
	reported uint16 // tracks with a report since the last packet of any
	headed   bool   // the header has been given
	// strict says that the source has written its description itself, an encoder that is: what
	// that does not name is no packet of the stream. foreign is how many such have come
	// before the first other one.
	strict  bool
	foreign uint8
	// early are the newest reports of tracks, from before the header: encoders send
	// them first (ffmpeg), and they tell how its tracks belong together.
	early [maxTracks][]byte
	// order is of packets that come by UDP; nil: they come over the connection.
	order *order
}

// maxEarly is the most bytes of a report that is kept.
const maxEarly = 1500

// packet is the event of a packet on a channel. again says that it comes after the
// event, and is to be given once more.
func (in *intake) packet(channel uint8, b []byte) (ev codec.Event, again bool) {
	at := in.channels[channel]
	if at == 0 {
		return codec.Event{}, false // nobody has set it up
	}
	track := (at - 1) / 2
	if rtp.IsReport(b) {
		return in.report(track, b), false
	}
	return in.fromTrack(track, b)
}

// fromTrack is the event of a packet of a track that is no report; again as with packet.
func (in *intake) fromTrack(track uint8, b []byte) (ev codec.Event, again bool) {
	if !in.headed {
		p, err := rtp.Parse(b)
		if err != nil {
			return codec.Event{}, false
		}
		if in.strict && !in.media.names(int(track), p.Type) {
			return in.strange(p.Type), false
		}
		in.headed = true
		return codec.Event{Kind: codec.Header, Media: in.media}, true
	}
	if len(b) >= rtp.HeaderSize {
		in.ssrc[track] = binary.BigEndian.Uint32(b[8:])
		in.heard |= 1 << track
		in.ended &^= 1 << track
	}
	in.reported = 0
	return codec.Event{Kind: codec.Packet, Channel: 2 * track, Data: b}, false
}

// maxForeign is how many packets of types that it has not announced an encoder may send
// before one of a type that it has. It is wrong from the first one on, and this many are
// sent within seconds.
const maxForeign = 100

// strange is the event of a packet that can never be carried, of an encoder that has sent no
// other: none, so that it takes the stream over from nobody, until it has sent too many.
func (in *intake) strange(typ uint8) codec.Event {
	if in.foreign++; in.foreign < maxForeign {
		return codec.Event{}
	}
	return codec.Event{Kind: codec.Bad, Err: &requestError{fmt.Sprintf(
		"the encoder has sent %d packets, the last of payload type %d, and none of a type that its ANNOUNCE names", in.foreign, typ)}}
}

// report is the event of what a source says about a track, on either channel. What it
// says as a receiver is nothing to viewers. One that sends reports and no packets is as
// good as silent, so of several reports between two packets only the first counts.
func (in *intake) report(track uint8, b []byte) codec.Event {
	r, _ := rtp.ParseReport(b) // what is readable of it counts
	if r.Bye && (in.heard&(1<<track) == 0 || r.Ends(in.ssrc[track])) {
		return in.end(int(track))
	}
	switch {
	case !r.HasSender || in.reported&(1<<track) != 0:
	case in.headed:
		in.reported |= 1 << track
		return codec.Event{Kind: codec.Packet, Channel: 2*track + 1, Data: b}
	case len(b) <= maxEarly:
		in.early[track] = append(in.early[track][:0], b...)
	}
	return codec.Event{}
}

// end is the event of the end of a track: that of the last ends the stream.
func (in *intake) end(track int) codec.Event {
	if in.ended |= 1 << track; in.ended == allTracks(in.media) {
		return codec.Event{Kind: codec.Finish}
	}
	return codec.Event{}
}

// waiting is the event of a report that came before the header.
func (in *intake) waiting() (ev codec.Event, ok bool) {
	if !in.headed {
		return ev, false
	}
	for track, b := range in.early {
		if b != nil {
			in.early[track] = nil
			return codec.Event{Kind: codec.Packet, Channel: 2*uint8(track) + 1, Data: b}, true
		}
	}
	return ev, false
}

// connect makes the packets of a track come on the channels that a transport names, or
// on those of its place; ok is false if another track has them.
func (in *intake) connect(track int, t transport) (channels [2]uint8, ok bool) {
	at := uint8(2 * track)
	if channels = t.channels; !t.named {
		channels = [2]uint8{at, at + 1}
	}
	for _, c := range channels {
		if was := in.channels[c]; was != 0 && (was-1)/2 != uint8(track) {
			return channels, false
		}
	}
	in.disconnect(track)
	in.channels[channels[1]] = at + 2
	in.channels[channels[0]] = at + 1
	in.setUp |= 1 << track
	return channels, true
}

// disconnect makes the packets of a track come on no channel.
func (in *intake) disconnect(track int) {
	for c, was := range in.channels {
		if was != 0 && (was-1)/2 == uint8(track) {
			in.channels[c] = 0
		}
	}
}
