package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"streampump/bench/contest"
	"streampump/bench/rival"
	"streampump/bench/synth"
	"streampump/cmd/internal/cli"
	"streampump/cmd/internal/fetch"
)

// startsWithin is about how long a server takes to start, to get the stream and
// to end.
const startsWithin = 1500 * time.Millisecond

// heats are the heats that the flags ask for. It confines this process to the load's
// processors.
func (o *comparing) heats(ctx context.Context) (heats []*contest.Heat, err error) {
	var spec synth.Spec
	if o.players.Feed == nil {
		if spec, err = o.stream.spec(); err != nil {
			return nil, err
		}
	}
	for _, k := range rival.Kinds() {
		if !o.takesPart(k.Name) || k.NoPart(o.tls, o.protocol) != "" {
			continue
		}
		path, err := o.place.find(k)
		switch {
		case err == nil:
			h := contest.Heat{Kind: k, Name: k.Name, Path: path, Pump: o.place.behind(), TLS: o.tls, Spec: spec, Feed: o.players.Feed, HeadStart: o.headStart, Load: o.players}
			heats = append(heats, o.of(h)...)
		case len(o.servers) > 0 || k.Name == "pump":
			return nil, err
		default:
			o.notInstalled = append(o.notInstalled, err.Error())
		}
	}
	if err := o.profiled(heats); err != nil {
		return nil, err
	}
	// Nothing is refused any more.
	if err := o.place.take(); err != nil {
		return nil, err
	}
	o.versions = map[string]string{}
	for _, h := range heats {
		h.Cores = o.place.placed.Server
		o.versions[h.Name] = h.Kind.Version(ctx, h.Path)
	}
	return heats, nil
}

// of are the heats of one server: one, or of the pump one for each latency
// budget.
func (o *comparing) of(h contest.Heat) (heats []*contest.Heat) {
	if h.Kind.Name != "pump" || len(o.budgets) == 0 {
		return []*contest.Heat{&h}
	}
	for i := range o.budgets {
		each := h
		each.Name = h.Name + " " + o.budgets[i].String()
		each.Fanout.Budget = &o.budgets[i]
		heats = append(heats, &each)
	}
	return heats
}

// profiled has each of the pump's runs profiled, if that is asked for.
func (o *comparing) profiled(heats []*contest.Heat) error {
	if o.profile == "" {
		return nil
	}
	if err := os.MkdirAll(o.profile, 0o755); err != nil {
		return fmt.Errorf("no folder for the profiles, %s: %w", o.profile, cli.Bare(err))
	}
	for _, h := range heats {
		if h.Kind.Name != "pump" {
			continue
		}
		run := 0
		h.Profile = func(ctx context.Context, admin string) error {
			run++
			return keepProfile(ctx, admin, filepath.Join(o.profile, fmt.Sprintf("%s-%d.pb.gz", strings.ReplaceAll(h.Name, " ", "-"), run)), o.players.Expected())
		}
	}
	return nil
}

// keepProfile writes a CPU profile of a run to a file.
func keepProfile(ctx context.Context, admin, file string, length time.Duration) error {
	a, err := fetch.Parse(admin)
	if err != nil {
		return err
	}
	kind, _ := fetch.KindOf("cpu") // there is one
	packed, err := a.Profile(ctx, fetch.Order{Kind: kind, Seconds: max(int(length.Seconds()), 1)})
	if err != nil {
		return err
	}
	return os.WriteFile(file, packed, 0o644)
}
