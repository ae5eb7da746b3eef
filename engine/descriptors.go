package engine

import (
	"fmt"

	"golang.org/x/sys/unix"

	"streampump/engine/door"
	"streampump/engine/settings"
)

// The descriptors kept back, by purpose. The tests fill the pump up and then take all
// of these.
const (
	forProcess  = 16 // the log, Go's poller, the clock, a profile
	forListener = 2  // with the spare one that says there is no room
	forLoop     = 5  // gnet's epoll set and its event counter, our set, the bell twice
	forSending  = 2  // a loop's sockets for datagrams
	forPull     = 3  // addresses of both families are tried at once, and names looked up
	forFile     = 2  // a replaced file is opened beside the old one
	forAdmin    = 24 // the admin listener's connections
	listeners   = 8  // as many as are allowed for
)

// leastConnections is the least number of connections for which the pump is worth
// starting.
const leastConnections = 32

// ReserveDescriptors is how many file descriptors are kept back from connections for
// everything else: [ReservedDescriptors], or more if the loops and streams need more.
func ReserveDescriptors(cfg Config, streams []StreamConfig) int {
	loops := max(1, cfg.Loops)
	n := cfg.Reserved + forProcess + listeners*forListener + forAdmin + loops*forLoop + door.MaxRefusing
	if cfg.Datagrams.First != 0 {
		n += loops * forSending
	}
	n += door.Ushers(loops) + listeners // accepted, and not yet with a loop
	for _, s := range streams {
		switch {
		case s.Pull != nil:
			n += forPull
		case s.File != nil:
			n += forFile
		}
	}
	return max(n, settings.ReservedDescriptors)
}

// NeedDescriptors is the lowest limit of file descriptors with which a pump of these
// streams can start.
func NeedDescriptors(cfg Config, streams []StreamConfig) int {
	n := leastConnections
	if c := cfg.Limits.Connections; c > 0 {
		n = min(n, c)
	}
	return ReserveDescriptors(cfg, streams) + n
}

// fitDescriptors lowers the limit of connections to what the descriptors allow.
func (e *Engine) fitDescriptors(streams []StreamConfig) error {
	limit, need := descriptorLimit(), NeedDescriptors(e.cfg, streams)
	if limit < need {
		return fmt.Errorf("a limit of %d open files is not enough: at least %d are needed, %d of them for connections (LimitNOFILE in the systemd unit, ulimit -n in a shell)",
			limit, need, need-e.reserve)
	}
	room, want := limit-e.reserve, e.cfg.Limits.Connections
	if want > room {
		e.log.Warn("the limit of open files allows fewer connections than limits.connections",
			"connections", room, "limits.connections", want, "open_files", limit, "needed", want+e.reserve)
	}
	if want == 0 || want > room {
		e.cfg.Limits.Connections = room
	}
	return nil
}

// descriptorLimit is how many descriptors this process may have.
func descriptorLimit() int {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil || r.Cur > 1<<30 {
		return 1 << 30
	}
	return int(r.Cur)
}

// spare reports whether there is room for another connection beside the open ones, and
// the sockets of sources that send datagrams, without touching what is kept back.
func (e *Engine) spare(open int) bool { return e.room(open + e.group.Ears()) }

// earsShare is which part of the descriptors that are left for connections the sockets of
// sources that send datagrams may take: one encoder may have thirty-two, and who asks for
// them need not send.
const earsShare = 4

// spareEar reports whether there is room for another of those sockets.
func (e *Engine) spareEar(connections, ears int) bool {
	return e.room(connections+ears) && e.room(earsShare*ears)
}

// room reports whether another descriptor may be taken beside so many. The limit is asked
// for each time: an operator may change it while we run.
func (e *Engine) room(taken int) bool { return taken < descriptorLimit()-e.reserve }
