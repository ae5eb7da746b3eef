package rtmp

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"streampump/codec"
)

// run gives an intake messages and returns its events.
func run(in *intake, all ...message) (events []codec.Event) {
	for i := range all {
		ev, more := in.take(&all[i])
		for {
			if ev.Kind != codec.None {
				ev.Data = slices.Clone(ev.Data)
				events = append(events, ev)
			}
			if !more {
				break
			}
			ev, more = in.more()
		}
	}
	return events
}

// lines are events in short.
func lines(events []codec.Event) string {
	var all []string
	for i := range events {
		all = append(all, line(&events[i]))
	}
	return strings.Join(all, "; ")
}

func videoAt(time uint32, body []byte) message {
	return message{typ: typeVideo, time: time, body: body}
}
func audioAt(time uint32, body []byte) message {
	return message{typ: typeAudio, time: time, body: body}
}
func dataAt(time uint32, body []byte) message { return message{typ: typeData, time: time, body: body} }

// soundsAt is sound each 100 ms.
func soundsAt(from, to uint32) (all []message) {
	for at := from; at <= to; at += 100 {
		all = append(all, audioAt(at, audioFrame(at)))
	}
	return all
}

func TestTracksAreWaitedFor(t *testing.T) {
	avc, aac := "H.264 (avcC High 1.2)", "AAC-LC 44.1 kHz stereo"
	both := "Header " + avc + ", " + aac
	for _, c := range []struct {
		name string
		in   []message
		want string // the header, and how many packets follow it
		n    int
	}{
		{"as_announced", []message{dataAt(0, setFrame(metadata(keyVideo, 7, keyAudio, 10))), videoAt(0, avcHeader), audioAt(0, aacHeader)}, both, 0},
		{"not_announced", []message{audioAt(0, aacHeader), audioAt(0, audioFrame(1)), videoAt(10, avcHeader), videoAt(20, videoFrame(true, 1))}, both, 2},
		{"announced_by_name", []message{dataAt(0, setFrame(metadata(keyVideo, "avc1", keyAudio, "mp4a"))), videoAt(0, avcHeader), audioAt(0, aacHeader)}, both, 0},
		{"announced_in_part", []message{dataAt(0, setFrame(metadata(keyVideo, 7))), videoAt(0, avcHeader), videoAt(0, videoFrame(true, 0)), audioAt(400, aacHeader)}, both, 1},
		{"pictures_alone", []message{dataAt(0, setFrame(metadata(keyVideo, 7))), videoAt(0, avcHeader), videoAt(0, videoFrame(true, 0)), videoAt(500, videoFrame(false, 0))}, "Header " + avc, 2},
		{"pictures_a_second_later", slices.Concat([]message{dataAt(0, metadata(keyVideo, 7, keyAudio, 10)), audioAt(0, aacHeader)}, soundsAt(5000, 6000),
			[]message{videoAt(6000, avcHeader), videoAt(6010, videoFrame(true, 1))}), both, 12},
		{"announced_and_not_sent", slices.Concat([]message{dataAt(0, metadata(keyVideo, 7, keyAudio, 10)), audioAt(0, aacHeader)}, soundsAt(5000, 7000)), "Header " + aac, 21},
		{"announced_and_not_sent_yet", slices.Concat([]message{dataAt(0, metadata(keyVideo, 7, keyAudio, 10)), audioAt(0, aacHeader)}, soundsAt(5000, 6900)), "", 0},
		{"sound_alone", slices.Concat([]message{audioAt(0, aacHeader)}, soundsAt(0, 2000)), "Header " + aac, 21},
		{"sound_alone_so_far", slices.Concat([]message{audioAt(0, aacHeader)}, soundsAt(0, 1900)), "", 0},
		{"sound_a_second_before_pictures", slices.Concat([]message{audioAt(0, aacHeader)}, soundsAt(0, 1000), []message{videoAt(1000, avcHeader)}), both, 11},
		{"sound_alone_is_announced", slices.Concat([]message{dataAt(0, metadata(keyAudio, 10)), audioAt(0, aacHeader)}, soundsAt(0, 500)), "Header " + aac, 6},
		{"sound_alone_is_announced_so_far", slices.Concat([]message{dataAt(0, metadata(keyAudio, 10)), audioAt(0, aacHeader)}, soundsAt(0, 400)), "", 0},
		{"pictures_without_a_key", []message{videoAt(0, avcHeader), videoAt(1000, videoFrame(false, 1)), videoAt(2999, videoFrame(false, 2)), videoAt(3000, videoFrame(false, 3))}, "Header " + avc, 3},
		{"a_clock_that_wraps", slices.Concat([]message{dataAt(0, metadata(keyAudio, 10)), audioAt(1<<32-200, audioFrame(0)), audioAt(100, audioFrame(0)), audioAt(299, audioFrame(0)), audioAt(300, audioFrame(0))}), "Header AAC", 4},
		{"a_clock_that_is_set", []message{audioAt(50_000, audioFrame(0)), audioAt(0, audioFrame(0))}, "Header AAC", 2},
		{"end_command_and_silence", []message{videoAt(0, sequenceOf), videoAt(0, []byte{0x52, 0}), audioAt(9000, nil), videoAt(9000, []byte{0x17})}, "", 0},
		{"data_alone", []message{dataAt(0, []byte("\x02\x00\x03cue")), dataAt(9000, []byte("\x02\x00\x03cue"))}, "", 0},
		{"metadata_of_AMF3", []message{{typ: typeData3, body: append([]byte{0}, setFrame(metadata(keyVideo, 7, keyAudio, 10, keyAudioTracks, tracksOf("7")))...)}, audioAt(0, aacHeader), videoAt(0, avcHeader),
			audioAt(0, []byte("\x95\x00Opus\x07"))}, both + ", Opus (track 7)", 0},
		{"several_tracks", []message{dataAt(0, setFrame(metadata(keyVideo, 7, keyVideoTracks, tracksOf("1", "2")))), videoAt(0, avcHeader),
			videoAt(0, []byte("\x96\x00hvc1\x01")), audioAt(0, aacHeader), videoAt(0, []byte("\x96\x00hvc1\x02"))}, "Header " + avc + ", HEVC (track 1), HEVC (track 2), " + aac, 0},
		{"enhanced", []message{videoAt(0, hevcHeader), audioAt(0, opusHeader)}, "Header HEVC, Opus", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			events := run(&intake{}, c.in...)
			if c.want == "" {
				if len(events) > 0 {
					t.Error(lines(events))
				}
				return
			}
			if len(events) != 1+c.n || line(&events[0]) != c.want {
				t.Errorf("%d events: %s", len(events), lines(events))
			}
		})
	}
}

// tracksOf is a map with entries for further tracks.
func tracksOf(ids ...string) []byte {
	b := []byte{3}
	for _, id := range ids {
		b = append(append(b, 0, byte(len(id))), id...)
		b = append(b, 3, 0, 0, 9)
	}
	return append(b, 0, 0, 9)
}

// What was held comes in its order, with its times and bytes, and the programme begins
// at 0 with the earliest of it.
func TestHeldMessages(t *testing.T) {
	in := &intake{}
	events := run(in, audioAt(1000, aacHeader), audioAt(1000, audioFrame(1)), videoAt(960, videoFrame(true, 2)), audioAt(1020, audioFrame(3)))
	if got, want := lines(events[1:]), fmt.Sprintf("Packet 8@1000:%x; Packet 9@960:%x; Packet 8@1020:%x", audioFrame(1), videoFrame(true, 2)[:8], audioFrame(3)); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	l := &lane{t: t, g: events[0].Media.NewProgramme().(*programme), now: began}
	for i, want := range []uint32{40, 0, 60} {
		if got := messages(t, l.event(0, events[1+i]).bytes); got[0].time != want {
			t.Errorf("message %d lies at %d", i, got[0].time)
		}
	}
}

// A header that changes among what is held keeps its place: pictures before it need the old
// one.
func TestHeaderChangesWithinAHold(t *testing.T) {
	in := &intake{}
	events := run(in, dataAt(0, setFrame(bothMetadata)), videoAt(0, avcHeader), videoAt(0, avcHeader), videoAt(9000, videoFrame(true, 1)),
		videoAt(0, avcOther), videoAt(9040, videoFrame(true, 2)), audioAt(0, aacHeader), videoAt(9080, videoFrame(false, 3)))
	want := fmt.Sprintf("%s; Packet 9@9000:%x; Packet 9@9000:%x; Packet 9@9040:%x; Packet 9@9080:%x", pushHeader, videoFrame(true, 1)[:8], avcOther[:8], videoFrame(true, 2)[:8], videoFrame(false, 3)[:8])
	if got := lines(events); got != want {
		t.Fatalf("%s\nwant %s", got, want)
	}
	if lead := events[0].Media.(*media).lead; lead != 0 {
		t.Error("it begins at", lead)
	}
	l := &lane{t: t, g: events[0].Media.NewProgramme().(*programme), now: began}
	for i, header := range [][]byte{avcHeader, nil, avcOther, avcOther} {
		got := l.event(0, events[1+i])
		if header == nil {
			if !errors.Is(got.err, codec.ErrHeld) {
				t.Error(got.err)
			}
			continue
		}
		all := l.joins(got.bytes)
		for _, one := range [][]byte{avcHeader, avcOther} {
			if n := count(all, typeVideo, one); (n == 1) != bytes.Equal(one, header) {
				t.Errorf("message %d: the header %x comes %d times", i, one[:8], n)
			}
		}
		if count(all, typeAudio, aacHeader) != 1 {
			t.Errorf("message %d: %+v", i, all)
		}
	}
	// Of another codec the old headers are none.
	other := run(&intake{}, dataAt(0, setFrame(bothMetadata)), videoAt(0, avcHeader), videoAt(0, videoFrame(true, 1)), videoAt(0, avcOther), videoAt(0, hevcHeader), audioAt(0, aacHeader))
	if set := other[0].Media.(*media).set; len(set.parts) != 2 || !bytes.Equal(set.parts[0].body, hevcHeader) {
		t.Errorf("%+v", set)
	}
	// What comes later is described with what is in force then.
	if got := run(in, videoAt(120, []byte("\x96\x00av01\x01"))); !bytes.Equal(got[0].Media.(*media).set.find(partKey{typeVideo, 0, partHeader}), avcOther) {
		t.Error("the old header is in force again")
	}
}

// A hold ends at its bounds.
func TestHoldIsBounded(t *testing.T) {
	in := &intake{}
	var all []message
	for range maxHolds {
		all = append(all, audioAt(0, audioFrame(0)))
	}
	if got := run(in, all...); len(got) != 1+maxHolds || got[0].Kind != codec.Header {
		t.Error(len(got))
	}
	in = &intake{}
	big := append(videoFrame(true, 0), make([]byte, 600_000)...)
	if got := run(in, videoAt(0, big), videoAt(1, big)); len(got) != 3 || len(got[2].Data) != len(big) {
		t.Error(len(got))
	}
	if in.hold.buf != nil {
		t.Error("the hold is kept")
	}
}

// Whoever sends the same header again and again, and no picture, does not have the metadata
// read each time.
func TestWaitingIsCheap(t *testing.T) {
	in := &intake{}
	again := videoAt(0, avcHeader)
	run(in, dataAt(0, setFrame(bothMetadata)), again)
	if got := testing.AllocsPerRun(100, func() {
		if ev, more := in.take(&again); ev.Kind != codec.None || more {
			t.Fatal(ev.Kind)
		}
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
	// What the metadata names follows it all the same.
	forget := dataAt(0, []byte("\x02\x00\x0f"+nameClear))
	if got := lines(run(in, forget, videoAt(0, videoFrame(true, 0)), videoAt(500, videoFrame(false, 1)))); !strings.HasPrefix(got, "Header H.264") {
		t.Error(got)
	}
}

// Another codec or another track in mid-stream is another header, with what is known of
// the other tracks.
func TestTracksChange(t *testing.T) {
	in := &intake{}
	run(in, videoAt(0, avcHeader), audioAt(0, aacHeader))
	first := in.media
	for i, c := range []struct {
		in   message
		want string
	}{
		{videoAt(40, videoFrame(true, 1)), "Packet 9@40"},
		{videoAt(80, avcOther), "Packet 9@80"},
		{audioAt(80, nil), "Packet 8@80"},
		{videoAt(120, hevcHeader), "Header HEVC, AAC-LC 44.1 kHz stereo; Packet 9@120"},
		{audioAt(120, audioFrame(1)), "Packet 8@120"},
		{videoAt(160, []byte("\x96\x00av01\x01")), "Header HEVC, AV1 (track 1), AAC-LC 44.1 kHz stereo; Packet 9@160"},
		{dataAt(200, setFrame(metadata("a", 1))), "Packet 18@200"},
		{message{typ: 99, body: []byte("x")}, ""},
	} {
		var got []string
		for _, ev := range run(in, c.in) {
			one, _, _ := strings.Cut(line(&ev), ":")
			got = append(got, one)
		}
		if s := strings.Join(got, "; "); s != c.want {
			t.Errorf("message %d: %s, want %s", i, s, c.want)
		}
	}
	if equivalent(first, in.media) {
		t.Error("they are taken for the same")
	}
}

// Tracks and headers without end are the source's fault.
func TestTracksAreBounded(t *testing.T) {
	in := &intake{}
	var err error
	for id := range 20 {
		for _, ev := range run(in, videoAt(0, []byte{0x96, 0, 'h', 'v', 'c', '1', byte(id), 1})) {
			err = ev.Err
		}
	}
	if !errors.Is(err, errTracks) {
		t.Error(err)
	}
	events := run(&intake{}, videoAt(0, append(slices.Clone(avcHeader), make([]byte, maxHead)...)))
	if len(events) != 1 || !errors.Is(events[0].Err, errHeadSize) {
		t.Error(lines(events))
	}
}

// An aggregate is its messages, wherever the header comes in it.
func TestIntakeOfAggregates(t *testing.T) {
	tag := func(typ uint8, time uint32, body []byte) []byte {
		b := []byte{typ, 0, 0, byte(len(body)), byte(time >> 16), byte(time >> 8), byte(time), byte(time >> 24), 0, 0, 0}
		return append(append(b, body...), 0, 0, 0, byte(len(body)+11))
	}
	body := slices.Concat(tag(typeVideo, 7, avcHeader), tag(typeAudio, 7, aacHeader), tag(typeAudio, 7, audioFrame(1)), tag(typeVideo, 47, videoFrame(true, 2)))
	got := run(&intake{}, message{typ: typeAggregate, time: 5000, body: body})
	want := fmt.Sprintf("Header H.264 (avcC High 1.2), AAC-LC 44.1 kHz stereo; Packet 8@5000:%x; Packet 9@5040:%x", audioFrame(1), videoFrame(true, 2)[:8])
	if s := lines(got); s != want {
		t.Errorf("%s\nwant %s", s, want)
	}
	in := &intake{}
	long := append(videoFrame(true, 3), make([]byte, maxKept)...)
	head := []byte{typeVideo, byte(len(long) >> 16), byte(len(long) >> 8), byte(len(long)), 0, 0, 0, 0, 0, 0, 0}
	run(in, message{typ: typeAggregate, body: body})
	if got := run(in, message{typ: typeAggregate, body: append(head, long...)}); len(got) != 1 || len(got[0].Data) != len(long) || in.buf != nil {
		t.Errorf("%d events, %d bytes are kept", len(got), cap(in.buf))
	}
	if got := run(in, message{typ: typeAggregate}); len(got) != 0 {
		t.Error(lines(got))
	}
	if got := run(&intake{}, message{typ: typeAggregate, body: body[:20]}); len(got) != 1 || !errors.Is(got[0].Err, errAggregate) {
		t.Error(lines(got))
	}
}

// What is for the server is taken off a data message, and nothing else.
func TestCleanData(t *testing.T) {
	meta := metadata("a", 1)
	for _, c := range []struct {
		name string
		typ  uint8
		in   []byte
		want []byte
	}{
		{"as_it_is", typeData, meta, meta},
		{"set", typeData, setFrame(meta), meta},
		{"AMF3", typeData3, append([]byte{0}, setFrame(meta)...), meta},
		{"AMF3_value", typeData3, []byte("\x00\x02\x00\x01x\x11\x0A"), []byte("\x02\x00\x01x\x11\x0A")},
		{"set_nothing", typeData, setFrame(nil), nil},
		{"set_a_number", typeData, setFrame([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0}), nil},
		{"number", typeData, []byte{0, 0, 0, 0, 0, 0, 0, 0, 0}, nil},
		{"nothing", typeData, nil, nil},
		{"nothing_of_AMF3", typeData3, nil, nil},
	} {
		if got := cleanData(c.typ, c.in); !slices.Equal(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("%s: %x, want %x", c.name, got, c.want)
		}
	}
	if got := announced(metadata(keyVideo, 7, keyVideoTracks, tracksOf("0", "1", "256", "x", "", "1"))); len(got) != 2 {
		t.Errorf("%+v", got)
	}
}

func TestMedia(t *testing.T) {
	if got, want := bothMedia.String(), "H.264 320x180 (avcC High 1.2), AAC-LC 44.1 kHz stereo; 996 kbit/s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if bothMedia.Bitrate() != 996_500 || !bothMedia.KeyFrames() || bothMedia.Preroll() != 0 || bothMedia.MIME() != "video/x-flv" {
		t.Errorf("%d", bothMedia.Bitrate())
	}
	half := mustMedia(dataAt(0, metadata("videodatarate", 900)), videoAt(0, avcHeader), audioAt(0, aacHeader))
	if half.Bitrate() != 0 {
		t.Error(half.Bitrate())
	}
	odd := mustMedia(dataAt(0, metadata("videodatarate", 1e300, "audiodatarate", 1, "width", -1, "height", 1e9)), videoAt(0, avcHeader), audioAt(0, aacHeader))
	if got := odd.Bitrate(); got != maxKilobits*1000 {
		t.Error(got)
	}
}
