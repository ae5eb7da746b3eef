package rtsp

import (
	"slices"
	"testing"
)

// A key frame of which something is lost before its first picture is none to start at,
// whichever way it came; what is lost in front of it is another's.
func TestTornKeyFrames(t *testing.T) {
	for _, c := range []struct {
		name, script string
		lost         []int
		want         string
	}{
		{"Whole", "idr0! aud1 sps1 pps1 idr1 idrend1! p2!", nil, "KhhhK.S"},
		{"SetLost", "idr0! aud1 sps1 pps1 idr1 idrend1! p2!", []int{3}, "KhhS.S"},
		{"BeginningLost", "idr0! aud1 sps1 pps1 idr1 idrend1! p2!", []int{4}, "KhhhSS"},
		{"FirstOfItLost", "idr0! aud1 sps1 pps1 idr1 idrend1! idr2!", []int{1}, "KhhK.K"},
		{"PictureBeforeLost", "idr0! p1! idr2 idrend2!", []int{1}, "KK."},
		{"EndOfTheOneBeforeLost", "idr0! p1 p1! aud2 idr2!", []int{2}, "KShK"},
		{"SetsOfATimeOfTheirOwn", "idr0! sps1! pps1! idr2!", []int{2}, "KhS"},
		{"TheNextIsWhole", "idr0! sps1 pps1 idr1! sps2 pps2 idr2!", []int{2}, "KhShhK"},
	} {
		t.Run(c.name, func(t *testing.T) {
			events := script(t, threeSenders(), c.script)
			for i, at := range c.lost {
				events = slices.Delete(events, at-i, at-i+1)
			}
			if got := kinds(feed(t, parseMedia(t, videoLine).NewProgramme(), events)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
