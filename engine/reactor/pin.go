package reactor

import "golang.org/x/sys/unix"

// pinned reports whether the loops stay on processors of their own.
func (r *Reactor) pinned() bool { return len(r.cfg.Processors) > 0 }

// pin keeps the loop's thread on its processor. It is called on the loop's own
// goroutine, which gnet has locked to the thread. A loop that cannot be pinned
// runs all the same.
func (r *Reactor) pin() {
	id := r.loop.ID()
	cpu := r.cfg.Processors[id%len(r.cfg.Processors)]
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		r.cfg.Log.Warn("an event loop cannot be pinned", "loop", id, "processor", cpu, "why", err)
		return
	}
	r.cfg.Log.Info("event loop is pinned", "loop", id, "processor", cpu)
}
