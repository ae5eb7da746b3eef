package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"

	"github.com/spf13/cobra"

	"streampump/admin"
	"streampump/cmd/internal/cli"
	"streampump/config"
	"streampump/engine"
	"streampump/tuning"
)

// doctorFlags are the options of doctor.
type doctorFlags struct {
	all, json, generator bool
	pid                  int
	capacity             capacityFlags
}

func newDoctorCommand(e env) *cobra.Command {
	var o doctorFlags
	cmd := &cobra.Command{
		Use:   "doctor [CONFIG]",
		Short: "Look at the machine: what is set, what should be, what the difference costs",
		Long: `Look at the settings of this machine that matter for many viewers: what is, what
should be, what the difference costs, and how to set it right. With a
configuration, look also at what that asks of the machine, and at how long its
certificates are good. Nothing is changed, and root is not needed, except to see which
files of the configuration are closed to the user that the pump becomes.

The exit code is 0 if all is well, and 1 if something is worth changing; what
cannot be read here does not count.

With --capacity: how many viewers of the configuration's streams this machine can
carry, and what gives out first. It measures for two seconds what a write call
costs here, over loopback, and computes the rest from limits that it reads.`,
		Example: `  stream-pump doctor
  stream-pump doctor pump.json --all
  stream-pump doctor pump.json --pid $(pidof stream-pump) --json
  stream-pump doctor --capacity pump.json --bitrate 1.5M --nic 10G`,
		Args: cli.Arguments("[CONFIG]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.pid < 0 {
				return &cli.UsageError{Cmd: cmd, Err: errors.New("--pid takes a number above 0")}
			}
			if err := o.capacity.check(cmd, args); err != nil {
				return &cli.UsageError{Cmd: cmd, Err: err}
			}
			return e.doctor(cmd.Context(), args, o)
		},
	}
	f := cmd.Flags()
	f.BoolVarP(&o.all, "all", "a", false, "also show what is as it should be")
	f.BoolVar(&o.json, "json", false, "print everything as JSON")
	f.IntVar(&o.pid, "pid", 0, "look at the limits and the environment of a running pump, not of this shell")
	f.BoolVar(&o.generator, "generator", false, "look at the machine also as one that makes load with pump-bench")
	o.capacity.add(f)
	return cmd
}

// doctor looks at the machine and tells; cli.ErrTold if something is worth changing.
func (e env) doctor(ctx context.Context, args []string, o doctorFlags) error {
	box, err := e.boxOf(o.pid)
	if err != nil {
		return err
	}
	p := fileFindings{pulls: []pullReport{}, closed: []string{}}
	if len(args) > 0 {
		c, problems := e.read(args[0])
		mistakes := e.print(problems)
		if mistakes > 0 {
			err = e.refuse(args[0], problems)
		}
		if o.capacity.on {
			if err != nil {
				return err
			}
			box.Use = useOf(c, box.Machine)
			return e.capacity(ctx, box, c, o.capacity, o.json)
		}
		if c != nil { // otherwise there is still the machine
			if err := e.lookAtFiles(c, fileOf(args[0]), &p); err != nil {
				return err
			}
			box.Use = useOf(c, box.Machine)
		}
		p.mistakes = mistakes > 0
	}
	box.Use.Generator = o.generator
	found := tuning.Check(box)
	if err := e.tell(box, found, p, o); err != nil {
		return err
	}
	if number(found, tuning.Change) > 0 || p.worth() {
		return cli.ErrTold
	}
	return nil
}

// boxOf is the machine, as the process of that number sees it, or this one.
func (e env) boxOf(pid int) (*tuning.Box, error) {
	if pid == 0 {
		return e.box(tuning.Self), nil
	}
	box := e.box(strconv.Itoa(pid))
	if _, err := fs.Stat(box.Root, path.Join("proc", box.Process)); err != nil {
		return nil, fmt.Errorf("there is no process %d", pid)
	}
	return box, nil
}

// thisBox is the machine that we run on.
func thisBox(process string) *tuning.Box {
	root := tuning.Root()
	return &tuning.Box{Root: root, Process: process, Machine: tuning.Look(root, process), Qdisc: tuning.ReadQdisc}
}

// useOf is what a configuration asks of the machine.
func useOf(c *config.Config, m tuning.Machine) tuning.Use {
	l := &c.Engine.Limits
	u := tuning.Use{Reserved: reserved(c, m), Viewers: l.Connections, Loops: c.Engine.Loops, NotSentLowat: c.Engine.Fanout.NotSentLowat,
		Datagrams: c.Engine.Datagrams.First != 0, Hears: hears(c)}
	if u.Viewers == 0 && l.Viewers.Viewers > 0 {
		u.Viewers = l.Viewers.Viewers + l.Viewers.Pumps
	}
	for _, s := range c.Streams {
		if s.Enabled && s.Type.Pulled() {
			u.Pulls++
		}
	}
	return u
}

// reserved is how many descriptors the pump keeps back from connections.
func reserved(c *config.Config, m tuning.Machine) int {
	e := c.Engine
	e.Loops = loopsOf(c, m)
	streams, err := streamsOf(c)
	if err != nil {
		return engine.ReservedDescriptors // it would not be served
	}
	return engine.ReserveDescriptors(e, streams)
}

// loopsOf is how many event loops the pump will have.
func loopsOf(c *config.Config, m tuning.Machine) int {
	if c.Engine.Loops > 0 {
		return c.Engine.Loops
	}
	loops, _ := tuning.Decide(m)
	return loops
}

// number counts the findings of a state.
func number(found []tuning.Finding, state tuning.State) (n int) {
	for _, f := range found {
		if f.State == state {
			n++
		}
	}
	return n
}

// checkReport is the JSON of doctor.
type checkReport struct {
	Machine  machineReport        `json:"machine"`
	Count    map[tuning.State]int `json:"count"`
	Settings []settingReport      `json:"settings"`
	// Certificates are those of the configuration, as in the pump's status.
	Certificates []admin.CertificateStatus `json:"certificates"`
	// ClientCertificates are those that pulled streams show their sources.
	ClientCertificates []pullReport `json:"client_certificates"`
	// Closed are sentences on files that are closed to the user that the pump becomes;
	// only root can find them.
	Closed []string `json:"closed"`
}

// machineReport is the machine; what is not known is left out.
type machineReport struct {
	Processor   string            `json:"processor,omitempty"`
	Processors  int               `json:"processors"`
	Cores       int               `json:"cores"`
	Nodes       int               `json:"numa_nodes,omitempty"`
	CacheLine   int               `json:"cache_line_bytes,omitempty"`
	L1          int               `json:"l1_bytes,omitempty"`
	L2          int               `json:"l2_bytes,omitempty"`
	L3          int               `json:"l3_bytes,omitempty"`
	Quota       float64           `json:"cpu_quota,omitempty"`
	Memory      int64             `json:"memory_bytes,omitempty"`
	MemoryLimit int64             `json:"memory_limit_bytes,omitempty"`
	Interfaces  []interfaceReport `json:"interfaces"`
}

type interfaceReport struct {
	Name  string `json:"name"`
	Speed int    `json:"speed_mbits,omitempty"`
	RX    int    `json:"rx_queues"`
	TX    int    `json:"tx_queues"`
}

// settingReport is one finding.
type settingReport struct {
	Name   string       `json:"name"`
	Where  string       `json:"where,omitempty"`
	State  tuning.State `json:"state"`
	Is     string       `json:"is,omitempty"`
	Should string       `json:"should_be,omitempty"`
	Unit   string       `json:"unit,omitempty"`
	Note   string       `json:"note,omitempty"`
	Cost   string       `json:"cost"`
	Reason string       `json:"reason"`
	Source string       `json:"source"`
	Fix    []string     `json:"fix,omitempty"`
}

func reportOf(b *tuning.Box, found []tuning.Finding) checkReport {
	r := checkReport{Machine: machineOf(b.Machine), Count: map[tuning.State]int{}}
	for _, s := range []tuning.State{tuning.OK, tuning.Change, tuning.Unread, tuning.Away} {
		r.Count[s] = number(found, s)
	}
	for _, f := range found {
		r.Settings = append(r.Settings, settingReport{
			f.Row.Name, f.Where, f.State, f.Is, f.Want, f.Row.Unit, f.Note, f.Row.Cost, f.Row.Reason, f.Row.Source, f.Fix,
		})
	}
	return r
}

func machineOf(m tuning.Machine) machineReport {
	p := m.Processor
	r := machineReport{
		Processor: p.Name, Processors: len(m.CPUs), Cores: m.Cores(), Nodes: m.NodeCount(),
		CacheLine: p.CacheLine, L1: p.L1, L2: p.L2, L3: p.L3,
		Quota: m.Quota, Memory: m.Memory, MemoryLimit: m.MemoryLimit, Interfaces: []interfaceReport{},
	}
	for _, i := range m.Interfaces {
		r.Interfaces = append(r.Interfaces, interfaceReport{i.Name, i.Speed, i.RX, i.TX})
	}
	return r
}

// json prints a result for programs.
func (e env) json(v any) error {
	enc := json.NewEncoder(e.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
