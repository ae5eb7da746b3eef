package conform

import (
	"bufio"
	"crypto/tls"
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
	"streampump/internal/pki"
)

// sourceRows are about streams that the pump pulls.
func sourceRows() []row {
	return []row{
		{0, "PulledStream", "a pulled stream comes through; the source is asked as a player asks", "[MS-WMSP] 3.1.5", pulling, pulled("plain")},
		{0, "PulledHeaderInPieces", "a source's header in several $H is put together", "[MS-WMSP] 2.2.3.1.2", pulling, pulled("split")},
		{0, "PulledOddPackets", "$M, $P and the B flag of Windows Media Services are taken and not passed on", "[MS-WMSP] 2.2.3", pulling, pulled("windows")},
		{0, "PulledRedirect", "a redirect is followed", "RFC 9110, 15.4", pulling, pulled("moved")},
		{0, "PulledRelativeRedirect", "a redirect may be relative, and one of 300 with a Location is one", "RFC 9110, 10.2.2; [MS-WMSP] 3.1.5.5", pulling, pulledRelative},
		{0, "PulledThroughNamedProxy", "a 305 names the proxy through which the source is asked", "[MS-WMSP] 3.1.5.5", pulling, pulled("proxied")},
		{0, "PulledOverTLS", "a source with TLS that proves its name is pulled, and so is one to which a redirect leads", "RFC 9110, 4.3.4", pulling, pulledOverTLS},
		{0, "PulledWithoutProof", "a source that does not prove its name, or leads out of TLS, is not pulled but told of", "operators", pulling, pulledWithoutProof},
		{0, "PulledInterim", "interim answers before the one that counts are passed over", "RFC 9110, 15.2", pulling, pulled("interim")},
		{0, "PulledStrangers", "a source that is a playlist, plain ASF or a web page is told of as that", "operators", pulling, pulledStrangers},
		{0, "PulledOctets", "application/octet-stream is taken for the media type", "VLC, Windows Media Services 4", pulling, pulled("octets")},
		{0, "PulledRefused", "a source that refuses is told of in the log and the status", "operators", pulling, pulledRefused},
	}
}

// manners are the ways in which the origin serves; each is a path of its own
// and the name of the stream that pulls it.
func manners() []string {
	return []string{
		"plain", "split", "windows", "moved", "octets", "refused",
		"relative", "network", "choices", "proxied", "interim", "asx", "asf", "html",
		"secure", "upgraded", "unnamed", "downgraded",
	}
}

// options are the source_options of the stream that pulls in a manner.
func (o *origin) options(manner string) string {
	switch manner {
	case "secure", "downgraded":
		return fmt.Sprintf(`"url": "mmshs://%s/%s"`, o.secure.Addr(), manner)
	case "unnamed":
		return fmt.Sprintf(`"url": "mmshs://%s/%s", "ssl_name": "source.example"`, o.secure.Addr(), manner)
	}
	return fmt.Sprintf(`"url": "mmsh://%s/%s"`, o.ln.Addr(), manner)
}

// origin is a source to pull from: a server that plays one round of a stream
// to everybody and then keeps the connection.
type origin struct {
	ln     net.Listener
	secure net.Listener // the same with TLS
	roots  string       // a file with the authority that vouches for it
	done   sync.WaitGroup
	over   chan struct{}
	mu     sync.Mutex
	open   map[net.Conn]bool
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
	secure, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &origin{ln: ln, over: make(chan struct{}), open: map[net.Conn]bool{}}
	root := pki.New(t, "Test Root")
	o.roots = pki.Write(t, t.TempDir(), "root.pem", root.PEM())
	o.secure = tls.NewListener(secure, &tls.Config{Certificates: []tls.Certificate{root.Issue(nil, "127.0.0.1")}})
	o.done.Go(func() { o.accept(o.ln) })
	o.done.Go(func() { o.accept(o.secure) })
	t.Cleanup(o.stop)
	return o
}

// streams is the configuration of the streams that pull from the origin.
func (o *origin) streams() string {
	var list []string
	for _, m := range manners() {
		list = append(list, fmt.Sprintf(`{"type": "mmsh_pull", "path": %q, "source_options": {%s}}`, m, o.options(m)))
	}
	return strings.Join(list, ",\n")
}

func (o *origin) accept(ln net.Listener) {
	for {
		c, err := ln.Accept()
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
	_ = o.secure.Close()
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
	if manner == "proxied" && r.URL.IsAbs() {
		manner = "plain"
	}
	places := strings.NewReplacer("{origin}", o.ln.Addr().String(), "{secure}", o.secure.Addr().String())
	_, _ = c.Write([]byte(places.Replace(string(originAnswer(manner, play)))))
	if play {
		<-o.over
	}
}

// originHeads are the answers of manners that send a pull away; {origin} stands
// for the origin's address, and {secure} for the one with TLS.
var originHeads = map[string]string{
	"refused":    "403 Not For You",
	"moved":      "302 Found\r\nLocation: /plain",
	"relative":   "301 Moved Permanently\r\nLocation: ./x/../plain?a#b",
	"network":    "307 Temporary Redirect\r\nLocation: //{origin}/plain",
	"choices":    "300 Multiple Choices\r\nLocation: plain",
	"proxied":    "305 Use Proxy\r\nLocation: http://{origin}/",
	"upgraded":   "301 Moved Permanently\r\nLocation: https://{secure}/plain",
	"downgraded": "302 Found\r\nLocation: http://{origin}/plain",
}

// originPages are the bodies of manners that have no stream, and their types.
var originPages = map[string][2]string{
	"asx":  {plainASF, "<ASX version=\"3.0\"><Entry><Ref href=\"mms://{origin}/plain\"/></Entry></ASX>"},
	"asf":  {plainASF, "\x30\x26\xB2\x75\x8E\x66\xCF\x11\xA6\xD9\x00\xAA\x00\x62\xCE\x6C and so on"},
	"html": {"text/html", "<!DOCTYPE html><title>A page</title>"},
}

// originAnswer is everything that the origin says.
func originAnswer(manner string, play bool) []byte {
	if head := originHeads[manner]; head != "" {
		return []byte("HTTP/1.0 " + head + "\r\nContent-Length: 0\r\n\r\n")
	}
	if page := originPages[manner]; page[0] != "" {
		return []byte("HTTP/1.0 200 OK\r\nContent-Type: " + page[0] + "\r\n\r\n" + page[1])
	}
	kind := describing
	switch {
	case manner == "octets":
		kind = "application/octet-stream"
	case play:
		kind = playing
	}
	var b []byte
	if manner == "interim" {
		b = []byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
	}
	b = fmt.Appendf(b, "HTTP/1.0 200 OK\r\nServer: Cougar 9.1\r\nPragma: no-cache,client-id=5,features=\"broadcast\"\r\nContent-Type: %s\r\n\r\n", kind)
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

func pulledRelative(k *kit) {
	for _, manner := range []string{"relative", "network", "choices"} {
		pulled(manner)(k)
	}
}

func pulledOverTLS(k *kit) {
	for _, manner := range []string{"secure", "upgraded"} {
		pulled(manner)(k)
	}
}

func pulledWithoutProof(k *kit) {
	toldOf(k, map[string]string{
		"unnamed":    "the source's certificate is for 127.0.0.1 and not for source.example",
		"downgraded": "redirects us from TLS",
	})
}

func pulledStrangers(k *kit) {
	toldOf(k, map[string]string{
		"asx": "answers with a playlist", "asf": "sends plain ASF", "html": "answers with a web page",
	})
}

// toldOf wants the log and the status to say why streams are not pulled.
func toldOf(k *kit, words map[string]string) {
	for manner, words := range words {
		k.path = manner
		k.logged("trying again", k.tag(), words)
		k.await("the status tells why", func() bool { return strings.Contains(k.stream().Problem, words) })
	}
}
