package rtsp

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"streampump/codec"
	"streampump/codec/rtp"
)

// modelViewer receives pieces as the engine gives them to a viewer: it starts at a key,
// and when it has to leave packets out, it goes on up to the next start and then goes on
// at a key.
type modelViewer struct {
	joined  bool
	leaving bool // it has to leave packets out
	away    bool // it does
	gap     bool // the next piece is the first after a gap
	got     []int
	breaks  map[int]bool // indexes into got of the first piece after a gap
}

func (v *modelViewer) see(t *testing.T, i int, p piece) {
	if v.leaving && p.mark.Start {
		v.leaving, v.away = false, true
	}
	if !v.joined || v.away {
		if !p.mark.Key {
			return
		}
		if v.away || !v.joined {
			v.gap = true
		}
		v.joined, v.away = true, false
	}
	if v.gap {
		if !p.mark.Key {
			t.Errorf("piece %d is the first after a gap and no key", i)
		}
		v.breaks[len(v.got)] = true
		v.gap = false
	}
	v.got = append(v.got, i)
}

// wild is the packets of a source that loses, restarts, jumps and reports.
type wild struct {
	t   *testing.T
	rnd *rand.Rand
	g   codec.Programme
	c   *camera
}

// next is what the programme makes of the next moment.
func (w *wild) next() (out []piece) {
	events := w.c.play(1 + w.rnd.IntN(10))
	switch w.rnd.IntN(12) {
	case 0: // a loss
		i := w.rnd.IntN(len(events))
		events = slices.Delete(events, i, min(len(events), i+1+w.rnd.IntN(4)))
	case 1:
		events = append(events, w.c.reports()...)
	case 2: // another source, in the middle of what this one sends
		events = events[:w.rnd.IntN(len(events)+1)]
		out = feed(w.t, w.g, events)
		pause := time.Duration(w.rnd.IntN(5000)) * time.Millisecond
		if !w.g.Splice(parseMedia(w.t, videoLine+audioLine), pause) {
			w.t.Fatal("not spliced")
		}
		w.c.now += pause.Round(40 * time.Millisecond)
		w.c.video.ssrc, w.c.video.seq, w.c.video.offset = w.rnd.Uint32(), uint16(w.rnd.Uint32()), w.rnd.Uint32()
		w.c.audio.ssrc, w.c.audio.seq, w.c.audio.offset = w.rnd.Uint32(), uint16(w.rnd.Uint32()), w.rnd.Uint32()
		return out
	case 3: // its clock is set
		by := w.rnd.Uint32()
		w.c.video.offset += by
		w.c.audio.offset += uint32(uint64(by) * 48 / 90)
	case 4: // its numbers leap
		w.c.video.seq += 10000
	}
	return feed(w.t, w.g, events)
}

// Whenever a viewer joins, and wherever it has to leave packets out, it gets whole access
// units, in order, without a hole of its own, and goes on at key frames.
func TestViewers(t *testing.T) {
	for seed := range uint64(12) {
		rnd := rand.New(rand.NewPCG(seed, 7))
		w := &wild{t, rnd, parseMedia(t, videoLine+audioLine).NewProgramme(), newCamera()}
		viewers := make([]*modelViewer, 8)
		for i := range viewers {
			viewers[i] = &modelViewer{breaks: map[int]bool{}}
		}
		var all []piece
		for range 200 {
			for _, p := range w.next() {
				if p.err != nil {
					continue
				}
				for k, v := range viewers {
					if k > 0 && v.joined && rnd.IntN(200) == 0 {
						v.leaving = true
					}
					if v.joined || len(all) > 200*k {
						v.see(t, len(all), p)
					}
				}
				all = append(all, p)
			}
		}
		for _, v := range viewers {
			checkViewer(t, all, v)
		}
		if len(viewers[1].breaks) < 3 {
			t.Errorf("seed %d: a viewer left packets out %d times: the test shows nothing", seed, len(viewers[1].breaks))
		}
		for track := range 2 {
			checkOrder(t, of(all, track))
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// checkViewer checks what a viewer got of all pieces.
func checkViewer(t *testing.T, all []piece, v *modelViewer) {
	t.Helper()
	// Of each access unit with pictures, everything or nothing: what went out of one is
	// one run of pieces of the track with one timestamp.
	unit := make([]int, len(all))
	n, last, open := 0, uint32(0), false
	for i, p := range all {
		if packets := of([]piece{p}, 0); len(packets) > 0 {
			if ts := packets[len(packets)-1].Time; !open || ts != last || p.mark.Key {
				n, last, open = n+1, ts, true
			}
			unit[i] = n
		}
	}
	size := map[int]int{}
	for _, u := range unit {
		size[u]++
	}
	got := map[int]int{}
	for _, i := range v.got {
		got[unit[i]]++
	}
	for u, n := range got {
		if u != 0 && n != size[u] && u != unit[v.got[len(v.got)-1]] {
			t.Errorf("%d of %d pieces of an access unit", n, size[u])
		}
	}
	for k := 1; k < len(v.got); k++ {
		if v.got[k] != v.got[k-1]+1 && !v.breaks[k] {
			t.Errorf("piece %d follows %d", v.got[k], v.got[k-1])
		}
	}
}

// checkOrder checks the numbers and times of a track's packets: a hole in the numbers is
// one that the source lost, and times go back by no more than pictures may.
func checkOrder(t *testing.T, packets []rtp.Packet) {
	t.Helper()
	for i := 1; i < len(packets); i++ {
		if step := packets[i].Seq - packets[i-1].Seq; step == 0 || step > 8 {
			t.Errorf("packet %d: number %d follows %d", i, packets[i].Seq, packets[i-1].Seq)
		}
		if back := int32(packets[i].Time - packets[i-1].Time); back < 0 {
			t.Errorf("packet %d: time %d follows %d", i, packets[i].Time, packets[i-1].Time)
		}
	}
}
