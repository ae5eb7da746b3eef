package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"streampump/bench/feed"
	"streampump/bench/flvsynth"
	"streampump/bench/meter"
	"streampump/bench/player"
	"streampump/cmd/internal/cli"
)

// pictureRate is how many pictures a second all streams over RTSP and RTMP have.
const pictureRate = float64(time.Second / flvsynth.Picture)

// defaultPacket is the size of packets if nothing is said.
const defaultPacket = 1400

// feed is the stream over a protocol that the flags ask for. It has sound in any case, and
// nothing of what only ASF has.
func (o *encoding) feed(protocol string) (feed.Stream, error) {
	name := strings.ToUpper(protocol)
	switch {
	case o.fps != pictureRate:
		return nil, fmt.Errorf("over %s there are %g pictures a second, not --fps %g", name, pictureRate, o.fps)
	case o.noVideo || o.script || o.strip:
		return nil, fmt.Errorf("--no-video, --script and --strip are not for %s", name)
	}
	return streamOver(protocol, o.bitrate, o.gop, o.packetSize)
}

// streamOver is a stream over a protocol.
func streamOver(protocol string, bitrate bits, gop, packetSize int) (feed.Stream, error) {
	if protocol == feed.RTMP && packetSize != defaultPacket {
		return nil, errors.New("--packet-size is not for RTMP, where a picture is a packet")
	}
	return feed.Live(protocol, int(bitrate), gop, packetSize)
}

// over is where the encoder offers a stream over a protocol, and what.
func (o *encoding) over(protocol, url string, s *secureFlags) (to target, stream feed.Stream, err error) {
	if to, err = parseFeed(protocol, url, s); err != nil {
		return to, nil, err
	}
	if o.audio || o.multiple {
		return to, nil, fmt.Errorf("--audio and --multiple are not for %s, where there is sound in any case", strings.ToUpper(protocol))
	}
	if err := inBounds(notBelow0("duration", o.duration)); err != nil {
		return to, nil, err
	}
	stream, err = o.feed(protocol)
	return to, stream, err
}

// publish sends a stream over its protocol until ctx ends, which is a proper end, or for a
// limit; 0 is none.
func (e env) publish(ctx context.Context, to target, stream feed.Stream, limit time.Duration) error {
	if limit > 0 {
		limited, done := context.WithTimeout(ctx, limit)
		defer done()
		ctx = limited
	}
	c, err := (&net.Dialer{Timeout: player.DefaultTimeout}).DialContext(ctx, "tcp", to.addr)
	if err != nil {
		return fmt.Errorf("no connection to the server: %w", cli.Bare(err))
	}
	defer c.Close()
	fmt.Fprintf(e.stderr, "publishing to %s://%s%s; Ctrl-C ends\n", stream.Protocol(), to.addr, to.path)
	sent, err := stream.Publish(ctx, c, feed.Place{Addr: to.addr, Path: to.path}, meter.Now)
	fmt.Fprintf(e.stdout, "sent %d packets of pictures and %d of sound\n", sent.Pictures, sent.Sound)
	if err != nil {
		return fmt.Errorf("the push ended: %w", err)
	}
	return nil
}

// feedFlags are the flags that say what stream is played over RTSP or RTMP.
type feedFlags struct {
	bitrate         bits
	gop, packetSize int
}

// add adds the flags, with the encoder's defaults.
func (o *feedFlags) add(f *pflag.FlagSet) {
	o.bitrate = 1_000_000
	f.Var(&o.bitrate, "bitrate", "over RTSP and RTMP: the encoder's --bitrate")
	f.IntVar(&o.gop, "gop", 25, "over RTSP and RTMP: the encoder's --gop")
	f.IntVar(&o.packetSize, "packet-size", defaultPacket, "over RTSP: the encoder's --packet-size")
}

// check refuses flags that have no effect. protocol is that of the URL, empty for others.
func (o *feedFlags) check(protocol string, f *pflag.FlagSet) error {
	if protocol != "" && f.Changed("protocol") {
		return fmt.Errorf("--protocol has no effect on a URL with %s://", protocol)
	}
	for _, name := range []string{"bitrate", "gop", "packet-size"} {
		if protocol == "" && f.Changed(name) {
			return fmt.Errorf("--%s has no effect without a URL with rtsp:// or rtmp://", name)
		}
	}
	return nil
}

// stream is the stream that the flags ask for.
func (o *feedFlags) stream(protocol string) (feed.Stream, error) {
	return streamOver(protocol, o.bitrate, o.gop, o.packetSize)
}
