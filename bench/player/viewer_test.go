package player

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"streampump/bench/answer"
)

const (
	mmshHead = "HTTP/1.0 200 OK\r\nServer: Rex/12.0.7600.16385\r\nCache-Control: no-cache\r\n" +
		"Pragma: no-cache\r\nPragma: client-id=2146473015\r\nPragma: features=\"broadcast,playlist\"\r\n"
	describeHead = mmshHead + "Content-Type: application/vnd.ms.wms-hdr.asfv1\r\nContent-Length: %d\r\nConnection: %s\r\n\r\n"
	playHead     = mmshHead + "Content-Type: application/x-mms-framed\r\nConnection: close\r\n\r\n"
	plainHead    = "HTTP/1.0 200 OK\r\nServer: Rex/12.0.7600.16385\r\nContent-Type: video/x-ms-asf\r\nConnection: close\r\n\r\n"
)

// fakePump answers each connection as a pump would that has one stream.
type fakePump struct {
	t    *testing.T
	addr string
	// serve gets each request's head and writes the answer; it reports whether
	// another request may follow on the connection.
	serve func(request string, w io.Writer) (keep bool)
}

func start(t *testing.T, serve func(string, io.Writer) bool) *fakePump {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	p := &fakePump{t, l.Addr().String(), serve}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.talk(c)
		}
	}()
	return p
}

func (p *fakePump) talk(c net.Conn) {
	defer func() { _ = c.Close() }()
	r := bufio.NewReader(c)
	for {
		var head strings.Builder
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			head.WriteString(line)
			if line == "\r\n" {
				break
			}
		}
		if !p.serve(head.String(), c) {
			return
		}
	}
}

// stream serves a sample as a pump does: a Describe, a Play, and a file for
// those who do not speak MMSH.
func (m *sample) stream(t *testing.T, from int) func(string, io.Writer) bool {
	header := mms('H', 0, 0x0C, m.header)
	framed := slices.Concat(append(m.framed(t, from, len(m.packets)), reason('E', 0))...)
	plain := m.plain(t, from, len(m.packets))
	return func(request string, w io.Writer) bool {
		switch {
		case !strings.Contains(request, "NSPlayer") || strings.Contains(request, "WMFSDK/"):
			_, _ = io.WriteString(w, plainHead)
			_, _ = w.Write(plain)
		case strings.Contains(request, "xPlayStrm=1"):
			_, _ = io.WriteString(w, playHead)
			_, _ = w.Write(framed)
		default:
			keep := !strings.Contains(strings.ToLower(request), "connection: close")
			connection := "close"
			if keep {
				connection = "Keep-Alive"
			}
			_, _ = fmt.Fprintf(w, describeHead, len(header), connection)
			_, _ = w.Write(header)
			return keep
		}
		return false
	}
}

func forever(Counts) bool { return false }

func TestEveryClientPlays(t *testing.T) {
	m := take(t, spec(), 80)
	p := start(t, m.stream(t, m.key(t, 10)))
	for _, client := range Clients() {
		t.Run(client.Name, func(t *testing.T) {
			w := &Viewer{Client: client, Addr: p.addr, Path: "/streams/demo"}
			c, _, err := w.Play(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			v := NewVerifier(Options{Plain: client.Plain, Object: Pattern()})
			if err := c.Verify(t.Context(), v, forever); err != nil {
				t.Fatal(err)
			}
			if n := v.Counts(); n.Packets != int64(80-m.key(t, 10)) || n.Ended == client.Plain {
				t.Errorf("%+v", n)
			}
		})
	}
}

func TestDescribe(t *testing.T) {
	m := take(t, spec(), 20)
	p := start(t, m.stream(t, m.key(t, 0)))
	for _, client := range []Client{VLC(), WMP12()} {
		w := &Viewer{Client: client, Addr: p.addr, Path: "/streams/demo"}
		d, err := w.Describe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if d.ID != 2146473015 || string(d.Header) != string(m.header) || (d.Conn != nil) != client.SameConn {
			t.Errorf("%s: client-id %d, header of %d bytes, kept %v", client.Name, d.ID, len(d.Header), d.Conn != nil)
		}
		if d.Conn != nil {
			_ = d.Conn.Close()
		}
	}
}

func TestStatusError(t *testing.T) {
	p := start(t, func(_ string, w io.Writer) bool {
		_, _ = io.WriteString(w, "HTTP/1.0 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
		return false
	})
	for _, client := range []Client{VLC(), Curl(), PlayOnly()} {
		w := &Viewer{Client: client, Addr: p.addr, Path: "/streams/demo"}
		_, _, err := w.Play(t.Context())
		var status *StatusError
		if !errors.As(err, &status) || status.Head.Status != 503 {
			t.Errorf("%s: %v", client.Name, err)
		}
	}
}

// TestDescribeFaults: answers on which a player hangs or fails.
func TestDescribeFaults(t *testing.T) {
	m := take(t, spec(), 3)
	header := string(mms('H', 0, 0x0C, m.header))
	good := fmt.Sprintf(describeHead, len(header), "close") + header
	for name, text := range map[string]string{
		"more-behind":   good + "x",
		"cut":           good[:len(good)-1],
		"data-as-well":  fmt.Sprintf(describeHead, len(header)+len(mms('D', 0, 0, m.packets[0])), "close") + header + string(mms('D', 0, 0, m.packets[0])),
		"no-length":     strings.Replace(good, "Content-Length", "Content-Lengths", 1),
		"no-header":     fmt.Sprintf(describeHead, 0, "close"),
		"huge":          fmt.Sprintf(describeHead, int64(1)<<40, "close"),
		"not-http":      "ICY 200 OK\r\n\r\n",
		"wrong-packets": fmt.Sprintf(describeHead, 8, "close") + string(reason('E', 0)),
	} {
		p := start(t, func(_ string, w io.Writer) bool {
			_, _ = io.WriteString(w, text)
			return false
		})
		w := &Viewer{Client: VLC(), Addr: p.addr, Path: "/x"}
		if d, err := w.Describe(t.Context()); err == nil {
			t.Errorf("%s: described as %d bytes", name, len(d.Header))
		}
	}
}

// TestContextEndsWaiting: a pump that says nothing holds nobody whose context
// is over.
func TestContextEndsWaiting(t *testing.T) {
	hold := make(chan struct{})
	t.Cleanup(func() { close(hold) })
	asked := make(chan struct{})
	p := start(t, func(string, io.Writer) bool {
		close(asked)
		<-hold
		return false
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	w := &Viewer{Client: VLC(), Addr: p.addr, Path: "/x", Timeout: time.Hour}
	if _, err := w.Describe(ctx); err == nil {
		t.Error("described by a pump that says nothing")
	}
}

// TestStalledReader: a caller stops reading and comes back.
func TestStalledReader(t *testing.T) {
	m := take(t, spec(), 200)
	p := start(t, m.stream(t, m.key(t, 0)))
	w := &Viewer{Client: PlayOnly(), Addr: p.addr, Path: "/x"}
	c, _, err := w.Play(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	v := NewVerifier(Options{Object: Pattern()})
	for _, stop := range []int64{1, 20, 60} {
		if err := c.Verify(t.Context(), v, func(n Counts) bool { return n.Packets >= stop }); err != nil || v.Counts().Packets < stop {
			t.Fatalf("%v, %+v", err, v.Counts())
		}
	}
	if err := c.Verify(t.Context(), v, forever); err != nil || !v.Counts().Ended {
		t.Errorf("%v, %+v", err, v.Counts())
	}
}

func TestPackets(t *testing.T) {
	m := take(t, spec(), 10)
	p := start(t, m.stream(t, 0))
	w := &Viewer{Client: PlayOnly(), Addr: p.addr, Path: "/x"}
	c, _, err := w.Play(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var kinds []byte
	for {
		packet, err := c.Packet(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, packet.Kind)
	}
	if string(kinds) != "HDDDDDDDDDDE" {
		t.Errorf("packets %s", kinds)
	}
}

func TestRequests(t *testing.T) {
	for _, c := range Clients() {
		for _, b := range [][]byte{c.AppendDescribe(nil, "/s/t", "h:1"), c.AppendPlay(nil, "/s/t", "h:1", 77)} {
			text := string(b)
			if text == "" && c.Describe == "" {
				continue
			}
			if !strings.HasPrefix(text, "GET /s/t HTTP/1.") || !strings.Contains(text, "\r\nHost: h:1\r\n") ||
				!strings.HasSuffix(text, "\r\n\r\n") || strings.Count(text, "\r\n\r\n") != 1 || strings.Contains(text, "{path}") {
				t.Errorf("%s sends %q", c.Name, text)
			}
		}
		if play := string(c.AppendPlay(nil, "/", "h", 0)); strings.Contains(play, "xPlayStrm=1") == c.Plain {
			t.Errorf("%s plays with %q", c.Name, play)
		}
	}
	if play := string(WMP12().AppendPlay(nil, "/", "h", 77)); !strings.Contains(play, "client-id=77\r\n") {
		t.Errorf("the client-id is not in %q", play)
	}
}

func TestCheckAnswers(t *testing.T) {
	parse := func(text string) *answer.Head {
		h, _, err := answer.Parse([]byte(text))
		if err != nil || h == nil {
			t.Fatalf("%q: %v", text, err)
		}
		return h
	}
	describe := fmt.Sprintf(describeHead, 5, "close")
	if err := errors.Join(CheckDescribe(parse(describe)), CheckPlay(parse(playHead)), CheckPlain(parse(plainHead))); err != nil {
		t.Fatal(err)
	}
	spoil := []struct{ name, old, new string }{
		{"status", "200 OK", "404 Not Found"},
		{"no-reason", "200 OK", "200"},
		{"server", "Server: Rex/", "Server: nginx/"},
		{"no-server", "Server: Rex/12.0.7600.16385\r\n", ""},
		{"type", "Content-Type: application/", "Content-Type: text/"},
		{"type-with-charset", "\r\nConnection", ";charset=UTF-8\r\nConnection"},
		{"chunked", "\r\nConnection", "\r\nTransfer-Encoding: chunked\r\nConnection"},
		{"location", "\r\nConnection", "\r\nLocation: /\r\nConnection"},
		{"no-cache", "Pragma: no-cache\r\n", ""},
		{"client-id", "client-id=2146473015", "client-id=x"},
		{"playlist-first", "broadcast,playlist", "playlist,broadcast"},
		{"seekable", "broadcast,playlist", "broadcast,seekable"},
	}
	for _, s := range spoil {
		if err := CheckPlay(parse(strings.Replace(playHead, s.old, s.new, 1))); err == nil {
			t.Errorf("%s: passes as the answer to a Play", s.name)
		}
	}
	for _, text := range []string{playHead, strings.Replace(describe, "Content-Length: 5\r\n", "", 1)} {
		if CheckDescribe(parse(text)) == nil {
			t.Errorf("%q passes as the answer to a Describe", text)
		}
	}
	for _, s := range []struct{ old, new string }{
		{"200", "206"}, {"video/x-ms-asf", "application/x-mms-framed"}, {"close", "keep-alive"}, {"Connection", "Content-Length: 7\r\nConnection"},
	} {
		if CheckPlain(parse(strings.Replace(plainHead, s.old, s.new, 1))) == nil {
			t.Errorf("raw ASF passes with %q", s.new)
		}
	}
}
