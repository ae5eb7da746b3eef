package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"streampump/cmd/internal/cli"
	"streampump/cmd/internal/fetch"
	"streampump/codec/asf"
	"streampump/config"
	"streampump/engine"
	"streampump/tuning"
	"streampump/tuning/capacity"
)

// capacityFlags are the options of doctor --capacity.
type capacityFlags struct {
	on         bool
	bitrate    cli.Bits
	packetSize int
	fps        float64
	card       string
	shares     shares
}

// add defines the options; defaults are those of a usual stream.
func (o *capacityFlags) add(f *pflag.FlagSet) {
	o.bitrate = 1_000_000
	f.BoolVar(&o.on, "capacity", false, "say how many viewers of CONFIG's streams this machine can carry, and what gives out first")
	f.Var(&o.bitrate, "bitrate", "bitrate of streams that do not run yet, with --capacity")
	f.IntVar(&o.packetSize, "packet-size", 1400, "packet size in bytes of streams that do not run yet, with --capacity")
	f.Float64Var(&o.fps, "fps", 25, "pictures a second (the packets of a picture come at once), with --capacity")
	f.StringVar(&o.card, "nic", "", "network card, by name (eth0) or by speed (10G, 500M), with --capacity")
	f.Var(&o.shares, "share", "how viewers are divided over the streams, with --capacity; a stream that is not named has 1")
}

// check refuses options that would have no effect.
func (o *capacityFlags) check(cmd *cobra.Command, args []string) error {
	without := []string{"all", "generator"} // of no effect with --capacity
	if !o.on {
		without = []string{"bitrate", "packet-size", "fps", "nic", "share"}
	}
	for _, name := range without {
		if cmd.Flags().Changed(name) {
			return fmt.Errorf("--%s has no effect %s --capacity", name, map[bool]string{true: "with", false: "without"}[o.on])
		}
	}
	switch {
	case o.on && len(args) == 0:
		return errors.New("CONFIG is missing: --capacity is about its streams")
	case o.packetSize < asf.PacketSizeMin || o.packetSize > asf.PacketSizeMax:
		return fmt.Errorf("--packet-size must be from %d to %d bytes", asf.PacketSizeMin, asf.PacketSizeMax)
	case !(o.fps > 0 && o.fps <= mostFPS):
		return fmt.Errorf("--fps must be above 0 and at most %d", mostFPS)
	}
	return nil
}

// capacity computes what the machine can carry, and tells.
func (e env) capacity(ctx context.Context, box *tuning.Box, c *config.Config, o capacityFlags, asJSON bool) error {
	running, why := e.running(ctx, c)
	streams, err := o.streamsOf(c, running)
	if err != nil {
		return err
	}
	p := planOf(box, c, streams)
	card, err := o.cardOf(box)
	if err != nil {
		return err
	}
	p.Card = card.bits
	price, err := e.price(ctx, p)
	if err != nil {
		return err
	}
	p.Price = price.line
	if p.Budget.Encrypted {
		p.Cipher = e.cipher()
	}
	est := capacity.Make(p)
	notes := assumptions(streams, why, card, price)
	if asJSON {
		return e.json(reportCapacity(est, streams, price, notes))
	}
	_, err = e.stdout.Write(appendCapacity(nil, est, streams, notes))
	return err
}

// mostFPS is more pictures than any camera of a live stream makes.
const mostFPS = 1000

// planned is a stream of the plan, and how its numbers are known.
type planned struct {
	capacity.Stream
	kind  string
	known string // where bitrate and packet size are known from
}

// Where a stream's numbers are known from.
const (
	assumed    = "assumed" // from the options
	fromHeader = "from the file's header"
	fromPump   = "from the running pump"
)

// keyFrames is how far key frames are apart at most, for the backlog: what is
// kept begins with one.
const keyFrames = 10 * time.Second

// streamsOf are the enabled streams of a configuration with their shares.
// What runs is as it runs; running is by path.
func (o *capacityFlags) streamsOf(c *config.Config, running map[string]fetch.StreamStatus) (all []planned, err error) {
	shares := o.shares
	total := 0
	for _, s := range c.Streams {
		if !s.Enabled {
			continue
		}
		parts, named := shares[s.Path]
		if !named {
			parts = 1
		}
		if parts < 0 || parts > maxParts {
			return nil, fmt.Errorf("--share gives %q %d parts; 0 to %d are possible", s.Path, parts, maxParts)
		}
		p := planned{kind: string(s.Type), known: assumed, Stream: capacity.Stream{
			Name: s.Path, Bitrate: int(o.bitrate), PacketSize: o.packetSize, Bursts: o.fps, Share: float64(parts),
			Viewers: s.Limits.Viewers, Bandwidth: int64(s.Limits.Bandwidth),
		}}
		if r, runs := running[s.Path]; runs {
			p.take(r)
		} else if s.Type == config.TypeFile {
			if err := p.readHeader(s.File); err != nil {
				return nil, fmt.Errorf("stream %q: %w", s.Path, err)
			}
		}
		b := c.Engine.Backlog
		p.Backlog = min(b.Bytes, int64(float64(p.Bitrate)/8*(b.Duration+keyFrames).Seconds()))
		total += parts
		all = append(all, p)
	}
	if total == 0 {
		return nil, errors.New("no stream is enabled, or none has viewers: there is nothing to compute")
	}
	for name := range shares {
		if !slices.ContainsFunc(all, func(p planned) bool { return p.Name == name }) {
			return nil, fmt.Errorf("--share names %q, but no stream with that path is enabled", name)
		}
	}
	for i := range all {
		all[i].Share /= float64(total)
	}
	return all, nil
}

// maxParts keeps shares from overflowing when they are added.
const maxParts = 1_000_000

// readHeader takes bitrate and packet size from an ASF file; a file whose header
// has no bitrate keeps the assumed one.
func (p *planned) readHeader(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, asf.HeaderMax))
	if err != nil {
		return err
	}
	h, err := asf.ParseHeader(b)
	if err != nil {
		return err
	}
	p.PacketSize = h.PacketSize()
	if h.Bitrate() > 0 {
		p.Bitrate, p.known = int(min(h.Bitrate(), cli.MaxBits)), fromHeader
	}
	return nil
}

// take takes what a running pump tells of the stream.
func (p *planned) take(r fetch.StreamStatus) {
	size := int(r.BytesIn / r.PacketsIn)
	p.PacketSize = min(max(size, asf.PacketSizeMin), asf.PacketSizeMax)
	p.Bitrate, p.known = int(min(r.Bitrate, cli.MaxBits)), fromPump
}

// running asks the pump that runs with the configuration for its streams, and
// returns those that have a source now; if there are none, why.
func (e env) running(ctx context.Context, c *config.Config) (streams map[string]fetch.StreamStatus, why string) {
	if !c.Admin.Enabled {
		return nil, "the configuration has no admin listener, so a running pump cannot be asked for its streams"
	}
	s, err := e.status(ctx, c.Admin.Listen.String())
	if err != nil {
		return nil, "no running pump could be asked for its streams: " + err.Error()
	}
	streams = map[string]fetch.StreamStatus{}
	for _, stream := range s.Streams {
		if stream.Bitrate > 0 && stream.PacketsIn > 0 {
			streams[stream.Path] = stream
		}
	}
	if len(streams) == 0 {
		why = "no stream of the running pump has a source at the moment"
	}
	return streams, why
}

// askPump asks the pump with an admin listener there.
func askPump(ctx context.Context, address string) (fetch.Status, error) {
	a, err := fetch.Parse(address)
	if err != nil {
		return fetch.Status{}, err
	}
	return a.Status(ctx)
}

// planOf is everything but the card and the price.
func planOf(box *tuning.Box, c *config.Config, streams []planned) *capacity.Plan {
	m := box.Machine
	loops := loopsOf(c, m)
	soft, _ := tuning.SoftLimit(m)
	processors := float64(max(1, len(m.CPUs)))
	if m.Quota > 0 {
		processors = min(processors, m.Quota)
	}
	hard, _ := box.Descriptors() // 0 is told as not known
	budget := c.Engine.Fanout.Budget
	p := &capacity.Plan{
		Loops: loops, Processors: processors,
		Turn: func(viewers int, packets, bursts float64) time.Duration {
			return engine.Turn(viewers, packets, bursts, budget)
		},
		Memory: box.Available(), SocketPages: box.SocketPages(), Descriptors: hard, Tracked: box.Tracked(),
		Reserved: reserved(c, m), Connections: c.Engine.Limits.Connections, Sessions: c.Engine.Limits.Sessions,
		Viewers: c.Engine.Limits.Viewers.Viewers, Bandwidth: int64(c.Engine.Limits.Viewers.Bandwidth),
		Budget: *budgetOf(c, enabled(c), m, soft),
	}
	for _, s := range streams {
		p.Streams = append(p.Streams, s.Stream)
	}
	return p
}

// card is the network card that counts.
type card struct {
	bits float64 // per second; 0 if it is not known
	how  string
}

// cardOf is the card of the options, or the fastest physical one.
func (o *capacityFlags) cardOf(box *tuning.Box) (card, error) {
	if o.card == "" {
		return fastest(box.Machine.Interfaces), nil
	}
	if bits, ok := parseSpeed(o.card); ok {
		return card{bits, "the network card's speed is as given, " + o.card + "bit/s"}, nil
	}
	mbits, exists := tuning.Speed(box.Root, o.card)
	switch {
	case !exists:
		return card{}, fmt.Errorf("--nic %s is neither an interface of this machine nor a speed such as 500M or 10G", o.card)
	case mbits == 0:
		return card{0, o.card + " does not report its speed; give it with --nic 10G"}, nil
	}
	return card{float64(mbits) * 1e6, "viewers are reached through " + o.card}, nil
}

func fastest(all []tuning.Interface) card {
	best := card{0, "no physical interface reports its speed; give it with --nic 10G"}
	for _, i := range all {
		if bits := float64(i.Speed) * 1e6; bits > best.bits {
			best = card{bits, "viewers are reached through " + i.Name + ", the fastest physical interface"}
		}
	}
	return best
}

// mostSpeed is a speed that no card has: a bound against slips.
const mostSpeed = 10e12

// parseSpeed reads a speed such as 500M, 2.5G or 100G in bits per second.
func parseSpeed(text string) (bits float64, ok bool) {
	for unit, factor := range map[string]float64{"M": 1e6, "G": 1e9} {
		if digits, found := strings.CutSuffix(text, unit); found {
			f, err := strconv.ParseFloat(digits, 64)
			return f * factor, err == nil && f > 0 && f*factor <= mostSpeed
		}
	}
	return 0, false
}
