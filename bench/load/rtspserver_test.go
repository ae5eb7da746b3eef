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
	"time"

	"streampump/bench/feed"
	"streampump/bench/meter"
	"streampump/bench/payload"
	"streampump/bench/rtpsynth"
	"streampump/bench/rtspclient"
)

// rtspServer is as little of a server of RTSP as players need.
type rtspServer struct {
	spec rtpsynth.Spec
	faults
}

func overRTSP(f faults) (feeder, error) {
	spec, err := rtpsynth.Live(1_000_000, 5, 1400)
	return &rtspServer{spec, f}, err
}

func (s *rtspServer) stream() feed.Stream { return feed.OverRTSP(s.spec) }

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
	run, began := payload.Begin(meter.Now())
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
