//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"

	"streampump/bench/rtpsynth"
	"streampump/bench/rtspclient"
	"streampump/e2e/rig"
)

// rtspChainPackets is how many packets of pictures and sound go through the chain: several
// seconds, and past where sequence numbers begin again from zero.
const rtspChainPackets = 900

// TestRTSPChainIsIdentical: what viewers of three pumps in a row get is what the encoder
// sent, byte for byte, over TCP and over UDP, to the end of each track.
func TestRTSPChainIsIdentical(t *testing.T) {
	dressed, led := rtpsynth.Plain(), rtpsynth.Plain()
	dressed.Dressed, dressed.Tracks = true, []rtpsynth.Track{rtpsynth.Audio, rtpsynth.Video}
	led.InBand, led.Parts, led.KeyParts, led.Size = true, 1, 12, 1200
	specs := map[string]rtpsynth.Spec{"plain": rtpsynth.Plain(), "dressed": dressed, "inband": led}
	var paths []string
	for path := range specs {
		paths = append(paths, path)
	}
	pumps := rtspChain(t, paths...)
	var wait sync.WaitGroup // all at once: they are in real time
	defer wait.Wait()
	for path, spec := range specs {
		e := publish(t, pumps[0], path, spec)
		up(t, pumps[chainLength-1], path)
		viewers := []*rtspViewer{
			viewRTSP(t, pumps[0], path, false, spec), viewRTSP(t, pumps[chainLength-1], path, false, spec),
			viewRTSP(t, pumps[chainLength-1], path, true, spec),
		}
		wait.Go(func() { checkRTSPChain(t, path, e, viewers) })
	}
}

// rtspChain starts pumps of which the first takes pushes and each other pulls from the one
// before; the last has room for the ports of UDP.
func rtspChain(t testing.TB, paths ...string) (pumps []*rig.Pump) {
	t.Helper()
	for i := range chainLength {
		config := pullsShortly
		if i == chainLength-1 {
			config += rig.UDPPorts(t)
		}
		streams := ""
		for _, path := range paths {
			if i == 0 {
				streams += fmt.Sprintf(`{"type": "rtsp_push", "path": %q},`, path)
				continue
			}
			streams += fmt.Sprintf(`{"type": "rtsp_pull", "path": %q, "source_options": {"url": "rtsp://%s/%s"}},`, path, pumps[i-1].Addr, path)
		}
		pumps = append(pumps, rig.Start(t, rig.Options{Config: config + `"streams": [` + streams + `]`}))
	}
	return pumps
}

// checkRTSPChain waits until the encoder has ended its stream, and judges what came.
func checkRTSPChain(t *testing.T, path string, e *synthetic, viewers []*rtspViewer) {
	e.reach(rtspChainPackets)
	e.finish()
	for _, v := range viewers {
		v.over(e.Sent)
		c := v.Counts()
		for _, track := range v.Tracks {
			if got, want := int(c.Newest[track])+1, e.Sent(track); got != want || c.Packets[track] < want/2 || c.Gaps != [2]int{} {
				t.Errorf("%s, %s: packet %d of track %d is the last, and %d were sent; %+v", path, v.name, got, track, want, c)
			}
		}
		t.Logf("%s, %s: %d packets of pictures, %d of sound, every byte right", path, v.name, c.Packets[0], c.Packets[1])
	}
}

// synthetic is an encoder that pushes a synthetic source in real time, in the background.
type synthetic struct {
	*rtspclient.Publisher
	t      testing.TB
	cancel context.CancelFunc
	done   chan struct{}
	err    error

	mu   sync.Mutex
	wake sync.Cond
	sent int
	over bool
}

// publish starts an encoder; the test's end ends it. Its stream is described when publish
// returns.
func publish(t testing.TB, p *rig.Pump, path string, spec rtpsynth.Spec) *synthetic {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	e := &synthetic{t: t, cancel: cancel, done: make(chan struct{}),
		Publisher: rtspclient.NewPublisher(&rtspclient.Client{Conn: rtspclient.NewConn(c, patience)}, "rtsp://"+p.Addr.String()+"/"+path, spec)}
	e.wake.L = &e.mu
	if err := e.Publish(ctx); err != nil {
		t.Fatal(err)
	}
	go e.run(ctx)
	t.Cleanup(e.kill)
	return e
}

// run sends until the context ends: reports first, as encoders do, and then what is due.
func (e *synthetic) run(ctx context.Context) {
	defer close(e.done)
	whole := context.WithoutCancel(ctx) // no packet is cut short, or left out
	if e.err = e.Reports(whole); e.err == nil {
		e.err = e.Pace(whole, func() bool {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.sent = e.Sent(rtpsynth.Video) + e.Sent(rtpsynth.Audio)
			e.wake.Broadcast()
			return ctx.Err() != nil
		})
	}
	e.mu.Lock()
	e.over = true
	e.mu.Unlock()
	e.wake.Broadcast()
}

// reach waits until so many packets were sent.
func (e *synthetic) reach(packets int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.sent < packets && !e.over {
		e.wake.Wait()
	}
}

// stop has it send no more, and waits until it does not.
func (e *synthetic) stop() {
	e.cancel()
	<-e.done
	if e.err != nil {
		e.t.Errorf("the encoder: %v", e.err)
	}
}

// send sends so many packets more, of an encoder that is stopped.
func (e *synthetic) send(n int) {
	if err := e.Publisher.Send(context.Background(), n); err != nil {
		e.t.Errorf("the encoder: %v", err)
	}
}

// finish ends the stream as encoders end it, with the end of a picture before.
func (e *synthetic) finish() {
	e.stop()
	for e.Inside() {
		e.send(1)
	}
	e.Frames(func(byte, []byte) error { return nil }) // reports about what was received
	if err := e.Teardown(context.Background()); err != nil {
		e.t.Error(err)
	}
	_ = e.Close()
}

// kill ends it as a power cut does.
func (e *synthetic) kill() {
	e.cancel()
	_ = e.Close()
	<-e.done
}
