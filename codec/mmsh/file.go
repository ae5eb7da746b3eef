package mmsh

import (
	"errors"
	"io"

	"streampump/codec"
	"streampump/codec/asf"
)

// file is a session whose peer is an ASF file.
type file struct {
	in   asf.Reader
	over bool
}

// NewFile makes a session that reads the bytes of one round of an ASF file: a Header,
// then Packets, then Finish if the file says how long it is. It answers nobody.
func NewFile() codec.Session { return &file{} }

// Consume implements [codec.Session].
func (f *file) Consume(b []byte) (n int, ev codec.Event) {
	for n < len(b) && !f.over {
		k, header, packet, err := f.in.Consume(b[n:])
		n += k
		switch {
		case errors.Is(err, io.EOF):
			f.over = true
			return len(b), codec.Event{Kind: codec.Finish}
		case err != nil:
			f.over = true
			return len(b), bad(err)
		case header != nil:
			return n, f.header(header)
		case packet != nil:
			return n, codec.Event{Kind: codec.Packet, Data: packet}
		}
	}
	return len(b), codec.Event{}
}

func (f *file) header(b []byte) codec.Event {
	m, err := newMedia(b)
	if err != nil {
		f.over = true
		return bad(err)
	}
	return codec.Event{Kind: codec.Header, Media: m}
}

// Answer implements [codec.Session].
func (f *file) Answer(dst []byte, _ *codec.Event, _ *codec.Verdict) ([]byte, codec.Next) {
	return dst, codec.Close
}

// AppendEnd implements [codec.Session].
func (f *file) AppendEnd(dst []byte, _ codec.Cause, _ string) []byte { return dst }
