package engine

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"streampump/access"
	"streampump/codec"
	"streampump/engine/internal/text"
	"streampump/engine/reason"
	"streampump/internal/pki"
)

// numbered is the payload of a packet, which follows from its number: of all
// sizes, so that packets lie in segments in all ways.
func numbered(n int) string {
	return fmt.Sprintf("%d%s", n, strings.Repeat(string(rune('a'+n%26)), n*37%3000))
}

// Real loops, real sockets, a backlog of a few segments that the encoder overruns
// again and again, and viewers of all forms, quick and slow: each gets whole packets
// in order, and after each gap a start. Under rules half of them come over TLS, all are
// let in by a decision that comes from another goroutine, and they catch up by a pace
// within a limited bandwidth.
func TestSlowViewersGetWholePackets(t *testing.T) {
	t.Run("as_they_come", func(t *testing.T) { slowViewers(t, false, false) })
	t.Run("under_rules", func(t *testing.T) { slowViewers(t, true, false) })
	t.Run("in_units", func(t *testing.T) { slowViewers(t, false, true) })
}

// verbOf is the beginning of the encoder's packet n: some of them belong together.
func verbOf(n int, units bool) string {
	switch n % 17 {
	case 0:
		return "Pk tail|"
	case 1, 2, 5, 12:
		return "P "
	}
	if units {
		return "Pi "
	}
	return "P "
}

// later is access rules that let everybody in, viewers after a while.
type later struct{}

func (later) Ask(_ time.Time, r access.Request, _ bool, done func(access.Decision)) (access.Decision, bool) {
	if r.Role == access.Publish {
		return access.Decision{}, true
	}
	go done(access.Decision{Client: "somebody"})
	return access.Decision{}, false
}

func slowViewers(t *testing.T, rules, units bool) {
	const packets = 6000
	cfg := labConfig()
	cfg.Loops, cfg.Timeouts.EndHold = 3, 0
	cfg.Backlog.Bytes, cfg.Fanout.NotSentLowat, cfg.Fanout.Budget = 1<<20, 16<<10, 10*time.Millisecond
	if units {
		cfg.Backlog.Bytes = 3 << 20 // there is always room for a unit, so that none is cut for all
	}
	listeners := Plain("127.0.0.1:0")
	if rules {
		cfg.Access, cfg.Limits.JoinSpeed = later{}, 2
		cfg.Limits.Viewers = Room{Viewers: 30, Bandwidth: 1 << 34}
		server := &tls.Config{Certificates: []tls.Certificate{pki.Alone(t, "pump")}, DynamicRecordSizingDisabled: true}
		listeners = append(listeners, Listener{Address: "127.0.0.1:0", TLS: server})
	}
	e, err := New(cfg, []StreamConfig{{Path: "live", Push: true}}, []codec.Protocol{text.Protocol{}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	e.env.Buffers.Segment = 4 << 10
	if err := e.Listen(listeners...); err != nil {
		t.Fatal(err)
	}
	if err := e.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Shutdown)
	enc := connect(t, e.Addresses()[0].String())
	enc.say("PUBLISH live")
	enc.until('\n', "OK Publish")
	enc.say("H A rate=80000000\nPk " + numbered(0))
	eventually(t, "the stream is up", func() bool { return e.Snapshot().Streams[0].PacketsIn == 1 })
	var viewers []*audience
	var all sync.WaitGroup
	join := func() {
		i := len(viewers)
		v := &audience{client: connect(t, e.Addresses()[i%len(listeners)].String()), may: make(chan int, packets), units: units, last: -1, sent: -1}
		_ = v.SetReadBuffer(16 << 10)
		if i%len(listeners) == 1 {
			v.encrypt()
		}
		v.say(text.SteadyRequests[i%len(text.SteadyRequests)])
		v.until('\n', "OK")
		viewers = append(viewers, v)
		all.Go(func() { v.watch(t) })
	}
	for range 18 {
		join()
	}
	w := bufio.NewWriterSize(enc, 32<<10)
	for n := 1; n < packets && !t.Failed(); n++ {
		fmt.Fprintf(w, "%s%s\n", verbOf(n, units), numbered(n))
		for i, v := range viewers {
			v.may <- 3000 >> (i / 6 % 3) // some keep up, some do not
		}
		if rules && n%500 == 0 {
			join() // and has something to catch up with
		}
	}
	fmt.Fprint(w, "FINISH\n")
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, v := range viewers {
		close(v.may)
	}
	all.Wait()
	s := e.Snapshot()
	if s.Skips == 0 || s.Packets == 0 || s.Packets > uint64(len(viewers)*packets) {
		t.Errorf("%d packets were sent, with %d skips", s.Packets, s.Skips)
	}
	cut, closed := 0, 0
	for _, v := range viewers {
		cut += v.cut
		if v.closed {
			closed++
		}
	}
	t.Logf("%d skips, %d viewers were closed, %d packets were left out for all", s.Skips, closed, s.Streams[0].LeftOut)
	if cut > 0 && s.Streams[0].LeftOut == 0 {
		t.Errorf("%d units were cut", cut)
	}
	if n := s.Closes[reason.ViewerTooSlow.String()]; closed > int(n) || closed > len(viewers)/2 {
		t.Errorf("%d viewers were closed, %d as too slow", closed, n)
	}
}

// audience is a viewer that reads no more bytes than may allows, until may is closed.
type audience struct {
	*client
	tls    *tls.Conn // nil: plain
	may    chan int
	units  bool // its stream has some
	cut    int  // units in which it got some packets and not the others
	closed bool // before the end
	credit int
	last   int // by the pump's numbers
	sent   int // by the encoder's
}

// encrypt has TLS on the viewer's connection.
func (v *audience) encrypt() {
	v.tls = tls.Client(v.TCPConn, &tls.Config{InsecureSkipVerify: true})
	v.in = bufio.NewReader(v.tls)
}

func (v *audience) say(line string) {
	if v.tls == nil {
		v.client.say(line)
	} else if _, err := io.WriteString(v.tls, line+"\n"); err != nil {
		v.t.Fatal(err)
	}
}

func (v *audience) watch(t *testing.T) {
	if head, err := v.in.ReadString(v.headEnd()); err != nil {
		t.Errorf("no head: %q %v", head, err)
	}
	for {
		for v.credit <= 0 {
			n, ok := <-v.may
			if v.credit += n; !ok {
				v.credit = 1 << 30
			}
		}
		s, err := v.in.ReadString(';')
		v.credit -= len(s)
		if errors.Is(err, io.EOF) && strings.HasPrefix(s, "END ended") {
			return
		}
		if err != nil && v.units {
			v.closed = true
			for range v.may {
			}
			return
		}
		if err == nil {
			err = v.see(s)
		}
		if err != nil {
			t.Errorf("after packet %d: %.60q: %v", v.last, s, err)
			for range v.may { // the encoder waits for nobody
			}
			return
		}
	}
}

// headEnd is how the head in the viewer's form ends.
func (v *audience) headEnd() byte {
	if b, _ := v.in.Peek(1); len(b) > 0 && b[0] == '[' {
		return ']'
	}
	return '}'
}

// see checks one packet. This encoder may be faster than the loops let go of what
// was evicted; then packets are left out for everybody, up to a key frame.
func (v *audience) see(s string) error {
	n, sent := 0, 0
	head, payload, _ := strings.Cut(strings.TrimPrefix(s, "<"), ":")
	if _, err := fmt.Sscanf(head, "%d", &n); err != nil {
		return err
	}
	if _, err := fmt.Sscanf(strings.TrimPrefix(payload, "tail|"), "%d", &sent); err != nil {
		return err
	}
	want := numbered(sent) + ";"
	trimmed, key := strings.HasSuffix(head, "T"), strings.HasSuffix(head, "K")
	if key && n > 0 {
		want = "tail|" + want
	}
	switch {
	case payload != want:
		return fmt.Errorf("its payload is not %.40q", want)
	case n <= v.last || sent <= v.sent || sent < n:
		return errors.New("it is out of order")
	case (n != v.last+1 || sent != v.sent+1) && !trimmed && !key:
		return errors.New("after a gap comes no start")
	case n == v.last+1 && trimmed && n > 0:
		return errors.New("a start without a gap")
	}
	if v.units && n != v.last+1 && strings.HasPrefix(verbOf(v.sent+1, true), "Pi") {
		v.cut++
	}
	v.last, v.sent = n, sent
	return nil
}
