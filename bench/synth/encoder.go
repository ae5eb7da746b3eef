package synth

import (
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"streampump/codec/asf"
)

// Encoder makes the packets of a [Spec]. It is used by one goroutine; in steady
// state it allocates nothing.
type Encoder struct {
	spec    Spec
	header  []byte
	builder *asf.Builder
	streams []source
	stamp   uint64
	rising  bool   // stamps rise with the objects' due times
	blank   bool   // objects are zeros: what counts is their size
	object  []byte // the media object under way
	packets int
	parsed  asf.Packet // the newest packet
}

// source is where a stream stands.
type source struct {
	Stream
	made      uint32 // media objects so far
	due       time.Duration
	extension []byte
}

// New makes an encoder. An error says what of the Spec cannot be.
func New(s Spec) (*Encoder, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	header, err := s.header()
	if err != nil {
		return nil, fmt.Errorf("the encoder's header: %w", err)
	}
	e := &Encoder{spec: s, header: header}
	e.builder = asf.NewBuilder(asf.Layout{
		PacketSize: s.packetSize(), Preroll: uint32(s.Preroll.Milliseconds()),
		Multiple: s.Multiple, Length: s.Length, Padding: s.Padding, Strip: s.Strip,
	})
	for i := range s.Streams {
		src := source{Stream: s.Streams[i]}
		if s.EE4 && src.Kind == asf.Video {
			// Pixels are square and a picture lasts 33 ms.
			src.extension = []byte{1, 1, 33, 0}
		}
		e.streams = append(e.streams, src)
	}
	return e, nil
}

// Header is the Header Object and the Data Object's first 50 bytes. It belongs
// to the encoder and does not change.
func (e *Encoder) Header() []byte { return e.header }

// PacketSize is the size of a data packet that has all its padding.
func (e *Encoder) PacketSize() int { return e.spec.packetSize() }

// SetStamp sets the stamp of the media objects made from now on, for a receiver
// to measure delay by. An encoder that is left alone stamps 0.
func (e *Encoder) SetStamp(nanoseconds uint64) { e.stamp, e.rising = nanoseconds, false }

// StampFrom makes each media object's stamp the time at which it is due, for an
// encoder whose first object is due at began, in nanoseconds of any clock. Due
// times count in whole milliseconds, as they do in packets.
func (e *Encoder) StampFrom(began uint64) { e.stamp, e.rising = began, true }

// Next returns the next data packet, valid until the next call, and its send
// time in milliseconds. It returns io.EOF after Spec.Packets packets, or why a
// media object cannot be laid out.
func (e *Encoder) Next() (packet []byte, sendTime uint32, err error) {
	if e.spec.Packets > 0 && e.packets == e.spec.Packets {
		return nil, 0, io.EOF
	}
	for {
		if packet, ok := e.builder.Next(); ok {
			e.packets++
			err := e.parsed.Parse(packet, e.spec.packetSize())
			return packet, e.parsed.SendTime(), err
		}
		if err := e.add(e.earliest()); err != nil {
			return nil, 0, err
		}
	}
}

// earliest is the stream whose next object is due first; of several the first
// in the Spec.
func (e *Encoder) earliest() *source {
	first := &e.streams[0]
	for i := range e.streams {
		if e.streams[i].due < first.due {
			first = &e.streams[i]
		}
	}
	return first
}

// add makes a stream's next media object and gives it to the builder.
func (e *Encoder) add(s *source) error {
	key := s.GOP <= 1 || s.made%uint32(s.GOP) == 0
	if s.Kind == asf.Audio && !s.KeyBit {
		key = false
	}
	m := Mark{Carrier: s.Carrier, Stream: s.Number, Key: key, Epoch: e.spec.Epoch, Sequence: s.made, Stamp: e.stampOf(s)}
	if e.blank {
		size := s.Carrier.size(s.evenSize(key))
		e.object = slices.Grow(e.object[:0], size)[:size]
	} else {
		e.object = AppendObject(e.object[:0], m, s.size(m))
	}
	err := e.builder.Add(asf.Object{
		Stream:     s.Number,
		Key:        key,
		Time:       e.spec.Start + uint32(e.spec.Preroll.Milliseconds()) + uint32(s.due.Milliseconds()),
		Data:       e.object,
		Extension:  s.extension,
		Compressed: s.Compressed,
	})
	s.made++
	s.due = time.Duration(s.made) * s.Interval
	return err
}

// stampOf is the stamp of a stream's next object.
func (e *Encoder) stampOf(s *source) uint64 {
	if !e.rising {
		return e.stamp
	}
	return e.stamp + uint64(s.due.Truncate(time.Millisecond))
}

// size is how large the next object is: video varies by up to a quarter, but
// not below what its carrier needs, in a way that follows from the object.
func (s *source) size(m Mark) int {
	size, by := s.spread(m.Key)
	if by == 0 {
		return size
	}
	n := m.noise()
	return size - by + int(n.next()%uint64(2*by+1))
}

// spread is the nominal size of the next object, and by how much it may vary.
func (s *source) spread(key bool) (size, by int) {
	size = s.sizeOf(key)
	if s.Kind != asf.Video || s.Steady {
		return size, 0
	}
	return size, min(size/4, size-s.Carrier.MinObject())
}

// evenSize is a size in the place of that of the next object, so that few of them
// have the mean of many: steps of the golden ratio go through the spread evenly.
func (s *source) evenSize(key bool) int {
	size, by := s.spread(key)
	n := s.made
	if key && s.GOP > 1 {
		n /= uint32(s.GOP)
	}
	_, part := math.Modf(0.5 + float64(n)*math.Phi)
	return size - by + int(part*float64(2*by+1))
}
