package rtsp

import (
	"testing"
	"time"

	"streampump/codec"
	"streampump/codec/rtp"
)

// fast is a source's clock that is ahead of ours by 100 µs in each second, as cheap ones
// are.
func fast(at time.Duration) time.Duration { return at + at/10000 }

// days is a picture and a sound every ten seconds for three days, of a source whose clock
// is fast, with reports on the pictures and, if both say so, on the sound.
func days(cam *camera, both bool) (out []codec.Event) {
	for at := time.Duration(0); at < 72*time.Hour; at += 10 * time.Second {
		was := len(out)
		theirs := fast(at)
		out = append(out, cam.video.report(theirs))
		if both {
			out = append(out, cam.audio.report(theirs))
		}
		out = append(out, cam.video.packet(theirs, true, idrStart), cam.audio.packet(theirs, true, sound))
		for i := range out[was:] {
			out[was+i].At = began.Add(at)
		}
	}
	return out
}

// A source that reports on one of its tracks only, for days, by a clock that is not
// exactly ours: what is made up for the other one stays in step.
func TestReportsOfOneTrackForDays(t *testing.T) {
	pieces := feed(t, parseMedia(t, videoLine+audioLine).NewProgramme(), days(newCamera(), false))
	inStep(t, pieces, 50*time.Millisecond)
}

// After days of such a source another one follows, and the time of day goes on as the
// timestamps do, by reports of ours and of the source.
func TestRestartAfterDays(t *testing.T) {
	g := parseMedia(t, videoLine+audioLine).NewProgramme()
	cam := newCamera()
	pieces := feed(t, g, days(cam, true))
	was := [2]int{len(reportsOf(pieces, 0)), len(reportsOf(pieces, 1))}
	if !g.Splice(parseMedia(t, videoLine+audioLine), time.Minute) {
		t.Fatal("not spliced")
	}
	cam.now = 72 * time.Hour
	cam = restarted(cam, time.Minute, true, true, true)
	for range 4 {
		pieces = append(pieces, feed(t, g, cam.play(50))...)
		pieces = append(pieces, feed(t, g, cam.reports())...)
	}
	for track, clock := range []int64{90000, 48000} {
		reports := reportsOf(pieces, track)
		if len(reports) < was[track]+3 {
			t.Fatalf("%d reports, then %d", was[track], len(reports)-was[track])
		}
		for i := was[track]; i < len(reports); i++ {
			byClock := time.Duration(int64(int32(reports[i].Time-reports[i-1].Time))) * time.Second / time.Duration(clock)
			byNTP := rtp.Time(reports[i].NTP).Sub(rtp.Time(reports[i-1].NTP))
			if (byClock - byNTP).Abs() > 50*time.Millisecond {
				t.Errorf("track %d: %v by the timestamps, %v by the time of day", track, byClock, byNTP)
			}
		}
	}
	if n := notes(pieces); n != nil {
		t.Errorf("notes %q", n)
	}
}

// A source that comes back with what it has kept of its stream, all at once, and reports
// on it behind that, contradicts nobody: the stream's times are ahead of its arrival from
// then on, of all tracks alike.
func TestRestartWithABurst(t *testing.T) {
	for _, both := range []bool{true, false} {
		g := parseMedia(t, videoLine+audioLine).NewProgramme()
		cam := newCamera()
		pieces := feed(t, g, cam.reports())
		pieces = append(pieces, feed(t, g, cam.play(60))...)
		if !g.Splice(parseMedia(t, videoLine+audioLine), 20*time.Second) {
			t.Fatal("not spliced")
		}
		cam = restarted(cam, 8*time.Second, true, true, true)
		burst := cam.play(25 * 12)
		for i := range burst {
			burst[i].At = began.Add(cam.now)
		}
		pieces = append(pieces, feed(t, g, burst)...)
		for range 3 {
			reports := cam.reports()
			if !both {
				reports = reports[:1]
			}
			pieces = append(pieces, feed(t, g, reports)...)
			pieces = append(pieces, feed(t, g, cam.play(130))...)
		}
		oneLine(t, pieces, 0, 90000)
		if both {
			inStep(t, pieces, 2*time.Millisecond)
			oneLine(t, pieces, 1, 48000)
		} else {
			inStep(t, pieces, 50*time.Millisecond) // by arrival: a picture is late in the burst
		}
		if n := notes(pieces); n != nil {
			t.Errorf("notes %q", n)
		}
	}
}
