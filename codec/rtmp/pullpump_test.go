package rtmp

import (
	"strings"
	"testing"

	"streampump/codec"
)

// Another pump is pulled as it serves its viewers, to the end of the stream.
func TestPullOfAPump(t *testing.T) {
	edge := openPull(func(o *PullOptions) { o.URL = source("origin", "/streams/live?token=T") })
	origin := openServer()
	talk := between(edge, origin)
	talk()
	if origin.next != codec.Stream || !strings.Contains(origin.events(), `Play pump live token="T"`) {
		t.Fatalf("the stream was not asked for: %s", origin.events())
	}
	programme := bothMedia.NewProgramme()
	for n := range uint32(40) {
		ev := packet(typeVideo, 1000+40*n, videoFrame(n%25 == 0, n))
		if n%2 == 1 {
			ev = packet(typeAudio, 1000+40*n, audioFrame(n))
		}
		shared, _, err := programme.Append(nil, &ev)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			shared = append(programme.AppendJoin(nil, codec.Framed, shared, 0), shared...)
		}
		edge.feed(shared)
	}
	origin.out = origin.sess.AppendEnd(origin.out, codec.CauseEnded, "")
	talk()
	events := edge.log[1:]
	if want := "Header " + bothMedia.String(); events[0] != want {
		t.Errorf("%s, want %s", events[0], want)
	}
	if last := events[len(events)-1]; len(events) != 1+40+1 || last != "Finish" {
		t.Errorf("%d events, the last one %s", len(events), last)
	}
	if got, want := events[1], packets(9, 0, string(videoFrame(true, 0))); got != want {
		t.Errorf("began with %s, want %s", got, want)
	}
}

// between is what makes two ends of a connection say to each other all that they have to.
func between(edge *puller, origin *host) func() {
	said, told := 0, 0
	return func() {
		for said < len(edge.out) || told < len(origin.out) {
			b := edge.out[said:]
			said = len(edge.out)
			origin.feed(b)
			b = origin.out[told:]
			told = len(origin.out)
			edge.feed(b)
		}
	}
}

// What a pump refuses is told in its own words.
func TestPullOfAPumpWithout(t *testing.T) {
	for name, want := range map[string]string{
		"nothing": "Bad: the source has no such stream now (NetStream.Play.StreamNotFound)",
		"full":    `Bad: the source answered play with NetStream.Play.Failed: it says "the limit on viewers is reached"`,
		"private": "Bad: the source answered play with NetStream.Play.Failed",
	} {
		edge := openPull(func(o *PullOptions) { o.URL = source("origin", "/streams/"+name) })
		origin := openServer()
		between(edge, origin)()
		if got := edge.log[len(edge.log)-1]; !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
