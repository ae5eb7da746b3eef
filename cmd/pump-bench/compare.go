package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"streampump/bench/affinity"
	"streampump/bench/contest"
	"streampump/bench/load"
	"streampump/bench/rival"
	"streampump/bench/synth"
	"streampump/cmd/internal/cli"
)

// comparing is what the flags of compare say.
type comparing struct {
	servers []string
	pump    string
	cores   string
	rounds  int
	stall   string
	bitrate bits
	packet  int
	load.Options
	floor, json bool
}

// maxRounds bounds how often a contest is repeated: a night's worth.
const maxRounds = 1000

func newCompareCommand(e env) *cobra.Command {
	o := comparing{bitrate: 1_000_000}
	cmd := &cobra.Command{
		Use:   "compare",
		Short: "Measure the pump and its rivals side by side",
		Args:  cli.Arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			heats, err := o.heats()
			if err != nil {
				return &cli.UsageError{Cmd: cmd, Err: err}
			}
			return e.compare(cmd.Context(), &o, heats)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.servers, "servers", []string{"pump", "cubemap"}, "who takes part, of pump, cubemap, icecast and vlc")
	f.StringVar(&o.pump, "pump", "", "the pump's program; stream-pump beside this one, or on the PATH, if empty")
	f.StringVar(&o.cores, "cores", "", "the servers' processors, such as 0,2-3; the first if empty")
	f.IntVar(&o.rounds, "rounds", 3, "how often each is measured")
	f.BoolVar(&o.floor, "floor", true, "measure the floor too")
	f.IntVarP(&o.Players, "number", "n", 1000, "players")
	f.Var(&o.bitrate, "bitrate", "of the stream, such as 64k or 1.5M")
	f.IntVar(&o.packet, "packet-size", 1400, "bytes of a data packet")
	f.DurationVar(&o.Ramp, "ramp", time.Second, "time over which the players connect; 0: at once")
	f.DurationVar(&o.Duration, "duration", 5*time.Second, "how long each measurement is")
	f.StringVar(&o.stall, "stall", "", "which share of the players stops reading for how long, as in 5%:20s")
	f.BoolVar(&o.json, "json", false, "print the result as JSON")
	return cmd
}

// heats are the heats that the flags ask for.
func (o *comparing) heats() ([]*contest.Heat, error) {
	var err error
	if o.stall != "" {
		if o.Stall, err = load.ParseStall(o.stall); err != nil {
			return nil, err
		}
	}
	if o.rounds < 1 || o.rounds > maxRounds {
		return nil, fmt.Errorf("there are 1 to %d rounds, not %d", maxRounds, o.rounds)
	}
	o.Threads, o.Verify = 1, min(o.Players, verifyAuto)
	if err := o.Options.Check(); err != nil {
		return nil, err
	}
	var cores []int
	if o.cores != "" {
		if cores, err = affinity.Parse(o.cores); err != nil {
			return nil, err
		}
	}
	place, err := contest.Place(cores)
	if err != nil {
		return nil, err
	}
	spec := synth.Spec{PacketSize: o.packet, Preroll: preroll, Streams: []synth.Stream{synth.Video(1, 25, int(o.bitrate), 25)}}
	var heats []*contest.Heat
	for _, name := range o.servers {
		k, err := rival.Named(name)
		if err != nil {
			return nil, err
		}
		h := &contest.Heat{Kind: k, Cores: place.Server, Spec: spec, Load: o.Options}
		if name == "pump" {
			h.Path = o.pump
		}
		heats = append(heats, h)
	}
	if len(heats) == 0 {
		return nil, errors.New("nobody takes part")
	}
	return heats, nil
}

func (e env) compare(ctx context.Context, o *comparing, heats []*contest.Heat) error {
	c := contest.Contest{Heats: heats, Floor: o.floor, Rounds: o.rounds, Progress: func(i, n int, name string) {
		fmt.Fprintf(e.stderr, "%d of %d: %s\n", i+1, n, name)
	}}
	t, err := c.Run(ctx)
	if err != nil {
		return err
	}
	if o.json {
		return e.json(t)
	}
	for _, f := range []contest.Figure{contest.CPUPerGB, contest.CPUPerCall, contest.PacketsPerCall, contest.Cores, contest.DelayP50, contest.DelayP99, contest.AllJoined, contest.RSSPerViewer, contest.RSSGrowth, contest.StalledKernel, contest.Lost, contest.Gaps, contest.Broken, contest.GeneratorCores} {
		fmt.Fprintf(e.stdout, "%-22s", f)
		for _, n := range t.Names {
			fmt.Fprintf(e.stdout, " %s=%.3f", n, t.Column(n, f))
		}
		fmt.Fprintln(e.stdout)
	}
	for _, f := range t.Failures() {
		fmt.Fprintln(e.stdout, f)
	}
	return nil
}
