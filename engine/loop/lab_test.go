package loop

import (
	"bytes"

	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"streampump/codec"
	"streampump/engine/admission"
	"streampump/engine/clock"
	"streampump/engine/internal/text"
	"streampump/engine/reason"
	"streampump/engine/ring"
	"streampump/engine/secure"
	"streampump/engine/settings"
	"streampump/engine/stream"
)

// lab runs an engine in virtual time, without sockets or goroutines: the kernel
// is a map, a wake is a flag, and the clock is a number that advance moves from
// deadline to deadline.
type lab struct {
	t      testing.TB
	e      *Group
	env    *stream.Env
	books  *admission.Books
	now    int64
	log    bytes.Buffer
	loops  []*labLoop
	peers  []*peer
	nextFd int
	tls    bool // connections are encrypted
	server *secure.Server
	maxTLS uint16 // the version of TLS that the server has at most; 0: the newest
	early  []byte // what encrypted peers say at once behind their handshakes
	silent bool   // no checks after each step: for counting
	// quieted are those that were not read at some time.
	quieted []*peer
}

// labLoop is the kernel and the reactor of one loop.
type labLoop struct {
	lab       *lab
	loop      *Loop
	woken     bool
	laid      []func() // what lies unread in sockets, in the order of its arrival
	later     []func() // the same, that arrived after the wake
	socks     map[int]*peer
	closed    int
	writes    int
	cost      time.Duration // of a write call, in virtual time
	before    func(p *peer) // called ahead of each write call, if set
	datagrams labDatagrams
	labEars
}

// peer is the far end of a connection, with its socket's buffer in between.
type peer struct {
	lab     *lab
	at      *labLoop
	name    string
	c       *Conn
	room    int // bytes the socket still takes; negative: no limit
	chunk   int // most bytes taken by one call; 0: no limit
	full    bool
	watched bool
	broken  bool
	fin     bool
	gone    bool
	mute    bool // what arrives is counted and not kept
	got     []byte
	total   int
	writes  int
	tries   int
	bases   []*byte // of the last call, if kept
	keep    bool
	tls     *farEnd // nil: plain
	deaf    bool    // what arrives is not looked at, from now on
	bye     bool    // the pump has said over TLS that nothing follows
	quiet   bool    // it is not read
	unread  []byte  // what lies in its socket meanwhile

	port  uint16     // the first to which it gets datagrams; 0: it gets none
	error unix.Errno // why they cannot be sent to it
	alone bool       // runs cannot be
}

// labConfig is the ordinary configuration without surprises by chance.
func labConfig() settings.Config {
	cfg := settings.Default()
	cfg.Timeouts.PullJitter = 0
	return cfg
}

// newLab makes a lab with the given streams, all pushed unless they say otherwise.
func newLab(t testing.TB, cfg settings.Config, streams ...settings.Stream) *lab {
	b := &lab{t: t, nextFd: 10, tls: *overTLS}
	if len(streams) == 0 {
		streams = []settings.Stream{{Name: "Live", Path: "live", Push: true}}
	}
	logger := slog.New(slog.NewTextHandler(&b.log, &slog.HandlerOptions{ReplaceAttr: noTime}))
	b.now = int64(time.Hour)
	b.env = &stream.Env{Settings: &cfg, Log: logger, Clock: clock.New(), Epochs: ring.NewEpochs(max(1, cfg.Loops))}
	b.env.Clock.Now = func() int64 { return b.now }
	b.env.Clock.Began = time.Unix(0, -b.now) // which makes it the epoch now
	if total := cfg.Backlog.Total; total > 0 {
		b.env.Pool, b.env.Share = ring.NewPool(total), total/2/int64(len(streams))
	}
	b.books = admission.New(Limits(&cfg, b.env.Clock.Now))
	b.e = NewGroup(b.env, b.books, streams, []codec.Protocol{text.Protocol{}})
	for _, l := range b.e.loops {
		ll := &labLoop{lab: b, loop: l, socks: map[int]*peer{}}
		l.Drive(labKernel{ll}, ll)
		l.SendFrom(6000, labPackets, labReports)
		ll.datagrams.room = -1
		b.loops = append(b.loops, ll)
	}
	return b
}

func noTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

func (k *labLoop) Wake() { k.woken = true }

// Listen implements [Reactor].
func (k *labLoop) Listen(c *Conn, on bool) {
	p := k.socks[int(c.fd)]
	p.quiet = !on
	if p.quiet && !slices.Contains(k.lab.quieted, p) {
		k.lab.quieted = append(k.lab.quieted, p)
	}
}

func (k *labLoop) Close(c *Conn) { k.hangup(k.socks[int(c.fd)]) }

// hangup is gnet's closing: the handler is told while the descriptor is valid.
func (k *labLoop) hangup(p *peer) {
	if p.gone {
		return
	}
	k.loop.Closed(p.c)
	p.gone = true
	delete(k.socks, int(p.c.fd))
	k.closed++
}

// labKernel is labLoop as a kernel.
type labKernel struct{ *labLoop }

func (k *labLoop) Writev(fd int, iov []unix.Iovec) (int, unix.Errno) {
	p := k.socks[fd]
	k.writes++
	p.tries++
	k.lab.now += int64(k.cost)
	if k.before != nil {
		k.before(p)
	}
	if p.broken {
		return 0, unix.EPIPE
	}
	want := 0
	for _, v := range iov {
		want += int(v.Len)
	}
	n := want
	if p.room >= 0 {
		n = min(n, p.room)
	}
	if p.chunk > 0 {
		n = min(n, p.chunk)
	}
	p.full = n < want
	if n == 0 {
		return 0, unix.EAGAIN
	}
	if p.room >= 0 {
		p.room -= n
	}
	p.take(iov, n)
	return n, 0
}

// take moves n bytes to the peer.
func (p *peer) take(iov []unix.Iovec, n int) {
	p.writes++
	if p.deaf {
		return
	}
	if p.tls == nil {
		p.total += n
	}
	if p.keep {
		p.bases = p.bases[:0]
		for _, v := range iov {
			p.bases = append(p.bases, v.Base)
		}
	}
	for _, v := range iov {
		if p.port != 0 && bytes.IndexByte(unsafe.Slice(v.Base, v.Len), '<') >= 0 {
			p.lab.t.Errorf("%s is sent packets over its connection", p.name)
		}
		if p.mute && p.tls == nil || n == 0 {
			return
		}
		k := min(n, int(v.Len))
		p.gets(unsafe.Slice(v.Base, k))
		n -= k
	}
}

// gets keeps what the peer was sent, in clear.
func (p *peer) gets(b []byte) {
	if p.tls != nil {
		var bye bool
		b, bye = p.tls.open(b)
		p.bye = p.bye || bye
		p.total += len(b)
	}
	if !p.mute {
		p.got = append(p.got, b...)
	}
}

func (k *labLoop) HalfClose(fd int) {
	p := k.socks[fd]
	if p.tls != nil && !p.bye && !p.deaf && p.room < 0 {
		k.lab.t.Errorf("%s is cut off without TLS's last word", p.name)
	}
	p.fin = true
}

func (k *labLoop) Watch(fd int) error { k.watch(fd, true); return nil }

func (k *labLoop) Unwatch(fd int) { k.watch(fd, false) }

func (k *labLoop) watch(fd int, on bool) {
	if p := k.socks[fd]; p != nil {
		p.watched = on
		return
	}
	k.datagrams.watch(fd, on)
}

// Ready tells of a full socket once, like an edge-triggered set.
func (k *labLoop) Ready(fds []int32) (n int) {
	if k.datagrams.again() && n < len(fds) {
		fds[n] = int32(k.datagrams.watched)
		n++
	}
	n += k.rung(fds[n:])
	for _, p := range k.lab.peers {
		if p.at == k && p.watched && p.full && p.room != 0 && n < len(fds) {
			p.full = false
			fds[n] = p.c.fd
			n++
		}
	}
	return n
}

// dial opens a connection to the given loop, as the door does.
func (b *lab) dial(name string, loop int, addr string) *peer {
	k := b.loops[loop]
	b.nextFd++
	ap := netip.AddrPortFrom(netip.MustParseAddr(addr), uint16(b.nextFd))
	ticket, refused := b.books.Enter(ap.Addr())
	if refused != reason.None {
		ticket, _ = b.books.Refuse(1 << 20)
	}
	c := NewConn(k.loop, ap, ticket, refused)
	p := &peer{lab: b, at: k, name: name, c: c, room: -1}
	if b.tls {
		var s *secure.Conn
		p.tls, s = b.handshake()
		c.Encrypt(s)
	}
	k.socks[b.nextFd] = p
	b.peers = append(b.peers, p)
	k.loop.Opened(c, nil, b.nextFd)
	b.run()
	return p
}

// peer finds one by its name.
func (b *lab) peer(name string) *peer {
	for i := len(b.peers) - 1; i >= 0; i-- {
		if b.peers[i].name == name {
			return b.peers[i]
		}
	}
	b.t.Fatalf("there is no peer %q", name)
	return nil
}

// viewer opens a connection that plays the stream.
func (b *lab) viewer(name string, loop int, request string) *peer {
	p := b.dial(name, loop, "10.0.0.1")
	p.send(request + "\n")
	return p
}

// encoder opens a connection that publishes the stream.
func (b *lab) encoder(path, header string) *peer {
	p := b.dial("enc-"+path, 0, "10.0.0.9")
	p.send("PUBLISH " + path + "\n" + header + "\n")
	return p
}

// send delivers bytes as one read of the peer's loop.
func (p *peer) send(s string) { p.sendBytes([]byte(s)) }

func (p *peer) sendBytes(s []byte) {
	if p.gone {
		return
	}
	p.arrives(s)
	p.lab.run()
}

// arrives has the peer's loop read b, and nothing else. While the loop does not read
// the peer, b lies in its socket.
func (p *peer) arrives(b []byte) { p.reads(p.seals(b)) }

// reads has the peer's loop read what came over the network, as much at once as a loop
// reads, until it reads the peer no longer.
func (p *peer) reads(b []byte) {
	for len(p.unread) == 0 && len(b) > 0 && !p.gone && !p.quiet { // from where it lies: benchmarks count it
		n := min(len(b), labRead)
		p.at.loop.Traffic(p.c, b[:n])
		b = b[n:]
	}
	p.unread = append(p.unread, b...)
	for p.readsOn() {
	}
}

// readsOn has the peer's loop read some of what lies in its socket; false if there is
// nothing, or it is not to be read.
func (p *peer) readsOn() bool {
	if p.gone || p.quiet || len(p.unread) == 0 {
		return false
	}
	b := p.unread[:min(len(p.unread), labRead)]
	p.unread = p.unread[len(b):]
	if len(p.unread) == 0 {
		p.unread = nil
	}
	p.at.loop.Traffic(p.c, b)
	return true
}

// labRead is how much is read at once.
const labRead = 64 << 10

// seals is what goes over the network for b.
func (p *peer) seals(b []byte) []byte {
	if p.tls == nil {
		return b
	}
	return p.tls.seal(b)
}

// hangup closes the peer's side.
func (p *peer) hangup() {
	p.at.hangup(p)
	p.lab.run()
}

// halfClose closes the peer's own side, as reactor.keepHalf has it.
func (p *peer) halfClose() {
	if p.gone || p.c.half {
		return
	}
	if !p.c.Owed() {
		p.hangup()
		return
	}
	k, old := p.at, int(p.c.fd)
	p.lab.nextFd++
	k.socks[p.lab.nextFd] = p
	k.loop.HalfClosed(p.c, p.lab.nextFd)
	delete(k.socks, old)
	p.lab.run()
}

// setRoom changes what the socket takes and wakes the loop, as the watcher does.
func (p *peer) setRoom(n int) {
	p.room = n
	if p.watched && p.full && n != 0 {
		p.at.loop.Wake()
	}
	p.lab.run()
}

// run lets the loops that were woken run until none is.
func (b *lab) run() {
	for rounds := 0; ; rounds++ {
		ran := false
		for _, k := range b.loops {
			ran = k.round() || ran
		}
		if !ran {
			b.check()
			return
		}
		if rounds > 100000 {
			b.t.Fatal("the loops wake each other forever")
		}
	}
}

// round is what an event loop does between two waits: it reads the sockets that
// were ready before the wake, and then runs.
func (k *labLoop) round() (ran bool) {
	for _, p := range k.lab.quieted {
		ran = p.at == k && p.readsOn() || ran
	}
	for len(k.laid) > 0 {
		read := k.laid[0]
		k.laid, ran = k.laid[1:], true
		read()
		k.lab.check()
	}
	if k.woken {
		k.woken, ran = false, true
		k.laid, k.later = k.later, nil
		k.loop.Run()
		k.lab.check()
	}
	return ran
}

// lay leaves bytes in the socket of the peer's loop, which reads them when it comes
// to it.
func (p *peer) lay(s string) {
	b := p.seals([]byte(s))
	read := func() {
		if !p.gone {
			p.reads(b)
		}
	}
	if p.at.woken {
		p.at.later = append(p.at.later, read)
		return
	}
	p.at.laid = append(p.at.laid, read)
}

// advance walks time from deadline to deadline, as clock.Clock.Run does: it looks at
// the deadlines only at the time that the clock knew of, or was told.
func (b *lab) advance(d time.Duration) {
	end := b.now + int64(d)
	for {
		at := b.env.Clock.Next()
		if at > end {
			break
		}
		b.now = max(b.now, at)
		b.env.Clock.Look(b.e.Due)
		b.run()
	}
	b.now = end
}

// shutdown does what Engine.Shutdown does, in virtual time.
func (b *lab) shutdown() {
	b.e.SayGoodbye()
	b.run()
}

// finish ends the lab: every connection goes, and nothing may be left behind.
func (b *lab) finish() {
	b.t.Helper()
	big := b.silent
	for i, p := range b.peers {
		b.silent = big && i%100 != 0 // a check looks at everybody
		p.hangup()
	}
	b.silent = false
	b.check()
	for _, st := range b.e.order {
		st.Close("this server is going down")
	}
	for _, st := range b.e.order {
		if n := st.Snapshot().Backlog; n != 0 {
			b.t.Errorf("stream %s still holds %d bytes at the end", st.Config.Path, n)
		}
	}
	if n := b.env.Buffers.Out(); n != 0 {
		b.t.Errorf("%d packet buffers are still out at the end", n)
	}
	b.checkEars()
	if n := b.e.Connections(); n != 0 {
		b.t.Errorf("%d connections are still counted at the end", n)
	}
	if !b.books.Empty() {
		b.t.Errorf("the books are not empty at the end: %d open", b.books.Open())
	}
}

// text is what the peer received since the last look, packets as numbers: runs
// are joined, T marks a trimmed one, and an incomplete rest is counted.
func (p *peer) text() string {
	var out []string
	for len(p.got) > 0 {
		word, n := p.token(p.got)
		if n == 0 {
			break
		}
		p.got = p.got[n:]
		out = append(out, word)
	}
	words := joinRuns(out)
	if len(p.got) > 0 {
		words = append(words, fmt.Sprintf("+%dB", len(p.got)))
	}
	return strings.Join(words, " ")
}

// token is the first whole thing in b: a line, a head or a packet.
func (p *peer) token(b []byte) (string, int) {
	end := byte('\n')
	switch c := b[0]; {
	case c == '{':
		end = '}'
	case c == '[':
		end = ']'
	case c == '(':
		end = ')'
	case c == '<' || c >= '0' && c <= '9':
		end = ';'
	}
	i := bytes.IndexByte(b, end)
	if i < 0 {
		return "", 0
	}
	s := string(b[:i+1])
	switch end {
	case '\n':
		return "\"" + strings.TrimSpace(s) + "\"", i + 1
	case ';':
		s, _, _ = strings.Cut(strings.TrimPrefix(s, "<"), ":")
	}
	return s, i + 1
}

// joinRuns writes 3 4 5 as 3-5. K is not shown: which packets are key frames is
// the encoder's affair.
func joinRuns(words []string) (out []string) {
	first, last := -1, -1
	flush := func() {
		switch {
		case first < 0:
		case first == last:
			out = append(out, fmt.Sprint(first))
		default:
			out = append(out, fmt.Sprintf("%d-%d", first, last))
		}
		first = -1
	}
	for _, w := range words {
		n, ok := 0, false
		if c := w[0]; c >= '0' && c <= '9' {
			_, err := fmt.Sscanf(w, "%d", &n)
			ok = err == nil && !strings.HasSuffix(w, "T")
		}
		switch {
		case ok && first >= 0 && n == last+1:
			last = n
		case ok:
			flush()
			first, last = n, n
		default:
			flush()
			out = append(out, w)
		}
	}
	flush()
	return out
}
