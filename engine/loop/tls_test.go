package loop

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"streampump/engine/reason"
	"streampump/engine/secure"
)

// encrypted is a lab with a stream whose peers speak TLS.
func newEncrypted(t *testing.T) (b *lab, enc *peer) {
	b = newLab(t, labConfig())
	b.tls = true
	enc = b.encoder("live", "H A audio")
	enc.send("P a\n")
	return b, enc
}

// Whoever sends what is no record is told so by TLS and closed; the operator hears
// why.
func TestBrokenRecords(t *testing.T) {
	b, enc := newEncrypted(t)
	v := b.viewer("v", 0, "PLAY live")
	p := b.dial("p", 0, "10.0.0.2")
	p.deaf = true // its client would not understand the alert
	p.at.loop.Traffic(p.c, []byte("\x17\x03\x03\x00\x20"+strings.Repeat("x", 32)))
	b.run()
	if !p.gone || p.c.reason.String() != "tls_broken" {
		t.Errorf("gone %v, %v", p.gone, p.c.reason)
	}
	if !strings.Contains(b.log.String(), "reason=tls_broken") || strings.Count(b.log.String(), "tls_broken") != 1 {
		t.Errorf("the log says %s", b.log.String())
	}
	enc.send("P b\n")
	if got := v.text(); !strings.HasSuffix(got, "0-1") {
		t.Errorf("the viewer got %s", got)
	}
	b.finish()
}

// A peer that says its last word and is owed nothing is closed; a viewer goes on
// until it leaves.
func TestLastWordOfAPeer(t *testing.T) {
	b, enc := newEncrypted(t)
	v, idle := b.viewer("v", 0, "PLAY live"), b.viewer("idle", 0, "REPLY")
	v.text()
	for _, p := range []*peer{v, idle} {
		p.tls.wire.out = nil
		_ = p.tls.client.CloseWrite()
		p.at.loop.Traffic(p.c, p.tls.wire.out)
		b.run()
	}
	if !idle.gone || idle.c.reason.String() != "answered" {
		t.Errorf("the idle peer: gone %v, %v", idle.gone, idle.c.reason)
	}
	enc.send("P b\n")
	if got := v.text(); v.gone || got != "1" {
		t.Errorf("the viewer: gone %v, got %q", v.gone, got)
	}
	b.finish()
}

// If what TLS itself has to say cannot be sent, the operator hears that, whoever noticed
// it first: the peer that spoke, or the viewer that is told its last word.
func TestLastWordThatCannotBeSent(t *testing.T) {
	for name, ends := range map[string]func(b *lab, v *peer){
		"spoken": func(_ *lab, v *peer) { v.at.loop.Traffic(v.c, v.tls.seal([]byte("more\n"))) },
		"ended":  func(b *lab, _ *peer) { b.shutdown() },
	} {
		t.Run(name, func(t *testing.T) {
			b, _ := newEncrypted(t)
			v := b.viewer("v", 0, "PLAY live")
			v.text()
			v.deaf = true // it is cut off without TLS's last word
			if err := v.c.tls.conn.Write([]byte("data")); err == nil {
				t.Fatal("crypto/tls sent data with numbers that are not its own")
			}
			ends(b, v)
			b.run()
			if !v.gone || strings.Count(b.log.String(), "reason=tls_failed why=") != 1 {
				t.Errorf("gone %v; the log says %s", v.gone, b.log.String())
			}
			if name == "spoken" && v.c.reason != reason.TLSFailed {
				t.Errorf("it is closed because of %v", v.c.reason)
			}
		})
	}
}

// What TLS itself answers is kept for a socket that takes nothing, up to a bound.
func TestAnswersOfTLSAreBounded(t *testing.T) {
	b, _ := newEncrypted(t)
	v := b.viewer("v", 0, "PLAY live")
	v.room = 0
	record := make([]byte, 100)
	for range 10 {
		v.c.Record(record)
	}
	if v.c.doomed || len(v.c.tls.kept) != 1000 {
		t.Errorf("doomed %v, %d bytes are kept", v.c.doomed, len(v.c.tls.kept))
	}
	for range maxKept / 100 {
		v.c.Record(record)
	}
	if !v.c.doomed || len(v.c.tls.kept) > maxKept {
		t.Errorf("doomed %v, %d bytes are kept", v.c.doomed, len(v.c.tls.kept))
	}
	v.deaf = true
	v.c.loop.Run()
	b.run()
	if kept := b.e.Totals().Kept; !v.gone || kept != 0 {
		t.Errorf("gone %v, %d bytes are counted as kept", v.gone, kept)
	}
	b.finish()
}

// A stalled viewer keeps nothing but the rest of the record that its socket took a part
// of, and gets that before anything else. The other records of the same call are taken
// back, with their numbers: what they had in them comes later, whole and in order.
func TestStalledViewerKeepsTheRestOfARecord(t *testing.T) {
	b, enc := newEncrypted(t)
	v := b.viewer("v", 0, "PLAY live")
	v.text()
	v.room = 0
	packet := "P " + strings.Repeat("x", 3000) + "\n"
	for range 100 {
		enc.send(packet)
	}
	if n := len(v.c.tls.kept); n != 0 {
		t.Errorf("%d bytes are kept of records that the socket took nothing of", n)
	}
	if n := v.tries; n > 4 {
		t.Errorf("its socket was tried %d times", n)
	}
	record := secure.MaxRecord + sealCost
	for _, room := range []int{50, record - 51, 1, record, 2*record + 1, recordsTurn*record - 1} {
		before := len(v.c.tls.kept) - v.c.tls.sent
		v.setRoom(room)
		want := (before - room%record + record) % record
		if n := len(v.c.tls.kept) - v.c.tls.sent; n != want || b.e.Totals().Kept != int64(want) {
			t.Errorf("of %d bytes more: %d are kept and %d counted, want %d", room, n, b.e.Totals().Kept, want)
		}
	}
	v.setRoom(-1)
	if got := v.text(); got != "1-100" {
		t.Errorf("it got %s", got)
	}
	if len(b.loops[0].loop.records.spare) != 1 || b.e.Totals().Kept != 0 {
		t.Errorf("%d buffers were given back, %d bytes are counted", len(b.loops[0].loop.records.spare), b.e.Totals().Kept)
	}
	b.finish()
}

// Small packets are joined: a viewer of the plain form, whose packets lie apart,
// gets no record for each.
func TestSmallPacketsShareARecord(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		b, enc := newEncrypted(t)
		b.server, b.maxTLS = nil, version
		v := b.viewer("v", 0, "PLAY live plain")
		v.text()
		v.room = 0
		enc.send(strings.Repeat("P 0123456789\n", 50)) // the first record goes to waste
		v.writes = 0
		v.setRoom(-1)
		if v.writes > 2 {
			t.Errorf("%s: 50 packets were sent in %d records", tls.VersionName(version), v.writes)
		}
		if got := v.text(); got != "1-50" {
			t.Errorf("%s: it got %s", tls.VersionName(version), got)
		}
		b.finish()
	}
}

// Of TLS 1.2 a stalled viewer keeps what its socket did not take of one record, and gets
// that before anything else.
func TestStalledViewerOfTLS12KeepsOneRecord(t *testing.T) {
	b, enc := newEncrypted(t)
	b.server, b.maxTLS = nil, tls.VersionTLS12
	v := b.viewer("v", 0, "PLAY live")
	v.text()
	v.room = 0
	for range 100 {
		enc.send("P " + strings.Repeat("x", 3000) + "\n")
	}
	if n := len(v.c.tls.kept); n == 0 || n > recordRoom || v.tries > 4 {
		t.Errorf("%d bytes are kept, and its socket was tried %d times", n, v.tries)
	}
	before := b.e.Totals().Kept
	if v.setRoom(50); b.e.Totals().Kept != before-50 {
		t.Errorf("%d bytes are counted as kept, and 50 of %d were taken", b.e.Totals().Kept, before)
	}
	v.setRoom(-1)
	if got := v.text(); got != "1-100" || b.e.Totals().Kept != 0 {
		t.Errorf("it got %s, and %d bytes are counted", got, b.e.Totals().Kept)
	}
	b.finish()
}

// A delivered packet is copied once, to where its record is made: that is what the
// kernel is given, several records in a call, and nothing is allocated for it.
func TestKernelIsGivenThePlaceOfRecords(t *testing.T) {
	b, enc := newEncrypted(t)
	v := b.viewer("v", 0, "PLAY live")
	v.text()
	l := v.c.loop
	calls, most := 0, 0
	l.kernel = &witness{labKernel{b.loops[0]}, func(p *peer, iov []unix.Iovec) {
		if p != v {
			return
		}
		calls++
		most = max(most, int(iov[0].Len))
		if len(iov) != 1 || iov[0].Base != unsafe.SliceData(l.records.place) || int(iov[0].Len) != len(l.records.place) {
			t.Errorf("a call has %d buffers, and the first is not the place of records", len(iov))
		}
	}}
	v.room = 0
	for range 100 {
		enc.send("P " + strings.Repeat("x", 3000) + "\n")
	}
	calls = 0
	v.setRoom(-1)
	if got := v.text(); got != "1-100" {
		t.Errorf("it got %s", got)
	}
	if all := 100 * 3000; most != recordsTurn*(secure.MaxRecord+sealCost) || calls > all/recordsTurn/secure.MaxRecord+1 {
		t.Errorf("%d calls, of at most %d bytes", calls, most)
	}
	room := l.records.room()
	packets := [2][]byte{make([]byte, 3000), make([]byte, 2*secure.MaxRecord)}
	iov := appendIov(appendIov(nil, packets[0]), packets[1])
	if n := testing.AllocsPerRun(100, func() { l.records.seal(v.c.tls.conn, vector{iov: iov}) }); n != 0 || &room[:1][0] != &l.records.place[0] {
		t.Errorf("%v allocations for the records of a call", n)
	}
	v.deaf = true // some numbers are missing now
	b.finish()
}

// Viewers are prepared for whatever they are, and whoever is served next.
func TestViewersOfAllKindsInOneSweep(t *testing.T) {
	b, enc := newEncrypted(t)
	var viewers []*peer
	for i := range 5 * warmTurn {
		b.tls, b.server, b.maxTLS = i%3 > 0, nil, tls.VersionTLS13
		if i%3 == 1 {
			b.maxTLS = tls.VersionTLS12
		}
		viewers = append(viewers, b.viewer(fmt.Sprint("v", i), 0, "PLAY live"))
	}
	for _, v := range viewers {
		v.text()
	}
	viewers[2].room, viewers[3].room = 0, 0
	enc.send("P a\n")
	enc.send("P b\n")
	viewers[2].setRoom(-1)
	viewers[3].setRoom(-1)
	for i, v := range viewers {
		if got := v.text(); got != "1-2" {
			t.Errorf("viewer %d got %s", i, got)
		}
	}
	b.finish()
}

// A viewer over TLS that takes nothing is closed like any other.
func TestStalledViewerOverTLSIsClosed(t *testing.T) {
	b, enc := newEncrypted(t)
	v := b.viewer("v", 0, "PLAY live")
	v.room = 0
	for range 40 {
		enc.send("P x\n")
		b.advance(time.Second)
	}
	if !v.gone || v.c.reason.String() != "viewer_stalled" {
		t.Errorf("gone %v, %v", v.gone, v.c.reason)
	}
	b.finish()
}

// A peer's own words, of which TLS repeats kilobytes, are cut for the log.
func TestComplaintsAreBrief(t *testing.T) {
	b := newLab(t, labConfig())
	peer := netip.MustParseAddrPort("192.0.2.1:1")
	b.e.Lost(reason.TLSBroken, peer, fmt.Errorf("tls: client requested %q", strings.Repeat("x\n", 1<<13)))
	b.e.Lost(reason.TLSBroken, peer, errors.New("a short one"))
	b.logs(`error="tls: client requested \"x`)
	b.logs(`error="a short one"`)
	if n := b.log.Len(); n > 1024 {
		t.Errorf("the log has %d bytes", n)
	}
	b.finish()
}

// Behind its last word a peer has nothing to say, and is not read for long.
func TestNothingFollowsALastWord(t *testing.T) {
	b, _ := newEncrypted(t)
	v := b.dial("v", 0, "10.0.0.1")
	v.room = 0 // it is owed an answer
	v.send("REPLY\n")
	v.tls.wire.out = nil
	_ = v.tls.client.CloseWrite()
	v.at.loop.Traffic(v.c, v.tls.wire.out)
	sent := 0
	for ; !v.gone && sent < 1<<20; sent += 1 << 10 {
		v.at.loop.Traffic(v.c, make([]byte, 1<<10))
		b.run()
	}
	if !v.gone || v.c.reason.String() != "tls_broken" {
		t.Errorf("gone %v, %v, after %d bytes", v.gone, v.c.reason, sent)
	}
	b.finish()
}

// An encoder may send its first packets together with the end of its handshake: its
// viewers have them at once.
func TestPacketsBehindTheHandshake(t *testing.T) {
	b, enc := newEncrypted(t)
	v := b.viewer("v", 0, "PLAY live")
	enc.hangup()
	v.text()
	b.early = []byte("PUBLISH live\nH A audio\nP early\n")
	again := b.dial("again", 0, "10.0.0.9")
	b.early = nil
	if got := v.text(); again.c.phase != phaseIngest || !strings.HasSuffix(got, "1") {
		t.Errorf("the viewer got %q, the encoder %q", got, again.text())
	}
	b.finish()
}
