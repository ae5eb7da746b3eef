package conform

import (
	"bytes"
	"errors"
	"io"

	"streampump/bench/player"
	"streampump/bench/push"
	"streampump/bench/synth"
	"streampump/codec/asf"
)

// encoder pushes a synthetic stream, a packet at a time.
type encoder struct {
	*push.Client
	k       *kit
	src     *synth.Encoder
	records []player.Record // of what was sent
	packet  []byte          // the newest
	key     int             // number of the newest packet that starts a key frame
}

// rate is the bit rate of the rows' streams: some 20 packets a second.
const rate = 500_000

// gop is the packets in which a stream of that rate surely has a key frame.
const gop = 40

// encoder connects an encoder for the row's stream.
func (k *kit) encoder(s synth.Spec, o push.Options) *encoder {
	k.Helper()
	src, err := synth.New(s)
	k.check(err)
	if o.Path == "" {
		o.Path = k.pushURL()
	}
	if o.Timeout == 0 {
		o.Timeout = patience
	}
	o.TLS = k.all.transport.client()
	c, err := push.Dial(k.ctx, k.addr, o)
	k.check(err)
	k.Cleanup(func() { _ = c.Close() })
	return &encoder{Client: c, k: k, src: src}
}

// push brings a stream up: setup, start, header and the first packet.
func (k *kit) push(s synth.Spec) *encoder {
	k.Helper()
	e := k.encoder(s, push.Options{})
	e.setup()
	e.begin(push.Endless)
	return e
}

// setup opens a session.
func (e *encoder) setup() {
	e.k.Helper()
	_, err := e.Setup(e.k.ctx, push.AutoDestroy)
	e.k.check(err)
}

// begin starts a body of a length and waits until the stream is up and has the
// first packet, at which a viewer that comes next will start: one that waits
// for a key frame starts at the newest when it is looked after.
func (e *encoder) begin(length int64) {
	e.k.Helper()
	e.header(length)
	before := e.k.stream().PacketsIn
	e.send(1)
	e.k.taken(int(before) + 1)
}

// header starts a body of a length, and waits until the stream is up.
func (e *encoder) header(length int64) {
	e.k.Helper()
	e.k.check(e.Start(e.k.ctx, length))
	e.k.check(e.Header(e.k.ctx, e.src.Header()))
	e.k.source("up")
}

// sent is how many data packets were sent since the newest header.
func (e *encoder) sent() int { return len(e.records) }

// next makes the next packet and takes note of it.
func (e *encoder) next() []byte {
	e.k.Helper()
	packet, _, err := e.src.Next()
	e.k.check(err)
	r, err := player.RecordOf(uint32(len(e.records)), packet, e.src.PacketSize())
	e.k.check(err)
	h, err := asf.ParseHeader(e.src.Header())
	e.k.check(err)
	var p asf.Packet
	e.k.check(p.Parse(packet, e.src.PacketSize()))
	if h.StartsKey(&p, packet) {
		e.key = len(e.records)
	}
	e.records = append(e.records, r)
	e.packet = packet
	return packet
}

// send sends n data packets.
func (e *encoder) send(n int) {
	e.k.Helper()
	for range n {
		e.k.check(e.Data(e.k.ctx, e.next()))
	}
}

// refused waits for the answer that ends the push and checks it.
func (e *encoder) refused(want int, words ...string) {
	e.k.Helper()
	_, err := e.Answer(e.k.ctx)
	var status *push.StatusError
	e.k.want(errors.As(err, &status), "the encoder is told %v and not %d", err, want)
	e.k.refusal(want, status.Head, status.Text, words...)
}

// left waits for the connection's end without an answer.
func (e *encoder) left() {
	e.k.Helper()
	h, err := e.Answer(e.k.ctx)
	e.k.want(errors.Is(err, io.EOF), "the connection should end, and there is %v (%v)", h, err)
}

// viewer is a player whose every packet is judged.
type viewer struct {
	*player.Conn
	k *kit
	v *player.Verifier
}

// view opens the row's stream as a client does and waits for the header.
func (k *kit) view(c player.Client, o player.Options) *viewer {
	k.Helper()
	return k.viewWith("", c, o)
}

// viewWith is view with a query in the address.
func (k *kit) viewWith(query string, c player.Client, o player.Options) *viewer {
	k.Helper()
	w := player.Viewer{Client: c, Addr: k.addr, Path: k.url() + query, Timeout: patience, Dial: k.connect}
	conn, _, err := w.Play(k.ctx)
	k.check(err)
	k.Cleanup(func() { _ = conn.Close() })
	return k.watch(conn, c, o)
}

// watch judges the body of a Play from its beginning, and waits for the header.
func (k *kit) watch(conn *player.Conn, c player.Client, o player.Options) *viewer {
	k.Helper()
	o.Plain, o.Switch, o.Records = c.Plain, c.Switch, 1<<12
	if o.Object == nil {
		o.Object = player.Pattern()
	}
	v := &viewer{Conn: conn, k: k, v: player.NewVerifier(o)}
	v.until(func(c player.Counts) bool { return c.Headers == 1 })
	return v
}

// until reads until enough says so.
func (v *viewer) until(enough func(player.Counts) bool) player.Counts {
	v.k.Helper()
	v.k.check(v.Verify(v.k.ctx, v.v, enough))
	c := v.v.Counts()
	v.k.want(enough(c), "the stream ended with %+v", c)
	return c
}

// packets reads until n data packets are there.
func (v *viewer) packets(n int) player.Counts {
	v.k.Helper()
	return v.until(func(c player.Counts) bool { return c.Packets >= int64(n) })
}

// reaches reads until the newest packet of an encoder is there.
func (v *viewer) reaches(e *encoder) player.Counts {
	v.k.Helper()
	return v.until(func(c player.Counts) bool { return c.Packets > 0 && int(c.Last) >= e.sent()-1 })
}

// over reads to the end of the connection and checks that $E(0) came before it.
func (v *viewer) over() player.Counts {
	v.k.Helper()
	v.k.check(v.Verify(v.k.ctx, v.v, func(player.Counts) bool { return false }))
	c := v.v.Counts()
	v.k.want(c.Ended, "the connection ended without $E: %+v", c)
	return c
}

// same checks that the viewer's packets are those of the encoder and returns
// how many were compared.
func (v *viewer) same(e *encoder, by player.By) int {
	v.k.Helper()
	n, err := player.Compare(e.records, v.v.Records(), by)
	v.k.check(err)
	return n
}

// header checks that a body is one whole $H and returns the ASF header in it.
func (k *kit) header(body string) []byte {
	k.Helper()
	var f player.Framing
	n, p, ok, err := f.Next([]byte(body))
	k.check(err)
	k.want(ok && n == len(body) && p.Kind == player.KindHeader, "%d bytes are no single $H", len(body))
	return bytes.Clone(p.Payload)
}
