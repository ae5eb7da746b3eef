package loop

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"streampump/engine/reason"
	"streampump/engine/settings"
	"streampump/engine/stream"
)

// hearer opens a connection that publishes the stream by datagrams, from three ports.
func (b *lab) hearer(name string, request string) *peer {
	p := b.dial(name, 0, "10.0.0.9")
	p.port = uint16(10_000 + 4*b.nextFd)
	p.send(fmt.Sprintf("%s port=%d\n", request, p.port))
	return p
}

// datagrams has datagrams arrive from the peer's first port.
func (p *peer) datagrams(datagrams ...string) {
	p.lab.t.Helper()
	for _, d := range datagrams {
		if !p.comes(p.port, d) {
			p.lab.t.Errorf("nobody hears %q", d)
		}
	}
	p.lab.run()
}

// An encoder's datagrams are its packets, whichever port they come from; what is said on
// its connection goes on beside them.
func TestPublishByDatagrams(t *testing.T) {
	plainOnly(t, "datagrams are not encrypted")
	b := newLab(t, labConfig())
	enc := b.hearer("enc", "PUBLISH live")
	if got := len(b.loops[0].ears); got != 3 || b.e.Ears() != 3 {
		t.Fatalf("%d sockets are open, %d are counted; %q", got, b.e.Ears(), enc.got)
	}
	enc.datagrams("H A\nPk v0\nP v1")
	v := b.viewer("v", 0, "PLAY live")
	enc.datagrams("P v2", "P v3")
	enc.comes(enc.port+1, "P v4")
	b.run()
	enc.send("ASK\n")
	enc.datagrams("P v5")
	if got := v.text(); !strings.HasSuffix(got, "{A} 0-5") {
		t.Errorf("the viewer got %s", got)
	}
	if got := enc.text(); !strings.HasSuffix(got, `"OK Reply"`) {
		t.Errorf("the encoder got %s", got)
	}
	if enc.comes(enc.port+9, "Pk v6") {
		t.Error("a stranger is heard")
	}
	enc.datagrams("FINISH")
	if got := enc.text(); got != `"END ended (the encoder ended its stream)"` || enc.c.reason != reason.PushEnded {
		t.Errorf("the encoder got %s, and its end was %v", got, enc.c.reason)
	}
	b.finish()
}

// What ends an encoder's push closes its sockets, and another push opens new ones.
func TestEarsEndWithThePush(t *testing.T) {
	plainOnly(t, "datagrams are not encrypted")
	cfg := labConfig()
	for name, c := range map[string]struct {
		end  func(b *lab, enc *peer)
		want reason.Reason
	}{
		"closed":      {func(_ *lab, enc *peer) { enc.hangup() }, reason.PushLost},
		"half_closed": {func(_ *lab, enc *peer) { enc.halfClose() }, reason.PushLost},
		"finish":      {func(_ *lab, enc *peer) { enc.send("FINISH\n") }, reason.PushEnded},
		"bad":         {func(_ *lab, enc *peer) { enc.send("NONSENSE\n") }, reason.PushRefused},
		"bad_heard":   {func(_ *lab, enc *peer) { enc.datagrams("BREACH\nP v\nP v") }, reason.PushRefused},
		"idle":        {func(b *lab, _ *peer) { b.advance(cfg.Timeouts.PushIdle + time.Second) }, reason.PushIdle},
		"strays_only": {func(b *lab, enc *peer) {
			for range 10 {
				enc.comes(enc.port, "STRAY")
				b.advance(cfg.Timeouts.PushIdle / 9)
			}
		}, reason.PushIdle},
		"taken":    {func(b *lab, _ *peer) { b.encoder("live", "H A").send("Pk v\n") }, reason.PushTaken},
		"shutdown": {func(b *lab, _ *peer) { b.shutdown() }, reason.ShuttingDown},
	} {
		t.Run(name, func(t *testing.T) {
			b := newLab(t, cfg)
			enc := b.hearer("enc", "PUBLISH live")
			enc.datagrams("H A\nPk v0")
			enc.comes(enc.port, "P v1") // which is still unread when it ends
			c.end(b, enc)
			if n := b.e.Ears(); n != 0 || len(b.loops[0].ears) != 0 || enc.c.reason != c.want {
				t.Errorf("%d sockets are open, and the end was %v", n, enc.c.reason)
			}
			b.finish()
		})
	}
}

// A pause closes them; the session goes on with others.
func TestEarsInAPause(t *testing.T) {
	plainOnly(t, "datagrams are not encrypted")
	b := newLab(t, labConfig())
	enc := b.hearer("enc", "SETUP live")
	var key string
	if _, err := fmt.Sscanf(string(enc.got), "OK Setup s=%s", &key); err != nil {
		t.Fatalf("%q", enc.got)
	}
	publish := fmt.Sprintf("PUBLISH live s=%s port=%d\n", key, enc.port)
	enc.send(publish)
	enc.datagrams("H A\nPk v0")
	v := b.viewer("v", 0, "PLAY live")
	enc.send("PAUSE\n")
	if n := b.e.Ears(); n != 0 || enc.comes(enc.port, "P v1") {
		t.Errorf("%d sockets are open in a pause", n)
	}
	enc.send(publish)
	enc.datagrams("P v2")
	if got := v.text(); !strings.HasSuffix(got, "{A} 0-1") {
		t.Errorf("the viewer got %s", got)
	}
	b.finish()
}

// What the session keeps until others come goes on at its time, whatever comes.
func TestHeardLater(t *testing.T) {
	plainOnly(t, "datagrams are not encrypted")
	b := newLab(t, labConfig())
	enc := b.hearer("enc", "PUBLISH live")
	enc.datagrams("H A\nPk v0")
	v := b.viewer("v", 0, "PLAY live")
	enc.datagrams("WAIT 100\nP v1\nP v2")
	enc.send("ASK\n") // its answer sets the connection's deadline anew
	b.advance(99 * time.Millisecond)
	if got := v.text(); !strings.HasSuffix(got, "{A} 0") {
		t.Errorf("too early: %s", got)
	}
	b.advance(time.Millisecond)
	if got := v.text(); got != "1-2" {
		t.Errorf("in time: %s", got)
	}
	b.finish()
}

// An encoder that is ahead of its rate is not read, nor does anything wake the loop for it;
// what its sockets cannot keep is lost, and the operator knows of both.
func TestHeardAtItsRate(t *testing.T) {
	plainOnly(t, "datagrams are not encrypted")
	cfg := labConfig()
	cfg.Limits.Packets = 100
	b := newLab(t, cfg)
	enc := b.hearer("enc", "PUBLISH live")
	enc.datagrams("H A\nPk v")
	st := b.e.Streams()[0]
	k := b.loops[0]
	for range 1500 {
		enc.comes(enc.port, "P v")
	}
	b.run()
	if n := st.Snapshot().PacketsIn; n < 98 || n > 102 {
		t.Errorf("%d packets were taken at once", n)
	}
	passes, receives := b.e.Totals().Passes, k.receives
	for range 500 {
		enc.comes(enc.port, "P v")
		b.run()
	}
	if b.e.Totals().Passes != passes || k.receives != receives {
		t.Errorf("%d passes and %d reads for what is too much", b.e.Totals().Passes-passes, k.receives-receives)
	}
	b.advance(2 * time.Second)
	if n := st.Snapshot().PacketsIn; n < 290 || n > 312 {
		t.Errorf("%d packets were taken in two seconds more", n)
	}
	enc.comes(enc.port+2, strings.Repeat("x", 501))
	b.advance(10 * time.Second)
	if n := len(k.ears[0].lies); n != 0 || !k.ears[0].heeded {
		t.Errorf("%d datagrams are left, heeded %t", n, k.ears[0].heeded)
	}
	enc.hangup()
	lost := b.e.Totals().Unheard
	if n := st.Snapshot().PacketsIn; n+lost != 1+1500+500+1 || lost < 800 {
		t.Errorf("%d packets were taken, and %d are counted as lost", n, lost)
	}
	for _, say := range []string{"sends too fast over UDP", fmt.Sprintf("packets=%d", lost)} {
		if strings.Count(b.log.String(), say) != 1 {
			t.Errorf("not once %q in the log:\n%s", say, b.log.String())
		}
	}
	b.finish()
}

// Encoders that send much have turns, and one that sends little does not wait for them all.
func TestHeardInTurns(t *testing.T) {
	plainOnly(t, "datagrams are not encrypted")
	b := newLab(t, labConfig(), settings.Stream{Path: "live", Push: true}, settings.Stream{Path: "other", Push: true})
	loud, soft := b.hearer("loud", "PUBLISH live"), b.hearer("soft", "PUBLISH other")
	for _, p := range []*peer{loud, soft} {
		p.datagrams("H A\nPk v")
	}
	for range 1000 {
		loud.comes(loud.port, "P v")
	}
	loud.comes(loud.port+1, "P w")
	soft.comes(soft.port, "P v")
	passes := b.e.Totals().Passes
	b.loops[0].woken = false
	b.loops[0].loop.Run()
	if n := b.e.Streams()[1].Snapshot().PacketsIn; n != 2 {
		t.Errorf("the one that sends little has %d packets after one pass", n)
	}
	if n := b.e.Streams()[0].Snapshot().PacketsIn; n < packetTurn || n > packetTurn+hearTurn {
		t.Errorf("the one that sends much has %d packets after one pass", n)
	}
	b.run()
	if n := b.e.Streams()[0].Snapshot().PacketsIn; n != 1002 {
		t.Errorf("the one that sends much has %d packets in the end, %d passes", n, b.e.Totals().Passes-passes)
	}
	b.finish()
}

// Where no socket is left the encoder is told so, and nothing else has changed.
func TestNoEars(t *testing.T) {
	plainOnly(t, "datagrams are not encrypted")
	for name, full := range map[string]func(b *lab){
		"descriptors": func(b *lab) { b.e.Spare(func(connections, ears int) bool { return connections+ears < 3 }) },
		"system":      func(b *lab) { b.loops[0].noEars = 3 },
	} {
		t.Run(name, func(t *testing.T) {
			b := newLab(t, labConfig())
			full(b)
			enc := b.hearer("enc", "PUBLISH live")
			if got := enc.text(); !strings.Contains(got, "FULL Publish") || !enc.fin || len(b.loops[0].ears) != 0 || b.e.Ears() != 0 {
				t.Errorf("the encoder got %s, and %d sockets are open", got, b.e.Ears())
			}
			other := b.encoder("live", "H A")
			other.send("Pk v\n")
			if b.e.Streams()[0].Snapshot().PacketsIn != 1 {
				t.Error("an encoder over its connection has no place")
			}
			b.finish()
		})
	}
}

// Who was offered no datagrams is not heard.
func TestNotHeard(t *testing.T) {
	b := newLab(t, labConfig())
	enc := b.dial("far", 0, "192.0.2.1")
	enc.send("PUBLISH live port=7000\n")
	if got := enc.text(); !strings.Contains(got, "FULL Publish") || b.e.Ears() != 0 {
		t.Errorf("%s", got)
	}
	b.finish()
}

// A turn allocates nothing.
func TestHearingIsCheap(t *testing.T) {
	plainOnly(t, "datagrams are not encrypted")
	cfg := labConfig()
	cfg.Backlog.Duration, cfg.Fanout.Budget = time.Second, 0
	b := newLab(t, cfg)
	enc := b.hearer("enc", "PUBLISH live")
	enc.datagrams("H A audio\nP v")
	v := b.viewer("v", 0, "PLAY live")
	v.mute = true
	b.silent = true
	k := b.loops[0]
	line := []byte("P " + strings.Repeat("x", 400))
	pass := func() {
		for _, e := range k.ears[:2] {
			for range 8 {
				e.lies = append(e.lies, line)
			}
			e.edge = true
		}
		k.loop.Run()
		k.woken = false
		b.now += int64(11 * time.Millisecond)
	}
	for range 500 {
		pass()
	}
	before := b.e.Streams()[0].Snapshot().PacketsIn
	if allocs := testing.AllocsPerRun(200, pass); allocs > 0 && !raced {
		t.Errorf("%v allocations for 16 datagrams", allocs)
	}
	if n := b.e.Streams()[0].Snapshot().PacketsIn - before; n != 201*16 {
		t.Errorf("%d packets", n)
	}
	b.silent = false
	b.finish()
}

// However many tracks an encoder has, what its packets may take is bounded for all together.
func TestRoomForWhatIsHeard(t *testing.T) {
	plainOnly(t, "datagrams are not encrypted")
	b := newLab(t, labConfig())
	b.hearer("enc", "PUBLISH live")
	packets, tracks := 0, 0
	for _, e := range b.loops[0].ears {
		switch {
		case !e.reports:
			packets, tracks = packets+e.bytes, tracks+1
		case e.bytes != stream.ReportRoom:
			t.Errorf("reports have room for %d bytes, want %d", e.bytes, stream.ReportRoom)
		}
	}
	if tracks < 2 || packets != stream.PacketRoom {
		t.Errorf("%d tracks have room for %d bytes together, want %d", tracks, packets, stream.PacketRoom)
	}
	b.finish()
}

// Whoever shares an address with an encoder cannot have its packets for another stream; an
// encoder that comes back to its own can.
func TestAPortIsHeardForOneStream(t *testing.T) {
	plainOnly(t, "datagrams are not encrypted")
	b := newLab(t, labConfig(), settings.Stream{Path: "live", Push: true}, settings.Stream{Path: "other", Push: true})
	enc := b.hearer("enc", "PUBLISH live")
	enc.datagrams("H A\nPk v0")
	thief := b.dial("thief", 0, "10.0.0.9")
	thief.send(fmt.Sprintf("PUBLISH other port=%d\n", enc.port))
	if got := string(thief.got); !strings.Contains(got, errHeard.Error()) || b.e.Ears() != 3 {
		t.Errorf("the thief got %q, and %d sockets are open", got, b.e.Ears())
	}
	stranger := b.dial("stranger", 0, "10.0.0.8")
	stranger.port = enc.port
	stranger.send(fmt.Sprintf("PUBLISH other port=%d\n", enc.port))
	if b.e.Ears() != 6 {
		t.Errorf("the same port of another address: %q, %d sockets are open", stranger.got, b.e.Ears())
	}
	again := b.dial("again", 0, "10.0.0.9")
	again.port = enc.port
	again.send(fmt.Sprintf("PUBLISH live port=%d\n", enc.port))
	if b.e.Ears() != 9 {
		t.Errorf("the encoder that comes back: %q, %d sockets are open", again.got, b.e.Ears())
	}
	b.finish()
}
