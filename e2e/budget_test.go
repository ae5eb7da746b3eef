//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"streampump/bench/push"
	"streampump/bench/synth"
	"streampump/codec/asf"
	"streampump/codec/mmsh"
	"streampump/e2e/rig"
	"streampump/engine"
)

// What an encoder may make the pump hold, whatever it sends: the backlog of its
// stream, and as much again that is not collected yet. The rest is the program's.
const (
	hostileBacklog = 8 << 20
	hostileMemory  = 56 << 20
)

// smallest is a whole ASF packet of 14 bytes: a payload of two, whose padding was
// cut off.
func smallest(dst []byte, sendTime uint32) []byte {
	dst = mmsh.AppendFraming(dst, mmsh.IDData, 14)
	dst = append(dst, 0, 0x55) // one payload; number, offset and replicated length are bytes
	dst = binary.LittleEndian.AppendUint32(dst, sendTime)
	return append(dst, 0, 0, 1, 0, 0, 0, 0xAB, 0xCD)
}

// soundIn is the header of a sound stream whose packets have the given size.
func soundIn(t *testing.T, size int) []byte {
	t.Helper()
	src, err := synth.New(synth.Spec{PacketSize: size, Streams: []synth.Stream{synth.Audio(1, 64000, 400)}, Padding: asf.Word})
	if err != nil {
		t.Fatal(err)
	}
	return src.Header()
}

// attack is a pump with a healthy stream, whose viewer must miss nothing.
type attack struct {
	*pump
	calm *reader
	most int64 // resident
}

func startAttack(t *testing.T) *attack {
	t.Helper()
	p := startPump(t, rig.Options{Config: fmt.Sprintf(`"backlog": {"bytes": %d}, "streams": [
		{"type": "mmsh_push", "path": "live"}, {"type": "mmsh_push", "path": "bad"}]`, hostileBacklog)}, plainDial)
	startFeed(t, p, plainDial, p.Addr.String(), "live", megabit())
	a := &attack{pump: p, calm: startReader(t, watching{name: "calm", addr: p.Addr.String(), path: "live"})}
	a.calm.more(t, 10)
	return a
}

// encoder begins a push of the other stream.
func (a *attack) encoder(t *testing.T, header []byte) *push.Client {
	t.Helper()
	ctx := context.Background()
	c, err := push.Dial(ctx, a.Addr.String(), push.Options{Path: "/streams/bad_push"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := c.Setup(ctx, push.AutoDestroy); err != nil {
		t.Fatal(err)
	}
	if err := c.Start(ctx, push.Endless); err != nil {
		t.Fatal(err)
	}
	if err := c.Header(ctx, header); err != nil {
		t.Fatal(err)
	}
	return c
}

// look measures the pump, and holds it against its bounds.
func (a *attack) look(t *testing.T) {
	t.Helper()
	a.most = max(a.most, a.resident())
	if b := a.status().Backlog; b > 2*hostileBacklog { // of both streams
		t.Fatalf("the backlogs hold %d bytes", b)
	}
}

func (a *attack) finish(t *testing.T) {
	t.Helper()
	a.calm.more(t, 20)
	a.calm.whole(t)
	t.Logf("resident at most %d KiB", a.most>>10)
	if a.most > hostileMemory {
		t.Errorf("resident memory grew to %d bytes, want %d at most", a.most, hostileMemory)
	}
}

// An encoder whose clock ends the programme with every other packet is refused,
// however often it comes back.
func TestEncoderThatBeginsProgrammesWithoutEnd(t *testing.T) {
	t.Parallel()
	a := startAttack(t)
	header := soundIn(t, 65000)
	var body []byte
	for i := range uint32(20000) {
		body = smallest(body, i*(1<<31-1))
	}
	began, cut := time.Now(), 0
	for range 30 {
		c := a.encoder(t, header)
		for range 20 {
			if c.Raw(context.Background(), body) != nil {
				cut++
				break
			}
		}
		_ = c.Close()
		a.look(t)
	}
	s := streamOf(a.status(), "bad")
	if most := 17 + uint64(time.Since(began)/time.Second); s.Programmes > most {
		t.Errorf("%d programmes began in %v", s.Programmes, time.Since(began))
	}
	if n := a.status().Closes["push_changes"]; n == 0 || cut == 0 {
		t.Errorf("%d encoders were refused, %d saw it: %v", n, cut, a.status().Closes)
	}
	a.finish(t)
}

// Packets of 14 bytes that are 65,000 with their padding, and then a viewer of plain
// files: what it is sent is made for it, and kept within bounds.
func TestPlainViewerOfStrippedPackets(t *testing.T) {
	t.Parallel()
	const size, packets = 65000, 400000
	a := startAttack(t)
	c := a.encoder(t, soundIn(t, size))
	var body []byte
	for i := range uint32(packets) {
		if body = smallest(body, i/100); len(body) > 60<<10 || i == packets-1 {
			if err := c.Raw(context.Background(), body); err != nil {
				t.Fatal(err)
			}
			body = body[:0]
		}
	}
	a.await("the packets are taken in", func(s engine.Snapshot) bool {
		return streamOf(s, "bad").PacketsIn+streamOf(s, "bad").LeftOut == packets
	})
	before := streamOf(a.status(), "bad")
	conn, err := net.Dial("tcp", a.Addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /streams/bad HTTP/1.0\r\nHost: x\r\nUser-Agent: curl/8\r\n\r\n")
	in := bufio.NewReaderSize(conn, 1<<20)
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	for n := range uint32(1000) {
		if err := c.Raw(context.Background(), smallest(nil, packets/100+n)); err != nil {
			t.Fatal(err)
		}
		if n%100 == 0 {
			a.look(t)
		}
		if _, err := io.CopyN(io.Discard, in, size); err != nil {
			t.Fatalf("after %d packets: %v", n, err)
		}
	}
	after := streamOf(a.status(), "bad")
	if after.LeftOut > before.LeftOut || after.BacklogLen < before.BacklogLen/2 {
		t.Errorf("%d packets were left out, %d are kept of %d", after.LeftOut-before.LeftOut, after.BacklogLen, before.BacklogLen)
	}
	a.finish(t)
}
