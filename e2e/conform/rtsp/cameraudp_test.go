package rtsp

import (
	"fmt"
	"net"
	"strings"

	"streampump/bench/rtpsynth"
)

// cameraMouth is where a camera that sends by UDP sends a track from.
type cameraMouth struct {
	mouth
	sent int
	held []rtpsynth.Packet
}

// setupUDP is what a camera that sends by UDP answers to SETUP.
func (s *cameraSession) setupUDP(a ask, session string) string {
	transport := a.fields["transport"]
	_, ports, _ := strings.Cut(transport, "client_port=")
	var first, second int
	if _, err := fmt.Sscanf(ports, "%d-%d", &first, &second); err != nil || strings.Contains(transport, "TCP") {
		return status(a, "461 Unsupported Transport", "")
	}
	packets, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", first))
	if err != nil {
		return status(a, "500 Internal Server Error", "")
	}
	reports, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", second))
	if err != nil {
		_ = packets.Close()
		return status(a, "500 Internal Server Error", "")
	}
	s.apart = append(s.apart, &cameraMouth{mouth: mouth{packets, reports}})
	from := func(c net.Conn) int { return c.LocalAddr().(*net.UDPAddr).Port }
	source := ""
	if s.manner.source != "" {
		source = ";source=" + s.manner.source
	}
	return ok(a, "", fmt.Sprintf("Transport: RTP/AVP;unicast;client_port=%d-%d;server_port=%d-%d%s", first, second, from(packets), from(reports), source), session)
}

// put sends a packet: once there are some, each third is overtaken by the next two, of which
// the first comes again behind it.
func (m *cameraMouth) put(p rtpsynth.Packet) error {
	if p.Report {
		_, err := m.reports.Write(p.Bytes)
		return err
	}
	if m.sent++; m.sent < few {
		_, err := m.packets.Write(p.Bytes)
		return err
	}
	if m.held = append(m.held, p); len(m.held) < 3 {
		return nil
	}
	for _, i := range [4]int{1, 2, 0, 1} {
		if _, err := m.packets.Write(m.held[i].Bytes); err != nil {
			return err
		}
	}
	m.held = m.held[:0]
	return nil
}

// tracks is how many tracks are set up.
func (s *cameraSession) tracks() int { return len(s.channels) + len(s.apart) }

// hush closes where the session has sent from.
func (s *cameraSession) hush() {
	for _, m := range s.apart {
		_ = m.packets.Close()
		_ = m.reports.Close()
	}
}

// cameraOverUDP watches a camera that sends by UDP, and looks at what it was asked.
func cameraOverUDP(k *kit) {
	v := k.pulls(manner{udp: true, source: "127.0.0.1", timeout: 2})
	c := v.until(func(c rtpsynth.Counts) bool { return c.All() >= many })
	k.want(c.Gaps == [2]int{}, "viewers miss packets: %+v", c)
	k.want(k.pump.Status().Unheard == 0, "packets of the camera were lost in the pump")
	var tcp, udp int
	for _, a := range k.cam.asked("SETUP") {
		if strings.Contains(a.fields["transport"], "TCP") {
			tcp++
		} else {
			udp++
		}
	}
	k.want(tcp == 1 && udp == 2, "it was asked for TCP %d times and for UDP %d times", tcp, udp)
	k.await("a keep-alive over the connection", func() bool { return len(k.cam.asked("GET_PARAMETER")) > 0 })
	k.want(len(k.cam.asked("PLAY")) == 1, "the pump came again")
}

// cameraFromElsewhere is a camera that would send from another address.
func cameraFromElsewhere(k *kit) {
	k.cam.begins(manner{udp: true, source: "127.0.0.2"})
	k.await("the pump has left it", func() bool { return strings.Contains(k.stream().Problem, `from "127.0.0.2"`) })
	k.want(len(k.cam.asked("PLAY")) == 0, "it was asked to play all the same")
}
