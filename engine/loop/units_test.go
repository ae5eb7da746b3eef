package loop

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"streampump/engine/reason"
)

// pictures is a source of units: pictures of some packets, with packets of sound among
// them and between them.
type pictures struct {
	rnd    *rand.Rand
	number int
	unit   map[int]int // of each packet
	sound  map[int]bool
	key    map[int]bool
	units  int
	left   int // packets of the present picture that are still to come
}

func newPictures(seed uint64) *pictures {
	return &pictures{rnd: rand.New(rand.NewPCG(seed, 5)), unit: map[int]int{}, sound: map[int]bool{}, key: map[int]bool{}}
}

// next is the next packet's line.
func (s *pictures) next() string {
	n, verb := s.number, "P"
	s.number++
	sound := n > 0 && s.rnd.IntN(4) == 0
	switch {
	case s.left > 0 && sound:
		verb = "Pi"
	case s.left > 0:
		s.left--
		verb = "Pi"
	case sound:
		s.units++
	default:
		s.units++
		s.left = s.rnd.IntN(9)
		if n == 0 || s.rnd.IntN(6) == 0 {
			verb, s.key[n] = "Pk", true
		}
	}
	s.unit[n], s.sound[n] = s.units, sound
	return fmt.Sprintf("%s %c%s\n", verb, "va"[b2i(sound)], strings.Repeat("x", s.rnd.IntN(60)))
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// has reports whether a form has a packet.
func (s *pictures) has(n int, request string) bool {
	switch {
	case strings.Contains(request, "video"):
		return !s.sound[n]
	case strings.Contains(request, "audio"):
		return s.sound[n]
	}
	return true
}

// gaps looks at what a viewer got from the start of the stream on: all packets of its
// form in their order, and where some are left out, whole units are, up to a key start
// that is said before. It returns how often that was so.
func (s *pictures) gaps(t *testing.T, p *peer) (gaps int) {
	t.Helper()
	last, start, left := -1, -1, 0
	had := -1 // the newest packet, also before it halted
	for b := p.got; len(b) > 0; {
		word, n := p.token(b)
		if n == 0 {
			if !p.gone && len(b) > 0 {
				t.Fatalf("%q: %d bytes are no whole packet: %q", p.name, len(b), b)
			}
			return gaps
		}
		b = b[n:]
		if word == `"OK Halt"` {
			last, start = -1, -1 // it begins anew
		}
		if where, ok := strings.CutPrefix(word, "("); ok {
			_, number, _ := strings.Cut(strings.TrimSuffix(where, ")"), " ")
			start, left = 0, 0
			_, _ = fmt.Sscanf(number, "%d behind %d", &start, &left)
			continue
		}
		number, err := strconv.Atoi(strings.TrimRight(word, "KT"))
		if err != nil {
			continue // an answer, or a head
		}
		want := last + 1
		for !s.has(want, p.name) {
			want++
		}
		switch from := start; {
		case !s.has(number, p.name):
			t.Fatalf("%q: packet %d is not in its form", p.name, number)
		case start < 0 && number == want:
		case from < 0 || from > number || !s.key[from] && last >= 0:
			t.Fatalf("%q: after %d came %d instead of %d, and the start that was said is %d", p.name, last, number, want, from)
		case last >= 0 && number != want && s.unit[want] == s.unit[last]:
			t.Fatalf("%q: after %d came %d: the rest of unit %d, from %d on, is missing", p.name, last, number, s.unit[last], want)
		case last >= 0:
			gaps++
		}
		s.checkLeft(t, p, had, number, start, left)
		last, had, start, left = number, number, -1, 0
	}
	return gaps
}

// checkLeft checks what was said to be left out between two packets of a viewer: all that
// are missing in its form, or more, but none that it has had; and nothing where it starts.
func (s *pictures) checkLeft(t *testing.T, p *peer, had, number, start, left int) {
	t.Helper()
	least, most := 0, 0
	if had >= 0 && start >= 0 {
		most = number - had - 1
		for n := had + 1; n < number && s.has(start, p.name); n++ {
			least += b2i(s.has(n, p.name))
		}
	}
	if left < least || left > most {
		t.Fatalf("%q: %d packets are said to be left out between %d and %d, which begins at %d; of its form are %d", p.name, left, had, number, start, least)
	}
}

// Whatever sockets take, and however little memory there is: no viewer in any form gets a
// part of a unit and then a gap, unless it is closed there.
func TestViewersHaveWholeUnits(t *testing.T) {
	requests := []string{"PLAY live", "PLAY live video", "PLAY live audio", "PLAY live switch", "PLAY live plain"}
	gaps, closed := 0, 0
	ends := []reason.Reason{reason.ViewerTooSlow, reason.ViewerStalled, reason.AnswerStalled}
	for seed := range uint64(12) {
		src := newPictures(seed)
		cfg := labConfig()
		cfg.Backlog.Bytes = []int64{24 << 10, 40 << 10, 1 << 20}[seed%3]
		cfg.Backlog.Duration, cfg.Backlog.MaxLag, cfg.Timeouts.Stall = 2*time.Second, time.Second, 10*time.Second
		cfg.Limits.JoinSpeed = []int{0, 5}[seed%2]
		b := newLab(t, cfg)
		b.env.Buffers.Segment = 500
		enc := b.encoder("live", "H A join")
		enc.send(src.next())
		var viewers []*peer
		for i := range 3 * len(requests) {
			viewers = append(viewers, b.viewer(requests[i%len(requests)], 0, requests[i%len(requests)]))
		}
		for range 400 {
			var batch strings.Builder
			for range 1 + src.rnd.IntN(12) {
				batch.WriteString(src.next())
			}
			enc.send(batch.String())
			b.advance(time.Duration(src.rnd.IntN(200)) * time.Millisecond)
			v := viewers[src.rnd.IntN(len(viewers))]
			v.chunk = []int{0, 0, 7, 90}[src.rnd.IntN(4)]
			v.setRoom([]int{-1, 0, 5, 37, 150, 700}[src.rnd.IntN(6)])
			switch w := viewers[src.rnd.IntN(len(viewers))]; src.rnd.IntN(10) {
			case 0, 1:
				w.send("REPLY\n")
			case 2:
				w.send("HALT\n" + w.name + "\n")
			case 3:
				b.loops[0].loop.showOf(b.e.order[0]).LetGo()
			}
		}
		for _, v := range viewers {
			v.chunk = 0
			v.setRoom(-1)
		}
		b.advance(time.Second)
		for _, v := range viewers {
			gaps += src.gaps(t, v)
			if v.gone {
				closed++
			}
			if v.gone && !slices.Contains(ends, v.c.reason) {
				t.Errorf("%q is closed: %v", v.name, v.c.reason)
			}
		}
		b.finish()
	}
	t.Logf("%d gaps, %d viewers closed", gaps, closed)
	if gaps < 500 || closed > 12 {
		t.Errorf("%d gaps were seen, and %d viewers were closed", gaps, closed)
	}
}
