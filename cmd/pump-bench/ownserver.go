package main

import (
	"fmt"
	"os/exec"

	"github.com/spf13/pflag"

	"streampump/bench/affinity"
	"streampump/bench/contest"
	"streampump/bench/report/result"
	"streampump/bench/rival"
	"streampump/cmd/internal/cli"
)

// streamFlags are the flags that say what stream the servers get that are
// started here.
type streamFlags struct{ encoding }

// add adds the flags and sets their defaults. Packets are full, so that most of
// what is sent is media.
func (o *streamFlags) add(f *pflag.FlagSet) {
	o.addVideo(f)
	o.multiple = true
}

// check refuses flags that make no stream.
func (o *streamFlags) check() error {
	_, err := o.spec()
	return err
}

// settings are the flags as a result tells them.
func (o *streamFlags) settings() result.Stream {
	return result.Stream{Bitrate: int(o.bitrate), PacketSize: o.packetSize, FPS: o.fps, GOP: o.gop}
}

// placeFlags are the flags that say what is run where.
type placeFlags struct {
	pump, cores string
	placed      contest.Placement
}

// add adds the flags.
func (o *placeFlags) add(f *pflag.FlagSet) {
	f.StringVar(&o.pump, "pump", "", "the pump's program; stream-pump beside this one, or on the PATH, if empty")
	f.StringVar(&o.cores, "cores", "", "the servers' processors, such as 0,2-3; the first if empty")
}

// check reads the flag that is a text, and refuses processors that cannot be had.
func (o *placeFlags) check() (err error) {
	if o.cores == "" {
		return nil
	}
	if o.placed.Server, err = affinity.Parse(o.cores); err != nil {
		return err
	}
	return contest.CanPlace(o.placed.Server)
}

// take gives the servers their processors, and keeps this process on the others.
func (o *placeFlags) take() (err error) {
	o.placed, err = contest.Place(o.placed.Server)
	return err
}

// behind is the program of the pump behind servers that front it; empty if it is to be
// found.
func (o *placeFlags) behind() string { return o.pump }

// find is where a server's program is.
func (o *placeFlags) find(k *rival.Kind) (string, error) {
	if k.Name != "pump" || o.pump == "" {
		return k.Find()
	}
	path, err := exec.LookPath(o.pump)
	if err != nil {
		return "", fmt.Errorf("--pump %s is not a program: %w", o.pump, cli.Bare(err))
	}
	return path, nil
}
