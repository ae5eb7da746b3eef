package rtsp

import (
	"errors"
	"fmt"
	"time"

	"streampump/codec"
	"streampump/codec/rtp"
)

const (
	// reportInterval is how often a track is reported on of which the source says
	// nothing. Players compute with the difference to the last report, which has 32 bits.
	reportInterval = 5 * time.Second
	// minInterval is how often a source's reports are passed on at most: who joins gets
	// a copy of each.
	minInterval = time.Second
	// reportPatience is how long a source that reports may be silent before we do so
	// for it.
	reportPatience = 15 * time.Second
	// maxSkew is how far the reports of a source's tracks may be apart, as seen from
	// when their packets arrive. Some cameras set only one of their clocks.
	maxSkew = 10 * time.Second
	// maxNTPStep is how far a source's time of day may be from where its timestamps
	// lead, from one report to the next. It is further where the source's clock is set.
	maxNTPStep = 500 * time.Millisecond
)

var (
	errSkew    = errors.New("the source's sender reports contradict one another: by them, tracks that come together are more than 10 s apart. Viewers get reports made of when packets arrive instead")
	errReport  = fmt.Errorf("%w: a report cannot be read", codec.ErrSkip)
	errReports = fmt.Errorf("%w: a report that says nothing of this track", codec.ErrSkip)
)

// clocks is the source's time of day, as its tracks report it, on our line of it. That
// goes on evenly, because players take what it says for the distance in time between
// two reports: where the source's clock is set, or another source follows, it is shifted.
type clocks struct {
	known bool   // shift is known
	shift uint64 // what is added to the source's NTP times
	wrong bool   // its tracks contradict one another
}

// reportState is what is known of a track's time of day.
type reportState struct {
	pending rtp.SenderReport // one that came before the packets that it is about
	waits   bool             // there is one

	known   bool   // line and ntp are of one moment
	line    int64  // on the track's line
	ntp     uint64 // on our line of NTP times
	sourced bool   // they are from the present source's own report

	sent bool
	at   time.Duration // when the newest went out
}

// forget forgets what the present source said. What went out stays true.
func (r *reportState) forget() { r.waits, r.sourced = false, false }

// due reports whether a report has to go out in front of a packet.
func (r *reportState) due(at time.Duration) bool {
	wait := reportInterval
	if r.sourced {
		wait = reportPatience
	}
	return !r.sent || at-r.at >= wait
}

// report handles a compound RTCP packet of the source. Its sender report goes out at
// once, in our numbers, unless no packet of the track has yet. What else there is concerns
// the source's connection only. The end of one track leaves the others as they are, and is
// not passed on: ffmpeg counts goodbyes, whomever they are from, and the source may come
// back.
func (g *programme) report(dst []byte, t *trackState, data []byte, at time.Duration) ([]byte, codec.Mark, error) {
	r, err := rtp.ParseReport(data)
	if err != nil && !r.HasSender {
		return dst, codec.Mark{}, errReport
	}
	if t.known && r.Ends(t.theirs) {
		t.known = false // what comes on this track is another's
	}
	if !r.HasSender || r.Sender.NTP == 0 { // a sender without a clock: RFC 3550 6.4.1
		return dst, codec.Mark{}, errReports
	}
	if !t.known {
		t.report.pending, t.report.waits = r.Sender, true
		return dst, codec.Mark{}, errReports
	}
	note, ok := g.believe(t, &r.Sender, at)
	if !ok || !t.sent || t.waiting || g.waiting || at-t.report.at < minInterval {
		return dst, codec.Mark{Note: note}, errReports
	}
	start := len(dst)
	dst = g.appendReport(dst, t, at)
	return dst, codec.Mark{
		Key: g.lead == none, Start: g.lead == none || !g.inside(), Most: len(dst) - start, SendTime: at, Note: note,
	}, nil
}

// believe takes a report of the source for the track's time of day. ok is false if it
// cannot be.
func (g *programme) believe(t *trackState, r *rtp.SenderReport, at time.Duration) (note error, ok bool) {
	c := &t.timing
	line := c.after(r.Time)
	if r.SSRC != t.theirs || g.clocks.wrong || c.span(line-c.expected(at)).Abs() > maxSkew {
		return nil, false
	}
	if !g.anchored {
		g.anchored, g.epoch = true, r.NTP-g.arrival(t, line)
		g.clocks.known = true
	}
	if !g.clocks.known {
		g.clocks.known, g.clocks.shift = true, g.timeOf(t, line)-r.NTP
	}
	ntp := r.NTP + g.clocks.shift
	switch {
	case t.report.sourced && apart(ntp, g.timeOf(t, line)) > maxNTPStep:
		g.clocks.shift = g.timeOf(t, line) - r.NTP
		ntp = r.NTP + g.clocks.shift
	case !t.report.sourced && apart(ntp, g.arrival(t, line)) > maxSkew:
		g.distrust()
		return g.once(notedSkew, errSkew), false
	}
	t.report.known, t.report.sourced = true, true
	t.report.line, t.report.ntp = line, ntp
	return nil, true
}

// distrust leaves the reports of the present source aside.
func (g *programme) distrust() {
	g.clocks.wrong = true
	for i := range g.tracks {
		g.tracks[i].report.sourced = false
	}
}

// apart is how far two NTP times are apart.
func apart(a, b uint64) time.Duration {
	d := int64(a - b)
	if d < 0 {
		d = -d
	}
	if d < 0 {
		return 1<<63 - 1
	}
	return time.Duration(d>>32)*time.Second + time.Duration((d&(1<<32-1))*int64(time.Second)>>32)
}

// arrival is the NTP time of a place on the track's line by the arrival of the most
// timely packet.
func (g *programme) arrival(t *trackState, line int64) uint64 {
	at := t.timing.ref.at
	return g.epoch + ntpOf(at) + t.timing.ntp(line-t.timing.ref.line)
}

// ntpOf is a time as NTP time, in 1/2^32 s.
func ntpOf(d time.Duration) uint64 {
	return uint64(d/time.Second)<<32 + uint64(d%time.Second)<<32/uint64(time.Second)
}

// timeOf is the NTP time of a place on the track's line: as the last report has it, or
// by arrival.
func (g *programme) timeOf(t *trackState, line int64) uint64 {
	if !t.report.known {
		return g.arrival(t, line)
	}
	return t.report.ntp + t.timing.ntp(line-t.report.line)
}

// reported is where a timestamp lies by the report that came before it, as the reports
// of the same source's other tracks have been placed.
func (g *programme) reported(t *trackState, ts uint32) (line int64, ok bool) {
	r, c := &t.report.pending, &t.timing
	if !t.report.waits || r.SSRC != t.theirs || !g.clocks.known || g.clocks.wrong {
		return 0, false
	}
	line = c.line
	ntp := r.NTP + c.ntp(int64(int32(ts-r.Time))) + g.clocks.shift
	ahead := int64(ntp - g.timeOf(t, line))
	return line + ahead>>32*c.clock + (ahead&(1<<32-1))*c.clock>>32, true
}

// appendMade appends a report where the source has sent none: where the last one of its
// own leads, or else of when packets arrive.
func (g *programme) appendMade(dst []byte, t *trackState, at time.Duration) []byte {
	if !g.anchored {
		g.anchored, g.epoch = true, rtp.NTP(g.base)
	}
	r := &t.report
	line, ntp := t.timing.line, uint64(0)
	if r.sourced {
		ntp = g.timeOf(t, line)
	} else {
		ntp = g.arrival(t, line)
	}
	r.known, r.line, r.ntp = true, line, ntp
	return g.appendReport(dst, t, at)
}

// appendReport appends what is known of the track's time of day as a report in a frame,
// and keeps it for those who join.
func (g *programme) appendReport(dst []byte, t *trackState, at time.Duration) []byte {
	r := &t.report
	r.sent, r.at = true, at
	sr := rtp.SenderReport{SSRC: t.ssrc, NTP: r.ntp, Time: uint32(r.line), Packets: t.packets, Octets: t.octets}
	g.keepReport(t.index, sr)
	return appendReportFrame(dst, t.index, sr)
}

func appendReportFrame(dst []byte, track int, sr rtp.SenderReport) []byte {
	start := len(dst)
	dst = rtp.AppendSenderReport(appendFrame(dst, reportChannel(track), nil), sr)
	setFrame(dst[start:])
	return dst
}

// keepReport makes a report the one that joining viewers get. It is one allocation
// every few seconds: readers hold the old ones.
func (g *programme) keepReport(track int, sr rtp.SenderReport) {
	kept := make([]rtp.SenderReport, len(g.tracks))
	if old := g.joins.Load(); old != nil {
		copy(kept, *old)
	}
	kept[track] = sr
	g.joins.Store(&kept)
}
