package load

import (
	"context"
	"errors"
	"net"
	"slices"
	"time"

	"streampump/bench/feed"
	"streampump/bench/flvsynth"
	"streampump/bench/meter"
	"streampump/bench/payload"
	"streampump/bench/rtmpclient"
)

// rtmpServer is as little of a server of RTMP as players need.
type rtmpServer struct {
	spec flvsynth.Spec
	faults
}

func overRTMP(f faults) (feeder, error) {
	spec, err := flvsynth.Live(1_000_000, 5)
	return &rtmpServer{spec, f}, err
}

func (s *rtmpServer) stream() feed.Stream { return feed.OverRTMP(s.spec) }

// serve answers until the stream plays, and then sends it as fast as it is due.
func (s *rtmpServer) serve(c net.Conn) error {
	ctx := context.Background()
	p := &rtmpclient.Peer{Conn: rtmpclient.NewConn(c, time.Minute), Refuse: s.refuse}
	if _, err := p.Meet(ctx); err != nil {
		return err
	}
	spec := s.spec
	run, began := payload.Begin(meter.Now())
	spec.Run = run
	src := flvsynth.New(spec)
	src.Skip(flvsynth.Video, s.skip)
	of := rtmpclient.Publisher{Source: src, Stream: 1}
	for i, t := range src.Preamble() {
		if t.Time = 0; i == 0 {
			t.Body = spec.Metadata()
		}
		if err := p.Put(ctx, of.Message(t)); err != nil {
			return err
		}
	}
	for n := 0; !s.ends || n < 40; n++ {
		t := src.Next()
		due := time.NewTimer(t.Due - time.Duration(int64(meter.Now()-began)))
		<-due.C
		m := of.Message(t)
		m.Body = slices.Clone(m.Body)
		if s.corrupt && n == 30 {
			m.Body[len(m.Body)/2] ^= 1
		}
		if err := p.Put(ctx, m); err != nil {
			return err
		}
		if n == 1 {
			src.Skip(flvsynth.Video, s.hole)
		}
	}
	return errors.New("enough")
}
