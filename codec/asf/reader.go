package asf

import (
	"errors"
	"io"
	"math"

	"streampump/codec/wire"
)

// Reader cuts the bytes of an ASF file into its header and its data packets.
// The bytes come in pieces of any size. The zero value is ready; it is used by
// one goroutine and holds at most one header or packet.
type Reader struct {
	header *Header
	kept   []byte // the beginning of what is not complete yet
	given  bool   // kept was handed out and is free again
	left   uint64 // data packets to come
	err    error
}

// Header is the file's header as it was parsed; nil until it is complete.
func (r *Reader) Header() *Header { return r.header }

// Consume takes bytes from the front of b and says how many it took. When they
// complete the header, or a packet, that is returned as well: the header once,
// with the first 50 bytes of the Data Object, as [ParseHeader] takes it; each
// packet at the full packet size. Both are valid until the next Consume and may
// be part of b. Nothing of either and n == len(b) means more bytes are needed;
// otherwise Consume goes on with the rest.
//
// A Data Object that tells its size ends with [io.EOF], and what follows it
// (indexes) is not read. Any other error is that of [ParseHeader], or says that
// the bytes are not ASF; it stays.
func (r *Reader) Consume(b []byte) (n int, header, packet []byte, err error) {
	if r.given {
		r.kept, r.given = r.kept[:0], false
	}
	if r.err != nil {
		return len(b), nil, nil, r.err
	}
	if r.header == nil {
		n, header, r.err = r.consumeHeader(b)
		return n, header, nil, r.err
	}
	if r.left == 0 {
		r.err = io.EOF
		return len(b), nil, nil, r.err
	}
	n, packet = r.collect(b, r.header.packetSize)
	if packet != nil {
		r.left--
	}
	return n, nil, packet, nil
}

// End says what the end of the file means after all its bytes were consumed:
// nil where packets could be read, else an error. A last packet that is cut
// short is passed over in silence, as players do.
func (r *Reader) End() error {
	switch {
	case errors.Is(r.err, io.EOF), r.err == nil && r.header != nil:
		return nil
	case r.err != nil:
		return r.err
	}
	return &SyntaxError{"ASF file", len(r.kept), "it ends within its header"}
}

// consumeHeader collects the header: first the bytes that tell its size, then
// the rest.
func (r *Reader) consumeHeader(b []byte) (n int, header []byte, err error) {
	if len(r.kept) < objectHead {
		n = r.keep(b, objectHead)
	}
	size, ok := HeaderSize(r.kept)
	switch {
	case !ok:
		return n, nil, nil
	case size < 0:
		_, err = ParseHeader(r.kept)
		return n, nil, err
	}
	more, header := r.collect(b[n:], size)
	n += more
	if header == nil {
		return n, nil, nil
	}
	if r.header, err = ParseHeader(header); err != nil {
		return n, nil, err
	}
	r.left = packetsIn(header, r.header.packetSize)
	return n, header, nil
}

// packetsIn is how many packets the Data Object holds at whose head header
// ends. A live recording tells no size, or that of the head alone: then there
// are packets to the end of the file.
func packetsIn(header []byte, packetSize int) uint64 {
	size := wire.U64(header[len(header)-dataHead+wire.GUIDSize:])
	if size <= dataHead || size > math.MaxInt64 {
		return math.MaxUint64
	}
	return (size - dataHead) / uint64(packetSize)
}

// collect yields the next size bytes once they are there: out of b itself where
// it has them all, else out of what was kept.
func (r *Reader) collect(b []byte, size int) (n int, whole []byte) {
	if len(r.kept) == 0 && len(b) >= size {
		return size, b[:size:size]
	}
	n = r.keep(b, size)
	if len(r.kept) < size {
		return n, nil
	}
	r.given = true
	return n, r.kept
}

// keep adds to what was kept, up to size bytes in all, and returns how many it
// took.
func (r *Reader) keep(b []byte, size int) int {
	n := min(len(b), size-len(r.kept))
	if cap(r.kept) < size {
		r.kept = append(make([]byte, 0, size), r.kept...)
	}
	r.kept = append(r.kept, b[:n]...)
	return n
}
