package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/spf13/pflag"

	"streampump/bench/meter"
	"streampump/bench/player"
	"streampump/bench/rtpsynth"
	"streampump/bench/rtspclient"
	"streampump/cmd/internal/cli"
)

// The protocols that a stream comes and goes over.
const (
	protocolMMSH = "mmsh"
	protocolRTSP = "rtsp"
)

// pictureRate is how many pictures a second all streams over RTSP have.
const pictureRate = float64(time.Second / rtpsynth.Picture)

// live is the stream over RTSP that the flags ask for. It has sound in any case, and
// nothing of what only ASF has.
func (o *encoding) live() (rtpsynth.Spec, error) {
	switch {
	case o.fps != pictureRate:
		return rtpsynth.Spec{}, fmt.Errorf("over RTSP there are %g pictures a second, not --fps %g", pictureRate, o.fps)
	case o.noVideo || o.script || o.strip:
		return rtpsynth.Spec{}, errors.New("--no-video, --script and --strip are not for RTSP")
	}
	return rtpsynth.Live(int(o.bitrate), o.gop, o.packetSize)
}

// overRTSP is where the encoder announces, and what.
func (o *encoding) overRTSP(url string, s *secureFlags) (to target, spec rtpsynth.Spec, err error) {
	if to, err = parseRTSP(url, s); err != nil {
		return to, spec, err
	}
	if o.audio || o.multiple {
		return to, spec, errors.New("--audio and --multiple are not for RTSP, where there is sound in any case")
	}
	if err := inBounds(notBelow0("duration", o.duration)); err != nil {
		return to, spec, err
	}
	spec, err = o.live()
	return to, spec, err
}

// announce sends a stream over RTSP until ctx ends, which is a proper end, or for a limit;
// 0 is none.
func (e env) announce(ctx context.Context, to target, spec rtpsynth.Spec, limit time.Duration) error {
	if limit > 0 {
		limited, done := context.WithTimeout(ctx, limit)
		defer done()
		ctx = limited
	}
	c, err := (&net.Dialer{Timeout: player.DefaultTimeout}).DialContext(ctx, "tcp", to.addr)
	if err != nil {
		return fmt.Errorf("no connection to the server: %w", cli.Bare(err))
	}
	conn := rtspclient.NewConn(c, player.DefaultTimeout)
	defer conn.Close()
	url := "rtsp://" + to.addr + to.path
	p := rtspclient.NewPublisher(&rtspclient.Client{Conn: conn}, url, spec)
	fmt.Fprintf(e.stderr, "announcing to %s; Ctrl-C ends\n", url)
	err = p.Live(ctx, meter.Now)
	fmt.Fprintf(e.stdout, "sent %d packets of pictures and %d of sound\n", p.Sent(rtpsynth.Video), p.Sent(rtpsynth.Audio))
	if err != nil {
		return fmt.Errorf("the push ended: %w", err)
	}
	return nil
}

// liveFlags are the flags that say what stream is played over RTSP.
type liveFlags struct {
	bitrate         bits
	gop, packetSize int
}

// add adds the flags, with the encoder's defaults.
func (o *liveFlags) add(f *pflag.FlagSet) {
	o.bitrate = 1_000_000
	f.Var(&o.bitrate, "bitrate", "over RTSP: the encoder's --bitrate")
	f.IntVar(&o.gop, "gop", 25, "over RTSP: the encoder's --gop")
	f.IntVar(&o.packetSize, "packet-size", 1400, "over RTSP: the encoder's --packet-size")
}

// check refuses flags that have no effect.
func (o *liveFlags) check(rtsp bool, f *pflag.FlagSet) error {
	if rtsp && f.Changed("protocol") {
		return errors.New("--protocol has no effect on a URL with rtsp://")
	}
	for _, name := range []string{"bitrate", "gop", "packet-size"} {
		if !rtsp && f.Changed(name) {
			return fmt.Errorf("--%s has no effect without a URL with rtsp://", name)
		}
	}
	return nil
}

// spec is the stream that the flags ask for.
func (o *liveFlags) spec() (rtpsynth.Spec, error) {
	return rtpsynth.Live(int(o.bitrate), o.gop, o.packetSize)
}
