package loop

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"streampump/engine/internal/text"
)

// Whatever a viewer waits for, and wherever the socket makes it stop, the packets
// that it got whole are counted once each.
func TestPacketsAreCountedOnce(t *testing.T) {
	for _, c := range []struct {
		name, request string
		after         func(enc *peer) // what comes when the socket is full
		want          uint64
	}{
		{"goes_on", "PLAY live", func(enc *peer) { enc.send("P d\n") }, 5},
		{"ends", "PLAY live", func(enc *peer) { enc.send("FINISH\n"); enc.lab.advance(10 * time.Second) }, 4},
		{"moves_and_waits", "PLAY live switch", func(enc *peer) { enc.send("H B\nP d\n") }, 4},
		{"fell_out_and_waits", "PLAY live", func(enc *peer) {
			for range 20 {
				enc.send(strings.Repeat("P d\n", 50))
			}
		}, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := labConfig()
			cfg.Backlog.Bytes = 64 << 10
			b := newLab(t, cfg)
			enc := b.encoder("live", "H A")
			enc.send("Pk a\nP b\nP c\n")
			v := b.viewer("v", 0, c.request)
			v.setRoom(3) // the next packet is begun
			enc.send("P xxxxxxxxxxxxxxxx\n")
			c.after(enc)
			v.setRoom(-1)
			if got := b.e.Totals().Packets; got != c.want {
				t.Errorf("%d packets are counted, the viewer got %d whole: %s", int64(got), c.want, v.text())
			}
			b.finish()
		})
	}
}

// A socket stops at each byte in turn, in each form; then the packet that it is
// in is evicted with all that follow, and their memory is used again. The viewer
// gets the rest of that packet and goes on at the newest start.
func TestPacketIsWholeWhereverTheSocketStops(t *testing.T) {
	for _, request := range text.SteadyRequests {
		open := "<"
		if strings.Contains(request, "plain") {
			open = ""
		}
		packets := []string{open + "0T:tail;"}
		for i := range 7 {
			packets = append(packets, fmt.Sprintf("%s%d:%s;", open, i+1, stopPayload(i)))
		}
		stop, whole := 0, ""
		for _, p := range packets {
			for range len(p) {
				want := whole + open + "47T:y;"
				if stop > len(whole) {
					want = whole + p + open + "47T:y;"
				}
				got := stopAt(t, request, stop)
				if *overTLS && wholePackets(got, packets, open+"47T:y;") {
					continue // it stopped in a record, which may have several
				}
				if got != want {
					t.Errorf("%q, stopped at byte %d: got %q, want %q", request, stop, got, want)
				}
				stop++
			}
			whole += p
		}
	}
}

// wholePackets reports whether got is some of the packets from the first on, and then
// the last.
func wholePackets(got string, packets []string, last string) bool {
	for _, p := range packets {
		if got == last {
			return true
		}
		var ok bool
		if got, ok = strings.CutPrefix(got, p); !ok {
			return false
		}
	}
	return got == last
}

func stopPayload(i int) string { return strings.Repeat(string(rune('a'+i)), 1+i*i%17) }

// stopAt plays a stream to a viewer whose socket stops once after so many bytes,
// until the backlog has nothing left of what it had then, and returns what the
// viewer got.
func stopAt(t *testing.T, request string, stop int) string {
	t.Helper()
	cfg := labConfig()
	cfg.Backlog.Duration = 0
	b := newLab(t, cfg)
	b.env.Buffers.Segment = 50 // so that the vector has several pieces
	enc := b.encoder("live", "H A")
	enc.send("Pk head|tail\n")
	v := b.viewer("v", 0, request)
	v.got, v.room = nil, stop
	v.c.viewer().next, v.c.viewer().trim = 0, true // the start once more
	var lines strings.Builder
	for i := range 7 {
		fmt.Fprintf(&lines, "P %s\n", stopPayload(i))
	}
	enc.send(lines.String())
	for range 40 {
		b.advance(time.Millisecond)
		enc.send("Pk x|y\n")
	}
	v.setRoom(-1)
	got := string(v.got)
	b.finish()
	return got
}

// Viewers whose sockets take a byte now and then keep a packet each, and not the
// memory of all that the source has sent since they came; what they get is whole.
func TestCrawlingViewersKeepNoSegments(t *testing.T) {
	for _, request := range text.SteadyRequests {
		cfg := labConfig()
		cfg.Backlog.Duration = 5 * time.Second
		b := newLab(t, cfg)
		b.env.Buffers.Segment = 2000
		enc := b.encoder("live", "H A")
		packet := strings.Repeat("x", 900)
		var crawling []*peer
		most := int64(0)
		for second := range 240 {
			enc.send("Pk " + packet + "\n")
			b.advance(time.Second)
			if second%2 == 0 {
				v := b.dial("v", 0, "10.0.0.1")
				v.room = 100
				v.send(request + "\n")
				crawling = append(crawling, v)
			}
			if second%10 == 0 {
				for _, v := range crawling {
					v.setRoom(1)
				}
			}
			most = max(most, b.env.Buffers.Out())
		}
		keeps := int64((cfg.Backlog.Duration+cfg.Backlog.MaxLag+cfg.Timeouts.Stall)/time.Second)/2 + 2
		if most > keeps {
			t.Errorf("%q: %d segments are kept for %d viewers, want no more than %d", request, most, len(crawling), keeps)
		}
		for i, v := range crawling {
			if v.gone {
				t.Fatalf("%q: viewer %d is gone", request, i)
			}
			if i == 3 {
				v.send("REPLY\n") // an answer waits behind the packet
			}
			v.setRoom(-1)
		}
		enc.send("Pk last\n")
		for i, v := range crawling {
			_, stream, _ := bytes.Cut(v.got, []byte("\n"))
			stream = stream[bytes.IndexByte(stream, ':')+1:]
			if first, rest, _ := bytes.Cut(stream, []byte(";")); string(first) != packet || !bytes.HasSuffix(rest, []byte(":last;")) {
				t.Errorf("%q: viewer %d got %d bytes of %d in its first packet, and then %.40q", request, i, len(first), len(packet), rest)
			}
		}
		b.finish()
	}
}

// Nor do they keep programmes that have ended, while viewers that are merely late
// get all that there is.
func TestCrawlingViewersKeepNoEndedProgrammes(t *testing.T) {
	for _, request := range text.SteadyRequests {
		b := newLab(t, labConfig())
		enc := b.encoder("live", "H A0")
		packet := strings.Repeat("x", 1300)
		var crawling []*peer
		for programmes := range 6 {
			for i := range 60 {
				enc.send("Pk " + packet + "\n")
				b.advance(time.Second)
				switch i {
				case 50:
					v := b.dial("v", 0, "10.0.0.1")
					v.room = 100
					v.send(request + "\n")
					crawling = append(crawling, v)
				case 57:
					v := b.viewer("late", 0, request)
					v.got, v.room = nil, 100
				}
				for _, v := range crawling {
					if i%10 == 0 {
						v.setRoom(1)
					}
				}
			}
			enc.send(fmt.Sprintf("H A%d\n", programmes+1))
			b.advance(8 * time.Second)
			v := b.peer("late")
			v.setRoom(-1)
			if n := bytes.Count(v.got, []byte(packet)); n != 2 || v.gone {
				t.Errorf("%q: a late viewer got %d packets of the old programme, want 2; closed %v", request, n, v.gone)
			}
			v.hangup()
		}
		if n := len(b.e.order[0].Programmes()); n > 2 { // the present one, and one that has ended
			t.Errorf("%q: %d programmes that have ended are kept", request, n)
		}
		b.finish()
	}
}
