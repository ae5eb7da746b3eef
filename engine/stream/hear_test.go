package stream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"streampump/codec"
	"streampump/engine/clock"
	"streampump/engine/internal/text"
	"streampump/engine/ring"
	"streampump/engine/settings"
	"streampump/engine/trust"
	"streampump/engine/udp"
)

// camera is a source on a real connection that sends its packets as datagrams.
type camera struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
	at   []*net.UDPConn // its ports
	ours []uint16
}

// word is what it is told next in brackets, but that time passes.
func (c *camera) word() string {
	for {
		_, err := c.in.ReadString('(')
		word, err2 := c.in.ReadString(')')
		if err != nil || err2 != nil {
			return "nothing"
		}
		if word != "TICK)" {
			return strings.TrimSuffix(word, ")")
		}
	}
}

// want compares what it is told next.
func (c *camera) want(word string) {
	c.t.Helper()
	if got := c.word(); got != word {
		c.t.Errorf("the source was told %q, want %q", got, word)
	}
}

func (c *camera) say(lines string) {
	if _, err := c.conn.Write([]byte(lines)); err != nil {
		c.t.Errorf("the source cannot say %q: %v", lines, err)
	}
}

// socket is one of its own, at its address.
func (c *camera) socket() *net.UDPConn {
	s, err := net.ListenUDP("udp", &net.UDPAddr{IP: c.conn.LocalAddr().(*net.TCPAddr).IP})
	if err != nil {
		c.t.Error(err)
	}
	c.t.Cleanup(func() { _ = s.Close() })
	return s
}

// asks has the pump ask for n ports.
func (c *camera) asks(n int) {
	c.say(fmt.Sprintf("WANT %d it has no other way\n", n))
	var to string
	words := strings.Fields(c.word())
	if len(words) != n+3 || words[0] != "OURS" {
		c.t.Errorf("asked for %d ports, got %q", n, words)
		return
	}
	for _, w := range words[1 : n+1] {
		p, _ := strconv.ParseUint(w, 10, 16)
		c.ours = append(c.ours, uint16(p))
	}
	if to = words[n+2]; to != "127.0.0.1" {
		c.t.Errorf("the source is said to be at %s", to)
	}
}

// begins has the pump ask for n ports, and names its own.
func (c *camera) begins(n int) {
	c.asks(n)
	from := "FROM"
	for range n {
		s := c.socket()
		c.at = append(c.at, s)
		from += fmt.Sprintf(" %d", s.LocalAddr().(*net.UDPAddr).Port)
	}
	c.say(from + "\n")
	c.want("GO")
}

// sends sends datagrams from a socket to the pump's port of a channel.
func (c *camera) sends(from *net.UDPConn, channel int, datagrams ...string) {
	to := netip.AddrPortFrom(c.conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr(), c.ours[channel])
	for _, d := range datagrams {
		if _, err := from.WriteToUDPAddrPort([]byte(d), to); err != nil {
			c.t.Error(err)
		}
	}
}

// heard is what became of an attempt at a camera.
type heard struct {
	st  *Stream
	err error
	log strings.Builder
	// taken is how many descriptors were taken at most.
	taken int64
}

// hearOnce makes one attempt at a camera that does what serve says. The session ticks when
// it is told to.
func hearOnce(ctx context.Context, t *testing.T, every time.Duration, change func(*settings.Config), serve func(c *camera)) *heard {
	t.Helper()
	addr := listen(t, func(conn net.Conn) {
		defer conn.Close()
		serve(&camera{t: t, conn: conn, in: bufio.NewReader(conn)})
	})
	cfg := settings.Default()
	cfg.Datagrams.First = 6970
	if change != nil {
		change(&cfg)
	}
	var h heard
	var open, most atomic.Int64
	env := &Env{
		Settings: &cfg, Log: slog.New(slog.NewTextHandler(&h.log, nil)), Clock: clock.New(), Epochs: ring.NewEpochs(1),
		Dial: func(context.Context, string, string) (net.Conn, error) { return net.Dial("tcp", addr) },
		Ears: func(n int) bool {
			most.Store(max(most.Load(), open.Add(int64(n))))
			return true
		},
	}
	sc := settings.Stream{Path: "live", Pull: &settings.Pull{Open: func() codec.Dialled { return text.NewTalk(every) }}}
	h.st = New(env, sc, nil, func(int64, bool) {})
	h.err = h.st.pullOnce(ctx, NewIngest(h.st))
	h.st.Close("the test is over")
	if h.taken = most.Load(); open.Load() != 0 {
		t.Errorf("%d descriptors are still taken", open.Load())
	}
	return &h
}

// wants compares how an attempt ended, and how many packets came.
func (h *heard) wants(t *testing.T, err string, packets uint64) {
	t.Helper()
	if h.err == nil || h.err.Error() != err {
		t.Errorf("it ended with %v, want %s", h.err, err)
	}
	if n := h.st.stats.packetsIn.Load(); n != packets {
		t.Errorf("%d packets came, want %d", n, packets)
	}
}

// A source's packets come from the ports that it names, in whatever time; strangers are not
// heard, and the connection's end of the stream is the end.
func TestPullOverUDP(t *testing.T) {
	h := hearOnce(t.Context(), t, time.Hour, nil, func(c *camera) {
		c.begins(2)
		for i, s := range c.at {
			b := make([]byte, 100)
			n, from, err := s.ReadFromUDPAddrPort(b)
			if err != nil || string(b[:n]) != fmt.Sprintf("knock %d", i) || from.Port() != c.ours[i] {
				c.t.Errorf("%q came from %s, %v", b[:n], from, err)
			}
		}
		stranger := c.socket()
		c.sends(stranger, 0, "H lies\n", "Pk lie\n")
		c.sends(c.at[1], 0, "H lies\n", "Pk lie\n") // is no packet's port
		c.sends(c.at[0], 0, "H A\n", "Pk x\nP y\n")
		c.sends(c.at[1], 1, "P report\n", "WAIT 5\nP late\nFINISH\n")
		c.want("END ended")
	})
	h.wants(t, "the source ended its stream", 4)
	if h.taken != 3 {
		t.Errorf("%d descriptors were taken, for two sockets and what waits for them", h.taken)
	}
	if log := h.log.String(); strings.Count(log, "source sends its packets over UDP") != 1 || strings.Contains(log, "WARN") || h.st.env.Unheard.Load() != 0 {
		t.Errorf("%d were not heard; the log says\n%s", h.st.env.Unheard.Load(), log)
	}
}

// What is said goes over the connection meanwhile, its end is the end of the source, and
// with each tick the way is opened anew.
func TestPullOverUDPGoesOnTalking(t *testing.T) {
	h := hearOnce(t.Context(), t, time.Millisecond, nil, func(c *camera) {
		c.begins(2)
		for range 3 { // and more than the first
			for i, s := range c.at {
				b := make([]byte, 100)
				if n, _, err := s.ReadFromUDPAddrPort(b); err != nil || string(b[:n]) != fmt.Sprintf("knock %d", i) {
					c.t.Errorf("%q, %v", b[:n], err)
				}
			}
		}
		c.sends(c.at[0], 0, "H A\n", "Pk x\n")
		c.say("REPLY one\n")
		c.want("RE one")
		c.sends(c.at[0], 0, "P y\n")
		_ = c.conn.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, c.in)
	})
	h.wants(t, "the source closed the connection (source0:80)", 2)
}

// The end of ctx ends the wait for datagrams, and the session has its last word.
func TestPullOverUDPIsEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	h := hearOnce(ctx, t, time.Hour, nil, func(c *camera) {
		c.begins(4)
		cancel()
		c.want("END shutdown")
	})
	h.wants(t, context.Canceled.Error()+" (source0:80)", 0)
}

// A source that sends nothing by UDP is told from others.
func TestPullOverUDPThatIsSilent(t *testing.T) {
	short := func(cfg *settings.Config) {
		cfg.Timeouts.PullConnect, cfg.Timeouts.PullSilence = 300*time.Millisecond, 50*time.Millisecond
	}
	hearOnce(t.Context(), t, time.Hour, short, func(c *camera) {
		c.begins(2)
		c.sends(c.socket(), 0, "H lies\n")
		c.want("END idle")
	}).wants(t, "nothing of the source's stream came over UDP within 300ms; a firewall on the way may keep it out (source0:80)", 0)
	hearOnce(t.Context(), t, time.Hour, short, func(c *camera) {
		c.begins(2)
		c.sends(c.at[0], 0, "H A\nPk x\n")
		c.want("END idle")
	}).wants(t, "the source sent no packet for 50ms over UDP (source0:80)", 1)
}

// What is too long is counted, and what comes faster than a source may send waits.
func TestPullOverUDPThatIsTooMuch(t *testing.T) {
	const rate, sent = 100, 150
	limited := func(cfg *settings.Config) { cfg.Limits.Packets = rate }
	h := hearOnce(t.Context(), t, time.Hour, limited, func(c *camera) {
		c.begins(2)
		c.sends(c.at[0], 0, "H A audio\n", strings.Repeat("x", udp.Longest+1))
		for range sent {
			c.sends(c.at[0], 0, "P x\n")
		}
		c.sends(c.at[0], 0, "FINISH\n")
		c.want("END ended")
	})
	h.wants(t, "the source ended its stream", sent)
	if n := h.st.env.Unheard.Load(); n != 1 {
		t.Errorf("%d were not heard, want 1", n)
	}
	for _, want := range []string{"source sends too fast over UDP, and what is too much is lost", "were lost here\" stream=live packets=1"} {
		if log := h.log.String(); strings.Count(log, want) != 1 {
			t.Errorf("the log does not say %q once:\n%s", want, log)
		}
	}
}

// Where packets cannot come as datagrams the source is told nothing further, and the operator
// why.
func TestPullThatIsNotHeard(t *testing.T) {
	refused := func(cfg *settings.Config) { cfg.Datagrams.First = 0 }
	hearOnce(t.Context(), t, time.Hour, refused, func(c *camera) {
		c.say("WANT 2 it has no other way\n")
		c.want("END refused")
	}).wants(t, "it has no other way, and packets over UDP are switched off here (source0:80)", 0)
	hearOnce(t.Context(), t, time.Hour, nil, func(c *camera) {
		c.say("FROM 5000 5001\n") // nobody asked
		c.want("END refused")
	}).wants(t, errNoPorts.Error()+" (source0:80)", 0)
	hearOnce(t.Context(), t, time.Hour, nil, func(c *camera) {
		c.begins(2)
		c.say("WANT 2 more\n")
		c.want("END refused")
	}).wants(t, "more, and "+errNoPorts.Error()+" (source0:80)", 0)
}

// farConn is a connection to somebody who is far away.
type farConn struct{ *net.TCPConn }

func (farConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 554} }

func TestMayHear(t *testing.T) {
	addr := listen(t, func(net.Conn) {})
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	pipe, other := net.Pipe()
	defer pipe.Close()
	defer other.Close()
	near, anyone := settings.Datagrams{First: 6970}, settings.Datagrams{First: 6970, Anyone: true}
	for name, c := range map[string]struct {
		conn      net.Conn
		datagrams settings.Datagrams
		tls       *trust.Conn
		proxied   bool
		want      error
		peer      string
	}{
		"near":         {conn: conn, datagrams: near, peer: "127.0.0.1"},
		"far":          {conn: farConn{conn.(*net.TCPConn)}, datagrams: near, want: errFar},
		"far_and_may":  {conn: farConn{conn.(*net.TCPConn)}, datagrams: anyone, peer: "192.0.2.1"},
		"off":          {conn: conn, want: errMuted},
		"TLS":          {conn: conn, datagrams: anyone, tls: &trust.Conn{}, want: errInClear},
		"proxy":        {conn: conn, datagrams: anyone, proxied: true, want: errBehind},
		"no_connector": {conn: pipe, datagrams: anyone, want: errNoPorts},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := settings.Default()
			cfg.Datagrams = c.datagrams
			a := &attempt{st: &Stream{env: &Env{Settings: &cfg}}, conn: c.conn, tls: c.tls, proxied: c.proxied}
			_, peer, err := a.mayHear()
			if !errors.Is(err, c.want) || err == nil && peer.String() != c.peer {
				t.Errorf("%s, %v, want %s, %v", peer, err, c.peer, c.want)
			}
		})
	}
}

// A source for which there is no descriptor is refused, and takes none.
func TestPullWithoutDescriptors(t *testing.T) {
	asked := 0
	cfg := settings.Default()
	cfg.Datagrams.First = 6970
	addr := listen(t, func(net.Conn) {})
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	env := &Env{Settings: &cfg, Ears: func(n int) bool {
		asked += n
		return false
	}}
	a := &attempt{st: &Stream{env: env}, conn: conn, sess: text.NewTalk(time.Hour)}
	if _, err := a.openPorts(t.Context(), &codec.Ports{1, 1, 1, 1}); !errors.Is(err, errSpareEar) || asked != 5 || a.hearing != nil {
		t.Errorf("%v; asked for %d", err, asked)
	}
}
