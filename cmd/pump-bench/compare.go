package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"streampump/bench/contest"
	"streampump/bench/feed"
	"streampump/bench/load"
	"streampump/bench/report"
	"streampump/bench/report/result"
	"streampump/bench/rival"
	"streampump/cmd/internal/cli"
)

// maxRounds bounds how often a contest is repeated: a night's worth.
const maxRounds = 1000

// maxBudget is the largest latency budget that a pump takes.
const maxBudget = time.Second

// comparing is what the flags of compare say.
type comparing struct {
	servers      []string
	tls          bool
	protocol     string
	stream       streamFlags
	place        placeFlags
	rounds       int
	stall        string
	throttle     string
	players      load.Options
	headStart    time.Duration
	budgets      []time.Duration
	floor, json  bool
	html         string
	profile      string
	versions     map[string]string
	notInstalled []string
}

func newCompareCommand(e env) *cobra.Command {
	var o comparing
	cmd := &cobra.Command{
		Use:   "compare",
		Short: "Measure the pump and its rivals side by side",
		Long: `Measure the pump and its rivals side by side: each in turn on the same cores,
fed with the same stream, with the same players, in several rounds, and beside
them the floor, with as many packets in a call as the pump had.

The servers are started here, with the settings they come with: Stream Pump
(` + "`make build`" + `), and of Cubemap, Icecast and VLC those that are installed. They
have the first processor, or those of --cores, and the load has the others.

With --tls the players speak TLS: to the pump itself, to the pump behind nginx and
behind stunnel, and to Cubemap, whose TLS is the kernel's. The certificates are made
here for each run. The floor then says what encryption alone costs, too.

With --protocol rtsp the stream comes and goes over RTSP, on the connection: H.264 and
AAC of that bitrate, 25 pictures a second, --gop of them from one key frame to the
next. MediaMTX, go2rtc, lalserver and live555ProxyServer take part if they are on the
PATH; the last fetches the stream from a pump of its own, which is not measured. A
player has joined when a key frame begins. Gaps and damaged pictures, those that a gap
cut or began, are told of the players whose every byte is checked; what live555
sends is cut anew, so that neither that nor its delay is measured.

With --protocol rtmp it comes and goes over RTMP: the same pictures and sound, each of
them a packet. nginx with its module for RTMP takes part if it is installed, MediaMTX
and SRS if they are on the PATH.

What is compared are ratios within a round, because no machine is equally fast
for long: the median, and in brackets the interval it lies in. Ctrl-C ends the
server under way and prints what was measured so far. The exit code is 1 if the
pump failed or lost players; what a rival failed in is told.`,
		Example: `  pump-bench compare
  pump-bench compare --servers pump,cubemap,icecast,vlc --rounds 5 --html compare.html
  pump-bench compare -n 500 --stall 5%:20s --duration 25s
  pump-bench compare --segment 1460 --latency-budget 90ms,20ms,0
  pump-bench compare --tls -n 2000 --ramp 0
  pump-bench compare --protocol rtsp -n 300 --gop 50
  pump-bench compare --protocol rtmp -n 300 --gop 50 --head-start 20s
  pump-bench compare --protocol rtsp -n 100 --gop 50 --bitrate 4M --stall 10%:15s --duration 20s
  pump-bench compare --servers pump --profile profiles/`,
		Args: cli.Arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return &cli.UsageError{Cmd: cmd, Err: err}
			}
			return e.compare(cmd.Context(), &o)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.servers, "servers", nil, "servers that take part: pump, cubemap, icecast, vlc, with --tls pump, cubemap, nginx, stunnel, with --protocol rtsp pump, live555, go2rtc, mediamtx, lal, with --protocol rtmp pump, nginx-rtmp, mediamtx, srs; the pump and those installed if empty")
	f.BoolVar(&o.tls, "tls", false, "players speak TLS")
	f.StringVar(&o.protocol, "protocol", feed.MMSH, "what the stream comes and goes over: mmsh, which includes HTTP, rtsp or rtmp")
	o.place.add(f)
	f.IntVar(&o.rounds, "rounds", 3, "how often to measure each")
	f.BoolVar(&o.floor, "floor", true, "measure the floor too")
	f.IntVarP(&o.players.Players, "number", "n", 1000, "players")
	o.stream.add(f)
	f.DurationVar(&o.headStart, "head-start", 0, "time for which a server has its stream before the players come; 20s fill the pump's backlog")
	f.DurationVar(&o.players.Ramp, "ramp", time.Second, "time over which the players connect; 0: at once")
	f.DurationVar(&o.players.Duration, "duration", 5*time.Second, "length of each measurement")
	f.StringVar(&o.stall, "stall", "", "share of the players that stops reading, and for how long, as in 5%:20s")
	f.StringVar(&o.throttle, "throttle", "", "share of the players that reads slowly, and at what bitrate, as in 5%:300k")
	f.IntVar(&o.players.Segment, "segment", 0, segmentUsage)
	f.DurationSliceVar(&o.budgets, "latency-budget", nil, "run the pump once with each of these as its fanout.latency_budget, as in 90ms,0; its own if empty")
	f.StringVar(&o.profile, "profile", "", "keep a CPU profile of each of the pump's runs in this folder")
	f.BoolVar(&o.json, "json", false, "print the result as JSON")
	f.StringVar(&o.html, "html", "", htmlUsage)
	return cmd
}

// check reads the flags that are texts, and checks the whole.
func (o *comparing) check() (err error) {
	if o.stall != "" {
		if o.players.Stall, err = load.ParseStall(o.stall); err != nil {
			return err
		}
	}
	if o.throttle != "" {
		if o.players.Throttle, err = load.ParseThrottle(o.throttle); err != nil {
			return err
		}
	}
	if err := inBounds(
		bound{"rounds", fmt.Sprintf("1 to %d", maxRounds), o.rounds >= 1 && o.rounds <= maxRounds, o.rounds},
		bound{"number (-n)", "1 or more", o.players.Players >= 1, o.players.Players},
		notBelow0("head-start", o.headStart), notBelow0("ramp", o.players.Ramp), above0("duration", o.players.Duration), notBelow0("segment", o.players.Segment),
	); err != nil {
		return err
	}
	o.players.Threads, o.players.Verify = 1, min(o.players.Players, verifyAuto)
	if err := o.place.check(); err != nil {
		return err
	}
	if err := o.checkStream(); err != nil {
		return err
	}
	for _, name := range o.servers {
		k, err := rival.Named(name)
		if err != nil {
			return err
		}
		if why := k.NoPart(o.tls, o.protocol); why != "" {
			return fmt.Errorf("--servers %s: %s", name, why)
		}
	}
	for i, b := range o.budgets {
		switch {
		case b < 0 || b > maxBudget:
			return fmt.Errorf("--latency-budget must be from 0 to %s, not %s", maxBudget, b)
		case slices.Contains(o.budgets[:i], b):
			return fmt.Errorf("--latency-budget has %s twice", b)
		}
	}
	if err := o.checkPump(); err != nil {
		return err
	}
	return o.players.Check()
}

// checkStream refuses flags that make no stream, and finds the one over another protocol than
// MMSH.
func (o *comparing) checkStream() (err error) {
	_, known := feeds[o.protocol]
	switch {
	case o.protocol == feed.MMSH:
		return o.stream.check()
	case !known:
		return fmt.Errorf("--protocol is %s, %s or %s, not %q", feed.MMSH, feed.RTSP, feed.RTMP, o.protocol)
	case o.tls:
		return fmt.Errorf("--tls is not measured with --protocol %s", o.protocol)
	}
	o.players.Feed, err = o.stream.feed(o.protocol)
	return err
}

// checkPump refuses options for the pump if it does not take part.
func (o *comparing) checkPump() error {
	switch {
	case o.takesPart("pump"):
	case o.floor:
		return errors.New("the floor needs the pump, whose packets per call it takes: without the pump, use --floor=false")
	case o.place.pump != "":
		return errors.New("--pump needs the pump among --servers")
	case len(o.budgets) > 0:
		return errors.New("--latency-budget needs the pump among --servers")
	case o.profile != "":
		return errors.New("--profile needs the pump among --servers")
	}
	return nil
}

// takesPart reports whether a server may take part.
func (o *comparing) takesPart(name string) bool {
	return len(o.servers) == 0 || slices.Contains(o.servers, name)
}

// compare runs the contest and prints what came of it.
func (e env) compare(ctx context.Context, o *comparing) error {
	page, err := report.Open(o.html)
	if err != nil {
		return err
	}
	defer page.Discard()
	heats, err := o.heats(ctx)
	if err != nil {
		return err
	}
	for _, n := range o.notInstalled {
		fmt.Fprintf(e.stderr, "pump-bench: left out: %s\n", n)
	}
	steps := len(heats)
	if o.floor {
		steps++
	}
	one := o.headStart + o.players.Expected() + startsWithin
	show := e.newProgress(one*time.Duration(steps*o.rounds), steps*o.rounds)
	c := contest.Contest{Heats: heats, Floor: o.floor, Rounds: o.rounds, Progress: func(_, _ int, name string) { show.next(one, name) }}
	for _, h := range heats {
		h.Load.Progress = show.players
	}
	t, err := c.Run(ctx)
	show.done()
	if t == nil || err != nil && !t.Measured() {
		return err
	}
	// What was measured is reported, whatever came after.
	told := e.tell(o, t, page)
	if err != nil && errors.Is(told, cli.ErrTold) {
		return err // which has not been reported yet
	}
	return errors.Join(err, told)
}

// tell prints what came of a contest and writes its page.
func (e env) tell(o *comparing, t *contest.Table, page *report.File) error {
	all := result.Contest{About: about(), Settings: o.settings(), Versions: o.versions, Table: t, Failures: t.Failures()}
	err := e.show(&all, o.json, page)
	switch {
	case err != nil:
		return err
	case o.failed(t):
		return cli.ErrTold
	case !t.Measured():
		return errNothing
	}
	return nil
}

// failed reports whether the pump did, or the floor. A rival's failure is told.
func (o *comparing) failed(t *contest.Table) bool {
	return slices.ContainsFunc(t.Names, func(name string) bool {
		_, err := rival.Named(name)
		own := err != nil || name == "pump" // of several pumps each has a name of its own
		return own && len(t.FailuresOf(name)) > 0
	})
}

// settings are the flags as they took effect.
func (o *comparing) settings() result.ContestSettings {
	p := &o.players
	over, stream := "", o.stream.settings()
	if p.Feed != nil {
		over = o.protocol
	}
	if over == feed.RTMP {
		stream.PacketSize = 0 // a picture is a packet
	}
	return result.ContestSettings{
		Players: p.Players, Protocol: over, Stream: stream,
		HeadStart: o.headStart.Seconds(), Ramp: p.Ramp.Seconds(), Duration: p.Duration.Seconds(), Stall: p.Stall.String(), Throttle: p.Throttle.String(), Segment: p.Segment,
		TLS: o.tls, Rounds: o.rounds, ServerCores: o.place.placed.Server, LoadCores: o.place.placed.Load,
	}
}
