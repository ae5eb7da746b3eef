package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"streampump/bench/live"
	"streampump/bench/push"
	"streampump/bench/synth"
	"streampump/cmd/internal/cli"
	"streampump/codec/asf"
)

// Bounds of the encoder's options.
const (
	maxPacket = 65000
	maxFPS    = 1000
	// audioShare is the part of the bitrate that sound has beside video, within what
	// players take.
	audioShare = 8
	// audioObject is the size of a media object of sound.
	audioObject = 371
	// scriptInterval is from one script command to the next.
	scriptInterval = 5 * time.Second
	// preroll is how much players buffer, as ffmpeg says it in its headers.
	preroll = 3100 * time.Millisecond
)

// encoding is what the flags of the encoder say.
type encoding struct {
	bitrate        bits
	packetSize     int
	gop            int
	fps            float64
	audio, noVideo bool
	script         bool
	multiple       bool
	strip          bool
	duration       time.Duration
}

// bitrateUsage is what the flag for a bitrate means in every command.
const bitrateUsage = "bits sent per second, packets with their padding, such as 64k or 1.5M"

func newEncoderCommand(e env) *cobra.Command {
	var o encoding
	var s secureFlags
	cmd := &cobra.Command{
		Use:   "encoder URL",
		Short: "Push a synthetic stream in real time",
		Long: `Push a synthetic stream in real time, until Ctrl-C or for --duration, and end it
properly. Players can play it: the video is Motion JPEG that counts its frames, the
sound a quiet hiss. Every byte of it follows from a pattern, by which pump-bench
players check it; each media object carries the time at which it was due, on the
machine's own clock, by which players on the same machine measure the delay.

With --tls, or a URL with https://, it pushes over TLS and checks the pump's
certificate.

To a URL with rtsp:// or rtmp:// it sends H.264 and AAC instead, 25 pictures a second
whose packets are all known too, though no player can show them: for servers of RTSP and
RTMP, and players that are told the same --bitrate, --gop and --packet-size. Over RTMP a
picture is a packet.`,
		Example: `  pump-bench encoder http://localhost:8086/streams/live_push
  pump-bench encoder http://localhost:8086/streams/live_push --bitrate 64k --multiple --gop 50
  pump-bench encoder http://localhost:8086/streams/live_push --audio --script --multiple --strip
  pump-bench encoder https://pump.example/streams/live_push --ca ca.pem
  pump-bench encoder rtsp://localhost:8554/live --gop 50
  pump-bench encoder rtmp://localhost/streams/live --gop 50`,
		Args: cli.Arguments("URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if protocol := feedOf(args[0]); protocol != "" {
				to, stream, err := o.over(protocol, args[0], &s)
				if err != nil {
					return &cli.UsageError{Cmd: cmd, Err: err}
				}
				return e.publish(cmd.Context(), to, stream, o.duration)
			}
			to, secured, err := s.target(args[0])
			if err != nil {
				return &cli.UsageError{Cmd: cmd, Err: err}
			}
			spec, err := o.spec()
			if err != nil {
				return &cli.UsageError{Cmd: cmd, Err: err}
			}
			return e.encode(cmd.Context(), to, secured, spec, o.duration)
		},
	}
	o.addFlags(cmd.Flags())
	s.add(cmd.Flags())
	return cmd
}

// addFlags adds the flags that fill the encoding, and sets their defaults.
func (o *encoding) addFlags(f *pflag.FlagSet) {
	o.addVideo(f)
	f.BoolVar(&o.audio, "audio", false, "send sound beside the video: an eighth of the bitrate, and at least 32k of sound")
	f.BoolVar(&o.noVideo, "no-video", false, "send sound alone")
	f.BoolVar(&o.script, "script", false, "send a script command every 5 s")
	f.BoolVar(&o.multiple, "multiple", false, "put several payloads in a packet, as ffmpeg does")
	f.BoolVar(&o.strip, "strip", false, "leave the packets' padding out, as Expression Encoder does")
	f.DurationVar(&o.duration, "duration", 0, "end after this time; 0: never")
}

// addVideo adds those of any stream with video. What a bitrate is of is the same
// everywhere.
func (o *encoding) addVideo(f *pflag.FlagSet) {
	o.bitrate = 1_000_000
	f.Var(&o.bitrate, "bitrate", bitrateUsage)
	f.IntVar(&o.packetSize, "packet-size", defaultPacket, "size of a data packet in bytes")
	f.IntVar(&o.gop, "gop", 25, "frames from one key frame to the next")
	f.Float64Var(&o.fps, "fps", 25, "video frames per second")
}

// spec is the stream that the flags ask for.
func (o *encoding) spec() (synth.Spec, error) {
	switch {
	case !(o.fps > 0 && o.fps <= maxFPS):
		return synth.Spec{}, fmt.Errorf("--fps must be above 0 and at most %d", maxFPS)
	case o.gop < 1:
		return synth.Spec{}, errors.New("--gop must be 1 or more")
	}
	if err := inBounds(notBelow0("duration", o.duration)); err != nil {
		return synth.Spec{}, err
	}
	s := synth.Spec{
		Streams: o.streams(), PacketSize: o.packetSize, Preroll: preroll,
		Multiple: o.multiple, Padding: asf.Word, Strip: o.strip,
	}
	if least := s.MinPacket(); o.packetSize < least || o.packetSize > maxPacket {
		return synth.Spec{}, fmt.Errorf("--packet-size must be from %d to %d bytes for such a stream, not %d", least, maxPacket, o.packetSize)
	}
	if err := s.Check(); err != nil {
		return synth.Spec{}, err
	}
	tuned, err := s.At(float64(o.bitrate))
	var bound *synth.RateError
	if errors.As(err, &bound) && bound.Low {
		return synth.Spec{}, fmt.Errorf("%w; %s", err, o.cheaper())
	}
	return tuned, err
}

// cheaper names the flags that lower the bitrate needed.
func (o *encoding) cheaper() string {
	var ways []string
	if !o.multiple && !o.strip {
		ways = append(ways, "--multiple", "a smaller --packet-size")
	}
	if !o.noVideo {
		ways = append(ways, "a lower --fps")
	}
	if o.audio && !o.noVideo {
		ways = append(ways, "no --audio")
	}
	if len(ways) == 0 {
		return "there is no smaller one"
	}
	return "a lower bitrate takes " + strings.Join(ways, ", or ")
}

// streams are video, if the first packet is to start a key frame, and the
// others. The pictures are the smallest ones, and made larger for the bitrate.
func (o *encoding) streams() (l []synth.Stream) {
	if !o.noVideo {
		video := synth.Video(1, o.fps, 0, o.gop).Playable()
		video.Size = video.Carrier.MinObject()
		video.KeySize = synth.KeyRatio * video.Size
		l = append(l, video)
	}
	if o.audio || o.noVideo {
		l = append(l, synth.Audio(2, o.sound(), audioObject).Playable())
	}
	if o.script {
		l = append(l, synth.Script(3, scriptInterval).Playable())
	}
	return l
}

// sound is the bitrate of sound beside video, as media: what is sent of it, with a
// packet for each object or not, is its share.
func (o *encoding) sound() int {
	sent := float64(o.bitrate) / audioShare
	if !o.multiple && !o.strip {
		sent *= min(1, audioObject/float64(o.packetSize))
	}
	return min(max(int(sent), 8*synth.MinRate), 8*synth.MaxRate)
}

// encode pushes until ctx ends, which is a proper end.
func (e env) encode(ctx context.Context, to target, secured *tls.Config, spec synth.Spec, limit time.Duration) error {
	c, err := push.Dial(ctx, to.addr, push.Options{Path: to.path, Host: to.addr, TLS: secured})
	if err != nil {
		return fmt.Errorf("no connection to the pump: %w", cli.Bare(err))
	}
	defer c.Close()
	if _, err := c.Setup(ctx, push.AutoDestroy); err != nil {
		return fmt.Errorf("the push was not accepted: %w", err)
	}
	src, err := live.New(ctx, spec, limit)
	if err != nil {
		return err
	}
	scheme := "http"
	if secured != nil {
		scheme = "https"
	}
	fmt.Fprintf(e.stderr, "pushing to %s://%s%s; Ctrl-C ends\n", scheme, to.addr, to.path)
	quiet := func() {}
	if limit > 0 {
		show := e.newProgress(limit, 1)
		stop := show.byClock("pushing")
		quiet = func() { stop(); show.done() }
	}
	began := time.Now()
	// The source ends with ctx, so that the end of the stream is still sent.
	err = c.Run(context.WithoutCancel(ctx), src, push.RunOptions{})
	quiet()
	packets, size, late := src.Sent()
	seconds := time.Since(began).Seconds()
	fmt.Fprintf(e.stdout, "sent %d packets, %d bytes, in %.1f s (%.0f kbit/s); the latest was %.1f ms late\n",
		packets, size, seconds, float64(size)*8/seconds/1000, float64(late)/float64(time.Millisecond))
	if err != nil {
		return fmt.Errorf("the push ended: %w", err)
	}
	return nil
}
