package main

import (
	"net"
	"net/netip"
	"slices"
	"strconv"

	"streampump/bench/affinity"
	"streampump/bench/climb"
	"streampump/bench/contest"
	"streampump/bench/meter"
	"streampump/tuning"
)

// ownRoom is what a pump has that is started here.
func ownRoom(p contest.Placement) climb.Room {
	r := roomOf(tuning.Self, p.Server, p.Load)
	// It raises its limit as far as it may.
	r.Descriptors, _ = tuning.HardDescriptors(tuning.Root(), tuning.Self) // 0 is not known
	return r
}

// runningRoom is what the running server has, as far as its process is known.
func runningRoom(o *climbing) (r climb.Room, err error) {
	own, err := affinity.Own()
	if err != nil {
		return r, err
	}
	if pid := o.Load.PID; pid == 0 {
		r.LoadCores, r.Generator = own, within(own, tuning.ReadMachine().Quota)
	} else {
		process := strconv.Itoa(pid)
		r = roomOf(process, tuning.Look(tuning.Root(), process).CPUs, own)
		if r.Descriptors, err = meter.DescriptorsOf(pid); err != nil {
			return r, err
		}
	}
	r.CardName, r.Card = cardTo(o.Load.Addr)
	return r, nil
}

// roomOf is what a process of this machine has on the cores of server, with the
// load on others.
func roomOf(process string, server, load []int) climb.Room {
	box := tuning.Box{Root: tuning.Root(), Process: process, Machine: tuning.Look(tuning.Root(), process)}
	r := climb.Room{
		Cores: server, Processors: within(server, box.Machine.Quota),
		LoadCores: load, Generator: within(load, tuning.ReadMachine().Quota),
		Memory: box.Machine.MemoryLimit, Sockets: box.SocketPages() * tuning.PageSize,
	}
	both := slices.Compact(slices.Sorted(slices.Values(slices.Concat(server, load))))
	if len(both) < len(server)+len(load) {
		r.Shared = float64(len(both))
	}
	return r
}

// within is how many of the cores a quota lets be used; 0 is none.
func within(cores []int, quota float64) float64 {
	n := float64(len(cores))
	if quota > 0 {
		n = min(n, quota)
	}
	return n
}

// cardTo is the interface by which a server is reached, and its speed in bits per
// second: 0 if it tells none, or if the server is on this machine.
func cardTo(addr string) (name string, bits float64) {
	// Nothing is sent: to connect a UDP socket is to ask for the way.
	c, err := net.Dial("udp", addr)
	if err != nil {
		return "", 0
	}
	defer c.Close()
	from, err1 := netip.ParseAddrPort(c.LocalAddr().String())
	to, err2 := netip.ParseAddrPort(c.RemoteAddr().String())
	if err1 != nil || err2 != nil || from.Addr() == to.Addr() || to.Addr().IsLoopback() {
		return "", 0
	}
	all, err := net.Interfaces()
	if err != nil {
		return "", 0
	}
	for _, i := range all {
		addrs, _ := i.Addrs()
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr() == from.Addr() {
				mbits, _ := tuning.Speed(tuning.Root(), i.Name)
				return i.Name, float64(mbits) * 1e6
			}
		}
	}
	return "", 0
}
