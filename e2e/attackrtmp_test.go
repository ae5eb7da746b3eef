//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"testing"

	"streampump/bench/attack"
	"streampump/bench/flvsynth"
	"streampump/bench/rtmpclient"
)

const (
	// healthyRTMP viewers of RTMP are beside the others in scenes of RTMP, every byte of
	// theirs verified.
	healthyRTMP = 25
	// healthyClip is what they watch.
	healthyClip = "clip"
)

// clipwatchers are the healthy viewers over RTMP, and their encoder.
type clipwatchers struct{ *audience }

// clipwatching starts the encoder and its viewers, and returns when all play.
func clipwatching(t *testing.T, g *staged, stream string, count int) *clipwatchers {
	t.Helper()
	p := g.p
	ctx, cancel := context.WithCancel(context.Background())
	w := &clipwatchers{newAudience("RTMP", stream, cancel)}
	t.Cleanup(w.stop)
	client := func(secure bool) *rtmpclient.Client {
		address := p.Addr.String()
		if secure {
			address = g.tlsAddr
		}
		conn := w.dial(t, address)
		if secure {
			conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // the certificate is the test's own
		}
		return &rtmpclient.Client{Conn: rtmpclient.NewConn(conn, patience)}
	}
	e := rtmpclient.NewPublisher(client(false), "streams/"+stream, flvsynth.Plain())
	if err := e.Open(ctx); err != nil {
		t.Fatal(err)
	}
	w.encoder.Go(func() { w.publish(ctx, e) })
	p.awaitUp(stream)
	for i := range count {
		v := rtmpclient.NewViewer(client(g.tls && i < healthyTLS), "streams/"+stream, flvsynth.Plain())
		saw := w.joins()
		v.Seen = func(t flvsynth.Track, _ rtmpclient.Message) { saw(int(t), int(v.Counts().Newest[t])) }
		if err := v.Open(ctx); err != nil {
			t.Fatal(err)
		}
		w.viewers.Go(func() { w.watch(ctx, v) })
	}
	return w
}

// publish sends tags when they are due, and notes when it did.
func (w *clipwatchers) publish(ctx context.Context, e *rtmpclient.Publisher) {
	e.By = func(tag flvsynth.Tag) error {
		track := flvsynth.Video
		if tag.Type == flvsynth.TypeAudio {
			track = flvsynth.Audio
		}
		w.sends(int(track))
		return e.Put(ctx, e.Message(tag))
	}
	if err := e.Pace(ctx, func() bool { return false }); err != nil && ctx.Err() == nil {
		w.fail(fmt.Errorf("the encoder: %w", err))
	}
}

// watch reads until it is over, and wants everything.
func (w *clipwatchers) watch(ctx context.Context, v *rtmpclient.Viewer) {
	err := v.Until(ctx, func(flvsynth.Counts) bool { return w.over.Load() })
	if n := v.Counts(); err == nil && (n.Gaps != [2]int{} || n.Tags[flvsynth.Video] == 0 || !n.Decodes) {
		err = fmt.Errorf("it missed something: %+v", n)
	}
	if err != nil {
		w.fail(fmt.Errorf("a viewer: %w", err))
	}
}

// rtmpScenes are the attacks over RTMP. Each encoder has a stream of its row's name.
func rtmpScenes() []attackScene {
	const clip = "/streams/" + healthyClip
	const small, short = `"backlog": {"bytes": "8MiB"},`, `"timeouts": {"request": "1s", "keep_alive": "1s", "push_idle": "1s", "drain": "1s"},`
	push := func(name string) string { return "/streams/" + name }
	return []attackScene{
		{name: "rtmp-encoders", rtmp: true, tls: true, config: small, memory: 192 << 20, open: 320, rows: []attackRow{
			{name: "rtmp-tiny", push: push("rtmp-tiny"), must: "an encoder over RTMP has a rate for its messages, however small they are, and the log says so", after: tinyTagsHaveARate},
			{name: "rtmp-empty", push: push("rtmp-empty"), must: "messages that say nothing count for that rate as well", after: isSlowedDown("rtmp-empty")},
			{name: "rtmp-chunks", push: push("rtmp-chunks"), must: "chunks may have 2 GB, and no memory is taken for what is only announced"},
			{name: "rtmp-push-pings", push: push("rtmp-push-pings"), must: "an encoder's pings have a rate", after: isSlowedDown("rtmp-push-pings")},
			{name: "rtmp-push-acks", push: push("rtmp-push-acks"), must: "it is acknowledged at a sensible rate, whatever it wants"},
			{name: "rtmp-forged", push: push("rtmp-forged"), must: "message streams mean nothing, an encoder has 64 chunk streams and is refused when it uses more, and its play is not looked at", closes: []string{"push_refused"}},
			{name: "rtmp-partial", push: push("rtmp-partial"), must: "messages that do not end have a bound together, and then the encoder is refused", closes: []string{"push_refused"}},
			{name: "rtmps-partial", kind: overTLS("rtmp-partial"), push: push("rtmps-partial"), must: "so they have over TLS", closes: []string{"push_refused"}},
		}},
		{name: "rtmp-streams", rtmp: true, config: small, memory: 192 << 20, open: 300, rows: []attackRow{
			{name: "rtmp-metadata", push: push("rtmp-metadata"), must: "metadata that changes with each frame is told now and then, and the last of it in the end"},
			{name: "rtmp-amf", push: push("rtmp-amf"), must: "values are read to a depth of 16, and no memory is taken for what is only announced"},
			{name: "rtmp-promises", push: push("rtmp-promises"), must: "what metadata announces is read once, however long it does not come"},
			{name: "rtmp-headers", push: push("rtmp-headers"), must: "an encoder is refused when its headers change too often", closes: []string{"push_refused"}},
			{name: "rtmp-codecs", push: push("rtmp-codecs"), must: "so is one that begins a programme too often", closes: []string{"push_changes"}},
			{name: "rtmp-jumps", push: push("rtmp-jumps"), must: "the stream goes on in its own time, as one programme", after: jumpsAreOneProgramme},
			{name: "rtmp-aggregates", push: push("rtmp-aggregates"), must: "each tag of an aggregate is a message, and has its share of the rate", after: isSlowedDown("rtmp-aggregates")},
			{name: "rtmp-zeros", push: push("rtmp-zeros"), must: "the longest messages stay within the stream's budget, whatever is in them"},
		}},
		{name: "rtmp-publishes", rtmp: true, config: short, memory: 192 << 20, open: 400, rows: []attackRow{
			{name: "rtmp-unfinished", push: push("rtmp-unfinished"), must: "who has not begun a stream has room for 2 MiB of messages", closes: []string{"push_refused"}},
			{name: "rtmp-takeovers", push: push("rtmp-takeovers"), must: "the last encoder has the stream, and each one before it is told so", closes: []string{"push_taken"}},
			{name: "rtmp-silent-publish", push: push("rtmp-silent-publish"), must: "an encoder that has published and sends nothing is closed when its time is up", closes: []string{"push_idle"}},
		}},
		{name: "rtmp-sessions", rtmp: true, tls: true, config: short, memory: 64 << 20, open: 660, rows: []attackRow{
			{name: "rtmp-hello", must: "a handshake alone is no request, and has the time of one", closes: []string{"head_timeout"}},
			{name: "rtmp-slow-hello", must: "so has one that comes byte by byte", closes: []string{"head_timeout"}},
			{name: "rtmp-slow-connect", must: "so has a command", closes: []string{"head_timeout"}},
			{name: "rtmp-left", view: clip, bounds: attack.Bounds{Connections: 100}, must: "a stream that is neither played nor published does not keep its connection", closes: []string{"head_timeout"}, during: anotherViewer},
			{name: "rtmp-calls", must: "a connection has a rate for its calls, and is closed when too many wait", closes: []string{"too_many_requests"}},
			{name: "rtmp-chatter", must: "who has asked for no stream may send little else, and is closed", closes: []string{"bad_request"}},
			{name: "rtmps-hello", kind: overTLS("rtmp-hello"), must: "over TLS as well, a handshake alone has the time of a request", closes: []string{"head_timeout"}},
			{name: "rtmps-chatter", kind: overTLS("rtmp-chatter"), bounds: attack.Bounds{Connections: 5}, must: "who says little over TLS, and much of it, is closed too", closes: []string{"bad_request"}},
			{name: "rtmp-shapes", view: clip, push: push("rtmp-shapes"), must: "what is no message, or no value, is answered as it must be and the connection closed"},
		}},
		{name: "rtmp-viewers", rtmp: true, config: stallsSoon, memory: 64 << 20, open: 1200, rows: []attackRow{
			{name: "rtmp-turns", view: clip, must: "a viewer that pauses and goes on again and again costs no more than as many that join", answers: []string{"Play.Start"}},
			{name: "rtmp-pings", view: clip, must: "a viewer has a rate for its pings, and is closed when it sends more", closes: []string{"too_many_requests"}},
			{name: "rtmp-talks", view: clip, must: "a viewer that sends more than a player has reason to is not read, and closed if it goes on", closes: []string{"viewer_floods"}},
			{name: "rtmp-sips", view: clip, must: "a viewer that takes a byte now and then holds no message of its own"},
			{name: "rtmp-never-reads", view: "/streams/rtmp-never-reads", crowd: true, must: "two hundred viewers that stop in the middle of a message hold nothing of it, and are closed when their time is up", closes: []string{"viewer_stalled"}},
		}},
		{name: "servers", rtmp: true, config: pullsShortly, memory: 192 << 20, open: 300, rows: []attackRow{
			{name: "server-silent", must: "a server that says nothing is given up when its time is up", problem: "did not begin within"},
			{name: "server-slow-hello", must: "a handshake that comes byte by byte has no more time than another", problem: "did not begin within"},
			{name: "server-never-begins", must: "nor has a stream that does not begin", problem: "did not begin within"},
			{name: "server-metadata", must: "metadata alone is no stream", problem: "did not begin within"},
			{name: "server-pings", must: "a server's pings are no packets, whether it takes the answers or not", problem: "no packet"},
			{name: "server-statuses", must: "nor is what it tells of the stream", problem: "did not begin within"},
			{name: "server-redirects", must: "a few of its redirects are followed, and then it is a loop", problem: "redirect"},
			{name: "server-empty", must: "messages that say nothing are passed over at a rate, and are no packets", problem: "did not begin within"},
			{name: "server-partial", must: "messages that do not end have a bound together, and then the server is left", problem: "more messages than there is room for"},
			{name: "server-headers", must: "a server whose headers change too often is left", problem: "too often"},
			{name: "server-aggregates", must: "a server has a rate for its tags too"},
			{name: "server-zeros", must: "a server's longest messages stay within the stream's budget"},
		}},
	}
}

// tinyTagsHaveARate wants the encoder over RTMP to have been held to its rate.
func tinyTagsHaveARate(t *testing.T, p *pump) {
	t.Helper()
	hasARate(t, p, "rtmp-tiny", "encoder")
}

// isSlowedDown wants the log to say that the encoder of a stream was.
func isSlowedDown(path string) func(t *testing.T, p *pump) {
	return func(t *testing.T, p *pump) {
		t.Helper()
		for line := range strings.Lines(p.Log()) {
			if strings.Contains(line, "encoder is slowed down") && strings.Contains(line, "stream="+path+" ") {
				return
			}
		}
		t.Errorf("the log does not say that the encoder of %s is slowed down", path)
	}
}

// jumpsAreOneProgramme wants a source that jumps to have begun no other programme.
func jumpsAreOneProgramme(t *testing.T, p *pump) {
	t.Helper()
	if s := streamOf(p.status(), "rtmp-jumps"); s.Programmes != 1 {
		t.Errorf("%d programmes have begun", s.Programmes)
	}
}
