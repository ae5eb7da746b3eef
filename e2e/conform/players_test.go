//go:build e2e

package conform

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"streampump/bench/player"
	"streampump/bench/push"
	"streampump/codec/asf"
	"streampump/demo"
	"streampump/e2e/rig"
)

// playerRuns are the rows of [playerRows].
func playerRuns() map[string]func(k *kit) {
	return map[string]func(k *kit){
		"RolloverPlays": rolloverPlays, "Players": players, "PlayersLate": playersLate, "FFprobe": ffprobe,
		"FFmpegPushes": ffmpegPushes, "Curl": curl,
	}
}

// frames is what a player must decode.
const frames = 100

// joinWithin is the time in which a player joins at a random moment: the
// clip's key frames are two seconds apart.
const joinWithin = 2 * time.Second

// televised is the row with a pump that plays the demo's clip.
func (k *kit) televised() *kit {
	k.Helper()
	clip := filepath.Join(rig.Reachable(k.T), "clip.asf")
	k.check(os.WriteFile(clip, demo.Clip(), 0o644))
	own := *k
	own.path = "clip"
	own.pump = rig.Start(k.T, rig.Options{TLS: k.all.transport.identity, Config: fmt.Sprintf(`"streams": [{"type": "file", "path": "clip", "source_options": {"file": %q}},
		{"type": "mmsh_push", "path": "ffmpeg"}, {"type": "mmsh_push", "path": "vlc"}, {"type": "mmsh_push", "path": "mplayer"}, {"type": "mmsh_push", "path": "mpv"}]`, clip)})
	own.addr = k.all.address(own.pump, false)
	own.source("up")
	return &own
}

// joins waits until a random moment has come.
func (k *kit) joins() {
	select {
	case <-time.After(rand.N(joinWithin)):
	case <-k.ctx.Done():
	}
}

func rolloverPlays(k *kit) {
	k = k.televised()
	defer k.turn()()
	for _, p := range []program{vlcPlayer(), mplayerPlayer()} {
		k.plays(p, "mms")
	}
}

func players(k *kit) {
	k = k.televised()
	defer k.turn()()
	for _, p := range k.programs() {
		k.joins()
		k.plays(p, "mmsh")
	}
}

func playersLate(k *kit) {
	k = k.televised()
	defer k.turn()()
	for _, p := range k.programs() {
		k.path = p.name
		ctx, cancel := context.WithCancel(k.ctx)
		e, err := push.Dial(ctx, k.addr, push.Options{Path: k.pushURL(), TLS: k.all.transport.client()})
		k.check(err)
		_, err = e.Setup(ctx, push.AutoDestroy)
		k.check(err)
		src := k.clip(4_000_000_000)
		ended := make(chan error, 1)
		go func() { ended <- e.Run(ctx, src, push.RunOptions{Pace: push.RealTime(1)}) }()
		k.source("up")
		k.joins()
		k.plays(p, "mmsh")
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			k.Fatal(err)
		}
		k.check(e.Close())
	}
}

// ffmpegPushes has ffmpeg push until the players have played, and end then.
func ffmpegPushes(k *kit) {
	k = k.televised()
	defer k.turn()()
	k.path = "ffmpeg"
	ctx, cancel := context.WithCancel(k.ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, k.program("ffmpeg"), strings.Fields("-nostdin -hide_banner -loglevel error -re"+
		" -f lavfi -i testsrc=size=320x240:rate=25 -f lavfi -i sine -c:v wmv2 -g 25 -c:a wmav2"+k.ffmpegTrust()+" -f asf "+k.address("http", k.pushURL()))...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it ends its stream then
	cmd.WaitDelay = patience
	k.check(cmd.Start())
	k.source("up")
	for _, p := range k.programs() {
		k.joins()
		k.plays(p, "mmsh")
	}
	cancel()
	_ = cmd.Wait() // it calls a signal an error
	k.logged("encoder's session is over", k.tag(), "the encoder ended its stream")
}

// clip is one round of the demo's clip with its times moved.
type clip struct {
	header []byte
	size   int
	rest   [][]byte
}

func (k *kit) clip(shift uint32) *clip {
	k.Helper()
	c := new(clip)
	var r asf.Reader
	for b := demo.Clip(); len(b) > 0; {
		n, header, packet, err := r.Consume(b)
		if errors.Is(err, io.EOF) {
			break
		}
		k.check(err)
		switch {
		case header != nil:
			c.header, c.size = bytes.Clone(header), r.Header().PacketSize()
		case packet != nil:
			packet = bytes.Clone(packet)
			k.check(asf.ShiftTimes(packet, c.size, shift))
			c.rest = append(c.rest, packet)
		}
		b = b[n:]
	}
	return c
}

// Header implements [push.Source].
func (c *clip) Header() []byte { return c.header }

// Next implements [push.Source].
func (c *clip) Next() (packet []byte, sendTime uint32, err error) {
	if len(c.rest) == 0 {
		return nil, 0, io.EOF
	}
	packet, c.rest = c.rest[0], c.rest[1:]
	var p asf.Packet
	err = p.Parse(packet, c.size)
	return packet, p.SendTime(), err
}

// curl takes the stream for some seconds, into a file.
func curl(k *kit) {
	k = k.televised()
	defer k.turn()()
	file := filepath.Join(k.TempDir(), "taken.asf")
	args := append(strings.Fields("--silent --show-error --max-time 4"), "--output", file, k.address("http", k.url()))
	if k.all.transport.secure() {
		args = append(args, "--cacert", k.all.transport.identity.Roots)
	}
	out := k.command(program{name: "curl", args: args})
	k.want(strings.Contains(out, "timed out"), "curl says %s", out) // and nothing else ended it
	b, err := os.ReadFile(file)
	k.check(err)
	v := player.NewVerifier(player.Options{Plain: true, Rounds: func() bool { return true }})
	_, err = v.Write(b)
	k.check(err)
	k.want(v.Counts().Packets > 0, "curl has %d bytes and %+v", len(b), v.Counts())
}

func ffprobe(k *kit) {
	k = k.televised()
	defer k.turn()()
	out := k.command(program{name: "ffprobe", args: append(strings.Fields(
		"-hide_banner -loglevel warning -read_intervals %+2 -count_packets -show_entries stream=codec_name,nb_read_packets -of csv=p=0"+k.ffmpegTrust()),
		k.address("http", k.url()),
	)})
	k.want(strings.Contains(out, "wmv2,") && strings.Contains(out, "wmav2,"), "ffprobe says %s", out)
	k.blameless(out)
}
