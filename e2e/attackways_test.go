//go:build e2e

package e2e

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"streampump/bench/attack"
	"streampump/bench/rtpsynth"
	"streampump/bench/rtspclient"
)

// overTLS is an attack of the table over RTSP, made over TLS.
func overTLS(name string) *attack.Attack {
	k, err := attack.OverTLS(name)
	if err != nil {
		panic(err) // the rows' own names are good
	}
	return &k
}

// stallsSoon has viewers be given up soon.
const stallsSoon = `"timeouts": {"viewer_stall": "1s"}, "backlog": {"max_lag": "1s"}, "fanout": {"notsent_lowat": "16KiB"},`

// stallsSoonAtOnce does so too, and has no packets held to be sent together: those who watch
// a stream with many viewers wait up to 90 ms with them, whoever they are, and here many
// attackers watch what the healthy ones do.
const stallsSoonAtOnce = `"timeouts": {"viewer_stall": "1s"}, "backlog": {"max_lag": "1s"}, "fanout": {"notsent_lowat": "16KiB", "latency_budget": 0},`

// datagramScenes are the attacks over RTSP by viewers whose packets go by UDP. Some of the
// healthy ones' do.
func datagramScenes() []attackScene {
	const film = "/" + healthyStream
	return []attackScene{
		{name: "rtsp-udp", rtsp: true, udp: true, config: stallsSoonAtOnce, memory: 48 << 20, open: 760, rows: []attackRow{
			{name: "rtsp-udp-deaf", view: film, must: "datagrams that nobody takes are lost on their way, and no other viewer's with them", answers: []string{"200"}},
			{name: "rtsp-udp-turns", view: film, must: "a viewer by UDP that stops and begins again and again costs no more than one over the connection", answers: []string{"200"}, closes: []string{"viewer_stopped"}},
			{name: "rtsp-udp-switches", view: film, must: "the tracks of a session go one way or the other, whatever way they went before", answers: []string{"200", "461"}},
			{name: "rtsp-udp-half-closes", view: film, must: "who closes its side of the connection is sent nothing further, and closed", answers: []string{"200"}},
			{name: "rtsp-udp-asks", view: film, must: "a viewer by UDP that takes no answers is closed", answers: []string{"200"}, closes: []string{"answer_stalled"}},
			{name: "rtsp-udp-aims", view: film, must: "packets go to the address that a viewer connects from, whatever it names", answers: []string{"200"}},
			{name: "rtsp-udp-strangers", view: film, must: "what comes to the pump's ports for packets is not read, and means nothing to anybody", answers: []string{"200"}},
		}},
		{name: "rtsp-udp-left", rtsp: true, udp: true, config: `"limits": {"connections": 450},`, memory: 32 << 20, open: 660, rows: []attackRow{
			{name: "rtsp-udp-left", view: film, must: "an address has so many sessions by UDP that do not play, the oldest makes room, and a viewer from elsewhere is let in", closes: []string{"too_many_idle"}, during: anotherViewer},
		}},
	}
}

// secureScenes are the attacks over RTSP that are made over TLS. Some of the healthy viewers
// watch over TLS.
func secureScenes() []attackScene {
	const film = "/" + healthyStream
	// Who is closed comes back with another handshake, and those have rows of their own.
	few, fewer := attack.Bounds{Connections: 100, Rate: 200}, attack.Bounds{Connections: 15}
	return []attackScene{
		{name: "rtsps-viewers", rtsp: true, tls: true, config: stallsSoonAtOnce, memory: 64 << 20, open: 560, rows: []attackRow{
			{name: "rtsps-turns", kind: overTLS("rtsp-turns"), bounds: fewer, view: film, must: "over TLS as well, a viewer that stops and begins again and again costs no more than as many that join", closes: []string{"viewer_stopped"}},
			{name: "rtsps-asks", kind: overTLS("rtsp-asks"), bounds: fewer, view: film, must: "so has a viewer a rate for its requests", closes: []string{"too_many_requests"}},
			{name: "rtsps-talks", kind: overTLS("rtsp-talks"), view: film, must: "packets and reports of a viewer are decrypted at the rate that it has, and forgotten"},
			{name: "rtsps-sips", kind: overTLS("rtsp-sips"), view: film, must: "a viewer that takes a byte now and then holds a record of its own, and no picture"},
			{name: "rtsps-hellos", kind: overTLS("rtsp-hellos"), view: film, must: "handshakes for a request each take turns by address, and viewers over TLS from elsewhere are let in", answers: []string{"200"}, during: filmOverTLS},
		}},
		{name: "rtsps-encoders", rtsp: true, tls: true, config: `"backlog": {"bytes": "8MiB"}, "timeouts": {"request": "1s", "keep_alive": "1s", "drain": "1s"},`, memory: 64 << 20, open: 360, rows: []attackRow{
			{name: "rtsps-frames", kind: overTLS("rtsp-frames"), push: "/rtsps-frames", must: "frames over TLS are passed over, carried or left out, whatever their length"},
			{name: "rtsps-tiny", kind: overTLS("rtsp-tiny"), push: "/rtsps-tiny", must: "an encoder over TLS has a rate for its packets, however small they are, and the backlog its budget", after: secureEncoderHasARate},
			{name: "rtsps-shapes", kind: overTLS("rtsp-shapes"), view: film, push: "/rtsps-shapes", must: "what is no request over RTSP is answered over TLS as it is in clear, forged sessions among it"},
			{name: "rtsps-slow-fields", kind: overTLS("rtsp-slow-fields"), view: film, must: "fields that come byte by byte over TLS have the time of a request", answers: []string{"408"}},
			{name: "rtsps-slow-body", kind: overTLS("rtsp-slow-body"), push: "/rtsps-slow-body", must: "so has a description", answers: []string{"408"}},
		}},
		{name: "rtsps-crowd", rtsp: true, tls: true, config: stallsSoonAtOnce, memory: 64 << 20, open: 760, rows: []attackRow{
			{name: "rtsps-never-reads", kind: overTLS("rtsp-never-reads"), bounds: few, view: film, must: "viewers over TLS that take nothing hold a record each, and are closed when their time is up", closes: []string{"viewer_stalled"}},
			{name: "rtsps-left", kind: overTLS("rtsp-left"), bounds: few, view: film, must: "sessions over TLS that do not play wait as long as others, and a viewer over TLS from elsewhere is let in", answers: []string{"200"}, during: filmOverTLS},
		}},
	}
}

// filmOverTLS has viewers watch the healthy stream over TLS, one after another, from another
// address than the attack's. Each gets pictures.
func filmOverTLS(p *pump, target string) error {
	d := tls.Dialer{
		NetDialer: &net.Dialer{LocalAddr: &net.TCPAddr{IP: sourceAddress(99)}, Timeout: patience},
		Config:    &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // the certificate is the test's own
	}
	for i := range 10 {
		c, err := d.Dial("tcp", target)
		if err != nil {
			return fmt.Errorf("viewer %d over TLS, from another address, is turned away: %w", i, err)
		}
		v := rtspclient.NewViewer(&rtspclient.Client{Conn: rtspclient.NewConn(c, patience)}, fmt.Sprintf("rtsps://%s/%s", target, healthyStream), rtpsynth.Plain())
		err = v.Open(p.t.Context())
		if err == nil {
			err = v.Until(p.t.Context(), func(n rtpsynth.Counts) bool { return n.Packets[rtpsynth.Video] > 0 })
		}
		if err = errors.Join(err, c.Close()); err != nil {
			return fmt.Errorf("viewer %d over TLS, from another address: %w", i, err)
		}
		time.Sleep(glance)
	}
	return nil
}

// filmIsFedByOne wants nobody to have taken the healthy stream over.
func filmIsFedByOne(t *testing.T, p *pump) {
	t.Helper()
	if s := streamOf(p.status(), healthyStream); s.State != "up" || s.Programmes != 1 || s.Splices != 0 {
		t.Errorf("the healthy stream: %+v", s)
	}
}
