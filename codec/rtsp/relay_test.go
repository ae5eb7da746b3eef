package rtsp

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"streampump/codec"
	"streampump/codec/rtp"
)

// cameraSDP is what a camera announces that has its tracks in another order than its
// channels.
const cameraSDP = "v=0\ns=x\n" + videoLine + "a=control:trackID=5\n" + audioLine + "a=control:trackID=4\n"

// encode is what an encoder writes whose pictures come on channels 8 and 9 and whose
// sound comes on 0 and 1.
func encode(events []codec.Event) string {
	var b strings.Builder
	b.WriteString(announced("rtsp://h/live", 1, cameraSDP))
	b.WriteString(crlf(ask("SETUP", "rtsp://h/live/trackID=4", 2, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1;mode=record") +
		ask("SETUP", "rtsp://h/live/trackID=5", 3, "Transport: RTP/AVP/TCP;unicast;interleaved=8-9;mode=record") + ask("RECORD", "rtsp://h/live", 4)))
	for _, ev := range events {
		channel := [...]byte{8, 9, 0, 1}[ev.Channel]
		b.WriteString(frame(channel, string(ev.Data)))
	}
	return b.String()
}

// What an encoder pushes comes to viewers by both sessions and the programme between
// them: after the answer to PLAY, for each track that is set up and no other, a report
// first, then packets from a key frame on, all of the source that SETUP told; a goodbye of
// each ends it.
func TestRelay(t *testing.T) {
	c := newCamera()
	events := c.reports()
	events = append(events, c.play(60)...)
	push := wantAnyCut(t, encode(events), openServer)
	if push.headed == nil || len(push.data) != len(events) {
		t.Fatalf("%d of %d packets came: %.500s", len(push.data), len(events), push.events())
	}
	for i := range push.data {
		if want := events[i]; push.data[i].Channel != want.Channel || string(push.data[i].Data) != string(want.Data) {
			t.Fatalf("packet %d is %d:%x, want %d:%x", i, push.data[i].Channel, push.data[i].Data, want.Channel, want.Data)
		}
		push.data[i].At = events[i].At
	}
	g := push.headed.NewProgramme()
	pieces := feed(t, g, push.data)
	for _, set := range [][]int{{0, 1}, {1, 0}, {0}, {1}} {
		t.Run(fmt.Sprint(set), func(t *testing.T) { watch(t, g, pieces, set) })
	}
}

// watch plays the tracks of a set.
func watch(t *testing.T, g codec.Programme, pieces []piece, set []int) {
	h := openServer()
	var form codec.Form
	h.decide = func(ev *codec.Event) codec.Verdict {
		if ev.Kind == codec.Play {
			form = ev.Form
		}
		return codec.Verdict{Session: viewerKey, Media: g.Media()}
	}
	h.feed([]byte(crlf(ask("DESCRIBE", "rtsp://h/live", 1))))
	if !strings.Contains(string(h.out), "a=control:rtsp://h/live/trackID=1\r\n") || !strings.Contains(string(h.out), sprop(spsA, ppsA)) {
		t.Errorf("described as %s", h.out)
	}
	ssrc := map[int]uint32{}
	for i, track := range set {
		was := len(h.out)
		h.feed([]byte(crlf(ask("SETUP", fmt.Sprintf("rtsp://h/live/trackID=%d", track), 2+i, tcp))))
		_, spec, _ := strings.Cut(string(h.out[was:]), ";ssrc=")
		var x uint32
		if _, err := fmt.Sscanf(spec, "%8X", &x); err != nil {
			t.Fatalf("%s", h.out[was:])
		}
		ssrc[track] = x
	}
	h.feed([]byte(crlf(ask("PLAY", "rtsp://h/live/", 9))))
	if h.next != codec.Stream {
		t.Fatalf("%s", h.out)
	}
	from := slices.IndexFunc(pieces, func(p piece) bool { return p.mark.Key })
	out := g.AppendJoin(h.out, form, pieces[from].bytes, 0)
	for _, p := range pieces[from:] {
		if len(p.bytes) == 0 {
			continue
		}
		sent, _ := g.Derive(nil, p.bytes, form, false)
		out = append(out, sent...)
	}
	received(t, h.sess.AppendEnd(out, codec.CauseEnded, ""), ssrc)
}

// received looks at all that a viewer got.
func received(t *testing.T, b []byte, ssrc map[int]uint32) {
	t.Helper()
	in, reported, started, ended := &inlet{}, map[int]bool{}, map[int]bool{}, map[int]bool{}
	in.wanted()
	answers := 0
	for len(b) > 0 {
		n, found, err := in.next(b, 0)
		if err != nil || found != anAnswer && found != aPacket {
			t.Fatalf("%v, %v at %.40q", found, err, b)
		}
		b = b[n:]
		if found == anAnswer {
			if answers++; len(started)+len(reported) > 0 {
				t.Error("an answer comes behind packets")
			}
			continue
		}
		track, p := int(in.channel()/2), in.packets.data
		want, ok := ssrc[track]
		if !ok || answers != len(ssrc)+2 || ended[track] {
			t.Fatalf("a packet on channel %d, after %d answers, ended %v", in.channel(), answers, ended)
		}
		if in.channel()%2 == 1 {
			r, err := rtp.ParseReport(p)
			if err != nil || r.HasSender && r.Sender.SSRC != want || !r.HasSender && !r.Ends(want) {
				t.Errorf("a report %x, %v", p, err)
			}
			reported[track] = true
			ended[track] = r.Bye
			continue
		}
		x, err := rtp.Parse(p)
		if err != nil || x.SSRC != want || !reported[track] {
			t.Errorf("a packet of %08x, want %08x; %v, reported %v", x.SSRC, want, err, reported)
		}
		if track == 0 && !started[0] && string(x.Payload) != string(aud) {
			t.Errorf("the pictures begin with %x", x.Payload)
		}
		started[track] = true
	}
	if len(started) != len(ssrc) || len(ended) != len(ssrc) {
		t.Errorf("started %v, ended %v", started, ended)
	}
	for track := range ssrc {
		if !started[track] || !ended[track] {
			t.Errorf("track %d: started %v, ended %v", track, started[track], ended[track])
		}
	}
}
