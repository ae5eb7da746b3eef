package conform

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"streampump/bench/answer"
	"streampump/bench/player"
	"streampump/e2e/rig"
	"streampump/engine"
)

// patience is how long a row waits for what must come: long enough for a
// machine that is busy with something else, and shorter than the timers that
// a row does not mean, so that what comes by one of those is not taken for it.
const patience = 8 * time.Second

// kit is what a row works with.
type kit struct {
	*testing.T
	ctx  context.Context
	row  *row
	all  *fixture
	pump *rig.Pump
	addr string   // of the pump, to dial
	path string   // the row's own stream
	from net.Addr // to dial from; nil: whatever the system chooses
}

func newKit(t *testing.T, f *fixture, r *row) *kit {
	p := f.pumps[r.on]
	return &kit{T: t, ctx: t.Context(), row: r, all: f, pump: p, addr: f.address(p, false), path: r.test()}
}

// second is the same row with one of the spare streams.
func (k *kit) second() *kit {
	k.Helper()
	other := *k
	n := k.all.spared.Add(1)
	k.want(n <= spares, "a row wants stream %d of %d spare ones", n, spares)
	other.path = spareStream(int(n))
	return &other
}

// url is the path of the row's stream, and pushURL where it is pushed to.
func (k *kit) url() string     { return "/streams/" + k.path }
func (k *kit) pushURL() string { return k.url() + "_push" }

// Lines of requests.
const (
	vlc        = "User-Agent: NSPlayer/7.10.0.3059"
	wmp        = "User-Agent: NSPlayer/12.0.7680.0"
	firefox    = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
	closes     = "Connection: Close"
	keeps      = "Connection: Keep-Alive"
	plays      = "Pragma: xPlayStrm=1"
	emptyBody  = "Content-Length: 0"
	setupType  = "Content-Type: application/x-wms-pushsetup"
	startType  = "Content-Type: application/x-wms-pushstart"
	unknownID  = "Pragma: client-id=7"
	describing = "application/vnd.ms.wms-hdr.asfv1"
	playing    = "application/x-mms-framed"
	plainASF   = "video/x-ms-asf"
)

// request is a request's head: its first line without the version, HTTP/1.0
// unless the first of the fields is a version, a Host, and the fields.
func request(first string, fields ...string) string {
	version := "HTTP/1.0"
	if len(fields) > 0 && strings.HasPrefix(fields[0], "HTTP/") {
		version, fields = fields[0], fields[1:]
	}
	return first + " " + version + "\r\nHost: pump.example:8086\r\n" + strings.Join(append(fields, "", ""), "\r\n")
}

func (k *kit) get(fields ...string) string  { return request("GET "+k.url(), fields...) }
func (k *kit) post(fields ...string) string { return request("POST "+k.url(), fields...) }

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
func (k *kit) dial() *player.Conn {
	k.Helper()
	c, err := k.connect(k.ctx, "tcp", k.addr)
	k.check(err)
	k.Cleanup(func() { _ = c.Close() })
	return player.NewConn(c, patience)
}

// ask sends bytes on a connection and reads the head of the next answer.
func (k *kit) ask(c *player.Conn, bytes string) *answer.Head {
	k.Helper()
	h, err := c.Do(k.ctx, []byte(bytes))
	k.check(err)
	return h
}

// open asks on a new connection.
func (k *kit) open(bytes string) (*player.Conn, *answer.Head) {
	k.Helper()
	c := k.dial()
	return c, k.ask(c, bytes)
}

// body reads the body that an answer announces.
func (k *kit) body(c *player.Conn, h *answer.Head) string {
	k.Helper()
	n, ok := h.ContentLength()
	k.want(ok, "%v has no Content-Length", h)
	b, err := c.Body(k.ctx, n)
	k.check(err)
	return string(b)
}

// rest reads to the connection's end.
func (k *kit) rest(c *player.Conn) string {
	k.Helper()
	const most = 1 << 20
	b, err := c.All(k.ctx, most)
	k.check(err)
	return string(b)
}

// final asks on a new connection and reads all that comes until its end.
func (k *kit) final(bytes string) (*answer.Head, string) {
	k.Helper()
	c, h := k.open(bytes)
	body := k.rest(c)
	k.check(c.Close()) // or the pump waits for our end
	return h, body
}

// status asks on a new connection and checks the answer's status.
func (k *kit) status(want int, bytes string) *answer.Head {
	k.Helper()
	_, h := k.open(bytes)
	k.want(h.Status == want, "the answer is %v and not %d", h, want)
	return h
}

// empty asks on a new connection and checks for an empty answer.
func (k *kit) empty(want int, bytes string) *answer.Head {
	k.Helper()
	h := k.status(want, bytes)
	n, ok := h.ContentLength()
	k.want(ok && n == 0, "the answer's Content-Length is %q", h.Get("Content-Length"))
	return h
}

// refused asks on a new connection and checks for a refusal that ends it, in
// words that contain all of them.
func (k *kit) refused(want int, bytes string, words ...string) *answer.Head {
	k.Helper()
	h, body := k.final(bytes)
	k.refusal(want, h, body, words...)
	return h
}

func (k *kit) refusal(want int, h *answer.Head, body string, words ...string) {
	k.Helper()
	k.want(h.Status == want, "the answer is %v and not %d", h, want)
	n, _ := h.ContentLength()
	k.want(h.Reason != "" && n == int64(len(body)) && len(body) > 1, "%v has Content-Length %d and says %q", h, n, body)
	k.want(strings.EqualFold(h.Get("Connection"), "close"), "a refusal has Connection %q", h.Get("Connection"))
	for _, w := range words {
		k.want(strings.Contains(body, w), "the refusal says %q and nothing of %q", body, w)
	}
}

// clientID is the client-id that an answer gives.
func (k *kit) clientID(h *answer.Head) string {
	k.Helper()
	id, ok := h.Pragma("client-id")
	var n uint32
	_, err := fmt.Sscanf(id, "%d", &n)
	k.want(ok && err == nil && fmt.Sprint(n) == id, "the client-id %q is no number of 32 bits", id)
	return id
}

// await waits until ok says yes, looking again and again: the pump's status
// and log have no other way to tell.
func (k *kit) await(what string, ok func() bool) {
	k.Helper()
	const look = 20 * time.Millisecond
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

// tag is what a line of the log about the row's stream has in it.
func (k *kit) tag() string { return "stream=" + k.path + " " }

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

// logged waits for a line of the log with all of the texts, and returns it.
func (k *kit) logged(texts ...string) string {
	k.Helper()
	k.await(fmt.Sprintf("a log line with %q", texts), func() bool { return len(k.log(texts...)) > 0 })
	return k.log(texts...)[0]
}

// complained sends bytes on new connections until the log has a line with all
// of the texts: of what strangers do wrong, one line a second is logged.
func (k *kit) complained(bytes string, texts ...string) {
	k.Helper()
	k.await(fmt.Sprintf("a log line with %q", texts), func() bool {
		if len(k.log(texts...)) > 0 {
			return true
		}
		k.final(bytes)
		return false
	})
}

// snapshot is the pump's account of itself.
func (k *kit) snapshot() (s engine.Snapshot) {
	k.Helper()
	r, err := http.Get("http://" + k.pump.Admin.String() + "/status")
	k.check(err)
	defer func() { _ = r.Body.Close() }()
	b, err := io.ReadAll(r.Body)
	k.check(err)
	k.check(json.Unmarshal(b, &s))
	return s
}

// stream is the pump's account of the row's stream.
func (k *kit) stream() engine.StreamSnapshot {
	k.Helper()
	for _, st := range k.snapshot().Streams {
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

// taken waits until the stream has taken n packets in.
func (k *kit) taken(n int) {
	k.Helper()
	k.await(fmt.Sprintf("%d packets have come in", n), func() bool { return k.stream().PacketsIn >= uint64(n) })
}
