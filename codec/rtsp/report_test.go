package rtsp

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"streampump/codec"
	"streampump/codec/rtp"
)

// sinceEpoch is an NTP time as distance from when the tests' sources began.
func sinceEpoch(ntp uint64) time.Duration { return rtp.Time(ntp).Sub(began) }

// oneLine checks that reports and packets of a track are on one line: from report to
// report, the time of day goes on as the timestamps do.
func oneLine(t *testing.T, pieces []piece, track int, clock int64) []rtp.SenderReport {
	t.Helper()
	reports := reportsOf(pieces, track)
	for i := 1; i < len(reports); i++ {
		a, b := reports[i-1], reports[i]
		byClock := time.Duration(int64(int32(b.Time-a.Time))) * time.Second / time.Duration(clock)
		byNTP := rtp.Time(b.NTP).Sub(rtp.Time(a.NTP))
		if (byClock - byNTP).Abs() > 2*time.Millisecond {
			t.Errorf("track %d, report %d: %v by its timestamps, %v by its time of day", track, i, byClock, byNTP)
		}
		if b.SSRC != a.SSRC {
			t.Errorf("track %d: report of %08x after %08x", track, b.SSRC, a.SSRC)
		}
	}
	return reports
}

// inStep checks that the reports put a picture and a sound of the same moment, which are
// the last of pieces, at the same time of day.
func inStep(t *testing.T, pieces []piece, within time.Duration) {
	t.Helper()
	var when [2]time.Duration
	for track, clock := range []int64{90000, 48000} {
		packets, reports := of(pieces, track), reportsOf(pieces, track)
		sr := reports[len(reports)-1]
		ahead := int64(int32(packets[len(packets)-1].Time - sr.Time))
		when[track] = sinceEpoch(sr.NTP) + time.Duration(ahead)*time.Second/time.Duration(clock)
	}
	if (when[0] - when[1]).Abs() > within {
		t.Errorf("the last picture is at %v and the sound with it at %v", when[0], when[1])
	}
}

// The first frame of each track is a report, and there is one every five seconds, also
// if the source sends none. Then it is from when packets arrive.
func TestReportsAreMade(t *testing.T) {
	m := parseMedia(t, videoLine+audioLine)
	pieces := feed(t, m.NewProgramme(), newCamera().play(25*31))
	for track, clock := range []int64{90000, 48000} {
		reports := oneLine(t, pieces, track, clock)
		if len(reports) != 7 {
			t.Fatalf("track %d: %d reports in 31 s", track, len(reports))
		}
		first := slices.IndexFunc(pieces, func(p piece) bool { return p.err == nil && int(p.frames[0].channel/2) == track })
		if !pieces[first].frames[0].report {
			t.Errorf("track %d does not begin with a report", track)
		}
		if p := of(pieces, track)[0]; reports[0].Time != p.Time || reports[0].SSRC != p.SSRC || sinceEpoch(reports[0].NTP).Abs() > time.Millisecond {
			t.Errorf("track %d: the first report is %+v at %v, the first packet %+v", track, reports[0], sinceEpoch(reports[0].NTP), p)
		}
		if n := len(of(pieces, track)); int(reports[6].Packets) > n || int(reports[6].Packets) < n*29/31 || reports[0].Packets != 0 {
			t.Errorf("track %d: %d packets counted of %d", track, reports[6].Packets, n)
		}
	}
	inStep(t, pieces, time.Millisecond)
}

// counted checks that each report on a track counts what went out before it.
func counted(t *testing.T, pieces []piece, track int) {
	t.Helper()
	var packets, octets, reports uint32
	for _, p := range pieces {
		for _, f := range p.frames {
			switch f.channel {
			case packetChannel(track):
				packets, octets = packets+1, octets+uint32(len(f.p.Payload))
			case reportChannel(track):
				if f.sr.Packets != packets || f.sr.Octets != octets {
					t.Errorf("track %d: %d packets and %d octets are reported of %d and %d", track, f.sr.Packets, f.sr.Octets, packets, octets)
				}
				reports++
			}
		}
	}
	if reports < 2 {
		t.Errorf("track %d: %d reports", track, reports)
	}
}

func TestReportsCount(t *testing.T) {
	pieces := feed(t, parseMedia(t, videoLine+audioLine).NewProgramme(), newCamera().play(25*6))
	counted(t, pieces, 0)
	counted(t, pieces, 1)
}

// The source's own reports are passed on, in our numbers, and its time of day with them.
func TestReportsOfTheSource(t *testing.T) {
	cases := []struct {
		name   string
		before bool // the first come before the packets, as ffmpeg's
		ntp    time.Duration
		want   time.Duration // time of day of the first packets; they are all of one line
	}{
		{"BeforeThePackets", true, -7 * time.Hour, -7 * time.Hour},
		{"AClockThatWasNeverSet", true, -20 * 365 * 24 * time.Hour, -20 * 365 * 24 * time.Hour},
		{"BehindTheFirstPackets", false, -7 * time.Hour, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := parseMedia(t, videoLine+audioLine).NewProgramme()
			cam := newCamera()
			cam.video.ntp, cam.audio.ntp = c.ntp, c.ntp
			var pieces []piece
			if c.before {
				pieces = feed(t, g, cam.reports())
				if got := kinds(pieces); got != "xx" {
					t.Errorf("before the packets: %s", got)
				}
			}
			for range 5 {
				pieces = append(pieces, feed(t, g, cam.play(100))...)
				pieces = append(pieces, feed(t, g, cam.reports())...)
			}
			for track, clock := range []int64{90000, 48000} {
				reports := oneLine(t, pieces, track, clock)
				if len(reports) != 6 {
					t.Errorf("track %d: %d reports", track, len(reports))
				}
				if got := sinceEpoch(reports[0].NTP); (got - c.want).Abs() > time.Millisecond {
					t.Errorf("track %d: the first packet is at %v, want %v", track, got, c.want)
				}
			}
			inStep(t, pieces, time.Millisecond)
		})
	}
}

// Reports tell the truth about sound that does not arrive with its pictures.
func TestReportsPutTracksInStep(t *testing.T) {
	g := parseMedia(t, videoLine+audioLine).NewProgramme()
	cam := newCamera()
	cam.audio.offset += 48 * 200 // the sound is 200 ms later than it seems from its arrival
	pieces := feed(t, g, cam.play(50))
	cam.audio.offset -= 48 * 200
	reports := cam.reports()
	cam.audio.offset += 48 * 200
	pieces = append(pieces, feed(t, g, reports)...)
	pieces = append(pieces, feed(t, g, cam.play(1))...)
	v, a := reportsOf(pieces, 0), reportsOf(pieces, 1)
	off := sinceEpoch(a[len(a)-1].NTP) - time.Duration(a[len(a)-1].Time-of(pieces, 1)[0].Time)*time.Second/48000 -
		(sinceEpoch(v[len(v)-1].NTP) - time.Duration(v[len(v)-1].Time-of(pieces, 0)[0].Time)*time.Second/90000)
	if (off - 200*time.Millisecond).Abs() > 2*time.Millisecond {
		t.Errorf("the sound is %v behind the pictures, want 200 ms", off)
	}
}

// After a restart, reports and packets are on the line that they were on, whatever the
// new source's time of day, and its tracks are as far apart as it says.
func TestReportsAfterARestart(t *testing.T) {
	for _, c := range []struct {
		name   string
		ntp    time.Duration
		before bool
		lag    time.Duration // by how much the new source's sound arrives late
	}{
		{"SameClock", 0, true, 0},
		{"OtherClock", -9 * time.Hour, true, 0},
		{"OtherClockLater", -9 * time.Hour, false, 0},
		{"SoundLags", 5 * time.Hour, true, 120 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := parseMedia(t, videoLine+audioLine).NewProgramme()
			cam := newCamera()
			pieces := feed(t, g, cam.reports())
			pieces = append(pieces, feed(t, g, cam.play(60))...)
			if !g.Splice(parseMedia(t, videoLine+audioLine), 3*time.Second) {
				t.Fatal("not spliced")
			}
			cam = restarted(cam, 3*time.Second, true, true, true)
			cam.video.ntp, cam.audio.ntp = c.ntp, c.ntp
			if c.before {
				pieces = append(pieces, feed(t, g, cam.reports())...)
			}
			for range 4 {
				events := cam.play(130)
				if c.lag > 0 {
					events = delaySound(events, c.lag)
				}
				pieces = append(pieces, feed(t, g, events)...)
				pieces = append(pieces, feed(t, g, cam.reports())...)
			}
			oneLine(t, pieces, 0, 90000)
			oneLine(t, pieces, 1, 48000)
			inStep(t, pieces, 2*time.Millisecond+c.lag)
			if off := apartBy(pieces); off < -3 || off > 3 {
				t.Errorf("the sound is off by %d ms", off)
			}
		})
	}
}

// delaySound lets the sound arrive later.
func delaySound(events []codec.Event, by time.Duration) []codec.Event {
	out := slices.Clone(events)
	for i := range out {
		if out[i].Channel == 2 {
			out[i].At = out[i].At.Add(by)
		}
	}
	slices.SortStableFunc(out, func(a, b codec.Event) int { return a.At.Compare(b.At) })
	return out
}

// A source that sets its time of day in mid-stream does not move the stream's.
func TestTimeOfDayIsSet(t *testing.T) {
	for _, by := range []time.Duration{2 * time.Hour, -3 * time.Second, 56 * 365 * 24 * time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			g := parseMedia(t, videoLine+audioLine).NewProgramme()
			cam := newCamera()
			pieces := feed(t, g, cam.reports())
			for i := range 6 {
				if i == 3 {
					cam.video.ntp, cam.audio.ntp = by, by
				}
				pieces = append(pieces, feed(t, g, cam.play(120))...)
				pieces = append(pieces, feed(t, g, cam.reports())...)
			}
			oneLine(t, pieces, 0, 90000)
			oneLine(t, pieces, 1, 48000)
			inStep(t, pieces, time.Millisecond)
		})
	}
}

// Reports by which tracks that come together are hours apart are not passed on.
func TestReportsThatContradict(t *testing.T) {
	for _, before := range []bool{true, false} {
		g := parseMedia(t, videoLine+audioLine).NewProgramme()
		cam := newCamera()
		cam.audio.ntp = -3 * time.Hour
		var pieces []piece
		if before {
			pieces = feed(t, g, cam.reports())
		}
		for range 4 {
			pieces = append(pieces, feed(t, g, cam.play(130))...)
			pieces = append(pieces, feed(t, g, cam.reports())...)
		}
		oneLine(t, pieces, 0, 90000)
		oneLine(t, pieces, 1, 48000)
		inStep(t, pieces, 2*time.Millisecond)
		for track := range 2 {
			if n := len(reportsOf(pieces, track)); n < 4 {
				t.Errorf("track %d: %d reports", track, n)
			}
		}
		if n := notes(pieces); len(n) != 1 || !strings.Contains(n[0], "contradict") {
			t.Errorf("notes %q", n)
		}
	}
}

func TestReportsLeftOut(t *testing.T) {
	none := func(*rtp.SenderReport, *camera) {}
	cases := []struct {
		name   string
		change func(sr *rtp.SenderReport, c *camera)
		want   string
	}{
		{"Good", none, "r"},
		{"AnotherSender", func(sr *rtp.SenderReport, _ *camera) { sr.SSRC = 5 }, "x"},
		{"NoClock", func(sr *rtp.SenderReport, _ *camera) { sr.NTP = 0 }, "x"},
		{"FarFromThePackets", func(sr *rtp.SenderReport, _ *camera) { sr.Time += 11 * 90000 }, "x"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := parseMedia(t, videoLine+audioLine).NewProgramme()
			cam := newCamera()
			feed(t, g, cam.play(30))
			sr := rtp.SenderReport{SSRC: cam.video.ssrc, NTP: rtp.NTP(began.Add(cam.now)), Time: cam.video.time(cam.now)}
			c.change(&sr, cam)
			for _, channel := range []uint8{1, 0} { // RTCP may come on the channel of the packets
				events := []codec.Event{{Channel: channel, At: began.Add(cam.now), Data: rtp.AppendSenderReport(nil, sr)}}
				if got := kinds(feed(t, g, events)); !strings.EqualFold(got, c.want) {
					t.Errorf("channel %d: %s, want %s", channel, got, c.want)
				}
				feed(t, g, cam.play(30))
				sr.Time, sr.NTP = sr.Time+30*3600, sr.NTP+ntpOf(1200*time.Millisecond)
				if c.name == "NoClock" {
					sr.NTP = 0
				}
			}
		})
	}
}

// While viewers wait for a key frame they are sent no reports either.
func TestReportsWaitForAKey(t *testing.T) {
	g := parseMedia(t, videoLine+audioLine).NewProgramme()
	cam := newCamera()
	feed(t, g, cam.play(30))
	g.Splice(parseMedia(t, videoLine+audioLine), time.Second)
	if got := kinds(feed(t, g, append(cam.play(2), cam.reports()...))); strings.Trim(got, "nhx") != "" || !strings.HasSuffix(got, "xx") {
		t.Errorf("got %s", got)
	}
}

// A source that reports seldom is left to it, and one that follows it and does not
// report at all is reported on as any other.
func TestWhoReports(t *testing.T) {
	g := parseMedia(t, videoLine+audioLine).NewProgramme()
	cam := newCamera()
	pieces := feed(t, g, cam.reports())
	for range 5 {
		pieces = append(pieces, feed(t, g, cam.play(25*7))...)
		pieces = append(pieces, feed(t, g, cam.reports())...)
	}
	if n := len(reportsOf(pieces, 0)); n != 6 {
		t.Errorf("%d reports for 6 of the source", n)
	}
	g.Splice(parseMedia(t, videoLine+audioLine), time.Second)
	cam = restarted(cam, 5*time.Second, true, true, true)
	if n := len(reportsOf(feed(t, g, cam.play(25*31)), 0)); n < 6 || n > 7 {
		t.Errorf("%d reports in 31 s of a source without any", n)
	}
}

// Made reports follow the arrival, as far as a source's clock goes too slow or too fast.
func TestMadeReportsFollowTheArrival(t *testing.T) {
	for _, drift := range []time.Duration{-100 * time.Microsecond, 100 * time.Microsecond} { // a second
		g := parseMedia(t, audioLine).NewProgramme()
		a := newCamera().audio
		a.channel = 0
		var off time.Duration
		for i := range 5 * 3600 {
			at := time.Duration(i) * time.Second
			ev := a.packet(at, true, sound)
			ev.At = ev.At.Add(time.Duration(i) * drift)
			for _, f := range feed(t, g, []codec.Event{ev})[0].frames {
				if f.report {
					off = sinceEpoch(f.sr.NTP) - ev.At.Sub(began)
				}
			}
		}
		if off.Abs() > 10*time.Millisecond {
			t.Errorf("drift %v: the newest report is off by %v", drift, off)
		}
	}
}

// A source that reports all the time does not make viewers read, or us copy, more.
func TestReportsAreBounded(t *testing.T) {
	g := parseMedia(t, videoLine+audioLine).NewProgramme()
	cam := newCamera()
	var pieces []piece
	for range 250 {
		pieces = append(pieces, feed(t, g, cam.play(1))...)
		pieces = append(pieces, feed(t, g, cam.reports())...)
	}
	for track := range 2 {
		if n := len(reportsOf(pieces, track)); n < 9 || n > 11 {
			t.Errorf("track %d: %d reports in 10 s", track, n)
		}
	}
}

// A goodbye on one track is the end of that track's source and of nothing else.
func TestByeOnOneTrack(t *testing.T) {
	g := parseMedia(t, videoLine+audioLine).NewProgramme()
	cam := newCamera()
	before := feed(t, g, cam.play(30))
	bye := codec.Event{Channel: 3, At: began.Add(cam.now), Data: rtp.AppendBye(nil, cam.audio.ssrc)}
	if got := kinds(feed(t, g, []codec.Event{bye})); got != "x" {
		t.Errorf("the goodbye is passed on: %s", got)
	}
	next := *cam
	after := feed(t, g, slices.DeleteFunc(next.play(5), func(ev codec.Event) bool { return ev.Channel != 0 }))
	consecutive(t, append(of(before, 0), of(after, 0)...))
	next.audio = cam.audio
	next.audio.ssrc, next.audio.seq, next.audio.offset = 99, 12345, 1<<31
	again := feed(t, g, next.play(30))
	consecutive(t, append(of(before, 1), of(again, 1)...))
	if n := len(of(again, 1)); n != 30 {
		t.Errorf("%d packets of 30 that came back", n)
	}
	if strings.Contains(kinds(again), "n") {
		t.Errorf("pictures wait for the sound: %s", kinds(again))
	}
}

func TestAppendBye(t *testing.T) {
	m := parseMedia(t, videoLine+audioLine)
	for i := range 2 {
		got := m.appendBye([]byte("x"), i)
		want := append([]byte{'x', '$', reportChannel(i), 0, 16}, rtp.AppendBye(nil, m.tracks()[i].ssrc)...)
		if !bytes.Equal(got, want) {
			t.Errorf("%x, want %x", got, want)
		}
	}
}
