package gate

import (
	"errors"
	"time"

	"streampump/bench/contest"
	"streampump/bench/feed"
	"streampump/bench/load"
	"streampump/bench/rival"
	"streampump/bench/segment"
	"streampump/bench/synth"
)

// Form is how thoroughly the gate measures.
type Form struct {
	Strict bool
	// Rounds is how often each scene is run; the strict form has five at least.
	Rounds int
	// Duration is how long each measurement is, and Stall how long a stall.
	Duration, Stall time.Duration
}

// Short is the form for every change: within four minutes.
func Short() Form { return Form{Rounds: 2, Duration: 2500 * time.Millisecond, Stall: 4 * time.Second} }

// Strict is the form for a release: about thirty minutes.
func Strict() Form {
	return Form{Strict: true, Rounds: 5, Duration: 5 * time.Second, Stall: 20 * time.Second}
}

// scene is one contest of the gate.
type scene struct {
	name   string
	what   string
	floor  bool
	rounds int // the form's if 0
	heats  []*contest.Heat
}

// watched is how many players are verified: enough to see a broken stream and
// to sample the delay.
const watched = 10

// tail is what a stalled player is given after its stall, to catch up.
const tail = 2 * time.Second

// quickBudget is a latency budget that is shorter than a picture of 25 a second
// lasts, so that each picture goes out as it comes.
const quickBudget = 20 * time.Millisecond

// manyPlayers is how many viewers one process must hold.
const manyPlayers = 19_000

// Least is how many players there must be room for: those of the largest scene
// that is not cut down to what there is.
const Least = 5000

// Reserve is how many descriptors are left for everything but players.
const Reserve = 128

// Setup says what the gate measures with.
type Setup struct {
	Pump  string // the pump's program; found if empty
	Place contest.Placement
	Video func(bitrate int) (synth.Spec, error) // the streams
	// Cubemap is nil where it is not installed.
	Cubemap *rival.Kind
	// Fronts are the servers that speak TLS for a pump and are installed.
	Fronts []*rival.Kind
	// Rivals are those that are there whose streams come and go over other protocols than MMSH.
	Rivals []*rival.Kind
	// Most is the most players that this process's descriptors allow. A scene of
	// more is left out, and its rows are not measured.
	Most int
}

// scenes are the contests of the gate.
func (f Form) scenes(s *Setup) ([]scene, error) {
	mega, err := s.Video(1_000_000)
	if err != nil {
		return nil, err
	}
	slow, err := s.Video(64_000)
	if err != nil {
		return nil, err
	}
	b := builder{f, s}
	heat := b.heat
	wire := heat(pump, mega, 1000, time.Second)
	wire.Load.Segment = segment.Ethernet
	hasty, budget := *wire, quickBudget
	hasty.Name, hasty.Fanout.Budget = quick, &budget
	once := 0 // the form's
	if !f.Strict {
		once = 1
	}
	all := []scene{
		{name: "main", what: "1,000 viewers of 1 Mbit/s", floor: true, heats: b.beside(heat(pump, mega, 1000, time.Second))},
		{name: "wire", what: "1,000 viewers of 1 Mbit/s, in segments of Ethernet", floor: true, rounds: once, heats: append(b.beside(wire), &hasty)},
		{name: "busy", what: "3,000 viewers of 1 Mbit/s", floor: true, heats: []*contest.Heat{heat(pump, mega, 3000, 2*time.Second)}},
		{name: "few", what: "100 viewers of 1 Mbit/s", rounds: once, heats: []*contest.Heat{heat(pump, mega, 100, 0)}},
	}
	joins := b.beside(heat(pump, slow, Least, 0))
	described := heat(describe, slow, Least, 0)
	described.Load.Describe = true
	all = append(all, scene{name: "join", what: "5,000 viewers of 64 kbit/s at once", heats: append(joins, described)})

	all = append(all, b.secured(mega, slow, once)...)

	feeds, err := b.feeds(once)
	if err != nil {
		return nil, err
	}
	all = append(all, feeds...)

	many := heat(pump, slow, manyPlayers, 4*time.Second)
	many.Cores = s.Place.All() // one process, all there is
	if s.Most >= manyPlayers { // the row is about so many, or not measured
		all = append(all, scene{name: "many", what: "19,000 viewers of 64 kbit/s", rounds: f.Rounds/2 + f.Rounds%2, heats: []*contest.Heat{many}})
	}

	calm, stall := heat(pump, mega, 500, time.Second), heat(stalled, mega, 500, time.Second)
	for _, h := range []*contest.Heat{calm, stall} {
		h.Load.Duration = f.Stall + tail
		h.Load.Verify = 2 * watched // of whom one stalls
	}
	stall.Load.Stall = load.Stall{Percent: 5, For: f.Stall}
	all = append(all, scene{name: "stall", what: "500 viewers of 1 Mbit/s, 5 % of whom stall", rounds: once, heats: []*contest.Heat{calm, stall}})

	one, two := heat(oneLoop, mega, 1000, time.Second), heat(twoLoops, mega, 1000, time.Second)
	one.Fanout.Loops, two.Fanout.Loops = 1, 2
	one.Cores, two.Cores = s.Place.All(), s.Place.All()
	return append(all, scene{name: "loops", what: "1,000 viewers of 1 Mbit/s on one loop and on two", rounds: once, heats: []*contest.Heat{one, two}}), nil
}

// securedStall is how long a viewer over TLS stalls: until all buffers are full, after
// which it costs no more memory.
const securedStall = 5 * time.Second

// securedJoiners is how many players join over TLS at once.
const securedJoiners = 2000

// secured are the scenes over TLS.
func (b *builder) secured(mega, slow synth.Spec, rounds int) []scene {
	over := func(name string, spec synth.Spec, players int, ramp time.Duration) *contest.Heat {
		h := b.heat(name, spec, players, ramp)
		h.TLS = true
		return h
	}
	heats := []*contest.Heat{b.heat(pump, mega, 1000, time.Second), over(secured, mega, 1000, time.Second)}
	fronts := b.setup.Fronts
	if !b.form.Strict && len(fronts) > 1 {
		fronts = fronts[:1] // one is enough to see a fault, and there is no time for more
	}
	for _, k := range fronts {
		h := over(k.Name, mega, 1000, time.Second)
		h.Kind, h.Path, h.Pump = k, "", b.setup.Pump
		heats = append(heats, h)
	}
	stall := over(securedStalled, mega, 400, time.Second)
	stall.Load.Duration, stall.Load.Stall = securedStall+tail, load.Stall{Percent: 50, For: securedStall}
	return []scene{
		{name: "tls", what: "1,000 viewers of 1 Mbit/s over TLS", floor: true, rounds: rounds, heats: heats},
		{name: "tls-join", what: "2,000 viewers of 64 kbit/s over TLS at once", rounds: rounds, heats: []*contest.Heat{over(secured, slow, securedJoiners, 0)}},
		{name: "tls-stall", what: "400 viewers of 1 Mbit/s over TLS, half of whom stall", rounds: rounds, heats: []*contest.Heat{stall}},
	}
}

// What streams over RTSP and RTMP are like.
const (
	// liveGOP is two seconds of pictures, as encoders have them.
	liveGOP = 50
	// livePacket is the most bytes of a packet over RTSP, as of those over MMSH.
	livePacket = 1400
	// besideRivals is how many viewers rivals have: some do not hold 1,000 on one core.
	besideRivals = 300
)

// feeds are the scenes over RTSP and RTMP. In the first the same pump has as many players over
// MMSH, of streams with the same packets.
func (b *builder) feeds(rounds int) ([]scene, error) {
	rtsp, err1 := b.over(feed.RTSP, rtspPump, 1_000_000, 1000)
	rtmp, err2 := b.over(feed.RTMP, rtmpPump, 1_000_000, 1000)
	fewRTSP, err3 := b.over(feed.RTSP, rtspPump, 1_000_000, besideRivals)
	fewRTMP, err4 := b.over(feed.RTMP, rtmpPump, 1_000_000, besideRivals)
	stallRTSP, err5 := b.stalls(feed.RTSP, rtspStalled)
	stallRTMP, err6 := b.stalls(feed.RTMP, rtmpStalled)
	if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
		return nil, err
	}
	likeRTSP, err1 := b.like(rtsp, rtspLike)
	likeRTMP, err2 := b.like(rtmp, rtmpLike)
	few, err3 := b.like(fewRTMP, rtmpLike)
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	return []scene{
		{
			name: "feeds", what: "1,000 viewers of 1 Mbit/s over MMSH, over RTSP and over RTMP", rounds: rounds,
			heats: []*contest.Heat{likeRTSP, rtsp, likeRTMP, rtmp},
		},
		{name: "rtsp-rivals", what: "300 viewers of 1 Mbit/s over RTSP", rounds: rounds, heats: append(b.besideAlone(fewRTSP, rtspAlone), b.rivals(fewRTSP)...)},
		{name: "rtmp-rivals", what: "300 viewers of 1 Mbit/s over RTMP, and 1,000, in segments of Ethernet", rounds: rounds, heats: b.overEthernet(fewRTMP, few, rtmp)},
		{name: "rtsp-stall", what: "100 viewers of 4 Mbit/s over RTSP, 10 % of whom stall", rounds: rounds, heats: []*contest.Heat{stallRTSP}},
		{name: "rtmp-stall", what: "100 viewers of 4 Mbit/s over RTMP, 10 % of whom stall", rounds: rounds, heats: []*contest.Heat{stallRTMP}},
	}, nil
}

// thousand is behind the names of heats with 1,000 viewers, where there are others with fewer.
const thousand = ", 1,000"

// overEthernet are heats over RTMP beside rivals, which leave Nagle's algorithm on: in larger
// segments they would send less often than in any real network. In the short form there is no
// time for most of it.
func (b *builder) overEthernet(few, likeFew, many *contest.Heat) []*contest.Heat {
	all := append(b.besideAlone(few, rtmpAlone), b.rivals(few)...)
	if b.form.Strict {
		all = append(all, likeFew)
		again := *many
		for _, h := range append([]*contest.Heat{&again}, b.rivals(many)...) {
			if h.Kind.Name != "mediamtx" { // does not hold so many on one core
				h.Name += thousand
				all = append(all, h)
			}
		}
	}
	for _, h := range all {
		h.Load.Segment = segment.Ethernet
	}
	return all
}

// over is a heat of the pump over a protocol, whose players come a millisecond apart.
func (b *builder) over(protocol, name string, bitrate, players int) (h *contest.Heat, err error) {
	h = b.heat(name, synth.Spec{}, players, time.Duration(players)*time.Millisecond)
	h.Feed, err = feed.Live(protocol, bitrate, liveGOP, livePacket)
	return h, err
}

// like is a heat of the pump over MMSH, with the packets of one over another protocol and as
// many players, who come as slowly: the measurement begins as long after the stream, so that
// there are as many key frames in it.
func (b *builder) like(of *contest.Heat, name string) (*contest.Heat, error) {
	spec, err := of.Feed.ASF()
	return b.heat(name, spec, of.Load.Players, of.Load.Ramp), err
}

// besideAlone is a heat and the same with one player, as long, which shows what grows without
// players. In the short form, in which no row about memory falls, there is no time for it.
func (b *builder) besideAlone(of *contest.Heat, name string) []*contest.Heat {
	if !b.form.Strict {
		return []*contest.Heat{of}
	}
	h := *of
	h.Name = name
	h.Load.Players, h.Load.Verify, h.Load.Ramp = 1, 1, 0
	h.Load.Duration += of.Load.Ramp
	return []*contest.Heat{of, &h}
}

// rivals are the same heat of the rivals that are there; in the short form, of the first.
func (b *builder) rivals(of *contest.Heat) (heats []*contest.Heat) {
	for _, k := range b.setup.Rivals {
		if k.Speaks(of.Feed.Protocol()) && (b.form.Strict || len(heats) == 0) {
			h := *of
			h.Kind, h.Name, h.Path, h.Pump = k, k.Name, "", b.setup.Pump
			heats = append(heats, &h)
		}
	}
	return heats
}

// stalls is a heat over a protocol in which players stall for longer than buffers last.
func (b *builder) stalls(protocol, name string) (*contest.Heat, error) {
	h, err := b.over(protocol, name, 4_000_000, 100)
	h.Load.Duration, h.Load.Stall = b.form.Stall+tail, load.Stall{Percent: 10, For: b.form.Stall}
	h.Load.Verify = 2 * watched // of whom two stall
	return h, err
}

// builder makes heats.
type builder struct {
	form  Form
	setup *Setup
}

// heat is one of the pump.
func (b *builder) heat(name string, spec synth.Spec, players int, ramp time.Duration) *contest.Heat {
	k, _ := rival.Named("pump") // there is one
	return &contest.Heat{
		Kind: k, Name: name, Path: b.setup.Pump, Cores: b.setup.Place.Server, Spec: spec,
		Load: load.Options{Players: players, Verify: watched, Ramp: ramp, Duration: b.form.Duration, Threads: 1},
	}
}

// beside is a heat and the same of Cubemap, if that is installed.
func (b *builder) beside(h *contest.Heat) []*contest.Heat {
	if b.setup.Cubemap == nil {
		return []*contest.Heat{h}
	}
	other := *h
	other.Kind, other.Name, other.Path = b.setup.Cubemap, cubemap, ""
	return []*contest.Heat{h, &other}
}

// seconds is about how long a scene takes.
func (f Form) seconds(s *scene) time.Duration {
	total := time.Duration(0)
	for _, h := range s.heats {
		total += h.Load.Expected() + around
	}
	if s.floor {
		total += s.heats[0].Load.Duration
	}
	return total * time.Duration(s.times(f))
}

// times is how often a scene is run.
func (s *scene) times(f Form) int {
	if s.rounds > 0 {
		return s.rounds
	}
	return f.Rounds
}

// around is about how long a server takes to start, to get the stream and to end.
const around = 1400 * time.Millisecond
