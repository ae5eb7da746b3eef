package engine

import "golang.org/x/sys/unix"

// pinned reports whether the loops stay on processors of their own.
func (e *Engine) pinned() bool { return len(e.cfg.Processors) > 0 }

// pin keeps the loop's thread on its processor. It is called on the loop's own
// goroutine, which gnet has locked to the thread. A loop that can not be pinned
// runs all the same.
func (r *netReactor) pin() {
	e, id := r.loop.eng, r.loop.id
	cpu := e.cfg.Processors[id%len(e.cfg.Processors)]
	var set unix.CPUSet
	set.Set(cpu)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		e.log.Warn("an event loop can not be pinned", "loop", id, "processor", cpu, "error", err)
		return
	}
	e.log.Info("event loop is pinned", "loop", id, "processor", cpu)
}
