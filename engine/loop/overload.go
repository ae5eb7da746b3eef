package loop

import "time"

// busyness is whether a loop keeps up with its work.
type busyness struct {
	behind int64 // since when no pass has had time for all its work; 0: the last one had
	passes int   // since then
	said   int64 // when it was last logged
}

// overloadAfter is how long a loop's passes must lack time for all their work before
// it is called overloaded. Bursts and joins are over within some passes.
const overloadAfter = int64(time.Second)

// overloadAgain is how often that is logged again while it lasts.
const overloadAgain = int64(10 * time.Second)

// judge notes at the end of a pass whether it had time for all its work, and tells
// the operator when none has had for a while: viewers get their packets late or are
// moved on to newer ones, and more cores or fewer viewers are needed.
func (l *Loop) judge() {
	d := &l.busy
	if !l.yielded {
		if l.stats.overloaded.Load() {
			l.stats.overloaded.Store(false)
			l.group.loadLog.Info("an event loop has caught up", "loop", l.id, "after", seconds(l.now-d.behind))
		}
		d.behind, d.passes = 0, 0
		return
	}
	l.stats.yields.Add(1)
	if d.behind == 0 {
		d.behind = l.now
	}
	d.passes++
	if l.now-d.behind < overloadAfter {
		return
	}
	if !l.stats.overloaded.Swap(true) || l.now-d.said >= overloadAgain {
		d.said = l.now
		l.group.loadLog.Warn("an event loop is too slow for its viewers; they get packets late, or miss some",
			"loop", l.id, "viewers", l.stats.viewers.Load(), "streams", len(l.shows), "behind_for", seconds(l.now-d.behind), "passes", d.passes)
	}
}

// seconds is a time for the log.
func seconds(ns int64) time.Duration { return time.Duration(ns).Round(time.Second / 10) }
