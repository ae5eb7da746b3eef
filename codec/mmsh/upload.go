package mmsh

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"streampump/codec"
	"streampump/codec/asf"
	"streampump/codec/http1"
)

// howToPush is what to do for whoever pushes in another way.
const howToPush = "an encoder pushes here as Windows Media Encoder does, or with a POST of ASF in chunks, as ffmpeg -f asf does"

// upload is the body of a POST that brings a stream as ASF in chunks: what
// ffmpeg -f asf sends to an http:// address, and nothing of the protocol. The
// bytes are those of a file that goes on as long as the stream.
//
//	header  data packet  data packet  …  [index …]
//
// The last chunk ends the stream, as $E does in a push.
type upload struct {
	chunks http1.Chunks
	kept   []byte // the beginning of a header or packet that is not complete
	given  bool   // kept was handed out and is free again
	size   int    // of a packet; 0 until the header is complete
	left   uint64 // packets to come; what follows them is an index
}

// indexMark begins the index that ffmpeg puts behind the last packet: the GUID of a
// Simple Index Object ([ASF] 6.1). No data packet begins like this.
const indexMark = "\x90\x08\x00\x33\xB1\xE5\xCF\x11\x89\xF4\x00\xA0\xC9\x03\x49\xCB"

// consume takes the stream out of the body and ends at its end.
func (u *upload) consume(b []byte) (n int, ev codec.Event) {
	if u.given {
		u.kept, u.given = u.kept[:0], false
	}
	for n < len(b) && ev.Kind == codec.None {
		k, data, err := u.chunks.Next(b[n:])
		n += k
		switch {
		case err != nil:
			return n, bad(err)
		case u.chunks.Done():
			return n, u.end()
		case data > 0:
			k, ev = u.stream(b[n : n+data])
			u.chunks.Take(k)
			n += k
		}
	}
	return n, ev
}

// end is the event of the last chunk.
func (u *upload) end() codec.Event {
	if u.size == 0 {
		return bad(fmt.Errorf("the encoder's body ends within its header, after %d bytes", len(u.kept)))
	}
	return codec.Event{Kind: codec.Finish}
}

// stream takes bytes of the stream, up to the next event. A last packet that is
// cut short is passed over, as players do.
func (u *upload) stream(b []byte) (int, codec.Event) {
	switch {
	case u.size == 0:
		return u.header(b)
	case u.left == 0:
		return len(b), codec.Event{}
	}
	n, packet := u.collect(b)
	switch {
	case packet == nil:
		return n, codec.Event{}
	case bytes.HasPrefix(packet, []byte(indexMark)):
		u.left = 0
		return n, codec.Event{}
	default:
		u.left--
		return n, codec.Event{Kind: codec.Packet, Data: packet}
	}
}

// header takes bytes of the header: first those that show whether it is one, then
// those that tell its size, then the rest.
func (u *upload) header(b []byte) (n int, ev codec.Event) {
	size := beginning
	for {
		n += u.keep(b[n:], size)
		if len(u.kept) < size {
			return n, codec.Event{}
		}
		whole, ok := asf.HeaderSize(u.kept)
		switch {
		case whole < 0 && size == beginning:
			return n, bad(notPushed(u.kept))
		case whole < 0:
			_, err := newMedia(u.kept)
			return n, bad(err)
		case !ok:
			size = len(u.kept) + 1
		case size < whole:
			size = whole
		default:
			return n, u.headed()
		}
	}
}

// headed is the event of a complete header.
func (u *upload) headed() codec.Event {
	m, err := newMedia(u.kept)
	if err != nil {
		return bad(err)
	}
	u.size = m.h.PacketSize()
	u.left = packetsBehind(u.kept, u.size)
	u.kept = nil
	return codec.Event{Kind: codec.Header, Media: m}
}

// packetsBehind is how many packets the Data Object holds whose head ends the header.
// A stream's Data Object tells no size, or the size of its head alone: then the
// packets go on to the end of the body.
func packetsBehind(header []byte, packet int) uint64 {
	const head, at = 50, 16 // the Data Object's, and where its size is ([ASF] 5.1)
	size := binary.LittleEndian.Uint64(header[len(header)-head+at:])
	if size <= head || size > math.MaxInt64 {
		return math.MaxUint64
	}
	return (size - head) / uint64(packet)
}

// collect returns the next packet once it is there: out of b if it lies whole in it,
// else out of what was kept.
func (u *upload) collect(b []byte) (n int, packet []byte) {
	if len(u.kept) == 0 && len(b) >= u.size {
		return u.size, b[:u.size:u.size]
	}
	n = u.keep(b, u.size)
	if len(u.kept) < u.size {
		return n, nil
	}
	u.given = true
	return n, u.kept
}

// keep adds to what was kept, up to size bytes in all, and returns how many it took.
// The room grows with what comes, not with what is announced.
func (u *upload) keep(b []byte, size int) int {
	n := min(len(b), max(size-len(u.kept), 0))
	u.kept = append(u.kept, b[:n]...)
	return n
}

// notPushed is the error for an encoder's body that is not ASF.
func notPushed(b []byte) error {
	switch contentOf(b, "") {
	case packetsMMSH:
		return fmt.Errorf("the encoder sends packets of MMSH in chunks, as ffmpeg -f asf_stream does: %s", howToPush)
	case otherMedia:
		return fmt.Errorf("the encoder sends a format other than ASF: %s", howToPush)
	default:
		return fmt.Errorf("the encoder's body begins with % X, which is not ASF: %s", b[:beginning], howToPush)
	}
}
