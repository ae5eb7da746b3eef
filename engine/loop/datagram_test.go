package loop

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"streampump/engine/reason"
)

// A viewer by datagrams has its packets there, and what it is told over its connection.
func TestPlayByDatagrams(t *testing.T) {
	plainOnly(t, "datagrams are not encrypted")
	b := newLab(t, labConfig())
	enc := b.encoder("live", "H A join")
	enc.send("Pk v0\nPi v1\nP a2\n")
	v := b.listener("v", 0, "PLAY live s=1")
	var key string
	if _, err := fmt.Sscanf(string(v.got), "OK Play %s replaced", &key); err != nil {
		t.Fatalf("%q", v.got)
	}
	want := func(want string) {
		t.Helper()
		if got := v.text(); !strings.HasSuffix(got, want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	want("{A} (0 0) 0-2")
	v.send("REPLY\n")
	want(`"OK Reply"`)
	enc.send("P v3\n")
	want("3")
	v.send("HALT\n")
	enc.send("Pk v4\n")
	want(`"OK Halt"`)
	v.send(fmt.Sprintf("PLAY live port=%d\n", v.port))
	want("{A} (0 4) 4")
	if n := v.at.datagrams.probed; n != 2 {
		t.Errorf("%d connections are probed", n)
	}
	enc.send("FINISH\n")
	b.advance(labConfig().Timeouts.EndHold + time.Second)
	want(`"END ended"`)
	if !v.fin || v.c.reason != reason.StreamEnded {
		t.Errorf("its connection has ended: %v, %v", v.fin, v.c.reason)
	}
	b.finish()
	b.empty()
}

// What ends a viewer's connection ends its datagrams: nothing else shows that it is still
// there.
func TestDatagramsEndWithTheConnection(t *testing.T) {
	plainOnly(t, "datagrams are not encrypted")
	b := newLab(t, labConfig())
	enc := b.encoder("live", "H A")
	enc.send("Pk v\n")
	ends := map[string]func(v *peer){
		"closed":        (*peer).hangup,
		"half_closed":   (*peer).halfClose,
		"deaf":          func(v *peer) { v.room = 3; v.send("REPLY\n") },
		"breaks":        func(v *peer) { v.broken = true; v.send("REPLY\n") },
		"no_request":    func(v *peer) { v.send("NONSENSE\n") },
		"second_stream": func(v *peer) { v.send("PLAY live\n") },
	}
	want := map[string]reason.Reason{
		"closed": reason.ViewerLeft, "half_closed": reason.ViewerLeft, "deaf": reason.AnswerStalled,
		"breaks": reason.WriteFailed, "no_request": reason.BadRequest, "second_stream": reason.BadRequest,
	}
	for name, end := range ends {
		v := b.listener(name, 0, "PLAY live")
		end(v)
		got := len(v.got)
		enc.send("P v\n")
		if v.c.reason != want[name] || len(v.got) != got || v.c.viewer() != nil {
			t.Errorf("%s: ended by %v, and got %q", name, v.c.reason, v.got[got:])
		}
	}
	b.advance(time.Minute)
	b.finish()
	b.empty()
}

// Who was offered no datagrams gets none.
func TestNoDatagrams(t *testing.T) {
	cfg := labConfig()
	b := newLab(t, cfg)
	b.encoder("live", "H A").send("Pk v\n")
	for address, offered := range map[string]bool{
		"10.1.2.3": !*overTLS, "127.0.0.1": !*overTLS, "169.254.1.1": !*overTLS, "192.168.7.7": !*overTLS, "fd00::1": !*overTLS, "::1": !*overTLS, "fe80::1": !*overTLS,
		"192.0.2.1": false, "2001:db8::1": false,
	} {
		v := b.dial(address, 0, address)
		if got := v.c.datagramPort() != 0; got != offered {
			t.Errorf("%s is offered datagrams: %v", address, got)
		}
		if v.port = 7000; !offered {
			v.send("PLAY live port=7000\n")
			if v.c.reason != reason.BadRequest {
				t.Errorf("%s took them, and was sent %q, %v", address, v.got, v.c.reason)
			}
		}
		v.hangup()
	}
	b.env.Settings.Datagrams.Anyone = true
	if v := b.dial("far", 0, "192.0.2.1"); v.c.datagramPort() == 0 != *overTLS {
		t.Error("anyone may have datagrams, and those far away are not offered them")
	}
	b.finish()
}

// Viewers over connections and by datagrams have the same stream. While the sockets for
// datagrams are full nobody tries them, and who waited goes on by itself.
func TestFullDatagramSocket(t *testing.T) {
	plainOnly(t, "datagrams are not encrypted")
	b := newLab(t, labConfig())
	enc := b.encoder("live", "H A join")
	enc.send("Pk v\n")
	k := b.loops[0]
	c := b.viewer("connection", 0, "PLAY live")
	v, w := b.listener("v", 0, "PLAY live"), b.listener("w", 0, "PLAY live")
	for _, p := range []*peer{c, v, w} {
		p.text()
	}
	k.setDatagramRoom(3)
	enc.send("P v\nP vv\nP vvv\nP vvvv\nP vvvvv\n") // no two of them a run
	if c, v, w := c.text(), v.text(), w.text(); c != "1-5" || v+"/"+w != "1-3/" && w+"/"+v != "1-3/" {
		t.Errorf("got %q, %q and %q", c, v, w)
	}
	if n := b.e.Totals().Parked; n != 2 {
		t.Errorf("%d connections wait", n)
	}
	calls := k.datagrams.calls
	for range 10 {
		enc.send("P v\n")
	}
	late := b.listener("late", 0, "PLAY live")
	if k.datagrams.calls != calls {
		t.Errorf("a full socket was tried %d times", k.datagrams.calls-calls)
	}
	k.setDatagramRoom(-1)
	if v, w, l := v.text(), w.text(), late.text(); !(v == "4-15" && w == "1-15" || w == "4-15" && v == "1-15") || !strings.HasSuffix(l, "{A} (0 0) 0-15") {
		t.Errorf("got %q, %q and %q", v, w, l)
	}
	k.setDatagramRoom(0)
	late.halfClose()
	v.text()
	b.loops[0].loop.Post(v.c.loop.sayGoodbye) // some of it waits for the socket
	b.run()
	if got := v.text(); got != "" || v.fin {
		t.Errorf("it got %q", got)
	}
	k.setDatagramRoom(-1)
	if got := v.text(); got != `"END shutdown"` || !v.fin || v.c.reason != reason.ShuttingDown {
		t.Errorf("it got %q, %v", got, v.c.reason)
	}
	b.advance(time.Minute)
	b.finish()
	b.empty()
}

// Who waits for a full socket does not do so for longer than any viewer may.
func TestDatagramSocketStaysFull(t *testing.T) {
	plainOnly(t, "datagrams are not encrypted")
	b := newLab(t, labConfig())
	enc := b.encoder("live", "H A join")
	enc.send("Pk v\n")
	k := b.loops[0]
	v, w, late := b.listener("v", 0, "PLAY live"), b.listener("w", 0, "PLAY live"), b.listener("late", 0, "PLAY live")
	k.setDatagramRoom(0)
	enc.send("P v\n")
	v.hangup() // and is not waited for
	b.advance(labConfig().Timeouts.Stall + time.Second)
	if w.c.reason != reason.ViewerStalled || late.c.reason != reason.ViewerStalled {
		t.Errorf("when the socket has long been full: %v, %v", w.c.reason, late.c.reason)
	}
	b.finish()
	b.empty()
}

// Whatever the sockets take: of each unit, a viewer by datagrams has everything or
// nothing, and so have those over connections beside it.
func TestDatagramsAreWholeUnits(t *testing.T) {
	plainOnly(t, "datagrams are not encrypted")
	requests := []string{"PLAY live", "PLAY live video", "PLAY live audio"}
	gaps, closed := 0, 0
	for seed := range uint64(12) {
		src := newPictures(seed)
		cfg := labConfig()
		cfg.Backlog.Bytes = []int64{24 << 10, 40 << 10, 1 << 20}[seed%3]
		cfg.Backlog.Duration, cfg.Timeouts.Stall = 2*time.Second, 10*time.Second
		cfg.Limits.JoinSpeed = []int{0, 5}[seed%2]
		b := newLab(t, cfg)
		b.env.Buffers.Segment = 500
		enc := b.encoder("live", "H A join rate=20000")
		enc.send(src.next())
		var viewers []*peer
		for i := range 4 * len(requests) {
			request := requests[i%len(requests)]
			if i%2 == 0 {
				v := b.listener(request, 0, request)
				v.alone = i%4 == 0
				viewers = append(viewers, v)
			} else {
				viewers = append(viewers, b.viewer(request, 0, request))
			}
		}
		for range 400 {
			var batch strings.Builder
			for range 1 + src.rnd.IntN(12) {
				batch.WriteString(src.next())
			}
			enc.send(batch.String())
			b.advance(time.Duration(src.rnd.IntN(300)) * time.Millisecond)
			b.loops[0].setDatagramRoom([]int{-1, 0, 0, 1, 5, 70}[src.rnd.IntN(6)])
			if v := viewers[src.rnd.IntN(len(viewers))]; v.port == 0 {
				v.setRoom([]int{-1, 0, 5, 37, 150, 700}[src.rnd.IntN(6)])
			}
		}
		b.loops[0].setDatagramRoom(-1)
		for _, v := range viewers {
			v.setRoom(-1)
		}
		b.advance(time.Second)
		for _, v := range viewers {
			n := src.gaps(t, v)
			if v.port != 0 {
				gaps += n
			}
			if v.gone {
				closed++
			}
			if v.gone && v.c.reason != reason.ViewerTooSlow && v.c.reason != reason.ViewerStalled {
				t.Errorf("%q is closed: %v", v.name, v.c.reason)
			}
		}
		b.finish()
	}
	t.Logf("%d gaps by datagrams, %d viewers closed", gaps, closed)
	if gaps < 300 || closed > 20 {
		t.Errorf("%d gaps were seen, and %d viewers were closed", gaps, closed)
	}
}

// What cannot be sent to one viewer concerns that one only: it goes on at a key start,
// the operator is told once, and each datagram is counted.
func TestUnreachableViewer(t *testing.T) {
	plainOnly(t, "datagrams are not encrypted")
	b := newLab(t, labConfig())
	enc := b.encoder("live", "H A join")
	enc.send("Pk v\n")
	v, w := b.listener("v", 0, "PLAY live"), b.listener("w", 0, "PLAY live")
	v.text()
	w.text()
	v.error = unix.EPERM
	for range 3 {
		enc.send("P v\nP v\n")
	}
	v.error = 0
	enc.send("P v\nPk v\nP v\n")
	if v, w := v.text(), w.text(); v != "(0 8 behind 5) 8-9" || w != "1-9" {
		t.Errorf("got %q beside %q", v, w)
	}
	if lost, skips := b.e.Totals().Lost, v.c.skips; lost != 2 || skips != 1 {
		t.Errorf("%d datagrams are lost, in %d gaps", lost, skips)
	}
	v.error = unix.ENETUNREACH
	enc.send("Pk v\n")
	if n := strings.Count(b.log.String(), "packets cannot be sent to a viewer"); n != 1 {
		t.Errorf("%d lines: %s", n, &b.log)
	}
	var sent uint64
	for _, r := range b.loops[0].loop.roster(Wanted{Most: 9}, 9) {
		if r.Transport != "udp" {
			t.Errorf("a viewer by datagrams is listed as %+v", r)
		}
		sent += r.Bytes
	}
	if want := uint64(v.total + w.total); sent != want {
		t.Errorf("%d bytes are counted, %d were sent", sent, want)
	}
	b.finish()
}

// A viewer that joins by datagrams is sent what its player's socket holds, and the rest a
// little at a time: however far back it begins, and whatever the setting for the others.
func TestDatagramsCatchUp(t *testing.T) {
	plainOnly(t, "datagrams are not encrypted")
	for _, speed := range []int{0, 5} {
		cfg := labConfig()
		cfg.Limits.JoinSpeed = speed
		b := newLab(t, cfg)
		enc := b.encoder("live", "H A rate=2000000")
		enc.send("Pk v\n")
		for range 300 {
			enc.send("P " + strings.Repeat("x", 1000) + "\n")
		}
		v := b.listener("v", 0, "PLAY live")
		most, took := v.total, 0
		for v.c.pace != nil && took < 1000 {
			was := v.total
			b.advance(time.Millisecond)
			most = max(most, v.total-was)
			took++
		}
		if most > datagramStart+2000 || v.total < 300_000 || took < 150 || took > 400 {
			t.Errorf("speed %d: it caught up in %d ms with %d bytes, %d of them at once", speed, took, v.total, most)
		}
		b.finish()
	}
}
