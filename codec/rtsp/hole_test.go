package rtsp

import (
	"testing"

	"streampump/codec"
)

// Viewers never get a hole that ffmpeg takes for a new sender (RFC 3550, A.1): where one
// from the source is as long, its numbers are closed up.
func TestLongestHole(t *testing.T) {
	for _, c := range []struct{ step, want uint16 }{{2, 2}, {2999, 2999}, {3000, 1}, {3001, 1}} {
		g := parseMedia(t, videoLine).NewProgramme()
		cam := newCamera()
		events := []codec.Event{cam.video.packet(0, true, idrStart)}
		cam.video.seq += c.step - 1
		events = append(events, cam.video.packet(40e6, true, idrStart))
		got := of(feed(t, g, events), 0)
		if len(got) != 2 || got[1].Seq-got[0].Seq != c.want {
			t.Errorf("a step of %d becomes %+v", c.step, got)
		}
	}
}
