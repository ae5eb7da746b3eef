//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"streampump/bench/flvsynth"
	"streampump/bench/rtmpclient"
	"streampump/e2e/rig"
)

// rtmpChainTags is how many pictures and sounds go through the chain: several seconds.
const rtmpChainTags = 500

// TestRTMPChainIsIdentical: what viewers of three pumps in a row get is what the encoder
// sent, byte for byte, to the end of the stream.
func TestRTMPChainIsIdentical(t *testing.T) {
	changing, bare, alone, late := flvsynth.Plain(), flvsynth.Plain(), flvsynth.Plain(), flvsynth.Plain()
	changing.NewHeader = 100
	bare.Bare, bare.KeySize = true, 200_000 // key frames take several chunks
	alone.Tracks = []flvsynth.Track{flvsynth.Audio}
	late.Time = 1<<32 - 3000 // wraps
	specs := map[string]flvsynth.Spec{"plain": flvsynth.Plain(), "changing": changing, "bare": bare, "alone": alone, "late": late}
	var paths []string
	for path := range specs {
		paths = append(paths, path)
	}
	pumps := rtmpChain(t, paths...)
	var wait sync.WaitGroup // all at once: they are in real time
	defer wait.Wait()
	for path, spec := range specs {
		e := publishRTMP(t, pumps[0], path, spec)
		up(t, pumps[chainLength-1], path)
		viewers := []*rtmpViewer{viewRTMP(t, pumps[0], path, spec), viewRTMP(t, pumps[chainLength-1], path, spec)}
		wait.Go(func() { checkRTMPChain(t, path, e, viewers) })
	}
}

// rtmpChain starts pumps of which the first takes pushes and each other pulls from the one
// before.
func rtmpChain(t testing.TB, paths ...string) (pumps []*rig.Pump) {
	t.Helper()
	for i := range chainLength {
		streams := ""
		for _, path := range paths {
			if i == 0 {
				streams += fmt.Sprintf(`{"type": "rtmp_push", "path": %q},`, path)
				continue
			}
			streams += fmt.Sprintf(`{"type": "rtmp_pull", "path": %q, "source_options": {"url": "rtmp://%s/streams/%s"}},`, path, pumps[i-1].Addr, path)
		}
		pumps = append(pumps, rig.Start(t, rig.Options{Config: pullsAgain + `"streams": [` + streams + `]`}))
	}
	return pumps
}

// checkRTMPChain waits until the encoder has ended its stream, and judges what came.
func checkRTMPChain(t *testing.T, path string, e *rtmpEncoder, viewers []*rtmpViewer) {
	e.reach(rtmpChainTags)
	e.finish()
	for _, v := range viewers {
		v.over()
		c := v.seen()
		for _, track := range e.Tracks {
			if got, want := int(c.Newest[track])+1, e.Sent(track); got != want || c.Tags[track] < want/2 || c.Gaps != [2]int{} {
				t.Errorf("%s, %s: tag %d of track %d is the last, and %d were sent; %+v", path, v.name, got, track, want, c)
			}
		}
		t.Logf("%s, %s: %d pictures, %d sounds, every byte right", path, v.name, c.Tags[0], c.Tags[1])
	}
}

// rtmpEncoder pushes a synthetic source in real time, in the background.
type rtmpEncoder struct {
	*rtmpclient.Publisher
	t      testing.TB
	cancel context.CancelFunc
	done   sync.WaitGroup
	err    error

	mu   sync.Mutex
	wake sync.Cond
	sent int
	over bool
}

// publishRTMP starts an encoder; the test's end ends it. Its stream is described when it
// returns.
func publishRTMP(t testing.TB, p *rig.Pump, path string, spec flvsynth.Spec) *rtmpEncoder {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	client := &rtmpclient.Client{Conn: rtmpclient.NewConn(c, patience)}
	e := &rtmpEncoder{t: t, cancel: cancel, Publisher: rtmpclient.NewPublisher(client, "streams/"+path, spec)}
	e.wake.L = &e.mu
	if err := e.Open(ctx); err != nil {
		t.Fatal(err)
	}
	e.done.Go(func() { e.run(ctx) })
	t.Cleanup(e.kill)
	return e
}

// run sends until the context ends.
func (e *rtmpEncoder) run(ctx context.Context) {
	whole := context.WithoutCancel(ctx) // no tag is cut short
	e.err = e.Pace(whole, func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.sent = e.Sent(flvsynth.Video) + e.Sent(flvsynth.Audio)
		e.wake.Broadcast()
		return ctx.Err() != nil
	})
	e.mu.Lock()
	e.over = true
	e.mu.Unlock()
	e.wake.Broadcast()
}

// reach waits until so many tags were sent.
func (e *rtmpEncoder) reach(tags int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.sent < tags && !e.over {
		e.wake.Wait()
	}
}

// stop has it send no more, and waits until it does not.
func (e *rtmpEncoder) stop() {
	e.cancel()
	e.done.Wait()
	if e.err != nil {
		e.t.Errorf("the encoder: %v", e.err)
	}
}

// finish ends the stream as encoders end it, and waits until the pump has closed.
func (e *rtmpEncoder) finish() {
	e.stop()
	ctx := context.Background()
	if err := e.End(ctx); err != nil {
		e.t.Error(err)
	}
	for {
		if _, err := e.Conn.Next(ctx); err != nil {
			break
		}
	}
	_ = e.Close()
}

// kill ends it as a power cut does.
func (e *rtmpEncoder) kill() {
	e.cancel()
	_ = e.Close()
	e.done.Wait()
}

// rtmpViewer plays a synthetic source in the background and proves every message.
type rtmpViewer struct {
	*rtmpclient.Viewer
	t    testing.TB
	name string
	done sync.WaitGroup

	mu     sync.Mutex
	wake   sync.Cond
	counts flvsynth.Counts
	ended  bool
	err    error // the first thing that was wrong
	gone   bool  // it has left
}

// viewRTMP starts a viewer, which plays when viewRTMP returns; the test's end ends it.
func viewRTMP(t testing.TB, p *rig.Pump, path string, sources ...flvsynth.Spec) *rtmpViewer {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	client := &rtmpclient.Client{Conn: rtmpclient.NewConn(c, patience)}
	v := &rtmpViewer{t: t, name: p.Addr.String() + "/" + path, Viewer: rtmpclient.NewViewer(client, "streams/"+path, sources...)}
	v.wake.L = &v.mu
	t.Cleanup(v.leave)
	if err := v.Open(t.Context()); err != nil {
		t.Fatalf("%s: %v", v.name, err)
	}
	v.done.Go(v.read)
	return v
}

// read reads to the connection's end.
func (v *rtmpViewer) read() {
	ctx := context.Background()
	err := v.Until(ctx, func(n flvsynth.Counts) bool {
		v.mu.Lock()
		v.counts = n
		v.mu.Unlock()
		v.wake.Broadcast()
		return false
	})
	if errors.Is(err, rtmpclient.ErrOver) {
		err = v.Over(ctx)
	}
	v.mu.Lock()
	if v.ended = true; !v.gone {
		v.err = err
	}
	v.mu.Unlock()
	v.wake.Broadcast()
}

// seen are what has come so far.
func (v *rtmpViewer) seen() flvsynth.Counts {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.counts
}

// await waits until it has seen what ok asks for; whatever is wrong fails the test.
func (v *rtmpViewer) await(what string, ok func(flvsynth.Counts) bool) {
	late := false
	timer := time.AfterFunc(patience, func() {
		v.mu.Lock()
		late = true
		v.mu.Unlock()
		v.wake.Broadcast()
	})
	defer timer.Stop()
	v.mu.Lock()
	defer v.mu.Unlock()
	for !ok(v.counts) && !late && !v.ended {
		v.wake.Wait()
	}
	if v.err != nil || !ok(v.counts) {
		v.t.Errorf("%s: %s: not so: %v; %+v", v.name, what, v.err, v.counts)
	}
}

// over waits for the end of the stream, which must come in order.
func (v *rtmpViewer) over() {
	v.await("its end", func(flvsynth.Counts) bool { return v.ended })
}

// leave ends it as a player that is closed.
func (v *rtmpViewer) leave() {
	v.mu.Lock()
	v.gone = true
	v.mu.Unlock()
	_ = v.Close()
	v.done.Wait()
}
