//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"streampump/bench/rtpsynth"
	"streampump/bench/rtspclient"
)

const (
	// healthyRTSP viewers of RTSP are beside the others in scenes of RTSP, every byte of
	// theirs verified.
	healthyRTSP = 25
	// healthyUDP of them have their packets by UDP where a scene has that, and healthyTLS
	// watch over TLS where it has that.
	healthyUDP = 10
	healthyTLS = 10
	// healthyStream is what they watch.
	healthyStream = "film"
	// besideCrowd viewers watch what a crowd of attackers does, and are verified too. They
	// are part of that crowd, and their packets may be held as a crowd's are.
	besideCrowd = 5
	crowdHeld   = 100 // ms: the default of fanout.latency_budget, and some
)

// pullsShortly has pulls give up soon, and try again soon.
const pullsShortly = `"timeouts": {"pull_connect": "1s", "pull_silence": "1s", "pull_first_retry": "100ms", "pull_retry": "100ms", "pull_retry_jitter": 0, "pull_hold": "1s"},`

// filmgoers are the healthy viewers over RTSP, and their encoder.
type filmgoers struct {
	*audience
	apart []*rtspViewer // whose packets come by UDP
}

// filmgoing starts the encoder and its viewers, and returns when all play.
func filmgoing(t *testing.T, g *staged, stream string, count int) *filmgoers {
	t.Helper()
	p := g.p
	ctx, cancel := context.WithCancel(context.Background())
	f := &filmgoers{audience: newAudience("RTSP", stream, cancel)}
	f.leave = f.leaveUDP
	t.Cleanup(f.stop)
	c := rtspclient.NewConn(f.dial(t, p.Addr.String()), patience)
	e := rtspclient.NewPublisher(&rtspclient.Client{Conn: c}, f.url(p), rtpsynth.Plain())
	if err := e.Publish(ctx); err != nil {
		t.Fatal(err)
	}
	f.encoder.Go(func() { f.publish(ctx, e) })
	p.awaitUp(stream)
	for i := range count {
		if g.udp && i < healthyUDP {
			f.watchUDP(t, p)
			continue
		}
		address := p.Addr.String()
		if g.tls && i < healthyTLS {
			address = g.tlsAddr
		}
		conn := f.dial(t, address)
		if address == g.tlsAddr {
			conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // the certificate is the test's own
		}
		v := rtspclient.NewViewer(&rtspclient.Client{Conn: rtspclient.NewConn(conn, patience)}, f.url(p), rtpsynth.Plain())
		v.Seen = f.sees(v.Counts)
		if err := v.Open(ctx); err != nil {
			t.Fatal(err)
		}
		f.viewers.Go(func() { f.watch(ctx, v) })
	}
	return f
}

func (f *filmgoers) url(p *pump) string { return fmt.Sprintf("rtsp://%s/%s", p.Addr, f.stream) }

// watchUDP begins to watch by UDP.
func (f *filmgoers) watchUDP(t *testing.T, p *pump) {
	t.Helper()
	v := newRTSPViewer(t, f.dial(t, p.Addr.String()), f.url(p), rtpsynth.Plain())
	v.Seen = f.sees(v.Viewer.Counts)
	v.start(true)
	f.apart = append(f.apart, v)
}

// leaveUDP ends those who watch by UDP, who want everything too.
func (f *filmgoers) leaveUDP() {
	for _, v := range f.apart {
		v.mu.Lock()
		err, n := v.err, v.counts
		v.mu.Unlock()
		if err == nil && (n.Gaps != [2]int{} || n.Packets[0] == 0) {
			err = fmt.Errorf("it missed something: %+v", n)
		}
		if err != nil {
			f.fail(fmt.Errorf("a viewer by UDP: %w", err))
		}
		v.leave()
	}
}

// publish sends packets when they are due, and notes when it did.
func (f *filmgoers) publish(ctx context.Context, e *rtspclient.Publisher) {
	began := time.Now()
	for ctx.Err() == nil {
		x := e.Next()
		select {
		case <-time.After(time.Until(began.Add(x.Due))):
		case <-ctx.Done():
			return
		}
		f.sends(int(e.Last()))
		if err := e.Put(ctx, x); err != nil && ctx.Err() == nil {
			f.fail(fmt.Errorf("the encoder: %w", err))
			return
		}
	}
}

// sees has a viewer note what it gets.
func (f *filmgoers) sees(counts func() rtpsynth.Counts) func(rtpsynth.Track, []byte) {
	saw := f.joins()
	return func(t rtpsynth.Track, _ []byte) { saw(int(t), int(counts().Newest[t])) }
}

// watch reads until it is over, and wants everything.
func (f *filmgoers) watch(ctx context.Context, v *rtspclient.Viewer) {
	err := v.Until(ctx, func(rtpsynth.Counts) bool { return f.over.Load() })
	if n := v.Counts(); err == nil && (n.Gaps != [2]int{} || n.Packets[0] == 0) {
		err = fmt.Errorf("it missed something: %+v", n)
	}
	if err != nil {
		f.fail(fmt.Errorf("a viewer: %w", err))
	}
}

// rtspScenes are the attacks over RTSP. Each encoder has a stream of its row's name.
func rtspScenes() []attackScene {
	const film = "/" + healthyStream
	const small, short = `"backlog": {"bytes": "8MiB"},`, `"timeouts": {"request": "1s", "keep_alive": "1s", "drain": "1s"},`
	return []attackScene{
		{name: "rtsp-encoders", rtsp: true, config: small, memory: 96 << 20, open: 260, rows: []attackRow{
			{name: "rtsp-frames", push: "/rtsp-frames", must: "frames are passed over, carried or left out, whatever their length"},
			{name: "rtsp-jumps", push: "/rtsp-jumps", must: "the stream goes on in its own numbers and times, as one programme", after: oneProgramme},
			{name: "rtsp-sets", push: "/rtsp-sets", must: "the description is made anew once a second at most", during: fewVersions},
			{name: "rtsp-leads", push: "/rtsp-leads", must: "what is held for a picture has a bound"},
			{name: "rtsp-reports", push: "/rtsp-reports", must: "one report a second goes on to viewers"},
		}},
		{name: "rtsp-tiny", rtsp: true, config: small, memory: 48 << 20, open: 260, rows: []attackRow{
			{name: "rtsp-tiny", push: "/rtsp-tiny", must: "the stream's backlog stays within its budget, however small its packets are"},
			{name: "rtsp-halves", view: "/rtsp-tiny", must: "what half of a stream leaves out is looked at once, and not by each of its viewers"},
			{name: "rtsp-long-units", push: "/rtsp-long-units", must: "so it does where a picture hardly ends"},
		}},
		{name: "rtsp-sessions", rtsp: true, udp: true, config: small, memory: 128 << 20, open: 1300, rows: []attackRow{
			{name: "rtsp-takeovers", push: "/rtsp-takeovers", must: "the last encoder has the stream, and those who begin programmes too often are refused", closes: []string{"push_taken", "push_changes"}},
			{name: "rtsp-foreign", push: film, must: "an encoder takes no stream over with packets that it has not announced, and is told so", after: filmIsFedByOne},
			{name: "rtsp-shapes", view: film, push: "/rtsp-shapes", must: "what is no request over RTSP, or could be one of HTTP, is answered as it must be and the connection closed"},
			{name: "rtsp-udp-shapes", view: film, must: "ports below 1024, multicast and what is no port are answered 461, and addresses are passed over"},
			{name: "rtsp-announces", push: "/rtsp-announces", must: "a description has a bound, and what is kept of all of them is given back with their connections"},
		}},
		{name: "rtsp-viewers", rtsp: true, config: stallsSoon, memory: 48 << 20, open: 560, rows: []attackRow{
			{name: "rtsp-turns", view: film, must: "a viewer that stops and begins again and again costs no more than as many that join", closes: []string{"viewer_stopped"}},
			{name: "rtsp-asks", view: film, must: "a viewer has a rate for its requests, and is closed when it asks more", closes: []string{"too_many_requests"}},
			{name: "rtsp-talks", view: "/rtsp-talks", crowd: true, must: "packets and reports of a viewer are read and forgotten"},
			{name: "rtsp-sips", view: film, must: "a viewer that takes a byte now and then holds no picture of its own"},
		}},
		{name: "rtsp-never-reads", rtsp: true, config: stallsSoon, memory: 24 << 20, open: 2460, rows: []attackRow{
			{name: "rtsp-never-reads", view: "/rtsp-never-reads", crowd: true, must: "a thousand viewers that stop in the middle of a picture hold nothing of it, and are closed when their time is up", closes: []string{"viewer_stalled"}},
		}},
		{name: "rtsp-left", rtsp: true, config: `"limits": {"connections": 450},`, memory: 32 << 20, open: 660, rows: []attackRow{
			{name: "rtsp-left", view: film, must: "an address has so many sessions that do not play, the oldest makes room, and a viewer from elsewhere is let in", closes: []string{"too_many_idle"}, during: anotherViewer},
		}},
		{name: "rtsp-slow", rtsp: true, config: short, memory: 24 << 20, open: 460, rows: []attackRow{
			{name: "rtsp-slow-line", must: "a first line that may be of two protocols has the time of one", closes: []string{"head_timeout"}},
			{name: "rtsp-slow-fields", view: film, must: "fields over RTSP have the time of a request", answers: []string{"408"}},
			{name: "rtsp-slow-body", push: "/rtsp-slow-body", must: "so has a description", answers: []string{"408"}},
		}},
		{name: "rtsp-guesses", rtsp: true, evil: accessRules(), memory: 96 << 20, open: 360, rows: []attackRow{
			{name: "rtsp-guesses", view: "/rtsp-guesses", must: "guesses are slowed by address and by account, over RTSP as over HTTP", answers: []string{"401", "503"}},
			{name: "rtsp-unproven", push: "/rtsp-unproven", must: "a description is not read before its encoder has proved who it is", answers: []string{"401"}},
		}},
		{name: "cameras", rtsp: true, config: pullsShortly, memory: 48 << 20, open: 300, rows: []attackRow{
			{name: "camera-silent", must: "a camera that says nothing is given up when its time is up", problem: "did not begin within"},
			{name: "camera-endless-head", must: "the head of its answer has a bound", problem: "head"},
			{name: "camera-endless-body", must: "a description that comes byte by byte has no more time than another", problem: "did not begin within"},
			{name: "camera-interim", must: "its interim answers are bounded in number", problem: "interim"},
			{name: "camera-redirects", must: "a few of its redirects are followed, and then it is a loop", problem: "redirect"},
			{name: "camera-asks", must: "its questions are no packets, whether it takes the answers or not", problem: "no packet"},
			{name: "camera-answers", must: "answers to nothing are passed over, and are no packets", problem: "did not begin within"},
			{name: "camera-junk", must: "bytes that belong to nothing have a bound, and then the camera is left", problem: "belong to no packet"},
			{name: "camera-reports", must: "reports alone are no stream", problem: "no packet"},
			{name: "camera-types", must: "packets that cannot be carried are as good as none", problem: "no packet"},
			{name: "camera-repeats", must: "so is one that comes again and again", problem: "no packet"},
			{name: "camera-deaf", must: "a camera that never answers a keep-alive plays on", after: playsOn},
		}},
		{name: "camera-floods", rtsp: true, udp: true, config: pullsShortly, memory: 96 << 20, open: 300, rows: []attackRow{
			{name: "camera-floods", must: "a camera is read as fast as its packets can be kept, within the stream's budget"},
			{name: "camera-udp-floods", must: "what a camera sends by UDP beyond its rate is lost, and its stream goes on", after: cameraHasARate},
			{name: "camera-udp-junk", must: "datagrams that are no packets, and reports, are as good as none", problem: "did not begin within"},
			{name: "camera-udp-strangers", must: "what comes to a pull's ports from others than its camera is not heard, and the camera plays on", after: strangersAreNotHeard},
		}},
	}
}

// cameraHasARate wants the camera that floods by UDP to have been held to its rate.
func cameraHasARate(t *testing.T, p *pump) {
	t.Helper()
	s := streamOf(p.status(), "camera-udp-floods")
	if most := uint64(packetRate * (s.UpSeconds + 2)); s.Programmes != 1 || s.PacketsIn == 0 || s.PacketsIn > most {
		t.Errorf("at most %d packets may have been taken: %+v", most, s)
	}
}

// strangersAreNotHeard wants the good camera to have been left alone by those who send to its
// stream's ports a hundred times as much as it does.
func strangersAreNotHeard(t *testing.T, p *pump) {
	t.Helper()
	const most = 4000 // the camera sends 150 a second
	s := streamOf(p.status(), "camera-udp-strangers")
	if s.State != "up" || s.Programmes != 1 || s.Splices != 0 || s.PacketsIn == 0 || s.PacketsIn > most {
		t.Errorf("the camera's stream: %+v", s)
	}
}

// playsOn wants the camera that never answers to have been left alone.
func playsOn(t *testing.T, p *pump) {
	t.Helper()
	if s := streamOf(p.status(), "camera-deaf"); s.State != "up" || s.Programmes != 1 || s.Splices != 0 {
		t.Errorf("the camera's stream: %+v", s)
	}
}

// oneProgramme wants a source that jumps to have begun no other programme.
func oneProgramme(t *testing.T, p *pump) {
	t.Helper()
	if s := streamOf(p.status(), "rtsp-jumps"); s.Programmes != 1 {
		t.Errorf("%d programmes have begun", s.Programmes)
	}
}

// fewVersions wants the description to be made anew no more than once a second.
func fewVersions(p *pump, target string) error {
	time.Sleep(attackMeasured * 2 / 3)
	c, err := net.Dial("tcp", target)
	if err != nil {
		return err
	}
	defer c.Close()
	v := rtspclient.NewViewer(&rtspclient.Client{Conn: rtspclient.NewConn(c, patience)}, fmt.Sprintf("rtsp://%s/rtsp-sets", p.Addr))
	if err := v.Describe(context.Background()); err != nil {
		return err
	}
	_, origin, _ := strings.Cut(v.Description, "o=- ")
	f := strings.Fields(origin)
	const most = 2 + int(attackMeasured/time.Second)
	if n, err := strconv.Atoi(f[1]); err != nil || n < 2 || n > most {
		return fmt.Errorf("the description is version %s, and 2 to %d may be", f[1], most)
	}
	return nil
}
