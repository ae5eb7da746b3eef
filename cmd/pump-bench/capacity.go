package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"streampump/bench/climb"
	"streampump/bench/contest"
	"streampump/bench/load"
	"streampump/bench/report"
	"streampump/bench/report/result"
	"streampump/bench/rival"
	"streampump/cmd/internal/cli"
)

// climbing is what the flags of capacity say.
type climbing struct {
	url      string // of a running server; empty: the pump is started here
	protocol string
	admin    string
	secure   secureFlags
	stream   streamFlags
	place    placeFlags

	climb.Options
	percent float64 // Precision
	doctor  string
	json    bool
	html    string
}

// What only one of the two kinds of climb takes.
var (
	runningFlags = []string{"pid", "protocol", "verify", "admin", "ca", "server-name"}
	ownFlags     = []string{"pump", "cores", "bitrate", "packet-size", "fps", "gop"}
)

func newCapacityCommand(e env) *cobra.Command {
	var o climbing
	cmd := &cobra.Command{
		Use:   "capacity [URL]",
		Short: "Find out how many viewers a server can carry, and what gives out first",
		Long: `Find out how many viewers a server can carry, and what gives out first. It is
loaded with twice as many players in each step, until a step fails:
the added delay is above --delay for more than one packet in a hundred, or a player
is lost, skipped ahead or gets less than the stream. Then the gap between the
most that were carried and the fewest that were not is halved down to --precision.
A step that fails although nothing was full is run once more before it counts.

Without URL, Stream Pump is started here for each step, with a stream of its own, on
the first processor or those of --cores; the load has the others. With URL, a
running server is loaded; --pid names its process, if it runs on this machine, and
--admin a pump's admin listener, so that more can be said about what gave out. The
delay is that of a stream of pump-bench encoder on this machine. With --tls the
players speak TLS, as those of pump-bench players do.

--doctor compares with what stream-pump doctor --capacity --json computed. Ctrl-C
ends the climb and prints the steps so far. The exit code is 1 if not one player
could be carried.`,
		Example: `  pump-bench capacity
  pump-bench capacity --bitrate 300k --cores 0-3 --html capacity.html
  pump-bench capacity mmsh://localhost:8086/streams/live --pid $(pidof stream-pump) --admin 127.0.0.1:8087
  stream-pump doctor --capacity pump.json --json | pump-bench capacity --doctor -`,
		Args: cli.Arguments("[URL]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.url = args[0]
			}
			if err := o.complete(cmd.Flags()); err != nil {
				return &cli.UsageError{Cmd: cmd, Err: err}
			}
			return e.climb(cmd.Context(), &o)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.From, "from", 100, "players in the first step")
	f.IntVar(&o.Most, "most", 0, "players in the largest step; 0: as many as this process has descriptors for")
	f.Float64Var(&o.percent, "precision", 5, "by how much the result may be off, in per cent")
	f.DurationVar(&o.Load.Duration, "step", 5*time.Second, "how long to measure in each step")
	f.DurationVar(&o.Delay, "delay", 250*time.Millisecond, "the added delay that 99 of 100 packets may have")
	f.Float64Var(&o.Joins, "joins", 2000, "players that connect per second")
	f.IntVar(&o.Load.PID, "pid", 0, "with URL: the server's process, to be measured")
	f.StringVar(&o.protocol, "protocol", "mmsh", "with URL: what players speak, mmsh or http")
	f.IntVar(&o.Load.Verify, "verify", verifyAuto, "with URL: players that check every byte and measure the delay; 0 for other formats")
	f.StringVar(&o.admin, "admin", "", "with URL: host:port of a pump's admin listener")
	o.secure.add(f)
	o.place.add(f)
	o.stream.add(f)
	f.StringVar(&o.doctor, "doctor", "", "compare with the JSON of stream-pump doctor --capacity in this file; -: standard input")
	f.BoolVar(&o.json, "json", false, "print the result as JSON")
	f.StringVar(&o.html, "html", "", htmlUsage)
	return cmd
}

// complete reads the flags that are texts, and checks the whole.
func (o *climbing) complete(f *pflag.FlagSet) (err error) {
	wrong, how := runningFlags, "without"
	if o.url != "" {
		wrong, how = ownFlags, "with"
	}
	for _, name := range wrong {
		if f.Changed(name) {
			return fmt.Errorf("--%s has no effect %s a URL", name, how)
		}
	}
	if o.url != "" {
		err = o.aim()
	} else if err = o.place.check(); err == nil {
		err = o.stream.check()
	}
	if err == nil {
		err = o.bounds()
	}
	if err != nil {
		return err
	}
	if o.Most == 0 {
		if o.Most, err = load.MostPlayers(); err != nil {
			return err
		}
	}
	o.Precision = o.percent / 100
	o.Load.Threads = 1 // see prepare
	return o.Check()
}

// bounds refuses numbers that cannot make a climb.
func (o *climbing) bounds() error {
	return inBounds(
		bound{"from", "1 or more", o.From >= 1, o.From},
		bound{"most", fmt.Sprintf("0, or at least --from (%d)", o.From), o.Most == 0 || o.Most >= o.From, o.Most},
		bound{"precision", "more than 0 and less than 100", o.percent > 0 && o.percent < 100, o.percent},
		above0("step", o.Load.Duration), above0("delay", o.Delay), above0("joins", o.Joins),
	)
}

// aim points the players at the running server.
func (o *climbing) aim() error {
	to, secured, err := o.secure.target(o.url)
	if err != nil {
		return err
	}
	o.Load.Addr, o.Load.Path, o.Load.TLS = to.addr, to.path, secured
	if o.Load.Plain, err = speaksHTTP(o.protocol); err != nil {
		return err
	}
	return inBounds(notBelow0("pid", o.Load.PID), notBelow0("verify", o.Load.Verify))
}

// speaksHTTP reports whether a protocol is HTTP alone.
func speaksHTTP(protocol string) (bool, error) {
	switch protocol {
	case "mmsh", "http":
		return protocol == "http", nil
	}
	return false, fmt.Errorf("--protocol must be mmsh or http, not %q", protocol)
}

// climb climbs and prints what came of it.
func (e env) climb(ctx context.Context, o *climbing) error {
	estimate, err := readEstimate(o.doctor)
	if err != nil {
		return err
	}
	page, err := report.Open(o.html)
	if err != nil {
		return err
	}
	defer page.Discard()
	if err := o.prepare(); err != nil {
		return err
	}
	show := e.newProgress(time.Second, 0)
	o.Begin = func(players int, expected time.Duration) {
		if o.url == "" {
			expected += startsWithin
		}
		show.next(expected, result.PlayersText(players))
	}
	o.Load.Progress = show.players
	c, err := climb.Run(ctx, o.Options)
	show.done()
	if err != nil {
		return err
	}
	all := result.Capacity{About: about(), Settings: o.settings(), Room: o.Room, Climb: c, Doctor: estimate.Against(c)}
	err = e.show(&all, o.json, page)
	if err == nil && c.Verdict.Players == 0 {
		return cli.ErrTold
	}
	return err
}

// settings are the flags as they took effect.
func (o *climbing) settings() result.CapacitySettings {
	s := result.CapacitySettings{
		URL: o.url, TLS: o.secure.on, PID: o.Load.PID, Verify: o.Load.Verify, From: o.From, Most: o.Most, Precision: o.percent,
		Delay: float64(o.Delay.Microseconds()) / 1000, Step: o.Load.Duration.Seconds(), Joins: o.Joins,
	}
	if o.url != "" {
		s.Protocol = o.protocol
		return s
	}
	stream := o.stream.settings()
	s.Stream = &stream
	return s
}

// prepare looks at the room there is, and says how a step is played.
func (o *climbing) prepare() (err error) {
	if o.url != "" {
		o.Room, err = runningRoom(o)
		o.Play = o.playRunning
	} else {
		err = o.prepareOwn()
	}
	// One thread drains some thousand players; more processors take more threads.
	o.Load.Threads = max(1, min(int(o.Room.Generator), maxThreads))
	// Beside them there are the encoder and the players that are verified.
	o.Room.Generator = min(o.Room.Generator, float64(o.Load.Threads)+1)
	return err
}

// maxThreads is how many threads drain players at most: beyond that they cost
// more than they carry on the machines that were tried.
const maxThreads = 8

// prepareOwn finds the pump, and places it and this process.
func (o *climbing) prepareOwn() error {
	kind, err := rival.Named("pump")
	if err != nil {
		return err
	}
	spec, err := o.stream.spec()
	if err != nil {
		return err
	}
	path, err := o.place.find(kind)
	if err != nil {
		return err
	}
	if err := o.place.take(); err != nil {
		return err
	}
	h := &contest.Heat{Kind: kind, Path: path, TLS: o.secure.on, Cores: o.place.placed.Server, Spec: spec}
	o.Room = ownRoom(o.place.placed)
	o.Play = func(ctx context.Context, l load.Options) (climb.Played, error) {
		h.Load = l
		out, err := h.Run(ctx)
		switch {
		case err != nil:
			return climb.Played{}, err
		case out.Result == nil: // it did not start
			return climb.Played{}, errors.New(out.Failed)
		}
		return climb.Played{Result: out.Result, Loops: out.Loops, Failed: out.Failed}, nil
	}
	return nil
}

// playRunning is a step on a running server.
func (o *climbing) playRunning(ctx context.Context, l load.Options) (p climb.Played, err error) {
	if o.admin != "" {
		l.Counters = func() (map[string]float64, error) { return contest.Counters(o.admin) }
		c, err := l.Counters()
		if err != nil {
			return p, fmt.Errorf("no status from %s: %w", o.admin, cli.Bare(err))
		}
		p.Loops = int(c["loops"])
	}
	p.Result, err = load.Run(ctx, l)
	return p, err
}
