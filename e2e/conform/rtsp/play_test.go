package rtsp

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"streampump/bench/rtpsynth"
	"streampump/bench/rtspclient"
)

// playRows are about what viewers get.
func playRows() []row {
	return []row{
		{30, "AnswerFirst", "the answer to PLAY comes before every packet", "ffmpeg", steady, answerFirst},
		{31, "KeyFirst", "the pictures begin with a key frame, wherever a viewer joins", "viewers", steady, keyFirst},
		{32, "ReportFirst", "a report of each track comes before its first packet", "ffmpeg", steady, reportFirst},
		{33, "ReportsFit", "reports name the SSRC of the packets, and their times are on one line with them, for all tracks", "RFC 3550, 6.4.1", steady, reportsFit},
		{34, "RTPInfo", "RTP-Info is absent, or names the first packet of each track", "RFC 2326, 12.33; GStreamer", steady, rtpInfo},
		{35, "SharedBytes", "packets are the same for all viewers, whenever they joined", "many viewers", steady, sharedBytes},
		{36, "OneTrack", "of the tracks only those come that were set up", "RFC 2326, 10.4", steady, oneTrack},
		{37, "KeepAlives", "OPTIONS, GET_PARAMETER and SET_PARAMETER get 200 between packets", "ffmpeg, ONVIF", steady, keepAlives},
		{38, "ViewerPackets", "what a viewer sends as packets is passed over", "VLC, GStreamer", steady, viewerPackets},
		{39, "SilentViewer", "a viewer that never says anything goes on watching", "VLC, GStreamer", hasty, silentViewer},
		{40, "Paused", "PAUSE stops the packets, PLAY goes on at a key frame, and a second PLAY changes nothing", "RFC 2326, 10.6", steady, paused},
		{43, "Stalled", "a viewer that does not read delays nobody, and goes on at a key frame behind a whole picture", "viewers", steady, stalled},
		{45, "LargePackets", "packets of 10,000 bytes come whole", "cameras", steady, largePackets},
		{46, "Dressed", "header extensions, sources and padding stay", "ONVIF", steady, dressed},
		{47, "Wraps", "sequence numbers and times that begin again from zero in mid-stream leave no hole", "RFC 3550, 5.1", steady, wraps},
		{0, "SoundFirst", "a source whose first track is sound is played as well", "GStreamer", steady, soundFirst},
		{0, "SoundAlone", "a source of sound alone is played from wherever it is", "radio", steady, soundAlone},
		{0, "NoKeyFrameYet", "a joiner without a key frame to start at starts anywhere in the end", "intra refresh", keyless, noKeyFrameYet},
		{0, "Unmarked", "a source that marks no picture's end is played as well", "cameras", steady, unmarked},
	}
}

// leaveRows are about how viewers leave.
func leaveRows() []row {
	return []row{
		{41, "Leaves", "TEARDOWN gets 200 and the connection's end; no packet comes behind the 200, and the viewer is gone at once", "RFC 2326, 10.7", steady, leaves},
		{42, "Reset", "a reset in place of a close is nothing to warn of", "GStreamer", steady, reset},
	}
}

func answerFirst(k *kit) {
	e := k.push(rtpsynth.Plain())
	for range 5 {
		v := k.view(rtpsynth.Plain()) // a packet before an answer fails
		e.send(few)
		v.packets(1)
	}
}

func keyFirst(k *kit) {
	s := rtpsynth.Plain()
	e := k.push(s)
	for range 12 {
		e.send(17)
		k.view(s).whole(e) // judged from its first packet on
	}
}

func reportFirst(k *kit) {
	e := k.push(rtpsynth.Plain())
	v := k.view(rtpsynth.Plain())
	c := v.whole(e)
	// Those of the source come too, though not more of them than are of use.
	k.await("reports of the source", func() bool {
		k.check(e.Reports(k.ctx))
		e.send(few)
		more := v.whole(e)
		return more.Reports[rtpsynth.Video] > c.Reports[rtpsynth.Video] && more.Reports[rtpsynth.Audio] > c.Reports[rtpsynth.Audio]
	})
}

func reportsFit(k *kit) {
	s := rtpsynth.Plain()
	e := k.push(s)
	e.send(many)
	k.check(e.Reports(k.ctx))
	e.send(few)
	early := k.view(s)
	early.whole(e)
	e.send(many)
	k.check(e.Reports(k.ctx))
	e.send(many)
	late := k.view(s)
	for _, v := range []*viewer{early, late} {
		v.whole(e)
		for _, t := range s.Tracks {
			at, ok := v.ZeroClock(t)
			k.want(ok && at.Sub(s.Clock).Abs() <= rtpsynth.Picture, "by its reports track %d began at %v, and it did at %v", t, at, s.Clock)
		}
	}
}

func rtpInfo(k *kit) {
	k.push(rtpsynth.Plain())
	v := k.viewer(rtpsynth.Plain())
	k.check(v.Describe(k.ctx))
	for i := range v.Media {
		k.check(v.Setup(k.ctx, i))
	}
	h, _, err := v.Ask(k.ctx, "PLAY", v.Base, "")
	k.check(err)
	v.packets(1)
	info := h.Get("RTP-Info")
	seq, time := v.Newest(rtpsynth.Video)
	k.want(info == "" || strings.Contains(info, fmt.Sprintf("seq=%d", seq)) && strings.Contains(info, fmt.Sprintf("rtptime=%d", time)),
		"RTP-Info is %q, and the first packet has %d and %d", info, seq, time)
}

func sharedBytes(k *kit) {
	s := rtpsynth.Plain()
	e := k.push(s)
	first := k.recorder(s)
	e.send(3 * many)
	second := k.recorder(s)
	e.send(few)
	first.reaches(e)
	second.reaches(e)
	compared := 0
	for n, packet := range second.all {
		k.want(bytes.Equal(packet, first.all[n]), "%s is % x for one viewer and % x for another", n, packet[:12], first.all[n][:min(12, len(first.all[n]))])
		compared++
	}
	k.want(compared >= few, "%d packets were compared", compared)
}

// recorder is a viewer that keeps its packets, by track and number.
type recorder struct {
	*viewer
	all map[string][]byte
}

func (k *kit) recorder(s rtpsynth.Spec) *recorder {
	k.Helper()
	r := &recorder{k.view(s), map[string][]byte{}}
	r.Seen = func(t rtpsynth.Track, packet []byte) {
		r.all[fmt.Sprintf("packet %d of track %d", r.Counts().Newest[t], t)] = bytes.Clone(packet)
	}
	return r
}

func oneTrack(k *kit) {
	s := rtpsynth.Plain()
	e := k.push(s)
	for i, kind := range []string{"video", "audio"} {
		v := k.viewer(s)
		v.Wants = func(m rtspclient.Media) bool { return m.Kind == kind }
		k.check(v.Open(k.ctx))
		e.send(many)
		c := v.whole(e) // packets of the other track would be on channels that are not set up
		k.want(c.Packets[1-i] == 0, "%+v", c)
	}
}

func keepAlives(k *kit) {
	s := rtpsynth.Plain()
	e := k.push(s)
	v := k.view(s)
	for i, method := range []string{"OPTIONS", "GET_PARAMETER", "SET_PARAMETER", "GET_PARAMETER"} {
		body := ""
		if i == 3 {
			body = "packets_received\r\n"
		}
		e.send(few)
		h, _, err := v.Ask(k.ctx, method, v.Base, body)
		k.check(err)
		id, _, _ := strings.Cut(h.Get("Session"), ";")
		k.want(id == v.Session || method == "OPTIONS" && id == "", "the answer to %s has Session %q", method, h.Get("Session"))
	}
	e.send(few)
	v.whole(e)
}

func viewerPackets(k *kit) {
	s := rtpsynth.Plain()
	e := k.push(s)
	v := k.view(s)
	report := []byte{0x81, 201, 0, 7, 1, 2, 3, 4, 0x4c, 0x82, 0x3e, 0xbc, 0xff, 0xff, 0xff, 0xff, 0, 1, 0x25, 0xf8, 0, 0, 0, 0xc9, 0, 0, 0, 0, 0, 0, 0, 0}
	for _, frame := range [][]byte{
		rtspclient.AppendFrame(nil, 1, report),
		rtspclient.AppendFrame(nil, 3, []byte{0x81, 203, 0, 1, 1, 2, 3, 4}),
		rtspclient.AppendFrame(nil, 0, []byte{0x80, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 9}),
		rtspclient.AppendFrame(nil, 200, nil),
		rtspclient.AppendFrame(nil, 1, bytes.Repeat([]byte{0xFF}, 65_535)),
	} {
		k.check(v.Conn.Send(k.ctx, frame))
		e.send(few)
	}
	_, _, err := v.Ask(k.ctx, "GET_PARAMETER", v.Base, "")
	k.check(err)
	v.whole(e)
}

func silentViewer(k *kit) {
	s := rtpsynth.Plain()
	e := k.encoder(s)
	k.check(e.Publish(k.ctx))
	k.check(e.Reports(k.ctx))
	// The encoder must not be silent either, on this pump.
	k.check(e.Send(k.ctx, few))
	k.source("up")
	v := k.view(s)
	began := time.Now()
	k.check(e.Pace(k.ctx, func() bool { return time.Since(began) > 10*100*time.Millisecond })) // ten times every timer
	e.send(1)
	v.whole(e)
}

func paused(k *kit) {
	s := rtpsynth.Plain()
	e := k.push(s)
	v := k.view(s)
	v.whole(e)
	_, _, err := v.Ask(k.ctx, "PLAY", v.Base, "")
	k.check(err)
	e.send(few)
	v.whole(e)
	_, _, err = v.Ask(k.ctx, "PAUSE", v.Base, "")
	k.check(err)
	before := v.Counts()
	k.viewers(0)
	e.send(many)
	// What is asked now is answered with no packet in front.
	v.Frames(func(channel byte, _ []byte) error {
		return fmt.Errorf("a packet on channel %d comes during a pause", channel)
	})
	_, _, err = v.Ask(k.ctx, "GET_PARAMETER", v.Base, "")
	k.check(err)
	k.check(v.Play(k.ctx))
	e.send(few)
	v.Resume()
	c := v.reaches(e) // behind the hole comes a key frame, or it fails
	k.want(c.Gaps[rtpsynth.Video] == before.Gaps[rtpsynth.Video]+1, "%+v", c)
}

func stalled(k *kit) {
	s := rtpsynth.Plain()
	s.Size, s.Parts = 1300, 12
	e := k.push(s)
	small := &net.Dialer{Timeout: patience, Control: func(_, _ string, c syscall.RawConn) (err error) {
		const size = 16 << 10
		_ = c.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, size) })
		return err
	}}
	stalled := &viewer{rtspclient.NewViewer(&rtspclient.Client{Conn: k.dialWith(small)}, k.url(), s), k}
	k.check(stalled.Open(k.ctx))
	stalled.packets(1)
	healthy := k.view(s)
	for range 40 { // some ten megabytes, of which the backlog keeps less than two
		e.send(many)
		healthy.whole(e)
	}
	c := stalled.reaches(e) // behind each hole comes a key frame, or it fails
	k.want(c.Gaps[rtpsynth.Video] > 0, "the stalled viewer missed nothing: %+v", c)
	k.want(c.Cut == 0, "pictures were cut: %+v", c)
}

func largePackets(k *kit) {
	s := rtpsynth.Plain()
	s.Size = 10_000
	e := k.push(s)
	v := k.view(s)
	e.send(many)
	v.whole(e)
}

func dressed(k *kit) {
	s := rtpsynth.Plain()
	s.Dressed = true
	e := k.push(s)
	v := k.view(s)
	e.send(many)
	v.whole(e)
}

func wraps(k *kit) {
	s := rtpsynth.Plain()
	e := k.push(s)
	v := k.view(s)
	e.send(3 * many)
	v.whole(e)
	for _, t := range s.Tracks {
		seq, time := s.At(t, e.Sent(t))
		k.want(seq < s.Seq[t] && time < s.Time[t], "the source's track %d is at %d and %d and began at %d and %d", t, seq, time, s.Seq[t], s.Time[t])
	}
}

func soundFirst(k *kit) {
	s := rtpsynth.Plain()
	s.Tracks = []rtpsynth.Track{rtpsynth.Audio, rtpsynth.Video}
	e := k.push(s)
	v := k.view(s)
	k.want(v.Media[0].Kind == "audio", "the first track is %+v", v.Media[0])
	e.send(many)
	v.whole(e)
}

func soundAlone(k *kit) {
	s := rtpsynth.Plain()
	s.Tracks = []rtpsynth.Track{rtpsynth.Audio}
	e := k.push(s)
	v := k.view(s)
	e.send(many)
	v.whole(e)
	k.view(s).reaches(e)
}

func noKeyFrameYet(k *kit) {
	s := rtpsynth.Plain()
	s.GOP = 1 << 20
	e := k.encoder(s)
	k.check(e.Publish(k.ctx))
	k.check(e.Reports(k.ctx))
	e.Skip(rtpsynth.Video, s.Parts+2) // what has the only key frame is lost
	v := k.viewer(s)
	v.Headless = true
	k.await("a viewer is let in", func() bool {
		e.send(few)
		return k.stream().State == "up"
	})
	k.check(v.Open(k.ctx))
	k.await("the viewer gets a packet", func() bool {
		e.send(few)
		_, _, err := v.Ask(k.ctx, "GET_PARAMETER", v.Base, "")
		k.check(err)
		return v.Counts().All() > 0
	})
	v.reaches(e)
}

func unmarked(k *kit) {
	s := rtpsynth.Plain()
	s.Unmarked = true
	e := k.push(s)
	for range 3 {
		e.send(many)
		k.view(s).whole(e)
	}
}

func leaves(k *kit) {
	s := rtpsynth.Plain()
	e := k.push(s)
	v := k.view(s)
	v.packets(1)
	k.viewers(1)
	e.send(few)
	_, _, err := v.Ask(k.ctx, "TEARDOWN", v.Base, "")
	k.check(err)
	k.gone(v.Conn)
	k.viewers(0)
}

func reset(k *kit) {
	s := rtpsynth.Plain()
	e := k.push(s)
	v := k.view(s)
	v.packets(1)
	_, _, err := v.Ask(k.ctx, "TEARDOWN", v.Base, "")
	k.check(err)
	k.want(v.Conn.Conn.(*net.TCPConn).SetLinger(0) == nil && v.Close() == nil, "the connection cannot be reset")
	w := k.view(s)
	w.packets(1)
	k.want(w.Conn.Conn.(*net.TCPConn).SetLinger(0) == nil && w.Close() == nil, "the connection cannot be reset")
	k.viewers(0)
	e.send(few)
	for _, level := range []string{"level=WARN", "level=ERROR"} {
		lines := k.log(level, k.tag())
		k.want(len(lines) == 0, "the log says %q", lines)
	}
}
