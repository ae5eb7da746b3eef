package attack

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"streampump/bench/rtpsynth"
)

// mannersByUDP are the ways to be a bad camera that sends by UDP only, and to meddle with a
// good one.
func mannersByUDP() []Manner {
	return []Manner{
		{Name: "camera-udp-floods", What: "plays by UDP, more than twice as many packets a second as a source may send", serve: func(v *served) {
			s := rtpsynth.New(rtpsynth.Plain())
			v.playsApart(50_000, func(c *cameraPorts) {
				p := s.Next()
				c.say(v, p)
			})
		}},
		{Name: "camera-udp-junk", What: "sends by UDP what is no packet, and reports, which are none either", serve: func(v *served) {
			list, i := strange(rtpsynth.New(rtpsynth.Plain())), 0
			v.playsApart(10_000, func(c *cameraPorts) {
				i++
				c.say(v, rtpsynth.Packet{Index: i / 2 % 2, Report: i%2 == 0, Bytes: list[i/4%len(list)]})
			})
		}},
		{Name: "camera-udp-strangers", What: "plays by UDP as it should, while others send to the same ports of the pump, from other addresses and from other ports of the camera's: packets of its tracks, goodbyes and bytes that are nothing", serve: func(v *served) {
			v.playsAmongStrangers()
		}},
	}
}

// cameraPorts are those of a camera by UDP, and the pump's.
type cameraPorts struct {
	own [2]ears // by track
	to  [2][2]netip.AddrPort
	set int // tracks that are set up
}

// setUp answers a SETUP: over the connection nothing is sent.
func (c *cameraPorts) setUp(v *served, cseq, transport string) string {
	_, pair, apart := strings.Cut(transport, "client_port=")
	pair, _, _ = strings.Cut(pair, ";")
	if !apart || c.set == len(c.own) {
		return fmt.Sprintf("RTSP/1.0 461 Unsupported Transport\r\nCSeq: %s\r\n\r\n", cseq)
	}
	pump := v.c.RemoteAddr().(*net.TCPAddr).AddrPort().Addr()
	for i, text := range strings.SplitN(pair, "-", 2) {
		n, _ := strconv.ParseUint(text, 10, 16)
		c.to[c.set][i] = netip.AddrPortFrom(pump, uint16(n))
	}
	own, err := listenAt(v.s.Addr().Addr().AsSlice())
	if err != nil {
		return "" // the pump gives it up
	}
	c.own[c.set] = own
	c.set++
	return fmt.Sprintf("RTSP/1.0 200 OK\r\nCSeq: %s\r\nSession: 7;timeout=60\r\nTransport: %s;server_port=%s\r\n\r\n", cseq, transport, own.pair())
}

// close closes the camera's.
func (c *cameraPorts) close() {
	for _, e := range c.own {
		e.Close()
	}
}

// say sends a packet, or a report, from the camera's own ports.
func (c *cameraPorts) say(v *served, p rtpsynth.Packet) { c.sayFrom(v, c.own[p.Index], p) }

// sayFrom sends it from others. Nobody may listen there.
func (c *cameraPorts) sayFrom(v *served, from ears, p rtpsynth.Packet) {
	i := 0
	if p.Report {
		i = 1
	}
	n, _ := from[i].WriteToUDPAddrPort(p.Bytes, c.to[p.Index][i])
	v.s.sent.Add(int64(n))
}

const (
	// apartEvery is how often a camera sends by UDP, and apartMost how many datagrams at once.
	apartEvery = 5 * time.Millisecond
	apartMost  = 5000
)

// playsApart answers up to PLAY as a camera does that sends by UDP only, and then does
// something so many times a second, until the connection is over.
func (v *served) playsApart(rate int, do func(*cameraPorts)) {
	c := new(cameraPorts)
	v.apart = c
	defer c.close()
	if !v.until("PLAY") || !v.say("RTSP/1.0 200 OK\r\n\r\n") {
		return
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		v.hold()
	}()
	last := time.Now()
	for c.set == len(c.own) && v.s.sent.Load() < maxSourced && v.rest(apartEvery) && open(gone) {
		now := time.Now()
		for range min(int(now.Sub(last).Seconds()*float64(rate)), apartMost) {
			do(c)
		}
		last = now
	}
	<-gone
}

// open reports whether a channel is not closed yet.
func open(c <-chan struct{}) bool {
	select {
	case <-c:
		return false
	default:
		return true
	}
}

// strange is what is no packet of a source: its reports, others, and bytes that are nothing.
func strange(s *rtpsynth.Source) [][]byte {
	return [][]byte{
		s.Report(0).Bytes, s.Report(1).Bytes, nil, []byte("\x80"), []byte(strings.Repeat("\xff", 1400)), make([]byte, 60_000),
		[]byte("\x80\xc8\x00\x06" + strings.Repeat("\xff", 24)), []byte("RTSP/1.0 200 OK\r\n\r\n"),
	}
}

// playsAmongStrangers plays a good source, and sends a hundred times as much from ports that
// are not the camera's.
func (v *served) playsAmongStrangers() {
	good, forged := rtpsynth.New(rtpsynth.Plain()), rtpsynth.New(rtpsynth.Plain())
	forged.Skip(rtpsynth.Video, 5000)
	forged.Skip(rtpsynth.Audio, 5000)
	list := strange(forged)
	var from [2]ears
	for i, host := range []net.IP{source, v.s.Addr().Addr().AsSlice()} {
		var err error
		if from[i], err = listenAt(host); err != nil {
			return
		}
		defer from[i].Close()
	}
	next, began, i := good.Next(), time.Now(), 0
	v.playsApart(10_000, func(c *cameraPorts) {
		for ; time.Since(began) >= next.Due; next = good.Next() {
			c.say(v, next)
		}
		p := forged.Next()
		switch i++; i % 4 {
		case 0:
			p = forged.Bye(i / 4 % 2)
		case 1:
			p = rtpsynth.Packet{Index: i / 8 % 2, Report: i/4%2 == 0, Bytes: list[i/4%len(list)]}
		}
		c.sayFrom(v, from[i/4%2], p)
	})
}
