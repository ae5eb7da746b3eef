package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"streampump/bench/feed"
	"streampump/bench/gate"
	"streampump/bench/load"
	"streampump/bench/meter"
	"streampump/bench/report"
	"streampump/bench/report/result"
	"streampump/bench/rival"
	"streampump/bench/synth"
	"streampump/cmd/internal/cli"
)

// gating is what the flags of gate say.
type gating struct {
	short, json bool
	rounds      int
	rows        []string
	place       placeFlags
	html        string
}

func newGateCommand(e env) *cobra.Command {
	var o gating
	cmd := &cobra.Command{
		Use:   "gate",
		Short: "Measure what a release promises, and fail if it does not hold",
		Long: `Measure what a release promises: the pump against the floor and against Cubemap in
the same rounds, its delay, memory, joins and stalls, and what TLS costs, against what
encryption alone does and against nginx and stunnel in front of it. Each promise is a
row with its bound. Over RTSP it is measured against itself over MMSH, and against those
of MediaMTX, go2rtc, lalserver and live555ProxyServer that are on the PATH: against
the cheapest in each round. So it is over RTMP, against nginx with its module for RTMP,
and MediaMTX and SRS if they are on the PATH.

The strict form is for a release, on a machine that does nothing else, and takes
about thirty minutes: a row falls when the median of its rounds is past its
bound by more than its own spread. With --short it takes less than four minutes,
prints the same, and a row falls only if it is a count, or if the whole
interval of a ratio lies past one and a half times its bound.

The exit code is 1 if a row fell, the pump failed, or, in the strict form, a rival
failed or a row was not measured. The row against servers of RTSP, which no package
brings, does not fall where there are none.`,
		Example: `  pump-bench gate
  pump-bench gate --short
  pump-bench gate --rows bytes-cubemap,delay-p99 --html gate.html`,
		Args: cli.Arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			g, err := o.gate()
			if err != nil {
				return &cli.UsageError{Cmd: cmd, Err: err}
			}
			return e.gate(cmd.Context(), &o, g)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.short, "short", false, "the short form, within four minutes")
	f.IntVar(&o.rounds, "rounds", 0, "how often to measure each; 0: 5, or 2 with --short")
	f.StringSliceVar(&o.rows, "rows", nil, "rows to measure, by name; all if empty")
	o.place.add(f)
	f.BoolVar(&o.json, "json", false, "print the result as JSON")
	f.StringVar(&o.html, "html", "", htmlUsage)
	return cmd
}

// gate is what the flags ask for.
func (o *gating) gate() (*gate.Gate, error) {
	g := &gate.Gate{Form: gate.Strict(), Only: o.rows, Setup: gate.Setup{Video: gateVideo}}
	if o.short {
		g.Form = gate.Short()
	}
	if err := inBounds(bound{"rounds", fmt.Sprintf("0 to %d", maxRounds), o.rounds >= 0 && o.rounds <= maxRounds, o.rounds}); err != nil {
		return nil, err
	}
	if o.rounds > 0 {
		g.Form.Rounds = o.rounds
	}
	if err := g.Check(); err != nil {
		return nil, err
	}
	return g, o.place.check()
}

// gateVideo is the stream of the gate's scenes: pictures, as ffmpeg packs them.
func gateVideo(bitrate int) (synth.Spec, error) {
	e := encoding{bitrate: bits(bitrate), packetSize: 1400, fps: 25, gop: 25, multiple: true}
	return e.spec()
}

// prepare finds what is measured, and confines this process to its processors.
func (o *gating) prepare(g *gate.Gate) error {
	pump, err := rival.Named("pump")
	if err != nil {
		return err
	}
	if g.Setup.Pump, err = o.place.find(pump); err != nil {
		return err
	}
	limit, err := meter.Descriptors()
	if err != nil {
		return err
	}
	if g.Setup.Most = int(limit) - gate.Reserve; g.Setup.Most < gate.Least {
		return fmt.Errorf("the gate needs %d descriptors, but this process may have %d (ulimit -n)", gate.Least+gate.Reserve, limit)
	}
	if k, err := rival.Named("cubemap"); err == nil {
		if _, err := k.Find(); err == nil {
			g.Setup.Cubemap = k
		}
	}
	for _, k := range rival.Kinds() {
		switch _, err := k.Find(); {
		case err != nil:
		case k.Fronts:
			g.Setup.Fronts = append(g.Setup.Fronts, k)
		case k.Name != pump.Name && !k.Speaks(feed.MMSH):
			g.Setup.Rivals = append(g.Setup.Rivals, k)
		}
	}
	if err := o.place.take(); err != nil {
		return err
	}
	g.Setup.Place = o.place.placed
	return nil
}

func (e env) gate(ctx context.Context, o *gating, g *gate.Gate) error {
	page, err := report.Open(o.html)
	if err != nil {
		return err
	}
	defer page.Discard()
	if err := o.prepare(g); err != nil {
		return err
	}
	if g.Setup.Cubemap == nil {
		fmt.Fprintln(e.stderr, "pump-bench: Cubemap is not installed, so the rows against it are not measured: apt-get install --no-install-recommends cubemap")
	}
	for _, protocol := range []string{feed.RTSP, feed.RTMP} {
		if !slices.ContainsFunc(g.Setup.Rivals, func(k *rival.Kind) bool { return k.Speaks(protocol) }) {
			fmt.Fprintf(e.stderr, "pump-bench: there is no rival over %s, so the rows against those are not measured: docs/measuring.md says how to get them\n", strings.ToUpper(protocol))
		}
	}
	if len(g.Setup.Fronts) < 2 {
		fmt.Fprintln(e.stderr, "pump-bench: nginx and stunnel are not both installed, so not all rows about TLS are measured: "+
			"apt-get install --no-install-recommends nginx-light libnginx-mod-stream stunnel4")
	}
	total, steps := g.Expected()
	show := e.newProgress(total, steps)
	began := time.Now()
	var length time.Duration
	g.Step = func(_, _ int, what string, l time.Duration) {
		began, length = time.Now(), l
		show.next(l, what)
	}
	g.Progress = func(p load.Progress) {
		show.tell(min(time.Since(began), length), fmt.Sprintf("%d players, %d lost", p.Counts.Held, p.Counts.Lost))
	}
	r, err := g.Run(ctx)
	show.done()
	if err != nil {
		return err
	}
	all := result.Gate{About: about(), Result: r}
	err = e.show(&all, o.json, page)
	for _, name := range r.Fell() {
		fmt.Fprintf(e.stderr, "pump-bench: the row %s fell\n", name)
	}
	for _, f := range r.Failures {
		fmt.Fprintf(e.stderr, "pump-bench: %s\n", f)
	}
	for _, f := range r.Rivals {
		fmt.Fprintf(e.stderr, "pump-bench: a rival failed, for which no row falls: %s\n", f)
	}
	if err == nil && (len(r.Fell()) > 0 || len(r.Failures) > 0 || r.Interrupted) {
		return cli.ErrTold
	}
	return err
}
