package rtsp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"streampump/bench/answer"
	"streampump/bench/rtpsynth"
	"streampump/bench/rtspclient"
	"streampump/e2e/rig"
	"streampump/engine"
)

// patience is how long a row waits for what must come.
const patience = 8 * time.Second

// kit is what a row works with.
type kit struct {
	*testing.T
	ctx  context.Context
	all  *fixture
	pump *rig.Pump
	addr string // of the pump, to dial
	path string // the row's own stream
	cam  *camera
}

func newKit(t *testing.T, f *fixture, r *row) *kit {
	p := f.pumps[r.on]
	return &kit{T: t, ctx: t.Context(), all: f, pump: p, addr: f.address(p), path: r.test(), cam: f.cameras[r.name]}
}

// at is an address on the pump.
func (k *kit) at(path string) string { return k.all.scheme() + "://" + k.addr + path }

// url is the address of the row's stream, for viewers and for its encoder.
func (k *kit) url() string { return k.at("/" + k.path) }

// check fails the row with the error, if there is one.
func (k *kit) check(err error) {
	k.Helper()
	if err != nil {
		k.Fatal(err)
	}
}

// want fails the row unless ok.
func (k *kit) want(ok bool, format string, args ...any) {
	k.Helper()
	if !ok {
		k.Fatalf(format, args...)
	}
}

// dial opens a connection, which the row's end closes.
func (k *kit) dial() *rtspclient.Conn {
	k.Helper()
	return k.dialWith(&net.Dialer{Timeout: patience})
}

func (k *kit) dialWith(d *net.Dialer) *rtspclient.Conn {
	k.Helper()
	c, err := k.all.connect(k.ctx, k.addr, d)
	k.check(err)
	k.Cleanup(func() { _ = c.Close() })
	return rtspclient.NewConn(c, patience)
}

// client is a connection with requests that are numbered.
func (k *kit) client() *rtspclient.Client { return &rtspclient.Client{Conn: k.dial(), Agent: "kit"} }

// request is a request as it is written here: lines, and the two ends behind them.
func request(lines ...string) string { return strings.Join(append(lines, "", ""), "\r\n") }

// ask sends bytes on a connection and reads the next answer.
func (k *kit) ask(c *rtspclient.Conn, bytes string) (*answer.Head, string) {
	k.Helper()
	h, body, err := c.Do(k.ctx, bytes)
	k.check(err)
	return h, string(body)
}

// status sends bytes on a connection and checks the answer's status and number.
func (k *kit) status(c *rtspclient.Conn, want int, seq, bytes string) *answer.Head {
	k.Helper()
	h, _ := k.ask(c, bytes)
	k.is(h, want, seq)
	return h
}

// is checks an answer's status and number.
func (k *kit) is(h *answer.Head, want int, seq string) {
	k.Helper()
	k.want(h.Status == want && h.Proto == "RTSP/1.0" && h.Reason != "", "the answer is %v and not %d", h, want)
	k.want(h.Get("CSeq") == seq, "the answer to number %q has number %q", seq, h.Get("CSeq"))
}

// try sends a client's next request and checks the status of its answer.
func (k *kit) try(c *rtspclient.Client, want int, method, url string, fields ...string) *answer.Head {
	k.Helper()
	h, _, err := c.Try(k.ctx, method, url, "", fields...)
	k.check(err)
	k.want(h.Status == want, "%s %s is answered %v and not %d", method, url, h, want)
	return h
}

// gone checks that the connection ends, without an answer before that.
func (k *kit) gone(c *rtspclient.Conn) {
	k.Helper()
	it, err := c.Next(k.ctx)
	k.want(it.Answer == nil && ended(err), "the connection should end, and there is %v (%v)", it.Answer, err)
}

// told checks that the connection ends behind one answer, or without any.
func (k *kit) told(c *rtspclient.Conn) {
	k.Helper()
	if it, err := c.Next(k.ctx); err == nil && it.Answer != nil && it.Answer.Status >= 400 {
		k.gone(c)
	} else {
		k.want(ended(err), "the connection should end, and there is %v (%v)", it.Answer, err)
	}
}

// ended reports whether a connection is over, and not only silent.
func ended(err error) bool {
	var no net.Error
	return err != nil && !(errors.As(err, &no) && no.Timeout())
}

// await waits until ok says yes, looking again and again: the pump's status and log have
// no other way to tell.
func (k *kit) await(what string, ok func() bool) {
	k.Helper()
	const look = 5 * time.Millisecond
	tick := time.NewTicker(look)
	defer tick.Stop()
	late := time.After(2 * patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			k.Fatalf("%s: not so after %v; the pump's log:\n%s", what, 2*patience, strings.Join(k.log(k.path), "\n"))
		}
	}
}

// log are the pump's log lines that have all of the texts in them.
func (k *kit) log(texts ...string) (lines []string) {
next:
	for line := range strings.Lines(k.pump.Log()) {
		line = strings.TrimSuffix(line, "\n") + " " // every value has a blank behind it
		for _, text := range texts {
			if !strings.Contains(line, text) {
				continue next
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// tag is what a line of the log about the row's stream has in it.
func (k *kit) tag() string { return "stream=" + k.path + " " }

// logged waits for a line of the log with all of the texts.
func (k *kit) logged(texts ...string) {
	k.Helper()
	k.await(fmt.Sprintf("a log line with %q", texts), func() bool { return len(k.log(texts...)) > 0 })
}

// stream is the pump's account of the row's stream.
func (k *kit) stream() engine.StreamSnapshot {
	k.Helper()
	for _, st := range k.pump.Status().Streams {
		if st.Path == k.path {
			return st
		}
	}
	k.Fatalf("the pump has no stream %q", k.path)
	return engine.StreamSnapshot{}
}

// source waits until the stream's source is in a state.
func (k *kit) source(state string) {
	k.Helper()
	k.await("the source is "+state, func() bool { return k.stream().State == state })
}

// viewers waits until the stream has so many.
func (k *kit) viewers(n int) {
	k.Helper()
	k.await(fmt.Sprintf("%d viewers", n), func() bool { return k.stream().Viewers == int64(n) })
}

// encoder publishes a synthetic source.
type encoder struct {
	*rtspclient.Publisher
	k *kit
}

// encoder connects an encoder for the row's stream, which has said nothing yet.
func (k *kit) encoder(s rtpsynth.Spec) *encoder {
	k.Helper()
	return &encoder{rtspclient.NewPublisher(k.client(), k.url(), s), k}
}

// push brings a stream up: the encoder publishes, and sends its reports and a second of
// its packets, at which a viewer that comes next will start.
func (k *kit) push(s rtpsynth.Spec) *encoder {
	k.Helper()
	e := k.encoder(s)
	e.begin()
	return e
}

// begin is push for an encoder that is connected.
func (e *encoder) begin() {
	e.k.Helper()
	e.k.check(e.Publish(e.k.ctx))
	e.k.check(e.Reports(e.k.ctx))
	before := e.k.stream().PacketsIn
	e.send(few)
	e.k.await("the first packets are taken", func() bool { return e.k.stream().PacketsIn > before })
	e.k.source("up")
}

// few is a number of packets in which there is a picture, and no second key frame; many
// have one in any case.
const (
	few  = 10
	many = 200
)

// send sends n packets, and the rest of a picture that is begun then: nobody may get the
// first packets of a picture before those that tell what it is.
func (e *encoder) send(n int) {
	e.k.Helper()
	e.k.check(e.Send(e.k.ctx, n))
	for e.Inside() {
		e.k.check(e.Send(e.k.ctx, 1))
	}
}

// viewer is a player whose every packet is judged.
type viewer struct {
	*rtspclient.Viewer
	k *kit
}

// viewer connects a viewer of the row's stream, which has said nothing yet.
func (k *kit) viewer(sources ...rtpsynth.Spec) *viewer {
	k.Helper()
	return &viewer{rtspclient.NewViewer(k.client(), k.url(), sources...), k}
}

// view opens the row's stream.
func (k *kit) view(sources ...rtpsynth.Spec) *viewer {
	k.Helper()
	v := k.viewer(sources...)
	k.check(v.Open(k.ctx))
	return v
}

// until reads until enough says so.
func (v *viewer) until(enough func(rtpsynth.Counts) bool) rtpsynth.Counts {
	v.k.Helper()
	v.k.check(v.Until(v.k.ctx, enough))
	return v.Counts()
}

// packets reads until n packets are there.
func (v *viewer) packets(n int) rtpsynth.Counts {
	v.k.Helper()
	return v.until(func(c rtpsynth.Counts) bool { return c.All() >= n })
}

// reaches reads until the newest packet of an encoder is there, or that of the only track
// that is watched.
func (v *viewer) reaches(e *encoder) rtpsynth.Counts {
	v.k.Helper()
	t := e.Last()
	if !slices.Contains(v.Tracks, t) {
		t = v.Tracks[0]
	}
	return v.until(func(c rtpsynth.Counts) bool { return c.Run[t] == e.Run && int(c.Newest[t]) >= e.Sent(t)-1 })
}

// whole is reaches, with nothing missing.
func (v *viewer) whole(e *encoder) rtpsynth.Counts {
	v.k.Helper()
	c := v.reaches(e)
	v.k.want(c.Gaps == [2]int{}, "packets are missing: %+v", c)
	return c
}

// over reads to the connection's end, behind the end of each track.
func (v *viewer) over() rtpsynth.Counts {
	v.k.Helper()
	v.k.check(v.Over(v.k.ctx))
	return v.Counts()
}
