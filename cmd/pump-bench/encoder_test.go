package main

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"streampump/bench/player"
	"streampump/bench/synth"
	"streampump/codec/asf"
)

// flagSpec is the stream that the encoder's flags ask for.
func flagSpec(t *testing.T, args ...string) (synth.Spec, error) {
	t.Helper()
	var o encoding
	f := pflag.NewFlagSet("encoder", pflag.ContinueOnError)
	o.addFlags(f)
	if err := f.Parse(args); err != nil {
		t.Fatal(err)
	}
	return o.spec()
}

// encoderShapes are the flags that change what is in packets, each with and
// without the others where they may stand together.
func encoderShapes() (shapes [][]string) {
	for _, media := range []string{"", "--audio", "--no-video"} {
		for i := range 8 {
			var args []string
			for bit, flag := range []string{media, "--script", "--multiple", "--strip"} {
				if bit == 0 && flag != "" || bit > 0 && i>>(bit-1)&1 != 0 {
					args = append(args, flag)
				}
			}
			shapes = append(shapes, args)
		}
	}
	return shapes
}

// TestEncoderShapesVerify: whatever the flags and the packet size, what the
// encoder sends is whole at a viewer, byte for byte, and all of it is media that
// players decode.
func TestEncoderShapesVerify(t *testing.T) {
	const least = 163 // that all shapes fit
	for _, args := range encoderShapes() {
		for _, size := range []int{least, 576, 1400, 3200, 8223, maxPacket} {
			name := strings.Join(append([]string{fmt.Sprint(size)}, args...), "")
			t.Run(name, func(t *testing.T) {
				spec, err := flagSpec(t, append(args, "--bitrate", bitrateFor(args, size), "--packet-size", fmt.Sprint(size))...)
				if err != nil {
					t.Fatal(err)
				}
				seen := sendSeconds(t, spec, 3)
				want := map[synth.Carrier]int{}
				if !slices.Contains(args, "--no-video") {
					want[synth.JPEG] = 70
				}
				if slices.Contains(args, "--audio") || slices.Contains(args, "--no-video") {
					want[synth.PCM] = 30
				}
				if slices.Contains(args, "--script") {
					want[synth.Text] = 1
				}
				for c, n := range want {
					if seen[c] < n {
						t.Errorf("%d objects of carrier %d, want %d at least", seen[c], c, n)
					}
				}
				if len(seen) != len(want) {
					t.Errorf("the carriers are %v, want %v", seen, want)
				}
			})
		}
	}
}

// bitrateFor is a bitrate that a shape can have: one object in each packet, padding
// and all, takes as much as there are packets.
func bitrateFor(args []string, size int) string {
	if slices.Contains(args, "--multiple") || slices.Contains(args, "--strip") {
		return "400k"
	}
	return fmt.Sprintf("%dk", 400+400*size/1000)
}

// TestEncoderSendsItsBitrate: what is asked for is what is sent, packets and padding
// included, whatever the shape.
func TestEncoderSendsItsBitrate(t *testing.T) {
	for _, args := range []string{
		"", "--bitrate 300k", "--bitrate 64k --multiple", "--bitrate 64k --strip", "--bitrate 5M --multiple --packet-size 8223",
		"--bitrate 300k --gop 1 --fps 12", "--bitrate 1M --audio", "--bitrate 700k --audio --script --multiple",
		"--bitrate 200k --no-video", "--bitrate 100k --no-video --multiple", "--bitrate 2M --gop 250", "--bitrate 400k --fps 5 --packet-size 163",
	} {
		t.Run(strings.ReplaceAll(args, " ", ""), func(t *testing.T) {
			spec, err := flagSpec(t, strings.Fields(args)...)
			if err != nil {
				t.Fatal(err)
			}
			want := 1e6
			if _, after, ok := strings.Cut(args, "--bitrate "); ok {
				var b bits
				if err := b.Set(strings.Fields(after)[0]); err != nil {
					t.Fatal(err)
				}
				want = float64(b)
			}
			if got := sentRate(t, spec, 60_000); math.Abs(got/want-1) > 0.03 {
				t.Errorf("%.0f bit/s are sent, %.0f are asked for", got, want)
			}
		})
	}
}

// sentRate is how many bits a second an encoder sends in the first ms milliseconds.
func sentRate(t *testing.T, spec synth.Spec, ms uint32) float64 {
	t.Helper()
	e, err := synth.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	for sent := 0; ; {
		b, at, err := e.Next()
		if err != nil {
			t.Fatal(err)
		}
		if at >= ms {
			return float64(sent) * 8 / float64(at) * 1000
		}
		sent += len(b)
	}
}

// sendSeconds has a verifier take what a spec sends in some seconds and returns
// how many objects of each carrier came.
func sendSeconds(t *testing.T, spec synth.Spec, seconds uint32) map[synth.Carrier]int {
	t.Helper()
	e, err := synth.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[synth.Carrier]int{}
	check := player.Pattern()
	v := player.NewVerifier(player.Options{Plain: true, Object: func(o *player.Object) error {
		m, _ := synth.ReadMark(o.Data)
		seen[m.Carrier]++
		return check(o)
	}})
	body := bytes.Clone(e.Header())
	for at := uint32(0); at < 1000*seconds; {
		if _, err := v.Write(body); err != nil {
			t.Fatal(err)
		}
		var packet []byte
		if packet, at, err = e.Next(); err != nil {
			t.Fatal(err)
		}
		if spec.Strip && len(packet) == spec.PacketSize && !spec.Multiple && bytes.HasSuffix(packet, make([]byte, 64)) {
			t.Fatal("padding is sent")
		}
		if body, err = asf.AppendInflated(body[:0], packet, spec.PacketSize); err != nil {
			t.Fatal(err)
		}
	}
	if c := v.Counts(); c.Gaps != 0 || c.Cut != 0 || c.Tails != 0 {
		t.Errorf("counted %+v", c)
	}
	return seen
}
