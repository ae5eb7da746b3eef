//go:build e2e

package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"streampump/bench/push"
	"streampump/codec/asf"
	"streampump/e2e/rig"
)

const (
	// filmRate is how many pictures a second of film has.
	filmRate = 25
	// filmVideo is the number of the stream of pictures in ffmpeg's files.
	filmVideo = 1
)

// footage is real media: an ASF file in its pieces.
type footage struct {
	path    string // of the file
	header  []byte
	packets [][]byte
	size    int    // of a packet
	span    uint32 // how long one round of the packets is, in ms
}

// A take says what a film is to be like.
type take struct {
	seconds int
	width   int  // of the picture; 320 if 0
	gop     int  // frames from one key frame to the next; 25, a second, if 0
	mute    bool // without sound
}

// film makes an ordinary film: picture and sound, a key frame every second.
func film(t testing.TB, seconds, width int) *footage {
	t.Helper()
	return shoot(t, take{seconds: seconds, width: width})
}

// shoot makes an ASF file with ffmpeg: a test picture and a tone. Its frames
// share packets as those of ordinary files do, delta frames ahead of key frames
// included.
func shoot(t testing.TB, k take) *footage {
	t.Helper()
	need(t, "ffmpeg")
	width, gop := cmp.Or(k.width, 320), cmp.Or(k.gop, filmRate)
	args := []string{"-nostdin", "-loglevel", "error", "-y",
		"-f", "lavfi", "-i", fmt.Sprintf("testsrc=rate=%d:size=%dx%d", filmRate, width, width*3/4)}
	if !k.mute {
		args = append(args, "-f", "lavfi", "-i", "sine=440", "-c:a", "wmav2", "-b:a", "64k")
	}
	path := filepath.Join(rig.Reachable(t), "film.asf")
	run(t, "ffmpeg", append(args, "-t", strconv.Itoa(k.seconds),
		"-c:v", "wmv2", "-b:v", "400k", "-g", strconv.Itoa(gop), "-f", "asf", path)...)
	return develop(t, path)
}

// develop reads an ASF file.
func develop(t testing.TB, path string) *footage {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f := &footage{path: path}
	var r asf.Reader
	for len(b) > 0 {
		n, header, packet, err := r.Consume(b)
		b = b[n:]
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if header != nil {
			f.header = slices.Clone(header)
		}
		if packet != nil {
			f.packets = append(f.packets, slices.Clone(packet))
		}
	}
	if r.Header() == nil || len(f.packets) == 0 {
		t.Fatalf("%s is not an ASF file with packets", path)
	}
	f.size = r.Header().PacketSize()
	var last asf.Packet
	if err := last.Parse(f.packets[len(f.packets)-1], f.size); err != nil {
		t.Fatal(err)
	}
	f.span = last.SendTime() + uint32(last.Duration())
	return f
}

// reel plays footage as an encoder would send it: its header, and its packets
// with the time line moved; it is a [push.Source]. The zero value of each field
// but footage plays the packets once.
type reel struct {
	*footage
	begin  uint32 // send time of the first packet, in ms
	loop   bool   // the packets start again at their end, with the time going on
	crash  bool   // the encoder dies at the end and does not say that it is over
	at     int
	packet []byte
}

// errCrash ends an encoder that dies.
var errCrash = errors.New("the encoder dies")

// Header is the file's header, as ffmpeg wrote it: not that of a broadcast.
func (r *reel) Header() []byte { return r.header }

// Next is the next packet and its send time.
func (r *reel) Next() ([]byte, uint32, error) {
	if r.at == len(r.packets) {
		if r.crash {
			return nil, 0, errCrash
		}
		if !r.loop {
			return nil, 0, io.EOF
		}
		r.at, r.begin = 0, r.begin+r.span
	}
	r.packet = append(r.packet[:0], r.packets[r.at]...)
	r.at++
	if r.begin != 0 {
		if err := asf.ShiftTimes(r.packet, r.size, r.begin); err != nil {
			return nil, 0, err
		}
	}
	var p asf.Packet
	err := p.Parse(r.packet, r.size)
	return r.packet, p.SendTime(), err
}

// encoder is a push under way.
type encoder struct {
	client *push.Client
	cancel context.CancelFunc
	done   chan error
}

// encode starts an encoder that pushes src to one of a pump's streams.
func encode(t testing.TB, p *rig.Pump, path string, src push.Source, o push.RunOptions) *encoder {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	c, err := push.Dial(ctx, p.Addr.String(), push.Options{Path: "/streams/" + path + "_push"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := c.Setup(ctx, push.AutoDestroy); err != nil {
		t.Fatal(err)
	}
	e := &encoder{client: c, cancel: cancel, done: make(chan error, 1)}
	go func() { e.done <- c.Run(ctx, src, o) }()
	return e
}

// crash ends the encoder as a power cut does.
func (e *encoder) crash() {
	e.cancel()
	<-e.done
	_ = e.client.Close()
}

// finish waits until the encoder has sent everything.
func (e *encoder) finish(t testing.TB) {
	t.Helper()
	if err := <-e.done; err != nil {
		t.Fatal(err)
	}
	_ = e.client.Close()
}
