package synth

import (
	"errors"
	"fmt"
	"math"
)

// Check refuses a Spec that makes no stream, and says what is missing.
func (s *Spec) Check() error {
	if len(s.Streams) == 0 {
		return errors.New("the encoder has no streams")
	}
	for i := range s.Streams {
		if err := s.Streams[i].check(); err != nil {
			return err
		}
	}
	if size, least := s.packetSize(), s.MinPacket(); size < least {
		return fmt.Errorf("packets of %d bytes cannot hold the beginning of each object in one piece, which takes %d", size, least)
	}
	return nil
}

// MinPacket is the size of the smallest data packets that the streams fit: in
// those any object that begins a packet has its stamp in the first piece. (One
// that begins at a packet's end, behind others, may still be cut within.)
func (s *Spec) MinPacket() int {
	head := 0
	for i := range s.Streams {
		head = max(head, s.Streams[i].Carrier.headEnd())
	}
	return packetFields + head
}

func (st *Stream) check() error {
	if st.Interval <= 0 {
		return fmt.Errorf("stream %d has no interval between its objects", st.Number)
	}
	if least, size := st.Carrier.MinObject(), st.smallest(); size < least {
		return fmt.Errorf("stream %d, %s of %s, has %d bytes for %s and needs %d: that takes %s, or fewer a second",
			st.Number, st.Kind, kilobits(st.bitrate()), size, forms[st.Carrier].name, least, kilobits(math.Ceil(st.bitrateFor(least)/1000)*1000))
	}
	if rate := st.rate(); st.Carrier == PCM && (rate < MinRate || rate > MaxRate) {
		return fmt.Errorf("stream %d, sound of %s, has %d samples per second; players take %d to %d, which is %s to %s",
			st.Number, kilobits(st.bitrate()), rate, MinRate, MaxRate, kilobits(8*MinRate), kilobits(8*MaxRate))
	}
	if st.Carrier != Bare && st.Carrier != st.Playable().Carrier {
		return fmt.Errorf("stream %d is %s, and its objects are each %s", st.Number, st.Kind, forms[st.Carrier].name)
	}
	return nil
}

// smallest is the nominal size of the stream's smallest objects.
func (st *Stream) smallest() int {
	if st.GOP <= 1 || st.KeySize != 0 && st.KeySize < st.Size {
		return st.sizeOf(true)
	}
	return st.Size
}

// bitrateFor is about how many bits per second objects of size bytes make.
func (st *Stream) bitrateFor(size int) float64 {
	o := *st
	o.Size, o.KeySize = size, 0
	if o.GOP > 1 {
		o.KeySize = KeyRatio * size
	}
	return o.bitrate()
}

// kilobits is a bitrate for people.
func kilobits(bitrate float64) string { return fmt.Sprintf("%.0f kbit/s", bitrate/1000) }
