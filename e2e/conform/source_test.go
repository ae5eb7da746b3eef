package conform

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"streampump/bench/player"
	"streampump/bench/synth"
	"streampump/codec/asf"
	"streampump/codec/mmsh"
)

// sourceRows are about streams that the pump pulls.
func sourceRows() []row {
	return []row{
		{0, "PulledStream", "a pulled stream comes through; the source is asked as a player asks", "[MS-WMSP] 3.1.5", pulling, pulled("plain")},
		{0, "PulledHeaderInPieces", "a source's header in several $H is put together", "[MS-WMSP] 2.2.3.1.2", pulling, pulled("split")},
		{0, "PulledOddPackets", "$M, $P and the B flag of Windows Media Services are taken and not passed on", "[MS-WMSP] 2.2.3", pulling, pulled("windows")},
		{0, "PulledRedirect", "a redirect is followed", "RFC 9110, 15.4", pulling, pulled("moved")},
		{0, "PulledOctets", "application/octet-stream is taken for the media type", "VLC, Windows Media Services 4", pulling, pulled("octets")},
		{0, "PulledRefused", "a source that refuses is told of in the log and the status", "operators", pulling, pulledRefused},
	}
}

// manners are the ways in which the origin serves; each is a path of its own
// and the name of the stream that pulls it.
func manners() []string { return []string{"plain", "split", "windows", "moved", "octets", "refused"} }

// origin is a source to pull from: a server that plays one round of a stream
// to everybody and then keeps the connection.
type origin struct {
	ln   net.Listener
	done sync.WaitGroup
	over chan struct{}
	mu   sync.Mutex
	open map[net.Conn]bool
}

// originPackets is how many packets a round has.
const originPackets = 2 * gop

// startOrigin starts an origin that the test's end stops.
func startOrigin(t *testing.T) *origin {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &origin{ln: ln, over: make(chan struct{}), open: map[net.Conn]bool{}}
	o.done.Go(o.accept)
	t.Cleanup(o.stop)
	return o
}

// streams is the configuration of the streams that pull from the origin.
func (o *origin) streams() string {
	var list []string
	for _, m := range manners() {
		list = append(list, fmt.Sprintf(`{"type": "mmsh_pull", "path": %q, "source_options": {"url": "mmsh://%s/%s"}}`, m, o.ln.Addr(), m))
	}
	return strings.Join(list, ",\n")
}

func (o *origin) accept() {
	for {
		c, err := o.ln.Accept()
		if err != nil {
			return
		}
		o.mu.Lock()
		o.open[c] = true
		o.mu.Unlock()
		o.done.Go(func() {
			o.serve(c)
			_ = c.Close()
		})
	}
}

func (o *origin) stop() {
	close(o.over)
	_ = o.ln.Close()
	o.mu.Lock()
	for c := range o.open {
		_ = c.Close()
	}
	o.mu.Unlock()
	o.done.Wait()
}

// serve answers one request.
func (o *origin) serve(c net.Conn) {
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	manner := strings.Trim(r.URL.Path, "/")
	play := strings.Contains(strings.Join(r.Header["Pragma"], ","), "xPlayStrm=1")
	if play && !strings.Contains(strings.Join(r.Header["Pragma"], ","), "stream-switch-entry=ffff:1:0 ffff:2:0") {
		return // a Windows Media server sends only what is selected
	}
	_, _ = c.Write(originAnswer(manner, play))
	if play {
		<-o.over
	}
}

// originAnswer is everything that the origin says.
func originAnswer(manner string, play bool) []byte {
	switch manner {
	case "refused":
		return []byte("HTTP/1.0 403 Not For You\r\nContent-Length: 0\r\n\r\n")
	case "moved":
		return []byte("HTTP/1.0 302 Found\r\nLocation: /plain\r\nContent-Length: 0\r\n\r\n")
	}
	kind := describing
	switch {
	case manner == "octets":
		kind = "application/octet-stream"
	case play:
		kind = playing
	}
	b := fmt.Appendf(nil, "HTTP/1.0 200 OK\r\nServer: Cougar 9.1\r\nPragma: no-cache,client-id=5,features=\"broadcast\"\r\nContent-Type: %s\r\n\r\n", kind)
	e, err := synth.New(originSpec(manner))
	if err != nil {
		panic(err) // the rows' own specs are good
	}
	if manner == "windows" {
		b = append(mmsh.AppendPrefix(b, mmsh.IDMetadata, 0, mmsh.FlagWhole, 9), "metadata!"...)
	}
	b = appendPieces(b, e.Header(), manner)
	if play {
		b = appendRound(b, e, manner)
	}
	return b
}

func originSpec(manner string) synth.Spec {
	s := synth.Plain(rate)
	if manner == "split" {
		s.HeaderSize = 90_000
	}
	return s
}

// appendPieces appends a header, in three pieces where the manner is so.
func appendPieces(b, header []byte, manner string) []byte {
	if manner != "split" {
		return mmsh.AppendHead(b, header)
	}
	third := len(header) / 3
	for i, flags := range []byte{mmsh.FlagFirst, 0, mmsh.FlagLast} {
		piece := header[i*third : (i+1)*third]
		b = append(mmsh.AppendPrefix(b, mmsh.IDHeader, uint32(i), flags, len(piece)), piece...)
	}
	return b
}

// appendRound appends the packets of a round.
func appendRound(b []byte, e *synth.Encoder, manner string) []byte {
	for i := range originPackets {
		packet, _, err := e.Next()
		if err != nil {
			panic(err)
		}
		at := len(b)
		b = append(mmsh.AppendPrefix(b, mmsh.IDData, uint32(1000+i), byte(i), len(packet)), packet...)
		if manner == "windows" && i%2 == 0 {
			b[at] |= 0x80
		}
	}
	return b
}

// pulled views what the pump pulls in a manner.
func pulled(manner string) func(k *kit) {
	return func(k *kit) {
		k.path = manner
		k.taken(originPackets)
		h, err := synth.New(originSpec(manner))
		k.check(err)
		v := k.view(player.VLC(), player.Options{})
		v.until(func(c player.Counts) bool { return c.Last == originPackets-1 })
		parsed, err := asf.ParseHeader(h.Header())
		k.check(err)
		k.want(string(v.v.Header()) == string(parsed.Live()), "another header came through")
	}
}

func pulledRefused(k *kit) {
	k.path = "refused"
	k.logged("trying again", k.tag(), "403")
	k.await("the status tells why", func() bool { return strings.Contains(k.stream().Problem, "403") })
	h := k.refused(503, k.get(vlc, plays), "no source")
	k.want(h.Has("Retry-After"), "a 503 without Retry-After")
}
