package rtsp

import (
	"fmt"
	"net"
	"strings"

	"streampump/bench/rtpsynth"
)

// pushUDPRows are about encoders that send over UDP. Over TLS there is none.
func pushUDPRows() []row {
	return []row{
		{0, "EncoderOverUDP", "an encoder nearby may send over UDP, in any order and twice; viewers get each packet once, in order, and nothing of strangers", "ffmpeg, GStreamer", near, encoderOverUDP},
		{0, "EncoderOverUDPPauses", "PAUSE ends it, and RECORD begins it again", "RFC 2326, 10.6", near, encoderOverUDPPauses},
		{0, "EncoderOverUDPEnds", "its connection's end is the end of it", "the RFC lets it go on, nobody does", near, encoderOverUDPEnds},
		{0, "EncoderPorts", "two tracks from one port get 400; one over UDP and one over TCP get 461 at RECORD", "what cannot be told apart", near, encoderPorts},
	}
}

// mouth is where an encoder sends a track from, and where to.
type mouth struct {
	packets, reports net.Conn
}

// apart sets an encoder up that sends over UDP; nil where there is none.
func (k *kit) apart(s rtpsynth.Spec) (*encoder, []mouth) {
	k.Helper()
	e := k.encoder(s)
	k.check(e.Announce(k.ctx))
	if k.all.secure() {
		k.try(e.Client, 461, "SETUP", e.URL+"/streamid=0", "Transport: RTP/AVP/UDP;unicast;client_port=16732-16733;mode=record")
		return nil, nil
	}
	var mouths []mouth
	for i := range s.Tracks {
		mouths = append(mouths, k.mouth(e, i))
	}
	e.By = func(x rtpsynth.Packet) error {
		to := mouths[x.Index].packets
		if x.Report {
			to = mouths[x.Index].reports
		}
		_, err := to.Write(x.Bytes)
		return err
	}
	return e, mouths
}

// mouth sets a track of an encoder up over UDP.
func (k *kit) mouth(e *encoder, i int) mouth {
	k.Helper()
	first, second := k.port(), k.port()
	ports := fmt.Sprintf("%d-%d", first.Port, second.Port)
	h := k.try(e.Client, 200, "SETUP", e.URL+"/"+e.Control(i), "Transport: RTP/AVP/UDP;unicast;client_port="+ports+";mode=record")
	e.Session, _, _ = strings.Cut(h.Get("Session"), ";")
	var to, reports int
	if _, err := fmt.Sscanf(h.Get("Transport"), "RTP/AVP;unicast;client_port="+ports+";server_port=%d-%d;mode=record", &to, &reports); err != nil || reports != to+1 {
		k.Fatalf("the answer is %q", h.Get("Transport"))
	}
	return mouth{k.from(first, to), k.from(second, reports)}
}

// port is one that is free.
func (k *kit) port() *net.UDPAddr {
	k.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	k.check(err)
	defer func() { _ = c.Close() }()
	return c.LocalAddr().(*net.UDPAddr)
}

// from sends from a port of ours to one of the pump's.
func (k *kit) from(local *net.UDPAddr, port int) net.Conn {
	k.Helper()
	c, err := net.DialUDP("udp", local, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	k.check(err)
	k.Cleanup(func() { _ = c.Close() })
	return c
}

// says sends n packets over UDP, a few at a time: nothing slows an encoder down there.
func (e *encoder) says(n int) {
	e.k.Helper()
	for range n / few {
		before := e.k.stream().PacketsIn
		e.send(few)
		e.k.await("they have come", func() bool { return e.k.stream().PacketsIn >= before+few })
	}
}

func encoderOverUDP(k *kit) {
	s := rtpsynth.Plain()
	e, mouths := k.apart(s)
	if e == nil {
		return
	}
	k.check(e.Record(k.ctx))
	k.check(e.Reports(k.ctx))
	e.says(few)
	k.source("up")
	v := k.view(s)
	first := mouths[0].packets.RemoteAddr().(*net.UDPAddr)
	stranger := k.from(k.port(), first.Port)
	plain := e.By
	var held []rtpsynth.Packet
	e.By = func(x rtpsynth.Packet) error { // each third is overtaken by the next two, and comes again behind them
		lie := append([]byte(nil), x.Bytes...)
		lie[len(lie)-1]++
		_, err := stranger.Write(lie)
		k.check(err)
		if held = append(held, x); len(held) < 3 && !x.Report {
			return nil
		}
		for _, i := range [4]int{1, 2, 0, 1} {
			if i < len(held) {
				k.check(plain(held[i]))
			}
		}
		held = nil
		return nil
	}
	e.send(many)
	for len(held) > 0 {
		e.send(1)
	}
	v.whole(e)
	k.check(e.Teardown(k.ctx))
	v.over()
	k.source("down")
}

func encoderOverUDPPauses(k *kit) {
	s := rtpsynth.Plain()
	e, _ := k.apart(s)
	if e == nil {
		return
	}
	k.check(e.Record(k.ctx))
	e.says(few)
	v := k.view(s)
	k.try(e.Client, 200, "PAUSE", e.URL)
	before := k.stream().PacketsIn
	k.check(e.Record(k.ctx))
	e.says(2 * few)
	k.want(k.stream().PacketsIn > before, "nothing comes after the pause")
	v.whole(e)
}

func encoderOverUDPEnds(k *kit) {
	s := rtpsynth.Plain()
	e, mouths := k.apart(s)
	if e == nil {
		return
	}
	k.check(e.Record(k.ctx))
	e.says(few)
	k.source("up")
	k.check(e.Conn.Close())
	k.source("held")
	before := k.stream().PacketsIn
	for range few {
		_, _ = mouths[0].packets.Write(e.Next().Bytes)
	}
	again, _ := k.apart(s.Again())
	k.check(again.Record(k.ctx))
	again.says(few)
	k.want(k.stream().PacketsIn <= before+3*few, "%d packets have come, %d before", k.stream().PacketsIn, before)
}

func encoderPorts(k *kit) {
	s := rtpsynth.Plain()
	e, _ := k.apart(s)
	if e == nil {
		return
	}
	c := k.encoder(s)
	k.check(c.Announce(k.ctx))
	first, second := c.URL+"/"+c.Control(0), c.URL+"/"+c.Control(1)
	h := k.try(c.Client, 200, "SETUP", first, "Transport: RTP/AVP;unicast;client_port=16732-16733;mode=record")
	c.Session, _, _ = strings.Cut(h.Get("Session"), ";")
	k.try(c.Client, 400, "SETUP", second, "Transport: RTP/AVP;unicast;client_port=16733-16734;mode=record")
	k.try(c.Client, 200, "SETUP", second, "Transport: RTP/AVP/TCP;unicast;interleaved=2-3;mode=record")
	k.try(c.Client, 461, "RECORD", c.URL)
	k.try(c.Client, 200, "SETUP", first, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1;mode=record")
	k.check(c.Record(k.ctx))
	c.send(few)
	k.source("up")
}
