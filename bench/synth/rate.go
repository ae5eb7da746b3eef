package synth

import (
	"errors"
	"fmt"
	"math"
	"time"

	"streampump/codec/asf"
)

// How much is made to see what is sent in a second.
const (
	rateSpan    = 16 * time.Second // of the stream at least
	rateGroups  = 16               // of pictures at least, because their sizes vary
	ratePackets = 200              // at least, because the last one is not full
	rateBytes   = 16 << 20         // at most, in whole groups
)

// Rate is what the encoder sends in a second, in bits: whole data packets, with
// their padding unless it is stripped, and without what a protocol puts around
// them. That is what rates of streams mean everywhere in bench; what the streams
// themselves add up to, as headers tell it, is less.
func (s Spec) Rate() (float64, error) {
	s.Packets = 0
	e, err := New(s)
	if err != nil {
		return 0, err
	}
	e.blank = true
	group := s.group()
	bytes, packets := 0, 0
	for span := group; ; span += group {
		for e.earliest().due < span {
			if err := e.add(e.earliest()); err != nil {
				return 0, err
			}
			for b, ok := e.builder.Next(); ok; b, ok = e.builder.Next() {
				bytes, packets = bytes+len(b), packets+1
			}
		}
		if span >= max(rateSpan, rateGroups*group) && packets >= ratePackets || bytes >= rateBytes {
			return float64(bytes) * 8 / span.Seconds(), nil
		}
	}
}

// group is the time after which the sizes of objects repeat.
func (s *Spec) group() time.Duration {
	for i := range s.Streams {
		if st := &s.Streams[i]; st.Kind == asf.Video {
			return time.Duration(max(st.GOP, 1)) * st.Interval
		}
	}
	return time.Second
}

// RateError says that a stream cannot be sent in that few bits, or that many.
type RateError struct {
	Asked, Bound float64 // bits per second
	Low          bool    // what is asked for is below the bound
}

// Error is what is asked for, and what is possible.
func (e *RateError) Error() string {
	if e.Low {
		return fmt.Sprintf("%s is asked for, but the smallest such stream sends %s, packets and padding included",
			kilobits(e.Asked), kilobits(math.Ceil(e.Bound/1000)*1000))
	}
	return fmt.Sprintf("%s is asked for, but the largest such stream sends %s, packets and padding included",
		kilobits(e.Asked), kilobits(math.Floor(e.Bound/1000)*1000))
}

// sameRate is how close to the rate asked for is close enough, as a part of it: the
// sizes of pictures vary, and so does what is sent from second to second.
const sameRate = 0.01

// At is the Spec with pictures, or without any sound, of the size with which it sends
// that many bits in a second, see [Spec.Rate]. Other streams stay as they are. A rate
// that is too low for the smallest objects is a [RateError], as is one that is too
// high.
func (s Spec) At(rate float64) (Spec, error) {
	tuned, least, most, err := s.tunable(rate)
	if err != nil {
		return s, err
	}
	is, err := tuned(least).Rate()
	switch {
	case err != nil:
		return s, err
	case is > rate*(1+sameRate):
		return s, &RateError{Asked: rate, Bound: is, Low: true}
	}
	at := least
	for least+1 < most && math.Abs(is/rate-1) > sameRate/4 {
		at = (least + most) / 2
		if is, err = tuned(at).Rate(); err != nil {
			return s, err
		}
		if is < rate {
			least = at
		} else {
			most = at
		}
	}
	if is < rate*(1-2*sameRate) {
		return s, &RateError{Asked: rate, Bound: is}
	}
	return tuned(at), nil
}

// tunable is the Spec by the one number that its rate rises with, and that number's
// bounds.
func (s Spec) tunable(rate float64) (tuned func(n int) Spec, least, most int, err error) {
	with := func(i int, st Stream) Spec {
		o := s
		o.Streams = append([]Stream(nil), s.Streams...)
		o.Streams[i] = st
		return o
	}
	for i, st := range s.Streams {
		if st.Kind == asf.Video {
			ratio := 0 // of a key frame, whose size is that of others if it is 0
			if st.KeySize != 0 {
				ratio = KeyRatio
			}
			least := st.Carrier.MinObject()
			if st.GOP <= 1 && ratio > 0 {
				least = (least + ratio - 1) / ratio
			}
			most := least + int(rate/8*st.Interval.Seconds()) + 1 // whose media alone are more
			return func(n int) Spec {
				o := st
				o.Size, o.KeySize = n, ratio*n
				return with(i, o)
			}, least, most, nil
		}
	}
	for i, st := range s.Streams {
		if st.Kind == asf.Audio {
			return func(n int) Spec {
				o := st
				o.Interval = time.Duration(float64(st.Size) / float64(n) * float64(time.Second))
				return with(i, o)
			}, MinRate, min(MaxRate, max(int(rate/8), MinRate+1)), nil
		}
	}
	return nil, 0, 0, errors.New("the encoder has neither pictures nor sound, so its rate cannot be set")
}
