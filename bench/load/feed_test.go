package load

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"streampump/bench/meter"
	"streampump/bench/rtpsynth"
	"streampump/bench/rtspclient"
)

// rtspServer is the other end: as little of a server of RTSP as players need.
type rtspServer struct {
	spec   rtpsynth.Spec
	refuse string // the method that is answered with 453
	// skip is how many packets of pictures are left out in front of the stream, and hole
	// how many behind the first picture but for its last packet.
	skip, hole int
	corrupt    bool // a byte of media is wrong
	ends       bool // after some packets
}

// live is a source whose run begins about now.
func liveRTP(t *testing.T) rtpsynth.Spec {
	t.Helper()
	s, err := rtpsynth.Live(1_000_000, 5, 1400)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serveRTSP is where it listens.
func serveRTSP(t *testing.T, s *rtspServer) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			serving.Go(func() { _ = s.serve(c); _ = c.Close() })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		serving.Wait()
	})
	return l.Addr().String()
}

// serve answers until the stream plays, and then sends it.
func (s *rtspServer) serve(c net.Conn) error {
	r := textproto.NewReader(bufio.NewReader(c))
	for {
		line, err := r.ReadLine()
		if err != nil {
			return err
		}
		h, err := r.ReadMIMEHeader()
		if err != nil {
			return err
		}
		method, _, _ := strings.Cut(line, " ")
		status, fields, body := "200 OK", "", ""
		switch {
		case method == s.refuse:
			status = "453 Not Enough Bandwidth"
		case method == "DESCRIBE":
			body = s.spec.Describe("trackID=0", "trackID=1")
			base := strings.Fields(line)[1]
			body = strings.ReplaceAll(body, "a=control:", "a=control:"+base+"/")
			fields = "Content-Base: " + base + "/\r\nContent-Type: application/sdp\r\n"
		case method == "SETUP":
			fields = "Session: 12345678;timeout=60\r\nTransport: " + h.Get("Transport") + "\r\n"
		case h.Get("Session") != "12345678":
			status = "454 Session Not Found"
		}
		if _, err := fmt.Fprintf(c, "RTSP/1.0 %s\r\nCSeq: %s\r\n%sContent-Length: %d\r\n\r\n%s", status, h.Get("CSeq"), fields, len(body), body); err != nil {
			return err
		}
		if method == "PLAY" {
			return s.play(c)
		}
	}
}

// play sends the stream as fast as it is due.
func (s *rtspServer) play(c io.Writer) error {
	spec := s.spec
	run, began := rtpsynth.Begin(meter.Now())
	spec.Run = run
	src := rtpsynth.New(spec)
	src.Skip(rtpsynth.Video, s.skip)
	for i := range spec.Tracks {
		if _, err := c.Write(rtspclient.AppendFrame(nil, byte(2*i+1), src.Report(i).Bytes)); err != nil {
			return err
		}
	}
	for n := 0; !s.ends || n < 100; n++ {
		p := src.Next()
		due := time.NewTimer(p.Due - time.Duration(int64(meter.Now()-began)))
		<-due.C
		b := slices.Clone(p.Bytes)
		if s.corrupt && n == 30 {
			b[len(b)/2] ^= 1
		}
		if _, err := c.Write(rtspclient.AppendFrame(nil, byte(2*p.Index), b)); err != nil {
			return err
		}
		if n == 1 { // within the first picture
			src.Skip(rtpsynth.Video, s.hole)
		}
	}
	return errors.New("enough")
}

func TestPlayersOverRTSP(t *testing.T) {
	t.Parallel()
	spec := liveRTP(t)
	addr := serveRTSP(t, &rtspServer{spec: spec})
	r := play(t.Context(), t, Options{Addr: addr, Path: "/live", RTP: &spec, Players: 20, Verify: 3, Churn: 10, Duration: time.Second})
	if len(r.Problems) > 0 || len(r.Notes) > 0 || r.Counts.Held != 20 || r.Counts.Joined != r.Counts.Connected {
		t.Fatalf("%+v", r)
	}
	if v := r.Verified; v == nil || v.Packets == 0 || v.Gaps != 0 || v.Broken != 0 || v.Damaged == nil || *v.Damaged != 0 {
		t.Errorf("%+v", v)
	}
	if r.Delay == nil || r.Delay.Samples == 0 || r.Join == nil || r.Join.Samples < 20 {
		t.Errorf("delay %+v, join %+v", r.Delay, r.Join)
	}
	if r.Measured.Bytes == 0 || r.Delay != nil && r.Delay.P50 > r.Delay.Max {
		t.Errorf("%+v, %+v", r.Measured, r.Delay)
	}
}

// TestRTSPThatFails: what a server does wrong is told, by both kinds of players as far as
// they look.
func TestRTSPThatFails(t *testing.T) {
	t.Parallel()
	spec := liveRTP(t)
	for name, c := range map[string]struct {
		server rtspServer
		loose  bool
		verify int
		lost   string // why; empty: nobody is
		damage int64
	}{
		"a wrong byte":               {server: rtspServer{corrupt: true}, verify: 2, lost: "the stream broke a rule of RTP"},
		"a wrong byte of another":    {server: rtspServer{corrupt: true}, verify: 2, loose: true, lost: "the stream broke a rule of RTP"},
		"a beginning in the middle":  {server: rtspServer{skip: 6}, verify: 2, lost: "the stream broke a rule of RTP"},
		"such a one of another":      {server: rtspServer{skip: 6}, verify: 2, loose: true},
		"a hole in a picture":        {server: rtspServer{hole: 20}, verify: 2, lost: "the stream broke a rule of RTP"},
		"a hole of another":          {server: rtspServer{hole: 20}, verify: 2, loose: true, damage: 4},
		"an end":                     {server: rtspServer{ends: true}, verify: 2, lost: "the stream ended"},
		"no DESCRIBE":                {server: rtspServer{refuse: "DESCRIBE"}, verify: 1, lost: "453"},
		"no SETUP for those in rows": {server: rtspServer{refuse: "SETUP"}, lost: "453"},
		"no PLAY":                    {server: rtspServer{refuse: "PLAY"}, lost: "453"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.server.spec = spec
			r := play(t.Context(), t, Options{Addr: serveRTSP(t, &c.server), Path: "/live", RTP: &spec, Players: 2, Verify: c.verify, AnyStart: c.loose})
			why := ""
			for reason := range r.Reasons {
				why += reason
			}
			if (c.lost == "") != (why == "") || !strings.Contains(why, c.lost) || (c.lost != "" && r.Counts.Lost == 0) {
				t.Errorf("%v, want %q: %+v", r.Reasons, c.lost, r.Counts)
			}
			if v := r.Verified; c.lost == "" && *v.Damaged != c.damage {
				t.Errorf("%d pictures are damaged", *v.Damaged)
			}
		})
	}
}

// TestRTSPJoinerInAnyPieces: a player has joined with the packet that begins a key frame,
// wherever what comes is cut.
func TestRTSPJoinerInAnyPieces(t *testing.T) {
	spec := liveRTP(t)
	src := rtpsynth.New(spec)
	src.Skip(rtpsynth.Video, 3)
	head := "RTSP/1.0 200 OK\r\nCSeq: 1\r\nSession: 12345678\r\nTransport: RTP/AVP/TCP;unicast;interleaved=%d-%d\r\nContent-Length: %d\r\n\r\n"
	sdp := spec.Describe("trackID=0", "trackID=1")
	all := []string{fmt.Sprintf(head, 0, 1, len(sdp)) + sdp, fmt.Sprintf(head, 4, 5, 0), fmt.Sprintf(head, 6, 7, 0), fmt.Sprintf(head, 0, 1, 0)}
	stream, joins := "", 0
	for n := src.PicturesTo() + 4; n > 0; n-- {
		p := src.Next()
		if joins == 0 && beginsKey(p.Bytes) && p.Index == 0 {
			joins = len(stream) + 4 + len(p.Bytes)
		}
		stream += string(rtspclient.AppendFrame(nil, byte(4+2*p.Index), p.Bytes))
	}
	all[3] += stream
	for _, size := range []int{1, 3, 100, 1500, 1 << 20} {
		j := newRTSPJoiner("rtsp://h/live")
		said, fed, done := "", 0, false
		for _, part := range all {
			said += strings.Split(string(j.next()), " ")[0] + " "
			for rest := part; rest != "" && !done; rest = rest[min(size, len(rest)):] {
				var err error
				if done, err = j.feed([]byte(rest[:min(size, len(rest))])); err != nil {
					t.Fatal(err)
				}
				fed += min(size, len(rest))
			}
		}
		want := len(strings.Join(all, "")) - len(stream) + joins
		if said != "DESCRIBE SETUP SETUP PLAY " || !done || fed < want || size < 1<<20 && fed >= want+size {
			t.Errorf("in pieces of %d: said %s, joined: %v after %d bytes, want %d", size, said, done, fed, want)
		}
	}
}

// TestRTSPOptions: what RTSP does not have is refused.
func TestRTSPOptions(t *testing.T) {
	spec := liveRTP(t)
	good := Options{Addr: "127.0.0.1:1", Path: "/live", RTP: &spec, Players: 1, Threads: 1, Duration: time.Second}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Options){
		"plain":     func(o *Options) { o.Plain = true },
		"marks":     func(o *Options) { o.Marks = true },
		"describe":  func(o *Options) { o.Describe = true },
		"throttled": func(o *Options) { o.Throttle = Throttle{Percent: 1, Rate: 1e3} },
	} {
		o := good
		change(&o)
		if err := o.Check(); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
