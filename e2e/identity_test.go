//go:build e2e

package e2e

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"testing"

	"streampump/bench/player"
	"streampump/bench/push"
	"streampump/bench/synth"
	"streampump/codec/asf"
	"streampump/e2e/rig"
	"streampump/engine"
)

const (
	// chainPackets is how many packets an encoder sends through the chain; of
	// those with one payload it sends more, because they are shorter.
	chainPackets, chainSingles = 400, 1200
	// chainSpeed is how much faster than real time it does.
	chainSpeed = 6
	// chainLength is how many pumps there are, each pulling from the one before.
	chainLength = 3
)

// startChain starts pumps of which the first takes pushes and each other pulls
// from the one before.
func startChain(t testing.TB, paths ...string) []*rig.Pump {
	t.Helper()
	var pumps []*rig.Pump
	for range chainLength {
		pumps = append(pumps, startLink(t, rig.Options{}, paths, func(path string) string {
			if pumps == nil {
				return ""
			}
			return pullOf(path, pumps[len(pumps)-1].URL("mmsh", path))
		}))
	}
	return pumps
}

// startSecureChain is startChain over TLS: each pump has that for the next, besides its
// plain address, and proves its name.
func startSecureChain(t *testing.T, paths ...string) []*rig.Pump {
	t.Helper()
	who := rig.Identify(t, rig.Reachable(t))
	o := rig.Options{TLS: who}
	var pumps []*rig.Pump
	for range chainLength {
		pumps = append(pumps, startLink(t, o, paths, func(path string) string {
			if pumps == nil {
				return ""
			}
			return fmt.Sprintf(`{"type": "mmsh_pull", "path": %q, "source_options": {"url": "mmshs://%s/streams/%s", "ssl_ca": %q, "ssl_name": %q}}`,
				path, pumps[len(pumps)-1].TLS, path, who.Roots, rig.Host)
		}))
	}
	return pumps
}

// startLink starts one pump of a chain, with options to which its streams are added. pull
// is how it pulls a stream; nothing for the first.
func startLink(t testing.TB, o rig.Options, paths []string, pull func(path string) string) *rig.Pump {
	t.Helper()
	streams := ""
	for _, path := range paths {
		streams += cmp.Or(pull(path), fmt.Sprintf(`{"type": "mmsh_push", "path": %q}`, path)) + ","
	}
	o.Config += `"timeouts": {"pull_first_retry": "100ms", "pull_retry": "200ms", "pull_retry_jitter": "100ms"},
		"streams": [` + streams + `]`
	return rig.Start(t, o)
}

// TestChainIsIdentical: what viewers of three pumps in a row get is what the
// encoder sent, byte for byte; the packet they start with may be trimmed, and
// of that, as of all others, each media object is checked. Short packets with
// one payload are repaired on the way in, so that of those the contents are
// compared, and the bytes from pump to pump.
func TestChainIsIdentical(t *testing.T) {
	stripped := synth.Plain(600_000)
	stripped.PacketSize, stripped.Multiple, stripped.Strip, stripped.Padding = 1400, false, true, asf.Word
	stripped.Packets = chainSingles
	cases := []struct {
		name string
		spec synth.Spec
		by   player.By
	}{
		{"ee4", synth.EE4(60), player.ByHash},
		{"plain", synth.Plain(600_000), player.ByHash},
		{"sound", synth.Sound(128_000), player.ByHash},
		{"stripped", stripped, player.ByContent},
	}
	var paths []string
	for _, c := range cases {
		paths = append(paths, c.name)
	}
	pumps := startChain(t, paths...)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { checkChain(t, pumps, c.name, c.spec, c.by) })
	}
}

// TestChainOverTLSIsIdentical: TLS from pump to pump changes no byte.
func TestChainOverTLSIsIdentical(t *testing.T) {
	pumps := startSecureChain(t, "ee4")
	checkChain(t, pumps, "ee4", synth.EE4(60), player.ByHash)
	for _, p := range pumps[1:] {
		p.Await("the source has proved its name", "TLS 1.3, a certificate for "+hostOnPage)
	}
}

// checkChain pushes a synthetic stream through the chain and compares.
func checkChain(t *testing.T, pumps []*rig.Pump, path string, spec synth.Spec, by player.By) {
	spec.Packets = cmp.Or(spec.Packets, chainPackets)
	source, err := synth.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	var sent []player.Record
	e := encode(t, pumps[0], path, source, push.RunOptions{
		Pace: push.RealTime(chainSpeed),
		Sent: func(packet []byte) {
			r, err := player.RecordOf(uint32(len(sent)), packet, source.PacketSize())
			if err != nil {
				t.Error(err)
			}
			sent = append(sent, r)
		},
	})
	for _, p := range pumps {
		up(t, p, path)
	}
	var viewers []*recorder
	for _, p := range pumps {
		viewers = append(viewers, record(t, p, path, player.FFmpeg()), record(t, p, path, player.Curl()))
	}
	e.finish(t)
	for _, v := range viewers {
		v.finish(t)
	}
	for _, v := range viewers {
		how := by
		if v.Client.Plain {
			// Raw ASF has its padding back.
			how = player.ByContent
		}
		v.check(t, sent, how)
		if !v.Client.Plain {
			v.check(t, viewers[0].records(), player.ByHash)
		}
	}
}

// recorder is a viewer that keeps a record of each packet.
type recorder struct {
	player.Viewer
	name  string
	judge *player.Verifier
	wait  sync.WaitGroup
	err   error
}

// record starts a viewer and returns when it has joined.
func record(t testing.TB, p *rig.Pump, path string, client player.Client) *recorder {
	t.Helper()
	r := &recorder{
		Viewer: player.Viewer{Client: client, Addr: p.Addr.String(), Path: "/streams/" + path},
		name:   fmt.Sprintf("%s at %s", client.Name, p.Addr),
		judge:  player.NewVerifier(player.Options{Plain: client.Plain, Records: chainSingles, Object: player.Pattern()}),
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	c, _, err := r.Play(ctx)
	if err != nil {
		t.Fatalf("%s: %v", r.name, err)
	}
	r.wait.Go(func() {
		defer c.Close()
		r.err = c.Verify(ctx, r.judge, func(player.Counts) bool { return false })
	})
	return r
}

// finish waits for the end of the stream and judges what came.
func (r *recorder) finish(t testing.TB) {
	t.Helper()
	r.wait.Wait()
	c := r.judge.Counts()
	if r.err != nil || c.Gaps != 0 || c.Cut != 0 || !r.Client.Plain && !c.Ended {
		t.Fatalf("%s: %v; %+v", r.name, r.err, c)
	}
}

func (r *recorder) records() []player.Record { return r.judge.Records() }

// check compares what the viewer got with what another had: all that it got
// but its first packet must be equal, and it must have got most of it, up to
// the last.
func (r *recorder) check(t testing.TB, other []player.Record, by player.By) {
	t.Helper()
	mine := r.records()
	both, err := player.Compare(other, mine, by)
	if err != nil {
		t.Errorf("%s: %v", r.name, err)
		return
	}
	// The other may have joined later.
	if want := min(len(mine), len(other)) - 1; both < want || both < chainPackets/4 {
		t.Errorf("%s: %d packets are equal, want %d: it has %d and the other %d", r.name, both, want, len(mine), len(other))
	}
	if last := mine[len(mine)-1]; last.Content != other[len(other)-1].Content {
		t.Errorf("%s: its last packet is not the last that was sent", r.name)
	}
}

// TestRealMediaIsIdentical: what ffmpeg demuxes behind three pumps is what it
// demuxes of the file that was pushed into the first, frame by frame and as a
// whole; a viewer that comes later has the rest of it, from a key frame on.
func TestRealMediaIsIdentical(t *testing.T) {
	f := film(t, 12, 320)
	pumps := startChain(t, "film")
	last := pumps[len(pumps)-1]
	gate := make(chan struct{})
	e := encode(t, pumps[0], "film", &reel{footage: f}, push.RunOptions{Pace: gated(gate, chainSpeed/2)})
	for _, p := range pumps {
		up(t, p, "film")
	}
	whole := demux(t, last.URL("mmsh", "film"))
	raw := demux(t, last.URL("http", "film"))
	last.AwaitStatus("two viewers", func(s engine.Snapshot) bool { return streamOf(s, "film").Viewers == 2 })
	close(gate)
	last.AwaitStatus("half the film", func(s engine.Snapshot) bool {
		return streamOf(s, "film").PacketsIn > uint64(len(f.packets)/2)
	})
	late := demux(t, last.URL("mmsh", "film"))
	e.finish(t)
	source := demux(t, f.path).result()
	source.isWhole(t, "mmsh", whole.result())
	source.isWhole(t, "http", raw.result())
	source.isTail(t, "late", late.result())
}

// gated is the pace of an encoder that sends its first packet and waits for the
// gate to open before it goes on.
func gated(gate chan struct{}, speed float64) push.Pace {
	pace, first := push.RealTime(speed), true
	return func(ctx context.Context, sendTime uint32) error {
		if first {
			first = false
			return nil
		}
		select {
		case <-gate:
			return pace(ctx, sendTime)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
