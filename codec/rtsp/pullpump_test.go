package rtsp

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"streampump/codec"
)

// Another pump is pulled as it serves its viewers, to the end of the stream.
func TestPullOfAPump(t *testing.T) {
	edge := openPull(func(o *PullOptions) { o.URL = source("origin", 0, "/live") })
	origin := openServer()
	said, told := 0, 0
	talk := func() {
		for said < len(edge.out) || told < len(origin.out) {
			b := edge.out[said:]
			said = len(edge.out)
			origin.feed(b)
			b = origin.out[told:]
			told = len(origin.out)
			edge.feed(b)
		}
	}
	talk()
	if origin.next != codec.Stream {
		t.Fatalf("the stream was not asked for: %s\n%s", origin.events(), edge.out)
	}
	programme := bothMedia.NewProgramme()
	picture := "\x80\xE0\x00\x02\x00\x00\x00\x00\xC0\xFF\xEE\x01\x65\x88\x84"
	for _, b := range []string{rtpOf(1), picture, "\x80\x61\x00\x01\x00\x00\x00\x00\xC0\xFF\xEE\x02\x00\x10\x03\x20sound"} {
		packet := []byte(b)
		ev := codec.Event{Kind: codec.Packet, Data: packet, Channel: 2 * (packet[1] & 1), Anywhere: true}
		shared, _, err := programme.Append(nil, &ev)
		if err != nil && !errors.Is(err, codec.ErrHeld) {
			t.Fatal(err)
		}
		edge.feed(shared)
	}
	edge.out, _ = edge.sess.(*pull).Tick(edge.out, 3600e9)
	talk()
	origin.out = origin.sess.AppendEnd(origin.out, codec.CauseEnded, "")
	talk()
	got := edge.notable()
	for _, want := range []string{"Header; ", "Packet 0:", "Packet 2:", "; Finish"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q: %s", want, got)
		}
	}
	if strings.Contains(got, "Bad") || strings.Count(string(edge.out), "TEARDOWN") != 1 {
		t.Errorf("%s\nsaid %q", got, edge.out)
	}
	if m := fmt.Sprint(edge.sess.(*pull).from.media); m != bothMedia.String() {
		t.Errorf("pulled %s, want %s", m, bothMedia)
	}
}
