package player

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"streampump/bench/synth"
	"streampump/codec/asf"
)

// spec is the encoder of most tests: key frames come often, and packets hold
// several payloads with tails of objects.
func spec() synth.Spec {
	s := synth.Plain(400_000)
	s.Streams[0] = synth.Video(1, 25, 350_000, 10)
	s.PacketSize = 1400
	return s
}

// shapes are encoders that a verifier must be content with.
func shapes() map[string]synth.Spec {
	single := spec()
	single.Multiple, single.Strip, single.Padding = false, true, asf.None
	compressed := spec()
	compressed.Streams[1] = synth.Audio(2, 48_000, 150)
	compressed.Streams[1].Compressed = true
	two := spec()
	two.Streams = append(two.Streams, synth.Video(3, 10, 100_000, 10))
	unclean := spec()
	unclean.Streams[0].NoCleanPoints = true
	late := spec()
	late.Start = 4_000_000_000
	return map[string]synth.Spec{
		"plain": spec(), "single-stripped": single, "compressed": compressed, "two-videos": two,
		"no-clean-points": unclean, "late": late, "ee4": synth.EE4(15), "sound": synth.Sound(64_000),
	}
}

// TestGoodStreams: joining at each key frame, with packets missing up to the
// next one, in both forms, nothing is found.
func TestGoodStreams(t *testing.T) {
	for name, s := range shapes() {
		m := take(t, s, 260)
		t.Run(name, func(t *testing.T) {
			from := m.key1(t, 20)
			skip := m.key1(t, from+40)
			whole := m.framed(t, from, 200)
			whole = append(whole, reason('E', 0))
			v, err := verify(Options{}, whole...)
			if err != nil {
				t.Fatal(err)
			}
			c := v.Counts()
			if c.Packets != int64(200-from) || c.Gaps != 0 || !c.Ended || c.First != uint32(from) || c.Last != 199 {
				t.Errorf("without gaps: %+v", c)
			}
			gap := append(m.framed(t, from, from+30), m.framed(t, skip, 220)[1:]...)
			v, err = verify(Options{}, gap...)
			if err != nil {
				t.Fatal(err)
			}
			if c := v.Counts(); c.Gaps != 1 || c.Missing != int64(skip-from-30) {
				t.Errorf("with %d packets missing: %+v", skip-from-30, c)
			}
			if _, err = verify(Options{Plain: true}, m.plain(t, from, 200)); err != nil {
				t.Errorf("as raw ASF: %v", err)
			}
			jump := slices.Concat(m.plain(t, from, from+30), m.plain(t, skip, 220)[len(m.header):])
			if v, err = verify(Options{Plain: true}, jump); err != nil || name != "compressed" && v.Counts().Gaps != 1 {
				t.Errorf("as raw ASF with a gap: %v, %+v", err, v.Counts())
			}
		})
	}
}

// key1 is where a viewer may start: key, or any packet of sound.
func (m *sample) key1(t testing.TB, i int) int {
	if !m.h.HasVideo() {
		return i
	}
	return m.key(t, i)
}

// TestPlainSabotage: the same for raw ASF.
func TestPlainSabotage(t *testing.T) {
	m := take(t, spec(), 200)
	from := m.key(t, 20)
	head := len(m.header)
	cases := []struct {
		name string
		rule Rule
		do   func(b []byte) []byte
	}{
		{"no-header", RuleHeader, func(b []byte) []byte { b[3]++; return b }},
		{"header-cut", RuleTorn, func(b []byte) []byte { return b[:head-1] }},
		{"absurd-header", RuleHeader, func(b []byte) []byte { b[22] = 0xFF; return b }},
		{"torn-at-the-end", RuleTorn, func(b []byte) []byte { return b[:len(b)-1] }},
		{"lost-byte", RulePacket, func(b []byte) []byte { return slices.Delete(b, head+5*m.size+100, head+5*m.size+101) }},
		{"changed-byte", RuleBytes, func(b []byte) []byte { b[head+5*m.size+700] ^= 1; return b }},
		{"missing-packet", RuleKeyStart, func(b []byte) []byte { return slices.Delete(b, head+5*m.size, head+6*m.size) }},
		{"repeated-packet", RuleKeyStart, func(b []byte) []byte {
			return slices.Insert(b, head+6*m.size, b[head+5*m.size:head+6*m.size]...)
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := verify(Options{Plain: true}, c.do(m.plain(t, from, from+30)))
			var f *Fault
			if !errors.As(err, &f) || f.Rule != c.rule {
				t.Errorf("found %v, want a broken rule %s", err, c.rule)
			}
		})
	}
}

// TestHeaderInPieces [MS-WMSP] 2.2.3.1.2: above 65,524 bytes, and only there.
func TestHeaderInPieces(t *testing.T) {
	for size, pieces := range map[int]int{65_524: 1, 65_525: 2, 65_531: 2, 65_532: 3} {
		s := spec()
		s.HeaderSize = size
		m := take(t, s, 3)
		var body [][]byte
		for i, rest := 0, m.header; i < pieces; i++ {
			flags, n := byte(0), len(rest)/(pieces-i)
			if i == 0 {
				flags |= pieceFirst
			}
			if i == pieces-1 {
				flags |= pieceLast
			}
			body = append(body, mms('H', uint32(i), flags, rest[:n]))
			rest = rest[n:]
		}
		v, err := verify(Options{}, append(body, m.framed(t, 0, 3)[1:]...)...)
		if err != nil || !bytes.Equal(v.Header(), m.header) {
			t.Errorf("a header of %d bytes in %d pieces: %v", size, pieces, err)
		}
	}
}

// TestSwitch [MS-WMSP] 3.2.4.2: $E(1) $C $H begins another stream, numbered
// from 0, for a player that can.
func TestSwitch(t *testing.T) {
	m, o := take(t, spec(), 60), take(t, spec().Other(), 60)
	body := m.framed(t, 0, 60)
	for _, end := range [][][]byte{{reason('E', 1), reason('C', 0)}, {reason('C', 0)}} {
		whole := slices.Concat(body, end, o.framed(t, 0, 60))
		v, err := verify(Options{Switch: true}, whole...)
		if c := v.Counts(); err != nil || c.Headers != 2 || c.Packets != 120 || c.Gaps != 0 {
			t.Errorf("after %d packets: %v, %+v", len(end), err, c)
		}
	}
	cases := map[string][][]byte{
		"change-before-data":    slices.Concat(body[:1], [][]byte{reason('C', 0)}, o.framed(t, 0, 60)),
		"data-behind-the-entry": slices.Concat(body, [][]byte{reason('E', 1)}, o.framed(t, 0, 60)[1:]),
		"change-without-header": slices.Concat(body, [][]byte{reason('E', 1), reason('C', 0)}, o.framed(t, 0, 60)[1:]),
		"delta-frame-first":     slices.Concat(body, [][]byte{reason('C', 0)}, o.framed(t, 0, 60)[:1], o.framed(t, 0, 60)[2:]),
	}
	for name, body := range cases {
		if _, err := verify(Options{Switch: true}, body...); err == nil {
			t.Errorf("%s: nothing found", name)
		}
	}
}

// spliced is n packets of a stream, and behind them those of another run of its
// encoder with the numbers going on.
func spliced(t *testing.T, n int) (body [][]byte, second *sample) {
	t.Helper()
	first := take(t, spec(), n)
	second = take(t, spec().Again(), 60)
	body = first.framed(t, 0, n)
	for i, b := range second.packets {
		b = bytes.Clone(b)
		if err := asf.ShiftTimes(b, second.size, 60_000); err != nil {
			t.Fatal(err)
		}
		body = append(body, mms('D', uint32(n+i), 0, b))
	}
	return body, second
}

// wholeAt is how many packets, least or more, end with no object under way.
func wholeAt(t *testing.T, least int) int {
	t.Helper()
	m := take(t, spec(), 500)
	for n := least; n < len(m.packets); n++ {
		if v, err := verify(Options{}, m.framed(t, 0, n)...); err == nil && !v.open() {
			return n
		}
	}
	t.Fatal("no packet ends with whole objects")
	return 0
}

// TestSplice: a clip starts again, and its packets go on in the same row of
// LocationIds with shifted times.
func TestSplice(t *testing.T) {
	n := wholeAt(t, 57)
	body, second := spliced(t, n)
	for _, allowed := range []int{1, -1} {
		if v, err := verify(Options{Splices: allowed}, body...); err != nil || v.Counts().Splices != 1 || v.Counts().Cut != 0 {
			t.Errorf("where %d are allowed: %v, %+v", allowed, err, v.Counts())
		}
	}
	_, err := verify(Options{}, body...)
	var f *Fault
	if !errors.As(err, &f) || f.Rule != RuleObject {
		t.Errorf("where none is allowed: %v", err)
	}
	// A splice must start a key frame.
	k := n + 1
	for second.startsKey(k - n) {
		k++
	}
	delta := slices.Concat(body[:n+1], body[1+k:])
	for i := n + 1; i < len(delta); i++ {
		delta = edit(delta, i, func(b []byte) []byte {
			binary.LittleEndian.PutUint32(b[4:], uint32(i-1))
			return b
		})
	}
	if _, err := verify(Options{Splices: 1}, delta...); err == nil {
		t.Error("a splice that begins with a delta frame passes")
	}
}

// TestCut: an encoder is lost in the middle of an object and another goes on.
// The LocationIds tell that packets are missing, or it is a fault.
func TestCut(t *testing.T) {
	const n = 57
	body, _ := spliced(t, n)
	_, err := verify(Options{Splices: -1}, body...)
	if f := (*Fault)(nil); !errors.As(err, &f) || f.Rule != RuleObject {
		t.Errorf("without a gap: %v", err)
	}
	for i := n + 1; i < len(body); i++ {
		body = edit(body, i, func(b []byte) []byte {
			binary.LittleEndian.PutUint32(b[4:], uint32(i))
			return b
		})
	}
	v, err := verify(Options{}, body...)
	if c := v.Counts(); err != nil || c.Gaps != 1 || c.Missing != 1 || c.Splices != 0 || c.Cut == 0 {
		t.Errorf("with a gap: %v, %+v", err, c)
	}
}

// TestAnyStart: where no key frame came in time, a joiner starts anywhere; a
// gap afterwards is judged as ever.
func TestAnyStart(t *testing.T) {
	m := take(t, spec(), 120)
	from := m.key(t, 20) + 1
	for m.startsKey(from) {
		from++
	}
	body := [][]byte{mms('H', 0, 0x0C, m.header)}
	for i := from; i < 120; i++ {
		body = append(body, mms('D', uint32(i), 0, m.packets[i]))
	}
	v, err := verify(Options{AnyStart: true}, body...)
	if err != nil || v.Counts().Tails == 0 {
		t.Errorf("%v, %+v", err, v.Counts())
	}
	for i := 6; i < 40; i++ {
		if m.startsKey(from + i) {
			continue
		}
		if _, err := verify(Options{AnyStart: true}, slices.Delete(slices.Clone(body), i, i+1)...); err == nil {
			t.Errorf("a gap before packet %d passes", from+i)
		}
	}
}

// TestCountedAFFlags: a server may count its data packets modulo 256.
func TestCountedAFFlags(t *testing.T) {
	m := take(t, spec(), 600)
	body := m.framed(t, 0, 600)
	for i := 1; i < len(body); i++ {
		body[i][9] = byte(i - 1)
	}
	if _, err := verify(Options{}, body...); err != nil {
		t.Error(err)
	}
	body[300][9]++
	if _, err := verify(Options{}, body...); err == nil {
		t.Error("a wrong count passes")
	}
}

// TestLocationWraps: LocationIds are numbers of 32 bits and go round.
func TestLocationWraps(t *testing.T) {
	m := take(t, spec(), 60)
	body := m.framed(t, 0, 60)
	for i := 1; i < len(body); i++ {
		binary.LittleEndian.PutUint32(body[i][4:], uint32(i)-20)
	}
	if v, err := verify(Options{}, body...); err != nil || v.Counts().Gaps != 0 {
		t.Errorf("%v, %+v", err, v.Counts())
	}
}

// TestAnyCut: the same bytes in other pieces give the same counts, records and
// faults.
func TestAnyCut(t *testing.T) {
	m := take(t, spec(), 90)
	bodies := map[string][]byte{
		"good":  slices.Concat(m.framed(t, m.key(t, 10), 90)...),
		"torn":  slices.Concat(m.framed(t, m.key(t, 10), 90)...)[:40_000],
		"plain": m.plain(t, m.key(t, 10), 60),
	}
	for _, s := range sabotages[:20] {
		bodies[s.name] = slices.Concat(s.do(t, m, m.framed(t, m.key(t, 10), 90))...)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for name, body := range bodies {
		o := Options{Plain: name == "plain", Records: 1000}
		want, wantErr := verify(o, body)
		for _, most := range []int{2, 50, 5000} {
			o.Object = Pattern()
			v := NewVerifier(o)
			for rest := body; len(rest) > 0; {
				n := min(1+r.IntN(most), len(rest))
				if _, err := v.Write(rest[:n]); err != nil {
					break
				}
				rest = rest[n:]
			}
			err := v.End()
			if fmt.Sprint(err) != fmt.Sprint(wantErr) || v.Counts() != want.Counts() || !slices.Equal(v.Records(), want.Records()) {
				t.Errorf("%s in pieces of up to %d: %v, %+v; whole: %v, %+v", name, most, err, v.Counts(), wantErr, want.Counts())
			}
		}
	}
}

func TestWriteDoesNotAllocate(t *testing.T) {
	m := take(t, spec(), 400)
	body := m.framed(t, 0, 400)
	v := NewVerifier(Options{Object: Pattern(), Records: 0})
	for _, b := range body[:200] {
		if _, err := v.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	i := 200
	if n := testing.AllocsPerRun(150, func() { _, _ = v.Write(body[i]); i++ }); n != 0 {
		t.Errorf("%v allocations per packet", n)
	}
	if v.Err() != nil {
		t.Error(v.Err())
	}
}

func FuzzVerifier(f *testing.F) {
	small := spec()
	small.PacketSize = 128
	m := take(f, small, 6)
	f.Add(slices.Concat(m.framed(f, 0, 6)...), false, uint16(7))
	f.Add(m.plain(f, 0, 4), true, uint16(1000))
	f.Add(slices.Concat(mms('H', 0, 4, m.header[:9]), mms('H', 1, 8, m.header[9:])), false, uint16(1))
	f.Add(slices.Concat(m.framed(f, 0, 3)[0], reason('E', 0)), false, uint16(2))
	f.Fuzz(func(t *testing.T, b []byte, plain bool, piece uint16) {
		o := Options{Plain: plain, Switch: true, AnyStart: true, Splices: 1, Records: 10}
		whole := NewVerifier(o)
		_, _ = whole.Write(b)
		cut := NewVerifier(o)
		for rest := b; len(rest) > 0; {
			n := min(int(piece)+1, len(rest))
			_, _ = cut.Write(rest[:n])
			rest = rest[n:]
		}
		if fmt.Sprint(whole.End()) != fmt.Sprint(cut.End()) || whole.Counts() != cut.Counts() {
			t.Fatalf("whole: %v, %+v; cut: %v, %+v", whole.Err(), whole.Counts(), cut.Err(), cut.Counts())
		}
	})
}
