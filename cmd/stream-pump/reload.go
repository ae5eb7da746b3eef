package main

import (
	"context"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"syscall"
	"time"

	"streampump/config"
)

// source is where a configuration came from.
type source struct {
	env
	path string
	// was is the configuration as it was read, for comparison; nil if it cannot be read
	// again: a pipe would not give it twice.
	was *config.Config
	// root: it was read by root, to whom everything is open.
	root bool
}

// sourceOf reads a configuration for comparison. The pump's own is changed as it adapts
// itself to the machine.
func (e env) sourceOf(path string) source {
	s := source{env: e, path: path, root: os.Geteuid() == 0}
	if s.again() {
		s.was, _ = e.read(path)
	}
	return s
}

// again reports whether the configuration can be read once more.
func (s source) again() bool {
	if s.path == stdinName {
		return false
	}
	st, err := os.Stat(s.path)
	return err != nil || st.Mode().IsRegular() // an error is told when it is read
}

// file is the file that will be read again; empty if there is none.
func (s source) file() string {
	if s.path == "" || !s.again() {
		return ""
	}
	return s.path
}

// reloads does what is wanted of it until ctx ends.
func (u *supervision) reloads(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-u.signals.reloads:
			u.reload()
		}
		// Those that are wanted meanwhile are one.
		select {
		case <-ctx.Done():
		case <-time.After(betweenReloads):
		}
	}
}

// betweenReloads is the least time from the end of a reload to the next one.
const betweenReloads = 100 * time.Millisecond

// reload reads the certificates anew, which hold at once, and the configuration, which
// holds from the next start: it is only looked at.
func (u *supervision) reload() {
	u.manager.Reloading()
	u.log.Info("reload: certificates and configuration are read")
	u.sec.reload(u.log.Logger)
	pending := u.configuration()
	u.mu.Lock()
	u.pending = pending
	u.mu.Unlock()
	u.manager.Ready(u.text())
}

// configuration looks whether a restart would find another configuration, and whether it
// would be served. It returns what is to be remembered of that.
func (u *supervision) configuration() (pending string) {
	s := u.source
	if !s.again() || s.was == nil {
		u.log.Info("reload: the configuration did not come from a file and cannot be read again", "configuration", configName(s.path))
		return ""
	}
	c, problems := s.read(s.path)
	closed, loudest := c == nil && s.closed(problems), slog.LevelError
	if closed {
		loudest = slog.LevelWarn // none of them need be a mistake
	}
	mistakes := u.tellProblems(problems, loudest)
	switch {
	case closed:
		u.log.Warn("reload: files of the configuration are closed to the pump, which is not root any longer; what a restart would find is not known",
			"configuration", s.path, "look", "as root: stream-pump check "+s.path)
		return "; the configuration could not be read"
	case c == nil:
		u.log.Error("reload: a restart would fail; the pump goes on with the configuration that it has",
			"configuration", s.path, "mistakes", mistakes, "all", "stream-pump check "+s.path)
		return "; the configuration has mistakes"
	case !reflect.DeepEqual(c, s.was):
		u.log.Warn("reload: the configuration, or a file of access rules, has changed; it holds from the next start", "configuration", s.path)
		return "; a changed configuration waits for a restart"
	default:
		u.log.Info("reload: the configuration is the one in use", "configuration", s.path)
		return ""
	}
}

// closed reports whether all mistakes are that files are closed to a pump which was root
// when it read them. A restart would read them again.
func (s source) closed(problems []config.Problem) bool {
	for _, p := range problems {
		if !p.Warning && !strings.Contains(p.Text, syscall.EACCES.Error()) {
			return false
		}
	}
	return s.root && os.Geteuid() != 0
}

// mostTold is how many problems of a configuration are in the log after a reload.
const mostTold = 20

// tellProblems logs problems, none louder than loudest, and counts the mistakes among
// them.
func (u *supervision) tellProblems(problems []config.Problem, loudest slog.Level) (mistakes int) {
	for i, p := range problems {
		if !p.Warning {
			mistakes++
		}
		if i < mostTold {
			u.log.Log(context.Background(), min(levelOf(p), loudest), "configuration", "problem", p.String())
		}
	}
	return mistakes
}
